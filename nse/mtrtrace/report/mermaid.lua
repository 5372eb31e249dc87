-- SPDX-License-Identifier: BSD-2-Clause

--- The paths as a Mermaid flow chart, which many wikis and forges draw.
-- @module mtrtrace.report.mermaid
local format = require "mtrtrace.base.format"
local graph = require "mtrtrace.table.graph"

local M = {}

-- Letters, digits and "_" alone; different for different nodes.
local function id_of(node_id)
  return "n" .. node_id:gsub("[^%w]", function(c)
    return c == "." and "_" or c == ":" and "__" or "___"
  end)
end

local function label(text)
  return (format.clean(text):gsub('[#"<>&]', function(c)
    return ("#%d;"):format(c:byte())
  end))
end

local function node_line(node)
  local parts = {}
  for i, text in ipairs(node.lines) do
    parts[i] = label(text)
  end
  local open, close = "[", "]"
  if node.silent then
    open, close = "(", ")"
  elseif node.target or node.source then
    open, close = "[[", "]]"
  end
  return ('  %s%s"%s"%s\n'):format(id_of(node.id), open,
    table.concat(parts, "<br/>"), close)
end

local function edge_line(edge, single)
  local text = single and edge.figures
    and ('|"%s"|'):format(label(edge.figures)) or ""
  return ("  %s %s%s %s\n"):format(id_of(edge.from),
    edge.sure and "-->" or "-.->", text, id_of(edge.to))
end

-- Mermaid would draw an edge that is said twice as two.
local function add_once(parts, seen, line)
  if not seen[line] then
    seen[line] = true
    parts[#parts + 1] = line
  end
end

M.head = "flowchart LR\n"

--- A trace.
-- @tparam table result judged
-- @tparam table view `targets`: how many there are; `seen`, a table that
--   all traces of a document share: lines written so far
-- @treturn string
function M.trace(result, view)
  local drawn, parts, seen = graph.of(result), {}, view.seen or {}
  for _, node in ipairs(drawn.nodes) do
    add_once(parts, seen, node_line(node))
  end
  for _, edge in ipairs(drawn.edges) do
    add_once(parts, seen, edge_line(edge, view.targets == 1))
  end
  return table.concat(parts)
end

return M

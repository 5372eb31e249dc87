-- SPDX-License-Identifier: BSD-2-Clause

--- The paths as a graph for Graphviz. Pure.
-- @module mtrtrace.report.dot
local format = require "mtrtrace.base.format"
local graph = require "mtrtrace.table.graph"

local M = {}

local function quoted(text)
  return '"' .. format.clean(text):gsub('[\\"]', "\\%0") .. '"'
end

local function label(lines)
  local parts = {}
  for i, text in ipairs(lines) do
    parts[i] = quoted(text):sub(2, -2)
  end
  return '"' .. table.concat(parts, "\\n") .. '"'
end

local function node_line(node)
  local look = node.silent and ", style=dashed"
    or (node.target or node.source) and ", style=bold" or ""
  return ("  %s [label=%s%s];\n"):format(quoted(node.id), label(node.lines),
    look)
end

-- With several traces an edge may belong to many of them, so it has no
-- figures.
local function edge_line(edge, single)
  local looks = {}
  if single and edge.figures then
    looks[1] = "label=" .. quoted(edge.figures)
  end
  looks[#looks + 1] = not edge.sure and "style=dashed" or nil
  return ("  %s -> %s%s;\n"):format(quoted(edge.from), quoted(edge.to),
    #looks > 0 and (" [%s]"):format(table.concat(looks, ", ")) or "")
end

--- What stands before the traces. Nodes and edges said twice are one.
M.head = 'strict digraph "mtr-trace" {\n  rankdir=LR;\n  node [shape=box];\n'
M.tail = "}\n"

--- A trace.
-- @tparam table result judged
-- @tparam table view `targets`: how many there are
-- @treturn string
function M.trace(result, view)
  local drawn, parts = graph.of(result), {}
  for _, node in ipairs(drawn.nodes) do
    parts[#parts + 1] = node_line(node)
  end
  for _, edge in ipairs(drawn.edges) do
    parts[#parts + 1] = edge_line(edge, view.targets == 1)
  end
  return table.concat(parts)
end

return M

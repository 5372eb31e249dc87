-- SPDX-License-Identifier: BSD-2-Clause

--- Drawing of the path: a row of nodes for each hop, from this host down. With
-- multipath detection the edges are the links found. A silent hop is a node of
-- its own. Pure.
-- @module mtrtrace.html.graph
local fill = require "mtrtrace.html.fill"
local graph = require "mtrtrace.table.graph"
local unicode = require "mtrtrace.base.unicode"

local M = {}

-- Nodes of a hop that are drawn, characters in a line (an IPv6 address fits),
-- and sizes in pixels.
local MOST, LETTERS = 6, 39
local RAIL, LETTER, LINE, PAD, GAP, DROP = 28, 6.4, 14, 8, 14, 26

local function more_node(count)
  return { lines = { ("and %d more"):format(count) }, silent = true }
end

-- The layers with nodes that can be drawn, the source first; and their links.
local function stages_of(result)
  local source = { lines = { result.source or "here", "this host" },
    source = true }
  local layers, links = graph.layers(result)
  local stages, drawn = { { source } }, {}
  for i, layer in ipairs(layers) do
    local nodes = { ttl = layer.ttl, table.unpack(layer, 1,
      math.min(#layer, MOST)) }
    local more = #layer > MOST and more_node(#layer - MOST) or nil
    nodes[#nodes + 1] = more
    for j, node in ipairs(layer) do
      drawn[node] = j <= MOST and node or more
    end
    stages[i + 1] = nodes
  end
  for _, link in ipairs(links) do
    link.from, link.to = drawn[link.from], drawn[link.to]
  end
  for _, node in ipairs(stages[2] or {}) do
    links[#links + 1] = { from = source, to = node,
      sure = result.graph ~= nil or #stages[2] == 1 }
  end
  return stages, links
end

local function lines_of(node)
  local lines = {}
  for i, line in ipairs(node.lines) do
    lines[i] = fill.shorten(line, LETTERS)
  end
  if node.figures and node.figures ~= "" then
    lines[#lines + 1] = node.figures
  end
  return lines
end

-- Sizes: nodes are equally wide, a stage is as high as its highest node.
local function measure(stages)
  local longest, most = 12, 1
  for _, stage in ipairs(stages) do
    stage.height, most = 0, math.max(most, #stage)
    for _, node in ipairs(stage) do
      node.shown = lines_of(node)
      stage.height = math.max(stage.height, #node.shown * LINE + PAD)
      for _, line in ipairs(node.shown) do
        longest = math.max(longest, unicode.width(line))
      end
    end
  end
  local width = math.ceil(longest * LETTER + 2 * PAD)
  return width, RAIL + most * (width + GAP) - GAP + 1
end

-- Places nodes from the left, so that a narrow screen shows the responders
-- with the most replies.
local function place(stages, width)
  local y = 1
  for _, stage in ipairs(stages) do
    for i, node in ipairs(stage) do
      node.x = RAIL + (i - 1) * (width + GAP)
      node.y = y
    end
    stage.y = y
    y = y + stage.height + DROP
  end
  return y - DROP + 1
end

local function class_of(node)
  return node.silent and "node silent" or node.target and "node target"
    or node.source and "node source" or "node"
end

local NODE = '<g class="$(class)"><title>$(title)</title>'
  .. '<rect x="$(x)" y="$(y)" width="$(width)" height="$(height)" rx="6"/>'
  .. "$[texts]</g>\n"

local TEXT = '<text x="$(x)" y="$(y)"$[class]>$(text)</text>'

local function node_html(node, width)
  local parts = {}
  for i, line in ipairs(node.shown) do
    parts[i] = fill.fill(TEXT, { x = fill.at(node.x + width / 2),
      y = fill.at(node.y + i * LINE + PAD / 2 - 3), text = line,
      class = i > 1 and ' class="minor"' or "" })
  end
  return fill.fill(NODE, { class = class_of(node),
    title = table.concat(node.lines, ", "), x = fill.at(node.x),
    y = fill.at(node.y), width = width,
    height = #node.shown * LINE + PAD, texts = table.concat(parts) })
end

local function curve(from, to, width)
  local y1 = from.y + #from.shown * LINE + PAD
  local middle = fill.at((y1 + to.y) / 2)
  local x1, x2 = fill.at(from.x + width / 2), fill.at(to.x + width / 2)
  return ("M%s %sC%s %s %s %s %s %s"):format(x1, fill.at(y1), x1, middle, x2,
    middle, x2, fill.at(to.y))
end

-- Draws the links from a stage as two SVG paths: known links and possible
-- ones.
local function edges_html(stage, links, width)
  local of_stage, sure, unsure = {}, {}, {}
  for _, node in ipairs(stage) do
    of_stage[node] = true
  end
  local seen = {}
  for _, link in ipairs(links) do
    local d = of_stage[link.from] and curve(link.from, link.to, width)
    if d and not seen[d] then
      seen[d] = true
      local list = link.sure and sure or unsure
      list[#list + 1] = d
    end
  end
  local function path(list, class)
    return #list > 0 and ('<path class="edge%s" d="%s"/>\n'):format(class,
      table.concat(list)) or ""
  end
  return path(sure, "") .. path(unsure, " unsure")
end

local function stage_html(stage, links, width)
  local parts = { edges_html(stage, links, width) }
  if stage.ttl then
    parts[#parts + 1] = ('<text class="rail" x="0" y="%s">%d</text>\n')
      :format(fill.at(stage.y + stage.height / 2 + 4), stage.ttl)
  end
  for _, node in ipairs(stage) do
    parts[#parts + 1] = node_html(node, width)
  end
  return table.concat(parts)
end

local DRAWING = [[
<svg class="graph" role="img" width="$(width)" height="$(height)" ]]
  .. [[viewBox="0 0 $(width) $(height)">
<title>$(title)</title>
<desc>$(about)</desc>
$[drawing]</svg>
]]

--- The drawing of a trace.
-- @tparam table result judged
-- @tparam string title
-- @treturn string HTML
function M.render(result, title)
  local stages, links = stages_of(result)
  local width, total = measure(stages)
  local height = place(stages, width)
  return fill.fill(DRAWING, {
    title = title, width = math.ceil(total),
    height = math.ceil(height),
    about = "Each row is a hop, with the addresses that answered there. "
      .. "The table of hops says the same.",
    drawing = fill.each(stages, function(stage)
      return stage_html(stage, links, width)
    end),
  })
end

return M

-- SPDX-License-Identifier: BSD-2-Clause

--- The report as one page of HTML that needs nothing but itself: no network,
-- and no script unless to sort. Pure: results in, text out; reads no clock.
--
-- The top of the page summarizes all traces, so the traces are collected in
-- `view.seen`, and the page is written after the last one.
-- @module mtrtrace.report.html
local fill = require "mtrtrace.html.fill"
local format = require "mtrtrace.base.format"
local grid = require "mtrtrace.table.grid"
local legend = require "mtrtrace.html.legend"
local overview = require "mtrtrace.html.overview"
local page = require "mtrtrace.html.page"
local trace = require "mtrtrace.html.trace"

local M = {}

-- With more targets there are no drawings, with more than a few all sections
-- are closed: the page stays small and quick.
local DRAWN, OPEN = 200, 3

local SECTION = [[
<details class="trace"$[open]><summary><h2>$(name)</h2> ]]
  .. [[<span class="status $[class]">$(status)</span></summary>
<div class="body" id="$(id)">
$[body]</div>
</details>
]]

local ALONE = '<p class="status $[class]">$(status)</p>\n$[body]'

local function state_of(view)
  view.seen.html = view.seen.html
    or { sections = {}, rows = {}, reached = 0 }
  return view.seen.html
end

local function add(view, name, status, reached, body)
  local state = state_of(view)
  local single = (view.targets or 1) == 1
  state.reached = state.reached + (reached and 1 or 0)
  state.title = name
  state.sections[#state.sections + 1] = fill.fill(single and ALONE or SECTION,
    { name = name, status = status, body = body, id = "t" .. #state.rows,
      class = reached and "good" or "bad",
      open = (view.targets or 1) <= OPEN and " open" or "" })
end

--- A trace.
-- @tparam table result judged
-- @tparam table view `columns`, `chosen`, `max_silent`, `targets`, `seen`,
--   and `name`: the target as the user typed it; `below`: HTML to stand below
-- @treturn string empty: it stands in the tail
function M.trace(result, view)
  local state, targets = state_of(view), view.targets or 1
  local id = "t" .. #state.rows + 1
  local row, reached = overview.row(result, view, id)
  state.rows[#state.rows + 1] = row
  add(view, grid.target(result, view.name), trace.status(result), reached,
    trace.render(result, view, targets <= DRAWN) .. (view.below or ""))
  return ""
end

--- A target that was not traced.
-- @tparam string err why, one sentence
-- @tparam table view `name`
-- @treturn string empty
function M.failure(err, view)
  local state, name = state_of(view), format.clean(view.name)
  state.rows[#state.rows + 1] = overview.failure(err, name,
    "t" .. #state.rows + 1)
  add(view, name, "Not traced", false,
    '<p class="findings">' .. fill.escape(err) .. "</p>\n")
  return ""
end

local LEFT_OUT = "<p>Drawings are left out with more than %d targets.</p>\n"

local function main_of(state, targets)
  if targets == 1 then
    return table.concat(state.sections)
  end
  return overview.render(state.rows, state.reached)
    .. (targets > DRAWN and LEFT_OUT:format(DRAWN) or "")
    .. table.concat(state.sections)
end

--- The page.
-- @tparam table view as for the traces, and `version` of this program
-- @treturn string
function M.tail(view)
  local state, targets = state_of(view), view.targets or 1
  return page.render {
    title = targets == 1 and "Path to " .. (state.title or "nowhere")
      or ("Paths to %d targets"):format(#state.rows),
    main = main_of(state, targets),
    legend = legend.render(trace.columns(view)),
    version = view.version, script = targets > 1,
  }
end

return M

-- SPDX-License-Identifier: BSD-2-Clause

--- The result of several flows to one target: put together, judged, and with
-- the graph of their paths. Pure.
-- @module mtrtrace.session.outcome
local group = require "mtrtrace.flows.group"
local judge = require "mtrtrace.verdict.flows"
local search = require "mtrtrace.flows.search"

local M = {}

--- Puts flows together.
-- @tparam {table,...} flows results of one flow each, with their `flow`
-- @tparam function merge (list of flow numbers) to a result of all of them
-- @tparam ?table found what the search for paths gave, where one went before
-- @treturn table as mtrtrace.verdict.flows gives it, with `graph`
function M.of(flows, merge, found)
  merge = group.remembered(merge)
  local result = judge.many(flows, merge)
  if found then
    search.correct(found, result, flows)
  end
  return judge.graph(result, flows, merge, found)
end

return M

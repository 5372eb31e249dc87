-- SPDX-License-Identifier: BSD-2-Clause

--- The targets of the service, and the counters of the process. Pure.
-- @module mtrtrace.service.roster
local entry = require "mtrtrace.service.entry"
local exposition = require "mtrtrace.service.exposition"

local M = {}

local Roster = {}
Roster.__index = Roster

-- A target is identified by its label and protocol.
local function key_of(spec)
  return spec.label .. "\0" .. spec.options.protocol
end

--- Replaces the list of targets. Targets in both lists keep their counters.
-- @tparam {table,...} specs see mtrtrace.service.entry
-- @treturn {table,...} the added entries
-- @treturn {table,...} the removed entries
function Roster:replace(specs)
  local list, by_key, new, gone = {}, {}, {}, {}
  for _, spec in ipairs(specs) do
    local key = key_of(spec)
    local one = self.by_key[key]
    if by_key[key] then
      one = nil -- repeated in the list
    elseif one then
      one:update(spec)
    else
      one = entry.new(spec, self.bounds)
      new[#new + 1] = one
    end
    by_key[key], list[#list + 1] = by_key[key] or one, one
  end
  for key, one in pairs(self.by_key) do
    one.gone = by_key[key] ~= one
    gone[#gone + 1] = one.gone and one or nil
  end
  self.list, self.by_key = list, by_key
  self.values.targets = #list
  return new, gone
end

--- Adds a finished round of a target.
-- @tparam table one an entry
-- @tparam ?table result judged
-- @tparam ?string err the reason if there is none
-- @tparam number now_s seconds since 1970
function Roster:take(one, result, err, now_s)
  local values = self.values
  local discarded = one.counts.discarded
  one:take(result, err, now_s)
  one:series(self.only_target, self.pack) -- now, so that no scrape waits
  values.rounds = values.rounds + 1
  values.discarded = values.discarded + one.counts.discarded - discarded
  if result then
    values.clock_adjustments = values.clock_adjustments
      + (result.clock_adjustments or 0)
  end
end

--- Whether each target has had a round.
-- @treturn boolean
function Roster:is_ready()
  for _, one in ipairs(self.list) do
    if one.rounds == 0 then
      return false
    end
  end
  return true
end

--- The targets of a name, more than one if they differ in their protocol.
-- @tparam string label
-- @tparam ?string protocol
-- @treturn ?table an entry
function Roster:find(label, protocol)
  for _, one in ipairs(self.list) do
    if one.spec.label == label
      and (protocol == nil or one.spec.options.protocol == protocol) then
      return one
    end
  end
end

--- The page of all metrics.
-- @tparam boolean openmetrics
-- @tparam table process further values of the process
-- @treturn {string,...} its pieces
function Roster:page(openmetrics, process)
  local chunks = {}
  for i, one in ipairs(self.list) do
    if not one.chunks then
      self.breathe()
    end
    chunks[i] = one:series(self.only_target, self.pack)
  end
  return exposition.page(chunks, setmetatable(process,
    { __index = self.values }), openmetrics)
end

--- Makes a roster without targets.
-- @tparam table settings `bounds` of the histogram; `only_target`: no series
--   of hops; `pack`: see mtrtrace.service.exposition.chunks; `breathe()`:
--   called between the targets of a large page, may yield
-- @treturn table { list, values }
function M.new(settings)
  return setmetatable({ bounds = settings.bounds, list = {}, by_key = {},
    only_target = settings.only_target, pack = settings.pack,
    breathe = settings.breathe or function() end,
    values = { targets = 0, rounds = 0, skipped = 0, discarded = 0,
      clock_adjustments = 0, file_errors = 0 } }, Roster)
end

return M

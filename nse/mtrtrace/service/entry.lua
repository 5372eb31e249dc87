-- SPDX-License-Identifier: BSD-2-Clause

--- One target of the service: its counters, its last rounds and the history of
-- its path. Uses bounded memory however long it runs. Pure.
-- @module mtrtrace.service.entry
local counts = require "mtrtrace.service.counts"
local exposition = require "mtrtrace.service.exposition"
local frozen = require "mtrtrace.base.frozen"
local path_log = require "mtrtrace.service.path_log"
local window = require "mtrtrace.service.window"

local M = {}

local Entry = {}
Entry.__index = Entry

-- The text of the labels that all series of a target have.
local function labels_of(spec)
  local parts = { exposition.label("target", spec.label),
    exposition.label("protocol", spec.options.protocol) }
  for _, label in ipairs(spec.labels) do
    parts[#parts + 1] = exposition.label(label[1], label[2])
  end
  return table.concat(parts, ",")
end

-- Drops the records of single replies, which only verdicts need. Reports show
-- ICMP extensions, so records with extensions stay.
local function without_replies(result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      local kept = {}
      for _, answer in ipairs(responder.answers or {}) do
        kept[#kept + 1] = answer.extensions and answer or nil
      end
      responder.answers = kept
    end
  end
  result.each_flow = nil
  return result
end

--- Adds a finished round.
-- @tparam ?table result judged; nil if the round could not begin
-- @tparam ?string err the reason for nil
-- @tparam number now_s seconds since 1970
function Entry:take(result, err, now_s)
  self.rounds, self.err, self.chunks = self.rounds + 1, err, nil
  if not result then
    self.counts:fail()
    return
  end
  self.counts:take(result, now_s)
  local changes, values = self.log:take(result, now_s), self.counts.values
  values.path_changes = self.log.count
  self.window:take(result, changes > 0)
  values.loss_begins, values.loss_begins_low, values.loss_begins_high =
    self.window:loss_begins()
  self.result_s = now_s
  self.frozen = frozen.freeze(without_replies(result))
end

--- The last round with a result.
-- @treturn ?table its result
function Entry:result()
  return self.frozen and frozen.thaw(self.frozen)
end

--- Changes options and labels; counters stay.
-- @tparam table spec see `new`
function Entry:update(spec)
  local labels = labels_of(spec)
  self.chunks = labels == self.counts.labels and self.chunks or nil
  self.spec, self.counts.labels = spec, labels
end

--- The series as text, cached until they change.
-- @tparam boolean only_target see mtrtrace.service.exposition.chunks
-- @tparam ?function pack see mtrtrace.service.exposition.chunks
-- @treturn {string,...}
function Entry:series(only_target, pack)
  self.chunks = self.chunks
    or exposition.chunks(self.counts, only_target, pack)
  return self.chunks
end

--- The state of the target in words.
-- @treturn string
function Entry:state()
  if self.rounds == 0 then
    return "waiting"
  end
  return self.err and "failed"
    or self.counts.values.reached == 1 and "reached" or "not reached"
end

--- Makes the entry of a target.
-- @tparam table spec `label`: the target in metrics and on pages; `name`: as
--   the user wrote it; `options`, checked; `labels`: { { name, value } }
-- @tparam {number,...} bounds of the histogram, seconds
-- @treturn table
function M.new(spec, bounds)
  return setmetatable({ spec = spec, rounds = 0, window = window.new(),
    log = path_log.new(), counts = counts.new(labels_of(spec), bounds) },
    Entry)
end

return M

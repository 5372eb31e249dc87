-- SPDX-License-Identifier: BSD-2-Clause

--- Several simultaneous flows to one target, as one trace: an object with the
-- methods of core.trace's object that holds one such object for each flow.
-- @module mtrtrace.flows.bundle
local tables = require "mtrtrace.base.tables"

local M = {}

local Bundle = {}
Bundle.__index = Bundle

--- Whether all flows are done. Polls every flow, because the engine stops a
-- trace that is not polled.
-- @treturn boolean
function Bundle:done()
  local done = true
  for _, number in ipairs(self.numbers) do
    done = self.traces[number]:done() and done
  end
  return done
end

--- Returns the merged result of some of the flows.
-- @tparam ?{integer,...} numbers of flows; all where nil
-- @tparam ?{number,...} bounds as trace:result() takes them
-- @treturn table as trace:result() gives it
function Bundle:result(numbers, bounds)
  local list = {}
  for i, number in ipairs(numbers or self.numbers) do
    list[i] = self.traces[number]
  end
  return self.core.merge(list, bounds)
end

-- Orders events by time; events of one flow keep their order.
local function in_order(a, b)
  if a.order ~= b.order then
    return a.order < b.order
  end
  return a.place < b.place
end

local function sorted(self, events)
  for i, event in ipairs(events) do
    local after = self.began[event.flow] - self.began[self.numbers[1]]
    event.order, event.place = after + (event.at_ns or 0), i
  end
  table.sort(events, in_order)
  for _, event in ipairs(events) do
    event.order, event.place = nil, nil
  end
  return events
end

--- Returns the events of all flows since the last call.
-- @treturn {table,...} events in the order of time, each with its `flow`
-- @treturn integer how many were dropped
function Bundle:events()
  local events, dropped = {}, 0
  for _, number in ipairs(self.numbers) do
    local list, missed = self.traces[number]:events()
    for _, event in ipairs(list) do
      event.flow = number
      events[#events + 1] = event
    end
    dropped = dropped + missed
  end
  return sorted(self, events), dropped
end

--- Returns the result of each flow.
-- @treturn {table,...} results of one flow each
function Bundle:flows()
  local list = {}
  for i, number in ipairs(self.numbers) do
    list[i] = self.traces[number]:result()
  end
  return list
end

--- Stops all flows; their results can still be read.
function Bundle:stop()
  for _, number in ipairs(self.numbers) do
    self.traces[number]:stop()
  end
end

--- Closes all flows.
function Bundle:close()
  for _, trace in pairs(self.traces) do
    trace:close()
  end
end

--- Starts the flows.
-- @tparam table core the module mtrtrace.core
-- @tparam table options as core.trace takes them, without `flow`
-- @tparam {integer,...} numbers of the flows
-- @treturn ?table as core.trace gives it, with flows()
-- @treturn ?string why there is none: one sentence
-- @treturn ?string its name
function M.start(core, options, numbers)
  local self = setmetatable({
    core = core, numbers = numbers, traces = {}, began = {},
  }, Bundle)
  for _, number in ipairs(numbers) do
    -- Flows through a rate-limited router share one sample; with own_only each
    -- outcome is counted once when the flows are merged.
    local one = tables.update({ flow = number, own_only = true }, options)
    local trace, text, name = core.trace(one)
    if not trace then
      self:close()
      return nil, text, name
    end
    self.traces[number] = trace
    self.began[number] = trace:result().started_ns or 0
  end
  return self
end

--- Returns the numbers of flows.
-- @tparam {table,...} flows each with its `flow`
-- @treturn {integer,...}
function M.numbers(flows)
  local numbers = {}
  for i, flow in ipairs(flows) do
    numbers[i] = flow.flow
  end
  return numbers
end

--- Returns the numbers of the first flows.
-- @tparam integer count
-- @treturn {integer,...}
function M.first(count)
  local numbers = {}
  for i = 1, count do
    numbers[i] = i - 1
  end
  return numbers
end

return M

-- SPDX-License-Identifier: BSD-2-Clause

--- Several flows counted from their events, by the engine's own counters: in a
-- replay, and on the live screen beside a run. Has the digits that the
-- engine's merge of the same flows has. Pure, but for its counters.
-- @module mtrtrace.session.counting
local outcome = require "mtrtrace.session.outcome"
local tables = require "mtrtrace.base.tables"

local M = {}

local Counting = {}
Counting.__index = Counting

--- Takes an event.
-- @tparam table event as the engine gives it, with its `flow`
-- @treturn ?boolean true, or nil where it cannot be one
-- @treturn ?string why not: one sentence
function Counting:add(event)
  local counter = self.counters[event.flow]
  if not counter then
    return nil, "'flow' is missing or is no flow of the trace"
  end
  return counter:add(event)
end

--- The hops of some flows together.
-- @tparam {integer,...} numbers of the flows
-- @tparam integer first TTL
-- @tparam integer last TTL
-- @treturn {table,...}
function Counting:hops(numbers, first, last)
  local others = {}
  for i = 2, #numbers do
    others[i - 1] = self.counters[numbers[i]]
  end
  return self.counters[numbers[1]]:hops(first, last, others)
end

-- ---- heads: a result without its hops --------------------------------------

local END = { "ending", "end_ttl", "target_ttl", "reached" }

-- The head of some flows together: the best end, and the farthest TTL probed.
local function head_of(self, heads, numbers)
  local head = tables.copy(heads[numbers[1]])
  for i = 2, #numbers do
    local other = heads[numbers[i]]
    if self.counters[numbers[1]]:ends_better(other, head) then
      for _, key in ipairs(END) do
        head[key] = other[key]
      end
    end
    head.probed_hop = math.max(head.probed_hop or 0, other.probed_hop or 0)
  end
  return head
end

local function last_of(head)
  return head.end_ttl or head.probed_hop
end

-- What was answered to each flow, flow after flow, is all that was answered.
local function add_answers(result, flows)
  local into = {}
  for _, hop in ipairs(result.hops) do
    into[hop.ttl] = {}
    for _, responder in ipairs(hop.responders) do
      into[hop.ttl][responder.address], responder.answers = responder, {}
    end
  end
  for _, flow in ipairs(flows) do
    for _, hop in ipairs(flow.hops) do
      for _, responder in ipairs(into[hop.ttl] and hop.responders or {}) do
        local to = into[hop.ttl][responder.address]
        local from = to and responder.answers or {}
        table.move(from, 1, #from, to and #to.answers + 1 or 1,
          to and to.answers or {})
      end
    end
  end
end

--- What the flows show together, judged.
-- @tparam table heads by flow number, results without hops: `first_hop`,
--   `end_ttl`, `probed_hop`, `ending`, ...
-- @tparam table whole the same of all flows together
-- @tparam function annotate gets each flow's result and its number, and
--   results of several flows without one, to add what no event says
-- @tparam ?table found what the search for paths gave
-- @treturn table as mtrtrace.session.outcome gives it, with `each_flow`
function Counting:outcome(heads, whole, annotate, found)
  local flows = {}
  for i, number in ipairs(self.numbers) do
    local flow = tables.copy(heads[number])
    flow.flow = number
    flow.hops = self:hops({ number }, flow.first_hop, last_of(flow))
    annotate(flow, number)
    flows[i] = flow
  end
  local all = outcome.of(flows, function(numbers)
    local head = head_of(self, heads, numbers)
    local result = #numbers == #flows and tables.copy(whole) or head
    result.hops = self:hops(numbers, head.first_hop, last_of(head))
    if #numbers == #flows then
      add_answers(result, flows)
    end
    annotate(result)
    return result
  end, found)
  all.each_flow = flows
  return all
end

--- Ends all counters.
function Counting:close()
  for _, counter in pairs(self.counters) do
    counter:close()
  end
end

--- Begins to count.
-- @tparam function new_counter from the most hops to a counter, as
--   core.replay gives it
-- @tparam integer max_hops
-- @tparam {integer,...} numbers of the flows
-- @treturn table
function M.new(new_counter, max_hops, numbers)
  local self = setmetatable({ numbers = numbers, counters = {} }, Counting)
  for _, number in ipairs(numbers) do
    self.counters[number] = new_counter(max_hops)
  end
  return self
end

return M

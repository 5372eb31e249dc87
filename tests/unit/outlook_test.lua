-- SPDX-License-Identifier: BSD-2-Clause
-- How long a trace will still take.
local check = require "check"
local outlook = require "mtrtrace.session.outlook"

local function hop(ttl, address, sent, sample_interval_s)
  return { ttl = ttl, sent = sent, responders = { { address = address } },
    rate_limit = sample_interval_s
    and { sample_interval_s = sample_interval_s } }
end

local function result(...)
  return { packets = 10, hops = { ... } }
end

check.case("without_rate_limiting_nothing_is_foretold", function()
  check.equal({ outlook.seconds(result(hop(1, "10.0.0.1", 10))) }, { 0 })
end)

check.case("the_hop_that_takes_longest_counts", function()
  check.equal({ outlook.seconds(result(hop(1, "10.0.0.1", 8, 1),
    hop(2, "10.0.0.2", 2, 1), hop(3, "10.0.0.3", 9, 0.5))) }, { 8, 2 })
end)

check.case("each_way_needs_a_sample_of_its_own", function()
  local function flow(branch, sent)
    return result(hop(1, "10.0.0.1", 0, 1), hop(2, branch),
      hop(3, "10.0.2.1", sent, 1))
  end
  local flows = { flow("10.0.1.1", 3), flow("10.0.1.2", 2),
    flow("10.0.1.2", 0) }
  check.equal({ outlook.seconds(result(hop(1, "10.0.0.1", 0, 1),
    hop(2, "10.0.1.1", 20), hop(3, "10.0.2.1", 5, 1)), flows) }, { 15, 3 })
end)

-- What they sent is no part of the sample that the others take.
check.case("flows_that_found_no_answer_left_are_asked_once_more", function()
  local silent = result { ttl = 1, sent = 10, silent = true, responders = {} }
  check.equal({ outlook.seconds(result(hop(1, "10.0.0.1", 24, 1)),
    { result(hop(1, "10.0.0.1", 4, 1)), silent, silent }) }, { 8, 1 })
end)

check.case("a_finished_sample_takes_no_more", function()
  check.equal({ outlook.seconds(result(hop(1, "10.0.0.1", 10, 1))) }, { 0 })
end)

check.finish()

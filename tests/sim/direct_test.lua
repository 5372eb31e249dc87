-- SPDX-License-Identifier: BSD-2-Clause
-- The hops' own pings beside a trace: what routers reply to them, which of
-- them do not, and that no figure of the trace changes.
local build = require "sim.build"
local check = require "check"
local core = require "sim.core"
local fields = require "mtrtrace.table.fields"

local S_PER_PING = 0.1

-- r1 replies to all, r2 to no ping, r3 rate-limits its errors alone, r4 loses
-- half of its replies of either kind.
local function world(version)
  local limit = version == 4 and "linux4" or "linux6"
  return build.line(5, { version = version, nodes = {
    r1 = { direct = true }, r3 = { direct = true, rate_limit = limit },
    r4 = { direct = true, answers = 0.5 }, r5 = { direct = true } } })
end

local function cell(hop, key)
  return fields.cell(fields.get(key), { hop = hop,
    responder = hop.responders[1], first = true })
end

for _, version in ipairs { 4, 6 } do
  check.case("pings_of_hops_are_beside_the_trace_v" .. version, function()
    local result, text = core.run(world(version), { direct = true })
    local seen = {}
    for i, hop in ipairs(result.hops) do
      local direct = hop.responders[1].direct
      seen[i] = ("%d of %d"):format(direct.received, direct.sent)
      local rtt = hop.responders[1].avg_ms
      if direct.received > 0 then
        check.equal(math.abs(direct.rtt_ms - rtt) < 0.02 * rtt + 0.1, true,
          ("hop %d: %s beside %s"):format(i, direct.rtt_ms, rtt))
      end
    end
    check.equal({ seen[1], seen[2], seen[3], seen[5], seen[6] }, {
      "10 of 10", "0 of 10", "10 of 10", "10 of 10", "10 of 10" })
    local lossy = result.hops[4].responders[1].direct
    check.equal(math.abs(lossy.loss - 1 + lossy.received / 10) < 1e-12, true,
      lossy.loss)
    check.equal(cell(result.hops[2], "direct_loss"), "-")
    check.equal(cell(result.hops[2], "direct_rtt"), "-")
    check.equal(cell(result.hops[1], "direct_loss"), "0.0%")
    check.contains(cell(result.hops[4], "direct_loss"), "% (")
    check.contains(text, "Direct figures are of 10 echo requests to each "
      .. "address itself, after the trace: they are not loss on the path. 1 "
      .. "of 6 replied to none.")
  end)
end

check.case("pings_change_no_figure_of_the_trace", function()
  local alone = core.run(world(4), {})
  local beside = core.run(world(4), { direct = true })
  for i, hop in ipairs(alone.hops) do
    local other = beside.hops[i]
    check.equal({ hop.sent, hop.received, hop.total_sent, hop.loss,
      hop.responders[1].avg_ms }, { other.sent, other.received,
      other.total_sent, other.loss, other.responders[1].avg_ms }, "hop " .. i)
  end
end)

check.case("pings_are_so_many_and_take_so_long", function()
  local _, _, alone = core.run(world(4), {})
  local _, _, beside = core.run(world(4), { direct = true })
  check.equal(beside.sent - alone.sent, 60)
  check.equal(beside.took_s - alone.took_s < 10 * S_PER_PING + 6, true,
    beside.took_s - alone.took_s)
end)

check.case("a_run_that_is_ended_pings_nobody", function()
  local result = core.run(world(4), { direct = true,
    limit = { at = 0.5, name = "max-time" } })
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      check.equal(responder.direct, nil)
    end
  end
end)

check.finish()

-- SPDX-License-Identifier: BSD-2-Clause
-- Traces of this host to itself by sockets that need no rights: what they
-- report, and that nothing of them is left. Sends nothing beyond this host.
local check = require "check"
local core = require "mtrtrace.core"

local HERE, CLOSED_PORT = "127.0.0.1", 1

-- Sockets alone: both ends of popen's own pipe are open for a moment.
local function open_sockets()
  local pipe = assert(io.popen "ls -l /proc/$PPID/fd | grep -c socket:")
  local count = tonumber(pipe:read "a")
  pipe:close()
  return count
end

local kind, icmp = core.sockets "unprivileged"
local before = open_sockets()

check.case("the_sockets_are_as_wished", function()
  check.equal(kind, "unprivileged")
  check.equal(core.sockets(), "unprivileged")
end)

check.case("an_unknown_kind_of_sockets_raises", function()
  check.equal(pcall(core.sockets, "plain"), false)
end)

local function finished(options)
  local trace, err = core.trace(options)
  if not trace then
    return nil, err
  end
  trace:wait(10)
  local result = trace:result()
  trace:close()
  return result
end

check.case("a_result_without_answers_needs_no_bounds", function()
  local trace = assert(core.trace { target = HERE, protocol = "udp",
    port = CLOSED_PORT, packets = 2, max_hops = 1, interval = 0.01 })
  trace:wait(10)
  local first = trace:result(false).hops[1].responders[1]
  check.equal({ #(first.answers or {}), first.rtt_counts }, { 0, nil })
  check.equal(#trace:result(true).hops[1].responders[1].answers > 0, true)
  check.equal(trace:finish(false).hops[1].received, 2)
end)

check.case("a_hundred_traces_share_sockets", function()
  local traces = {}
  local lasting = assert(core.trace { target = "127.0.0.1", protocol = "udp",
    port = CLOSED_PORT, packets = 1000, max_hops = 1, interval = 0.1 })
  for i = 1, 100 do
    traces[i] = assert(core.trace { target = "127.0.0." .. i,
      protocol = "udp", port = CLOSED_PORT, packets = 2, max_hops = 1,
      interval = 0.01 })
  end
  -- The thread that sends opens them, on a busy machine later.
  local opened, tries = 0, 0
  while opened == 0 and tries < 200 do
    opened, tries = open_sockets() - before, tries + 1
    os.execute "sleep 0.05"
  end
  opened = math.max(opened, open_sockets() - before)
  lasting:close()
  check.equal(opened >= 1 and opened <= 3, true, opened)
  for _, trace in ipairs(traces) do
    trace:wait(10)
    local result = trace:result()
    check.equal({ result.reached, result.hops[1].received }, { true, 2 })
    trace:close()
  end
end)

for _, protocol in ipairs { "icmp", "udp", "tcp" } do
  check.case(protocol .. "_reaches_this_host", function()
    local result, err = finished { target = HERE, protocol = protocol,
      port = protocol ~= "icmp" and CLOSED_PORT or nil, packets = 5,
      max_hops = 2, interval = 0.01 }
    if protocol == "icmp" and not icmp then
      check.equal(result, nil)
      check.contains(err, "net.ipv4.ping_group_range")
      return
    end
    local hop = result.hops[1]
    check.equal({ result.sockets, result.reached, #result.hops, hop.sent,
      hop.received, result.missing_tx_timestamp, result.capture_drops },
      { "unprivileged", true, 1, 5, 5, 0, 0 })
    check.equal(hop.responders[1].address, HERE)
    check.equal(hop.responders[1].best_ms > 0, true)
    for _, answer in ipairs(hop.responders[1].answers) do
      check.equal({ answer.size, answer.ip_id, answer.quoted_ttl,
        answer.sent_id }, {})
    end
  end)
end

check.case("fingerprinting_probes_and_searches_by_tcp_are_refused", function()
  local ask, why, name = core.fingerprint { address = HERE }
  check.equal({ ask == nil, why, name }, { true,
    "fingerprinting probes need root or CAP_NET_RAW", "PERMISSION" })
  local paths
  paths, why, name = core.paths { target = HERE, protocol = "tcp" }
  check.equal({ paths == nil, name }, { true, "PERMISSION" })
  check.contains(why, "searches by tcp need root or CAP_NET_RAW")
end)

check.case("a_syn_with_a_payload_is_refused", function()
  local trace, why, name = core.trace { target = HERE, protocol = "tcp",
    size = 100 }
  check.equal({ trace == nil, name }, { true, "BADSIZE" })
  check.contains(why, "size 100 needs root or CAP_NET_RAW for tcp")
end)

check.finish()

-- SPDX-License-Identifier: BSD-2-Clause
-- By which sockets a run sends, and what that does to its protocol.
local check = require "check"
local sockets = require "mtrtrace.session.sockets"

-- An engine that sends by `kind` and may send ICMP or not.
local function core_of(kind, icmp, name)
  local core = { wanted = {} }
  function core.sockets(wanted)
    core.wanted[#core.wanted + 1] = wanted
    return kind, icmp, name
  end
  return core
end

local ROWS = {
  { name = "raw_sockets_keep_the_protocol", kind = "raw", icmp = true,
    protocol = "icmp", want = { "icmp", nil } },
  { name = "ping_sockets_keep_icmp", kind = "unprivileged", icmp = true,
    protocol = "icmp", want = { "icmp", nil } },
  { name = "without_ping_sockets_the_default_is_udp", kind = "unprivileged",
    icmp = false, protocol = "icmp", want = { "udp", "ping_group_range" } },
  { name = "icmp_of_the_users_own_stays", kind = "unprivileged",
    icmp = false, protocol = "icmp", given = true, want = { "icmp", nil } },
  { name = "tcp_needs_no_ping_sockets", kind = "unprivileged", icmp = false,
    protocol = "tcp", want = { "tcp", nil } },
}

for _, row in ipairs(ROWS) do
  check.case(row.name, function()
    local options = { protocol = row.protocol }
    local ok, text = sockets.settle(core_of(row.kind, row.icmp), options,
      nil, row.given)
    check.equal({ ok, options.protocol, options.sockets },
      { true, row.want[1], row.kind })
    check.equal(text ~= nil, row.want[2] ~= nil)
    if text then
      check.contains(text, row.want[2])
    end
  end)
end

check.case("raw_sockets_are_not_tried_where_the_user_says_so", function()
  local core = core_of("unprivileged", true)
  sockets.settle(core, {}, true)
  sockets.settle(core, {}, false)
  check.equal(core.wanted, { "unprivileged", "auto" })
end)

check.case("a_refusal_is_handed_on", function()
  check.equal({ sockets.settle(core_of(nil, "no memory", "NOMEM"), {}) },
    { nil, "no memory", "NOMEM" })
end)

check.case("a_programs_trace_without_a_protocol_is_udp_without_ping_sockets",
  function()
    local core, options = core_of("unprivileged", false), { target = "x" }
    check.equal(sockets.prepare(core, options),
      { target = "x", protocol = "udp" })
    check.equal(options, { target = "x" })
  end)

check.case("a_programs_own_protocol_stays", function()
  local options = { protocol = "icmp" }
  check.equal(sockets.prepare(core_of("unprivileged", false), options)
    == options, true)
end)

check.finish()

-- SPDX-License-Identifier: BSD-2-Clause
-- ECN negotiated by SYNs and marked on all probes: complete runs from
-- simulated bytes to the printed lines.
local build = require "sim.build"
local check = require "check"
local core = require "sim.core"

local function run(nodes, host, options, version)
  local own = { protocol = "tcp", packets = 5 }
  for key, value in pairs(options) do
    own[key] = value
  end
  return core.run(build.line(5, { version = version, nodes = nodes,
    host = host }), own)
end

-- The lines of a report on ECN or DSCP.
local function texts(text)
  local out = {}
  for line in text:gmatch "[^\n]+" do
    local is_it = line:find "ECN" or line:find "DSCP" or line:find "CE%f[%W]"
    out[#out + 1] = is_it and not line:find "^Hop" and line or nil
  end
  return out
end

local KEPT = "ECN ECT(0) is kept as far as hop %d."

-- `host.ecn` is what the server's stack does; 28 SYNs reach the target: 5
-- counted ones, 12 of a burst and those that looked for it.
local ROWS = {
  { name = "accepted", host = "yes", says = {
    "The target accepts ECN (ALL of ALL SYN-ACKs)." } },
  { name = "not_accepted", host = "no", says = {
    "The target does not accept ECN (ALL of ALL SYN-ACKs)." } },
  { name = "reflected", host = "reflect", says = { "The SYN's flags come "
    .. "back unchanged (ALL of ALL SYN-ACKs): ECN is not negotiated." } },
  { name = "flags_cleared_at_hop_3", host = "yes",
    nodes = { r3 = { clears_ecn = true } }, says = {
      "ECN flags of the SYN are rewritten between hops 3 and 4: none instead "
      .. "of CWR and ECE.",
      "The target does not accept ECN (ALL of ALL SYN-ACKs)." } },
  { name = "flags_cleared_and_eight_bytes_quoted", host = "yes",
    nodes = { r1 = { quote = 8 }, r2 = { quote = 8 }, r4 = { quote = 8 },
      r3 = { clears_ecn = true, quote = 8 }, r5 = { quote = 8 } }, only = 4,
    says = { "The target does not accept ECN (ALL of ALL SYN-ACKs)." } },
  { name = "ect_on_a_syn", host = "yes", tos = 2, says = {
    KEPT:format(5),
      "The target does not accept ECN (ALL of ALL SYN-ACKs)." } },
  { name = "accurate", ecn = "accecn", host = "accecn", says = { "The target "
    .. "accepts AccECN (ALL of ALL SYN-ACKs); the SYNs arrived there: ALL as "
    .. "Not-ECT." } },
  { name = "accurate_to_a_classic_stack", ecn = "accecn", host = "yes",
    says = { "The target accepts ECN, but not AccECN "
      .. "(ALL of ALL SYN-ACKs)." } },
  { name = "accurate_refused", ecn = "accecn", host = "no", says = {
    "The target does not accept AccECN (ALL of ALL SYN-ACKs)." } },
  { name = "accurate_reflected", ecn = "accecn", host = "reflect", says = {
    "The SYN's flags come back unchanged (ALL of ALL SYN-ACKs): AccECN is not "
    .. "negotiated." } },
  { name = "accurate_with_ect", ecn = "accecn", host = "accecn", tos = 2,
    says = { KEPT:format(6), "The target accepts AccECN (ALL of ALL "
      .. "SYN-ACKs); the SYNs arrived there: ALL as ECT(0)." } },
  { name = "accurate_bleached_at_hop_3", ecn = "accecn", host = "accecn",
    tos = 2, nodes = { r3 = { set_tos = 0 } }, says = {
      "ECN is cleared between hops 3 and 4: Not-ECT instead of ECT(0).",
      "The target accepts AccECN (ALL of ALL SYN-ACKs); the SYNs arrived "
      .. "there: ALL as Not-ECT." } },
  -- No hop quotes the packets that r5 forwards; only the target shows it.
  { name = "accurate_bleached_before_the_target", ecn = "accecn",
    host = "accecn", tos = 2, nodes = { r5 = { set_tos = 0 } }, says = {
      "ECN is cleared by hop 6, or before it: Not-ECT instead of "
      .. "ECT(0).", "The target accepts AccECN (ALL of ALL SYN-ACKs); the "
      .. "SYNs arrived there: ALL as Not-ECT." } },
  { name = "accurate_congested", ecn = "accecn", host = "accecn", tos = 2,
    nodes = { r3 = { congested = 1 } }, says = {
      "Congestion was marked before hop 4: probes sent with ECT(0) arrived "
      .. "with CE (hops 4-6).", "The target accepts AccECN (ALL of ALL "
      .. "SYN-ACKs); the SYNs arrived there: ALL as CE." } },
  { name = "accurate_remarked_to_ect1", ecn = "accecn", host = "accecn",
    tos = 2, nodes = { r2 = { set_tos = 1 } }, says = {
      "ECN is changed between hops 2 and 3: ECT(1) instead of ECT(0).",
      "The target accepts AccECN (ALL of ALL SYN-ACKs); the SYNs arrived "
      .. "there: ALL as ECT(1)." } },
}

for _, row in ipairs(ROWS) do
  check.case("ecn_" .. row.name, function()
    for _, version in ipairs { row.only or 4, not row.only and 6 or nil } do
      local result, text = run(row.nodes, { ecn = row.host },
        { ecn = row.ecn or "yes", tos = row.tos }, version)
      local got = texts(text)
      for i, line in ipairs(got) do -- as many as there are, and all of them
        local all = line:match " of (%d+) SYN"
        got[i] = all and line:gsub("%f[%d]" .. all .. "%f[%D]", "ALL") or line
      end
      check.equal(got, row.says, "IPv" .. version)
      check.equal({ result.ending, result.ecn },
        { "reached", row.ecn or "yes" })
    end
  end)
end

check.case("without_a_syn_ack_nothing_is_known", function()
  local _, text = run(nil, { tcp = "closed" }, { ecn = "yes" })
  check.equal(texts(text), { "Whether the target accepts ECN is unknown: it "
    .. "sent no SYN-ACK." })
  _, text = run(nil, { tcp = "filtered" }, { ecn = "yes", max_hops = 8 })
  check.equal(texts(text), {})
end)

check.case("without_the_offer_nothing_is_said", function()
  local result, text = run(nil, { ecn = "yes" }, {})
  check.equal({ texts(text), result.ecn }, { {} })
end)

check.case("several_flows_say_it_once", function()
  local _, text = run(nil, { ecn = "yes" }, { ecn = "yes", flows = 4 })
  local lines = texts(text)
  check.equal(#lines, 1)
  check.contains(lines[1], "The target accepts ECN (")
end)

check.finish()

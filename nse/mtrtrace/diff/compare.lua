-- SPDX-License-Identifier: BSD-2-Clause

--- Compares two sets of traces: hops that are new, gone or changed, and
-- statistically significant shifts of loss and latency. Pure: snapshots in,
-- tables out; mtrtrace.diff.words has the texts.
--
-- A difference is { kind, ... }: see mtrtrace.diff.keys. Loss or latency of
-- one router that hops beyond do not show, and changes that load balancing may
-- explain, are remarks and no differences.
-- @module mtrtrace.diff.compare
local align = require "mtrtrace.diff.align"
local loss = require "mtrtrace.base.proportion"
local match = require "mtrtrace.diff.match"
local shifts = require "mtrtrace.diff.shifts"
local stats = require "mtrtrace.diff.stats"
local words = require "mtrtrace.diff.words"

local M = {}

M.ALPHA = shifts.ALPHA

-- ---- hops -----------------------------------------------------------------

local function ips_of(hop)
  local list = {}
  for i, responder in ipairs(hop.responders) do
    list[i] = responder.ip
  end
  return table.concat(list, ", ")
end

local function asns_of(hop)
  local seen, list = {}, {}
  for _, responder in ipairs(hop.responders) do
    if responder.asn and not seen[responder.asn] then
      seen[responder.asn] = true
      list[#list + 1] = responder.asn
    end
  end
  return #list > 0 and table.concat(list, ", ") or nil
end

local function replies(hop)
  local n = 0
  for _, responder in ipairs(hop.responders) do
    n = n + responder.received
  end
  return n
end

-- Whether per-packet load balancing may explain a changed address: with few
-- probes per hop, all replies may by chance come from the same router of two.
local function may_be_per_packet(pair)
  return 2.0 ^ (1 - replies(pair.before) - replies(pair.after))
    > shifts.ALPHA
end

local function difference(kind, pair)
  local d = { kind = kind }
  if pair.before then
    d.hop_before, d.ip_before = pair.before.ttl, ips_of(pair.before)
    d.asn_before = asns_of(pair.before)
  end
  if pair.after then
    d.hop_after, d.ip_after = pair.after.ttl, ips_of(pair.after)
    d.asn_after = asns_of(pair.after)
  end
  return d
end

-- Returns the first address that both hops have whose autonomous systems are
-- known in both runs and differ completely.
local function other_asn(pair)
  for _, x in ipairs(pair.before.responders) do
    for _, y in ipairs(pair.after.responders) do
      local common = next(x.asns) == nil or next(y.asns) == nil
      for asn in pairs(x.asns) do
        common = common or y.asns[asn]
      end
      if x.ip == y.ip and not common then
        return x, y
      end
    end
  end
end

local function asn_change(pair)
  local x, y = other_asn(pair)
  if not x then
    return nil
  end
  local d = difference("asn", pair)
  d.ip_before, d.ip_after = x.ip, y.ip
  d.asn_before, d.asn_after = x.asn, y.asn
  return d
end

-- Adds a hop without a counterpart. A target hop is no difference: where load
-- balancing uses paths of several lengths, the target has several rows.
local function lone_hop(out, pair)
  local hop, kind = pair.before or pair.after,
    pair.before and "hop_gone" or "hop_new"
  if pair.open or hop.ips[out.target] then
    return
  end
  table.insert(out.differences,
    difference(next(hop.ips) and kind or "silent_" .. kind, pair))
end

local function hop_change(out, pair)
  local a, b = pair.before, pair.after
  if not a or not b then
    lone_hop(out, pair)
  elseif next(a.ips) and next(b.ips) and not align.same(a, b) then
    local unsure = may_be_per_packet(pair)
    table.insert(unsure and out.remarks or out.differences,
      difference(unsure and "address_unsure" or "address", pair))
  elseif next(a.ips) and next(b.ips) then
    table.insert(out.differences, asn_change(pair))
  end
end

-- ---- shifts ---------------------------------------------------------------

local function of_kind(tests, what)
  local list = {}
  for _, test in ipairs(tests) do
    list[#list + 1] = test.what == what and test or nil
  end
  return list
end

-- Returns the first hop, by index, that already shows the last hop's shift:
-- the index with the least sum of absolute residuals.
local function begins_at(list)
  local shift, best, at = list[#list].shift, math.huge, #list
  for first = 1, #list do
    local off = 0
    for i, test in ipairs(list) do
      off = off + math.abs(test.shift - (i >= first and shift or 0))
    end
    if off < best then
      best, at = off, first
    end
  end
  return at
end

local function shift_of(kind, test, from)
  local d = difference(kind, from.pair)
  d.test, d.p_value, d.p_adjusted = test.test, test.p, test.p_adjusted
  d.shown_at = test.pair.after.ttl
  if test.sent_before then
    d.loss_before, d.loss_after = test.before, test.after
    d.loss_shift = test.shift
    d.sent_before, d.sent_after = test.sent_before, test.sent_after
    d.received_before = test.sent_before - test.lost_before
    d.received_after = test.sent_after - test.lost_after
  else
    d.latency_before, d.latency_after = test.before, test.after
    d.latency_shift = test.shift
    d.shift_low, d.shift_high = test.low, test.high
  end
  return d
end

-- A shift at the last hop is a difference of the path; a shift that only hops
-- before it show is a remark on these routers.
local function add_latency(out, tests)
  local list = of_kind(tests, "latency")
  local last, first = list[#list], #list + 1
  if last and last.rejected then
    first = begins_at(list)
    table.insert(out.differences, shift_of("latency", last, list[first]))
  end
  for i, test in ipairs(list) do
    if test.rejected and i < first then
      table.insert(out.remarks, shift_of("hop_latency", test, test))
    end
  end
end

-- Returns the likelihood ratio statistic of a change at a hop: twice the gain
-- in log likelihood, with one share of loss for the hops before, and one share
-- for each run from the hop on.
local function gain_of(test, own, first)
  local sum = 0
  for i = 1, first - 1 do
    local o = own[i]
    sum = sum + loss.log_likelihood(o.lost_before + o.lost_after,
      o.sent_before + o.sent_after)
  end
  return sum + loss.log_likelihood(test.lost_before, test.sent_before)
    + loss.log_likelihood(test.lost_after, test.sent_after)
end

local function add_loss(out, tests)
  local list, own = of_kind(tests, "loss"), of_kind(tests, "hop_loss")
  local best, most = nil, -math.huge
  for i, test in ipairs(list) do
    local gain = test.rejected and gain_of(test, own, i) or -math.huge
    if gain > most then
      best, most = i, gain
    end
  end
  if best then
    local d = shift_of("loss", list[best], list[best])
    d.shown_at = list[#list].pair.after.ttl
    table.insert(out.differences, d)
  end
  for i, test in ipairs(own) do
    if test.rejected and i < (best or #own + 1) then
      table.insert(out.remarks, shift_of("hop_loss", test, test))
    end
  end
end

local function add_reach(out, tests, pair)
  for _, test in ipairs(of_kind(tests, "reach")) do
    if test.rejected then
      table.insert(out.differences, 1, {
        kind = pair.after.reached and "reached" or "not_reached",
        test = test.test, p_value = test.p, p_adjusted = test.p_adjusted,
        sent_before = test.sent_before, sent_after = test.sent_after,
        received_before = test.received_before,
        received_after = test.received_after })
    end
  end
end

-- ---- targets --------------------------------------------------------------

-- Adds a remark where load balancers hash other values (flow identifiers) in
-- the two runs, so that another branch is no change of the path.
local function add_flow_remark(out, a, b)
  if a.source ~= b.source or a.source_port ~= b.source_port
    or a.flow_count ~= b.flow_count then
    table.insert(out.remarks, { kind = "other_flow",
      source_before = a.source, source_after = b.source,
      flow_count_before = a.flow_count, flow_count_after = b.flow_count })
  end
end

local function compare_paths(out, pair)
  local a, b = pair.before, pair.after
  if a.target ~= b.target then
    table.insert(out.differences, { kind = "target_address",
      ip_before = a.target, ip_after = b.target })
  end
  for _, hops in ipairs(pair.aligned) do
    hop_change(out, hops)
  end
  add_reach(out, pair.tests, pair)
  add_latency(out, pair.tests)
  add_loss(out, pair.tests)
  add_flow_remark(out, a, b)
end

-- Returns the difference where one of two traces has no path.
local function missing(a, b)
  if not a or not b then
    return { kind = a and "only_before" or "only_after" }
  elseif a.err and not b.err then
    return { kind = "traced_now", error_before = a.err }
  elseif b.err and not a.err then
    return { kind = "not_traced", error_after = b.err }
  end
end

local function compare_target(pair)
  local a, b = pair.before, pair.after
  local one = b and not b.err and b or a or b
  local out = { target = one.target, name = one.name,
    protocol = one.protocol, port = one.port, differences = {},
    remarks = {} }
  out.path_id_before, out.path_id_after = a and a.path_id, b and b.path_id
  local why = missing(a, b)
  if why then
    out.differences[1] = why
  elseif not a.err then
    compare_paths(out, pair)
  end
  out.differs = #out.differences > 0
  for _, list in ipairs { out.differences, out.remarks } do
    for _, d in ipairs(list) do
      d.text = words.of(d)
    end
  end
  return out
end

-- Controls the false discovery rate over all tests of all targets together.
local function test_all(matched)
  local all = {}
  for _, pair in ipairs(matched) do
    local a, b = pair.before, pair.after
    if a and b and not a.err and not b.err then
      pair.aligned = align.of(a, b)
      pair.tests = shifts.of(a, b, pair.aligned)
      table.move(pair.tests, 1, #pair.tests, #all + 1, all)
    end
  end
  stats.control(all, shifts.ALPHA)
  return #all
end

--- Compares two sets of traces.
-- @tparam {table,...} before snapshots, see mtrtrace.diff.snapshot
-- @tparam {table,...} after snapshots
-- @treturn table { differs, tests: how many there were, targets: an array of
--   { target, name, protocol, port, path_id_before, path_id_after, differs,
--   differences, remarks } }
function M.run(before, after)
  local matched, out = match.of(before, after), { differs = false,
    targets = {} }
  out.tests = test_all(matched)
  for i, pair in ipairs(matched) do
    out.targets[i] = compare_target(pair)
    out.differs = out.differs or out.targets[i].differs
  end
  return out
end

return M

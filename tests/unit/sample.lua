-- SPDX-License-Identifier: BSD-2-Clause
--- Results in the engine's form, for tests.
-- @module sample
local M = {}

local function with(base, changes)
  for key, value in pairs(changes or {}) do
    base[key] = value
  end
  return base
end

local EXCEEDED = "time exceeded in transit"

--- A responder that answered all of ten probes.
function M.responder(address, changes)
  return with({
    address = address, flow = 0, target = false, received = 10, late = 0,
    duplicates = 0, last_ms = 1.5, avg_ms = 1.52, best_ms = 1.25,
    worst_ms = 2.0, stdev_ms = 0.23, jitter_ms = 0.12,
    jitter_rfc3550_ms = 0.08, median_ms = 1.5, p25_ms = 1.4, p75_ms = 1.6,
    p95_ms = 1.95, reply_ttl = 64,
    codes = { { type = 11, code = 0, name = EXCEEDED, count = 10 } },
  }, changes)
end

--- A hop with the given responders and without loss.
function M.hop(ttl, responders, changes)
  return with({
    ttl = ttl, sent = 10, received = 10, loss = 0.0, loss_low = 0.0,
    loss_high = 0.2775, in_flight = 0, send_errors = 0, late = 0,
    duplicates = 0, total_sent = 13, total_received = 13, silent = false,
    responders = responders, runs = {}, run_total = 0, lost = {},
  }, changes)
end

--- A hop that never answered.
function M.silent(ttl)
  return M.hop(ttl, {}, {
    received = 0, loss = 1.0, loss_low = 0.7225, loss_high = 1.0,
    total_received = 0, silent = true,
  })
end

--- A finished trace over these hops.
function M.result(hops, changes)
  return with({
    target = "93.184.216.34", source = "192.168.1.10", interface = "eth0",
    mtu = 1500, protocol = "icmp", size = 64, packets = 10, done = true,
    reached = true, ending = "reached", target_ttl = #hops, first_hop = 1,
    probed_hop = #hops + 6, elapsed_s = 1.0123456, sent = 48,
    capture_drops = 0, clock_adjustments = 0, missing_tx_timestamp = 0,
    hops = hops,
  }, changes)
end

return M

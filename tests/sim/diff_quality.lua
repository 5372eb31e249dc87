-- SPDX-License-Identifier: BSD-2-Clause
--- How often a comparison of two runs is right: false alarms of pairs of the
-- same path, and what of real changes is found. Prints a table with Wilson's
-- intervals; tests/sim/diff_test.lua holds a small one of it.
-- @module sim.diff_quality
local compare = require "mtrtrace.diff.compare"
local loss = require "mtrtrace.base.proportion"
local random = require "sim.random"
local snapshot = require "mtrtrace.diff.snapshot"
local worlds = require "sim.diff_worlds"

local M = {}

local function shot(R, w, raw)
  local trace, samples = worlds.run(R, w)
  return snapshot.of(trace, raw and samples or nil)
end

local function pair(R, before, after, raw)
  return compare.run({ shot(R, before, raw) }, { shot(R, after, raw) })
end

local function has(report, kind, hop)
  for _, d in ipairs(report.targets[1].differences) do
    if d.kind == kind and (not hop or d.hop_after == hop) then
      return true
    end
  end
  return false
end

-- A clean path of eight hops, of which one thing is changed.
local function clean(packets, changes)
  local w = { hops = 8, packets = packets, queue = 0.3, base = 1, loss = 0,
    noise = {} }
  for ttl = 1, 8 do
    w.noise[ttl] = "busy"
  end
  return worlds.with(w, changes or {})
end

local CHANGES = {
  { name = "5 ms at hop 4", changes = { rise_at = 4, rise = 5 },
    kind = "latency", hop = 4 },
  { name = "2 % loss from hop 4 on", changes = { loss = 0.02,
    loss_from = 4 }, kind = "loss", hop = 4 },
  { name = "10 % loss from hop 4 on", changes = { loss = 0.1,
    loss_from = 4 }, kind = "loss", hop = 4 },
  { name = "another address at hop 4", changes = {
    ips = { [4] = "10.9.9.9" } }, kind = "address", hop = 4 },
}

local function same_path(seed, packets, raw)
  local R = random.new(seed)
  local w = worlds.draw(R, packets)
  return pair(R, w, w, raw)
end

--- Counts false alarms.
-- @tparam integer pairs how many
-- @tparam integer packets
-- @tparam boolean raw whether single round trips are known
-- @treturn integer pairs that were told to differ
-- @treturn table how often by kind
function M.false_alarms(pairs_of, packets, raw)
  local count, kinds = 0, {}
  for seed = 1, pairs_of do
    local report = same_path(seed, packets, raw)
    count = count + (report.differs and 1 or 0)
    for _, d in ipairs(report.targets[1].differences) do
      kinds[d.kind] = (kinds[d.kind] or 0) + 1
    end
  end
  return count, kinds
end

--- Counts changes that are found.
-- @tparam integer pairs how many
-- @tparam integer packets
-- @tparam boolean raw
-- @tparam table change a row of CHANGES
-- @treturn integer found
-- @treturn integer at the right hop
function M.found(pairs_of, packets, raw, change)
  local found, placed = 0, 0
  local changes = {}
  for seed = 1, pairs_of do
    for key, value in pairs(change.changes) do
      changes[key] = value
    end
    local report = pair(random.new(1000000 + seed), clean(packets),
      clean(packets, changes), raw)
    found = found + (has(report, change.kind) and 1 or 0)
    placed = placed + (has(report, change.kind, change.hop) and 1 or 0)
  end
  return found, placed
end

M.CHANGES = CHANGES

local function percent(k, n)
  local low, high = loss.wilson(k, n, loss.Z95)
  return ("%5.1f %% (%.1f-%.1f)"):format(100 * k / n, 100 * low, 100 * high)
end

--- Prints the tables.
-- @tparam integer pairs of each cell
function M.print(pairs_of)
  print(("Two runs of the same path, %d pairs: told to differ"):format(
    pairs_of))
  for _, raw in ipairs { true, false } do
    for _, packets in ipairs { 10, 30, 60, 300 } do
      local count, kinds = M.false_alarms(pairs_of, packets, raw)
      local list = {}
      for kind, times in pairs(kinds) do
        list[#list + 1] = ("%s %d"):format(kind, times)
      end
      table.sort(list)
      print(("  %-10s %4d packets  %s  %s"):format(raw and "recordings"
        or "summaries", packets, percent(count, pairs_of),
        table.concat(list, ", ")))
    end
  end
  for _, change in ipairs(CHANGES) do
    print(("%s, %d pairs: found; at that hop"):format(change.name,
      pairs_of // 2))
    for _, raw in ipairs { true, false } do
      for _, packets in ipairs { 10, 60, 300 } do
        local found, placed = M.found(pairs_of // 2, packets, raw, change)
        print(("  %-10s %4d packets  %s; %s"):format(raw and "recordings"
          or "summaries", packets, percent(found, pairs_of // 2),
          percent(placed, pairs_of // 2)))
      end
    end
  end
end

if arg and arg[0] and arg[0]:find "diff_quality" then
  M.print(tonumber(arg[1]) or 1000)
end

return M

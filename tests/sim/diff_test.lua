-- SPDX-License-Identifier: BSD-2-Clause
-- A small part of tests/bench/diff_bench: runs of the same path do not differ,
-- what changed is found, from single round trips and from summaries.
local check = require "check"
local quality = require "sim.diff_quality"

local ROWS = {
  { name = "recordings_of_30_packets", packets = 30, raw = true, most = 3 },
  { name = "summaries_of_30_packets", packets = 30, raw = false, most = 3 },
  { name = "recordings_of_300_packets", packets = 300, raw = true,
    pairs = 40, most = 2 },
}

-- The seeds are fixed, so the counts are: these are well above 1 %.
for _, row in ipairs(ROWS) do
  check.case("two_runs_of_one_path_are_the_same_" .. row.name, function()
    local count = quality.false_alarms(row.pairs or 100, row.packets,
      row.raw)
    check.equal(count <= row.most, true, ("%d differ"):format(count))
  end)
end

local LEAST = {
  { at = 1, packets = 60, found = 20, placed = 20 },
  { at = 2, packets = 300, found = 18, placed = 16 },
  { at = 3, packets = 300, found = 20, placed = 20 },
  { at = 4, packets = 10, found = 20, placed = 20 },
}

for _, row in ipairs(LEAST) do
  local change = quality.CHANGES[row.at]
  for _, raw in ipairs { true, false } do
    check.case(("%s_is_found_in_%s"):format(change.name:gsub("%W+", "_"),
      raw and "recordings" or "summaries"), function()
      local found, placed = quality.found(20, row.packets, raw, change)
      check.equal(found >= row.found and placed >= row.placed, true,
        ("%d found, %d placed"):format(found, placed))
    end)
  end
end

check.finish()

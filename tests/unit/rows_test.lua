-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local rows = require "mtrtrace.table.rows"
local sample = require "sample"

local a, b = sample.responder "10.0.0.1", sample.responder "10.0.0.2"

-- "A": one responder, "B": two, ".": silent.
local function path(letters)
  local hops = {}
  for ttl = 1, #letters do
    local kind = letters:sub(ttl, ttl)
    hops[ttl] = kind == "." and sample.silent(ttl)
      or sample.hop(ttl, kind == "A" and { a } or { a, b })
  end
  return sample.result(hops)
end

local function shape(list)
  local out = {}
  for i, row in ipairs(list) do
    out[i] = ("%d%s%s%s"):format(row.hop.ttl,
      row.last_ttl and "-" .. row.last_ttl or "",
      row.responder and "a" or "*", row.first and "" or "+")
  end
  return table.concat(out, " ")
end

local ROWS = {
  { name = "one_row_per_responder", path = "AB", want = "1a 2a 2a+" },
  { name = "silent_hop_in_the_middle_stays", path = "A......A",
    want = "1a 2* 3* 4* 5* 6* 7* 8a" },
  { name = "silent_tail_is_folded", path = "AA.....", want = "1a 2a 3-7*" },
  { name = "longer_silent_tail_is_folded", path = "A.........",
    want = "1a 2-10*" },
  { name = "short_silent_tail_stays", path = "AA....",
    want = "1a 2a 3* 4* 5* 6*" },
  { name = "tail_behind_a_gap_is_folded_alone", path = "A.A.....",
    want = "1a 2* 3a 4-8*" },
  { name = "all_silent_is_one_row", path = ".....", want = "1-5*" },
  { name = "single_silent_hop_is_no_range", path = "A.", max_silent = 1,
    want = "1a 2*" },
  { name = "max_silent_of_one_folds_two", path = "A..", max_silent = 1,
    want = "1a 2-3*" },
  { name = "no_hops_no_rows", path = "", want = "" },
}
check.rows(ROWS, function(row)
  local list = rows.build(path(row.path), row.max_silent or 5)
  check.equal(shape(list), row.want)
end)

check.case("fold_counts_ttls_from_the_first_hop_on", function()
  local hops = {}
  for ttl = 7, 12 do
    hops[#hops + 1] = sample.silent(ttl)
  end
  check.equal(shape(rows.build(sample.result(hops), 5)), "7-12*")
end)

check.finish()

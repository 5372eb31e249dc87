-- SPDX-License-Identifier: BSD-2-Clause
-- A table that fits a width: which columns give way, and which never do.
local check = require "check"
local fit = require "mtrtrace.table.fit"

local KEYS = { "hop", "host", "loss", "received", "avg", "os" }

local function cells(host)
  return {
    { "Hop", "Host", "Loss%", "Recv", "Avg(ms)", "OS Guess" },
    { "1", host, "100.0% (72-100)", "10", "1.00", "Linux-based" },
  }
end

local function width_of(rows)
  local widths, total = {}, -2
  for c in ipairs(rows[1]) do
    widths[c] = math.max(#rows[1][c], #rows[2][c])
    total = total + widths[c] + 2
  end
  return total
end

local ROWS = {
  { name = "all_where_there_is_room", host = "a", width = 80, left = "",
    want = "hop" },
  { name = "the_least_important_first", host = "abcdefghijklmnop",
    width = 60, left = "OS Guess" },
  { name = "in_their_order", host = "abcdefghijklmnop", width = 50,
    left = "Recv, OS Guess" },
  { name = "names_are_cut_first", host = ("n"):rep(40), width = 75,
    left = "", cut = true },
  { name = "names_are_cut_to_24_at_most", host = ("n"):rep(40), width = 70,
    left = "OS Guess", cut = true },
  { name = "hop_host_and_loss_stay", host = ("n"):rep(40), width = 10,
    left = "Recv, Avg(ms), OS Guess", cut = true, over = true },
}

for _, row in ipairs(ROWS) do
  check.case("fits_" .. row.name, function()
    local rows = cells(row.host)
    local left = fit.table(rows, KEYS, row.width)
    check.equal(table.concat(left, ", "), row.left)
    check.equal(width_of(rows) <= row.width, not row.over)
    check.equal(rows[2][2]:sub(-2) == "..", row.cut or false)
    check.equal(#rows[1], #KEYS - #left)
    check.equal(#KEYS, 6) -- the caller's list is not touched
  end)
end

check.case("an_empty_column_goes_first_and_is_not_named", function()
  local keys = { "hop", "asn", "host", "received", "os" }
  local rows = {
    { "Hop", "ASN", "Host", "Recv", "OS Guess" },
    { "1", "-", "192.0.2.1", "10", "Linux-based" },
    { "2", "", "192.0.2.2", "10", "Cisco" },
  }
  local left = fit.table(rows, keys, 33)
  check.equal(rows[1], { "Hop", "Host", "Recv", "OS Guess" })
  check.equal(left, {})
  check.equal(fit.table(rows, { "hop", "host", "received", "os" }, 20),
    { "OS Guess" })
end)

check.case("an_empty_column_goes_before_names_are_cut", function()
  local name = ("n"):rep(40)
  local rows = { { "Hop", "ASN", "Host" }, { "1", "-", name } }
  check.equal(fit.table(rows, { "hop", "asn", "host" }, 45), {})
  check.equal(rows, { { "Hop", "Host" }, { "1", name } })
end)

check.case("a_sentence_is_broken_between_words", function()
  check.equal(fit.wrap("one two three four", 9), "one two\n  three\n  four")
  check.equal(fit.wrap("one  two", 9), "one  two")
  check.equal(fit.wrap(("x"):rep(20), 9), ("x"):rep(20))
end)

check.finish()

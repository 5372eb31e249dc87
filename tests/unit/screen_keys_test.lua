-- SPDX-License-Identifier: BSD-2-Clause
-- From bytes of a keyboard to keys, and from keys to what they do.
local actions = require "mtrtrace.screen.actions"
local check = require "check"
local draw = require "mtrtrace.screen.draw"
local keys = require "mtrtrace.screen.keys"
local screen_sample = require "screen_sample"

local BYTES = {
  { name = "letters", bytes = "qR9", want = { "q", "R", "9" } },
  { name = "named", bytes = "\9\13 \127\3\26\12", want = { "tab", "enter",
    "space", "backspace", "ctrl-c", "ctrl-z", "ctrl-l" } },
  { name = "arrows", bytes = "\27[A\27OB\27[C\27[D",
    want = { "up", "down", "right", "left" } },
  { name = "pages", bytes = "\27[5~\27[6~\27[1~\27[F\27[Z",
    want = { "page-up", "page-down", "home", "end", "shift-tab" } },
  { name = "escape_alone", bytes = "\27", want = { "escape" } },
  { name = "escape_then_a_key", bytes = "\27x", want = { "escape", "x" } },
  { name = "unknown_sequence", bytes = "\27[15~q",
    want = { "unknown", "q" } },
  { name = "other_bytes", bytes = "\200\1", want = { "unknown",
    "unknown" } },
  { name = "half_a_sequence_waits", bytes = "a\27[5", want = { "a" },
    rest = "\27[5" },
  { name = "an_endless_sequence_ends", bytes = "\27[" .. ("1"):rep(40),
    want = { "unknown" } },
}

check.rows(BYTES, function(row)
  local names, rest = keys.read(row.bytes)
  check.equal(names, row.want)
  check.equal(rest, row.rest or "")
end)

-- ---- what they do ---------------------------------------------------------

local function after(pressed, names)
  local state, command = screen_sample.state(names), nil
  draw.draw(state, 80, 24)
  for _, key in ipairs(pressed) do
    command = actions.press(state, key) or command
    draw.draw(state, 80, 24)
  end
  return state, command
end

local COMMANDS = {
  { name = "q_quits", keys = { "q" }, want = { "quit" } },
  { name = "ctrl_c_quits", keys = { "ctrl-c" }, want = { "quit" } },
  { name = "ctrl_c_quits_a_prompt", keys = { "i", "ctrl-c" },
    want = { "quit" } },
  { name = "q_quits_the_help", keys = { "?", "q" }, want = { "quit" } },
  { name = "p_pauses", keys = { "p" }, want = { "pause", true } },
  { name = "space_goes_on", keys = { "p", "space" },
    want = { "pause", false } },
  { name = "space_alone_does_nothing", keys = { "space" } },
  { name = "ctrl_z_suspends", keys = { "ctrl-z" }, want = { "suspend" } },
  { name = "ctrl_l_redraws", keys = { "ctrl-l" }, want = { "redraw" } },
  { name = "interval", keys = { "i", "5", "0", "0", "m", "s", "enter" },
    want = { "set", { interval = 0.5 } } },
  { name = "bad_interval_is_said", keys = { "i", "0", "enter" },
    message = "interval=0: expected auto or a time" },
  { name = "packets", keys = { "c", "7", "enter" },
    want = { "set", { packets = 7 } } },
  { name = "first_ttl", keys = { "f", "3", "enter" },
    want = { "set", { first_hop = 3 } } },
  { name = "last_ttl", keys = { "m", "9", "enter" },
    want = { "set", { max_hops = 9 } } },
  { name = "packet_size", keys = { "s", "9", "9", "enter" },
    want = { "set", { size = 99 } } },
  { name = "type_of_service", keys = { "Q", "4", "enter" },
    want = { "set", { tos = 4 } } },
  { name = "udp", keys = { "u" }, want = { "set", { protocol = "udp" } } },
  { name = "a_report", keys = { "w", "a", "enter" }, want = { "save", "a" } },
  { name = "escape_asks_no_more", keys = { "w", "a", "escape", "q" },
    want = { "quit" } },
  { name = "backspace_takes_back", keys = { "w", "a", "b", "backspace",
    "enter" }, want = { "save", "a" } },
  { name = "an_empty_answer_does_nothing", keys = { "w", "enter" } },
  { name = "mpls_is_explained", keys = { "e" }, message = "MPLS" },
  { name = "unknown_keys_do_nothing", keys = { "unknown", "X" } },
}

check.rows(COMMANDS, function(row)
  local state, command = after(row.keys)
  check.equal(command, row.want)
  check.contains(state.message or "", row.message or "")
end)

local COLUMNS = "hop,host,loss,sent,received,last,avg,best,worst,stdev,jitter,"
  .. "asn,organization,os"

local SHOWN = {
  { name = "n_shows_addresses", keys = { "n" },
    want = (COLUMNS:gsub("host", "ip")) },
  { name = "n_twice_shows_names", keys = { "n", "n" }, want = COLUMNS },
  { name = "z_hides_the_asn", keys = { "z" },
    want = (COLUMNS:gsub("asn,", "")) },
  { name = "z_twice_shows_it", keys = { "z", "z" }, want =
    (COLUMNS:gsub("asn,", ""):gsub("host", "host,asn")) },
  { name = "j_is_mtrs_latency", keys = { "j" },
    want = "hop,host,asn,loss,sent,last,avg,best,worst,stdev" },
  { name = "j_twice_is_mtrs_jitter", keys = { "j", "j" }, want = "hop,host,"
    .. "asn,dropped,received,avg,gmean,jitter_last,jitter,jitter_worst,"
    .. "jitter_rfc3550" },
  { name = "letters", keys = { "o", "L", "N", "enter" },
    want = "hop,host,asn,loss,last" },
  { name = "names_of_columns", keys = { "o", "a", "v", "g", ",", "p", "9",
    "5", "enter" }, want = "avg,p95" },
  { name = "no_such_column", keys = { "o", "x", "y", "enter" },
    want = COLUMNS, message = "no such column: xy" },
  { name = "chooser_switches", keys = { "O", "down", "space", "enter" },
    want = (COLUMNS:gsub("hop", "hop,ip")) },
  { name = "chooser_as_at_the_start", keys = { "z", "O", "d", "enter" },
    want = COLUMNS },
}

check.rows(SHOWN, function(row)
  local state = after(row.keys)
  check.equal(table.concat(state.columns, ","), row.want)
  check.contains(state.message or "", row.message or "")
end)

check.case("every_column_can_be_switched_on", function()
  local fields = require "mtrtrace.table.fields"
  local pressed = { "O" }
  for _ = 1, #fields.all() do
    table.move({ "space", "down" }, 1, 2, #pressed + 1, pressed)
  end
  local had = {}
  for _, key in ipairs(screen_sample.COLUMNS) do
    had[key] = true
  end
  local state = after(pressed)
  for _, field in ipairs(fields.all()) do
    check.equal(state:has_column(field.name) ~= nil, not had[field.name],
      field.name)
  end
end)

check.case("every_column_can_be_sorted_by_both_ways", function()
  local fields = require "mtrtrace.table.fields"
  for _, field in ipairs(fields.all()) do
    local state = screen_sample.state()
    state.columns, state.sort = { field.name }, field.name
    draw.draw(state, 80, 24)
    local rows = #state.order
    state.reverse = true
    draw.draw(state, 80, 24)
    check.equal({ rows, #state.order }, { 5, 5 }, field.name)
  end
end)

local function order_of(state)
  local out = {}
  for _, row in ipairs(state.order) do
    out[#out + 1] = row.first and row.hop.ttl or nil
  end
  return table.concat(out, " ")
end

check.case("sorting_goes_by_numbers_and_back_to_the_hops", function()
  local by_loss = { ">", ">", ">" }
  check.equal(order_of(after(by_loss)), "1 4 2 3")
  by_loss[4] = "R"
  check.equal(order_of(after(by_loss)), "3 2 1 4")
  check.equal(order_of(after { "<", ">" }), "1 2 3 4")
end)

check.case("arrows_go_from_hop_to_hop_as_shown", function()
  check.equal(after({ "down", "down" }):current().selected, 3)
  check.equal(after({ "down", "up", "up" }):current().selected, 1)
  check.equal(after({ "end" }):current().selected, 4)
  check.equal(after({ ">", ">", ">", "down" }):current().selected, 4)
end)

check.case("tabs_by_key_and_by_number", function()
  local names = { "a", "b", "c" }
  check.equal(after({ "tab" }, names).active, 2)
  check.equal(after({ "shift-tab" }, names).active, 3)
  check.equal(after({ "3", "tab" }, names).active, 1)
  check.equal(after({ "4" }, names).active, 1)
end)

check.case("d_goes_round", function()
  check.equal(after({ "d" }).mode, "strips")
  check.equal(after({ "d", "d" }).mode, "chart")
  check.equal(after({ "d", "d", "d" }).mode, "table")
end)

check.case("keys_of_mtrs_all_do_something", function()
  local known = {}
  for _, row in ipairs(actions.all()) do
    for _, key in ipairs(row[1]) do
      known[key] = true
    end
  end
  for key in ("?hpdenrojcifmsbQuyzq+-"):gmatch "." do
    check.equal(known[key], true, key)
  end
end)

check.finish()

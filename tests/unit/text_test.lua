-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local fields = require "mtrtrace.table.fields"
local sample = require "sample"
local text = require "mtrtrace.report.text"

local function target(changes)
  changes = changes or {}
  changes.target = true
  changes.avg_ms = 11.8
  return sample.responder("93.184.216.34", changes)
end

local function gateway()
  return sample.responder("192.168.1.1", { special = "private" })
end

local function render(result, view)
  view = view or {}
  view.columns = view.columns or fields.default_names()
  view.max_silent = view.max_silent or 5
  return text.render(result, view)
end

local GOLDEN = {
  { name = "table_of_the_issue",
    hops = { sample.hop(1, { gateway() }) },
    view = { name = "www.example.com" },
    want = {
      "Target: www.example.com (93.184.216.34)",
      "TTFB: -",
      "",
      "Hop  IP Address   Loss%  Sent  Recv  Avg(ms)  StDev(ms)  "
        .. "Jitter(ms)  ASN      Organization     OS Guess",
      "1    192.168.1.1  0.0%   10    10    1.52     0.23       "
        .. "0.12        Private  Private Network  -",
    } },
  { name = "silent_hop_and_two_responders",
    hops = { sample.silent(1),
      sample.hop(2, { gateway(), sample.responder("10.0.0.20",
        { received = 4, special = "private" }) }),
      sample.hop(3, { target() }) },
    want = {
      "Target: 93.184.216.34",
      "TTFB: -",
      "",
      "Hop  IP Address     Loss%   Sent  Recv  Avg(ms)  "
        .. "StDev(ms)  Jitter(ms)  ASN      Organization     OS Guess",
      "1    *              100.0%  10    0     -        "
        .. "-          -           -        -                -",
      "2    192.168.1.1    0.0%    10    10    1.52     "
        .. "0.23       0.12        Private  Private Network  -",
      "     10.0.0.20      -       -     4     1.52     "
        .. "0.23       0.12        Private  Private Network  -",
      "3    93.184.216.34  0.0%    10    10    11.80    0.23       "
        .. "0.12        -        -                -",
    } },
  { name = "silent_tail_closes_the_table",
    hops = { sample.hop(1, { gateway() }), sample.silent(2),
      sample.silent(3), sample.silent(4) },
    view = { max_silent = 3, columns = { "hop", "ip", "loss", "received" } },
    changes = { reached = false, ending = "silent" },
    want = {
      "Target: 93.184.216.34",
      "TTFB: -",
      "",
      "Hop  IP Address   Loss%  Recv",
      "1    192.168.1.1  0.0%   10",
      "2-4  *",
      "",
      "Target not reached: nothing beyond hop 1 replies.",
    } },
  { name = "verdicts_notes_and_marks_stand_under_the_table",
    hops = { sample.hop(1, { gateway() }, { received = 2, loss = 0.8,
        loss_low = 0.4902, loss_high = 0.9433, better_beyond = 2 }),
      sample.hop(2, { target() }, { rate_limit = { shared = 3 } }) },
    view = { columns = { "hop", "ip", "loss", "received" } },
    changes = { capture_drops = 1, verdicts = { { text = "First verdict." },
      { text = "Second\27 verdict." } } },
    want = {
      "Target: 93.184.216.34",
      "TTFB: -",
      "",
      "Hop  IP Address     Loss%            Recv",
      "1    192.168.1.1    80.0% (49-94) ?  2",
      "2    93.184.216.34  0.0% rs          10",
      "",
      "First verdict.",
      "Second verdict.",
      "1 packet was dropped by the capture on this host: some loss may be "
        .. "its own.",
      "Hop 1 (?) left 8 of 10 probes unanswered, hop 2 beyond it 0 of 10: "
        .. "replies that the hop did not send, not loss on the path.",
      "r: bursts were answered only in part, so Loss% is of probes sent "
        .. "more slowly.",
      "s: other traces' probes to the same router are counted too.",
    } },
  { name = "marks_are_not_explained_where_no_loss_is_shown",
    hops = { sample.hop(1, { gateway() }, { rate_limit = { shared = 0 } }) },
    view = { columns = { "hop", "ip" } },
    want = {
      "Target: 93.184.216.34",
      "TTFB: -",
      "",
      "Hop  IP Address",
      "1    192.168.1.1",
    } },
  { name = "os_guesses_say_what_they_rest_on_where_asked",
    hops = { sample.hop(1, { sample.responder("10.0.0.1", { os = {
      label = "Junos", doubtful = true, confidence = "medium",
      line = "TTL\27 255" } }) }) },
    view = { columns = { "hop", "os" }, evidence = true },
    want = {
      "Target: 93.184.216.34",
      "TTFB: -",
      "",
      "Hop  OS Guess",
      "1    Junos?",
      "",
      "OS of hop 1, 10.0.0.1: Junos? (medium confidence): TTL 255.",
    } },
  { name = "os_guesses_stand_alone_where_not",
    hops = { sample.hop(1, { sample.responder("10.0.0.1", { os = {
      doubtful = true, line = "no evidence" } }) }) },
    view = { columns = { "hop", "os" } },
    want = {
      "Target: 93.184.216.34",
      "TTFB: -",
      "",
      "Hop  OS Guess",
      "1    unknown",
    } },
  { name = "long_organization_is_cut",
    hops = { sample.hop(1, { sample.responder("192.0.2.1",
      { special = false, organization = ("x"):rep(49) }) }) },
    view = { columns = { "organization", "hop" } },
    want = {
      "Target: 93.184.216.34",
      "TTFB: -",
      "",
      "Organization" .. (" "):rep(36) .. "  Hop",
      ("x"):rep(46) .. "..  1",
    } },
  { name = "chosen_columns_in_the_users_order",
    hops = { sample.hop(1, { gateway() }) },
    view = { columns = { "ip", "p95", "hop" } },
    want = {
      "Target: 93.184.216.34",
      "TTFB: -",
      "",
      "IP Address   P95(ms)  Hop",
      "192.168.1.1  1.95     1",
    } },
}
check.rows(GOLDEN, function(row)
  check.equal(render(sample.result(row.hops, row.changes), row.view),
    table.concat(row.want, "\n"))
end)

check.case("no_line_ends_in_a_blank", function()
  local out = render(sample.result { sample.hop(1, { gateway() }),
    sample.silent(2) })
  check.equal((out .. "\n"):find(" \n", 1, true), nil)
end)

check.case("name_that_is_the_address_is_not_repeated", function()
  local out = render(sample.result {}, { name = "93.184.216.34" })
  check.equal(out:match("^[^\n]*"), "Target: 93.184.216.34")
end)

check.case("control_characters_of_a_name_are_taken_out", function()
  local out = render(sample.result {}, { name = "a\27]0;x\7\nb" })
  check.equal(out:match("^[^\n]*"), "Target: a]0;xb (93.184.216.34)")
end)

check.finish()

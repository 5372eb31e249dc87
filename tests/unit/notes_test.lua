-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local notes = require "mtrtrace.table.notes"
local sample = require "sample"

local function answering(ttl, changes)
  return sample.hop(ttl, { sample.responder("10.0.0." .. ttl) }, changes)
end

local function refusing(ttl, address, kind, code, name)
  return sample.hop(ttl, { sample.responder(address, { codes = {
    { type = 11, code = 0, name = "time exceeded in transit", count = 9 },
    { type = kind, code = code, name = name, count = 1 },
  } }) })
end

local function not_reached(changes)
  changes.reached = false
  return changes
end

local NOTES = {
  { name = "nothing_to_say_of_a_clean_path", hops = { answering(1) },
    want = {} },
  { name = "path_that_falls_silent",
    hops = { answering(1), answering(2), sample.silent(3) },
    changes = not_reached { ending = "silent" },
    want = { "Target not reached: nothing beyond hop 2 replies." } },
  { name = "suppressed_hop_is_explained_by_the_one_beyond",
    hops = { answering(1, { better_beyond = 3, received = 2 }), answering(2),
      answering(3) },
    want = { "Hop 1 (?) left 8 of 10 probes unanswered, hop 3 beyond it 0 "
      .. "of 10: replies that the hop did not send, not loss on the path." } },
  { name = "suppressed_hops_share_a_line",
    hops = { answering(1, { better_beyond = 6, received = 2 }), answering(2),
      answering(3, { better_beyond = 6, received = 1 }),
      answering(4, { better_beyond = 6, received = 2 }),
      answering(5, { better_beyond = 6, received = 1 }), answering(6) },
    want = { "Hops 1 and 3 to 5 (?) left 34 of 40 probes unanswered, hop 6 "
      .. "beyond them 0 of 10: replies that these hops did not send, not "
      .. "loss on the path." } },
  { name = "few_unanswered_probes_are_no_proof",
    hops = { answering(1, { better_beyond = 3, received = 7 }), answering(2),
      answering(3) },
    want = { "Hop 1 (?) left 3 of 10 probes unanswered, hop 3 beyond it 0 "
      .. "of 10: loss on the path would show at hop 3, too." } },
  { name = "a_shared_rate_limit_is_named_where_replies_are_missing",
    hops = { answering(1), answering(2, { shared_rate_limit = true,
      received = 3 }) },
    want = { "Hop 2 (?) left 7 of 10 probes unanswered: other targets traced "
      .. "at once reply from the same place, and may be addresses of one "
      .. "host, with one rate limit; trace it alone to be sure." } },
  { name = "path_without_any_answer", hops = { sample.silent(1) },
    changes = not_reached { ending = "silent" },
    want = { "Target not reached: no hop replies." } },
  { name = "path_longer_than_max_hops",
    hops = { answering(1), answering(2) },
    changes = not_reached { ending = "silent" },
    want = { "Target not reached within 2 hops." } },
  { name = "unreachable_names_who_and_why",
    hops = { answering(1),
      refusing(2, "10.0.0.9", 3, 1, "destination host unreachable") },
    changes = not_reached { ending = "unreachable", ending_type = 3,
      ending_code = 1 },
    want = { "Target not reached: 10.0.0.9 at hop 2 replies with destination "
      .. "host unreachable (ICMP type 3 code 1)." } },
  { name = "unreachable_in_ipv6",
    hops = { refusing(1, "2001:db8::9", 1, 0, "no route") },
    changes = not_reached { ending = "unreachable", ending_type = 1,
      ending_code = 0, target = "2001:db8::1" },
    want = { "Target not reached: 2001:db8::9 at hop 1 replies with no route "
      .. "(ICMPv6 type 1 code 0)." } },
  { name = "unreachable_whose_hop_is_gone", hops = { answering(1) },
    changes = not_reached { ending = "unreachable", ending_type = 3,
      ending_code = 1 },
    want = { "Target not reached: unreachable (ICMP type 3 code 1)." } },
  { name = "snapshot_of_a_running_trace", hops = { answering(1) },
    changes = { reached = false, ending = false },
    want = { "The trace was still running." } },
  { name = "send_errors_are_summed_and_not_loss",
    hops = { answering(1, { send_errors = 2 }),
      answering(2, { send_errors = 1 }) },
    changes = { send_error = "No buffer space available" },
    want = { "3 probes could not be sent (No buffer space available); not "
      .. "counted as loss." } },
  { name = "send_error_of_unknown_cause",
    hops = { answering(1, { send_errors = 1 }) },
    want = { "1 probe could not be sent; not counted as loss." } },
  { name = "send_error_beyond_the_table", hops = { answering(1) },
    changes = { send_error = "Network is down" },
    want = { "Probes beyond the table could not be sent (Network is "
      .. "down)." } },
  { name = "random_sizes", hops = { answering(1) },
    changes = { size = 100, random_size = true },
    want = { "Probes have random sizes up to 100 bytes." } },
  { name = "mapped_target", hops = { answering(1) },
    changes = { ipv4_mapped = true, target = "192.0.2.9" },
    want = { "::ffff:192.0.2.9 is an IPv4-mapped address: it is traced by "
      .. "IPv4, as 192.0.2.9." } },
  { name = "narrow_link", hops = { answering(1) },
    changes = { link_rate = 1010000 },
    want = { "Round trips rise with this tool's own probes, as on a link of "
      .. "about 1.0 Mbit/s: probes were spread, and each may have waited "
      .. "some ms for others." } },
  { name = "capture_drop", hops = { answering(1) },
    changes = { capture_drops = 1 },
    want = { "1 packet was dropped by the capture on this host: some loss "
      .. "may be its own." } },
  { name = "capture_drops", hops = { answering(1) },
    changes = { capture_drops = 2 },
    want = { "2 packets were dropped by the capture on this host: some "
      .. "loss may be its own." } },
  { name = "capture_drops_while_probes_were_under_way",
    hops = { answering(1), answering(2, { received = 6,
      lost_during_drops = 3 }),
      answering(3, { received = 9, lost_during_drops = 1 }) },
    changes = { capture_drops = 70 },
    want = { "70 packets were dropped by the capture on this host, perhaps "
      .. "replies to probes that count as lost (?): 3 of 4 at hop 2, 1 of 1 "
      .. "at hop 3." } },
  { name = "answers_without_a_time", hops = { answering(1) },
    changes = { missing_tx_timestamp = 2 },
    want = { "2 replies have no time: the capture did not see the probe "
      .. "leave." } },
  { name = "raw_sockets_are_no_note", hops = { answering(1) },
    changes = { sockets = "raw" }, want = {} },
  { name = "unprivileged_sockets_say_what_is_not_seen",
    hops = { answering(1) },
    changes = { sockets = "unprivileged", protocol = "icmp" },
    want = { "Unprivileged sockets: the headers of replies and quotes are "
      .. "not seen (only TTL and TOS), which leaves the OS guess and "
      .. "verdicts on NAT and DSCP without evidence." } },
  { name = "next_hops_that_probes_cannot_be_led_over",
    hops = { answering(1) }, changes = { split = true },
    want = { "This host has several next hops to the target, and probes "
      .. "cannot be made to use the one of an application's packets." } },
  { name = "responders_beyond_those_listed",
    hops = { answering(1), answering(2, { unlisted = 3 }) },
    want = { "3 replies came from further addresses at hop 2: at most 64 "
      .. "responders of a hop are listed." } },
  { name = "responders_beyond_those_listed_at_two_hops",
    hops = { answering(1, { unlisted = 1 }), answering(2, { unlisted = 9 }) },
    want = { "10 replies came from further addresses at hops 1, 2: at most "
      .. "64 responders of a hop are listed." } },
  { name = "server_of_the_user_that_did_not_serve",
    hops = { answering(1) },
    changes = { lookup_errors = { "irr: 192.0.2.1:43: no connection" } },
    want = { "Look-ups: irr: 192.0.2.1:43: no connection." } },
  { name = "pings_that_this_user_may_not_send", hops = { answering(1) },
    changes = { direct_error = "no ping socket" },
    want = { "No direct figures: echo requests cannot be sent (no ping "
      .. "socket)." } },
  { name = "session_as_it_should_be", hops = { answering(1) },
    changes = { session = { connections = 1, connections_lost = 0,
      fallback = false, match = "dsack", syn_ack_ttl = 60, ack_ttl = 60 } },
    want = {} },
  { name = "session_that_was_refused", hops = { answering(1) },
    changes = { session = { connections = 0, connections_lost = 0,
      fallback = true, cause = "not connected", reset_ttl = 60,
      error = "Connection refused" } },
    want = { "No TCP session (not connected: Connection refused), so the "
      .. "probes are SYNs." } },
  { name = "session_that_was_lost_for_good", hops = { answering(1) },
    changes = { session = { connections = 3, connections_lost = 3,
      fallback = true, match = "dsack", cause = "reset", syn_ack_ttl = 60,
      ack_ttl = 60, reset_ttl = 62, error = "Connection reset by peer" } },
    want = { "The TCP session ended (reset: Connection reset by peer) and "
      .. "could not be opened again, so later probes are SYNs; the reset "
      .. "came from elsewhere (TTL 62, 3 hops back) than the target's replies "
      .. "(TTL 60, 5 hops back)." } },
  { name = "session_made_anew_and_answers_without_names",
    hops = { answering(1) },
    changes = { session = { connections = 3, connections_lost = 2,
      fallback = false, match = "order", cause = "closed by the target",
      syn_ack_ttl = 60, ack_ttl = 60 } },
    want = { "The TCP session ended 2 times (closed by the target) and was "
      .. "opened again; the target's replies do not name their probe (no "
      .. "duplicate SACK): one probe at a time was in flight, and "
      .. "replies are matched in order." } },
  { name = "session_that_somebody_else_accepted", hops = { answering(1) },
    changes = { session = { connections = 1, connections_lost = 0,
      fallback = false, match = "dsack", syn_ack_ttl = 64, ack_ttl = 120 } },
    want = { "The connection was answered from elsewhere (TTL 64, 1 hop "
      .. "back) than the probes in it (TTL 120, 9 hops back): a device on "
      .. "the path replies for the target." } },
  { name = "clock_that_was_set", hops = { answering(1) },
    changes = { clock_adjustments = 3 },
    want = { "The clock of this host was set during the trace: 3 round "
      .. "trips are left out." } },
}
check.rows(NOTES, function(row)
  check.equal(notes.list(sample.result(row.hops, row.changes)), row.want)
end)

check.finish()

/* SPDX-License-Identifier: BSD-2-Clause */
/* The rate limit of a responder, and the sample that traces share. */
#include "base/units.h"
#include "check.h"
#include "engine/pace.h"

#include <stdio.h>

static const int64_t sample_interval_ns = 1050 * MS;
static const uint64_t alice = 1, bob = 2; /* two traces */
static const struct pace_evidence seen = { .tests = 16, .burst_received = 1 };

static struct pace_key key_of(const char *address, uint8_t ttl, bool direct)
{
    struct pace_key key = { .protocol = WIRE_ICMP, .ttl = ttl, .direct = direct };
    ipaddr_from_text(&key.responder, address);
    return key;
}

static void check_known(void)
{
    struct pace *pace = pace_new();
    const struct pace_key router = key_of("192.0.2.1", 3, false);
    const struct pace_key farther = key_of("192.0.2.1", 4, false);
    const struct pace_key echo = key_of("192.0.2.1", 3, true);
    const struct pace_key other = key_of("2001:db8::1", 3, false);

    check_case("a_responder_is_known_once_it_was_seen_to_rate_limit");
    check_that(pace_known(pace, &router, 0) == NULL, "known before");
    struct pace_sample *sample = pace_rate_limit(pace, &router, seen, sample_interval_ns, 0);
    check_that(pace_known(pace, &router, 0) == sample, "not known after");
    check_int("tests", pace_evidence(sample).tests, 16);
    check_int("tests answered", pace_evidence(sample).burst_received, 1);

    check_case("another_ttl_address_or_kind_of_reply_is_another_sample");
    check_that(pace_known(pace, &farther, 0) == NULL, "other TTL");
    check_that(pace_known(pace, &echo, 0) == NULL, "echo replies");
    check_that(pace_known(pace, &other, 0) == NULL, "other address");

    check_case("samples_over_different_paths_are_not_mixed");
    const uint32_t here[4] = { 0, 7, 0, 5 }, there[4] = { 0, 8, 0, 5 }, unknown[4] = { 0, 0, 9, 0 };
    struct pace_key one = key_of("192.0.2.7", 4, false), two = one, any = one;
    one.path_hashes = here;
    two.path_hashes = there;
    any.path_hashes = unknown;
    struct pace_sample *over_one = pace_rate_limit(pace, &one, seen, sample_interval_ns, 0);
    check_that(pace_known(pace, &any, 0) == over_one, "a way of which nothing speaks against it");
    struct pace_sample *over_two = pace_known(pace, &two, 0);
    check_that(over_two != NULL && over_two != over_one, "no sample of its own for another way");
    check_int("evidence of the first", pace_evidence(over_two).burst_received, seen.burst_received);
    check_that(pace_rate_limit(pace, &two, seen, sample_interval_ns, 0) == over_two, "a third");
    check_that(pace_known(pace, &one, 0) == over_one, "the first is gone");
    check_that(pace_known(pace, &two, 0) == over_two, "the second is not found");

    check_case("a_rate_limit_is_known_for_ten_minutes_without_probes");
    check_that(pace_known(pace, &router, 600000 * MS) == NULL, "still there");
    check_that(pace_known(pace, &router, 599999 * MS) == sample, "gone too early");

    check_case("ten_minutes_after_the_last_tests_it_is_tested_again_however_often_it_was_used");
    struct pace_sample *used = pace_rate_limit(pace, &other, seen, sample_interval_ns, 0);
    for (int i = 1; i < 60; i++)
        pace_start(used, 1, i * 10 * SECOND);
    check_that(pace_known(pace, &other, 599999 * MS) == used, "tested too early");
    check_that(pace_known(pace, &other, 600000 * MS) == NULL, "not tested");
    pace_rate_limit(pace, &other, seen, sample_interval_ns, 601 * SECOND);
    check_that(pace_known(pace, &other, 1200 * SECOND) == used, "not found again");

    check_case("of_two_spacings_the_shorter_holds_because_the_bucket_was_shared");
    pace_rate_limit(pace, &router, seen, 2 * sample_interval_ns, MS);
    check_int("longer", pace_spacing_ns(sample), sample_interval_ns);
    pace_rate_limit(pace, &router, seen, sample_interval_ns / 2, MS);
    check_int("shorter", pace_spacing_ns(sample), sample_interval_ns / 2);
    pace_free(pace);
}

/* Several traces of a target, one after the other. */
static void check_rounds(void)
{
    struct pace *pace = pace_new();
    const struct pace_key router = key_of("192.0.2.1", 3, false);
    const struct pace_outcome lost = { .state = PACE_LOST, .rtt_ns = -1 };
    struct pace_sample *sample = pace_rate_limit(pace, &router, seen, sample_interval_ns, 0);

    for (int64_t s = 2; s <= 4; s += 2)
        pace_finish(pace, sample, pace_start(sample, alice, s * SECOND), &lost);
    pace_leave(sample, alice);

    check_case("a_trace_reads_no_outcome_that_is_older_than_it_wants");
    check_that(pace_known(pace, &router, 50 * SECOND) == sample, "not known");
    check_int("from 2 s", pace_first(sample, 2 * SECOND), 0);
    check_int("from 2.001 s", pace_first(sample, 2001 * MS), 1);
    check_int("from 4.001 s", pace_first(sample, 4001 * MS), 2);
    pace_leave(sample, bob);

    check_case("after_a_minute_the_rate_limit_is_known_and_its_outcomes_are_not");
    check_that(pace_known(pace, &router, 64 * SECOND) == sample, "not known");
    check_int("outcomes", pace_first(sample, 0), 2);
    pace_leave(sample, bob);
    pace_free(pace);
}

static void check_budget(void)
{
    struct pace *pace = pace_new();
    const struct pace_key near = key_of("192.0.2.1", 3, false);
    const struct pace_key far = key_of("192.0.2.1", 4, false);
    struct pace_sample *sample = pace_rate_limit(pace, &near, seen, sample_interval_ns, 0);
    struct pace_sample *farther = pace_rate_limit(pace, &far, seen, sample_interval_ns, 0);

    check_case("the_first_probe_waits_for_a_token");
    check_int("due", pace_due(sample, alice, 0, 10), sample_interval_ns);

    check_case("a_probe_of_one_sample_delays_those_of_the_responders_others");
    pace_start(sample, alice, 2000 * MS);
    check_int("same", pace_due(sample, alice, 0, 10), 3050 * MS);
    check_int("other", pace_due(farther, alice, 0, 10), 3050 * MS);

    check_case("any_reply_of_the_responder_takes_a_token");
    pace_answered(pace, &near.responder, 2500 * MS);
    check_int("due", pace_due(sample, alice, 0, 10), 3550 * MS);
    pace_free(pace);
}

/* The replies to bursts decide which bursts were the last. */
static void check_lead(void)
{
    struct pace *pace = pace_new();
    const struct pace_key near = key_of("192.0.2.1", 3, false);
    const struct pace_key far = key_of("192.0.2.1", 4, false);
    struct pace_sample *sample = pace_rate_limit(pace, &near, seen, sample_interval_ns, 0);
    struct pace_sample *farther = pace_rate_limit(pace, &far, seen, sample_interval_ns, 0);

    check_case("a_sample_that_was_not_measured_begins_at_once");
    check_that(!pace_lead(sample, 2000 * MS), "an unsampled probe");

    check_case("after_a_measurement_one_unsampled_probe_goes_ahead");
    pace_measured(sample, sample_interval_ns, 3000 * MS);
    check_int("first token", pace_due(sample, alice, 0, 10), 3000 * MS);
    check_that(pace_lead(farther, 3000 * MS), "none ahead, whoever sends first");
    check_that(!pace_lead(sample, 4050 * MS), "another one");

    check_case("it_takes_a_token_and_is_none_of_the_sample");
    check_int("next token", pace_due(sample, alice, 0, 10), 4050 * MS);
    check_int("wanted", pace_due(sample, alice, 0, 1), 4050 * MS);
    pace_free(pace);
}

static const struct pace_outcome *at(const struct pace_sample *sample, int64_t place)
{
    return pace_outcome(sample, &place);
}

/* Responders are found among many, and after others were removed. */
static void check_many(void)
{
    struct pace *pace = pace_new();
    struct pace_sample *samples[40];
    char text[IPADDR_TEXT];

    check_case("each_of_many_responders_is_found");
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "198.51.100.%d", i);
        const struct pace_key key = key_of(text, (uint8_t)(i % 4 + 1), false);
        samples[i] = pace_rate_limit(pace, &key, seen, sample_interval_ns, (i + 1) * MS);
    }
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "198.51.100.%d", i);
        const struct pace_key key = key_of(text, (uint8_t)(i % 4 + 1), false);
        const struct pace_key other = key_of(text, 9, false);
        check_that(pace_free_ns(pace, &key.responder) > 0, "%s is not known", text);
        check_that(pace_borrow(pace, &key, ipaddr_hash(&key.responder), 50 * MS) == samples[i],
                   "%s: another sample", text);
        check_that(!pace_is_limited(pace, &other, 50 * MS), "%s at another TTL", text);
    }
    check_case("removed_responders_are_not_found");
    for (int i = 0; i < 40; i++) {
        pace_leave(samples[i], alice);
        pace_leave(samples[i], alice);
    }
    const struct pace_key late = key_of("203.0.113.1", 1, false);
    int64_t now_ns = INT64_C(3600000000000);
    struct pace_sample *last = pace_rate_limit(pace, &late, seen, sample_interval_ns, now_ns);
    const struct pace_key early = key_of("198.51.100.4", 1, false);
    check_int("samples", (int64_t)pace_usage(pace).samples, 1);
    check_that(pace_borrow(pace, &early, ipaddr_hash(&early.responder), now_ns) == NULL, "found");
    check_that(pace_borrow(pace, &late, ipaddr_hash(&late.responder), now_ns) == last, "not found");
    pace_free(pace);
}

static void check_sharing(void)
{
    struct pace *pace = pace_new();
    const struct pace_key router = key_of("192.0.2.1", 3, false);
    const struct pace_outcome answered = { .state = PACE_ANSWERED, .rtt_ns = 5 };
    const struct pace_outcome lost = { .state = PACE_LOST, .rtt_ns = -1 };
    struct pace_sample *sample = pace_rate_limit(pace, &router, seen, sample_interval_ns, 0);

    check_case("as_many_probes_are_sent_as_the_largest_sample_wants");
    int64_t first = pace_start(sample, alice, 0), second = pace_start(sample, bob, MS);
    check_int("one more wanted by each", pace_due(sample, alice, 0, 1), INT64_MAX);
    check_that(pace_due(sample, alice, 0, 2) != INT64_MAX, "no third probe");
    check_that(pace_due(sample, bob, 1, 1) != INT64_MAX, "what was read counts again");
    check_int("by a third", pace_due(sample, 3, 0, 2), INT64_MAX);

    check_case("an_outcome_is_no_change_if_one_trace_holds_the_sample");
    uint64_t changes = pace_changes(pace);
    pace_finish(pace, sample, first, &lost);
    check_that(pace_changes(pace) == changes, "a change without a trace that shares");

    check_case("an_outcome_is_a_change_for_all");
    check_that(pace_known(pace, &router, MS) == sample, "another sample");
    pace_finish(pace, sample, first, &answered);
    check_that(pace_changes(pace) != changes, "no news");
    check_int("state", at(sample, first)->state, PACE_ANSWERED);
    check_that(at(sample, first)->owner == alice, "not alice's");
    check_that(at(sample, 2) == NULL, "a third outcome");

    check_case("a_late_reply_makes_a_lost_probe_answered");
    pace_finish(pace, sample, second, &lost);
    pace_finish(pace, sample, second, &answered);
    check_int("state", at(sample, second)->state, PACE_ANSWERED);

    check_case("probes_in_flight_of_a_closed_trace_delay_no_other");
    int64_t third = pace_start(sample, bob, 2 * MS);
    pace_leave(sample, bob);
    check_int("state", at(sample, third)->state, PACE_VOID);
    check_int("finished ones stay", at(sample, second)->state, PACE_ANSWERED);
    check_that(pace_due(sample, alice, 0, 2) != INT64_MAX, "it is not replaced");
    pace_free(pace);
}

/* Silent hops while samples are taken. */
static void check_slots(void)
{
    struct pace *pace = pace_new();
    const struct pace_key target = key_of("192.0.2.9", 6, false);
    struct wire_spec spec = { .protocol = target.protocol, .target = target.responder };
    struct wire_spec elsewhere = spec;
    ipaddr_from_text(&elsewhere.target, "192.0.2.10");

    check_case("a_sample_that_waits_for_tokens_is_still_to_be_taken");
    struct pace_sample *sample = pace_rate_limit(pace, &target, seen, sample_interval_ns, 0);
    check_that(pace_slot_ns(pace, &spec, 6, false, 29000 * MS) != 0, "given up too early");
    check_int("given up", pace_slot_ns(pace, &spec, 6, false, 31000 * MS), 0);

    check_case("a_silent_hop_beyond_it_may_be_the_target_too");
    check_that(pace_slot_ns(pace, &spec, 7, false, 1000 * MS) != 0, "no slot after it");
    check_int("a slot in front", pace_slot_ns(pace, &spec, 5, false, 1000 * MS), 0);
    check_int("of another target", pace_slot_ns(pace, &elsewhere, 7, false, 1000 * MS), 0);

    check_case("one_before_it_may_be_the_target_where_the_distance_is_not_known");
    check_that(pace_slot_ns(pace, &spec, 5, true, 1000 * MS) != 0, "no slot in front");
    check_int("of another target", pace_slot_ns(pace, &elsewhere, 5, true, 1000 * MS), 0);

    check_case("a_sample_waits_for_so_many_silent_hops_and_no_more");
    int64_t now_ns = 2000 * MS;
    (void)pace_start(sample, alice, now_ns);
    int waited = 0;
    while (waited < 100 && pace_slot_ns(pace, &spec, 6, false, now_ns) != 0) {
        pace_yield_slot(pace, &spec, &target, false, now_ns);
        now_ns += sample_interval_ns;
        waited++;
    }
    check_that(waited >= 32 && waited < 40, "%d", waited);

    check_case("then_each_second_token_is_the_samples_own");
    for (int i = 0; i < 4; i++) {
        (void)pace_start(sample, alice, now_ns);
        check_that(pace_slot_ns(pace, &spec, 6, false, now_ns) != 0, "%d: none after its own", i);
        pace_yield_slot(pace, &spec, &target, false, now_ns += sample_interval_ns);
        check_int("two in a row", pace_slot_ns(pace, &spec, 6, false, now_ns), 0);
        now_ns += sample_interval_ns;
    }

    check_case("another_targets_own_replies_take_no_token_of_a_silent_hop");
    const struct pace_key echo = key_of("192.0.2.11", 8, true);
    struct wire_spec its_own = spec;
    its_own.target = echo.responder;
    (void)pace_rate_limit(pace, &echo, seen, sample_interval_ns, now_ns);
    check_int("of another target", pace_slot_ns(pace, &spec, 8, false, now_ns), 0);
    check_that(pace_slot_ns(pace, &its_own, 8, false, now_ns) != 0, "none of this target");
    pace_free(pace);
}

static void check_stopped(void)
{
    struct pace *pace = pace_new();
    const struct pace_key router = key_of("192.0.2.1", 3, false);
    const struct wire_spec spec = { .protocol = router.protocol };
    struct pace_sample *sample = pace_rate_limit(pace, &router, seen, sample_interval_ns, 0);

    check_case("a_responder_that_stops_is_not_known_to_rate_limit");
    pace_measuring(sample, 1000 * MS);
    pace_stopped(sample, 9000 * MS);
    check_that(pace_spacing_ns(sample) > 3600 * MS, "its holders sample on");
    check_that(pace_known(pace, &router, 9000 * MS) == NULL, "known");
    check_that(!pace_is_limited(pace, &router, 9000 * MS), "limited");
    check_int("a slot", pace_slot_ns(pace, &spec, 3, false, 9000 * MS), 0);
    pace_answered(pace, &router.responder, 10000 * MS);
    check_that(pace_free_ns(pace, &router.responder) <= 9000 * MS, "it has no token");

    check_case("a_responder_that_stopped_can_be_found_to_rate_limit");
    struct pace_sample *again =
        pace_rate_limit(pace, &router, seen, sample_interval_ns, 20 * SECOND);
    check_int("interval", pace_spacing_ns(again), sample_interval_ns);
    check_that(pace_known(pace, &router, 21 * SECOND) != NULL, "not known");

    check_case("an_unknown_interval_is_measured_anew_after_a_minute");
    pace_measured(again, 0, 30 * SECOND);
    check_that(pace_known(pace, &router, 89 * SECOND) != NULL, "not known");
    check_that(pace_known(pace, &router, 91 * SECOND) == NULL, "known");

    check_case("who_holds_the_sample_of_a_refuted_limit_goes_on_at_the_usual_interval");
    struct pace_sample *wrong =
        pace_rate_limit(pace, &router, seen, sample_interval_ns, 100 * SECOND);
    pace_refuted(wrong, 103 * SECOND);
    check_that(pace_known(pace, &router, 103 * SECOND) == NULL, "known");
    check_int("interval", pace_spacing_ns(wrong), 100 * MS);
    check_int("due", pace_due(wrong, 1, pace_first(wrong, 0), 1), 103 * SECOND);
    check_that(!pace_lead(wrong, 103 * SECOND), "its first probe is unsampled");
    pace_free(pace);
}

static void check_last_burst(void)
{
    struct pace *pace = pace_new();
    const struct pace_key router = key_of("192.0.2.1", 3, false);

    check_case("a_sample_begins_a_second_after_the_last_burst_of_any_trace");
    bursts_sent(pace_bursts(pace), &router.responder, 500 * MS);
    (void)pace_rate_limit(pace, &router, seen, sample_interval_ns, 100 * MS);
    check_int("free", pace_free_ns(pace, &router.responder), 1550 * MS);
    pace_free(pace);
}

static void check_borrowing(void)
{
    struct pace *pace = pace_new();
    const struct pace_key router = key_of("192.0.2.1", 3, false);
    const struct pace_key echo = key_of("192.0.2.2", 3, true);
    const uint32_t there[4] = { 0, 8, 0, 0 }, elsewhere[4] = { 0, 9, 0, 0 };
    struct pace_key on_path = { .protocol = WIRE_ICMP, .ttl = 3, .path_hashes = there },
                    off_path = on_path;
    struct pace_key known = router;
    uint32_t hash = ipaddr_hash(&router.responder);

    known.path_hashes = there;
    off_path.path_hashes = elsewhere;
    check_case("a_router_that_rate_limits_may_be_at_its_ttl_on_no_path_but_its_own");
    (void)pace_rate_limit(pace, &echo, seen, sample_interval_ns, 0);
    check_that(!pace_is_limited(pace, &on_path, 0), "by echo replies");
    struct pace_sample *sample = pace_rate_limit(pace, &known, seen, sample_interval_ns, 0);
    check_that(pace_is_limited(pace, &on_path, 0), "not there");
    check_that(!pace_is_limited(pace, &off_path, 0), "on another path");
    check_that(pace_borrow(pace, &on_path, hash, 0) == sample, "not borrowed");
    check_that(pace_borrow(pace, &on_path, hash + 1, 0) == NULL, "another responder");
    check_that(pace_borrow(pace, &on_path, hash, 60000 * MS) == NULL, "after a minute");

    check_case("a_sample_that_is_taken_leaves_eight_tokens_to_hops_without_a_reply");
    struct wire_spec spec = { .protocol = WIRE_ICMP };
    int checks = 0;
    while (checks < 20 && pace_wants_checks(sample, 0)) {
        pace_yield_slot(pace, &spec, &on_path, false, 0);
        checks++;
    }
    check_int("checks", checks, 8);
    check_that(!pace_is_idle(sample, 29000 * MS), "idle while it waits");
    check_that(pace_is_idle(sample, 31000 * MS), "not idle");
    check_that(pace_router_slot_ns(pace, &on_path, 31000 * MS) != 0, "no slot when idle");
    pace_free(pace);
}

static struct pace_outcome with_rtt(int64_t rtt_ns)
{
    return (struct pace_outcome){ .state = PACE_ANSWERED, .rtt_ns = rtt_ns };
}

static void check_outcomes_kept(void)
{
    struct pace *pace = pace_new();
    const struct pace_key router = key_of("192.0.2.1", 3, false);
    struct pace_sample *sample = pace_rate_limit(pace, &router, seen, sample_interval_ns, 0);
    const int64_t total = 3 * PACE_KEPT + 7;

    check_case("of_a_sample_that_goes_on_for_ever_the_newest_outcomes_are_kept");
    int64_t slow = 0, now_ns = 0;
    for (int64_t i = 0; i < total; i++, now_ns += sample_interval_ns) {
        const struct pace_outcome outcome = with_rtt(i);
        pace_finish(pace, sample, pace_start(sample, alice, now_ns), &outcome);
    }
    check_int("first", pace_first(sample, 0), total - PACE_KEPT);
    check_int("oldest", pace_outcome(sample, &slow)->rtt_ns, total - PACE_KEPT);
    check_int("the reader was moved on", slow, total - PACE_KEPT);
    check_int("newest", at(sample, total - 1)->rtt_ns, total - 1);
    check_int("unread", (long)pace_counters(pace).outcomes, total - PACE_KEPT);

    check_case("the_end_of_a_probe_that_is_no_longer_kept_changes_nothing");
    const struct pace_outcome late = with_rtt(-7);
    uint64_t changes = pace_changes(pace);
    pace_finish(pace, sample, 0, &late);
    check_that(pace_changes(pace) == changes, "it is news");
    check_int("oldest", at(sample, slow)->rtt_ns, total - PACE_KEPT);

    check_case("places_are_not_given_twice_when_a_sample_begins_anew");
    int64_t paused = pace_start(sample, alice, now_ns);
    struct pace_sample *again =
        pace_rate_limit(pace, &router, seen, sample_interval_ns, now_ns + 61000 * MS);
    check_that(again == sample, "another sample");
    check_that(at(sample, 0) == NULL, "old outcomes are read");
    int64_t place = pace_start(sample, bob, now_ns + 62000 * MS);
    check_that(place != paused, "one place for two probes");
    pace_finish(pace, sample, paused, &late);
    check_int("of the second", at(sample, place)->state, PACE_OPEN);
    pace_free(pace);
}

static struct pace_key nth_router(unsigned n)
{
    struct pace_key key = key_of("198.18.0.0", 5, false);
    key.responder.bytes[1] = (uint8_t)(n >> 16);
    key.responder.bytes[2] = (uint8_t)(n >> 8);
    key.responder.bytes[3] = (uint8_t)n;
    return key;
}

/* Does what a trace does that finds a new responder and ends. */
static void visit(struct pace *pace, unsigned n, int64_t now_ns)
{
    const struct pace_key key = nth_router(n);
    struct pace_sample *sample = pace_rate_limit(pace, &key, seen, sample_interval_ns, now_ns);
    pace_start(sample, alice, now_ns);
    pace_leave(sample, alice);
}

static unsigned known(struct pace *pace, unsigned first, unsigned count, int64_t now_ns)
{
    unsigned n = 0;
    for (unsigned i = first; i < first + count; i++) {
        const struct pace_key key = nth_router(i);
        struct pace_sample *sample = pace_known(pace, &key, now_ns);
        n += sample != NULL;
        if (sample != NULL)
            pace_leave(sample, bob);
    }
    return n;
}

static void check_memory(void)
{
    struct pace *pace = pace_new();
    const unsigned many = 5000;

    check_case("of_ever_new_responders_so_many_are_kept_and_the_rest_is_counted");
    for (unsigned i = 0; i < many; i++)
        visit(pace, i, (int64_t)i * MS);
    check_int("the newest", known(pace, many - PACE_IDLE, PACE_IDLE, many * MS), PACE_IDLE);
    check_int("older ones", known(pace, 0, many - PACE_IDLE, many * MS), 0);
    check_int("samples", (long)pace_counters(pace).samples, many - PACE_IDLE);
    unsigned tokens = 0;
    for (unsigned i = 0; i < many; i++) {
        const struct pace_key key = nth_router(i);
        tokens += pace_free_ns(pace, &key.responder) != 0;
    }
    check_that(tokens <= PACE_IDLE + PACE_RESPONDERS + 1, "%u responders", tokens);
    check_that(pace_counters(pace).responders > 0, "not counted");

    check_case("the_sample_of_a_running_trace_is_never_discarded");
    const struct pace_key mine = nth_router(70000);
    struct pace_sample *held = pace_rate_limit(pace, &mine, seen, sample_interval_ns, 0);
    for (unsigned i = 0; i < many; i++)
        visit(pace, i, 100000 * MS + (int64_t)i * MS);
    check_that(pace_rate_limit(pace, &mine, seen, sample_interval_ns, 200000 * MS) == held,
               "another sample");

    check_case("after_ten_minutes_without_use_a_sample_is_dropped_without_being_missed");
    uint64_t before = pace_counters(pace).samples;
    visit(pace, 80000, 900000 * MS);
    check_int("known", known(pace, 0, many, 900000 * MS), 0);
    check_int("missed", (long)(pace_counters(pace).samples - before), 0);

    check_case("responders_that_lose_their_samples_all_at_once_are_no_more_than_ever");
    check_that(pace_usage(pace).bare <= PACE_RESPONDERS, "%zu without a sample",
               pace_usage(pace).bare);
    pace_free(pace);
}

static void check_serials(void)
{
    struct pace *pace = pace_new();

    check_case("no_two_traces_have_one_serial_number");
    uint64_t first = pace_serial(pace), second = pace_serial(pace);
    check_that(first != 0 && second == first + 1, "%u, %u", (unsigned)first, (unsigned)second);
    pace_free(pace);
}

int main(void)
{
    check_known();
    check_rounds();
    check_slots();
    check_budget();
    check_lead();
    check_many();
    check_sharing();
    check_stopped();
    check_last_burst();
    check_borrowing();
    check_outcomes_kept();
    check_memory();
    check_serials();
    pace_free(NULL);
    return check_done();
}

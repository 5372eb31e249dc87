/* SPDX-License-Identifier: BSD-2-Clause */
/* The budget of a responder, and the sample that traces share. */
#include "check.h"
#include "pace.h"

#define MS INT64_C(1000000)
static const int64_t spacing_ns = 1050 * MS;
static const int alice, bob; /* two traces */
static const struct pace_evidence seen = { .tests = 16, .tests_answered = 1 };

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

    check_case("a_responder_is_known_once_it_was_seen_to_ration");
    check_that(pace_known(pace, &router, 0) == NULL, "known before");
    struct pace_sample *sample = pace_ration(pace, &router, seen, spacing_ns, 0);
    check_that(pace_known(pace, &router, 0) == sample, "not known after");
    check_int("tests", pace_evidence(sample).tests, 16);
    check_int("tests answered", pace_evidence(sample).tests_answered, 1);

    check_case("another_ttl_address_or_kind_of_answer_is_another_sample");
    check_that(pace_known(pace, &farther, 0) == NULL, "other TTL");
    check_that(pace_known(pace, &echo, 0) == NULL, "echo replies");
    check_that(pace_known(pace, &other, 0) == NULL, "other address");

    check_case("samples_over_different_ways_are_not_mixed");
    const uint32_t here[4] = { 0, 7, 0, 5 }, there[4] = { 0, 8, 0, 5 }, unknown[4] = { 0, 0, 9, 0 };
    struct pace_key one = key_of("192.0.2.7", 4, false), two = one, any = one;
    one.way = here;
    two.way = there;
    any.way = unknown;
    struct pace_sample *over_one = pace_ration(pace, &one, seen, spacing_ns, 0);
    check_that(pace_known(pace, &any, 0) == over_one, "a way of which nothing speaks against it");
    struct pace_sample *over_two = pace_known(pace, &two, 0);
    check_that(over_two != NULL && over_two != over_one, "no sample of its own for another way");
    check_int("evidence of the first", pace_evidence(over_two).tests_answered, seen.tests_answered);
    check_that(pace_ration(pace, &two, seen, spacing_ns, 0) == over_two, "a third");
    check_that(pace_known(pace, &one, 0) == over_one, "the first is gone");
    check_that(pace_known(pace, &two, 0) == over_two, "the second is not found");

    check_case("a_sample_is_not_reused_after_a_minute_without_probes");
    check_that(pace_known(pace, &router, 59999 * MS) == sample, "gone too early");
    check_that(pace_known(pace, &router, 60000 * MS) == NULL, "still there");

    check_case("of_two_spacings_the_shorter_holds_because_the_bucket_was_shared");
    pace_ration(pace, &router, seen, 2 * spacing_ns, MS);
    check_int("longer", pace_spacing_ns(sample), spacing_ns);
    pace_ration(pace, &router, seen, spacing_ns / 2, MS);
    check_int("shorter", pace_spacing_ns(sample), spacing_ns / 2);
    pace_free(pace);
}

static void check_budget(void)
{
    struct pace *pace = pace_new();
    const struct pace_key near = key_of("192.0.2.1", 3, false);
    const struct pace_key far = key_of("192.0.2.1", 4, false);
    struct pace_sample *sample = pace_ration(pace, &near, seen, spacing_ns, 0);
    struct pace_sample *farther = pace_ration(pace, &far, seen, spacing_ns, 0);

    check_case("the_first_probe_waits_for_a_token");
    check_int("due", pace_due(sample, 10), spacing_ns);

    check_case("a_probe_of_one_sample_delays_those_of_the_responders_others");
    pace_start(sample, &alice, 2000 * MS);
    check_int("same", pace_due(sample, 10), 3050 * MS);
    check_int("other", pace_due(farther, 10), 3050 * MS);

    check_case("any_answer_of_the_responder_takes_a_token");
    pace_answered(pace, &near.responder, 2500 * MS);
    check_int("due", pace_due(sample, 10), 3550 * MS);
    pace_free(pace);
}

static void check_sharing(void)
{
    struct pace *pace = pace_new();
    const struct pace_key router = key_of("192.0.2.1", 3, false);
    const struct pace_outcome answered = { .state = PACE_ANSWERED, .rtt_ns = 5 };
    const struct pace_outcome lost = { .state = PACE_LOST, .rtt_ns = -1 };
    struct pace_sample *sample = pace_ration(pace, &router, seen, spacing_ns, 0);

    check_case("as_many_probes_are_sent_as_the_largest_sample_wants");
    int64_t first = pace_start(sample, &alice, 0), second = pace_start(sample, &bob, MS);
    check_int("two wanted", pace_due(sample, 2), INT64_MAX);
    check_that(pace_due(sample, 3) != INT64_MAX, "no third probe");

    check_case("an_outcome_is_news_to_all");
    uint64_t news = pace_news(pace);
    pace_finish(pace, sample, first, &answered);
    check_that(pace_news(pace) != news, "no news");
    check_int("state", pace_outcome(sample, first)->state, PACE_ANSWERED);
    check_that(pace_outcome(sample, first)->owner == &alice, "not alice's");
    check_that(pace_outcome(sample, 2) == NULL, "a third outcome");

    check_case("a_late_answer_makes_a_lost_probe_answered");
    pace_finish(pace, sample, second, &lost);
    pace_finish(pace, sample, second, &answered);
    check_int("state", pace_outcome(sample, second)->state, PACE_ANSWERED);

    check_case("what_a_closed_trace_had_on_its_way_counts_for_nobody");
    int64_t third = pace_start(sample, &bob, 2 * MS);
    pace_abandon(pace, &bob);
    check_int("state", pace_outcome(sample, third)->state, PACE_VOID);
    check_int("finished ones stay", pace_outcome(sample, second)->state, PACE_ANSWERED);
    check_that(pace_due(sample, 3) != INT64_MAX, "it is not replaced");
    pace_free(pace);
}

/* Silent hops beside samples that are being taken. */
static void check_slots(void)
{
    struct pace *pace = pace_new();
    const struct pace_key target = key_of("192.0.2.9", 6, false);
    struct wire_spec spec = { .protocol = target.protocol, .target = target.responder };
    struct wire_spec elsewhere = spec;
    ipaddr_from_text(&elsewhere.target, "192.0.2.10");

    check_case("a_sample_that_waits_for_tokens_is_still_to_be_taken");
    struct pace_sample *sample = pace_ration(pace, &target, seen, spacing_ns, 0);
    check_that(pace_slot_ns(pace, &spec, 6, 29000 * MS) != 0, "given up too early");
    check_int("given up", pace_slot_ns(pace, &spec, 6, 31000 * MS), 0);

    check_case("a_silent_hop_behind_it_may_be_the_target_too");
    check_that(pace_slot_ns(pace, &spec, 7, 1000 * MS) != 0, "no slot behind");
    check_int("a slot in front", pace_slot_ns(pace, &spec, 5, 1000 * MS), 0);
    check_int("of another target", pace_slot_ns(pace, &elsewhere, 7, 1000 * MS), 0);

    check_case("a_sample_waits_for_so_many_silent_hops_and_no_more");
    int64_t now_ns = 2000 * MS;
    (void)pace_start(sample, NULL, now_ns);
    int waited = 0;
    while (waited < 100 && pace_slot_ns(pace, &spec, 6, now_ns) != 0) {
        pace_yield_slot(pace, &spec, 6, now_ns);
        now_ns += spacing_ns;
        waited++;
    }
    check_that(waited >= 32 && waited < 40, "%d", waited);
    pace_free(pace);
}

int main(void)
{
    check_known();
    check_slots();
    check_budget();
    check_sharing();
    pace_free(NULL);
    return check_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The accounting rule of one TTL: sample, tests, proof, and the sample within a budget. */
#include "check.h"
#include "hop.h"

#define MS INT64_C(1000000)

static const struct hop_rules rules = { .packets = 4, .interval_ns = 100 * MS };
static const int owner; /* any address will do */

/* Takes what is due until the hop waits; returns the probes of each class and the last time. */
struct taken {
    int counted, tests;
    int64_t last_ns;
};

static struct taken run(struct hop *hop, const struct hop_rules *r, bool answered, int64_t now_ns)
{
    struct taken taken = { 0 };
    int64_t place;

    for (int i = 0; i < 100; i++) {
        int64_t due_ns = hop_due(hop, r);
        if (due_ns == INT64_MAX)
            return taken;
        now_ns = due_ns > now_ns ? due_ns : now_ns;
        if (hop_take(hop, r, &owner, answered, now_ns, &place) == PROBE_COUNTED)
            taken.counted++;
        else
            taken.tests++;
        taken.last_ns = now_ns;
    }
    check_that(false, "the hop never waits");
    return taken;
}

static enum hop_verdict finish_tests(struct hop *hop, int answered, int total, int64_t now_ns)
{
    enum hop_verdict verdict = HOP_UNDECIDED;

    for (int i = 0; i < total; i++)
        verdict = hop_tested(hop, i < answered, now_ns);
    return verdict;
}

static void check_fast_sample(void)
{
    struct hop hop = { 0 };

    check_case("a_sample_is_counted_probes_and_three_tests_behind_the_last");
    struct taken taken = run(&hop, &rules, true, 0);
    check_int("counted", taken.counted, 4);
    check_int("tests", taken.tests, 3);
    check_int("last", taken.last_ns, 300 * MS);
    check_int("phase", hop.phase, HOP_JUDGE);

    check_case("three_answered_tests_let_the_sample_stand");
    check_int("verdict", finish_tests(&hop, 3, 3, 310 * MS), HOP_STANDS);
    check_int("phase", hop.phase, HOP_SETTLED);

    check_case("an_interval_that_nobody_rations_needs_no_tests");
    const struct hop_rules slow = { .packets = 4, .interval_ns = 1050 * MS };
    hop = (struct hop){ 0 };
    taken = run(&hop, &slow, true, 0);
    check_int("tests", taken.tests, 0);
    check_int("phase", hop.phase, HOP_SETTLED);
}

/* A hop whose tests were answered `before` of 3, and its proof `after` of 16. */
static enum hop_verdict prove(struct hop *hop, int before, int after, struct taken *proof)
{
    *hop = (struct hop){ 0 };
    struct taken fast = run(hop, &rules, true, 0);
    enum hop_verdict verdict = finish_tests(hop, before, 3, fast.last_ns + 200 * MS);
    check_int("first verdict", verdict, HOP_NEEDS_PROOF);
    *proof = run(hop, &rules, true, fast.last_ns + 200 * MS);
    return finish_tests(hop, after, 16, proof->last_ns + 200 * MS);
}

static void check_proof(void)
{
    struct hop hop;
    struct taken proof;

    check_case("an_unanswered_test_brings_sixteen_a_second_later");
    prove(&hop, 2, 16, &proof);
    check_int("tests", proof.tests, 16);
    check_int("counted", proof.counted, 0);
    check_int("at", proof.last_ns, 1300 * MS);

    static const struct {
        const char *name;
        int before, after;
        enum hop_verdict want;
    } rows[] = {
        { "all_answered_stands", 0, 16, HOP_STANDS },
        { "four_unanswered_stand", 2, 12, HOP_STANDS },
        { "five_unanswered_ration", 2, 11, HOP_RATIONS },
        { "none_answered_rations", 0, 0, HOP_RATIONS },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case("a_proof_with_%s", rows[i].name);
        check_int("verdict", prove(&hop, rows[i].before, rows[i].after, &proof), rows[i].want);
    }
}

static void check_spacing(void)
{
    static const struct {
        const char *name;
        int before, after;
        int64_t want_ns;
    } rows[] = {
        { "one_token_a_second_is_asked_every_1050_ms", 0, 1, 1050 * MS },
        { "a_leftover_token_does_not_speed_it_up", 0, 2, 1050 * MS },
        { "tests_that_were_answered_leave_the_bucket_unknown", 1, 8, 1050 * MS },
        { "four_tokens_a_second_are_asked_every_433_ms", 0, 4, 1300 * MS / 3 },
        { "no_token_after_a_second_is_asked_more_slowly", 0, 0, 2100 * MS },
    };
    struct hop hop;
    struct taken proof;

    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case("%s", rows[i].name);
        prove(&hop, rows[i].before, rows[i].after, &proof);
        check_int("spacing_ns", hop_spacing_ns(&hop), rows[i].want_ns);
    }
}

static void check_silent(void)
{
    struct hop hop = { 0 };

    check_case("a_hop_that_never_answered_is_asked_three_times_more_and_is_silent");
    struct taken fast = run(&hop, &rules, false, 0);
    finish_tests(&hop, 0, 3, fast.last_ns + 200 * MS);
    struct taken proof = run(&hop, &rules, false, fast.last_ns + 200 * MS);
    check_int("tests", proof.tests, 3);
    check_int("verdict", finish_tests(&hop, 0, 3, proof.last_ns), HOP_STANDS);

    check_case("one_that_wakes_up_with_a_single_token_rations");
    hop = (struct hop){ 0 };
    fast = run(&hop, &rules, false, 0);
    finish_tests(&hop, 0, 3, fast.last_ns + 200 * MS);
    proof = run(&hop, &rules, false, fast.last_ns + 200 * MS);
    check_int("verdict", finish_tests(&hop, 1, 3, proof.last_ns), HOP_RATIONS);
}

static void check_send_errors(void)
{
    struct hop hop = { 0 };

    check_case("a_probe_that_was_not_sent_is_replaced");
    struct taken taken = run(&hop, &rules, true, 0);
    hop_send_error(&hop, &rules, PROBE_COUNTED, taken.last_ns);
    taken = run(&hop, &rules, true, taken.last_ns);
    check_int("counted", taken.counted, 1);
    check_int("tests", taken.tests, 3);

    check_case("a_host_that_sends_nothing_gives_up");
    hop = (struct hop){ 0 };
    int64_t now_ns = 0, place;
    int sent = 0;
    while (hop_due(&hop, &rules) != INT64_MAX && sent < 100) {
        now_ns = hop_due(&hop, &rules);
        hop_take(&hop, &rules, &owner, false, now_ns, &place);
        hop_send_error(&hop, &rules, PROBE_COUNTED, now_ns);
        sent++;
    }
    check_int("tries", sent, 5);
    check_int("phase", hop.phase, HOP_SETTLED);

    check_case("outcomes_of_a_burst_that_was_broken_off_decide_nothing");
    hop = (struct hop){ 0 };
    check_int("verdict", hop_tested(&hop, false, 0), HOP_UNDECIDED);
    check_int("open", hop.tests_open, 0);
}

int main(void)
{
    check_fast_sample();
    check_proof();
    check_spacing();
    check_silent();
    check_send_errors();
    return check_done();
}

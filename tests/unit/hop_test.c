/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of one TTL: initial sample, burst tests, and the rate-limited sample. */
#include "base/units.h"
#include "check.h"
#include "engine/hop.h"

static const struct hop_rules rules = { .packets = 4, .interval_ns = 100 * MS, .trace = 1 };

/* Takes due probes until the hop waits; returns the number of each class and the last time. */
struct taken {
    int counted, tests;
    int64_t last_ns;
};

static struct taken run(struct hop *hop, const struct hop_rules *r, int64_t now_ns)
{
    struct taken taken = { 0 };
    int64_t place;

    for (int i = 0; i < 100; i++) {
        int64_t due_ns = hop_due(hop, r);
        if (due_ns == INT64_MAX)
            return taken;
        now_ns = due_ns > now_ns ? due_ns : now_ns;
        if (hop_take(hop, r, now_ns, &place) == PROBE_COUNTED)
            taken.counted++;
        else
            taken.tests++;
        taken.last_ns = now_ns;
    }
    check_that(false, "the hop never waits");
    return taken;
}

/* Returns the place of the i-th probe of the newest burst. */
static int64_t newest(const struct hop *hop, int i)
{
    return (int64_t)hop->bursts << 8 | i;
}

/* Answers the first `answered` of a burst of `total` probes, like a token bucket. */
static enum hop_verdict finish_tests(struct hop *hop, int answered, int total, int64_t now_ns)
{
    enum hop_verdict verdict = HOP_UNDECIDED;

    hop->answered = hop->answered || answered > 0;
    for (int i = 0; i < total; i++)
        verdict = hop_tested(hop, newest(hop, i), i < answered, now_ns);
    return verdict;
}

static void check_fast_sample(void)
{
    struct hop hop = { .answered = true };

    check_case("a_sample_is_counted_probes_and_twelve_tests_after_the_last");
    struct taken taken = run(&hop, &rules, 0);
    check_int("counted", taken.counted, 4);
    check_int("tests", taken.tests, 12);
    check_int("last", taken.last_ns, 300 * MS);
    check_int("phase", hop.phase, HOP_JUDGE);

    check_case("two_unanswered_tests_let_the_sample_stand");
    check_int("verdict", finish_tests(&hop, 10, 12, 310 * MS), HOP_STANDS);
    check_int("phase", hop.phase, HOP_SETTLED);

    check_case("an_interval_that_no_router_rate_limits_needs_no_tests_but_a_probe_ahead");
    const struct hop_rules slow = hop_rules(4, 1050 * MS, false);
    hop_begin(&hop, &slow);
    taken = run(&hop, &slow, 0);
    check_int("tests", taken.tests, 1);
    check_int("counted", taken.counted, 4);
    check_int("phase", hop.phase, HOP_SETTLED);
}

/* A hop that answers `before` of 12 probes in its first burst and `after` of 16 in the second. */
static enum hop_verdict two_bursts(struct hop *hop, int before, int after, struct taken *retest)
{
    *hop = (struct hop){ .answered = true };
    struct taken fast = run(hop, &rules, 0);
    enum hop_verdict verdict = finish_tests(hop, before, 12, fast.last_ns + 200 * MS);
    check_int("first verdict", verdict, HOP_NEEDS_RETEST);
    *retest = run(hop, &rules, fast.last_ns + 200 * MS);
    return finish_tests(hop, after, 16, retest->last_ns + 200 * MS);
}

static void check_second_burst(void)
{
    struct hop hop;
    struct taken retest;

    check_case("tests_whose_end_is_unanswered_bring_sixteen_a_second_later");
    two_bursts(&hop, 8, 16, &retest);
    check_int("tests", retest.tests, 16);
    check_int("counted", retest.counted, 0);
    check_int("at", retest.last_ns, 1312 * MS);

    static const struct {
        const char *name;
        int before, after;
        enum hop_verdict want;
    } rows[] = {
        { "all_answered_stands", 0, 16, HOP_STANDS },
        { "four_unanswered_stands", 2, 12, HOP_STANDS },
        { "five_unanswered_rate_limits", 2, 11, HOP_RATE_LIMITED },
        { "fewer_tokens_a_second_than_the_sample_took_rate_limits", 7, 7, HOP_RATE_LIMITED },
        { "as_few_answered_as_right_after_the_sample_rate_limits", 2, 2, HOP_RATE_LIMITED },
        { "none_answered_rate_limits", 0, 0, HOP_RATE_LIMITED },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case("a_proof_with_%s", rows[i].name);
        check_int("verdict", two_bursts(&hop, rows[i].before, rows[i].after, &retest),
                  rows[i].want);
    }
}

/* Loses the probes of a burst whose bits are set. */
static enum hop_verdict finish_burst(struct hop *hop, uint32_t lost, int total, int64_t now_ns)
{
    enum hop_verdict verdict = HOP_UNDECIDED;

    for (int i = 0; i < total; i++)
        verdict = hop_tested(hop, newest(hop, i), (lost >> i & 1) == 0, now_ns);
    return verdict;
}

/* Real loss is no rate limit: it hits any place of a burst, not only the end. */
static void check_real_loss(void)
{
    static const struct {
        const char *name;
        uint32_t tests, retest; /* lost places, bit 0 is the first; retest 0: not reached */
        enum hop_verdict want;
    } rows[] = {
        { "losses_anywhere_in_the_burst_stand", 0x249, 0, HOP_STANDS },
        { "a_burst_that_loses_half_at_random_stands", 0x56b, 0, HOP_STANDS },
        { "losses_anywhere_in_the_second_burst_stand", 0xff0, 0x5b2b, HOP_STANDS },
        { "a_bucket_that_a_lossy_sample_left_nearly_full_rate_limits", 0xe00, 0xfffe,
          HOP_RATE_LIMITED },
        { "a_token_within_the_end_of_both_rate_limits", 0xbc0, 0xf7fe, HOP_RATE_LIMITED },
        { "real_loss_before_a_bucket_runs_dry_rate_limits", 0xfc9, 0xffff, HOP_RATE_LIMITED },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hop hop = { .answered = true };
        check_case("%s", rows[i].name);
        struct taken fast = run(&hop, &rules, 0);
        enum hop_verdict verdict = finish_burst(&hop, rows[i].tests, 12, fast.last_ns);
        if (rows[i].retest != 0) {
            check_int("first verdict", verdict, HOP_NEEDS_RETEST);
            struct taken retest = run(&hop, &rules, fast.last_ns);
            verdict = finish_burst(&hop, rows[i].retest, 16, retest.last_ns);
        }
        check_int("verdict", verdict, rows[i].want);
    }
}

/* The survey of a long run, with `answered` replies to its first burst. */
static enum hop_verdict survey(struct hop *hop, const struct hop_rules *r, int answered,
                               struct taken *taken)
{
    hop_begin(hop, r);
    *taken = run(hop, r, 0);
    if (answered > 0)
        hop_answered(hop, PROBE_TEST, 7);
    return finish_tests(hop, answered, 12, taken->last_ns + 200 * MS);
}

static void check_survey(void)
{
    const struct hop_rules longer = hop_rules(60, 100 * MS, false);
    struct hop hop;
    struct taken taken;

    check_case("a_short_run_and_one_whose_pace_is_known_have_no_survey");
    check_that(!hop_rules(40, 100 * MS, false).survey, "40 packets at 100 ms");
    check_that(!hop_rules(60, 100 * MS, true).survey, "the caller knows the pace");

    check_case("a_long_run_tests_the_pace_before_it_counts");
    enum hop_verdict verdict = survey(&hop, &longer, 12, &taken);
    check_int("counted", taken.counted, 0);
    check_int("tests", taken.tests, 24);
    check_int("verdict", verdict, HOP_STANDS);
    check_that(!hop_is_untested(&hop, &longer), "untested before the sample");
    taken = run(&hop, &longer, taken.last_ns + 200 * MS);
    check_int("counted after it", taken.counted, 60);
    check_int("tests after the sample", taken.tests, 12);
    check_that(!hop_is_untested(&hop, &longer), "untested after the sample");

    check_case("a_reply_of_a_responder_not_seen_in_the_survey_is_untested");
    hop_answered(&hop, PROBE_COUNTED, 7);
    check_that(!hop_is_untested(&hop, &longer), "the one it has met");
    hop_answered(&hop, PROBE_COUNTED, 8);
    check_that(hop_is_untested(&hop, &longer), "another one");

    check_case("a_survey_that_meets_a_limit_goes_at_its_pace");
    check_int("verdict", survey(&hop, &longer, 6, &taken), HOP_NEEDS_RETEST);
    taken = run(&hop, &longer, taken.last_ns + 200 * MS);
    check_int("tests", taken.tests, 16);
    check_int("verdict", finish_tests(&hop, 1, 16, taken.last_ns + 200 * MS), HOP_RATE_LIMITED);
    check_int("counted", hop.counted, 0);

    check_case("a_silent_hop_is_sampled_and_untested_once_it_answers");
    check_int("verdict", survey(&hop, &longer, 0, &taken), HOP_NEEDS_RETEST);
    taken = run(&hop, &longer, taken.last_ns + 200 * MS);
    check_int("tests", taken.tests, 3);
    check_int("verdict", finish_tests(&hop, 0, 3, taken.last_ns + 200 * MS), HOP_STANDS);
    taken = run(&hop, &longer, taken.last_ns + 200 * MS);
    check_int("counted", taken.counted, 60);
    check_that(!hop_is_untested(&hop, &longer), "untested while silent");
    hop_answered(&hop, PROBE_COUNTED, 7);
    check_that(hop_is_untested(&hop, &longer), "tested though it answers");
}

/* Bursts are repeated until they reveal the refill interval; `found` has the result of each. */
static void check_spacing(void)
{
    struct pace *pace = pace_new();
    struct pace_key key = { .protocol = WIRE_ICMP, .ttl = 3 };
    const struct pace_evidence evidence = { .tests = 16, .burst_received = 1 };
    struct hop hop;
    struct taken retest;

    check_case("a_rate_limit_is_measured_by_another_burst_a_second_later");
    ipaddr_from_text(&key.responder, "192.0.2.1");
    struct pace_sample *sample = pace_rate_limit(pace, &key, evidence, 1050 * MS, 0);
    two_bursts(&hop, 2, 1, &retest);
    int64_t tested_ns = hop.tested_ns;
    hop_measure(&hop, sample, tested_ns);
    check_int("due", hop_due(&hop, &rules), tested_ns + 1012 * MS);
    check_that(hop_is_untested(&hop, &rules), "tested while it is measured");
    struct taken burst = run(&hop, &rules, tested_ns);
    check_int("tests", burst.tests, 16);
    check_int("verdict", finish_tests(&hop, 1, 16, burst.last_ns), HOP_MEASURED);
    check_int("sample_interval_ns", hop_spacing_ns(&hop), 1050 * MS);
    check_int("wait_ns", hop_wait_ns(&hop), 1050 * MS);

    check_case("a_burst_that_other_probes_disturbed_is_repeated");
    two_bursts(&hop, 2, 0, &retest);
    hop_measure(&hop, sample, hop.tested_ns + 300 * MS);
    for (int i = 0; i < 2; i++) {
        check_int("due", hop_due(&hop, &rules), hop.tested_ns + (i == 0 ? 1312 : 1012) * MS);
        burst = run(&hop, &rules, hop.tested_ns);
        enum hop_verdict verdict = finish_tests(&hop, 5, 16, burst.last_ns);
        check_int("verdict", verdict, i == 0 ? HOP_UNDECIDED : HOP_MEASURED);
    }
    check_int("sample_interval_ns", hop_spacing_ns(&hop), 1012 * MS * 13 / 10 / 4);
    pace_free(pace);
}

/* What is lost of a burst of 16: any probes, the last ones, all. */
static const uint32_t at_random = 0x5b2b, at_the_end = 0xffe0, none = 0xffff;

static enum hop_verdict second_burst(struct hop *hop, uint32_t lost)
{
    struct taken taken = run(hop, &rules, hop->tested_ns);
    return finish_burst(hop, lost, 16, taken.last_ns + 200 * MS);
}

/* Of the bursts that measure a limit, those of a lossy path look as if there were none. */
static void check_refuted(void)
{
    static const struct {
        const char *name;
        int bursts;
        uint32_t lost[8];
        enum hop_verdict want;
    } rows[] = {
        { "two_bursts_lost_at_random_refute_a_limit", 2, { at_random, at_random }, HOP_REFUTED },
        { "one_is_made_up_for_by_two", 3, { at_random, at_the_end, at_the_end }, HOP_MEASURED },
        { "of_three_bursts_two_refute", 3, { at_random, at_the_end, at_random }, HOP_REFUTED },
        { "what_stays_in_doubt_is_a_limit",
          8,
          { at_random, none, none, at_random, none, at_random, none, at_random },
          HOP_MEASURED },
    };
    const struct pace_evidence evidence = { .tests = 16, .burst_received = 5 };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pace *pace = pace_new();
        struct pace_key key = { .protocol = WIRE_ICMP, .ttl = 3 };
        struct hop hop;
        struct taken retest;

        check_case("%s", rows[i].name);
        ipaddr_from_text(&key.responder, "192.0.2.1");
        two_bursts(&hop, 8, 5, &retest);
        hop_measure(&hop, pace_rate_limit(pace, &key, evidence, 1050 * MS, 0), hop.tested_ns + MS);
        for (int n = 0; n < rows[i].bursts; n++)
            check_int("verdict", second_burst(&hop, rows[i].lost[n]),
                      n + 1 < rows[i].bursts ? HOP_UNDECIDED : rows[i].want);
        if (rows[i].want == HOP_REFUTED) {
            hop.sample = NULL; /* the caller leaves it */
            check_int("counted", hop.counted, rules.packets);
            check_that(hop_is_settled(&hop) && !hop_is_untested(&hop, &rules), "still at it");
        }
        pace_free(pace);
    }
}

static void check_doubt(void)
{
    struct hop hop;
    struct taken retest;

    check_case("a_burst_that_others_contradict_is_sent_again_a_second_later");
    two_bursts(&hop, 8, 5, &retest);
    check_that(hop_doubt(&hop, retest.last_ns + 200 * MS), "believed");
    check_int("due", hop_due(&hop, &rules), retest.last_ns + 1012 * MS);
    check_int("compared with those since", hop_since_ns(&hop), retest.last_ns - 1012 * MS);
    check_int("verdict", second_burst(&hop, at_random), HOP_STANDS);
    check_int("counted", hop.counted, rules.packets);

    check_case("after_the_seventh_time_the_burst_is_believed");
    two_bursts(&hop, 8, 5, &retest);
    for (int i = 0; i < 7; i++) {
        check_that(hop_doubt(&hop, hop.tested_ns + 200 * MS), "believed after %d", i);
        check_int("verdict", second_burst(&hop, at_the_end), HOP_RATE_LIMITED);
    }
    check_that(!hop_doubt(&hop, hop.tested_ns + 200 * MS), "for ever");

    check_case("a_hop_that_never_replied_before_is_believed");
    hop = (struct hop){ 0 };
    struct taken fast = run(&hop, &rules, 0);
    finish_tests(&hop, 0, 12, fast.last_ns + 200 * MS);
    struct taken retry = run(&hop, &rules, fast.last_ns);
    check_int("verdict", finish_tests(&hop, 1, 3, retry.last_ns), HOP_RATE_LIMITED);
    check_that(!hop_doubt(&hop, retry.last_ns), "it is not");
}

static void check_silent(void)
{
    struct hop hop = { 0 };

    check_case("a_hop_that_never_answered_gets_three_more_probes_and_sleeps");
    struct taken fast = run(&hop, &rules, 0);
    finish_tests(&hop, 0, 12, fast.last_ns + 200 * MS);
    check_that(hop_is_retrying(&hop), "it is not woken");
    int64_t place;
    int64_t due_ns = hop_due(&hop, &rules);
    for (int i = 0; i < 3; i++)
        hop_take(&hop, &rules, due_ns, &place);
    check_int("verdict", finish_tests(&hop, 0, 3, due_ns + 200 * MS), HOP_STANDS);
    check_int("phase", hop.phase, HOP_DORMANT);
    check_that(hop_is_settled(&hop), "it is not settled");

    check_case("one_that_wakes_up_with_a_single_token_rate_limits");
    due_ns = hop_due(&hop, &rules);
    for (int i = 0; i < 3; i++)
        hop_take(&hop, &rules, due_ns, &place);
    check_int("verdict", finish_tests(&hop, 1, 3, due_ns + 200 * MS), HOP_RATE_LIMITED);
}

static void check_send_errors(void)
{
    struct hop hop = { .answered = true };

    check_case("a_probe_that_was_not_sent_is_replaced");
    struct taken taken = run(&hop, &rules, 0);
    hop_send_error(&hop, &rules, PROBE_COUNTED, taken.last_ns);
    taken = run(&hop, &rules, taken.last_ns);
    check_int("counted", taken.counted, 1);
    check_int("tests", taken.tests, 12);

    check_case("a_host_that_sends_nothing_gives_up");
    hop = (struct hop){ 0 };
    int64_t now_ns = 0, place;
    int sent = 0;
    while (hop_due(&hop, &rules) != INT64_MAX && sent < 100) {
        now_ns = hop_due(&hop, &rules);
        hop_take(&hop, &rules, now_ns, &place);
        hop_send_error(&hop, &rules, PROBE_COUNTED, now_ns);
        sent++;
    }
    check_int("tries", sent, 5);
    check_int("phase", hop.phase, HOP_SETTLED);

    check_case("outcomes_of_a_burst_that_was_broken_off_decide_nothing");
    hop = (struct hop){ 0 };
    check_int("verdict", hop_tested(&hop, 0, false, 0), HOP_UNDECIDED);
    check_int("open", hop.tests.open, 0);

    check_case("an_outcome_of_the_tests_is_none_of_the_burst_that_follows_them");
    hop = (struct hop){ .phase = HOP_TEST, .tests = { .length = 12, .serial = 1 }, .bursts = 1 };
    for (int i = 0; i < 12; i++)
        hop_take(&hop, &rules, 0, &place);
    int64_t last = place;
    hop_hold(&hop, 0);
    hop_take(&hop, &rules, hop_due(&hop, &rules), &place);
    check_int("phase", hop.phase, HOP_RETEST);
    check_int("verdict", hop_tested(&hop, last, HOP_ANSWERED, 0), HOP_UNDECIDED);
    check_int("open in the burst", hop.retest.open, 1);
    check_int("answered in the burst", hop.retest.answered, 0);
    check_int("open of the tests", hop.tests.open, 11);
}

/* A silent hop while another trace takes its sample. */
static void check_held(void)
{
    struct pace *pace = pace_new();
    struct pace_key key = { .protocol = WIRE_ICMP, .ttl = 3 };
    struct hop hop = { 0 };
    int64_t place;

    check_case("a_hop_that_is_held_sends_no_more_of_its_sample");
    ipaddr_from_text(&key.responder, "192.0.2.1");
    (void)hop_take(&hop, &rules, 0, &place);
    hop_hold(&hop, 300 * MS);
    check_int("due", hop_due(&hop, &rules), 300 * MS);
    check_that(hop_is_retrying(&hop), "it does not wait for a token");

    check_case("three_replies_to_three_probes_let_the_sample_go_on");
    struct taken taken = run(&hop, &rules, 300 * MS);
    check_int("tests", taken.tests, 3);
    (void)finish_tests(&hop, 3, 3, 310 * MS);
    check_int("phase", hop.phase, HOP_SAMPLE);

    check_case("a_hop_that_replied_is_not_held");
    hop_hold(&hop, 300 * MS);
    check_int("phase", hop.phase, HOP_SAMPLE);

    check_case("a_sample_taken_over_is_read_and_not_sent_for");
    const struct pace_evidence evidence = { .tests = 16, .burst_received = 1 };
    struct pace_sample *sample = pace_rate_limit(pace, &key, evidence, 1050 * MS, 0);
    hop = (struct hop){ 0 };
    (void)hop_take(&hop, &rules, 0, &place);
    hop_borrow(&hop, &rules, sample);
    check_int("due", hop_due(&hop, &rules), INT64_MAX);
    place = pace_start(sample, 77, 2000 * MS);
    const struct pace_outcome lost = { .state = PACE_LOST, .rtt_ns = -1 };
    pace_finish(pace, sample, place, &lost);
    check_that(hop_read_shared(&hop, &rules) != NULL, "nothing to read");
    check_int("counted", hop.counted, 1);
    pace_free(pace);
}

int main(void)
{
    check_fast_sample();
    check_second_burst();
    check_real_loss();
    check_survey();
    check_spacing();
    check_refuted();
    check_doubt();
    check_silent();
    check_send_errors();
    check_held();
    return check_done();
}

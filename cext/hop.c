/* SPDX-License-Identifier: BSD-2-Clause */
#include "hop.h"

enum {
    TESTS = 3,            /* right behind the last counted probe */
    PROOF_TESTS = 16,     /* back to back, a second later */
    PROOF_UNANSWERED = 5, /* so many of them are no accident */
};

#define MS INT64_C(1000000)
static const int64_t untested_ns = 1050 * MS; /* no known router rations probes this far apart */
static const int64_t rest_ns = 1000 * MS;     /* from the tests to the proof */
static const int64_t spacing_ns = 1050 * MS;  /* Linux, IOS XR: one token a second */
static const int64_t slow_spacing_ns = 2100 * MS;
static const int64_t fast_spacing_ns = 100 * MS;

int64_t hop_due(const struct hop *hop, const struct hop_rules *rules)
{
    switch (hop->phase) {
    case HOP_SAMPLE:
    case HOP_TEST:
    case HOP_PROOF:
        return hop->due_ns;
    case HOP_PACED:
        if (hop->counted >= rules->packets)
            return INT64_MAX;
        int64_t due_ns = pace_due(hop->sample, rules->packets);
        return due_ns > hop->due_ns ? due_ns : hop->due_ns;
    case HOP_JUDGE:
    case HOP_PROVE:
    case HOP_SETTLED:
    case HOP_PHASE_COUNT:
        break;
    }
    return INT64_MAX;
}

static void start_burst(struct hop *hop, enum hop_phase phase, int64_t due_ns)
{
    hop->phase = phase;
    hop->due_ns = due_ns;
    hop->tests = hop->tests_open = hop->tests_answered = 0;
}

static void take_test(struct hop *hop, int length, enum hop_phase after, int64_t now_ns)
{
    hop->tests++;
    hop->tests_open++;
    hop->tested_ns = now_ns;
    if (hop->tests == length)
        hop->phase = after;
}

static void take_counted(struct hop *hop, const struct hop_rules *rules, int64_t now_ns)
{
    hop->due_ns = now_ns + rules->interval_ns;
    if (++hop->counted < rules->packets)
        return;
    if (rules->interval_ns >= untested_ns)
        hop->phase = HOP_SETTLED;
    else
        start_burst(hop, HOP_TEST, now_ns);
}

enum probe_class hop_take(struct hop *hop, const struct hop_rules *rules, const void *owner,
                          bool answered, int64_t now_ns, int64_t *place)
{
    *place = -1;
    switch (hop->phase) {
    case HOP_TEST:
        take_test(hop, TESTS, HOP_JUDGE, now_ns);
        return PROBE_TEST;
    case HOP_PROOF:
        /* one that never answered has no bucket to empty: a few are enough to see it wake up */
        take_test(hop, answered ? PROOF_TESTS : TESTS, HOP_PROVE, now_ns);
        return PROBE_TEST;
    case HOP_PACED:
        *place = pace_start(hop->sample, owner, now_ns);
        if (++hop->counted == rules->packets)
            hop->phase = HOP_SETTLED;
        return PROBE_COUNTED;
    case HOP_SAMPLE:
    case HOP_JUDGE:
    case HOP_PROVE:
    case HOP_SETTLED:
    case HOP_PHASE_COUNT:
        break;
    }
    take_counted(hop, rules, now_ns);
    return PROBE_COUNTED;
}

enum hop_verdict hop_tested(struct hop *hop, bool probe_answered, int64_t now_ns)
{
    if (hop->tests_open == 0)
        return HOP_UNDECIDED; /* of a burst that a send error broke off */
    hop->tests_open--;
    hop->tests_answered = (uint8_t)(hop->tests_answered + probe_answered);
    if (hop->tests_open > 0 || (hop->phase != HOP_JUDGE && hop->phase != HOP_PROVE))
        return HOP_UNDECIDED;
    int unanswered = hop->tests - hop->tests_answered;
    if (hop->phase == HOP_JUDGE && unanswered > 0) {
        int64_t rested_ns = hop->tested_ns + rest_ns;
        hop->tests_all_lost = hop->tests_answered == 0;
        start_burst(hop, HOP_PROOF, rested_ns > now_ns ? rested_ns : now_ns);
        return HOP_NEEDS_PROOF;
    }
    int tolerated = hop->tests == PROOF_TESTS ? PROOF_UNANSWERED - 1 : 0;
    bool silent = hop->tests < PROOF_TESTS && hop->tests_answered == 0;
    if (unanswered <= tolerated || silent) {
        hop->phase = HOP_SETTLED;
        return HOP_STANDS;
    }
    return HOP_RATIONS;
}

/* Where the bucket was empty before the rest, the proof shows what came in meanwhile. */
int64_t hop_spacing_ns(const struct hop *hop)
{
    if (hop->tests_answered == 0)
        return slow_spacing_ns;
    if (!hop->tests_all_lost || hop->tests_answered < 3)
        return spacing_ns;
    int64_t refill_ns = rest_ns * 13 / 10 / (hop->tests_answered - 1);
    return refill_ns < fast_spacing_ns ? fast_spacing_ns : refill_ns;
}

void hop_pace(struct hop *hop, struct pace_sample *sample)
{
    hop->phase = HOP_PACED;
    hop->sample = sample;
    hop->counted = 0;
    hop->next_place = 0;
    hop->due_ns = 0;
}

void hop_send_error(struct hop *hop, const struct hop_rules *rules, enum probe_class class,
                    int64_t now_ns)
{
    hop->errors++;
    if (class != PROBE_COUNTED)
        return;
    hop->counted--;
    if (hop->errors > rules->packets)
        hop->phase = HOP_SETTLED; /* this host does not get them out; do not try for ever */
    else if (hop->sample != NULL)
        hop->phase = HOP_PACED;
    else
        hop->phase = HOP_SAMPLE;
    if (hop->due_ns < now_ns + rules->interval_ns)
        hop->due_ns = now_ns + rules->interval_ns;
}

const struct pace_outcome *hop_read_shared(struct hop *hop, const struct hop_rules *rules,
                                           const void *owner)
{
    while (hop->phase == HOP_PACED && hop->counted < rules->packets) {
        const struct pace_outcome *outcome = pace_outcome(hop->sample, hop->next_place);
        if (outcome == NULL || outcome->state == PACE_OPEN)
            return NULL;
        hop->next_place++;
        if (outcome->state == PACE_VOID || outcome->owner == owner)
            continue;
        if (++hop->counted == rules->packets)
            hop->phase = HOP_SETTLED;
        return outcome;
    }
    return NULL;
}

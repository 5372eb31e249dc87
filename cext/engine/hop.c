/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/hop.h"

#include "base/units.h"

#include <assert.h>

enum {
    /* A burst that empties any known bucket by itself (Linux 6, IOS and IOS XR 10), however full
     * the sample before it has left the bucket: a sample must not stand because it lost much. */
    TESTS = 12,
    TESTS_UNANSWERED = 3, /* this many call for a second burst */
    RETEST_TESTS = 16,
    RETEST_UNANSWERED = 5, /* this many are no chance */
    RETRY_TESTS = 3,       /* to a hop that never replied: one token is enough */
    RETRIES_MOST = 5,
    REPEATS_MOST = 3, /* bursts repeated because of an outage */
    DOUBTS_MOST = 7,  /* at 50 % real loss a second burst looks like a bucket in 1 of 9 cases */
    TESTS_END = 3,    /* last probes of a burst, of which an empty bucket answers one at most... */
    RETEST_END = 6,   /* ...and random loss leaves more answered */
    PLACE_BITS = 8,   /* of a probe in its burst, below the burst's serial number */
    PLACE_MASK = (1 << PLACE_BITS) - 1,
};

/* From one burst to the next: long enough for one token a second by the responder's own clock; two
 * pauses are too short for two tokens of a router with one in two seconds. */
static const int64_t rest_ns = 1012 * MS;
static const int64_t short_run_ns = 4000 * MS; /* a longer run may be stopped early */
/* As long as a sample of 10 at the usual interval, with its tests. */
static const int64_t survey_ns = 1200 * MS;

struct hop_rules hop_rules(uint32_t packets, int64_t interval_ns, bool no_tests)
{
    struct hop_rules rules = { .packets = packets, .interval_ns = interval_ns };

    bool slow = interval_ns >= TOKEN_NS;
    rules.no_tests = no_tests || slow;
    rules.survey = !no_tests && (slow || packets > short_run_ns / interval_ns);
    return rules;
}

void hop_begin(struct hop *hop, const struct hop_rules *rules)
{
    *hop = (struct hop){ .phase = rules->survey ? HOP_SURVEY : HOP_SAMPLE,
                         .surveying = rules->survey };
}

bool hop_was_probed(const struct hop *hop)
{
    return hop->counted + hop->errors + hop->surveyed > 0;
}

void hop_answered(struct hop *hop, enum probe_class class, uint32_t responder)
{
    uint64_t bit = UINT64_C(1) << responder % 64;

    hop->answered = true;
    if (class == PROBE_TEST && (hop->surveying || !hop->tested))
        hop->known |= bit;
    else if (class == PROBE_COUNTED && (hop->known & bit) == 0)
        hop->tested = false;
}

bool hop_is_untested(const struct hop *hop, const struct hop_rules *rules)
{
    if (rules->no_tests || hop->tested || hop->counted == 0)
        return false;
    if (hop->sample != NULL)
        return hop->measuring;
    return !hop_is_settled(hop) && hop->silent_tries == 0;
}

bool hop_is_settled(const struct hop *hop)
{
    return hop->phase == HOP_SETTLED || hop->phase == HOP_DORMANT;
}

bool hop_in_burst(const struct hop *hop)
{
    if (hop->phase == HOP_TEST)
        return hop->tests.sent > 0;
    return hop->phase == HOP_RETEST && hop->retest.sent > 0;
}

bool hop_begins_burst(const struct hop *hop)
{
    if (hop->phase == HOP_TEST)
        return hop->tests.sent == 0;
    return (hop->phase == HOP_RETEST || hop->phase == HOP_DORMANT) && hop->retest.sent == 0;
}

bool hop_is_retrying(const struct hop *hop)
{
    bool next = hop->phase == HOP_DORMANT || hop->phase == HOP_RETEST;
    return next && !hop->answered && hop->retest.sent == 0;
}

bool hop_is_spent(const struct hop *hop)
{
    return hop->silent_tries > RETRIES_MOST;
}

int64_t hop_due(const struct hop *hop, const struct hop_rules *rules)
{
    switch (hop->phase) {
    case HOP_SAMPLE:
    case HOP_TEST:
    case HOP_RETEST:
    case HOP_DORMANT:
    case HOP_SURVEY:
        return hop->due_ns;
    case HOP_PACED:
        assert(hop->sample != NULL && hop->counted <= rules->packets);
        if (hop->counted >= rules->packets || hop->borrowed)
            return INT64_MAX;
        int64_t due_ns =
            pace_due(hop->sample, rules->trace, hop->next_place, rules->packets - hop->counted);
        return due_ns > hop->due_ns ? due_ns : hop->due_ns;
    case HOP_JUDGE:
    case HOP_JUDGE_RETEST:
    case HOP_SETTLED:
    case HOP_PHASE_COUNT:
        break;
    }
    return INT64_MAX;
}

/* ---- probes out ---------------------------------------------------------------------------- */

static void begin_burst(struct hop *hop, struct hop_burst *burst, uint8_t length)
{
    *burst = (struct hop_burst){ .length = length, .serial = ++hop->bursts };
}

static void start_tests(struct hop *hop, int64_t due_ns)
{
    hop->phase = HOP_TEST;
    begin_burst(hop, &hop->tests, TESTS);
    hop->due_ns = due_ns;
}

static void start_retest(struct hop *hop, enum hop_phase phase, int64_t now_ns)
{
    int64_t rested_ns = hop->tested_ns + rest_ns;

    hop->phase = phase;
    begin_burst(hop, &hop->retest, hop->answered ? RETEST_TESTS : RETRY_TESTS);
    hop->due_ns = rested_ns > now_ns ? rested_ns : now_ns;
    if (!hop->answered && hop->retry_ns == 0)
        hop->retry_ns = hop->due_ns;
}

/* Every probe of a burst is open or has one outcome. */
static inline bool holds(const struct hop_burst *burst)
{
    return burst->sent <= burst->length && burst->open <= burst->sent &&
           burst->answered + burst->voided + burst->open <= burst->sent &&
           (uint64_t)burst->answered_places >> burst->length == 0;
}

static enum probe_class take_test(struct hop *hop, struct hop_burst *burst, enum hop_phase now,
                                  enum hop_phase after, int64_t now_ns, int64_t *place)
{
    *place = (int64_t)burst->serial << PLACE_BITS | burst->sent++;
    burst->open++;
    assert(holds(burst));
    hop->tested_ns = now_ns;
    hop->phase = burst->sent < burst->length ? now : after;
    return PROBE_TEST;
}

static enum probe_class take_survey(struct hop *hop, const struct hop_rules *rules, int64_t now_ns)
{
    hop->due_ns = now_ns + rules->interval_ns;
    hop->surveyed++;
    if (rules->no_tests) { /* from the second probe on the bucket has a token for each */
        hop->surveying = false;
        hop->phase = HOP_SAMPLE;
    } else if (hop->surveyed * rules->interval_ns >= survey_ns) {
        start_tests(hop, now_ns);
    }
    return PROBE_TEST;
}

static enum probe_class take_counted(struct hop *hop, const struct hop_rules *rules, int64_t now_ns)
{
    hop->due_ns = now_ns + rules->interval_ns;
    assert(hop->phase == HOP_SAMPLE && hop->counted < rules->packets);
    if (++hop->counted < rules->packets)
        return PROBE_COUNTED;
    if (rules->no_tests)
        hop->phase = HOP_SETTLED;
    else
        start_tests(hop, now_ns);
    return PROBE_COUNTED;
}

enum probe_class hop_take(struct hop *hop, const struct hop_rules *rules, int64_t now_ns,
                          int64_t *place)
{
    *place = -1;
    assert(hop_due(hop, rules) <= now_ns); /* no token is taken before it is there */
    switch (hop->phase) {
    case HOP_SURVEY:
        return take_survey(hop, rules, now_ns);
    case HOP_TEST:
        return take_test(hop, &hop->tests, HOP_TEST, HOP_JUDGE, now_ns, place);
    case HOP_RETEST:
    case HOP_DORMANT:
        return take_test(hop, &hop->retest, HOP_RETEST, HOP_JUDGE_RETEST, now_ns, place);
    case HOP_PACED:
        hop->due_ns = now_ns + rules->interval_ns;
        if (pace_lead(hop->sample, now_ns))
            return PROBE_TEST;
        *place = pace_start(hop->sample, rules->trace, now_ns);
        assert(hop->counted < rules->packets && !hop->borrowed);
        if (++hop->counted == rules->packets)
            hop->phase = HOP_SETTLED;
        return PROBE_COUNTED;
    case HOP_SAMPLE:
    case HOP_JUDGE:
    case HOP_JUDGE_RETEST:
    case HOP_SETTLED:
    case HOP_PHASE_COUNT:
        break;
    }
    return take_counted(hop, rules, now_ns);
}

/* ---- what the tests show ------------------------------------------------------------------- */

/* A token bucket answers the first probes of a burst and after these at most one; random loss falls
 * anywhere. So the answered places at the end of a burst are looked at. 20 % real loss looks like a
 * bucket in 1 of 11 bursts, and in both bursts of a hop in 1 of 7,000. */
static bool is_limited(const struct hop_burst *burst, int least_unanswered, int end)
{
    uint32_t places = burst->answered_places >> (burst->length - end);

    return burst->length - burst->answered >= least_unanswered && (places & (places - 1)) == 0;
}

/* Ends the tests. A sample that follows them begins a pause later, when buckets are as full as
 * before. */
static enum hop_verdict stand(struct hop *hop)
{
    hop->phase = hop->surveying ? HOP_SAMPLE : HOP_SETTLED;
    hop->tested = hop->tested || hop->surveying;
    hop->surveying = false;
    hop->due_ns = hop->tested_ns + rest_ns;
    return HOP_STANDS;
}

/* Sends a burst again, after a pause. */
static void again(struct hop *hop, enum hop_phase phase, int64_t now_ns)
{
    struct hop_burst *burst = phase == HOP_TEST ? &hop->tests : &hop->retest;

    begin_burst(hop, burst, burst->length);
    hop->phase = phase;
    hop->due_ns = hop->tested_ns + rest_ns > now_ns ? hop->tested_ns + rest_ns : now_ns;
}

/* Repeats a burst in which as many probes did not get to the hop as would be needed to call it
 * rate-limiting. Returns false after REPEATS_MOST repetitions. */
static bool try_again(struct hop *hop, enum hop_phase phase, int64_t now_ns)
{
    if (hop->repeated >= REPEATS_MOST)
        return false;
    hop->repeated++;
    again(hop, phase, now_ns);
    return true;
}

bool hop_doubt(struct hop *hop, int64_t now_ns)
{
    assert(hop->phase == HOP_JUDGE_RETEST && !hop->measuring);
    if (hop->retest.length < RETEST_TESTS || hop->doubted >= DOUBTS_MOST)
        return false;
    hop->doubted++;
    again(hop, HOP_RETEST, now_ns);
    return true;
}

int64_t hop_since_ns(const struct hop *hop)
{
    return hop->tested_ns - rest_ns;
}

static int lost_of(const struct hop_burst *burst)
{
    return burst->length - burst->answered - burst->voided;
}

static enum hop_verdict judge_tests(struct hop *hop, int64_t now_ns)
{
    const struct hop_burst *tests = &hop->tests;

    if (!is_limited(tests, TESTS_UNANSWERED, TESTS_END))
        return stand(hop);
    if (tests->voided >= TESTS_UNANSWERED && try_again(hop, HOP_TEST, now_ns))
        return HOP_UNDECIDED;
    if (lost_of(tests) < TESTS_UNANSWERED)
        return stand(hop);
    start_retest(hop, HOP_RETEST, now_ns);
    return HOP_NEEDS_RETEST;
}

/* Ends hop_hold after a reply: the sample or its tests continue. */
static enum hop_verdict resume(struct hop *hop, int64_t now_ns)
{
    hop->held = false;
    if (hop->tests.length > 0)
        start_tests(hop, now_ns);
    else
        hop->phase = hop->surveying ? HOP_SURVEY : HOP_SAMPLE;
    return HOP_NEEDS_RETEST;
}

/* The hop had never replied. A reply to only some of the probes shows a rate limit. */
static enum hop_verdict judge_retry(struct hop *hop, int64_t now_ns)
{
    if (hop->retest.answered + hop->retest.voided == hop->retest.length)
        return hop->held ? resume(hop, now_ns) : stand(hop);
    if (hop->retest.answered > 0)
        return HOP_RATE_LIMITED;
    if (hop->surveying && !hop->held)
        return stand(hop); /* silent: tests follow its first reply */
    if (hop->silent_tries < UINT8_MAX)
        hop->silent_tries++;
    start_retest(hop, HOP_DORMANT, now_ns);
    return HOP_STANDS;
}

static void start_refill_burst(struct hop *hop, int64_t last_burst_ns)
{
    hop->phase = HOP_RETEST;
    begin_burst(hop, &hop->retest, RETEST_TESTS);
    hop->due_ns = last_burst_ns + rest_ns;
}

/* Each of these bursts tests the limit again: two that look like real loss and no more that look
 * like a bucket refute it. */
static enum hop_verdict judge_refill(struct hop *hop)
{
    bool confirms = is_limited(&hop->retest, RETEST_UNANSWERED, RETEST_END);

    refill_add(&hop->refill, hop->retest.answered);
    hop->confirmed = (uint8_t)(hop->confirmed + confirms);
    hop->refuted = (uint8_t)(hop->refuted + !confirms);
    if (hop->refuted > 1 && hop->refuted > hop->confirmed) {
        hop->measuring = false;
        (void)stand(hop);
        return HOP_REFUTED;
    }
    bool in_doubt = hop->refuted > 0 && hop->refuted >= hop->confirmed;
    if (refill_is_done(&hop->refill) && (!in_doubt || refill_is_full(&hop->refill)))
        return HOP_MEASURED;
    start_refill_burst(hop, hop->tested_ns);
    return HOP_UNDECIDED;
}

static enum hop_verdict judge_retest(struct hop *hop, int64_t now_ns)
{
    const struct hop_burst *retest = &hop->retest;

    if (hop->measuring)
        return judge_refill(hop);
    if (retest->length < RETEST_TESTS)
        return judge_retry(hop, now_ns);
    if (!is_limited(retest, RETEST_UNANSWERED, RETEST_END))
        return stand(hop);
    if (retest->voided >= RETEST_UNANSWERED && try_again(hop, HOP_RETEST, now_ns))
        return HOP_UNDECIDED;
    if (lost_of(retest) < RETEST_UNANSWERED)
        return stand(hop);
    return HOP_RATE_LIMITED;
}

/* The current burst that a place belongs to; NULL: an earlier one. */
static struct hop_burst *burst_of(struct hop *hop, int64_t place)
{
    int64_t serial = place >> PLACE_BITS;

    if (serial == hop->retest.serial)
        return &hop->retest;
    return serial == hop->tests.serial ? &hop->tests : NULL;
}

enum hop_verdict hop_tested(struct hop *hop, int64_t place, enum hop_answer answer, int64_t now_ns)
{
    struct hop_burst *burst = burst_of(hop, place);

    if (burst == NULL || burst->open == 0)
        return HOP_UNDECIDED; /* of an earlier burst */
    assert((place & PLACE_MASK) < burst->sent &&
           (burst->answered_places >> (place & PLACE_MASK) & 1) == 0); /* its only outcome */
    burst->open--;
    burst->answered = (uint8_t)(burst->answered + (answer == HOP_ANSWERED));
    burst->voided = (uint8_t)(burst->voided + (answer == HOP_VOID));
    burst->answered_places |= (uint32_t)(answer == HOP_ANSWERED) << (place & PLACE_MASK);
    assert(holds(burst));
    if (burst->open > 0)
        return HOP_UNDECIDED;
    if (burst == &hop->tests)
        return hop->phase == HOP_JUDGE ? judge_tests(hop, now_ns) : HOP_UNDECIDED;
    return hop->phase == HOP_JUDGE_RETEST ? judge_retest(hop, now_ns) : HOP_UNDECIDED;
}

void hop_measure(struct hop *hop, struct pace_sample *sample, int64_t last_burst_ns)
{
    assert(sample != NULL && hop->sample == NULL && hop->phase == HOP_JUDGE_RETEST);
    hop->measuring = true;
    hop->confirmed = hop->refuted = 0;
    hop->sample = sample;
    hop->refill = (struct refill){ 0 };
    if (last_burst_ns <= hop->tested_ns)
        refill_add(&hop->refill, hop->retest.answered);
    start_refill_burst(hop, last_burst_ns > hop->tested_ns ? last_burst_ns : hop->tested_ns);
}

int64_t hop_spacing_ns(const struct hop *hop)
{
    return refill_spacing_ns(&hop->refill, rest_ns);
}

bool hop_has_stopped(const struct hop *hop)
{
    return refill_is_silent(&hop->refill);
}

int64_t hop_wait_ns(const struct hop *hop)
{
    return refill_wait_ns(&hop->refill, rest_ns);
}

void hop_pace(struct hop *hop, const struct hop_rules *rules, struct pace_sample *sample)
{
    assert(sample != NULL);
    hop->phase = HOP_PACED;
    hop->surveying = hop->measuring = false;
    hop->sample = sample;
    hop->counted = 0;
    hop->next_place = pace_first(sample, rules->shared_from_ns);
    hop->due_ns = 0;
    hop->silent_tries = 0;
}

void hop_hold(struct hop *hop, int64_t due_ns)
{
    bool of_sample = hop->phase == HOP_SURVEY || hop->phase == HOP_SAMPLE ||
                     hop->phase == HOP_TEST || hop->phase == HOP_JUDGE;
    if (hop->answered || !of_sample)
        return;
    assert(hop->sample == NULL);
    hop->phase = HOP_DORMANT;
    hop->held = true;
    begin_burst(hop, &hop->retest, RETRY_TESTS);
    hop->due_ns = due_ns;
    if (hop->retry_ns == 0)
        hop->retry_ns = due_ns;
}

void hop_stand(struct hop *hop)
{
    assert(hop->phase == HOP_TEST && hop->tests.sent == 0);
    (void)stand(hop);
}

void hop_borrow(struct hop *hop, const struct hop_rules *rules, struct pace_sample *sample)
{
    assert(!hop->answered);
    hop_pace(hop, rules, sample);
    hop->borrowed = true;
}

void hop_send_error(struct hop *hop, const struct hop_rules *rules, enum probe_class class,
                    int64_t now_ns)
{
    hop->errors++;
    if (class != PROBE_COUNTED)
        return;
    assert(hop->counted > 0);
    hop->counted--;
    if (hop->errors > rules->packets)
        hop->phase = HOP_SETTLED; /* this host cannot send; stop trying */
    else if (hop->sample != NULL)
        hop->phase = HOP_PACED;
    else
        hop->phase = HOP_SAMPLE;
    if (hop->due_ns < now_ns + rules->interval_ns)
        hop->due_ns = now_ns + rules->interval_ns;
}

const struct pace_outcome *hop_read_shared(struct hop *hop, const struct hop_rules *rules)
{
    while (hop->phase == HOP_PACED && hop->counted < rules->packets) {
        const struct pace_outcome *outcome = pace_outcome(hop->sample, &hop->next_place);
        if (outcome == NULL || outcome->state == PACE_OPEN)
            return NULL;
        hop->next_place++;
        if (outcome->state == PACE_VOID || outcome->owner == rules->trace)
            continue;
        if (++hop->counted == rules->packets)
            hop->phase = HOP_SETTLED;
        return outcome;
    }
    return NULL;
}

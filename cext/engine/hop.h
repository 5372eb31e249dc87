/* SPDX-License-Identifier: BSD-2-Clause */
/* The sampling of one TTL: which class of probe is due when, and whether the sample stands. The
 * rule: an initial sample, then burst tests, and if the responder is rate-limiting a new sample
 * within its limit. A run of more than a few seconds tests first, with unsampled probes, so that it
 * can be stopped at any time. Whether a probe counts is decided before it is sent. Pure. */
#ifndef MTR_ENGINE_HOP_H
#define MTR_ENGINE_HOP_H

#include "engine/pace.h"
#include "engine/probes.h"
#include "engine/refill.h"

enum hop_phase {
    HOP_SAMPLE,       /* counted probes at the trace's interval */
    HOP_TEST,         /* a burst of test probes right after the last counted one */
    HOP_JUDGE,        /* waiting for the outcomes of the burst */
    HOP_RETEST,       /* too many unanswered: a pause of a second, then a second burst */
    HOP_JUDGE_RETEST, /* waiting for the outcomes of the second burst */
    HOP_PACED,        /* rate-limited: a new counted sample within the responder's budget */
    HOP_SETTLED,
    HOP_DORMANT, /* silent so far: settled, but probed again while other hops are sampled */
    HOP_SURVEY,  /* a long run: test probes at the trace's interval, then the burst tests */
    HOP_PHASE_COUNT
};

/* The result of a burst once all its probes are finished. */
enum hop_verdict {
    HOP_UNDECIDED,
    HOP_STANDS,
    HOP_NEEDS_RETEST,
    HOP_RATE_LIMITED,
    HOP_MEASURED,
    HOP_REFUTED, /* the bursts that were to measure a rate limit met real loss: the sample stands */
};

/* The outcome of a test probe. HOP_VOID: it did not get to the hop, so it shows nothing. */
enum hop_answer { HOP_LOST, HOP_ANSWERED, HOP_VOID };

/* A burst of test probes, back to back. */
struct hop_burst {
    uint8_t length, sent, open, answered, voided;
    uint32_t answered_places; /* bit i: probe i was answered */
    uint32_t serial; /* distinguishes the outcomes of this burst from those of other bursts */
};

struct hop {
    enum hop_phase phase;
    uint32_t counted; /* in the sample so far, without send errors */
    uint32_t errors;
    uint32_t bursts;            /* bursts begun so far */
    struct hop_burst tests;     /* right after the sample */
    struct hop_burst retest;    /* after a pause */
    bool answered;              /* at any time */
    bool surveying;             /* the tests come before the sample */
    bool tested;                /* the tests came before the sample and showed no rate limit */
    uint32_t surveyed;          /* HOP_SURVEY: probes so far */
    uint64_t known;             /* responders that were tested, one bit each, by hash */
    uint8_t silent_tries;       /* tries without any reply */
    int64_t retry_ns;           /* when the first of them was due; 0: none yet */
    uint8_t repeated;           /* bursts that had to be sent again because of an outage */
    uint8_t doubted;            /* second bursts that other traces contradicted */
    int64_t due_ns;             /* no probe before this */
    int64_t tested_ns;          /* when the last burst went out */
    struct pace_sample *sample; /* HOP_PACED: the hop is one of its users until pace_leave */
    int64_t next_place;         /* HOP_PACED: place of the first outcome that was not read yet */
    bool measuring;             /* further bursts measure the refill interval */
    uint8_t confirmed, refuted; /* bursts of these that look like a rate limit, and like loss */
    struct refill refill;
    bool held;     /* see hop_hold */
    bool borrowed; /* HOP_PACED: the hop never replied; all outcomes are other traces' */
};

struct hop_rules {
    uint32_t packets;
    int64_t interval_ns;
    uint64_t trace;         /* its serial number, see pace_serial */
    int64_t shared_from_ns; /* shared outcomes of probes that were started before are not read */
    bool survey;            /* tests come before the sample */
    bool no_tests;          /* the interval is long enough, or the caller knows the pace */
};

/* The rules for a sample of `packets` probes. */
struct hop_rules hop_rules(uint32_t packets, int64_t interval_ns, bool no_tests);

/* Begins a hop. */
void hop_begin(struct hop *hop, const struct hop_rules *rules);

/* True when it was sent any probe. */
bool hop_was_probed(const struct hop *hop);

/* A responder with this hash has replied. If the tests have not met it, a counted sample becomes
 * untested. */
void hop_answered(struct hop *hop, enum probe_class class, uint32_t responder);

/* True while unanswered counted probes may have met a rate limit that no test has excluded. */
bool hop_is_untested(const struct hop *hop, const struct hop_rules *rules);

/* When the hop wants to send again; INT64_MAX while it only waits. */
int64_t hop_due(const struct hop *hop, const struct hop_rules *rules);

/* True when the hop waits for nothing: its sample is complete, or it is silent. */
bool hop_is_settled(const struct hop *hop);

/* True between the first and the last probe of a burst. */
bool hop_in_burst(const struct hop *hop);

/* True if its next probe is the first of a burst. */
bool hop_begins_burst(const struct hop *hop);

/* True if it has never replied and its next probe begins another try. */
bool hop_is_retrying(const struct hop *hop);

/* True after RETRIES_MOST tries, which are exceeded only because another trace samples this TTL. */
bool hop_is_spent(const struct hop *hop);

/* Takes the probe that is due and returns its class. *place is its place in the responder's sample,
 * or names its burst and its place there, or is -1. */
enum probe_class hop_take(struct hop *hop, const struct hop_rules *rules, int64_t now_ns,
                          int64_t *place);

/* A test probe has its outcome; one of an earlier burst is ignored. Returns HOP_UNDECIDED until the
 * last of the burst; then the hop has moved on, except for HOP_RATE_LIMITED, after which the caller
 * calls hop_doubt, hop_measure or hop_pace. */
enum hop_verdict hop_tested(struct hop *hop, int64_t place, enum hop_answer answer, int64_t now_ns);

/* The second burst shows a rate limit, but bursts of other traces at the same time do not: it is
 * sent again, and one that shows none is believed. Returns false where it is not sent: after seven
 * times, or to a hop that never replied before. */
bool hop_doubt(struct hop *hop, int64_t now_ns);

/* Bursts of other traces since then are compared with the second one. */
int64_t hop_since_ns(const struct hop *hop);

/* Sends further bursts until they show how far apart the probes of the new sample must be, or that
 * there is no limit: the last one returns HOP_MEASURED or HOP_REFUTED. `sample` is held meanwhile.
 * `last_burst_ns`: when the last burst of any trace to this responder was sent. */
void hop_measure(struct hop *hop, struct pace_sample *sample, int64_t last_burst_ns);

/* The interval that the bursts have shown; 0: too few were answered. */
int64_t hop_spacing_ns(const struct hop *hop);

/* True if none of these bursts had a reply. */
bool hop_has_stopped(const struct hop *hop);

/* How long after the last burst the sample may begin. */
int64_t hop_wait_ns(const struct hop *hop);

/* Begins the new sample, which the caller holds. Earlier counted probes leave the sample. */
void hop_pace(struct hop *hop, const struct hop_rules *rules, struct pace_sample *sample);

/* The hop has not replied, and another trace samples a router that may be this hop: probes are sent
 * only when that router has a token for them. */
void hop_hold(struct hop *hop, int64_t due_ns);

/* Ends the tests: those of other traces have shown enough. */
void hop_stand(struct hop *hop);

/* Takes over the sample without sending probes for it. */
void hop_borrow(struct hop *hop, const struct hop_rules *rules, struct pace_sample *sample);

/* A probe could not be sent. */
void hop_send_error(struct hop *hop, const struct hop_rules *rules, enum probe_class class,
                    int64_t now_ns);

/* The next finished outcome in this hop's sample that another trace has measured, or NULL. It is
 * counted for this hop, too. */
const struct pace_outcome *hop_read_shared(struct hop *hop, const struct hop_rules *rules);

#endif

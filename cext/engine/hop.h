/* SPDX-License-Identifier: BSD-2-Clause */
/* The sampling of one TTL: which class of probe is due when, and whether the sample stands. The
 * rule: an initial sample, burst tests behind it, and where the responder turns out to be
 * rate-limited a new sample within its limit. A run of more than a few seconds finds the pace
 * first, with unsampled probes, so that it may be stopped at any moment. Whether a probe counts is
 * decided before it is sent. Pure. */
#ifndef MTR_ENGINE_HOP_H
#define MTR_ENGINE_HOP_H

#include "engine/pace.h"
#include "engine/probes.h"
#include "engine/refill.h"

enum hop_phase {
    HOP_SAMPLE,       /* counted probes at the trace's interval */
    HOP_TEST,         /* test probes right behind the last of them */
    HOP_JUDGE,        /* waiting for their outcomes */
    HOP_RETEST,       /* too many unanswered: a second's rest, then another burst */
    HOP_JUDGE_RETEST, /* waiting for its outcomes */
    HOP_PACED,        /* rate-limited: a new counted sample within the responder's budget */
    HOP_SETTLED,
    HOP_DORMANT, /* silent so far: settled, but asked again while other hops are at work */
    HOP_SURVEY,  /* a long run: test probes at the trace's interval, then as behind a sample */
    HOP_PHASE_COUNT
};

/* What the tests have shown once all are finished. */
enum hop_verdict { HOP_UNDECIDED, HOP_STANDS, HOP_NEEDS_RETEST, HOP_RATE_LIMITED, HOP_MEASURED };

/* What became of a test probe. HOP_VOID: it did not get to the hop, which says nothing about it. */
enum hop_answer { HOP_LOST, HOP_ANSWERED, HOP_VOID };

/* A burst of test probes, back to back. */
struct hop_burst {
    uint8_t length, sent, open, answered, voided;
    uint32_t answered_places; /* bit i: the i-th was answered */
    uint32_t serial;          /* of the hop's bursts: an outcome may come when a later one is out */
};

struct hop {
    enum hop_phase phase;
    uint32_t counted; /* in the sample so far; send errors are taken off again */
    uint32_t errors;
    uint32_t bursts;            /* begun so far */
    struct hop_burst tests;     /* right behind the sample */
    struct hop_burst retest;    /* after a rest */
    bool answered;              /* at any time */
    bool surveying;             /* what is tested is the pace: the sample is still to come */
    bool tested;                /* the sample goes at a pace that was tested before */
    uint32_t surveyed;          /* HOP_SURVEY: probes so far */
    uint64_t known;             /* responders that were tested, a bit each by hash */
    uint8_t silent_tries;       /* how often it has been dormant without answering since */
    uint8_t repeated;           /* bursts that had to be sent again */
    int64_t due_ns;             /* not before this */
    int64_t tested_ns;          /* when the last burst went out */
    struct pace_sample *sample; /* HOP_PACED: held, see pace_leave */
    int64_t next_place;         /* HOP_PACED: first outcome not read yet */
    bool measuring;             /* bursts go on, to find how fast the bucket refills */
    struct refill refill;
    bool held;     /* see hop_hold */
    bool borrowed; /* HOP_PACED: it never answered; the sample is of other traces alone */
};

struct hop_rules {
    uint32_t packets;
    int64_t interval_ns;
    uint64_t trace; /* its serial number, see pace_serial */
    bool survey;    /* the pace is found first */
    bool no_tests;  /* no test is needed: the interval is long, or the caller knows the pace */
};

/* The rules of a sample of so many probes. */
struct hop_rules hop_rules(uint32_t packets, int64_t interval_ns, bool no_tests);

/* Begins a hop. */
void hop_begin(struct hop *hop, const struct hop_rules *rules);

/* True when it was sent any probe. */
bool hop_was_probed(const struct hop *hop);

/* A responder with this hash has answered. One that the survey has not met makes a counted sample
 * untested. */
void hop_answered(struct hop *hop, enum probe_class class, uint32_t responder);

/* True while counted probes that went unanswered may have met a rate limit that no test has ruled
 * out yet. */
bool hop_is_untested(const struct hop *hop, const struct hop_rules *rules);

/* When the hop wants to send again; INT64_MAX while it only waits. */
int64_t hop_due(const struct hop *hop, const struct hop_rules *rules);

/* True when the hop waits for nothing: its sample stands, or it is silent. */
bool hop_is_settled(const struct hop *hop);

/* True between the first and the last probe of a burst. */
bool hop_in_burst(const struct hop *hop);

/* True when its next turn is the first probe of a burst. */
bool hop_begins_burst(const struct hop *hop);

/* True while it has never answered and the next of its turns begins another try. */
bool hop_is_retrying(const struct hop *hop);

/* True when it was asked in vain often enough only because another trace samples its TTL. */
bool hop_is_spent(const struct hop *hop);

/* Takes the turn that is due: the class of the probe that goes out. *place is its place in the
 * responder's sample, or names its burst and its place there, or is -1. */
enum probe_class hop_take(struct hop *hop, const struct hop_rules *rules, int64_t now_ns,
                          int64_t *place);

/* A test probe has its outcome; one of an earlier burst decides nothing. HOP_UNDECIDED until the
 * last of the burst; then the hop has moved on, except for HOP_RATE_LIMITED, which hop_pace carries
 * out. */
enum hop_verdict hop_tested(struct hop *hop, int64_t place, enum hop_answer answer, int64_t now_ns);

/* Goes on with bursts until they show how far apart the probes of the new sample must be: the last
 * of them brings HOP_MEASURED. `sample` is held meanwhile. Other traces may have emptied the bucket
 * after its own last burst, at `asked_ns`. */
void hop_measure(struct hop *hop, struct pace_sample *sample, int64_t polled_ns);

/* What they have shown; 0: too few were answered to tell. */
int64_t hop_spacing_ns(const struct hop *hop);

/* How long after the last of them the sample may begin. */
int64_t hop_wait_ns(const struct hop *hop);

/* Begins the new sample, which the caller holds: what was counted before no longer is. */
void hop_pace(struct hop *hop, struct pace_sample *sample);

/* It has not answered, and another trace samples a router that may be it: it sends no more but when
 * that one has a token for it. */
void hop_hold(struct hop *hop, int64_t due_ns);

/* Its sample stands without tests of its own: those of other traces have shown enough. */
void hop_stand(struct hop *hop);

/* Takes the sample for its own, without sending for it. */
void hop_borrow(struct hop *hop, struct pace_sample *sample);

/* A probe was not sent after all. */
void hop_send_error(struct hop *hop, const struct hop_rules *rules, enum probe_class class,
                    int64_t now_ns);

/* The next finished outcome that another trace has measured for this hop's sample, taken into it;
 * NULL if there is none (yet). */
const struct pace_outcome *hop_read_shared(struct hop *hop, const struct hop_rules *rules);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The pacing of probes by responder. The rate limit of ICMP errors belongs to the responder: all
 * traces of a process share its tokens, and what one of them measured there is used by the others.
 * A sample is the set of outcomes of counted probes to one (responder, TTL, protocol, kind of
 * reply), spaced by the refill interval. Pure; one struct pace per prober. */
#ifndef MTR_ENGINE_PACE_H
#define MTR_ENGINE_PACE_H

#include "base/bound.h"
#include "engine/bursts.h"
#include "engine/ends.h"
#include "engine/prefix.h"

struct pace;
struct pace_sample;

/* Bounds of what is remembered. Samples that a trace holds come on top of PACE_IDLE: there are at
 * most as many of them as running traces have hops. */
enum {
    PACE_KEPT = BOUND(256, 16),       /* outcomes of a sample, the newest */
    PACE_IDLE = BOUND(1024, 4),       /* samples that no trace holds, the last used */
    PACE_RESPONDERS = BOUND(1024, 4), /* without a sample, the last to get a token */
};

/* Counts of what exceeded these bounds. */
struct pace_counters {
    uint64_t outcomes;            /* overwritten before a sharing trace had read them */
    uint64_t samples, responders; /* removed before ten minutes without use were over */
};

enum pace_state {
    PACE_OPEN, /* no outcome yet */
    PACE_ANSWERED,
    PACE_LOST,
    PACE_VOID, /* not sent, or its trace was abandoned: not counted */
};

/* One counted probe of a sample, for all traces that share the sample. */
struct pace_outcome {
    enum pace_state state;
    uint64_t owner; /* serial number of the trace that sent it */
    int64_t started_ns;
    int64_t rtt_ns;                 /* -1: not measured */
    bool from_target, during_drops; /* see struct trace_event */
    struct wire_packet reply;       /* PACE_ANSWERED */
};

struct pace *pace_new(void); /* NULL without memory */
void pace_free(struct pace *pace);

/* A serial number for a trace, unique in the process. (An address is not: memory is reused.) */
uint64_t pace_serial(struct pace *pace);

struct pace_counters pace_counters(const struct pace *pace);

/* What the traces saw on their paths. */
struct prefixes *pace_prefixes(struct pace *pace);

/* Where the traces end by ICMP errors. */
struct ends *pace_ends(struct pace *pace);

/* The burst tests of the traces. */
struct bursts *pace_bursts(struct pace *pace);

/* A count that rises with each responder found to rate-limit. */
uint64_t pace_limits(const struct pace *pace);

/* How much is remembered. */
struct pace_usage {
    size_t samples, idle;    /* all; those that no trace holds */
    size_t responders, bare; /* all; those without a sample */
    size_t most_outcomes;    /* of one sample */
};
struct pace_usage pace_usage(const struct pace *pace);

/* Calls `visit` for every outcome that is kept. */
typedef void pace_visitor(void *context, const struct pace_outcome *outcome);
void pace_visit(const struct pace *pace, pace_visitor *visit, void *context);

/* The identity of a sample. Echo replies and TCP replies do not share the rate limit of ICMP
 * errors. */
struct pace_key {
    struct ipaddr responder;
    enum wire_protocol protocol;
    uint8_t ttl;
    bool direct;  /* the target answers the probe itself, not by an ICMP error */
    bool refuses; /* its unreachable errors are the replies of the path's end */
    /* By TTL below `ttl` a hash of the responder, 0 where unknown; NULL: none is known. Samples
     * over different paths are kept apart, as their losses differ. */
    const uint32_t *path_hashes;
};

/* How a responder showed its rate limit: so many of a burst of test probes were answered. */
struct pace_evidence {
    uint8_t tests, burst_received;
};

/* The sample of a responder found to rate-limit during the last ten minutes, if it was used during
 * the last one, or a new one if only samples over other paths were; else NULL. The caller holds it
 * until pace_leave. */
struct pace_sample *pace_known(struct pace *pace, const struct pace_key *key, int64_t now_ns);

/* The same, created if needed: the responder rate-limits. Its last probe was sent at now_ns, and
 * the next one waits for TOKEN_NS; from then on it has a token every `sample_interval_ns`. The
 * caller holds the sample until pace_leave. NULL without memory. */
struct pace_sample *pace_rate_limit(struct pace *pace, const struct pace_key *key,
                                    struct pace_evidence evidence, int64_t sample_interval_ns,
                                    int64_t now_ns);

/* For a trace without a reply at this TTL: true if a router known to rate-limit may be there. */
bool pace_is_limited(const struct pace *pace, const struct pace_key *key, int64_t now_ns);

/* The sample of the responder with this hash, whatever key->responder is; NULL if none was used
 * during the last minute. Held until pace_leave. */
struct pace_sample *pace_borrow(struct pace *pace, const struct pace_key *key, uint32_t hash,
                                int64_t now_ns);

/* True while the sample is being taken and has left few tokens to hops that got no reply, so that
 * these can send tries of their own. */
bool pace_wants_checks(const struct pace_sample *sample, int64_t now_ns);

/* True if no trace continues the sample. */
bool pace_is_idle(const struct pace_sample *sample, int64_t now_ns);

/* A responder replied, which took a token: one known to rate-limit gets no probe until its next. */
void pace_answered(struct pace *pace, const struct ipaddr *responder, int64_t now_ns);

/* A trace measures the responder's refill interval: no other probe goes there before its next
 * burst, or until it is clear that there is none. */
void pace_measuring(struct pace_sample *sample, int64_t now_ns);

/* The measurement has ended: tokens come every `sample_interval_ns` (0: less often than it lasted;
 * that is remembered for a minute), the next by `from_ns`. An
 * unsampled probe gets that one (pace_lead): the bursts went on until one was answered, so a sample
 * that began right after it would show too little loss. */
void pace_measured(struct pace_sample *sample, int64_t sample_interval_ns, int64_t from_ns);

/* The measurement has ended without a reply: the responder has gone silent, which is no rate limit.
 * The traces that hold the sample learn of an interval too long to sample; later ones find nothing
 * known, so that a responder that replies again is measured. */
void pace_stopped(struct pace_sample *sample, int64_t now_ns);

/* The measurement has shown that there is no limit. The traces that hold the sample go on with it,
 * at the usual interval; later ones find nothing known. */
void pace_refuted(struct pace_sample *sample, int64_t now_ns);

/* True if the next probe of the sample is unsampled. Takes a token like the others. */
bool pace_lead(struct pace_sample *sample, int64_t now_ns);

/* When the responder has its next free token; 0 if it is not known to rate-limit. */
int64_t pace_free_ns(const struct pace *pace, const struct ipaddr *responder);

/* Takes that token for a probe outside any sample. Does nothing for other responders. */
void pace_take(struct pace *pace, const struct ipaddr *responder, int64_t now_ns);

const struct ipaddr *pace_responder(const struct pace_sample *sample);
int64_t pace_spacing_ns(const struct pace_sample *sample);
struct pace_evidence pace_evidence(const struct pace_sample *sample);

/* For a silent hop, which may be a router whose tokens another trace's sample uses, or the target
 * that a trace met no farther away: when the next token of such a sample comes; 0 if none is being
 * taken. `nearer`: the target may be nearer than where it was met. */
int64_t pace_slot_ns(const struct pace *pace, const struct wire_spec *spec, uint8_t ttl,
                     bool nearer, int64_t now_ns);

/* The same for routers that may be at this TTL by the responders before it, whether or not they are
 * being sampled. */
int64_t pace_router_slot_ns(const struct pace *pace, const struct pace_key *key, int64_t now_ns);

/* A count that changes when that token is put off for another reason than that its own sample took
 * one: left to a silent hop, used by other probes, or because of a measurement. */
uint32_t pace_moves(const struct pace *pace, const struct wire_spec *spec, uint8_t ttl,
                    bool nearer);

/* Leaves that token to the silent hop: the samples wait for the next one. After 32 of them, each
 * second token is the sample's own. */
void pace_yield_slot(struct pace *pace, const struct wire_spec *spec, const struct pace_key *key,
                     bool nearer, int64_t now_ns);

/* Leaves the sample and voids the open probes of `owner` in it. */
void pace_leave(struct pace_sample *sample, uint64_t owner);

/* The place of the oldest outcome kept of a probe that was started at from_ns or later, from which
 * a new user reads. */
int64_t pace_first(const struct pace_sample *sample, int64_t from_ns);

/* When the next probe of the sample may be sent for a trace that has read all outcomes below
 * `place` and lacks `missing` of them; INT64_MAX if other traces have sent as many. */
int64_t pace_due(const struct pace_sample *sample, uint64_t owner, int64_t place, uint32_t missing);

/* Starts a probe of `owner`. Returns its place in the sample, or -1 without memory. */
int64_t pace_start(struct pace_sample *sample, uint64_t owner, int64_t now_ns);

/* Stores the outcome, if the place is still kept. A second, answered outcome (a late reply)
 * replaces a lost one. */
void pace_finish(struct pace *pace, struct pace_sample *sample, int64_t place,
                 const struct pace_outcome *outcome);

/* The outcome at *place, which first moves on to the oldest one kept if that is newer; NULL after
 * the last. The pointer is valid until the next pace_start. */
const struct pace_outcome *pace_outcome(const struct pace_sample *sample, int64_t *place);

/* A count that rises with each outcome in a sample that several traces hold: they have something to
 * read. */
uint64_t pace_changes(const struct pace *pace);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What routers that rate-limit their ICMP errors have left for us. The budget belongs to the
 * responder: all traces of a process draw on one, and what one of them measured there serves the
 * others. A sample is the outcome of counted probes sent to one (responder, TTL, protocol, kind of
 * answer), spaced so that the rate limit suffices. Pure; one struct pace per prober. */
#ifndef MTR_ENGINE_PACE_H
#define MTR_ENGINE_PACE_H

#include "base/bound.h"
#include "engine/ends.h"
#include "engine/prefix.h"

struct pace;
struct pace_sample;

/* What is kept, however long a process runs. Samples that a trace holds come on top of PACE_IDLE:
 * there are at most as many of them as running traces have hops. */
enum {
    PACE_KEPT = BOUND(256, 16),       /* outcomes of a sample, the newest */
    PACE_IDLE = BOUND(1024, 4),       /* samples that no trace holds, the ones used last */
    PACE_RESPONDERS = BOUND(1024, 4), /* without a sample, the ones that have a token last */
};

/* What did not fit into these bounds. */
struct pace_counters {
    uint64_t outcomes; /* overwritten before a trace that shares the sample had read them */
    uint64_t samples, responders; /* forgotten before a minute without use was over */
};

enum pace_state {
    PACE_OPEN, /* on its way */
    PACE_ANSWERED,
    PACE_LOST,
    PACE_VOID, /* not sent, or its trace was given up: counts for nobody */
};

/* One counted probe, as every trace that shares the sample sees it. */
struct pace_outcome {
    enum pace_state state;
    uint64_t owner;                 /* serial number of the trace that sent it */
    int64_t rtt_ns;                 /* -1: not measured */
    bool from_target, during_drops; /* see struct trace_event */
    struct wire_packet reply;       /* PACE_ANSWERED */
};

struct pace *pace_new(void); /* NULL without memory */
void pace_free(struct pace *pace);

/* A serial number for a trace: no other trace of the process ever has the same, whereas the memory
 * of a trace that has ended serves the next one. */
uint64_t pace_serial(struct pace *pace);

struct pace_counters pace_counters(const struct pace *pace);

/* What the traces saw on their paths. */
struct prefixes *pace_prefixes(struct pace *pace);

/* Where they end by ICMP errors. */
struct ends *pace_ends(struct pace *pace);

/* Rises whenever a responder turns out to rate-limit. */
uint64_t pace_limits(const struct pace *pace);

/* What is remembered at present. */
struct pace_usage {
    size_t samples, idle;    /* all; those that no trace holds */
    size_t responders, bare; /* all; those without a sample */
    size_t most_outcomes;    /* of one sample */
};
struct pace_usage pace_usage(const struct pace *pace);

/* Calls `visit` for every outcome that is kept. */
typedef void pace_visitor(void *context, const struct pace_outcome *outcome);
void pace_visit(const struct pace *pace, pace_visitor *visit, void *context);

/* What a sample is of. Echo replies and TCP answers are not rate-limited together with ICMP
 * errors. */
struct pace_key {
    struct ipaddr responder;
    enum wire_protocol protocol;
    uint8_t ttl;
    bool direct;  /* the target answers the probe itself, not by an ICMP error */
    bool refuses; /* its errors end the path: they are the replies */
    /* The way there, by TTL below `ttl`: a hash of who answered, 0 where that is not known;
     * NULL: nothing is. Samples over different ways are not mixed: what one loses the other
     * may not. */
    const uint32_t *path_hashes;
};

/* What showed that a responder rate-limits: so many of a burst of test probes were answered. */
struct pace_evidence {
    uint8_t tests, burst_received;
};

/* The sample of a responder known to rate-limit, if it was in use during the last minute; a new one
 * where only samples over other ways were; else NULL. The caller holds it until pace_leave. */
struct pace_sample *pace_known(struct pace *pace, const struct pace_key *key, int64_t now_ns);

/* The same, made if it is new: the responder rate-limits, was asked last at now_ns, and is to be
 * left alone for a second; from then on it has a token every `sample_interval_ns`. The caller holds
 * the sample until pace_leave. NULL without memory. */
struct pace_sample *pace_rate_limit(struct pace *pace, const struct pace_key *key,
                                    struct pace_evidence evidence, int64_t sample_interval_ns,
                                    int64_t now_ns);

/* For a trace that got no reply at this TTL. True where a router known to rate-limit may be
 * there. */
bool pace_is_limited(const struct pace *pace, const struct pace_key *key, int64_t now_ns);

/* The sample of the responder with this hash in place of key->responder; NULL if none was in use
 * during the last minute. Held until pace_leave. */
struct pace_sample *pace_borrow(struct pace *pace, const struct pace_key *key, uint32_t hash,
                                int64_t now_ns);

/* True while the sample is being taken and has left few tokens to hops that got no reply: these
 * find out for themselves then. */
bool pace_wants_checks(const struct pace_sample *sample, int64_t now_ns);

/* True when nobody takes the sample any further. */
bool pace_is_idle(const struct pace_sample *sample, int64_t now_ns);

/* Any answer from a responder took a token; one known to rate-limit is left alone until it has
 * another. */
void pace_answered(struct pace *pace, const struct ipaddr *responder, int64_t now_ns);

/* A trace measures how fast the responder refills: nobody else is to ask before its next burst, or
 * before it is clear that it sends none. */
void pace_measuring(struct pace_sample *sample, int64_t now_ns);

/* It has: tokens come every `sample_interval_ns`, the next by `from_ns`. That one is for an
 * unsampled probe, see pace_lead: the bursts went on until replies came, so where replies are lost
 * several in a row it comes in a good moment. */
void pace_measured(struct pace_sample *sample, int64_t sample_interval_ns, int64_t from_ns);

/* True if the next probe of the sample is unsampled; it takes a token as the others do. */
bool pace_lead(struct pace_sample *sample, int64_t now_ns);

/* From when on the responder has a token for somebody; 0 if it is not known to rate-limit. */
int64_t pace_free_ns(const struct pace *pace, const struct ipaddr *responder);

/* Takes that token for a probe outside any sample; nothing to take where nothing is
 * rate-limited. */
void pace_take(struct pace *pace, const struct ipaddr *responder, int64_t now_ns);

/* Bursts of several traces to one responder take turns: Linux answers all sources together only
 * 1,000 times a second and 50 times at once (icmp_msgs_per_sec, icmp_msgs_burst), and loss that the
 * tests of others cause is none. From when on a burst may begin. */
int64_t pace_burst_ns(const struct pace *pace, const struct ipaddr *responder);

/* When the last burst of any trace went out. */
int64_t pace_last_burst_ns(const struct pace *pace, const struct ipaddr *responder);

/* A probe of a burst goes out. */
void pace_burst(struct pace *pace, const struct ipaddr *responder, int64_t now_ns);

/* A burst of tests has shown no rate limit. */
void pace_passed(struct pace *pace, const struct ipaddr *responder, int64_t now_ns);

/* A burst of tests has left too many unanswered. */
void pace_failed(struct pace *pace, const struct ipaddr *responder);

/* True when since then the bursts of several traces have shown none: the next shows nothing new.
 * Where all bursts of the last minute passed, one since then is enough: it shows that what is sent
 * now changes nothing. */
bool pace_has_passed(const struct pace *pace, const struct ipaddr *responder, int64_t since_ns);

const struct ipaddr *pace_responder(const struct pace_sample *sample);
int64_t pace_spacing_ns(const struct pace_sample *sample);
struct pace_evidence pace_evidence(const struct pace_sample *sample);

/* A silent hop may be a router that rate-limits another trace at this TTL, which gets all its
 * tokens, or the target, where another trace has met it no farther away. When its next one comes,
 * if such a sample is being taken; else 0. */
int64_t pace_slot_ns(const struct pace *pace, const struct wire_spec *spec, uint8_t ttl,
                     int64_t now_ns);

/* The same of routers that may be there by all that is known on the way: also when nobody samples
 * them now. */
int64_t pace_router_slot_ns(const struct pace *pace, const struct pace_key *key, int64_t now_ns);

/* Leaves that token to the silent hop: the samples wait for the one after. */
void pace_yield_slot(struct pace *pace, const struct wire_spec *spec, const struct pace_key *key,
                     int64_t now_ns);

/* Gives up the sample, and voids what `owner` has on its way there. */
void pace_leave(struct pace_sample *sample, uint64_t owner);

/* The place of the oldest outcome kept: where a trace that joins begins to read. */
int64_t pace_first(const struct pace_sample *sample);

/* When the next probe of the sample may go out for a trace that has read all outcomes below `place`
 * and lacks `missing`; INT64_MAX when others have as many there or on their way. */
int64_t pace_due(const struct pace_sample *sample, uint64_t owner, int64_t place, uint32_t missing);

/* Starts a probe of `owner`'s; returns its place in the sample, or -1 without memory. */
int64_t pace_start(struct pace_sample *sample, uint64_t owner, int64_t now_ns);

/* Ends it, if it is still kept. Ending it a second time as answered makes a lost one answered. */
void pace_finish(struct pace *pace, struct pace_sample *sample, int64_t place,
                 const struct pace_outcome *outcome);

/* The outcome at *place, which is moved on to the oldest one kept where that is newer; NULL behind
 * the last. The pointer holds until the next pace_start. */
const struct pace_outcome *pace_outcome(const struct pace_sample *sample, int64_t *place);

/* Rises whenever an outcome becomes known of a sample that several hold: they then have
 * something to read. */
uint64_t pace_changes(const struct pace *pace);

#endif

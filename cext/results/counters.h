/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader of the event stream that keeps what the report shows: counts per TTL, statistics per
 * (TTL, flow, responder). It sees events only, so a recording gives the same figures as the run. */
#ifndef MTR_RESULTS_COUNTERS_H
#define MTR_RESULTS_COUNTERS_H

#include "base/bound.h"
#include "base/stats.h"
#include "engine/trace.h"

enum {
    COUNTERS_CELLS =
        BOUND(64, 8),             /* responders kept per hop; of further ones replies are counted */
    COUNTERS_CODES = 8,           /* different answers kept per responder */
    COUNTERS_REPORTS = 8,         /* different errors from elsewhere kept per hop */
    COUNTERS_SPELLS = 8,          /* times during which one was reported, kept apart */
    COUNTERS_RUNS = BOUND(64, 4), /* changes of responder kept per hop, the first ones */
    COUNTERS_LOST = BOUND(512, 8), /* lost probes named per hop, the first ones */
};

struct counters_code {
    enum wire_kind kind : 8;
    uint8_t type, code; /* ICMP; 0 for TCP */
    uint32_t count;
};

/* One responder on one flow at one TTL. */
struct responder_stats {
    struct ipaddr address;
    uint16_t flow;
    bool target;
    bool elsewhere;    /* its errors say that probes did not arrive: no responder of this hop */
    uint32_t received; /* counted probes it answered, late ones included */
    uint32_t late, duplicates;
    uint8_t reply_ttl; /* of its newest answer */
    size_t code_count;
    struct counters_code codes[COUNTERS_CODES];
    struct stats rtt; /* counted probes answered in time */
};

/* Consecutive answers, in the order of their probes, from one responder with one reply TTL. */
struct counters_run {
    uint16_t cell;
    uint8_t reply_ttl;
    uint32_t count;
    int64_t at_ns; /* when the first of them came, since the trace began */
};

/* A counted probe that was lost. */
struct counters_lost {
    uint32_t probe;
    uint32_t ordinal; /* among the counted probes of its flow at this TTL */
    bool unreachable; /* as an error from elsewhere says */
    uint16_t cell;    /* whose; UINT16_MAX: not known */
    int64_t sent_ns;  /* since the trace began */
};

/* An error from elsewhere: who reported what about probes of this TTL, and when. */
struct counters_report {
    struct ipaddr from;
    enum wire_kind kind;
    uint8_t type, code;
    uint16_t mtu;   /* WIRE_TOO_BIG: as named; 0: none */
    uint32_t count; /* probes of any class */
    bool own;       /* it is a reply of this hop: its own, or the one that ends the path here */
    size_t period_count;
    struct {
        int64_t from_ns, to_ns; /* since the trace began; no reply of this TTL came in between */
    } periods[COUNTERS_SPELLS]; /* the last one takes what comes later */
};

struct counters_waiting;

struct counters_hop {
    uint32_t sent, received;    /* counted probes that are finished; answered, late ones included */
    uint32_t in_flight;         /* counted probes that are not finished */
    uint32_t lost_during_drops; /* of the lost ones: see struct trace_event */
    uint32_t unreachable;       /* of `sent`: unanswered, as an error from elsewhere says */
    uint32_t send_errors, late, duplicates;
    uint32_t total_sent, total_received; /* all that this trace sent: counted, test, replaced */
    bool rate_limited;      /* the sample was replaced by one within the responder's budget */
    bool untested;          /* what is unanswered may be rate limiting */
    bool no_token;          /* see EVENT_NO_TOKEN */
    bool shared_limit;      /* see EVENT_SHARED_LIMIT */
    uint32_t first_counted; /* probes before it count no more */
    uint32_t initial_sent, initial_received, initial_unreachable; /* the sample that was replaced */
    struct trace_rate_limit rate_limit;
    /* Of merged flows: counted probes of those whose sample was replaced. A burst of one flow says
     * nothing about flows on other paths. */
    uint32_t limited_sent, limited_received;
    bool merged;
    uint32_t shared;                  /* of `sent`: other traces' probes to the same responder */
    size_t cell_count;                /* at most COUNTERS_CELLS */
    struct responder_stats *cells;    /* in the order in which they were first seen */
    uint32_t unlisted;                /* replies from responders that found no room there */
    struct counters_waiting *waiting; /* samples that wait for earlier probes to finish */
    uint32_t waiting_first, waiting_count, waiting_capacity;
    uint32_t run_capacity, lost_capacity, report_capacity;
    struct counters_run *runs;
    size_t run_count;
    uint32_t run_total; /* runs there were, kept or not */
    struct counters_lost *lost;
    size_t lost_count;
    uint32_t *ordinals; /* counted probes sent, by flow */
    size_t flow_count;
    struct counters_report *reports;
    size_t report_count;
    int64_t answered_ns; /* when the newest reply came, since the trace began */
    uint32_t sent_since; /* probes of this trace since then */
};

struct counters {
    struct counters_hop *hops; /* hops[0] is unused: they go by TTL */
    size_t hop_count;          /* so far: nothing has happened at TTLs from here on */
    uint8_t max_hops;
    bool out_of_memory; /* figures are incomplete */
    uint8_t end;        /* TTL at which the path ends; 0: not known */
    enum trace_ending ending;
};

/* NULL without memory. */
struct counters *counters_new(uint8_t max_hops);
void counters_free(struct counters *counters);

/* The hop of this TTL, an empty one where nothing has happened; holds until the next event. */
const struct counters_hop *counters_hop_at(const struct counters *counters, size_t ttl);

/* A trace_sink's body. */
void counters_event(struct counters *counters, const struct trace_event *event);

/* Adds the figures of another flow's counters: cells of one address become one, runs and lost
 * probes follow those that are there. For tallies that nothing waits in, such as snapshots. -1
 * without memory. */
int counters_merge(struct counters *into, const struct counters *from);

/* Makes them what counters_snapshot would give: no event may follow. */
void counters_finish(struct counters *counters);

/* A copy to read while the trace goes on, with the samples that still wait counted in, and
 * nothing of TTLs beyond the end. Where errors from elsewhere end the path, they are the replies
 * of its last hop; and those that come from a TTL's own hop are its replies. NULL without
 * memory. */
struct counters *counters_snapshot(const struct counters *counters);

#endif

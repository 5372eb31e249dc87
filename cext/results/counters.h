/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader of the event stream that keeps counts per TTL and statistics per (TTL, flow, responder)
 * for the report. Events are the only input, so a recording gives the same figures as the trace. */
#ifndef MTR_RESULTS_COUNTERS_H
#define MTR_RESULTS_COUNTERS_H

#include "base/bound.h"
#include "base/stats.h"
#include "engine/trace.h"

enum {
    /* Responders listed per hop; replies of further ones are only counted. */
    COUNTERS_RESPONDERS = BOUND(64, 8),
    COUNTERS_CODES = 8,            /* kinds of reply listed per responder */
    COUNTERS_REPORTS = 8,          /* different errors from elsewhere listed per hop */
    COUNTERS_PERIODS = 8,          /* separate periods of one such error */
    COUNTERS_RUNS = BOUND(64, 4),  /* runs listed per hop, the first ones */
    COUNTERS_LOST = BOUND(512, 8), /* lost probes listed per hop, the first ones */
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
    bool elsewhere;    /* reports from another hop that probes did not arrive at this one */
    uint32_t received; /* counted probes that the responder answered, late replies included */
    uint32_t late, duplicates;
    uint8_t reply_ttl; /* of the newest reply; 0: unknown */
    size_t code_count;
    struct counters_code codes[COUNTERS_CODES];
    struct stats rtt; /* counted probes answered in time */
};

/* Consecutive replies, in the order of their probes, from one responder with one reply TTL. */
struct counters_run {
    uint16_t responder;
    uint8_t reply_ttl;
    uint32_t count;
    int64_t at_ns; /* arrival of the first reply, since the trace began */
};

/* A counted probe that was lost. */
struct counters_lost {
    uint32_t probe;
    uint32_t ordinal;   /* among the counted probes of its flow at this TTL */
    bool unreachable;   /* reported by an error from elsewhere */
    uint16_t responder; /* sender of the error; UINT16_MAX: none or unknown */
    int64_t sent_ns;    /* since the trace began */
};

/* An error from elsewhere: a report about probes of this TTL that another hop sent. */
struct counters_report {
    struct ipaddr from;
    enum wire_kind kind;
    uint8_t type, code;
    uint16_t mtu;   /* WIRE_TOO_BIG: next-hop MTU; 0: not stated */
    uint32_t count; /* reported probes of any class */
    bool own;       /* counts as a reply: sent by this hop, or the path ends here */
    size_t period_count;
    struct {
        int64_t from_ns, to_ns;  /* since the trace began; without replies of this TTL */
    } periods[COUNTERS_PERIODS]; /* the last one includes all later errors */
};

struct counters_waiting;

struct counters_hop {
    uint32_t sent, received;    /* finished counted probes; those answered, late replies included */
    uint32_t in_flight;         /* unfinished counted probes */
    uint32_t lost_during_drops; /* lost probes while the capture dropped packets, see trace_event */
    uint32_t unreachable;       /* of `sent`: unanswered, reported by an error from elsewhere */
    uint32_t send_errors, late, duplicates;
    uint32_t total_sent, total_received; /* all probes of this trace, of any class and sample */
    bool rate_limited;                   /* a rate-limited sample replaced the initial one */
    bool untested;                       /* loss may be rate limiting, which was not tested */
    bool no_token;                       /* see EVENT_NO_TOKEN */
    bool shared_limit;                   /* see EVENT_SHARED_LIMIT */
    uint32_t first_counted;              /* number of the first probe of the current sample */
    uint32_t initial_sent, initial_received, initial_unreachable; /* the replaced initial sample */
    struct trace_rate_limit rate_limit;
    /* Merged flows: counted probes of the flows with a rate-limited sample. A burst test in one
     * flow is no evidence for flows on other paths. */
    uint32_t limited_sent, limited_received;
    bool merged;
    uint32_t shared;        /* of `sent`: probes of other traces to the same responder */
    size_t responder_count; /* at most COUNTERS_RESPONDERS */
    struct responder_stats *responders; /* in the order of their first replies */
    uint32_t unlisted;                  /* replies from responders beyond COUNTERS_RESPONDERS */
    struct counters_waiting *waiting;   /* samples that wait for earlier probes to finish */
    uint32_t waiting_first, waiting_count, waiting_capacity;
    uint32_t run_capacity, lost_capacity, report_capacity;
    struct counters_run *runs;
    size_t run_count;
    uint32_t run_total; /* runs, including those that are not listed */
    struct counters_lost *lost;
    size_t lost_count;
    uint32_t *ordinals; /* counted probes sent, by flow */
    size_t flow_count;
    struct counters_report *reports;
    size_t report_count;
    int64_t answered_ns; /* arrival of the newest reply, since the trace began */
    uint32_t sent_since; /* probes of this trace since then */
};

struct counters {
    struct counters_hop *hops; /* by TTL; hops[0] is unused */
    size_t hop_count;          /* larger than any TTL that has had an event */
    uint8_t max_hops;
    bool out_of_memory; /* figures are incomplete */
    uint8_t end;        /* TTL at which the path ends; 0: unknown */
    enum trace_ending ending;
};

/* Returns NULL if out of memory. */
struct counters *counters_new(uint8_t max_hops);
void counters_free(struct counters *counters);

/* The hop of this TTL, empty if the TTL has had no event. The pointer is valid until the next
 * event. */
const struct counters_hop *counters_hop_at(const struct counters *counters, size_t ttl);

/* Counts one event; called by a trace_sink. */
void counters_event(struct counters *counters, const struct trace_event *event);

/* Adds the counters of another flow: statistics of one address are merged, runs and lost probes are
 * appended. Requires counters without waiting samples, such as snapshots. Returns -1 if out of
 * memory. */
int counters_merge(struct counters *into, const struct counters *from);

/* Turns the counters into their own snapshot, without a copy. No event may follow. */
void counters_finish(struct counters *counters);

/* Returns a copy for the report while the trace continues, which includes the waiting samples and
 * excludes TTLs beyond the end of the path. If errors from elsewhere end the path, the copy counts
 * them as replies of the last hop; errors that a hop itself sends count as its replies. Returns
 * NULL if out of memory. */
struct counters *counters_snapshot(const struct counters *counters);

#endif

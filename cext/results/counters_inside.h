/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by counters.c and merge.c only. */
#ifndef MTR_RESULTS_COUNTERS_INSIDE_H
#define MTR_RESULTS_COUNTERS_INSIDE_H

#include "results/counters.h"

enum { NO_RESPONDER = UINT16_MAX };

enum waiting_state {
    WAITING_OPEN,
    WAITING_SAMPLE,   /* answered, with an RTT */
    WAITING_ANSWERED, /* answered, without an RTT */
    WAITING_LOST,
    WAITING_UNREACHABLE,
    WAITING_NOTHING, /* adds nothing: not sent, answered late, or by an unlisted responder */
};

/* A counted probe whose sample waits for the outcome of all earlier probes: jitter is defined on
 * the order of probes, and replies may arrive in another order. */
struct counters_waiting {
    uint32_t probe, ordinal;
    uint16_t responder;
    uint8_t reply_ttl;
    enum waiting_state state;
    int64_t rtt_ns, at_ns;
    int64_t sent_ns; /* since the trace began */
};

/* counters.c */
void counters_hop_fini(struct counters_hop *hop);

/* Makes `count` hops, from TTL 0; -1 if out of memory. */
int counters_reach(struct counters *counters, size_t count);

/* Returns the array, enlarged if necessary, with room for one more element; NULL if it has `most`
 * elements or memory is out. */
void *counters_reserve(void *array, size_t count, uint32_t *capacity, size_t most, size_t size);

void counters_use(struct counters *counters, struct counters_hop *hop,
                  const struct counters_waiting *w);
void counters_note_lost(struct counters_hop *hop, const struct counters_waiting *w);

/* Adds a responder; NULL if there are `most` already or memory is out. */
struct responder_stats *counters_add_responder(struct counters *counters, struct counters_hop *hop,
                                               size_t most,
                                               const struct responder_stats *responder);

void counters_add_code(struct responder_stats *responder, const struct counters_code *code);

/* Finds or adds the report that equals `wanted` but for counts and periods; NULL if there is no
 * room. */
struct counters_report *counters_report_of(struct counters *counters, struct counters_hop *hop,
                                           const struct counters_report *wanted);

/* Extends the newest period, or begins a separate one if `apart`. */
void counters_add_period(struct counters_report *report, int64_t from_ns, int64_t to_ns,
                         bool apart);

#endif

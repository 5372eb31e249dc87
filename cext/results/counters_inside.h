/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the counters share; nobody else includes it. */
#ifndef MTR_RESULTS_COUNTERS_INSIDE_H
#define MTR_RESULTS_COUNTERS_INSIDE_H

#include "results/counters.h"

enum { NO_CELL = UINT16_MAX };

enum waiting_state {
    WAITING_OPEN,
    WAITING_SAMPLE,   /* answered, with an RTT */
    WAITING_ANSWERED, /* answered, without one */
    WAITING_LOST,
    WAITING_UNREACHABLE,
    WAITING_NOTHING, /* not sent after all */
};

/* A counted probe whose sample may not be used before those of earlier probes: jitter is defined on
 * the order of probes, and answers overtake each other. */
struct counters_waiting {
    uint32_t probe, ordinal;
    uint16_t cell;
    uint8_t reply_ttl;
    enum waiting_state state;
    int64_t rtt_ns, at_ns;
    int64_t sent_ns; /* since the trace began */
};

/* counters.c */
void counters_hop_fini(struct counters_hop *hop);

/* Makes so many hops, from TTL 0; -1 without memory. */
int counters_reach(struct counters *counters, size_t count);

/* The array with room for one more element; NULL when `most` are there or memory is out. */
void *counters_reserve(void *array, size_t count, uint32_t *capacity, size_t most, size_t size);

void counters_use(struct counters *counters, struct counters_hop *hop,
                  const struct counters_waiting *w);
void counters_note_lost(struct counters_hop *hop, const struct counters_waiting *w);

/* A further responder; NULL where there are `most` or memory is out. */
struct responder_stats *counters_add_responder(struct counters *counters, struct counters_hop *hop,
                                               size_t most, const struct responder_stats *cell);

void counters_add_code(struct responder_stats *cell, const struct counters_code *code);

/* The report of this kind, made if it is new; NULL where there is no room. */
struct counters_report *counters_report_of(struct counters *counters, struct counters_hop *hop,
                                           const struct counters_report *wanted);

/* Extends the newest period, or begins one that lies apart. */
void counters_add_period(struct counters_report *report, int64_t from_ns, int64_t to_ns,
                         bool apart);

#endif

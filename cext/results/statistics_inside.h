/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a tally share; nobody else includes it. */
#ifndef MTR_RESULTS_STATISTICS_INSIDE_H
#define MTR_RESULTS_STATISTICS_INSIDE_H

#include "results/statistics.h"

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
struct tally_waiting {
    uint32_t probe, ordinal;
    uint16_t cell;
    uint8_t reply_ttl;
    enum waiting_state state;
    int64_t rtt_ns, at_ns;
    int64_t sent_ns; /* since the trace began */
};

/* tally.c */
void tally_hop_fini(struct tally_hop *hop);

/* The array with room for one more element; NULL when `most` are there or memory is out. */
void *tally_reserve(void *array, size_t count, size_t *capacity, size_t most, size_t size);

void tally_use(struct tally *tally, struct tally_hop *hop, const struct tally_waiting *w);
void tally_note_lost(struct tally_hop *hop, const struct tally_waiting *w);

/* A further responder; NULL where there are `most` or memory is out. */
struct tally_cell *tally_add_cell(struct tally *tally, struct tally_hop *hop, size_t most,
                                  const struct tally_cell *cell);

void tally_add_code(struct tally_cell *cell, const struct tally_code *code);

/* The report of this kind, made if it is new; NULL where there is no room. */
struct tally_report *tally_report_of(struct tally *tally, struct tally_hop *hop,
                                     const struct tally_report *wanted);

/* Extends the newest spell, or begins one that lies apart. */
void tally_add_spell(struct tally_report *report, int64_t from_ns, int64_t to_ns, bool apart);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the search for the path MTU share; nobody else includes it. A batch of
 * questions is asked until what is wanted of it is settled: then the next one is chosen. */
#ifndef MTR_DISCOVERY_PMTU_INSIDE_H
#define MTR_DISCOVERY_PMTU_INSIDE_H

#include "discovery/pmtu.h"

#include "base/units.h"
#include "engine/probes.h"
#include "base/stats.h"

enum {
    PMTU_FULL_TTL = 64,
    PMTU_LEAST_4 = 68, /* RFC 791 and RFC 8200: every link carries it */
    PMTU_LEAST_6 = 1280,
    PMTU_TRIALS = 64,
    PMTU_TRIES = 3,
};

static const int64_t burst_ns = 5 * MS; /* between others: a round is no burst */

enum answer { OPEN, PASSED, REFUSED, SILENT };

struct trial {
    uint16_t size;
    uint8_t ttl, tries, wanted;
    enum answer answer;
    int64_t first_ns, sent_ns; /* due first; sent last */
};

enum phase {
    START,    /* the link's size, and the smallest */
    SEARCH,   /* sizes between the largest that passed and the smallest that did not */
    CHECK,    /* was it the size that mattered? */
    LAST_HOP, /* the target is silent: who else answers? */
    BIG,      /* how far does a packet come that is a byte too large? */
    SMALL,    /* who answers behind? */
    AGAIN,    /* and is silent to the large one not by chance? */
    DONE
};

struct pmtu {
    struct pmtu_config config;
    enum phase phase;
    struct trial trials[PMTU_TRIALS];
    int count;
    uint32_t batch; /* of questions */
    struct probes probes;
    struct quantiles rtts;
    int64_t p95_ns;
    uint16_t least, lo;   /* lo: the largest that passed, 0 for none */
    uint16_t named;       /* by the router with the smallest MTU so far */
    uint32_t hi;          /* the smallest that did not pass: up to one more than a size can be */
    uint32_t reported_hi; /* the smallest that was refused in words */
    bool renamed, checked, least_failed, released;
    bool unplanned;                    /* a turn was too short for all decisions */
    bool twice;                        /* SMALL */
    struct ipaddr hops[UINT8_MAX + 1]; /* by TTL */
    uint8_t ttl;                       /* at which sizes are asked */
    uint8_t from;                      /* the last hop that a large packet reached */
    struct pmtu_report found;
    int64_t started_ns, worked_ns, stepped_ns, sent_ns, send_due_ns;
};

/* ---- pmtu_phase.c ---- */

/* TTLs are asked for their errors, not sizes. */
bool pmtu_is_sweep(const struct pmtu *m);

/* Whoever answers sizes answers them by errors, which are rate-limited. */
bool pmtu_is_narrow(const struct pmtu *m);

/* Nothing may be asked yet. */
bool pmtu_is_held(const struct pmtu *m);

/* ---- pmtu_plan.c: what ---- */

void pmtu_begin(struct pmtu *m, int64_t now_ns);

/* Chooses what is asked next where all that is wanted of this batch is settled. A turn takes a
 * bounded number of decisions: the rest is left to the next one. */
void pmtu_plan(struct pmtu *m, int64_t now_ns);

/* The largest size that passed is known to be the largest. */
bool pmtu_is_exact(const struct pmtu *m);

void pmtu_finish(struct pmtu *m);

/* A packet of this size came through, and did not. */
void pmtu_pass(struct pmtu *m, uint16_t size);
void pmtu_fail(struct pmtu *m, uint16_t size);

/* Somebody said what cannot be. */
void pmtu_note_invalid(struct pmtu *m, const struct ipaddr *from);

#endif

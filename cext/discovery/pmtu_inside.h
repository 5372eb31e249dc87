/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the path MTU search share; nobody else includes it. The search sends a batch of
 * trials and chooses the next batch when all outcomes that it needs are known. */
#ifndef MTR_DISCOVERY_PMTU_INSIDE_H
#define MTR_DISCOVERY_PMTU_INSIDE_H

#include "discovery/pmtu.h"

#include "base/units.h"
#include "engine/probes.h"
#include "base/stats.h"

enum {
    PMTU_FULL_TTL = 64,
    PMTU_LEAST_4 = 68, /* every link carries it (RFC 791, RFC 8200) */
    PMTU_LEAST_6 = 1280,
    PMTU_TRIALS = 64,
    PMTU_TRIES = 3,
};

static const int64_t burst_ns = 5 * MS; /* between two probes, so that a round is no burst */

enum answer { OPEN, PASSED, REFUSED, SILENT };

struct trial {
    uint16_t size;
    uint8_t ttl, tries, wanted;
    enum answer answer;
    int64_t first_ns, sent_ns; /* first due; last sent */
};

enum phase {
    START,    /* the link's MTU, and the smallest size */
    SEARCH,   /* sizes between the largest that passed and the smallest that did not */
    CHECK,    /* is the size the reason, or other loss? */
    LAST_HOP, /* the target is silent: which hop replies? */
    BIG,      /* how far does a packet get that is one byte too large? */
    SMALL,    /* which hop beyond it replies? */
    AGAIN,    /* does it again not reply to the large packet? */
    DONE
};

struct pmtu {
    struct pmtu_config config;
    enum phase phase;
    struct trial trials[PMTU_TRIALS];
    int count;
    uint32_t batch; /* number of the batch */
    struct probes probes;
    struct quantiles rtts;
    int64_t p95_ns;
    uint16_t least, lo;   /* lo: the largest size that passed, 0: none */
    uint16_t named;       /* the smallest MTU that a router named so far */
    uint32_t hi;          /* the smallest size that did not pass; at most 65536 */
    uint32_t reported_hi; /* the smallest size refused by a Packet Too Big */
    bool renamed, checked, least_failed, released;
    bool unplanned;                    /* the last turn was too short for all decisions */
    bool twice;                        /* SMALL */
    struct ipaddr hops[UINT8_MAX + 1]; /* by TTL */
    uint8_t ttl;                       /* TTL of the probes that search sizes */
    uint8_t from;                      /* the last hop that a too large packet reached */
    struct pmtu_report found;
    int64_t started_ns, worked_ns, stepped_ns, sent_ns, send_due_ns;
};

/* ---- pmtu_phase.c ---- */

/* True in phases that probe TTLs for their errors, not sizes. */
bool pmtu_is_sweep(const struct pmtu *m);

/* True if the replies to sizes are ICMP errors, which are rate-limited. */
bool pmtu_is_narrow(const struct pmtu *m);

/* True while probes are held back. */
bool pmtu_is_held(const struct pmtu *m);

/* ---- pmtu_plan.c: what ---- */

void pmtu_begin(struct pmtu *m, int64_t now_ns);

/* Chooses the next batch if all wanted outcomes are known. A turn makes a bounded number of
 * decisions and leaves the rest to the next. */
void pmtu_plan(struct pmtu *m, int64_t now_ns);

/* True if the largest size that passed is known to be the path MTU. */
bool pmtu_is_exact(const struct pmtu *m);

void pmtu_finish(struct pmtu *m);

/* Notes that a packet of this size passed, or did not. */
void pmtu_pass(struct pmtu *m, uint16_t size);
void pmtu_fail(struct pmtu *m, uint16_t size);

/* Notes an impossible Packet Too Big. */
void pmtu_note_invalid(struct pmtu *m, const struct ipaddr *from);

#endif

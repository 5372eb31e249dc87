/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the traces of a process end by ICMP errors. A host limits its ICMP errors by destination,
 * not by the address that it sends from. So the addresses of one host, traced at the same time,
 * share one token bucket and look like separate hosts. Pure; one struct ends per prober. */
#ifndef MTR_ENGINE_ENDS_H
#define MTR_ENGINE_ENDS_H

#include "base/bound.h"
#include "wire/wire.h"

struct ends;

enum {
    ENDS_KEPT = BOUND(1024, 8), /* the newest; older ones are overwritten */
    ENDS_BEFORE = 3,            /* hops before an end that are compared */
};

/* Whether the responder there has a rate limit. */
enum end_limit {
    END_UNLIMITED, /* no test has shown one */
    END_TESTED,    /* tests went unanswered; a second test decides */
    END_LIMITED,   /* it has one, or is not tested */
};

/* The end of a trace. */
struct end {
    uint64_t serial; /* the trace's */
    struct ipaddr address, source;
    enum wire_protocol protocol;
    uint8_t ttl;
    uint32_t before[ENDS_BEFORE]; /* hashes of the responders 1, 2, ... TTLs before; 0: none */
    enum end_limit limit;
};

struct ends *ends_new(void); /* NULL without memory */
void ends_free(struct ends *all);

/* Notes the end of a trace, and that its probes still arrive there. *place is 0 at first and then
 * belongs to this function. */
void ends_note(struct ends *all, const struct end *end, size_t *place, int64_t now_ns);

/* True if the end of a trace to another address is at the same place, was noted since `since_ns`,
 * and at least one of the two has this limit. */
bool ends_has_sharer(const struct ends *all, const struct end *end, enum end_limit limit,
                     int64_t since_ns);

/* The same for a trace to end->address that got no reply from there, the farthest reply being at
 * `farthest`: the TTL of such an end of the same protocol beyond that; 0: none. `path_hashes`: by
 * TTL the hash of the responder. */
uint8_t ends_sharer_beyond(const struct ends *all, const struct end *end, enum end_limit limit,
                           uint8_t farthest, const uint32_t *path_hashes, int64_t since_ns);

/* Copies the hashes of the responders before a TTL. */
void ends_before(uint32_t before[ENDS_BEFORE], const uint32_t *path_hashes, uint8_t ttl);

#endif

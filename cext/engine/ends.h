/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the traces of a process end by ICMP errors. A host limits these by who is answered, not by
 * the address that answers: its addresses, traced at once, are rivals for the tokens of one bucket,
 * and look like hosts of their own. Pure; one struct ends per prober. */
#ifndef MTR_ENGINE_ENDS_H
#define MTR_ENGINE_ENDS_H

#include "base/bound.h"
#include "wire/wire.h"

struct ends;

enum {
    ENDS_KEPT = BOUND(1024, 8), /* the newest; older ones are overwritten */
    ENDS_BEFORE = 3, /* hops before an end, of which two at one place have one in common */
};

/* Whether who replies there has a rate limit. */
enum end_limit {
    END_UNLIMITED, /* no test has shown one */
    END_TESTED,    /* tests went unanswered, others will decide */
    END_LIMITED,   /* it has, or nothing tests it */
};

/* The end of a trace. */
struct end {
    uint64_t serial; /* the trace's */
    struct ipaddr address, source;
    enum wire_protocol protocol;
    uint8_t ttl;
    uint32_t before[ENDS_BEFORE]; /* who replied 1, 2, ... TTLs before: a hash; 0: nobody */
    enum end_limit limit;
};

struct ends *ends_new(void); /* NULL without memory */
void ends_free(struct ends *all);

/* A trace has found its end, or still asks there. *place is 0 at first, and the function's own. */
void ends_note(struct ends *all, const struct end *end, size_t *place, int64_t now_ns);

/* Whether another end is at the same place, noted since then, and one of the two has at least this
 * limit. */
bool ends_has_sharer(const struct ends *all, const struct end *end, enum end_limit limit,
                     int64_t since_ns);

/* The same for a trace to end->address without any reply from there, the farthest from
 * `farthest`: the TTL of such an end of this protocol beyond it; 0: none. `way`: by TTL the hash of
 * who replied. */
uint8_t ends_sharer_beyond(const struct ends *all, const struct end *end, enum end_limit limit,
                           uint8_t farthest, const uint32_t *path_hashes, int64_t since_ns);

/* Hashes of who replied before a TTL, from those of the way. */
void ends_before(uint32_t before[ENDS_BEFORE], const uint32_t *path_hashes, uint8_t ttl);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the traces of a process saw on their paths: it tells a trace without a reply at a TTL which
 * responder of another trace its hop may be. Packets of one flow to different targets take the same
 * path up to the first router whose routing table separates the targets. Pure; one struct prefixes
 * per prober. */
#ifndef MTR_ENGINE_PREFIX_H
#define MTR_ENGINE_PREFIX_H

#include "base/bound.h"
#include "wire/wire.h"

struct prefixes;

enum { PREFIX_TRACES = BOUND(512, 8) }; /* the newest; older ones are overwritten */

/* Paths of traces that differ in anything but the target are not compared. */
struct prefix_key {
    const struct wire_spec *spec;
    uint16_t flow;
    uint32_t egress; /* interface and mark */
};

struct prefixes *prefixes_new(void); /* NULL without memory */
void prefixes_free(struct prefixes *all);

/* Stored in place of a hash: the trace sends tries when the routers that others saw could reply. */
enum {
    PREFIX_ASKED = 1, /* no reply so far */
    PREFIX_OTHER = 2, /* no reply to enough tries: the hop is none of them */
};

/* The trace `serial` got a reply at `ttl` from a responder of this hash. *place is 0 at first, and
 * the function's own. Without memory nothing is noted. */
void prefixes_note(struct prefixes *all, const struct prefix_key *key, uint64_t serial,
                   size_t *place, uint8_t ttl, uint32_t hash, int64_t now_ns);

/* The trace has ended. What it saw is kept for a minute. */
void prefixes_end(struct prefixes *all, uint64_t serial, size_t place);

/* What other traces saw at a TTL where a trace got no reply. */
enum prefix_guess {
    PREFIX_NONE,   /* no trace whose path may be the same replied there */
    PREFIX_UNSURE, /* too few traces, or several possible responders */
    PREFIX_SAME    /* one responder, by all that is known */
};

struct prefix_seen {
    enum prefix_guess guess;
    uint32_t hash; /* PREFIX_SAME: of the responder */
    bool live;     /* a trace that saw one is still running */
    bool first;    /* its tries go before those of others without a reply, as they show most */
};

/* `path_hashes`: by TTL the hash of the responder of this trace, 0 for none. */
struct prefix_seen prefixes_guess(const struct prefixes *all, const struct prefix_key *key,
                                  uint64_t serial, const uint32_t *path_hashes, uint8_t ttl,
                                  int64_t now_ns);

#endif

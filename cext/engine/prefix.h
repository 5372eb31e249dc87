/* SPDX-License-Identifier: BSD-2-Clause */
/* What the traces of a process saw on their paths: which hop another trace that got no reply there
 * may take for its own. Packets of one flow with different targets take the same path as far as the
 * routing tables do not tell the targets apart. Pure; one struct prefixes per prober. */
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

/* In place of a hash: the trace asks at times when the routers that others saw could reply. */
enum {
    PREFIX_ASKED = 1, /* no reply so far */
    PREFIX_OTHER = 2, /* no reply often enough: it is none of them */
};

/* The trace `serial` got a reply at `ttl` from a responder of this hash. *place is 0 at first, and
 * the function's own. Without memory nothing is noted. */
void prefixes_note(struct prefixes *all, const struct prefix_key *key, uint64_t serial,
                   size_t *place, uint8_t ttl, uint32_t hash, int64_t now_ns);

/* The trace has ended: what it saw stays for a minute. */
void prefixes_end(struct prefixes *all, uint64_t serial, size_t place);

/* What others saw at the TTL of a trace that got no reply there. */
enum prefix_guess {
    PREFIX_NONE,   /* nothing, on a path that may be the same */
    PREFIX_UNSURE, /* too little, or various responders that could each be it */
    PREFIX_SAME    /* one responder, and all that is known speaks for it */
};

struct prefix_seen {
    enum prefix_guess guess;
    uint32_t hash; /* PREFIX_SAME: of the responder */
    bool live;     /* a trace that saw one is still running */
    bool first;    /* to be asked before the others that got no reply: it tells most */
};

/* `way`: by TTL the hash of who replied to this trace, 0 for nobody. */
struct prefix_seen prefixes_guess(const struct prefixes *all, const struct prefix_key *key,
                                  uint64_t serial, const uint32_t *path_hashes, uint8_t ttl,
                                  int64_t now_ns);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the pacing share; nobody else includes it. */
#ifndef MTR_ENGINE_PACE_INSIDE_H
#define MTR_ENGINE_PACE_INSIDE_H

#include "base/units.h"
#include "engine/pace.h"

enum { PACE_BUCKETS = BOUND(4096, 16) /* of responders */ };

static const int64_t pace_fresh_ns = 60 * SECOND; /* how long a sample may be read */

struct pace_sample {
    struct pace_sample *next;                  /* of the responder */
    struct pace_sample *at_ttl, **at_ttl_link; /* of all responders */
    struct pace_responder *responder;
    struct pace_key key;
    uint32_t path_hashes[UINT8_MAX + 1]; /* by TTL, as far as known */
    struct pace_evidence evidence;       /* the newest */
    int64_t used_ns; /* when a probe was last started, or a token left to a silent hop */
    uint32_t users;  /* hops of traces that hold it */
    size_t yields;   /* tokens left to silent hops */
    bool yielded;    /* the last one */
    size_t capacity;
    int64_t first, count;          /* places: [first, count) are in the ring */
    struct pace_outcome *outcomes; /* a ring */
};

struct pace_responder {
    struct pace *pace;
    struct pace_responder *next;
    struct pace_responder *in_bucket;
    struct ipaddr address;
    int64_t sample_interval_ns, free_ns; /* from free_ns on it has a token */
    int64_t found_ns;                    /* when tests last showed the limit */
    int64_t limited_until_ns;            /* what was found about its rate limit holds until then */
    bool lead;                           /* the next token is for an unsampled probe */
    struct pace_sample *samples;
};

struct pace {
    struct pace_responder *responders;
    struct pace_responder *buckets[PACE_BUCKETS]; /* by hash of the address */
    struct pace_sample *at_ttl[UINT8_MAX + 1];
    uint32_t moves[UINT8_MAX + 1]; /* by TTL of a sample, see pace_moves */
    struct prefixes *prefixes;
    struct ends *ends;
    struct bursts *bursts;
    uint64_t changes, serials, limits;
    struct pace_counters counters;
};

/* NULL: nothing is known of the responder. */
struct pace_responder *pace_find(const struct pace *pace, const struct ipaddr *address);

/* True while what was found about the responder's rate limit holds. */
bool pace_holds_limit(const struct pace_responder *r, int64_t now_ns);

/* Sets when the next token is there, for another reason than that a sample took one. */
void pace_move_token(struct pace_responder *r, int64_t free_ns);

bool pace_was_used(const struct pace_sample *s, int64_t within_ns, int64_t now_ns);

/* True unless a responder known on both paths differs. */
bool pace_same_path(const struct pace_sample *s, const struct pace_key *key);

#endif

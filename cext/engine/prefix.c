/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/prefix.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>

enum {
    TTLS = UINT8_MAX + 1,
    ENOUGH = 3,        /* traces that have to agree on one responder */
    ENOUGH_PARTS = 16, /* traces where each responder has its own range of targets */
};

static const int64_t fresh_ns = 60 * SECOND;

struct path {
    uint64_t serial; /* 0: not used */
    struct wire_spec spec;
    uint32_t egress;
    uint16_t flow;
    bool live;
    int64_t seen_ns;
    uint32_t path_hashes[TTLS];
};

struct prefixes {
    struct path *paths[PREFIX_TRACES]; /* a ring; allocated when needed */
    size_t next;
};

/* A trace whose path may be the same up to the TTL, and its responder there. */
struct candidate {
    struct ipaddr target;
    uint32_t hash;
};

struct candidates {
    size_t count;
    bool live;
    struct ipaddr low, high; /* of the targets of running traces without a reply there */
    struct candidate list[PREFIX_TRACES];
};

struct prefixes *prefixes_new(void)
{
    return calloc(1, sizeof(struct prefixes));
}

void prefixes_free(struct prefixes *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < PREFIX_TRACES; i++)
        free(all->paths[i]);
    free(all);
}

/* ---- what traces note ---------------------------------------------------------------------- */

static struct path *path_at(const struct prefixes *all, uint64_t serial, size_t place)
{
    struct path *path = all->paths[place % PREFIX_TRACES];
    return path != NULL && path->serial == serial ? path : NULL;
}

static struct path *add_path(struct prefixes *all, const struct prefix_key *key, uint64_t serial,
                             size_t *place)
{
    size_t at = all->next++ % PREFIX_TRACES;

    if (all->paths[at] == NULL)
        all->paths[at] = malloc(sizeof *all->paths[at]);
    struct path *path = all->paths[at];
    if (path == NULL)
        return NULL;
    memset(path, 0, sizeof *path);
    path->serial = serial;
    path->spec = *key->spec;
    path->egress = key->egress;
    path->flow = key->flow;
    path->live = true;
    *place = at;
    return path;
}

void prefixes_note(struct prefixes *all, const struct prefix_key *key, uint64_t serial,
                   size_t *place, uint8_t ttl, uint32_t hash, int64_t now_ns)
{
    struct path *path = path_at(all, serial, *place);

    if (path == NULL)
        path = add_path(all, key, serial, place);
    if (path == NULL)
        return;
    path->path_hashes[ttl] = hash;
    path->seen_ns = now_ns;
}

void prefixes_end(struct prefixes *all, uint64_t serial, size_t place)
{
    struct path *path = path_at(all, serial, place);
    if (path != NULL)
        path->live = false;
}

/* ---- paths that may be the same ------------------------------------------------------------ */

static bool same_but_target(const struct path *path, const struct prefix_key *key)
{
    const struct wire_spec *a = &path->spec, *b = key->spec;
    return path->flow == key->flow && path->egress == key->egress && a->protocol == b->protocol &&
           a->source_port == b->source_port && a->target_port == b->target_port &&
           a->tos == b->tos && ipaddr_equal(&a->source, &b->source);
}

/* True unless a responder known on both paths differs before the TTL. */
static bool same_before(const uint32_t *a, const uint32_t *b, uint8_t ttl)
{
    for (unsigned i = 0; i < ttl; i++)
        if (a[i] > PREFIX_OTHER && b[i] > PREFIX_OTHER && a[i] != b[i])
            return false;
    return true;
}

static int compare(const struct ipaddr *a, const struct ipaddr *b)
{
    return memcmp(a->bytes, b->bytes,
                  sizeof a->bytes); /* of one version, as the source is the same */
}

static void add_candidate(struct candidates *candidates, const struct path *path, uint8_t ttl)
{
    candidates->list[candidates->count++] =
        (struct candidate){ path->spec.target, path->path_hashes[ttl] };
    candidates->live = candidates->live || path->live;
}

/* A running trace without a reply at the TTL. */
static void note_waiting(struct candidates *candidates, const struct path *path)
{
    const struct ipaddr *target = &path->spec.target;

    if (candidates->low.version == 0 || compare(target, &candidates->low) < 0)
        candidates->low = *target;
    if (candidates->high.version == 0 || compare(target, &candidates->high) > 0)
        candidates->high = *target;
}

static void consider(struct candidates *candidates, const struct path *path, uint8_t ttl)
{
    uint32_t hash = path->path_hashes[ttl];

    if (hash == 0 && path->live)
        note_waiting(candidates, path);
    if (hash > PREFIX_ASKED || (hash == PREFIX_ASKED && path->live))
        add_candidate(candidates, path, ttl);
}

static void collect(const struct prefixes *all, const struct prefix_key *key, uint64_t serial,
                    const uint32_t *path_hashes, uint8_t ttl, int64_t now_ns,
                    struct candidates *candidates)
{
    candidates->count = 0;
    candidates->live = false;
    candidates->low.version = candidates->high.version = 0;
    for (size_t i = 0; i < PREFIX_TRACES; i++) {
        const struct path *path = all->paths[i];
        if (path != NULL && path->serial != serial && now_ns - path->seen_ns < fresh_ns &&
            same_but_target(path, key) && same_before(path->path_hashes, path_hashes, ttl))
            consider(candidates, path, ttl);
    }
}

static int by_target(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return compare(&x->target, &y->target);
}

static bool all_agree(const struct candidates *candidates)
{
    for (size_t i = 1; i < candidates->count; i++)
        if (candidates->list[i].hash != candidates->list[0].hash)
            return false;
    return true;
}

/* For candidates sorted by target: true if each responder has one range, as routing by prefix
 * gives, and at least two traces. */
static bool in_ranges(const struct candidates *candidates)
{
    const struct candidate *list = candidates->list;
    size_t began = 0;

    for (size_t i = 1; i <= candidates->count; i++) {
        if (i < candidates->count && list[i].hash == list[i - 1].hash)
            continue;
        if (i - began < 2)
            return false;
        for (size_t j = 0; j < began; j++)
            if (list[j].hash == list[began].hash)
                return false;
        began = i;
    }
    return true;
}

/* The responder in whose range the target lies, of sorted candidates; 0: none. */
static uint32_t of_range(const struct candidates *candidates, const struct ipaddr *target)
{
    size_t above = 0;

    while (above < candidates->count && compare(&candidates->list[above].target, target) < 0)
        above++;
    if (above == 0 || above == candidates->count)
        return 0;
    uint32_t hash = candidates->list[above].hash;
    return candidates->list[above - 1].hash == hash ? hash : 0;
}

/* True if the target lies outside the range of all others, so that it could belong to another
 * prefix. */
static bool is_outermost(const struct candidates *candidates, const struct ipaddr *target)
{
    const struct ipaddr *low = &candidates->list[0].target,
                        *high = &candidates->list[candidates->count - 1].target;

    if (compare(target, low) < 0)
        return candidates->low.version == 0 || compare(target, &candidates->low) < 0;
    if (compare(target, high) > 0)
        return candidates->high.version == 0 || compare(target, &candidates->high) > 0;
    return false;
}

/* The responder of the target by sorted candidates; 0: not clear. */
static uint32_t judge(const struct candidates *candidates, const struct ipaddr *target)
{
    bool agree = all_agree(candidates);

    if (candidates->count < (agree ? ENOUGH : ENOUGH_PARTS))
        return 0;
    return agree || in_ranges(candidates) ? of_range(candidates, target) : 0;
}

struct prefix_seen prefixes_guess(const struct prefixes *all, const struct prefix_key *key,
                                  uint64_t serial, const uint32_t *path_hashes, uint8_t ttl,
                                  int64_t now_ns)
{
    struct candidates candidates;
    struct prefix_seen seen = { .guess = PREFIX_NONE };

    collect(all, key, serial, path_hashes, ttl, now_ns, &candidates);
    if (candidates.count == 0)
        return seen;
    qsort(candidates.list, candidates.count, sizeof candidates.list[0], by_target);
    seen.hash = judge(&candidates, &key->spec->target);
    seen.guess = seen.hash > PREFIX_OTHER ? PREFIX_SAME : PREFIX_UNSURE;
    seen.live = candidates.live;
    seen.first = is_outermost(&candidates, &key->spec->target);
    return seen;
}

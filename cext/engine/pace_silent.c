/* SPDX-License-Identifier: BSD-2-Clause */
/* Hops without a reply, and the samples of other traces whose routers they may be: such a hop gets
 * tokens of theirs, and may take a sample over. */
#include "engine/pace_inside.h"

enum {
    CHECKS = 8,       /* tokens left to silent hops; below this, those send tries of their own */
    MOST_YIELDS = 32, /* before the sample has tokens of its own: for 16 flows, not 256 targets */
};

static const int64_t active_ns = 3 * SECOND;   /* since a sample's last probe */
static const int64_t waiting_ns = 30 * SECOND; /* since it was wanted */

/* True if the sample may leave its next token to a silent hop. In a service one always waits: then
 * each second token is the sample's own, so that both go on. */
static bool yields(const struct pace_sample *s)
{
    return s->yields < MOST_YIELDS || !s->yielded;
}

/* True if the sample is of a router that may be on the path of `key`. */
static bool may_be_router(const struct pace_sample *s, const struct pace_key *key, int64_t now_ns)
{
    return s->key.protocol == key->protocol && !s->key.direct && !s->key.refuses &&
           pace_holds_limit(s->responder, now_ns) && pace_was_used(s, pace_fresh_ns, now_ns) &&
           pace_same_path(s, key);
}

bool pace_is_limited(const struct pace *pace, const struct pace_key *key, int64_t now_ns)
{
    for (const struct pace_sample *s = pace->at_ttl[key->ttl]; s != NULL; s = s->at_ttl)
        if (may_be_router(s, key, now_ns))
            return true;
    return false;
}

struct pace_sample *pace_borrow(struct pace *pace, const struct pace_key *key, uint32_t hash,
                                int64_t now_ns)
{
    for (struct pace_sample *s = pace->at_ttl[key->ttl]; s != NULL; s = s->at_ttl) {
        if (ipaddr_hash(&s->responder->address) != hash || !may_be_router(s, key, now_ns))
            continue;
        s->users++;
        return s;
    }
    return NULL;
}

bool pace_is_idle(const struct pace_sample *sample, int64_t now_ns)
{
    int64_t idle_ns = now_ns - sample->used_ns;
    if (!pace_holds_limit(sample->responder, now_ns))
        return true;
    return idle_ns >= (sample->count > sample->first ? active_ns : waiting_ns);
}

bool pace_wants_checks(const struct pace_sample *sample, int64_t now_ns)
{
    return sample->yields < CHECKS && !pace_is_idle(sample, now_ns);
}

/* True if the sample is being taken, or waits for tokens that other samples take, and its tokens
 * may be those of a silent hop. Another target that answers probes itself is no such hop. */
static bool is_active(const struct pace_sample *s, const struct wire_spec *spec, int64_t now_ns)
{
    return s->key.protocol == spec->protocol && yields(s) && !pace_is_idle(s, now_ns) &&
           (!s->key.direct || ipaddr_equal(&s->responder->address, &spec->target));
}

/* Samples of the target: a hop that does not reply may be the target. */
static struct pace_sample *of_target(const struct pace *pace, const struct wire_spec *spec)
{
    const struct pace_responder *r = pace_find(pace, &spec->target);
    return r != NULL ? r->samples : NULL;
}

/* True if the target's sample at another TTL is one to wait for. */
static bool is_there(const struct pace_sample *s, uint8_t ttl, bool nearer)
{
    return s->key.ttl < ttl || (nearer && s->key.ttl > ttl);
}

int64_t pace_slot_ns(const struct pace *pace, const struct wire_spec *spec, uint8_t ttl,
                     bool nearer, int64_t now_ns)
{
    int64_t slot_ns = 0;

    for (const struct pace_sample *s = pace->at_ttl[ttl]; s != NULL; s = s->at_ttl)
        if (s->responder->free_ns > slot_ns && is_active(s, spec, now_ns))
            slot_ns = s->responder->free_ns;
    for (const struct pace_sample *s = of_target(pace, spec); s != NULL; s = s->next)
        if (is_there(s, ttl, nearer) && s->responder->free_ns > slot_ns &&
            is_active(s, spec, now_ns))
            slot_ns = s->responder->free_ns;
    return slot_ns;
}

int64_t pace_router_slot_ns(const struct pace *pace, const struct pace_key *key, int64_t now_ns)
{
    int64_t slot_ns = 0;

    for (const struct pace_sample *s = pace->at_ttl[key->ttl]; s != NULL; s = s->at_ttl)
        if (s->responder->free_ns > slot_ns && yields(s) && may_be_router(s, key, now_ns))
            slot_ns = s->responder->free_ns;
    return slot_ns;
}

static void yield_slot(struct pace_sample *s, bool active, int64_t now_ns)
{
    pace_move_token(s->responder, now_ns + s->responder->sample_interval_ns);
    s->yielded = true;
    if (s->yields++ < MOST_YIELDS && active)
        s->used_ns = now_ns; /* the sample is still being taken */
}

uint32_t pace_moves(const struct pace *pace, const struct wire_spec *spec, uint8_t ttl, bool nearer)
{
    uint32_t moves = pace->moves[ttl];

    for (const struct pace_sample *s = of_target(pace, spec); s != NULL; s = s->next)
        moves += is_there(s, ttl, nearer) ? pace->moves[s->key.ttl] : 0;
    return moves;
}

void pace_yield_slot(struct pace *pace, const struct wire_spec *spec, const struct pace_key *key,
                     bool nearer, int64_t now_ns)
{
    for (struct pace_sample *s = pace->at_ttl[key->ttl]; s != NULL; s = s->at_ttl) {
        bool active = is_active(s, spec, now_ns);
        if (active || (yields(s) && may_be_router(s, key, now_ns)))
            yield_slot(s, active, now_ns);
    }
    for (struct pace_sample *s = of_target(pace, spec); s != NULL; s = s->next)
        if (is_there(s, key->ttl, nearer) && is_active(s, spec, now_ns))
            yield_slot(s, true, now_ns);
}

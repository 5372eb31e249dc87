/* SPDX-License-Identifier: BSD-2-Clause */
#include "pace.h"

#include <stdlib.h>
#include <string.h>

/* Silent hops that a sample waits for in all: 16 flows at once, but not 256 targets. */
enum { MOST_YIELDS = 32 };

static const int64_t fresh_ns = INT64_C(60000000000);
/* Tokens may come once a second and all together: until then the bucket is as the tests left it. */
static const int64_t first_ns = INT64_C(1050000000);
static const int64_t active_ns = INT64_C(3000000000);   /* since a sample's last probe */
static const int64_t waiting_ns = INT64_C(30000000000); /* since it was wanted */

struct pace_sample {
    struct pace_sample *next;
    struct pace_responder *responder;
    struct pace_key key;
    uint32_t way[UINT8_MAX + 1];   /* what key.way has told so far */
    struct pace_evidence evidence; /* the newest */
    int64_t used_ns;               /* when a probe was last started, or left out for a silent hop */
    size_t count, capacity, voids, yields;
    struct pace_outcome *outcomes;
};

struct pace_responder {
    struct pace_responder *next;
    struct ipaddr address;
    int64_t spacing_ns, free_ns; /* from free_ns on it has a token */
    struct pace_sample *samples;
};

struct pace {
    struct pace_responder *responders;
    uint64_t news;
};

struct pace *pace_new(void)
{
    return calloc(1, sizeof(struct pace));
}

void pace_free(struct pace *pace)
{
    if (pace == NULL)
        return;
    for (struct pace_responder *r = pace->responders, *next; r != NULL; r = next) {
        next = r->next;
        for (struct pace_sample *s = r->samples, *following; s != NULL; s = following) {
            following = s->next;
            free(s->outcomes);
            free(s);
        }
        free(r);
    }
    free(pace);
}

static struct pace_responder *find(const struct pace *pace, const struct ipaddr *address)
{
    struct pace_responder *r = pace->responders;
    while (r != NULL && !ipaddr_equal(&r->address, address))
        r = r->next;
    return r;
}

/* Nothing known tells the two ways apart. */
static bool same_way(const struct pace_sample *s, const struct pace_key *key)
{
    for (unsigned ttl = 0; key->way != NULL && ttl < key->ttl; ttl++)
        if (s->way[ttl] != 0 && key->way[ttl] != 0 && s->way[ttl] != key->way[ttl])
            return false;
    return true;
}

static void learn_way(struct pace_sample *s, const struct pace_key *key)
{
    for (unsigned ttl = 0; key->way != NULL && ttl < key->ttl; ttl++)
        if (s->way[ttl] == 0)
            s->way[ttl] = key->way[ttl];
}

static struct pace_sample *find_sample(struct pace_responder *r, const struct pace_key *key)
{
    struct pace_sample *s = r->samples;
    while (s != NULL && (s->key.ttl != key->ttl || s->key.protocol != key->protocol ||
                         s->key.direct != key->direct || !same_way(s, key)))
        s = s->next;
    return s;
}

static struct pace_responder *add_responder(struct pace *pace, const struct ipaddr *address)
{
    struct pace_responder *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->address = *address;
    r->next = pace->responders;
    pace->responders = r;
    return r;
}

static struct pace_sample *add_sample(struct pace_responder *r, const struct pace_key *key)
{
    struct pace_sample *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->responder = r;
    s->key = *key;
    s->key.way = NULL;
    s->next = r->samples;
    r->samples = s;
    return s;
}

static bool is_fresh(const struct pace_sample *s, int64_t now_ns)
{
    return s != NULL && now_ns - s->used_ns < fresh_ns;
}

struct pace_sample *pace_known(struct pace *pace, const struct pace_key *key, int64_t now_ns)
{
    struct pace_responder *r = find(pace, &key->responder);
    struct pace_sample *s = r != NULL ? find_sample(r, key) : NULL;
    struct pace_key any_way = *key;

    any_way.way = NULL;
    const struct pace_sample *other = r != NULL && s == NULL ? find_sample(r, &any_way) : NULL;
    if (is_fresh(other, now_ns)) { /* what rations over one way does over all */
        s = add_sample(r, key);
        if (s != NULL) {
            s->evidence = other->evidence;
            s->used_ns = now_ns;
        }
    }
    if (!is_fresh(s, now_ns))
        return NULL;
    learn_way(s, key);
    return s;
}

/* Nobody reads a sample as old as this any more. */
static void forget(struct pace_sample *s)
{
    s->count = s->voids = s->yields = 0;
    memset(s->way, 0, sizeof s->way);
}

struct pace_sample *pace_ration(struct pace *pace, const struct pace_key *key,
                                struct pace_evidence evidence, int64_t spacing_ns, int64_t now_ns)
{
    struct pace_responder *r = find(pace, &key->responder);

    if (r == NULL) {
        r = add_responder(pace, &key->responder);
        if (r == NULL)
            return NULL;
        r->spacing_ns = spacing_ns;
    }
    if (spacing_ns < r->spacing_ns)
        r->spacing_ns = spacing_ns; /* whoever saw less had to share the bucket */
    if (r->free_ns < now_ns + first_ns)
        r->free_ns = now_ns + first_ns;
    struct pace_sample *s = find_sample(r, key);
    if (s == NULL)
        s = add_sample(r, key);
    else if (now_ns - s->used_ns >= fresh_ns)
        forget(s);
    if (s == NULL)
        return NULL;
    learn_way(s, key);
    s->used_ns = now_ns;
    s->evidence = evidence;
    return s;
}

void pace_answered(struct pace *pace, const struct ipaddr *responder, int64_t now_ns)
{
    struct pace_responder *r = find(pace, responder);
    if (r != NULL && r->free_ns < now_ns + r->spacing_ns)
        r->free_ns = now_ns + r->spacing_ns;
}

int64_t pace_free_ns(const struct pace *pace, const struct ipaddr *responder)
{
    const struct pace_responder *r = find(pace, responder);
    return r != NULL ? r->free_ns : 0;
}

void pace_take(struct pace *pace, const struct ipaddr *responder, int64_t now_ns)
{
    pace_answered(pace, responder, now_ns);
}

int64_t pace_spacing_ns(const struct pace_sample *sample)
{
    return sample->responder->spacing_ns;
}

struct pace_evidence pace_evidence(const struct pace_sample *sample)
{
    return sample->evidence;
}

int64_t pace_due(const struct pace_sample *sample, uint32_t wanted)
{
    return sample->count - sample->voids < wanted ? sample->responder->free_ns : INT64_MAX;
}

static bool may_be_at(const struct pace_sample *s, const struct wire_spec *spec, uint8_t ttl)
{
    bool is_target = ipaddr_equal(&s->responder->address, &spec->target);
    return s->key.protocol == spec->protocol &&
           (s->key.ttl == ttl || (s->key.ttl < ttl && is_target));
}

/* One that has not begun waits for tokens that others take. */
static bool is_active(const struct pace_sample *s, const struct wire_spec *spec, uint8_t ttl,
                      int64_t now_ns)
{
    int64_t idle_ns = now_ns - s->used_ns;
    return may_be_at(s, spec, ttl) && idle_ns < (s->count > 0 ? active_ns : waiting_ns);
}

int64_t pace_slot_ns(const struct pace *pace, const struct wire_spec *spec, uint8_t ttl,
                     int64_t now_ns)
{
    int64_t slot_ns = 0;

    for (const struct pace_responder *r = pace->responders; r != NULL; r = r->next)
        for (const struct pace_sample *s = r->samples; s != NULL; s = s->next)
            if (is_active(s, spec, ttl, now_ns) && r->free_ns > slot_ns)
                slot_ns = r->free_ns;
    return slot_ns;
}

void pace_yield_slot(struct pace *pace, const struct wire_spec *spec, uint8_t ttl, int64_t now_ns)
{
    for (struct pace_responder *r = pace->responders; r != NULL; r = r->next)
        for (struct pace_sample *s = r->samples; s != NULL; s = s->next)
            if (is_active(s, spec, ttl, now_ns)) {
                r->free_ns = now_ns + r->spacing_ns;
                if (s->yields++ < MOST_YIELDS)
                    s->used_ns = now_ns; /* it waits, and is still being taken */
            }
}

int64_t pace_start(struct pace_sample *sample, const void *owner, int64_t now_ns)
{
    if (sample->count == sample->capacity) {
        size_t capacity = sample->capacity == 0 ? 16 : sample->capacity * 2;
        struct pace_outcome *more = realloc(sample->outcomes, capacity * sizeof *more);
        if (more == NULL)
            return -1;
        sample->outcomes = more;
        sample->capacity = capacity;
    }
    sample->outcomes[sample->count] = (struct pace_outcome){ .owner = owner, .rtt_ns = -1 };
    sample->responder->free_ns = now_ns + sample->responder->spacing_ns;
    sample->used_ns = now_ns;
    return (int64_t)sample->count++;
}

void pace_finish(struct pace *pace, struct pace_sample *sample, int64_t place,
                 const struct pace_outcome *outcome)
{
    struct pace_outcome *o = &sample->outcomes[place];
    const void *owner = o->owner;

    if (outcome->state == PACE_VOID && o->state != PACE_VOID)
        sample->voids++;
    *o = *outcome;
    o->owner = owner;
    pace->news++;
}

const struct pace_outcome *pace_outcome(const struct pace_sample *sample, int64_t place)
{
    return (size_t)place < sample->count ? &sample->outcomes[place] : NULL;
}

void pace_abandon(struct pace *pace, const void *owner)
{
    const struct pace_outcome none = { .state = PACE_VOID, .rtt_ns = -1 };

    for (struct pace_responder *r = pace->responders; r != NULL; r = r->next)
        for (struct pace_sample *s = r->samples; s != NULL; s = s->next)
            for (size_t i = 0; i < s->count; i++)
                if (s->outcomes[i].owner == owner && s->outcomes[i].state == PACE_OPEN)
                    pace_finish(pace, s, (int64_t)i, &none);
}

uint64_t pace_news(const struct pace *pace)
{
    return pace->news;
}

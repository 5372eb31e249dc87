/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/pace_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_KEPT = 16 /* first capacity for outcomes; a power of two, like PACE_KEPT */ };

/* A router's rate limit outlasts what its samples show: the next round of a service knows it. Then
 * it is tested again, as it may have been changed, or never been one. */
static const int64_t known_ns = 600 * SECOND;
static const int64_t measure_ns = 1500 * MS;   /* longer than from burst to burst */
static const int64_t unknown_ns = 10 * SECOND; /* for an interval that was not measured */

struct pace *pace_new(void)
{
    struct pace *pace = calloc(1, sizeof *pace);
    if (pace == NULL)
        return NULL;
    pace->prefixes = prefixes_new();
    pace->ends = ends_new();
    pace->bursts = bursts_new();
    if (pace->prefixes == NULL || pace->ends == NULL || pace->bursts == NULL) {
        pace_free(pace);
        return NULL;
    }
    return pace;
}

static void free_sample(struct pace_sample *s)
{
    assert(*s->at_ttl_link == s);
    *s->at_ttl_link = s->at_ttl;
    if (s->at_ttl != NULL)
        s->at_ttl->at_ttl_link = s->at_ttl_link;
    free(s->outcomes);
    free(s);
}

void pace_free(struct pace *pace)
{
    if (pace == NULL)
        return;
    for (struct pace_responder *r = pace->responders, *next; r != NULL; r = next) {
        next = r->next;
        for (struct pace_sample *s = r->samples, *following; s != NULL; s = following) {
            following = s->next;
            free_sample(s);
        }
        free(r);
    }
    prefixes_free(pace->prefixes);
    ends_free(pace->ends);
    bursts_free(pace->bursts);
    free(pace);
}

uint64_t pace_serial(struct pace *pace)
{
    return ++pace->serials;
}

struct pace_counters pace_counters(const struct pace *pace)
{
    return pace->counters;
}

struct prefixes *pace_prefixes(struct pace *pace)
{
    return pace->prefixes;
}

struct ends *pace_ends(struct pace *pace)
{
    return pace->ends;
}

struct bursts *pace_bursts(struct pace *pace)
{
    return pace->bursts;
}

uint64_t pace_limits(const struct pace *pace)
{
    return pace->limits;
}

/* ---- what is kept -------------------------------------------------------------------------- */

/* Removes samples without users that were not used for ten minutes, and if more than PACE_IDLE
 * remain, the least recently used one. */
static void drop_idle(struct pace *pace, int64_t now_ns)
{
    struct pace_sample **oldest = NULL;
    size_t idle = 0;

    for (struct pace_responder *r = pace->responders; r != NULL; r = r->next) {
        for (struct pace_sample **link = &r->samples; *link != NULL;) {
            struct pace_sample *s = *link;
            if (s->users == 0 && now_ns - s->used_ns >= known_ns) {
                *link = s->next;
                free_sample(s);
                continue;
            }
            idle += s->users == 0;
            if (s->users == 0 && (oldest == NULL || s->used_ns < (*oldest)->used_ns))
                oldest = link;
            link = &s->next;
        }
    }
    if (idle <= PACE_IDLE)
        return;
    assert(idle == PACE_IDLE + 1); /* one at a time */
    struct pace_sample *s = *oldest;
    *oldest = s->next;
    free_sample(s);
    pace->counters.samples++;
}

static size_t bucket_of(const struct ipaddr *address)
{
    uint32_t hash = ipaddr_hash(address);
    return (hash ^ hash >> 16) % PACE_BUCKETS;
}

static void remove_responder(struct pace *pace, struct pace_responder **at)
{
    struct pace_responder *r = *at, **link = &pace->buckets[bucket_of(&r->address)];

    *at = r->next;
    while (*link != r)
        link = &(*link)->in_bucket;
    *link = r->in_bucket;
    free(r);
}

/* Removes responders without a sample that got no token for as long as samples are known, as many
 * may lose theirs at once; and if more than PACE_RESPONDERS remain, the one with the oldest. */
static void drop_responders(struct pace *pace, int64_t now_ns)
{
    struct pace_responder **oldest = NULL, **link = &pace->responders;
    size_t bare = 0;

    for (struct pace_responder *r; (r = *link) != NULL;) {
        if (r->samples == NULL && now_ns - r->free_ns >= known_ns - pace_fresh_ns) {
            remove_responder(pace, link);
            continue;
        }
        bare += r->samples == NULL;
        if (r->samples == NULL && (oldest == NULL || r->free_ns < (*oldest)->free_ns))
            oldest = link;
        link = &r->next;
    }
    if (bare > PACE_RESPONDERS) {
        remove_responder(pace, oldest);
        pace->counters.responders++;
    }
}

/* Called before anything is added: at most one sample and one responder come at a time. */
static void make_room(struct pace *pace, int64_t now_ns)
{
    drop_idle(pace, now_ns);
    drop_responders(pace, now_ns);
}

struct pace_responder *pace_find(const struct pace *pace, const struct ipaddr *address)
{
    struct pace_responder *r = pace->buckets[bucket_of(address)];
    while (r != NULL && !ipaddr_equal(&r->address, address))
        r = r->in_bucket;
    return r;
}

bool pace_same_path(const struct pace_sample *s, const struct pace_key *key)
{
    for (unsigned ttl = 0; key->path_hashes != NULL && ttl < key->ttl; ttl++)
        if (s->path_hashes[ttl] != 0 && key->path_hashes[ttl] != 0 &&
            s->path_hashes[ttl] != key->path_hashes[ttl])
            return false;
    return true;
}

static void learn_path(struct pace_sample *s, const struct pace_key *key)
{
    for (unsigned ttl = 0; key->path_hashes != NULL && ttl < key->ttl; ttl++)
        if (s->path_hashes[ttl] == 0)
            s->path_hashes[ttl] = key->path_hashes[ttl];
}

static struct pace_sample *find_sample(struct pace_responder *r, const struct pace_key *key)
{
    struct pace_sample *s = r->samples;
    while (s != NULL && (s->key.ttl != key->ttl || s->key.protocol != key->protocol ||
                         s->key.direct != key->direct || s->key.refuses != key->refuses ||
                         !pace_same_path(s, key)))
        s = s->next;
    return s;
}

static struct pace_responder *add_responder(struct pace *pace, const struct ipaddr *address)
{
    struct pace_responder *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->pace = pace;
    r->address = *address;
    r->next = pace->responders;
    pace->responders = r;
    struct pace_responder **bucket = &pace->buckets[bucket_of(address)];
    r->in_bucket = *bucket;
    *bucket = r;
    return r;
}

static struct pace_sample *add_sample(struct pace_responder *r, const struct pace_key *key)
{
    struct pace_sample *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->responder = r;
    s->key = *key;
    s->key.path_hashes = NULL;
    s->next = r->samples;
    r->samples = s;
    s->at_ttl_link = &r->pace->at_ttl[key->ttl];
    s->at_ttl = *s->at_ttl_link;
    if (s->at_ttl != NULL)
        s->at_ttl->at_ttl_link = &s->at_ttl;
    *s->at_ttl_link = s;
    return s;
}

bool pace_holds_limit(const struct pace_responder *r, int64_t now_ns)
{
    return now_ns < r->limited_until_ns;
}

void pace_move_token(struct pace_responder *r, int64_t free_ns)
{
    r->free_ns = free_ns;
    for (const struct pace_sample *s = r->samples; s != NULL; s = s->next)
        r->pace->moves[s->key.ttl]++;
}

/* Puts the next token off until then, if it is there earlier. */
static void put_off(struct pace_responder *r, int64_t free_ns)
{
    if (r->free_ns < free_ns)
        pace_move_token(r, free_ns);
}

bool pace_was_used(const struct pace_sample *s, int64_t within_ns, int64_t now_ns)
{
    return s != NULL && now_ns - s->used_ns < within_ns;
}

/* Empties a sample that is too old to be read. Its places are not reused: a trace that paused may
 * still finish probes at the old ones. */
static void forget(struct pace_sample *s)
{
    s->first = s->count;
    s->yields = 0;
    memset(s->path_hashes, 0, sizeof s->path_hashes);
}

struct pace_sample *pace_known(struct pace *pace, const struct pace_key *key, int64_t now_ns)
{
    struct pace_responder *r = pace_find(pace, &key->responder);
    struct pace_key any_path = *key;
    any_path.path_hashes = NULL;
    if (r == NULL || !pace_holds_limit(r, now_ns) || now_ns - r->found_ns >= known_ns)
        return NULL;
    struct pace_sample *s = find_sample(r, key);
    const struct pace_sample *other = s == NULL ? find_sample(r, &any_path) : NULL;
    /* A responder that rate-limits over one path does so over all. */
    if (pace_was_used(other, known_ns, now_ns)) {
        const struct pace_evidence evidence = other->evidence;
        s = add_sample(r, key);
        if (s != NULL) {
            s->evidence = evidence;
            s->used_ns = now_ns;
        }
    }
    if (!pace_was_used(s, known_ns, now_ns))
        return NULL;
    if (!pace_was_used(s, pace_fresh_ns, now_ns)) {
        if (s->users == 0)
            forget(s);
        s->used_ns = now_ns;
    }
    learn_path(s, key);
    s->users++;
    return s;
}

struct pace_sample *pace_rate_limit(struct pace *pace, const struct pace_key *key,
                                    struct pace_evidence evidence, int64_t sample_interval_ns,
                                    int64_t now_ns)
{
    assert(evidence.burst_received <= evidence.tests && sample_interval_ns > 0);
    make_room(pace, now_ns);
    struct pace_responder *r = pace_find(pace, &key->responder);
    if (r == NULL) {
        r = add_responder(pace, &key->responder);
        if (r == NULL)
            return NULL;
    }
    if (!pace_holds_limit(r, now_ns) || sample_interval_ns < r->sample_interval_ns)
        r->sample_interval_ns = sample_interval_ns; /* longer while others used the bucket */
    r->found_ns = now_ns;
    r->limited_until_ns = INT64_MAX;
    int64_t last_burst_ns = bursts_last_ns(pace->bursts, &key->responder);
    if (last_burst_ns < now_ns)
        last_burst_ns = now_ns;
    /* Tokens may arrive all at once, after up to a second: until then the bucket is empty. */
    put_off(r, last_burst_ns + TOKEN_NS);
    struct pace_sample *s = find_sample(r, key);
    if (s == NULL)
        s = add_sample(r, key);
    else if (now_ns - s->used_ns >= pace_fresh_ns)
        forget(s);
    if (s == NULL)
        return NULL;
    learn_path(s, key);
    s->used_ns = now_ns;
    s->evidence = evidence;
    s->users++;
    pace->limits++;
    return s;
}

void pace_measuring(struct pace_sample *sample, int64_t now_ns)
{
    sample->used_ns = now_ns;
    put_off(sample->responder, now_ns + measure_ns);
}

void pace_measured(struct pace_sample *sample, int64_t sample_interval_ns, int64_t from_ns)
{
    struct pace_responder *r = sample->responder;

    assert(sample->users > 0 && sample_interval_ns >= 0);
    r->sample_interval_ns = sample_interval_ns > 0 ? sample_interval_ns : unknown_ns;
    if (sample_interval_ns == 0)
        r->limited_until_ns = from_ns + pace_fresh_ns; /* then it is measured anew */
    r->lead = true;
    pace_move_token(r, from_ns);
}

void pace_stopped(struct pace_sample *sample, int64_t now_ns)
{
    pace_measured(sample, 0, now_ns);
    sample->responder->limited_until_ns = now_ns;
}

void pace_refuted(struct pace_sample *sample, int64_t now_ns)
{
    pace_measured(sample, INTERVAL_USUAL_NS, now_ns);
    sample->responder->lead = false;
    sample->responder->limited_until_ns = now_ns;
}

static void take_token(struct pace_sample *sample, int64_t now_ns)
{
    sample->responder->free_ns = now_ns + sample->responder->sample_interval_ns;
    sample->used_ns = now_ns;
    sample->yielded = false;
}

bool pace_lead(struct pace_sample *sample, int64_t now_ns)
{
    if (!sample->responder->lead)
        return false;
    sample->responder->lead = false;
    take_token(sample, now_ns);
    return true;
}

void pace_answered(struct pace *pace, const struct ipaddr *responder, int64_t now_ns)
{
    struct pace_responder *r = pace_find(pace, responder);
    if (r != NULL && pace_holds_limit(r, now_ns))
        put_off(r, now_ns + r->sample_interval_ns);
}

int64_t pace_free_ns(const struct pace *pace, const struct ipaddr *responder)
{
    const struct pace_responder *r = pace_find(pace, responder);
    return r != NULL ? r->free_ns : 0;
}

void pace_take(struct pace *pace, const struct ipaddr *responder, int64_t now_ns)
{
    pace_answered(pace, responder, now_ns);
}

const struct ipaddr *pace_responder(const struct pace_sample *sample)
{
    return &sample->responder->address;
}

int64_t pace_spacing_ns(const struct pace_sample *sample)
{
    return sample->responder->sample_interval_ns;
}

struct pace_evidence pace_evidence(const struct pace_sample *sample)
{
    return sample->evidence;
}

static struct pace_outcome *at_place(const struct pace_sample *s, int64_t place)
{
    return &s->outcomes[(size_t)place & (s->capacity - 1)];
}

int64_t pace_first(const struct pace_sample *sample, int64_t from_ns)
{
    int64_t place = sample->first;
    while (place < sample->count && at_place(sample, place)->started_ns < from_ns)
        place++;
    return place;
}

int64_t pace_due(const struct pace_sample *sample, uint64_t owner, int64_t place, uint32_t missing)
{
    uint32_t of_others = 0;

    place = place < sample->first ? sample->first : place;
    for (; place < sample->count && of_others < missing; place++) {
        const struct pace_outcome *o = at_place(sample, place);
        of_others += o->state != PACE_VOID && o->owner != owner;
    }
    return of_others < missing ? sample->responder->free_ns : INT64_MAX;
}

/* Makes room for one more outcome: a larger ring, or the place of the oldest one. */
static int reserve(struct pace_sample *s)
{
    struct pace_sample bigger = *s;

    if ((size_t)(s->count - s->first) < s->capacity)
        return 0;
    if (s->capacity == PACE_KEPT) {
        s->first++;
        return 0;
    }
    bigger.capacity = s->capacity == 0 ? FIRST_KEPT : s->capacity * 2;
    assert(bigger.capacity <= PACE_KEPT);
    bigger.outcomes = malloc(bigger.capacity * sizeof *bigger.outcomes);
    if (bigger.outcomes == NULL)
        return -1;
    for (int64_t place = s->first; place < s->count; place++)
        *at_place(&bigger, place) = *at_place(s, place);
    free(s->outcomes);
    s->outcomes = bigger.outcomes;
    s->capacity = bigger.capacity;
    return 0;
}

static inline bool holds(const struct pace_sample *s)
{
    return s->first >= 0 && s->first <= s->count && (size_t)(s->count - s->first) <= s->capacity &&
           (s->capacity & (s->capacity - 1)) == 0 && s->capacity <= PACE_KEPT;
}

int64_t pace_start(struct pace_sample *sample, uint64_t owner, int64_t now_ns)
{
    if (reserve(sample) < 0)
        return -1;
    assert(sample->users > 0 && holds(sample));
    *at_place(sample, sample->count) =
        (struct pace_outcome){ .owner = owner, .started_ns = now_ns, .rtt_ns = -1 };
    take_token(sample, now_ns);
    return sample->count++;
}

void pace_finish(struct pace *pace, struct pace_sample *sample, int64_t place,
                 const struct pace_outcome *outcome)
{
    assert(place >= 0 && place < sample->count);
    if (place < sample->first)
        return;
    struct pace_outcome *o = at_place(sample, place);
    assert(o->state != PACE_ANSWERED); /* which is final */
    uint64_t owner = o->owner;
    int64_t started_ns = o->started_ns;
    *o = *outcome;
    o->owner = owner;
    o->started_ns = started_ns;
    assert(holds(sample) && outcome->state != PACE_OPEN);
    pace->changes += sample->users > 1;
}

const struct pace_outcome *pace_outcome(const struct pace_sample *sample, int64_t *place)
{
    assert(*place <= sample->count);
    if (*place < sample->first) {
        sample->responder->pace->counters.outcomes += (uint64_t)(sample->first - *place);
        *place = sample->first;
    }
    return *place < sample->count ? at_place(sample, *place) : NULL;
}

void pace_leave(struct pace_sample *sample, uint64_t owner)
{
    const struct pace_outcome none = { .state = PACE_VOID, .rtt_ns = -1 };
    struct pace *pace = sample->responder->pace;

    assert(sample->users > 0);
    for (int64_t place = sample->first; place < sample->count; place++) {
        const struct pace_outcome *o = at_place(sample, place);
        if (o->owner == owner && o->state == PACE_OPEN)
            pace_finish(pace, sample, place, &none);
    }
    sample->users--;
    if (sample->users == 0)
        make_room(pace, sample->used_ns);
}

uint64_t pace_changes(const struct pace *pace)
{
    return pace->changes;
}

struct pace_usage pace_usage(const struct pace *pace)
{
    struct pace_usage usage = { 0 };

    for (const struct pace_responder *r = pace->responders; r != NULL; r = r->next) {
        usage.responders++;
        usage.bare += r->samples == NULL;
        for (const struct pace_sample *s = r->samples; s != NULL; s = s->next) {
            size_t kept = (size_t)(s->count - s->first);
            usage.samples++;
            usage.idle += s->users == 0;
            usage.most_outcomes = kept > usage.most_outcomes ? kept : usage.most_outcomes;
        }
    }
    return usage;
}

void pace_visit(const struct pace *pace, pace_visitor *visit, void *context)
{
    for (const struct pace_responder *r = pace->responders; r != NULL; r = r->next)
        for (const struct pace_sample *s = r->samples; s != NULL; s = s->next)
            for (int64_t place = s->first; place < s->count; place++)
                visit(context, at_place(s, place));
}

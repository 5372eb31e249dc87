/* SPDX-License-Identifier: BSD-2-Clause */
/* TTLs at which this trace got no reply, although other traces of the process did: behind a router
 * that rate-limits there can be more targets than tokens. The trace sends tries when that router
 * has a token. If there are too few tokens it takes over the other trace's sample, by the evidence
 * of prefix.h and of a reply to itself from farther on. */
#include "engine/trace_inside.h"

#include "base/units.h"

static const int64_t look_again_ns = 500 * MS;
static const int64_t await_ns = 2500 * MS; /* a trace knows by then whether a hop rate-limits */
static const int64_t hold_ns = 5000 * MS;  /* longest wait for a token of a router not sampled */
static const int64_t await_step_ns = 100 * MS;

enum { REFUTED = 5 }; /* tries without reply at times when there was a token */

static struct prefix_key prefix_key_of(const struct trace *t)
{
    return (struct prefix_key){ &t->config.spec, t->config.flow, t->config.egress };
}

void trace_note_reply(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    const struct prefix_key key = prefix_key_of(t);
    const struct heard *heard = &t->ttls[ttl].heard;
    uint32_t hash = ipaddr_hash(&heard->responder);
    bool transit = heard->kind == HEARD_TRANSIT; /* the target is no hop of another trace's path */

    if (t->path_hashes[ttl] == hash)
        return;
    t->path_hashes[ttl] = hash;
    prefixes_note(pace_prefixes(t->pace), &key, t->rules.trace, &t->prefix_place, transit ? ttl : 0,
                  transit ? hash : 0, now_ns);
}

void trace_note_check(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    const struct prefix_key key = prefix_key_of(t);

    bool refuted = ++t->ttls[ttl].checks >= REFUTED;
    prefixes_note(pace_prefixes(t->pace), &key, t->rules.trace, &t->prefix_place, ttl,
                  refuted ? PREFIX_OTHER : PREFIX_ASKED, now_ns);
}

void trace_confirm(struct trace *t, uint8_t ttl, const struct ipaddr *responder, int64_t now_ns)
{
    struct ttl *at = &t->ttls[ttl];
    struct trace_event event = {
        .kind = EVENT_RATE_LIMITED, .ttl = ttl, .flow = t->config.flow, .probe = t->probes.next
    };

    if (!at->hop.borrowed)
        return;
    at->hop.borrowed = false;
    if (ipaddr_equal(responder, pace_responder(at->hop.sample)))
        return;
    pace_leave(at->hop.sample, t->rules.trace);
    hop_begin(&at->hop, &t->rules);
    trace_emit(t, event, now_ns); /* sample_interval_ns 0: the sample that was taken over is left */
}

/* True if probes get that far: to the first hop, or to one before a hop that replied. */
static bool gets_there(const struct trace *t, uint8_t ttl)
{
    return ttl == 1 || ttl < t->farthest || ttl < t->end;
}

static struct pace_sample *find_sample(struct trace *t, const struct pace_key *key,
                                       const struct prefix_seen *seen, int64_t now_ns)
{
    if (seen->guess != PREFIX_SAME || !gets_there(t, key->ttl) ||
        t->ttls[key->ttl].checks >= REFUTED)
        return NULL;
    struct pace_sample *sample = pace_borrow(t->pace, key, seen->hash, now_ns);
    if (sample != NULL && pace_wants_checks(sample, now_ns)) {
        pace_leave(sample, t->rules.trace);
        return NULL;
    }
    return sample;
}

static void look(struct trace *t, uint8_t ttl, bool ending, int64_t now_ns)
{
    struct ttl *at = &t->ttls[ttl];
    const struct prefix_key prefix_key = prefix_key_of(t);
    const struct pace_key key = trace_pace_key(t, ttl);
    const struct prefix_seen seen = prefixes_guess(pace_prefixes(t->pace), &prefix_key,
                                                   t->rules.trace, t->path_hashes, ttl, now_ns);
    bool limited = seen.guess != PREFIX_NONE && pace_is_limited(t->pace, &key, now_ns);
    int64_t reply_timeout_ns = trace_reply_timeout_ns(t, true);

    at->awaited = !limited && seen.live;
    if (!limited)
        return;
    at->first = seen.first || at->checks > 0;
    if (at->held_ns == 0) {
        struct trace_event event = {
            .kind = EVENT_NO_TOKEN, .ttl = ttl, .flow = t->config.flow, .probe = t->probes.next
        };
        at->held_ns = now_ns;
        trace_emit(t, event, now_ns);
    }
    hop_hold(&at->hop, at->sent_ns + reply_timeout_ns + MS);
    trace_note_untested(t, ttl, now_ns);
    if (!ending && now_ns - at->sent_ns < reply_timeout_ns) {
        at->look_ns = at->sent_ns + reply_timeout_ns;
        return;
    }
    struct pace_sample *sample = find_sample(t, &key, &seen, now_ns);
    if (sample != NULL)
        trace_rate_limit(t, ttl, sample, true, now_ns);
}

int64_t trace_held_slot_ns(const struct trace *t, uint8_t ttl, int64_t now_ns)
{
    const struct ttl *at = &t->ttls[ttl];
    const struct pace_key key = trace_pace_key(t, ttl);

    if (at->held_ns == 0 || at->hop.answered || now_ns - at->held_ns > hold_ns)
        return 0;
    return pace_router_slot_ns(t->pace, &key, now_ns);
}

/* True if other traces may have a sample for the TTL. A sample that no trace continues does not
 * change. */
static bool is_open(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    struct hop *hop = &t->ttls[ttl].hop;

    if (hop->borrowed && hop->phase == HOP_PACED) {
        if (pace_is_idle(hop->sample, now_ns))
            hop->phase = HOP_SETTLED;
        return false;
    }
    return !hop->answered && hop->sample == NULL && hop_was_probed(hop) &&
           hop->phase != HOP_SETTLED;
}

static void look_at_all(struct trace *t, bool ending, int64_t now_ns)
{
    int last = trace_last_sampled(t);

    t->look_ns = INT64_MAX;
    for (int ttl = t->config.first_hop; ttl <= last; ttl++) {
        struct ttl *at = &t->ttls[ttl];
        at->awaited = at->awaited && !at->hop.answered;
        if (!is_open(t, (uint8_t)ttl, now_ns)) {
            if (at->hop.borrowed && at->hop.phase == HOP_PACED && t->look_ns > now_ns)
                t->look_ns = now_ns + look_again_ns;
            continue;
        }
        if (ending || now_ns >= at->look_ns) {
            at->look_ns = now_ns + look_again_ns;
            look(t, (uint8_t)ttl, ending, now_ns);
        }
        if (at->look_ns < t->look_ns)
            t->look_ns = at->look_ns;
    }
}

/* Looks again at once at TTLs where a responder was found to rate-limit. */
static void note_limits(struct trace *t, int64_t now_ns)
{
    if (t->limits == pace_limits(t->pace))
        return;
    t->limits = pace_limits(t->pace);
    for (int ttl = t->config.first_hop; ttl <= t->config.max_hops; ttl++) {
        t->ttls[ttl].look_ns = now_ns;
        if (t->ttls[ttl].hop.answered && trace_heard(t, ttl)->kind != HEARD_NONE)
            trace_join_known(t, (uint8_t)ttl, now_ns);
    }
}

void trace_borrow(struct trace *t, bool ending, int64_t now_ns)
{
    note_limits(t, now_ns);
    look_at_all(t, ending, now_ns);
}

bool trace_awaits_others(struct trace *t, int64_t now_ns)
{
    bool awaited = false;

    for (int ttl = t->config.first_hop; ttl <= trace_last_sampled(t); ttl++)
        awaited = awaited || (t->ttls[ttl].awaited && gets_there(t, (uint8_t)ttl));
    if (!awaited)
        return false;
    if (t->ready_ns == 0)
        t->ready_ns = now_ns;
    t->look_ns = now_ns + await_step_ns;
    return now_ns - t->ready_ns < await_ns;
}

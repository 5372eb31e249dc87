/* SPDX-License-Identifier: BSD-2-Clause */
/* Traces to other targets that end at the same place as this one, and may use up its tokens. */
#include "engine/trace_inside.h"

#include "base/units.h"

static const int64_t look_again_ns = 250 * MS;
static const int64_t await_ns = 2500 * MS;   /* longer than a burst test takes */
static const int64_t fresh_ns = 60 * SECOND; /* as long as a sample is remembered */

static enum end_limit limit_of(const struct trace *t)
{
    const struct hop *hop = &t->ttls[t->end].hop;
    bool tested = hop->phase == HOP_RETEST || hop->phase == HOP_JUDGE_RETEST;
    bool silent = !hop->answered && hop->silent_tries > 0; /* replies come from farther on */

    if (t->rules.no_tests || hop->sample != NULL || silent)
        return END_LIMITED;
    return tested ? END_TESTED : END_UNLIMITED;
}

static void emit_shared_limit(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    struct trace_event event = {
        .kind = EVENT_SHARED_LIMIT, .ttl = ttl, .flow = t->config.flow, .probe = t->probes.next
    };

    if (t->ttls[ttl].shared_limit)
        return;
    t->ttls[ttl].shared_limit = true;
    trace_emit(t, event, now_ns);
}

/* Fills in the end of the path; false if it does not end by ICMP errors. */
static bool find_end(const struct trace *t, struct end *end)
{
    const struct heard *heard = trace_heard(t, t->end);

    *end = (struct end){ .serial = t->rules.trace,
                         .address = t->config.spec.target,
                         .source = t->config.spec.source,
                         .protocol = t->config.spec.protocol,
                         .ttl = t->end };
    if (t->end == 0 || heard->kind == HEARD_NONE || heard->direct)
        return false;
    end->address = heard->responder;
    end->limit = limit_of(t);
    ends_before(end->before, t->path_hashes, t->end);
    return true;
}

bool trace_awaits_shared_limit(struct trace *t, int64_t now_ns)
{
    const struct ends *ends = pace_ends(t->pace);
    struct end end;

    if (!find_end(t, &end) || ends_has_sharer(ends, &end, END_LIMITED, t->started_ns - fresh_ns) ||
        !ends_has_sharer(ends, &end, END_TESTED, now_ns - 2 * look_again_ns))
        return false;
    if (t->ready_ns == 0)
        t->ready_ns = now_ns;
    t->look_ns = now_ns + look_again_ns;
    return now_ns - t->ready_ns < await_ns;
}

void trace_note_shared_limit(struct trace *t, bool ending, int64_t now_ns)
{
    struct ends *ends = pace_ends(t->pace);
    enum end_limit limit = ending ? END_TESTED : END_LIMITED;
    struct end end;

    if (!ending && now_ns < t->shared_limit_ns)
        return;
    t->shared_limit_ns = now_ns + look_again_ns;
    bool ends_here = find_end(t, &end);
    if (t->end == 0) {
        uint8_t ttl = ends_sharer_beyond(ends, &end, limit, t->farthest, t->path_hashes,
                                         t->started_ns - fresh_ns);
        if (ttl != 0 && ttl <= t->config.max_hops)
            emit_shared_limit(t, ttl, now_ns);
        return;
    }
    if (!ends_here)
        return;
    ends_note(ends, &end, &t->end_place, now_ns);
    if (ends_has_sharer(ends, &end, limit, t->started_ns - fresh_ns))
        emit_shared_limit(t, t->end, now_ns);
}

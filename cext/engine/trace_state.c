/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of a trace as all its files read it, and the function through which events leave it. */
#include "engine/trace_inside.h"

#include "base/units.h"

#include <assert.h>

static const int64_t counted_reply_timeout_ns = 1000 * MS; /* at least */

void trace_emit(struct trace *t, struct trace_event event, int64_t now_ns)
{
    assert(now_ns >= t->started_ns);
    assert(!t->done || event.kind == EVENT_SHARED_LIMIT || event.kind == EVENT_DONE);
    event.at_ns = now_ns - t->started_ns;
    t->sink(t->context, &event);
}

struct trace_event trace_about(const struct probe *p, enum event_kind kind)
{
    return (struct trace_event){ .kind = kind,
                                 .probe = p->number,
                                 .flow = p->flow,
                                 .ttl = p->ttl,
                                 .class = p->class,
                                 .during_drops = p->during_drops,
                                 .rtt_ns = -1 };
}

/* TTLs beyond it get one probe each, to find the path. */
int trace_last_sampled(const struct trace *t)
{
    if (t->end != 0)
        return t->end;
    if (t->horizon < t->config.max_hops)
        return t->farthest;
    int last = t->farthest + t->config.max_silent;
    return last < t->config.max_hops ? last : t->config.max_hops;
}

bool trace_ends_by_error(const struct trace *t, int ttl)
{
    return t->end_by_error && t->end == ttl;
}

const struct heard *trace_heard(const struct trace *t, int ttl)
{
    return trace_ends_by_error(t, ttl) ? &t->ttls[ttl].stop : &t->ttls[ttl].heard;
}

bool trace_is_error_from_elsewhere(const struct trace *t, const struct wire_packet *packet)
{
    const struct wire_spec *spec = &t->config.spec;

    if (wire_is_direct(packet->kind) || ipaddr_equal(&packet->from, &spec->target))
        return false;
    return packet->kind != WIRE_TIME_EXCEEDED || ipaddr_equal(&packet->from, &spec->source);
}

int64_t trace_reply_timeout_ns(const struct trace *t, bool burst)
{
    int64_t reply_timeout = burst ? TEST_REPLY_TIMEOUT_NS : counted_reply_timeout_ns;

    if (!burst && t->config.timeout_given)
        return t->config.timeout_ns;
    if (reply_timeout < 4 * t->p95_ns)
        reply_timeout = 4 * t->p95_ns;
    if (!burst &&
        reply_timeout < t->late_ns * 3 / 2) /* after a late reply others may be late, too */
        reply_timeout = t->late_ns * 3 / 2;
    if (burst && reply_timeout < 2 * t->slowest_ns) /* a hop that is always slow */
        reply_timeout = 2 * t->slowest_ns;
    int64_t most = t->config.timeout_ns;
    if (burst && most < counted_reply_timeout_ns) /* a late reply is no sign of a rate limit */
        most = counted_reply_timeout_ns;
    return reply_timeout < most ? reply_timeout : most;
}

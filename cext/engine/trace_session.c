/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes inside a TCP connection: which connection carries which probes, which of them its end
 * affects, and which of them a reply belongs to if it does not name its probe. */
#include "engine/trace_inside.h"

#include "base/units.h"

#include <assert.h>

static const int64_t in_doubt_least_ns = 100 * MS;

void trace_set_source_port(struct trace *t, uint16_t port)
{
    assert(t->probes.next == 0);
    t->config.spec.source_port = port;
}

void trace_hold(struct trace *t)
{
    t->held = true;
}

void trace_begin_session(struct trace *t, const struct wire_session *session, int64_t rtt_ns,
                         int64_t now_ns)
{
    struct wire_spec *spec = &t->config.spec;

    assert(t->held);
    spec->sessions[1] = spec->sessions[0];
    spec->sessions[0] = *session;
    spec->sessions[0].first = t->probes.next;
    t->in_doubt_ns = 2 * rtt_ns + in_doubt_least_ns;
    t->in_doubt_until_ns = 0;
    t->held = false;
    t->horizon_moved_ns = now_ns;
}

/* True if a probe of this TTL is known to expire before the target. */
static bool is_transit(const struct trace *t, int ttl)
{
    for (int at = ttl; at <= t->horizon; at++)
        if (t->ttls[at].heard.kind == HEARD_TRANSIT)
            return true;
    return false;
}

bool trace_session_carries(const struct trace *t, const struct probe *p)
{
    return wire_session_of(&t->config.spec, p->number) != NULL && !is_transit(t, p->ttl);
}

static bool is_bare(const struct trace *t)
{
    const struct wire_session *session = &t->config.spec.sessions[0];
    return t->config.spec.in_session && session->numbers > 0 && session->bare;
}

int64_t trace_session_due(const struct trace *t, int ttl)
{
    if (t->held)
        return INT64_MAX;
    return is_bare(t) && !is_transit(t, ttl) ? t->in_doubt_until_ns : 0;
}

void trace_session_sent(struct trace *t, const struct probe *p, int64_t now_ns)
{
    if (!is_bare(t) || is_transit(t, p->ttl))
        return;
    assert(now_ns >= t->in_doubt_until_ns); /* at most one */
    t->in_doubt = p->number;
    t->in_doubt_until_ns = now_ns + t->in_doubt_ns;
}

struct probe *trace_session_answered(struct trace *t, const struct wire_packet *packet,
                                     int64_t now_ns)
{
    const struct wire_spec *spec = &t->config.spec;
    struct probe *p =
        is_bare(t) && now_ns < t->in_doubt_until_ns ? probes_get(&t->probes, t->in_doubt) : NULL;

    if (p == NULL || p->state != PROBE_OPEN || packet->kind != WIRE_ACK || packet->tcp.fin ||
        packet->tcp.payload > 0 || packet->tcp.ack != spec->sessions[0].syn + 1 ||
        !ipaddr_equal(&packet->from, &spec->target) ||
        packet->probe.target_port != spec->target_port ||
        packet->probe.source_port != (uint16_t)(spec->source_port + p->flow))
        return NULL;
    t->in_doubt_until_ns = now_ns; /* the next probe may go out */
    return p;
}

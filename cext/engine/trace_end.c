/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a path ends, by the findings about each TTL. A path ends at the target's own reply. An
 * error from elsewhere means that a probe did not arrive, so it ends only a path on which nothing
 * farther than its sender ever replied. */
#include "engine/trace_inside.h"

#include <assert.h>

enum {
    WINDOW = TRACE_WINDOW,
    PORT_UNREACHABLE4 = 3, /* of type 3 */
    PORT_UNREACHABLE6 = 4, /* of type 1 */
};

/* The number of routers that a reply has passed, if its initial TTL was the next higher usual
 * one. */
static int hops_back(const struct heard *heard)
{
    static const int initial[] = { 32, 64, 128, 255 };
    int i = 0;

    while (initial[i] < heard->reply_ttl)
        i++;
    return initial[i] - heard->reply_ttl;
}

struct path_end {
    uint8_t ttl; /* 0: unknown */
    enum trace_ending ending;
    bool doubtful; /* only time exceeded came from the target's address */
};

/* True if the finding at this TTL comes from the machine at the end of the path: a time exceeded
 * from the target's address may be of the target or of any hop behind a NAT that uses this address.
 * Two of them from the same distance are of one machine. */
static bool is_same_machine(const struct trace *t, int ttl, struct path_end end)
{
    const struct heard *one = &t->ttls[ttl].heard, *other = &t->ttls[end.ttl].heard;

    return (end.doubtful || end.ttl == ttl + 1) && hops_back(one) == hops_back(other);
}

/* The end of the path by each TTL's newest reply: the first TTL with an end that has only ends
 * beyond it. So the end may move both ways. */
static struct path_end by_replies(const struct trace *t)
{
    const struct path_end none = { 0 };
    struct path_end end = none;

    for (int ttl = t->config.max_hops; ttl >= t->config.first_hop; ttl--) {
        enum heard_kind kind = t->ttls[ttl].heard.kind;
        if (kind == HEARD_NONE)
            continue;
        bool alias = kind == HEARD_ALIAS;
        if (alias && end.ttl != 0 && !is_same_machine(t, ttl, end))
            return end.doubtful ? none : end;
        if (kind == HEARD_TRANSIT)
            return end;
        end.doubtful = alias && (end.ttl == 0 || end.doubtful);
        end.ttl = (uint8_t)ttl;
        end.ending = TRACE_REACHED;
    }
    return end;
}

/* True if anything farther than the sender of this error has replied in this run. */
static bool is_passed(const struct trace *t, const struct heard *stop)
{
    for (int ttl = t->config.first_hop; ttl <= t->farthest; ttl++) {
        const struct ttl *at = &t->ttls[ttl];
        bool its_hop =
            at->heard.kind != HEARD_NONE && ipaddr_equal(&at->heard.responder, &stop->responder);
        if (its_hop ? ttl < t->farthest
                    : at->stop.kind != HEARD_NONE &&
                          ipaddr_equal(&at->stop.responder, &stop->responder))
            return true;
    }
    return false;
}

/* True if a port unreachable to UDP comes from another address of the target: its sender is no hop
 * of this path, it quotes the probe as it arrives at this TTL, and it comes from as far beyond the
 * last known hop as this TTL is. Otherwise a firewall may have sent it. */
static bool is_other_address(const struct trace *t, int ttl)
{
    const struct heard *stop = &t->ttls[ttl].stop;
    uint8_t version = t->config.spec.target.version;
    int last = 1, back = 0;

    if (t->config.spec.protocol != WIRE_UDP || stop->distance != ttl ||
        stop->code != (version == 4 ? PORT_UNREACHABLE4 : PORT_UNREACHABLE6) ||
        stop->type != (version == 4 ? 3 : 1))
        return false;
    for (int before = t->config.first_hop; before < ttl; before++) {
        const struct heard *heard = &t->ttls[before].heard;
        if (heard->kind == HEARD_NONE)
            continue;
        if (ipaddr_equal(&heard->responder, &stop->responder))
            return false;
        last = before;
        back = hops_back(heard);
    }
    return hops_back(stop) - back == ttl - last;
}

static struct path_end by_errors(const struct trace *t)
{
    struct path_end end = { 0 };
    int ttl = t->farthest + 1;

    if (t->target_seen)
        return end;
    while (ttl <= t->config.max_hops &&
           (t->ttls[ttl].stop.kind == HEARD_NONE || is_passed(t, &t->ttls[ttl].stop)))
        ttl++;
    if (ttl <= t->config.max_hops) {
        end.ttl = (uint8_t)ttl;
        end.ending = is_other_address(t, ttl) ? TRACE_REACHED : TRACE_UNREACHABLE;
    }
    return end;
}

void trace_advance_horizon(struct trace *t, int to, int64_t now_ns)
{
    if (to > t->config.max_hops)
        to = t->config.max_hops;
    if (to > t->horizon) {
        t->horizon = (uint8_t)to;
        t->horizon_moved_ns = now_ns;
    }
}

static void update_end(struct trace *t, int64_t now_ns)
{
    struct path_end end = by_replies(t);

    if (end.ttl == 0)
        end = by_errors(t);
    t->end_doubtful = end.doubtful;
    t->end_by_error = end.ttl != 0 && t->ttls[end.ttl].heard.kind == HEARD_NONE;
    if (end.ttl == t->end && end.ending == t->ending)
        return;
    struct trace_event event = {
        .kind = EVENT_PATH_CHANGED, .flow = t->config.flow, .ttl = end.ttl, .ending = end.ending
    };
    assert(end.ttl == 0 || (end.ttl >= t->config.first_hop && end.ttl <= t->config.max_hops));
    t->end = end.ttl;
    t->ending = end.ending;
    trace_emit(t, event, now_ns);
}

/* ---- what a packet says -------------------------------------------------------------------- */

static struct heard heard_of(const struct probe *p, const struct wire_packet *packet,
                             enum heard_kind kind)
{
    return (struct heard){ .kind = kind,
                           .number = p->number,
                           .responder = packet->from,
                           .direct = wire_is_direct(packet->kind),
                           .type = packet->type,
                           .code = packet->code,
                           .reply_ttl = packet->ttl,
                           .distance = p->ttl - packet->probe.ttl + (packet->probe.ttl > 0),
                           .quoted = packet->probe.ttl > 0 };
}

static enum heard_kind kind_of(const struct wire_packet *packet, bool from_target)
{
    if (packet->kind != WIRE_TIME_EXCEEDED)
        return HEARD_TARGET;
    return from_target ? HEARD_ALIAS : HEARD_TRANSIT;
}

/* The path has grown: findings about ends beyond this TTL belong to the old path. */
static void forget_ends_beyond(struct trace *t, uint8_t ttl, uint32_t number)
{
    for (int beyond = ttl + 1; beyond <= t->config.max_hops; beyond++) {
        struct heard *heard = &t->ttls[beyond].heard;
        if (heard->kind != HEARD_TRANSIT && (int32_t)(heard->number - number) < 0)
            heard->kind = HEARD_NONE;
    }
}

/* Stores the TTL that a probe needs to get to the end: an ICMP error from there quotes the TTL with
 * which the probe arrived. */
static void note_distance(struct trace *t, const struct probe *p, const struct wire_packet *packet,
                          const struct heard *end)
{
    if (packet->quote.length == 0 || end->distance <= t->farthest || end->distance >= p->ttl)
        return;
    for (int ttl = end->distance; ttl < p->ttl; ttl++) {
        struct ttl *at = &t->ttls[ttl];
        struct heard *heard = end->kind == HEARD_STOP ? &at->stop : &at->heard;
        if (at->heard.kind == HEARD_NONE && heard->kind == HEARD_NONE)
            *heard = *end;
    }
}

/* Notes a reply from farther away than any before. */
static void note_farthest(struct trace *t, int ttl, int64_t now_ns)
{
    const struct heard *heard = &t->ttls[ttl].heard, *before = &t->ttls[ttl - 1].heard;

    if (ttl <= t->farthest)
        return;
    if (heard->kind == HEARD_ALIAS && before->kind == HEARD_ALIAS &&
        hops_back(heard) == hops_back(before))
        return; /* the same machine: probes beyond it show nothing */
    t->farthest = (uint8_t)ttl;
    trace_advance_horizon(t, ttl + WINDOW, now_ns);
    assert(t->farthest <= t->horizon && t->horizon <= t->config.max_hops);
}

static void note_heard(struct trace *t, const struct probe *p, const struct wire_packet *packet,
                       bool from_target, int64_t now_ns)
{
    struct heard *heard = &t->ttls[p->ttl].heard;
    bool ended = heard->kind == HEARD_TARGET || (heard->kind == HEARD_ALIAS && t->end == p->ttl);

    if (heard->kind != HEARD_NONE && !ipaddr_equal(&heard->responder, &packet->from)) {
        struct trace_event event = trace_about(p, EVENT_HOP_CHANGED);
        event.reply = packet;
        trace_emit(t, event, now_ns);
    }
    enum heard_kind kind = kind_of(packet, from_target);
    if (kind == HEARD_ALIAS && heard->kind == HEARD_TARGET)
        kind = HEARD_TARGET; /* balanced over paths of unequal length */
    *heard = heard_of(p, packet, kind);
    trace_note_reply(t, p->ttl, now_ns);
    if (heard->kind == HEARD_TARGET) {
        t->target_seen = true;
        note_distance(t, p, packet, heard);
        return;
    }
    if (heard->kind == HEARD_TRANSIT && ended)
        forget_ends_beyond(t, p->ttl, p->number);
    note_farthest(t, p->ttl, now_ns);
}

void trace_learn(struct trace *t, const struct probe *p, const struct wire_packet *packet,
                 bool from_target, int64_t now_ns)
{
    struct ttl *at = &t->ttls[p->ttl];

    trace_confirm(t, p->ttl, &packet->from, now_ns);
    hop_answered(&at->hop, p->class, ipaddr_hash(&packet->from));
    trace_note_untested(t, p->ttl, now_ns);
    if (at->heard.kind != HEARD_NONE && (int32_t)(p->number - at->heard.number) < 0)
        return;
    note_heard(t, p, packet, from_target, now_ns);
    update_end(t, now_ns);
    trace_join_known(t, p->ttl, now_ns);
}

void trace_learn_stop(struct trace *t, const struct probe *p, const struct wire_packet *packet,
                      int64_t now_ns)
{
    struct heard *stop = &t->ttls[p->ttl].stop;

    if (ipaddr_equal(&packet->from, &t->config.spec.source) ||
        (stop->kind != HEARD_NONE && (int32_t)(p->number - stop->number) < 0))
        return;
    *stop = heard_of(p, packet, HEARD_STOP);
    note_distance(t, p, packet, stop);
    update_end(t, now_ns);
    if (!trace_ends_by_error(t, p->ttl))
        return;
    hop_answered(&t->ttls[p->ttl].hop, p->class, ipaddr_hash(&packet->from));
    trace_note_untested(t, p->ttl, now_ns);
    trace_join_known(t, p->ttl, now_ns);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { PROBE_MAX = 2048, STEPS_MAX = 2000000 };

struct world_delivery {
    struct world_delivery *next;
    int64_t at_ns;
    uint32_t link;
    struct wire_packet packet;
};

void world_protocol(struct world *w, enum wire_protocol protocol, uint8_t version)
{
    struct wire_spec *spec = &w->config.spec;

    spec->protocol = protocol;
    spec->source_port = protocol == WIRE_ICMP ? 0 : WIRE_SOURCE_PORT;
    spec->target_port = protocol == WIRE_UDP   ? WIRE_PORT_UDP
                        : protocol == WIRE_TCP ? WIRE_PORT_TCP
                                               : 0;
    spec->ident = protocol == WIRE_ICMP ? 0x4d54 : 0;
    spec->size = wire_size_default(protocol, version);
    ipaddr_from_text(&spec->source, version == 4 ? "10.0.0.1" : "2001:db8::1");
    ipaddr_from_text(&spec->target, version == 4 ? "10.99.0.1" : "2001:db8:99::1");
}

void world_new(struct world *w)
{
    *w = (struct world){ .wall_ns = INT64_C(1700000000) * SECOND,
                         .epoch = 1,
                         .seed = 1,
                         .target_ttl = 4,
                         .script = world_line };
    w->config = (struct trace_config){
        .packets = 10, .timeout_ns = 5 * SECOND, .first_hop = 1, .max_hops = 30, .max_silent = 5
    };
    w->config.spec.first_index = 65530;
    w->config.spec.cookie = 0xfeed;
    w->config.spec.key = 0xfacefacefaceface;
    w->config.spec.tcp_base = 0xfffffff0u;
    world_protocol(w, WIRE_ICMP, 4);
    w->pace = pace_new();
    for (unsigned ttl = 1; ttl < WORLD_HOPS; ttl++)
        w->rtt_ns[ttl] = ttl * MS;
}

static void on_event(void *context, const struct trace_event *event)
{
    struct world *w = context;

    counters_event(w->counters, event);
    if (w->log_count == w->log_capacity) {
        w->log_capacity = w->log_capacity == 0 ? 256 : w->log_capacity * 2;
        w->log = realloc(w->log, w->log_capacity * sizeof *w->log);
        if (w->log == NULL)
            abort();
    }
    struct world_event *e = &w->log[w->log_count++];
    *e = (struct world_event){ .event = *event };
    if (event->reply != NULL) {
        e->from = event->reply->from;
        e->reply_kind = event->reply->kind;
    }
    e->event.reply = NULL;
}

void world_begin(struct world *w)
{
    w->counters = counters_new(w->config.max_hops);
    w->trace = trace_new(&w->config, w->pace, w->now_ns, on_event, w, NULL);
    if (w->pace == NULL || w->counters == NULL || w->trace == NULL)
        abort();
}

void world_free(struct world *w)
{
    while (w->first != NULL) {
        struct world_delivery *d = w->first;
        w->first = d->next;
        free(d);
    }
    trace_free(w->trace);
    pace_free(w->pace);
    counters_free(w->counters);
    free(w->log);
    w->trace = NULL;
    w->pace = NULL;
    w->counters = NULL;
    w->log = NULL;
}

struct ipaddr world_router(const struct world *w, unsigned ttl)
{
    struct ipaddr router = w->config.spec.source;
    router.bytes[router.version == 4 ? 2 : 15] = (uint8_t)ttl;
    router.bytes[1] = 50;
    return router;
}

static bool is_error(enum wire_kind kind)
{
    return kind == WIRE_TIME_EXCEEDED || kind == WIRE_UNREACHABLE || kind == WIRE_TOO_BIG;
}

static void name_error(struct wire_packet *packet)
{
    static const uint8_t types[2][WIRE_KIND_COUNT] = {
        { [WIRE_TIME_EXCEEDED] = 11, [WIRE_UNREACHABLE] = 3, [WIRE_TOO_BIG] = 3 },
        { [WIRE_TIME_EXCEEDED] = 3, [WIRE_UNREACHABLE] = 1, [WIRE_TOO_BIG] = 2 },
    };
    packet->type = types[packet->from.version == 6][packet->kind];
    packet->code = packet->kind == WIRE_TIME_EXCEEDED ? 0 : packet->kind == WIRE_TOO_BIG ? 4 : 1;
}

struct wire_packet world_packet(const struct world *w, const struct wire_probe *probe,
                                enum wire_kind kind, const struct ipaddr *from)
{
    const struct wire_spec *spec = &w->config.spec;
    static uint8_t bytes[PROBE_MAX];
    struct wire_packet own, packet;

    if (wire_parse(bytes, wire_build(spec, probe, bytes), &own) != WIRE_OK)
        abort();
    packet = (struct wire_packet){
        .kind = kind, .from = *from, .ttl = 60, .length = 56, .probe = own.probe
    };
    if (is_error(kind)) {
        packet.quote.length = spec->size;
        packet.probe.ttl = 1;
        name_error(&packet);
    } else if (kind == WIRE_PROBE) {
        packet = own;
    } else { /* source and target exchanged, like wire_parse */
        packet.probe.ip_id = 0;
        packet.probe.flow_label = 0;
        packet.probe.ttl = packet.probe.tos = 0;
    }
    return packet;
}

void world_deliver(struct world *w, const struct wire_packet *packet, int64_t after_ns,
                   uint32_t link)
{
    struct world_delivery **at = &w->first, *d = malloc(sizeof *d);

    if (d == NULL)
        abort();
    *d = (struct world_delivery){ .at_ns = w->now_ns + after_ns, .link = link, .packet = *packet };
    while (*at != NULL && (*at)->at_ns <= d->at_ns)
        at = &(*at)->next;
    d->next = *at;
    *at = d;
}

void world_answer(struct world *w, const struct wire_probe *probe, enum wire_kind kind,
                  const struct ipaddr *from, int64_t after_ns)
{
    struct wire_packet packet = world_packet(w, probe, kind, from);
    world_deliver(w, &packet, after_ns, 1);
}

void world_answer_target(struct world *w, const struct wire_probe *probe, int64_t after_ns)
{
    static const enum wire_kind kinds[] = {
        [WIRE_ICMP] = WIRE_ECHO_REPLY, [WIRE_UDP] = WIRE_UNREACHABLE, [WIRE_TCP] = WIRE_RST
    };
    const struct wire_spec *spec = &w->config.spec;
    struct wire_packet packet = world_packet(w, probe, kinds[spec->protocol], &spec->target);

    if (packet.kind == WIRE_UNREACHABLE)
        packet.code = spec->target.version == 4 ? 3 : 4;
    world_deliver(w, &packet, after_ns, 1);
}

int world_line(struct world *w, const struct wire_probe *probe)
{
    struct ipaddr router = world_router(w, probe->ttl);

    if (w->target_ttl != 0 && probe->ttl >= w->target_ttl) {
        if (w->rtt_ns[w->target_ttl] > 0)
            world_answer_target(w, probe, w->rtt_ns[w->target_ttl]);
    } else if (w->rtt_ns[probe->ttl] > 0) {
        world_answer(w, probe, WIRE_TIME_EXCEEDED, &router, w->rtt_ns[probe->ttl]);
    }
    return 0;
}

static void send(struct world *w, const struct wire_probe *probe)
{
    struct trace_stamp stamp = { .ns = w->now_ns + w->wall_ns, .epoch = w->epoch, .link = 1 };
    struct wire_packet own = world_packet(w, probe, WIRE_PROBE, &w->config.spec.source);
    int result = w->script(w, probe);

    if (result > 0)
        trace_send_failed(w->trace, probe->number, result, w->now_ns);
    else if (result == 0 && !w->not_captured)
        check_that(trace_seen(w->trace, &own, stamp) != 0, "probe %u not known as ours",
                   probe->number);
}

static void deliver_due(struct world *w)
{
    while (w->first != NULL && w->first->at_ns <= w->now_ns) {
        struct world_delivery *d = w->first;
        struct trace_stamp stamp = { d->at_ns + w->wall_ns, w->epoch, d->link, w->now_ns };
        w->first = d->next;
        if (d->packet.kind == WIRE_PROBE)
            trace_seen(w->trace, &d->packet, stamp);
        else
            trace_reply(w->trace, &d->packet, stamp, w->now_ns);
        free(d);
    }
}

void world_run(struct world *w, int64_t until_ns)
{
    struct wire_probe probe;

    while (!trace_done(w->trace)) {
        deliver_due(w);
        trace_expire(w->trace, w->now_ns, w->drops);
        while (trace_next(w->trace, w->now_ns, w->drops, &probe))
            send(w, &probe);
        if (!check_that(++w->steps < STEPS_MAX, "the trace never sleeps"))
            return;
        int64_t due_ns = trace_due(w->trace);
        if (w->first != NULL && w->first->at_ns < due_ns)
            due_ns = w->first->at_ns;
        if (due_ns >= until_ns)
            break;
        if (due_ns > w->now_ns)
            w->now_ns = due_ns;
    }
    if (!trace_done(w->trace) && until_ns > w->now_ns)
        w->now_ns = until_ns;
}

size_t world_count(const struct world *w, enum event_kind kind, unsigned ttl)
{
    size_t count = 0;
    for (size_t i = 0; i < w->log_count; i++)
        count += w->log[i].event.kind == kind && (ttl == 0 || w->log[i].event.ttl == ttl);
    return count;
}

size_t world_count_class(const struct world *w, enum event_kind kind, unsigned ttl,
                         enum probe_class class)
{
    size_t count = 0;
    for (size_t i = 0; i < w->log_count; i++)
        count += w->log[i].event.kind == kind && w->log[i].event.class == class &&
                 (ttl == 0 || w->log[i].event.ttl == ttl);
    return count;
}

const struct world_event *world_nth(const struct world *w, enum event_kind kind, unsigned ttl,
                                    size_t n)
{
    for (size_t i = 0; i < w->log_count; i++)
        if (w->log[i].event.kind == kind && (ttl == 0 || w->log[i].event.ttl == ttl) && n-- == 0)
            return &w->log[i];
    return NULL;
}

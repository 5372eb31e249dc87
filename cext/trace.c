/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace.h"

#include "stats.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 6,      /* TTLs probed beyond the farthest one that answered */
    TEST_PROBES = 3, /* right behind a hop's last counted probe */
};

#define MS INT64_C(1000000)
static const int64_t interval_auto_ns = 100 * MS;
static const int64_t interval_untested_ns = 1050 * MS; /* from here on no router rations us */
static const int64_t silence_ns = 200 * MS;            /* moves the window on */
static const int64_t counted_patience_ns = 1000 * MS;  /* at least */
static const int64_t test_patience_ns = 200 * MS;      /* at least */
static const int64_t full_ring_ns = 10 * MS;           /* pause when no probe has room */

/* What the newest probe of a hop that was answered says about the end of the path. */
enum hop_news { NEWS_NONE, NEWS_TRANSIT, NEWS_TARGET, NEWS_STOP };

enum hop_phase { HOP_SAMPLE, HOP_TEST, HOP_SETTLED };

struct hop {
    enum hop_phase phase;
    uint32_t counted; /* sent so far; send errors are taken off again */
    uint32_t errors;
    uint32_t open;    /* probes without an outcome */
    uint8_t tests;    /* sent so far */
    int64_t due_ns;   /* not before this */
    enum hop_news news;
    uint32_t news_number; /* the probe that brought it */
    struct ipaddr responder;
    uint8_t stop_type, stop_code;
};

struct trace {
    struct trace_config config;
    trace_sink *sink;
    void *context;
    struct probes probes;
    uint8_t farthest, horizon; /* TTLs: answered; allowed to be probed */
    uint8_t end;               /* TTL at which the path ends; 0: not known */
    bool done;
    int64_t started_ns, stepped_ns, horizon_moved_ns, blocked_until_ns;
    struct quantiles rtts;     /* of the whole path, for patience */
    uint64_t p95_of;           /* how many RTTs p95_ns is made of */
    int64_t p95_ns;
    uint32_t clock_steps, unstamped;
    int last_error;
    struct hop hops[]; /* by TTL, up to max_hops */
};

struct trace *trace_new(const struct trace_config *config, int64_t now_ns, trace_sink *sink,
                        void *context, struct err *err)
{
    struct trace *t = calloc(1, sizeof *t + (config->max_hops + 1u) * sizeof t->hops[0]);
    if (t == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a trace");
        return NULL;
    }
    t->config = *config;
    if (t->config.interval_ns == 0)
        t->config.interval_ns = interval_auto_ns;
    t->sink = sink;
    t->context = context;
    t->started_ns = t->stepped_ns = t->horizon_moved_ns = now_ns;
    t->farthest = (uint8_t)(config->first_hop - 1);
    int horizon = t->farthest + WINDOW;
    t->horizon = (uint8_t)(horizon < config->max_hops ? horizon : config->max_hops);
    return t;
}

void trace_free(struct trace *t)
{
    if (t == NULL)
        return;
    probes_fini(&t->probes);
    quantiles_fini(&t->rtts);
    free(t);
}

const struct trace_config *trace_config(const struct trace *t)
{
    return &t->config;
}

static void emit(struct trace *t, struct trace_event event, int64_t now_ns)
{
    event.at_ns = now_ns - t->started_ns;
    t->sink(t->context, &event);
}

static struct trace_event about(const struct probe *p, enum event_kind kind)
{
    return (struct trace_event){ .kind = kind, .probe = p->number, .flow = p->flow, .ttl = p->ttl,
                                 .class = p->class, .rtt_ns = -1 };
}

/* ---- where the path ends ------------------------------------------------------------------- */

/* The first TTL that ends the path and has nothing but ends behind it, by each hop's newest answer:
 * so the end may move both ways. */
static uint8_t find_end(const struct trace *t)
{
    int end = 0;

    for (int ttl = t->config.max_hops; ttl >= t->config.first_hop; ttl--) {
        enum hop_news news = t->hops[ttl].news;
        if (news == NEWS_TRANSIT)
            break;
        if (news != NEWS_NONE)
            end = ttl;
    }
    return (uint8_t)end;
}

static void advance_horizon(struct trace *t, int to, int64_t now_ns)
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
    uint8_t end = find_end(t);

    if (end == t->end)
        return;
    struct trace_event event = { .kind = EVENT_PATH_CHANGED, .ttl = end };
    t->end = end;
    emit(t, event, now_ns);
}

/* The last TTL that gets a full sample. Further ones get one probe each, to find the path. */
static int last_sampled(const struct trace *t)
{
    if (t->end != 0)
        return t->end;
    if (t->horizon < t->config.max_hops)
        return t->farthest;
    int last = t->farthest + t->config.max_silent;
    return last < t->config.max_hops ? last : t->config.max_hops;
}

/* ---- outcomes ------------------------------------------------------------------------------ */

/* The one place where a probe's state changes; it emits the event that says so. */
static void finish(struct trace *t, struct probe *p, enum probe_state state,
                   struct trace_event event, int64_t now_ns)
{
    if (p->state == PROBE_OPEN)
        t->hops[p->ttl].open--;
    p->state = state;
    emit(t, event, now_ns);
}

static void finish_send_error(struct trace *t, struct probe *p, int error, int64_t now_ns)
{
    struct hop *hop = &t->hops[p->ttl];
    struct trace_event event = about(p, EVENT_SEND_ERROR);

    event.error = error;
    t->last_error = error != 0 ? error : TRACE_VANISHED;
    hop->errors++;
    if (p->class == PROBE_COUNTED) {
        hop->counted--;
        if (hop->errors <= t->config.packets && hop->phase != HOP_SAMPLE) {
            hop->phase = HOP_SAMPLE; /* the sample lacks one again */
            hop->tests = 0;
        }
        if (hop->due_ns < now_ns + t->config.interval_ns)
            hop->due_ns = now_ns + t->config.interval_ns;
        if (hop->errors > t->config.packets)
            hop->phase = HOP_SETTLED;
    }
    finish(t, p, PROBE_SEND_ERROR, event, now_ns);
}

static int64_t patience_ns(const struct trace *t, enum probe_class class)
{
    int64_t patience = class == PROBE_TEST ? test_patience_ns : counted_patience_ns;

    if (patience < 4 * t->p95_ns)
        patience = 4 * t->p95_ns;
    return patience < t->config.timeout_ns ? patience : t->config.timeout_ns;
}

static void refresh_patience(struct trace *t)
{
    if (t->p95_of == t->rtts.count)
        return;
    t->p95_of = t->rtts.count;
    t->p95_ns = (int64_t)quantiles_get(&t->rtts, 0.95);
}

static bool ready(const struct trace *t)
{
    int last = last_sampled(t);

    for (int ttl = t->config.first_hop; ttl <= last; ttl++)
        if (t->hops[ttl].phase != HOP_SETTLED || t->hops[ttl].open > 0)
            return false;
    if (t->end != 0)
        return true;
    if (t->horizon < t->config.max_hops)
        return false;
    for (int ttl = last + 1; ttl <= t->config.max_hops; ttl++)
        if (t->hops[ttl].open > 0 || t->hops[ttl].counted + t->hops[ttl].errors == 0)
            return false;
    return true;
}

void trace_expire(struct trace *t, int64_t now_ns, uint64_t capture_drops)
{
    if (t->done)
        return;
    t->stepped_ns = now_ns;
    struct probe *p = probes_next_open(&t->probes, t->probes.first_open);
    if (p != NULL && now_ns - p->sent_ns >= test_patience_ns)
        refresh_patience(t);
    while (p != NULL) {
        uint32_t number = p->number;
        if (now_ns - p->sent_ns >= patience_ns(t, p->class)) {
            bool vanished = p->stamp_ns == 0 && p->drops == capture_drops && t->unstamped == 0;
            if (vanished)
                finish_send_error(t, p, 0, now_ns);
            else
                finish(t, p, PROBE_TIMED_OUT, about(p, EVENT_TIMEOUT), now_ns);
        }
        p = probes_next_open(&t->probes, number + 1);
    }
    if (t->end == 0 && now_ns - t->horizon_moved_ns >= silence_ns)
        advance_horizon(t, t->horizon + WINDOW, now_ns);
    if (ready(t)) {
        t->done = true;
        emit(t, (struct trace_event){ .kind = EVENT_DONE }, now_ns);
    }
}

/* ---- probes out ---------------------------------------------------------------------------- */

static bool wants_probe(const struct trace *t, int ttl, int64_t now_ns)
{
    const struct hop *hop = &t->hops[ttl];

    if (hop->phase == HOP_SETTLED || now_ns < hop->due_ns)
        return false;
    return ttl <= last_sampled(t) || hop->counted + hop->errors == 0;
}

/* Moves the hop on, now that a probe of its phase goes out. */
static enum probe_class take_turn(const struct trace *t, struct hop *hop, int64_t now_ns)
{
    if (hop->phase == HOP_TEST) {
        if (++hop->tests == TEST_PROBES)
            hop->phase = HOP_SETTLED;
        return PROBE_TEST;
    }
    hop->due_ns = now_ns + t->config.interval_ns;
    if (++hop->counted == t->config.packets) {
        bool slow = t->config.interval_ns >= interval_untested_ns;
        hop->phase = slow ? HOP_SETTLED : HOP_TEST;
        hop->due_ns = now_ns;
    }
    return PROBE_COUNTED;
}

bool trace_next(struct trace *t, int64_t now_ns, uint64_t capture_drops, struct wire_probe *out)
{
    int last = t->end != 0 ? t->end : t->horizon;
    int ttl = t->config.first_hop;

    if (t->done || now_ns < t->blocked_until_ns)
        return false;
    while (ttl <= last && !wants_probe(t, ttl, now_ns))
        ttl++;
    if (ttl > last)
        return false;
    struct probe *p = probes_add(&t->probes, now_ns, 2 * t->config.timeout_ns);
    if (p == NULL) {
        t->blocked_until_ns = now_ns + full_ring_ns;
        return false;
    }
    p->ttl = (uint8_t)ttl;
    p->drops = capture_drops;
    p->class = take_turn(t, &t->hops[ttl], now_ns);
    t->hops[ttl].open++;
    *out = (struct wire_probe){ .number = p->number, .flow = p->flow, .ttl = p->ttl };
    emit(t, about(p, EVENT_SENT), now_ns);
    return true;
}

void trace_send_failed(struct trace *t, uint32_t number, int error, int64_t now_ns)
{
    struct probe *p = probes_get(&t->probes, number);
    if (p != NULL && p->state == PROBE_OPEN)
        finish_send_error(t, p, error, now_ns);
}

/* ---- packets in ---------------------------------------------------------------------------- */

/* The probe whose index was `distance` before the newest one's. */
static struct probe *before_newest(const struct trace *t, uint32_t distance)
{
    return probes_get(&t->probes, t->probes.next - 1 - distance);
}

static struct probe *by_index(const struct trace *t, uint16_t index)
{
    if (index == 0 || t->probes.next == 0)
        return NULL;
    uint32_t newest = wire_index(&t->config.spec, t->probes.next - 1);
    return before_newest(t, (newest + WIRE_INDEXES - index) % WIRE_INDEXES);
}

/* A SYN's answer acknowledges its payload too, where the stack takes data on a SYN. */
static struct probe *by_tcp_seq(const struct trace *t, uint32_t seq)
{
    const struct wire_spec *spec = &t->config.spec;
    uint32_t payload = spec->size - wire_size_min(WIRE_TCP, spec->source.version);

    if (t->probes.next == 0)
        return NULL;
    uint32_t newest = wire_tcp_seq(spec, t->probes.next - 1);
    for (uint32_t carried = 0; carried <= payload; carried += payload > 0 ? payload : 1) {
        uint32_t distance = newest - (seq - carried);
        struct probe *p = distance % WIRE_TCP_STEP == 0
                              ? before_newest(t, distance / WIRE_TCP_STEP) : NULL;
        if (p != NULL)
            return p;
    }
    return NULL;
}

/* A UDP checksum changes when NAT rewrites an address; then the IPv4 identification still tells the
 * probe, but only beside our cookie. */
static struct probe *by_udp(const struct trace *t, const struct wire_ids *ids)
{
    struct probe *p = by_index(t, ids->index);

    if (p == NULL && ids->cookie != 0)
        p = by_index(t, ids->ip_id);
    return p;
}

/* The probe that the identity fits in every field, or NULL. */
static struct probe *find_probe(const struct trace *t, const struct wire_ids *ids)
{
    const struct wire_spec *spec = &t->config.spec;
    struct probe *p;

    if (ids->protocol != spec->protocol || !ipaddr_equal(&ids->source, &spec->source))
        return NULL;
    if (ids->cookie != 0 && spec->protocol != WIRE_TCP && ids->cookie != spec->cookie)
        return NULL;
    if (!ipaddr_equal(&ids->target, &spec->target) && ids->cookie == 0)
        return NULL; /* rewritten by NAT at best, and nothing else proves it ours */
    if (spec->protocol == WIRE_ICMP)
        return ids->ident == spec->ident ? by_index(t, ids->index) : NULL;
    if (ids->target_port != spec->target_port)
        return NULL;
    p = spec->protocol == WIRE_UDP ? by_udp(t, ids) : by_tcp_seq(t, ids->tcp_seq);
    if (p == NULL || (uint16_t)(ids->source_port - spec->source_port) != p->flow)
        return NULL;
    return p;
}

bool trace_seen(struct trace *t, const struct wire_packet *packet, struct trace_stamp stamp)
{
    struct probe *p = find_probe(t, &packet->probe);

    if (p == NULL || p->ttl != packet->ttl)
        return false;
    if (p->state == PROBE_OPEN) { /* stacked interfaces: the copy nearest to the wire is the last */
        p->stamp_ns = stamp.ns;
        p->stamp_epoch = stamp.epoch;
    }
    return true;
}

static enum hop_news news_of(const struct wire_packet *packet, bool from_target)
{
    if (from_target)
        return NEWS_TARGET;
    return packet->kind == WIRE_TIME_EXCEEDED ? NEWS_TRANSIT : NEWS_STOP;
}

/* Lets an answer to this hop's newest answered probe tell where the path goes. */
static void learn(struct trace *t, const struct probe *p, const struct wire_packet *packet,
                  bool from_target, int64_t now_ns)
{
    struct hop *hop = &t->hops[p->ttl];

    if (hop->news != NEWS_NONE && (int32_t)(p->number - hop->news_number) < 0)
        return;
    if (hop->news != NEWS_NONE && !ipaddr_equal(&hop->responder, &packet->from)) {
        struct trace_event event = about(p, EVENT_HOP_CHANGED);
        event.reply = packet;
        emit(t, event, now_ns);
    }
    hop->news = news_of(packet, from_target);
    hop->news_number = p->number;
    hop->responder = packet->from;
    hop->stop_type = packet->type;
    hop->stop_code = packet->code;
    if (p->ttl > t->farthest && hop->news == NEWS_TRANSIT) {
        t->farthest = p->ttl;
        advance_horizon(t, p->ttl + WINDOW, now_ns);
    }
    update_end(t, now_ns);
}

static int64_t round_trip(struct trace *t, const struct probe *p, struct trace_stamp stamp,
                          struct trace_event *event)
{
    if (p->stamp_ns == 0) {
        t->unstamped++;
        return -1;
    }
    if (p->stamp_epoch != stamp.epoch || stamp.ns < p->stamp_ns) {
        t->clock_steps++;
        event->clock_step = true;
        return -1;
    }
    return stamp.ns - p->stamp_ns;
}

static bool is_direct(enum wire_kind kind)
{
    return kind == WIRE_ECHO_REPLY || kind == WIRE_SYN_ACK || kind == WIRE_RST;
}

bool trace_reply(struct trace *t, const struct wire_packet *packet, struct trace_stamp stamp,
                 int64_t now_ns)
{
    struct probe *p = find_probe(t, &packet->probe);
    if (p == NULL)
        return false;
    enum probe_state was = p->state;
    bool first = was != PROBE_ANSWERED && was != PROBE_LATE;
    if (!first && p->answer_link != stamp.link)
        return true; /* the same packet again, on a stacked interface */

    bool from_target = is_direct(packet->kind) || ipaddr_equal(&packet->from, &t->config.spec.target);
    struct trace_event event = about(p, EVENT_DUPLICATE);
    event.reply = packet;
    event.from_target = from_target;
    event.was_error = was == PROBE_SEND_ERROR;
    event.rtt_ns = round_trip(t, p, stamp, &event);
    if (!first) {
        emit(t, event, now_ns);
        return true;
    }
    event.kind = was == PROBE_OPEN ? EVENT_REPLY : EVENT_LATE;
    p->answer_link = stamp.link;
    if (event.rtt_ns >= 0)
        (void)quantiles_add(&t->rtts, event.rtt_ns); /* without memory patience stays as it is */
    finish(t, p, was == PROBE_OPEN ? PROBE_ANSWERED : PROBE_LATE, event, now_ns);
    learn(t, p, packet, from_target, now_ns);
    return true;
}

/* ---- questions ----------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t send_due(const struct trace *t)
{
    int64_t due = INT64_MAX;
    int last = t->end != 0 ? t->end : t->horizon;

    for (int ttl = t->config.first_hop; ttl <= last; ttl++)
        if (wants_probe(t, ttl, INT64_MAX))
            due = earlier(due, t->hops[ttl].due_ns);
    return due > t->blocked_until_ns ? due : t->blocked_until_ns;
}

int64_t trace_due(const struct trace *t)
{
    if (t->done)
        return INT64_MAX;
    int64_t due = send_due(t);
    if (t->end == 0 && t->horizon < t->config.max_hops)
        due = earlier(due, t->horizon_moved_ns + silence_ns);
    struct probes probes = t->probes; /* first_open may advance in the copy */
    bool seen[2] = { false, false };
    struct probe *p = probes_next_open(&probes, probes.first_open);
    while (p != NULL && !(seen[PROBE_COUNTED] && seen[PROBE_TEST])) {
        if (!seen[p->class])
            due = earlier(due, p->sent_ns + patience_ns(t, p->class));
        seen[p->class] = true;
        p = probes_next_open(&probes, p->number + 1);
    }
    return due;
}

bool trace_done(const struct trace *t)
{
    return t->done;
}

void trace_summary(const struct trace *t, struct trace_summary *out)
{
    const struct hop *end = &t->hops[t->end];

    *out = (struct trace_summary){ .end_ttl = t->end, .sent = t->probes.next,
                                   .started_ns = t->started_ns,
                                   .elapsed_ns = t->stepped_ns - t->started_ns,
                                   .clock_steps = t->clock_steps, .unstamped = t->unstamped,
                                   .last_error = t->last_error };
    for (int ttl = t->config.first_hop; ttl <= t->config.max_hops; ttl++)
        if (t->hops[ttl].counted + t->hops[ttl].errors > 0)
            out->probed_ttl = (uint8_t)ttl;
    if (!t->done)
        return;
    out->ending = t->end == 0 ? TRACE_SILENT : end->news == NEWS_TARGET ? TRACE_REACHED
                                                                        : TRACE_UNREACHABLE;
    if (out->ending == TRACE_UNREACHABLE) {
        out->end_type = end->stop_type;
        out->end_code = end->stop_code;
    }
}

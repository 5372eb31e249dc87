/* SPDX-License-Identifier: BSD-2-Clause */
/* Many traces at once through routers that they share, in virtual time: every router answers a
 * burst of 6 and one probe a second, for all traces together, as Linux does. Every probe is
 * accounted for, no sample that stands shows loss, and the memory of a trace has a bound.
 *
 * many_test [TRACES] */
#include "base/units.h"
#include "base/dues.h"
#include "check.h"
#include "engine/trace.h"
#include "results/counters.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND INT64_C(1000000000)

enum {
    TRACES = 300,
    TRACES_QUICK = 20,
    ROUTERS = 7,
    TARGET = ROUTERS + 1,
    TOKENS = 6,
    PACKETS = 10,
    QUEUE = 1 << 17, /* replies on their way from one hop; a power of two */
    PROBE_MAX = 2048,
    SHARED_BYTES = 4 << 20, /* by the traces of a process: what they know of paths and routers */
    TRACE_BYTES = 60 << 10, /* at most, while it runs */
    ENDED_BYTES = 32 << 10, /* and once it has ended */
};
static const int64_t last_ns = 3600 * SECOND;

struct one {
    struct due due; /* the first: see one_of */
    struct many *many;
    struct trace *trace;
    struct counters *counters;
    uint32_t sent, answered; /* as the world saw it */
};

struct reply {
    struct one *to;
    int64_t at_ns;
    struct wire_packet packet;
};

/* A hop: its bucket, and its replies on their way, which all take as long. */
struct router {
    struct ipaddr address;
    int64_t filled_ns; /* when its bucket was last full of TOKENS, less what was taken */
    uint32_t replies;
    size_t first, count;
    struct reply *queue;
};

struct many {
    int64_t now_ns;
    uint64_t changes;
    struct pace *pace;
    struct dues dues;
    struct one *traces;
    size_t count, running;
    struct router hops[TARGET + 1];
};

/* Bytes that are allocated; 0 where nothing counts them. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* ---- the world ----------------------------------------------------------------------------- */

static bool takes_token(struct router *r, int64_t now_ns)
{
    int64_t empty_ns = now_ns - TOKENS * SECOND;

    if (r->filled_ns < empty_ns)
        r->filled_ns = empty_ns;
    if (r->filled_ns > now_ns - SECOND)
        return false;
    r->filled_ns += SECOND;
    return true;
}

static struct wire_packet packet_of(const struct wire_spec *spec, const struct wire_probe *probe,
                                    const struct ipaddr *router)
{
    static uint8_t bytes[PROBE_MAX];
    struct wire_packet own;

    if (wire_parse(bytes, wire_build(spec, probe, bytes), &own) != WIRE_OK)
        abort();
    if (router == NULL)
        return own;
    struct wire_packet packet = {
        .kind = WIRE_TIME_EXCEEDED, .from = *router, .ttl = 60, .length = 56, .probe = own.probe
    };
    packet.type = 11;
    packet.quote.length = spec->size;
    packet.probe.ttl = 1;
    if (ipaddr_equal(router, &spec->target)) {
        packet.kind = WIRE_ECHO_REPLY;
        packet.type = 0;
        packet.quote.length = 0;
        packet.probe.ip_id = 0;
        packet.probe.ttl = 0;
    }
    return packet;
}

static void answer(struct many *m, struct one *one, const struct wire_probe *probe)
{
    const struct wire_spec *spec = &trace_config(one->trace)->spec;
    size_t ttl = probe->ttl < TARGET ? probe->ttl : TARGET;
    struct router *r = &m->hops[ttl];
    const struct ipaddr *from = ttl == TARGET ? &spec->target : &r->address;

    if (ttl < TARGET && !takes_token(r, m->now_ns))
        return;
    if (r->count == QUEUE)
        abort();
    r->queue[(r->first + r->count++) % QUEUE] =
        (struct reply){ one, m->now_ns + (int64_t)ttl * MS, packet_of(spec, probe, from) };
    r->replies++;
    one->answered++;
}

static struct trace_stamp stamp_of(int64_t now_ns)
{
    return (struct trace_stamp){ .ns = now_ns, .epoch = 1, .link = 1, .seen_ns = now_ns };
}

static void deliver(struct many *m)
{
    for (size_t ttl = 1; ttl <= TARGET; ttl++) {
        struct router *r = &m->hops[ttl];
        while (r->count > 0 && r->queue[r->first].at_ns <= m->now_ns) {
            struct reply *reply = &r->queue[r->first];
            r->first = (r->first + 1) % QUEUE;
            r->count--;
            check_that(
                trace_reply(reply->to->trace, &reply->packet, stamp_of(m->now_ns), m->now_ns) ||
                    trace_done(reply->to->trace),
                "a reply is nobody's");
            dues_set(&m->dues, &reply->to->due, m->now_ns);
        }
    }
}

/* ---- the traces ---------------------------------------------------------------------------- */

static void on_event(void *context, const struct trace_event *event)
{
    struct one *one = context;
    counters_event(one->counters, event);
}

static void begin(struct many *m, size_t i)
{
    struct one *one = &m->traces[i];
    struct trace_config config = { .packets = PACKETS,
                                   .timeout_ns = 5 * SECOND,
                                   .first_hop = 1,
                                   .max_hops = 30,
                                   .max_silent = 5 };
    char text[IPADDR_TEXT];

    config.spec = (struct wire_spec){ .protocol = WIRE_ICMP,
                                      .ident = (uint16_t)i,
                                      .cookie = (uint16_t)(i * 7),
                                      .key = i * UINT64_C(0x9e3779b97f4a7c15),
                                      .size = wire_size_default(WIRE_ICMP, 4) };
    ipaddr_from_text(&config.spec.source, "10.0.0.1");
    snprintf(text, sizeof text, "10.99.%u.%u", (unsigned)(i / 250), (unsigned)(i % 250));
    ipaddr_from_text(&config.spec.target, text);
    one->many = m;
    one->counters = counters_new(config.max_hops);
    one->trace = trace_new(&config, m->pace, m->now_ns, on_event, one, NULL);
    if (one->counters == NULL || one->trace == NULL)
        abort();
    dues_set(&m->dues, &one->due, 0);
}

static void step(struct many *m, struct one *one)
{
    struct wire_probe probe;
    bool was_done = trace_done(one->trace);

    trace_expire(one->trace, m->now_ns, 0);
    while (trace_next(one->trace, m->now_ns, 0, &probe)) {
        struct wire_packet own = packet_of(&trace_config(one->trace)->spec, &probe, NULL);
        one->sent++;
        trace_seen(one->trace, &own, stamp_of(m->now_ns));
        answer(m, one, &probe);
    }
    m->running -= !was_done && trace_done(one->trace);
    int64_t due_ns = trace_due(one->trace);
    dues_set(&m->dues, &one->due, due_ns > m->now_ns ? due_ns : m->now_ns + 1);
}

static void wake_sharers(struct many *m)
{
    if (pace_changes(m->pace) == m->changes)
        return;
    m->changes = pace_changes(m->pace);
    for (size_t i = 0; i < m->count; i++)
        if (trace_shares(m->traces[i].trace))
            dues_set(&m->dues, &m->traces[i].due, m->now_ns);
}

static int64_t next_ns(const struct many *m)
{
    int64_t due_ns = dues_first_ns(&m->dues);

    for (size_t ttl = 1; ttl <= TARGET; ttl++) {
        const struct router *r = &m->hops[ttl];
        if (r->count > 0 && r->queue[r->first].at_ns < due_ns)
            due_ns = r->queue[r->first].at_ns;
    }
    return due_ns;
}

/* Returns the most bytes that were allocated meanwhile. */
static size_t run(struct many *m)
{
    size_t most = 0;

    while (m->running > 0 && m->now_ns < last_ns) {
        size_t now = allocated();
        most = now > most ? now : most;
        deliver(m);
        wake_sharers(m);
        for (struct due *due; (due = dues_first(&m->dues)) != NULL && due->at_ns <= m->now_ns;)
            step(m, (struct one *)due);
        int64_t then_ns = next_ns(m);
        if (then_ns == INT64_MAX)
            break;
        m->now_ns = then_ns > m->now_ns ? then_ns : m->now_ns;
    }
    return most;
}

/* ---- what must hold ------------------------------------------------------------------------ */

static void check_hop(const struct counters_hop *hop, size_t i, size_t ttl, uint32_t *loss)
{
    bool silent = hop->total_received == 0 && hop->received == 0;

    check_int("in flight", hop->in_flight, 0);
    check_that(hop->received <= hop->sent, "trace %zu, TTL %zu: %u of %u answered", i, ttl,
               hop->received, hop->sent);
    if (silent || hop->untested)
        return;
    check_int("counted probes of a sample", hop->sent, PACKETS);
    *loss += hop->sent - hop->received;
}

static void check_counts(const struct many *m)
{
    uint32_t loss = 0;

    check_case("every_probe_is_counted_once");
    for (size_t i = 0; i < m->count; i++) {
        const struct one *one = &m->traces[i];
        uint32_t sent = 0, received = 0;
        for (size_t ttl = 1; ttl < one->counters->hop_count; ttl++) {
            sent += one->counters->hops[ttl].total_sent;
            received += one->counters->hops[ttl].total_received;
        }
        check_int("sent", sent, one->sent);
        check_that(received <= one->answered, "%u received of %u", received, one->answered);
        for (size_t ttl = 1; ttl <= TARGET; ttl++)
            check_hop(&one->counters->hops[ttl], i, ttl, &loss);
    }
    check_case("no_sample_that_stands_shows_loss");
    check_int("lost", loss, 0);
}

static void check_routers(const struct many *m)
{
    check_case("no_router_gives_more_than_it_has");
    for (size_t ttl = 1; ttl < TARGET; ttl++)
        check_that(m->hops[ttl].replies <= TOKENS + m->now_ns / SECOND, "TTL %zu: %u in %lld s",
                   ttl, m->hops[ttl].replies, (long long)(m->now_ns / SECOND));
}

static void check_memory(const struct many *m, size_t before, size_t most, size_t after)
{
    size_t shared = before + SHARED_BYTES;

    if (after == 0 || check_quick())
        return;
    check_case("memory_of_a_trace_has_a_bound");
    check_that(most < shared + m->count * TRACE_BYTES, "%zu bytes each while they run",
               (most - before) / m->count);
    check_that(after < shared + m->count * ENDED_BYTES, "%zu bytes each once they have ended",
               (after - before) / m->count);
    printf("# %zu traces: %.0f s, %zu bytes each at most, %zu once they have ended\n", m->count,
           (double)m->now_ns / 1e9, (most - before) / m->count, (after - before) / m->count);
}

static void open_world(struct many *m, size_t count)
{
    m->count = m->running = count;
    m->now_ns = 10 * SECOND;
    m->pace = pace_new();
    m->traces = calloc(count, sizeof *m->traces);
    if (m->pace == NULL || m->traces == NULL || dues_reserve(&m->dues, count) < 0)
        abort();
    for (size_t ttl = 1; ttl <= TARGET; ttl++) {
        struct router *r = &m->hops[ttl];
        ipaddr_from_text(&r->address, "10.50.0.1");
        r->address.bytes[2] = (uint8_t)ttl;
        r->queue = calloc(QUEUE, sizeof *r->queue);
        if (r->queue == NULL)
            abort();
    }
}

static void close_world(struct many *m)
{
    for (size_t i = 0; i < m->count; i++) {
        trace_free(m->traces[i].trace);
        counters_free(m->traces[i].counters);
    }
    for (size_t ttl = 1; ttl <= TARGET; ttl++)
        free(m->hops[ttl].queue);
    pace_free(m->pace);
    dues_fini(&m->dues);
    free(m->traces);
}

int main(int argc, char **argv)
{
    struct many m = { 0 };
    size_t count = check_quick() ? TRACES_QUICK : TRACES;

    if (argc > 1)
        count = (size_t)strtoul(argv[1], NULL, 10);
    open_world(&m, count);
    size_t before = allocated();
    for (size_t i = 0; i < count; i++)
        begin(&m, i);
    check_case("a_reply_finds_its_trace");
    size_t most = run(&m);
    size_t after = allocated();
    check_case("every_trace_ends");
    check_int("running", (int64_t)m.running, 0);
    check_counts(&m);
    check_routers(&m);
    check_memory(&m, before, most, after);
    close_world(&m);
    return check_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A few thousand small worlds, each made from a seed: loss, duplicates, late and reordered replies,
 * send errors, moving targets. In each world, the run ends and its counters agree with the log of
 * events. WORLD_SEED=n in the environment runs one world only. */
#include "check.h"
#include "world.h"

#include <errno.h>
#include <stdlib.h>

/* The probabilities, from 0 to 1, of events in a world. */
struct nature {
    double loss, silent_hop, duplicate, late, refuse, vanish, move, unreachable, clock, balance;
    int64_t rtt_ns, spread_ns;
    bool silent[WORLD_HOPS];
};

static double some(uint64_t *seed, double chance, double most)
{
    return check_share(seed) < chance ? check_share(seed) * most : 0;
}

static void make(struct world *w, struct nature *n, uint64_t seed)
{
    uint64_t *s = &w->seed;

    world_new(w);
    w->seed = seed * 977;
    world_protocol(w, (enum wire_protocol)(check_random(s) % 3), check_random(s) % 2 ? 4 : 6);
    w->config.spec.first_index = (uint16_t)check_random(s);
    w->config.spec.tcp_base = (uint32_t)check_random(s);
    w->config.packets = 1 + (uint32_t)(check_random(s) % 12);
    w->config.first_hop = check_random(s) % 5 == 0 ? 1 + (uint8_t)(check_random(s) % 4) : 1;
    w->config.max_hops = (uint8_t)(w->config.first_hop + check_random(s) % 20);
    w->config.max_silent = 1 + (uint8_t)(check_random(s) % 6);
    w->config.timeout_ns = (1 + (int64_t)(check_random(s) % 40)) * 100 * MS;
    w->config.interval_ns = check_random(s) % 3 ? 0 : (int64_t)(check_random(s) % 1500) * MS;
    w->target_ttl = (uint8_t)(check_random(s) % 14);
    *n = (struct nature){
        .loss = some(s, 0.5, 0.6),
        .silent_hop = some(s, 0.3, 0.5),
        .duplicate = some(s, 0.3, 0.4),
        .late = some(s, 0.3, 0.3),
        .refuse = some(s, 0.2, 0.5),
        .vanish = some(s, 0.2, 0.3),
        .move = some(s, 0.2, 0.02),
        .unreachable = some(s, 0.15, 0.3),
        .clock = some(s, 0.1, 0.02),
        .balance = some(s, 0.3, 1),
        .rtt_ns = 1000 + (int64_t)(check_random(s) % 300) * MS,
        .spread_ns = 1 + (int64_t)(check_share(s) * check_share(s) * 500e6),
    };
    if (n->refuse > 0 && check_random(s) % 4 == 0)
        n->refuse = 1;
    for (int ttl = 0; ttl < WORLD_HOPS; ttl++)
        n->silent[ttl] = check_share(s) < n->silent_hop;
}

static void answer(struct world *w, const struct nature *n, const struct wire_probe *probe,
                   int64_t after_ns)
{
    struct ipaddr router = world_router(w, probe->ttl);

    router.bytes[3] ^= check_share(&w->seed) < n->balance ? 0x80 : 0;
    if (w->target_ttl != 0 && probe->ttl >= w->target_ttl)
        world_answer_target(w, probe, after_ns);
    else if (check_share(&w->seed) < n->unreachable)
        world_answer(w, probe, WIRE_UNREACHABLE, &router, after_ns);
    else
        world_answer(w, probe, WIRE_TIME_EXCEEDED, &router, after_ns);
}

static int live(struct world *w, const struct wire_probe *probe)
{
    const struct nature *n = w->context;
    uint64_t *s = &w->seed;
    int64_t after_ns = n->rtt_ns + (int64_t)(check_share(s) * (double)n->spread_ns);

    if (check_share(s) < n->refuse)
        return ENOBUFS;
    if (check_share(s) < n->vanish)
        return WORLD_VANISHED;
    if (check_share(s) < n->move)
        w->target_ttl = (uint8_t)(check_random(s) % 14);
    if (check_share(s) < n->clock) {
        w->epoch++;
        w->wall_ns += (int64_t)(check_random(s) % 100) * SECOND;
    }
    if (n->silent[probe->ttl] || check_share(s) < n->loss)
        return 0;
    if (check_share(s) < n->late)
        after_ns += (int64_t)(check_share(s) * 6e9);
    answer(w, n, probe, after_ns);
    while (check_share(s) < n->duplicate)
        answer(w, n, probe, after_ns + (int64_t)(check_share(s) * 50e6));
    return 0;
}

/* ---- the counters as computed from the log only -------------------------------------------- */

struct book {
    uint32_t first; /* first probe of the sample: a rate-limited sample replaces the initial one */
    uint32_t counted, replies, timeouts, errors, late, late_errors; /* of the sample */
    uint32_t unreachable, unreachable_late, unreachable_errors;
    uint32_t arrived; /* reported unreachable, then answered */
    uint32_t duplicates, total_replies;
};

static void begin_sample(struct book *b, uint32_t first)
{
    *b = (struct book){ .first = first,
                        .duplicates = b->duplicates,
                        .total_replies = b->total_replies };
}

/* Checks that an event can follow `was`, the previous event of its probe, and counts it. */
static void check_event(const struct trace_event *e, enum event_kind was, bool counted,
                        struct book *b)
{
    switch (e->kind) {
    case EVENT_SENT:
        b->counted += counted;
        break;
    case EVENT_REPLY:
    case EVENT_TIMEOUT:
    case EVENT_SEND_ERROR:
        check_that(was == EVENT_SENT, "probe %u: outcome %d after %d", e->probe, e->kind, was);
        b->replies += counted && e->kind == EVENT_REPLY;
        b->timeouts += counted && e->kind == EVENT_TIMEOUT;
        b->errors += counted && e->kind == EVENT_SEND_ERROR;
        b->total_replies += e->kind == EVENT_REPLY;
        break;
    case EVENT_UNREACHABLE:
        check_that(was == EVENT_SENT || was == EVENT_TIMEOUT || was == EVENT_SEND_ERROR,
                   "probe %u: unreachable after %d", e->probe, was);
        check_int("was an error", e->was_error, was == EVENT_SEND_ERROR);
        check_int("late", e->late, was == EVENT_TIMEOUT);
        b->unreachable += counted;
        b->unreachable_late += counted && e->late;
        b->unreachable_errors += counted && e->was_error;
        b->late_errors += counted && e->was_error;
        break;
    case EVENT_LATE:
        check_that(was == EVENT_TIMEOUT || was == EVENT_SEND_ERROR || was == EVENT_UNREACHABLE,
                   "probe %u: late after %d", e->probe, was);
        check_int("was an error", e->was_error, was == EVENT_SEND_ERROR);
        check_int("was unreachable", e->was_unreachable, was == EVENT_UNREACHABLE);
        b->arrived += counted && e->was_unreachable;
        b->late += counted;
        b->late_errors += counted && e->was_error;
        b->total_replies++;
        break;
    case EVENT_DUPLICATE:
        check_that(was == EVENT_REPLY || was == EVENT_LATE || was == EVENT_DUPLICATE ||
                       was == EVENT_UNREACHABLE,
                   "probe %u: duplicate after %d", e->probe, was);
        b->duplicates++;
        break;
    default:
        break;
    }
}

/* The events of each probe are: sent, then one outcome, then possibly a late reply, then
 * duplicates. */
static void check_sequences(const struct world *w, struct book books[WORLD_HOPS])
{
    uint32_t count = (uint32_t)world_count(w, EVENT_SENT, 0);
    enum event_kind *state = calloc(count + 1, sizeof *state);
    uint32_t next = 0;

    if (state == NULL)
        abort();
    for (size_t i = 0; i < w->log_count; i++) {
        const struct trace_event *e = &w->log[i].event;
        struct book *b = &books[e->ttl];
        bool counted = e->class == PROBE_COUNTED && e->probe >= b->first;
        if (e->kind == EVENT_RATE_LIMITED)
            begin_sample(b, e->probe);
        if (e->kind > EVENT_SEND_ERROR)
            continue; /* no event of a probe */
        enum event_kind was =
            e->kind == EVENT_SENT || e->probe >= next ? EVENT_DONE : state[e->probe];
        if (e->kind == EVENT_SENT) {
            check_int("number", e->probe, next);
            next++;
        }
        check_event(e, was, counted, b);
        bool further = e->kind == EVENT_DUPLICATE && was == EVENT_UNREACHABLE;
        if (e->probe < count && !further)
            state[e->probe] = e->kind;
    }
    free(state);
}

static void check_responders(const struct counters_hop *hop, int ttl)
{
    uint32_t received = 0, duplicates = 0, late = 0;

    for (size_t c = 0; c < hop->responder_count; c++) {
        const struct responder_stats *responder = &hop->responders[c];
        received += responder->elsewhere ? 0 : responder->received;
        duplicates += responder->duplicates;
        late += responder->elsewhere ? 0 : responder->late;
        check_that(responder->rtt.count <= responder->received,
                   "TTL %d: %llu samples of %u answers", ttl,
                   (unsigned long long)responder->rtt.count, responder->received);
        check_that(responder->rtt.pairs < responder->rtt.count || responder->rtt.count == 0,
                   "TTL %d: more pairs than samples", ttl);
    }
    check_that(received == hop->received, "TTL %d: responders received %u, the hop %u", ttl,
               received, hop->received);
    check_that(duplicates == hop->duplicates, "TTL %d: duplicates %u, %u", ttl, duplicates,
               hop->duplicates);
    check_that(late == hop->late, "TTL %d: late %u, %u", ttl, late, hop->late);
}

static void check_books(const struct world *w, const struct counters *counters)
{
    struct book books[WORLD_HOPS] = { { 0 } };

    check_sequences(w, books);
    for (int ttl = w->config.first_hop; ttl <= w->config.max_hops; ttl++) {
        const struct counters_hop *hop = counters_hop_at(counters, (size_t)ttl);
        const struct book *b = &books[ttl];
        uint32_t unreachable = b->unreachable - b->unreachable_late, sent;
        /* Late errors are counted among timeouts, and errors after send errors among errors. */
        uint32_t in_time = unreachable - b->unreachable_errors;
        uint32_t open = b->counted - b->replies - b->timeouts - b->errors - in_time;
        check_that(hop->in_flight == open, "TTL %d: %u in flight, %u open", ttl, hop->in_flight,
                   open);
        sent = b->replies + b->timeouts + b->late_errors + in_time;
        check_that(hop->sent == sent, "TTL %d: sent %u of %u", ttl, hop->sent, sent);
        check_that(hop->unreachable == b->unreachable - b->arrived, "TTL %d: unreachable %u of %u",
                   ttl, hop->unreachable, b->unreachable - b->arrived);
        check_that(hop->received == b->replies + b->late, "TTL %d: received %u of %u", ttl,
                   hop->received, b->replies + b->late);
        check_that(hop->received <= hop->sent, "TTL %d: %u received, %u sent", ttl, hop->received,
                   hop->sent);
        check_that(hop->duplicates == b->duplicates, "TTL %d: duplicates %u of %u", ttl,
                   hop->duplicates, b->duplicates);
        check_that(hop->total_received == b->total_replies, "TTL %d: raw received %u of %u", ttl,
                   hop->total_received, b->total_replies);
        check_that(hop->total_received <= hop->total_sent, "TTL %d: raw received %u of %u", ttl,
                   hop->total_received, hop->total_sent);
        check_responders(hop, ttl);
    }
}

/* The report has full samples up to the end and no probes in flight. */
static void check_report(const struct world *w, const struct nature *n)
{
    struct trace_summary s;
    bool errors = n->refuse > 0 || n->vanish > 0;

    trace_summary(w->trace, &s);
    check_that(s.ending != TRACE_RUNNING, "still running");
    check_int("probes in all", s.sent, (int64_t)world_count(w, EVENT_SENT, 0));
    for (int ttl = w->config.first_hop; ttl <= s.end_ttl; ttl++) {
        const struct counters_hop *hop = counters_hop_at(w->counters, (size_t)ttl);
        check_that(hop->in_flight == 0, "TTL %d: %u in flight at the end", ttl, hop->in_flight);
        bool seldom = hop->rate_limited && hop->sent == 0 && /* too few replies for a sample */
                      hop->rate_limit.sample_interval_ns > INT64_C(3600000000);
        if (!errors && !seldom)
            check_that(hop->sent == w->config.packets, "TTL %d: %u counted of %u", ttl, hop->sent,
                       w->config.packets);
        check_that(hop->send_errors <= 2 * w->config.packets + 70, "TTL %d: %u send errors", ttl,
                   hop->send_errors);
    }
    for (int ttl = w->config.first_hop; ttl <= w->config.max_hops; ttl++)
        if (!errors)
            check_that(counters_hop_at(w->counters, (size_t)ttl)->sent <= w->config.packets,
                       "TTL %d: %u counted", ttl, counters_hop_at(w->counters, (size_t)ttl)->sent);
}

/* A finished trace has no waiting samples, so a snapshot equals its counters. */
static void check_snapshot(const struct world *w)
{
    struct counters *snapshot = counters_snapshot(w->counters);

    if (snapshot == NULL) {
        check_that(false, "no snapshot");
        return;
    }
    for (size_t ttl = 1; ttl < snapshot->hop_count; ttl++) {
        bool shown = snapshot->end == 0 || ttl <= snapshot->end;
        const struct counters_hop *hop = counters_hop_at(w->counters, (size_t)ttl);
        check_int("sent", counters_hop_at(snapshot, ttl)->sent, shown ? hop->sent : 0);
        /* Errors sent by the hop itself, or that end the path, count as its replies. */
        uint32_t finished =
            counters_hop_at(snapshot, ttl)->received + counters_hop_at(snapshot, ttl)->unreachable;
        check_int("received or unreachable", finished,
                  shown ? hop->received + hop->unreachable : 0);
        check_that(!shown || counters_hop_at(snapshot, ttl)->received >= hop->received, "TTL %zu",
                   ttl);
        const struct counters_hop *a = counters_hop_at(snapshot, ttl),
                                  *b = counters_hop_at(w->counters, (size_t)ttl);
        for (size_t c = 0;
             c < a->responder_count && b->in_flight == 0 && a->received == b->received; c++) {
            check_int("samples", (int64_t)a->responders[c].rtt.count,
                      (int64_t)b->responders[c].rtt.count);
            check_near("mean", a->responders[c].rtt.mean_ns, b->responders[c].rtt.mean_ns, 0);
            check_near("jitter", stats_jitter_ns(&a->responders[c].rtt),
                       stats_jitter_ns(&b->responders[c].rtt), 0);
        }
    }
    counters_free(snapshot);
}

static void test_world(uint64_t seed)
{
    struct nature nature;
    struct world w;

    check_note("world %llu: ", (unsigned long long)seed);
    make(&w, &nature, seed);
    w.script = live;
    w.context = &nature;
    world_begin(&w);
    for (int stop = 1; stop < 4; stop++) {
        world_run(&w, stop * 300 * MS);
        check_books(&w, w.counters);
    }
    /* The longest run: every probe and its replacement at the interval, and no replies. */
    world_run(&w, 600 * SECOND);
    if (check_that(trace_done(w.trace), "not done after ten minutes")) {
        check_books(&w, w.counters);
        check_report(&w, &nature);
        check_snapshot(&w);
        check_int("events dropped by the counters", w.counters->out_of_memory, 0);
    }
    world_free(&w);
}

static void test_worlds(unsigned long long first, unsigned long long last)
{
    check_case("worlds_%llu_to_%llu_end_and_their_counters_agree_with_their_events", first, last);
    for (unsigned long long seed = first; seed <= last; seed++)
        test_world(seed);
}

int main(void)
{
    enum { AT_ONCE = 500 };
    const char *one = getenv("WORLD_SEED");
    unsigned long long only = one != NULL ? strtoull(one, NULL, 10) : 0;

    if (one != NULL)
        test_worlds(only, only);
    else if (check_quick())
        test_worlds(1, 60);
    else
        for (unsigned long long first = 1; first < 4000; first += AT_ONCE)
            test_worlds(first, first + AT_ONCE - 1);
    return check_done();
}

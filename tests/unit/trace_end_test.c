/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a path: replies that come from the destination, replies that do not, and changes of
 * the end. */
#include "check.h"
#include "engine/budget.h"
#include "world.h"

static struct world world, *const w = &world;

static void begin(const char *name)
{
    check_case("%s", name);
    world_new(w);
}

/* The counters of a report. */
static struct counters *report;

static const struct counters_hop *shown(unsigned ttl)
{
    return counters_hop_at(report, ttl);
}

static struct trace_summary run(void)
{
    struct trace_summary s;

    world_begin(w);
    world_run(w, 3600 * SECOND);
    check_that(trace_done(w->trace), "the run does not end");
    trace_summary(w->trace, &s);
    counters_free(report);
    report = counters_snapshot(w->counters);
    return s;
}

static const struct counters_hop *hop(unsigned ttl)
{
    return counters_hop_at(w->counters, ttl);
}

/* Checks that hops up to `last` have a whole sample, and no hop more than that. */
static void check_samples(unsigned first, unsigned last)
{
    for (unsigned ttl = first; ttl <= last; ttl++) {
        check_that(hop(ttl)->sent == w->config.packets, "TTL %u: %u counted probes", ttl,
                   hop(ttl)->sent);
        check_that(hop(ttl)->in_flight == 0, "TTL %u: %u in flight", ttl, hop(ttl)->in_flight);
    }
    for (unsigned ttl = last + 1; ttl <= w->config.max_hops; ttl++)
        check_that(hop(ttl)->sent + hop(ttl)->in_flight <= w->config.packets,
                   "TTL %u beyond the end: %u counted probes", ttl, hop(ttl)->sent);
}

/* ---- replies that show the end ------------------------------------------------------------- */

/* Every probe from this TTL on gets this reply. */
struct stop {
    unsigned ttl;
    enum wire_kind kind;
    bool from_target;
    uint8_t code;
};

static int stopping(struct world *in, const struct wire_probe *probe)
{
    const struct stop *stop = in->context;

    if (probe->ttl < stop->ttl)
        return world_line(in, probe);
    struct ipaddr from = stop->from_target ? in->config.spec.target : world_router(in, stop->ttl);
    struct wire_packet packet = world_packet(in, probe, stop->kind, &from);
    if (stop->kind == WIRE_UNREACHABLE)
        packet.code = stop->code;
    world_deliver(in, &packet, 3 * MS, 1);
    return 0;
}

static const struct end_row {
    const char *name;
    enum wire_protocol protocol;
    uint8_t version;
    struct stop stop;
    enum trace_ending ending;
    uint8_t type, code;
} end_rows[] = {
    /* clang-format off */
    { "an_echo_reply_is_the_destination",
      WIRE_ICMP, 4, { 4, WIRE_ECHO_REPLY, true, 0 }, TRACE_REACHED, 0, 0 },
    { "an_echo_reply_6_is_the_destination",
      WIRE_ICMP, 6, { 4, WIRE_ECHO_REPLY, true, 0 }, TRACE_REACHED, 0, 0 },
    { "a_port_unreachable_of_the_target_is_the_destination",
      WIRE_UDP, 4, { 4, WIRE_UNREACHABLE, true, 3 }, TRACE_REACHED, 0, 0 },
    { "a_port_unreachable_6_of_the_target_is_the_destination",
      WIRE_UDP, 6, { 4, WIRE_UNREACHABLE, true, 4 }, TRACE_REACHED, 0, 0 },
    { "a_syn_ack_is_the_destination",
      WIRE_TCP, 4, { 4, WIRE_SYN_ACK, true, 0 }, TRACE_REACHED, 0, 0 },
    { "a_rst_is_the_destination", WIRE_TCP, 4, { 4, WIRE_RST, true, 0 }, TRACE_REACHED, 0, 0 },
    { "a_rst_6_is_the_destination", WIRE_TCP, 6, { 4, WIRE_RST, true, 0 }, TRACE_REACHED, 0, 0 },
    { "a_time_exceeded_of_the_target_is_the_destination",
      WIRE_ICMP, 4, { 4, WIRE_TIME_EXCEEDED, true, 0 }, TRACE_REACHED, 0, 0 },
    { "an_admin_prohibited_of_the_target_is_the_destination",
      WIRE_TCP, 4, { 4, WIRE_UNREACHABLE, true, 13 }, TRACE_REACHED, 0, 0 },
    { "a_host_unreachable_from_elsewhere_ends_the_path",
      WIRE_ICMP, 4, { 3, WIRE_UNREACHABLE, false, 1 }, TRACE_UNREACHABLE, 3, 1 },
    { "a_port_unreachable_from_elsewhere_ends_the_path",
      WIRE_UDP, 4, { 3, WIRE_UNREACHABLE, false, 3 }, TRACE_UNREACHABLE, 3, 3 },
    { "a_prohibited_from_elsewhere_ends_the_path",
      WIRE_TCP, 4, { 3, WIRE_UNREACHABLE, false, 13 }, TRACE_UNREACHABLE, 3, 13 },
    { "a_no_route_6_from_elsewhere_ends_the_path",
      WIRE_ICMP, 6, { 3, WIRE_UNREACHABLE, false, 0 }, TRACE_UNREACHABLE, 1, 0 },
    { "an_unreachable_from_the_first_hop_ends_the_path",
      WIRE_UDP, 4, { 1, WIRE_UNREACHABLE, false, 0 }, TRACE_UNREACHABLE, 3, 0 },
    /* clang-format on */
};

static void test_ends(void)
{
    for (size_t i = 0; i < COUNT(end_rows); i++) {
        const struct end_row *row = &end_rows[i];
        struct stop stop = row->stop;
        begin(row->name);
        world_protocol(w, row->protocol, row->version);
        w->script = stopping;
        w->context = &stop;
        struct trace_summary s = run();
        check_int("ending", s.ending, row->ending);
        check_int("TTL of the end", s.end_ttl, stop.ttl);
        check_int("type", s.end_type, row->type);
        check_int("code", s.end_code, row->code);
        check_samples(1, stop.ttl);
        check_int("received", shown(stop.ttl)->received, 10);
        check_int("unreachable", shown(stop.ttl)->unreachable, 0);
        for (unsigned ttl = 1; ttl < stop.ttl; ttl++)
            check_that(!shown(ttl)->responders[0].target, "TTL %u is called the target", ttl);
        check_int("the target", shown(stop.ttl)->responders[0].target,
                  row->ending == TRACE_REACHED);
        check_int("rows beyond it", (int64_t)shown(stop.ttl + 1)->responder_count, 0);
        size_t past = 0;
        for (unsigned ttl = stop.ttl + 1; ttl <= 30; ttl++)
            past += world_count(w, EVENT_SENT, ttl);
        check_that(past <= 6, "%zu probes past the end", past);
        world_free(w);
    }
}

/* ---- paths without an end ------------------------------------------------------------------ */

static void silence(unsigned from, unsigned to)
{
    for (unsigned ttl = from; ttl <= to; ttl++)
        w->rtt_ns[ttl] = 0;
}

static void test_silence(void)
{
    begin("a_target_that_does_not_answer_is_silent");
    silence(4, 255);
    struct trace_summary s = run();
    check_int("ending", s.ending, TRACE_SILENT);
    check_int("TTL of the end", s.end_ttl, 0);
    check_int("highest TTL", s.probed_ttl, 30);
    check_samples(1, 8); /* five silent hops have a whole sample */
    for (unsigned ttl = 9; ttl <= 30; ttl++)
        check_that(hop(ttl)->total_sent == 1, "%u probes to TTL %u", hop(ttl)->total_sent, ttl);
    check_that(s.elapsed_ns < 4 * SECOND, "%lld ms", (long long)(s.elapsed_ns / MS));
    world_free(w);

    begin("max_silent_says_how_many_silent_hops_get_a_full_sample");
    silence(4, 255);
    w->config.max_silent = 2;
    run();
    check_samples(1, 5);
    check_int("probes to TTL 6", hop(6)->total_sent, 1);
    world_free(w);

    begin("silence_everywhere_ends");
    silence(1, 255);
    s = run();
    check_int("ending", s.ending, TRACE_SILENT);
    check_samples(1, 5);
    check_int("received", hop(1)->received, 0);
    world_free(w);

    begin("silence_over_255_hops_ends");
    silence(1, 255);
    w->config.max_hops = 255;
    s = run();
    check_int("highest TTL", s.probed_ttl, 255);
    check_that(s.elapsed_ns < 12 * SECOND, "%lld ms", (long long)(s.elapsed_ns / MS));
    check_int("probes to TTL 255", hop(255)->total_sent, 1);
    world_free(w);

    begin("silent_hops_in_the_middle_are_crossed");
    w->target_ttl = 20;
    silence(3, 18);
    s = run();
    check_int("ending", s.ending, TRACE_REACHED);
    check_int("TTL of the end", s.end_ttl, 20);
    check_samples(1, 20);
    world_free(w);

    begin("a_silent_first_hop_has_its_sample");
    silence(1, 1);
    s = run();
    check_int("TTL of the end", s.end_ttl, 4);
    check_samples(1, 4);
    world_free(w);
}

static void test_limits(void)
{
    begin("a_target_beyond_max_hops_is_not_reached");
    w->target_ttl = 10;
    w->config.max_hops = 5;
    struct trace_summary s = run();
    check_int("ending", s.ending, TRACE_SILENT);
    check_int("TTL of the end", s.end_ttl, 0);
    check_int("highest TTL", s.probed_ttl, 5);
    check_samples(1, 5);
    check_int("received", hop(5)->received, 10);
    world_free(w);

    begin("a_target_at_max_hops_is_reached");
    w->target_ttl = w->config.max_hops = 5;
    s = run();
    check_int("ending", s.ending, TRACE_REACHED);
    check_samples(1, 5);
    world_free(w);

    begin("a_target_at_255_is_reached");
    w->target_ttl = w->config.max_hops = 255;
    for (unsigned ttl = 1; ttl < WORLD_HOPS; ttl++)
        w->rtt_ns[ttl] = MS;
    s = run();
    check_int("TTL of the end", s.end_ttl, 255);
    check_samples(1, 255);
    world_free(w);

    begin("first_hop_skips_what_is_before_it");
    w->target_ttl = 8;
    w->config.first_hop = 5;
    s = run();
    check_int("TTL of the end", s.end_ttl, 8);
    for (unsigned ttl = 1; ttl < 5; ttl++)
        check_int("probes before it", hop(ttl)->total_sent, 0);
    check_samples(5, 8);
    world_free(w);

    begin("first_hop_beyond_the_target_is_the_end");
    w->target_ttl = 4;
    w->config.first_hop = 9;
    s = run();
    check_int("ending", s.ending, TRACE_REACHED);
    check_int("TTL of the end", s.end_ttl, 9);
    check_samples(9, 9);
    world_free(w);

    begin("one_hop_alone_is_probed");
    w->target_ttl = 8;
    w->config.first_hop = w->config.max_hops = 3;
    s = run();
    check_int("ending", s.ending, TRACE_SILENT);
    check_int("highest TTL", s.probed_ttl, 3);
    check_samples(3, 3);
    world_free(w);
}

/* ---- changes of the end -------------------------------------------------------------------- */

/* The target's TTL is the nth of the list from the nth time on. */
struct move {
    int64_t after_ns;
    uint8_t ttl;
};

static int moving(struct world *in, const struct wire_probe *probe)
{
    const struct move *move = in->context;

    for (; move->ttl != 0; move++)
        if (in->now_ns >= move->after_ns)
            in->target_ttl = move->ttl;
    return world_line(in, probe);
}

static const struct move_row {
    const char *name;
    struct move moves[12];
    uint8_t end;
} move_rows[] = {
    { "an_end_that_moves_up_by_one_is_followed", { { 0, 4 }, { 450 * MS, 5 } }, 5 },
    { "an_end_that_moves_up_by_three_is_followed", { { 0, 4 }, { 450 * MS, 7 } }, 7 },
    { "an_end_that_moves_up_by_nine_is_followed", { { 0, 4 }, { 450 * MS, 13 } }, 13 },
    { "an_end_that_moves_up_at_the_last_probe_is_followed", { { 0, 4 }, { 900 * MS, 6 } }, 6 },
    { "an_end_that_moves_down_by_one_is_followed", { { 0, 5 }, { 450 * MS, 4 } }, 4 },
    { "an_end_that_moves_down_by_four_is_followed", { { 0, 8 }, { 450 * MS, 4 } }, 4 },
    { "an_end_that_moves_down_to_the_first_hop_is_followed", { { 0, 6 }, { 450 * MS, 1 } }, 1 },
    { "an_end_that_moves_up_and_down_is_followed",
      { { 0, 4 }, { 250 * MS, 7 }, { 650 * MS, 5 } },
      5 },
    { "an_end_that_moves_down_and_up_is_followed",
      { { 0, 7 }, { 250 * MS, 4 }, { 650 * MS, 6 } },
      6 },
};

static void test_moves(void)
{
    for (size_t i = 0; i < COUNT(move_rows); i++) {
        const struct move_row *row = &move_rows[i];
        struct move moves[COUNT(row->moves)];
        for (size_t n = 0; n < COUNT(moves); n++)
            moves[n] = row->moves[n];
        begin(row->name);
        w->script = moving;
        w->context = moves;
        struct trace_summary s = run();
        check_int("ending", s.ending, TRACE_REACHED);
        check_int("TTL of the end", s.end_ttl, row->end);
        check_samples(1, row->end);
        for (unsigned ttl = 1; ttl <= 30; ttl++) {
            check_that(hop(ttl)->received <= hop(ttl)->sent, "TTL %u: %u of %u received", ttl,
                       hop(ttl)->received, hop(ttl)->sent);
            check_that(hop(ttl)->responder_count <= 2, "TTL %u: %zu responders", ttl,
                       hop(ttl)->responder_count);
        }
        check_that(world_count(w, EVENT_PATH_CHANGED, 0) >= 2, "no change of the path is reported");
        world_free(w);
    }

    begin("an_end_that_flaps_ends_the_run_all_the_same");
    struct move flaps[] = { { 0, 4 },        { 150 * MS, 6 }, { 250 * MS, 4 },  { 350 * MS, 6 },
                            { 450 * MS, 4 }, { 550 * MS, 6 }, { 650 * MS, 4 },  { 750 * MS, 6 },
                            { 850 * MS, 4 }, { 950 * MS, 6 }, { 1050 * MS, 4 }, { 0, 0 } };
    w->script = moving;
    w->context = flaps;
    struct trace_summary s = run();
    check_int("ending", s.ending, TRACE_REACHED);
    check_samples(1, s.end_ttl);
    world_free(w);
}

/* Replies unreachable from TTL 3 for a while, then the path works. */
static int unreachable_at_first(struct world *in, const struct wire_probe *probe)
{
    struct ipaddr router = world_router(in, 3);

    if (in->now_ns >= 350 * MS || probe->ttl < 3)
        return world_line(in, probe);
    world_answer(in, probe, WIRE_UNREACHABLE, &router, 3 * MS);
    return 0;
}

static int unreachable_later(struct world *in, const struct wire_probe *probe)
{
    struct ipaddr router = world_router(in, 3);

    if (in->now_ns < 350 * MS || probe->ttl < 3)
        return world_line(in, probe);
    world_answer(in, probe, WIRE_UNREACHABLE, &router, 3 * MS);
    return 0;
}

/* Loses the first probes to the target and beyond. */
static int target_wakes_up(struct world *in, const struct wire_probe *probe)
{
    return in->now_ns < 150 * MS && probe->ttl >= in->target_ttl ? 0 : world_line(in, probe);
}

/* The target of a service with a short queue: of what arrives together the last has no reply, and
 * at first one reply to the nearest probe is lost. */
struct queue {
    int64_t free_ns;
    unsigned length, places;
    bool lost;
};

static int queued(struct world *in, const struct wire_probe *probe)
{
    struct queue *queue = in->context;

    if (probe->ttl < in->target_ttl)
        return world_line(in, probe);
    if (in->now_ns > queue->free_ns) {
        queue->length = 0;
        queue->free_ns = in->now_ns + 3 * MS;
    }
    queue->length++;
    if (probe->ttl == in->target_ttl && !queue->lost) {
        queue->lost = true;
        return 0;
    }
    return queue->length <= queue->places ? world_line(in, probe) : 0;
}

static unsigned end_with_queue(unsigned known_hop, unsigned packets, unsigned places)
{
    struct queue queue = { .free_ns = -1, .places = places };
    struct budget budget;

    world_new(w);
    budget_init(&budget);
    w->config.budget = &budget;
    w->config.packets = packets;
    w->config.known_hop = (uint8_t)known_hop;
    w->context = &queue;
    w->script = queued;
    struct trace_summary s = run();
    world_free(w);
    return s.end_ttl;
}

/* A silent hop that may be the target is tested before the probes beyond it fill its queue. */
static void test_queue(void)
{
    check_case("a_target_with_a_short_queue_is_no_farther_than_it_is");
    for (unsigned known_hop = 0; known_hop <= 18; known_hop += 3)
        for (unsigned packets = 1; packets <= 4; packets++)
            for (unsigned places = 1; places <= 16; places++) {
                unsigned end = end_with_queue(known_hop, packets, places);
                check_that(end == 4, "%u packets, %u places, from TTL %u: the target is hop %u",
                           packets, places, known_hop, end);
            }
}

static void test_changes(void)
{
    begin("a_path_that_begins_to_work_is_followed");
    w->target_ttl = 6;
    w->script = unreachable_at_first;
    struct trace_summary s = run();
    check_int("ending", s.ending, TRACE_REACHED);
    check_int("TTL of the end", s.end_ttl, 6);
    check_samples(1, 6);
    world_free(w);

    begin("a_path_that_breaks_keeps_its_hops_and_what_is_reported_is_lost");
    w->target_ttl = 6;
    w->script = unreachable_later;
    s = run();
    check_int("ending", s.ending, TRACE_REACHED);
    check_int("TTL of the end", s.end_ttl, 6);
    check_samples(1, 6);
    check_int("received from its sender", shown(3)->received, 10);
    for (unsigned ttl = 4; ttl <= 6; ttl++) {
        check_int("received", shown(ttl)->received, 4);
        check_int("unreachable", shown(ttl)->unreachable, 6);
        check_int("responders", (int64_t)shown(ttl)->responders[0].elsewhere, 0);
        check_int("reports", (int64_t)shown(ttl)->report_count, 1);
        check_that(!shown(ttl)->rate_limited, "TTL %u is called rate-limiting", ttl);
    }
    world_free(w);

    begin("a_target_that_wakes_up_leaves_no_ghost_hops");
    w->script = target_wakes_up;
    s = run();
    check_int("ending", s.ending, TRACE_REACHED);
    check_int("TTL of the end", s.end_ttl, 4);
    check_samples(1, 4);
    world_free(w);

    begin("a_reply_after_the_end_of_the_run_changes_nothing");
    silence(2, 2);
    s = run();
    size_t events = w->log_count;
    struct wire_probe probe = { .number = 1, .ttl = 2 };
    struct wire_packet packet = world_packet(w, &probe, WIRE_ECHO_REPLY, &w->config.spec.target);
    struct trace_stamp stamp = { .ns = w->wall_ns + w->now_ns + MS, .epoch = w->epoch, .link = 1 };
    trace_reply(w->trace, &packet, stamp, w->now_ns + MS);
    trace_summary(w->trace, &s);
    check_int("events", (int64_t)w->log_count, (int64_t)events);
    check_int("TTL of the end", s.end_ttl, 4);
    world_free(w);
}

int main(void)
{
    test_ends();
    test_silence();
    test_limits();
    test_moves();
    test_queue();
    test_changes();
    counters_free(report);
    return check_done();
}

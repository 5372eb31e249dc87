/* SPDX-License-Identifier: BSD-2-Clause */
/* The send times and the outcomes of probes. */
#include "check.h"
#include "world.h"

#include <errno.h>

static struct world world, *const w = &world;

static void begin(const char *name)
{
    check_case("%s", name);
    world_new(w);
}

static void run(void)
{
    world_begin(w);
    world_run(w, 3600 * SECOND);
    check_that(trace_done(w->trace), "the run does not end");
}

static struct trace_summary summary(void)
{
    struct trace_summary s;
    trace_summary(w->trace, &s);
    return s;
}

static const struct counters_hop *hop(unsigned ttl)
{
    return counters_hop_at(w->counters, ttl);
}

/* Returns when the nth probe was sent to this TTL; -1 if it was not. */
static int64_t sent_at(unsigned ttl, size_t n)
{
    const struct world_event *e = world_nth(w, EVENT_SENT, ttl, n);
    return e != NULL ? e->event.at_ns : -1;
}

/* ---- pace ---------------------------------------------------------------------------------- */

/* Checks that `first` unsampled probes are followed by the counted ones, then by `tests`. */
static void check_order(unsigned ttl, int64_t interval_ns, size_t first, size_t tests)
{
    size_t counted = w->config.packets;

    for (size_t n = 0; n < first + counted + tests; n++) {
        const struct world_event *e = world_nth(w, EVENT_SENT, ttl, n);
        if (e == NULL)
            return;
        bool counts = n >= first && n < first + counted;
        check_int("class", e->event.class, counts ? PROBE_COUNTED : PROBE_TEST);
        int64_t gap = n > 0 ? e->event.at_ns - sent_at(ttl, n - 1) : 0;
        if (n > first && counts)
            check_that(gap == interval_ns, "TTL %u, probe %zu: %lld ns after the one before", ttl,
                       n, (long long)gap);
        if (n >= first + counted)
            check_that(gap <= MS, "TTL %u, test probe %zu: %lld ns later", ttl, n, (long long)gap);
    }
}

static void check_hop_pace(unsigned ttl, int64_t interval_ns, size_t first, size_t tests)
{
    size_t counted = w->config.packets, all = first + counted + tests;

    check_int("counted probes", (int64_t)world_count_class(w, EVENT_SENT, ttl, PROBE_COUNTED),
              (int64_t)counted);
    check_int("test probes", (int64_t)world_count_class(w, EVENT_SENT, ttl, PROBE_TEST),
              (int64_t)(first + tests));
    check_order(ttl, interval_ns, first, tests);
    check_int("sent", hop(ttl)->sent, (int64_t)counted);
    check_int("received", hop(ttl)->received, (int64_t)counted);
    check_int("raw sent", hop(ttl)->total_sent, (int64_t)all);
    check_int("raw received", hop(ttl)->total_received, (int64_t)all);
    check_int("in flight", hop(ttl)->in_flight, 0);
    check_that(!hop(ttl)->untested, "TTL %u is untested", ttl);
}

static const struct pace_row {
    const char *name;
    enum wire_protocol protocol;
    uint8_t version, target;
    uint32_t packets;
    int64_t interval_ns, gap_ns;
    size_t first, tests;
} pace_rows[] = {
    { "ten_packets_go_100_ms_apart_and_12_tests_follow", WIRE_ICMP, 4, 8, 10, 0, 100 * MS, 0, 12 },
    { "udp4_has_the_same_pace", WIRE_UDP, 4, 8, 10, 0, 100 * MS, 0, 12 },
    { "tcp4_has_the_same_pace", WIRE_TCP, 4, 8, 10, 0, 100 * MS, 0, 12 },
    { "icmp6_has_the_same_pace", WIRE_ICMP, 6, 8, 10, 0, 100 * MS, 0, 12 },
    { "udp6_has_the_same_pace", WIRE_UDP, 6, 8, 10, 0, 100 * MS, 0, 12 },
    { "tcp6_has_the_same_pace", WIRE_TCP, 6, 8, 10, 0, 100 * MS, 0, 12 },
    { "one_packet_is_followed_by_12_tests", WIRE_ICMP, 4, 3, 1, 0, 100 * MS, 0, 12 },
    { "a_target_on_the_link_has_the_same_pace", WIRE_ICMP, 4, 1, 10, 0, 100 * MS, 0, 12 },
    { "a_target_at_20_has_the_same_pace", WIRE_ICMP, 4, 20, 10, 0, 100 * MS, 0, 12 },
    { "1000_packets_find_the_pace_first", WIRE_ICMP, 4, 2, 1000, 0, 100 * MS, 24, 12 },
    { "an_interval_of_half_a_second_is_kept", WIRE_ICMP, 4, 5, 5, 500 * MS, 500 * MS, 0, 12 },
    { "an_interval_of_1_ms_is_kept", WIRE_ICMP, 4, 3, 50, MS, MS, 0, 12 },
    { "an_interval_below_1050_ms_has_tests", WIRE_ICMP, 4, 3, 4, 1049 * MS, 1049 * MS, 14, 12 },
    { "an_interval_of_1050_ms_has_no_tests", WIRE_ICMP, 4, 3, 4, 1050 * MS, 1050 * MS, 1, 0 },
    { "an_interval_of_2_s_has_no_tests", WIRE_UDP, 6, 3, 4, 2 * SECOND, 2 * SECOND, 1, 0 },
};

static void test_pace(void)
{
    for (size_t i = 0; i < COUNT(pace_rows); i++) {
        const struct pace_row *row = &pace_rows[i];
        begin(row->name);
        world_protocol(w, row->protocol, row->version);
        w->target_ttl = row->target;
        w->config.packets = row->packets;
        w->config.interval_ns = row->interval_ns;
        for (unsigned ttl = 1; ttl < WORLD_HOPS; ttl++)
            w->rtt_ns[ttl] = 1000 * (int64_t)ttl;
        run();
        for (unsigned ttl = 1; ttl <= row->target; ttl++)
            check_hop_pace(ttl, row->gap_ns, row->first, row->tests);
        check_int("ending", summary().ending, TRACE_REACHED);
        check_int("timeouts", (int64_t)world_count(w, EVENT_TIMEOUT, 0), 0);
        world_free(w);
    }
}

static void test_duration(void)
{
    begin("eight_hops_without_loss_take_hardly_a_second");
    w->target_ttl = 8;
    run();
    check_that(summary().elapsed_ns <= 1100 * MS, "%lld ms",
               (long long)(summary().elapsed_ns / MS));
    world_free(w);

    begin("a_silent_hop_is_waited_for_a_second_and_not_five");
    w->target_ttl = 8;
    w->rtt_ns[3] = 0;
    run();
    check_that(summary().elapsed_ns <= 2150 * MS, "%lld ms",
               (long long)(summary().elapsed_ns / MS));
    check_int("sent to the silent hop", hop(3)->sent, 10);
    check_int("in flight", hop(3)->in_flight, 0);
    world_free(w);

    begin("twenty_five_hops_are_found_at_the_speed_of_the_path");
    w->target_ttl = 25;
    run();
    check_that(summary().elapsed_ns <= 1300 * MS, "%lld ms",
               (long long)(summary().elapsed_ns / MS));
    world_free(w);
}

/* ---- window -------------------------------------------------------------------------------- */

static void test_window(void)
{
    begin("before_any_answer_6_ttls_are_probed_once_at_once");
    w->script = world_line;
    world_begin(w);
    world_run(w, 1);
    check_int("probes", (int64_t)world_count(w, EVENT_SENT, 0), 6);
    for (unsigned ttl = 1; ttl <= 6; ttl++)
        check_int("to each", (int64_t)world_count(w, EVENT_SENT, ttl), 1);
    world_free(w);

    begin("an_answer_moves_the_window_to_6_beyond");
    w->target_ttl = 20;
    for (unsigned ttl = 4; ttl <= 20; ttl++)
        w->rtt_ns[ttl] = 50 * MS;
    world_begin(w);
    world_run(w, 49 * MS);
    check_int("highest TTL after the reply of 3", summary().probed_ttl, 9);
    world_run(w, 51 * MS);
    check_int("highest TTL after the reply of 6", summary().probed_ttl, 12);
    world_free(w);

    begin("silence_moves_the_window_on_every_200_ms");
    w->target_ttl = 0;
    for (unsigned ttl = 1; ttl < WORLD_HOPS; ttl++)
        w->rtt_ns[ttl] = 0;
    world_begin(w);
    for (unsigned step = 0; step < 5; step++) {
        world_run(w, step * 200 * MS + 199 * MS);
        check_int("highest TTL", summary().probed_ttl, 6 * (step + 1));
    }
    world_free(w);

    begin("only_a_handful_of_probes_goes_past_the_destination");
    w->target_ttl = 4;
    run();
    size_t past = 0;
    for (unsigned ttl = 5; ttl <= 30; ttl++) {
        size_t here = world_count(w, EVENT_SENT, ttl);
        check_that(here <= 1, "%zu probes to TTL %u", here, ttl);
        past += here;
    }
    check_that(past <= 6, "%zu probes past the destination", past);
    world_free(w);

    begin("a_slow_destination_gets_a_handful_more_past_it");
    w->target_ttl = 4;
    w->rtt_ns[4] = 300 * MS;
    run();
    past = 0;
    for (unsigned ttl = 5; ttl <= 30; ttl++)
        past += world_count(w, EVENT_SENT, ttl);
    check_that(past <= 12, "%zu probes past the destination", past);
    check_int("highest TTL", summary().end_ttl, 4);
    check_int("sent to it", hop(4)->sent, 10);
    world_free(w);
}

/* ---- outcomes ------------------------------------------------------------------------------ */

/* The reply timeout of an unanswered probe to TTL 2, sent when the path is known. */
static const struct reply_timeout_row {
    const char *name;
    int64_t timeout_ns, rtt_ns, want_ns;
} reply_timeout_rows[] = {
    { "a_fast_path_waits_a_second", 5 * SECOND, 2 * MS, SECOND },
    { "a_path_of_250_ms_waits_a_second", 5 * SECOND, 250 * MS, SECOND },
    { "a_path_of_400_ms_waits_four_times_that", 5 * SECOND, 400 * MS, 1600 * MS },
    { "the_timeout_limits_the_reply_timeout", 1200 * MS, 400 * MS, 1200 * MS },
    { "a_short_timeout_is_kept", 300 * MS, 2 * MS, 300 * MS },
    { "a_timeout_of_1_ms_is_kept", MS, 100000, MS },
};

static void test_reply_timeout(void)
{
    for (size_t i = 0; i < COUNT(reply_timeout_rows); i++) {
        const struct reply_timeout_row *row = &reply_timeout_rows[i];
        begin(row->name);
        w->config.timeout_ns = row->timeout_ns;
        for (unsigned ttl = 1; ttl < WORLD_HOPS; ttl++)
            w->rtt_ns[ttl] = row->rtt_ns;
        w->rtt_ns[2] = 0;
        run();
        const struct world_event *out;
        check_int("timeouts of counted probes",
                  (int64_t)world_count_class(w, EVENT_TIMEOUT, 2, PROBE_COUNTED), 10);
        for (size_t n = 0; (out = world_nth(w, EVENT_TIMEOUT, 2, n)) != NULL; n++)
            if (out->event.class == PROBE_COUNTED && out->event.probe >= 20)
                break;
        for (size_t s = 0; out != NULL && sent_at(2, s) >= 0; s++)
            if (world_nth(w, EVENT_SENT, 2, s)->event.probe == out->event.probe)
                check_int("reply_timeout", out->event.at_ns - sent_at(2, s), row->want_ns);
        check_that(out != NULL, "no timeout");
        check_int("sent", hop(2)->sent, 10);
        check_int("received", hop(2)->received, 0);
        world_free(w);
    }
}

/* The nth probe to TTL 2 is special. */
struct special {
    unsigned nth, seen;
    int (*happens)(struct world *world, const struct wire_probe *probe);
};

static int special(struct world *in, const struct wire_probe *probe)
{
    struct special *s = in->context;

    if (probe->ttl == 2 && s->seen++ == s->nth)
        return s->happens(in, probe);
    return world_line(in, probe);
}

static int late(struct world *in, const struct wire_probe *probe)
{
    struct ipaddr router = world_router(in, probe->ttl);
    world_answer(in, probe, WIRE_TIME_EXCEEDED, &router, 1005 * MS);
    return 0;
}

static int lost(struct world *in, const struct wire_probe *probe)
{
    (void)in;
    (void)probe;
    return 0;
}

static int vanishes(struct world *in, const struct wire_probe *probe)
{
    (void)in;
    (void)probe;
    return WORLD_VANISHED;
}

static int vanishes_while_the_capture_drops(struct world *in, const struct wire_probe *probe)
{
    in->drops++;
    return vanishes(in, probe);
}

static int lost_while_the_capture_drops(struct world *in, const struct wire_probe *probe)
{
    in->drops++;
    return lost(in, probe);
}

static int late_while_the_capture_drops(struct world *in, const struct wire_probe *probe)
{
    in->drops++;
    return late(in, probe);
}

/* Answers later than the kernel holds any packet. */
static int vanishes_and_is_answered_late(struct world *in, const struct wire_probe *probe)
{
    struct ipaddr router = world_router(in, probe->ttl);
    world_answer(in, probe, WIRE_TIME_EXCEEDED, &router, 4001 * MS);
    return WORLD_VANISHED;
}

/* The kernel holds the probe until the neighbour's address is known. */
static int is_held(struct world *in, const struct wire_probe *probe)
{
    struct ipaddr router = world_router(in, probe->ttl);
    struct wire_packet own = world_packet(in, probe, WIRE_PROBE, &in->config.spec.source);

    world_deliver(in, &own, 1900 * MS, 1);
    world_answer(in, probe, WIRE_TIME_EXCEEDED, &router, 1902 * MS);
    return WORLD_VANISHED;
}

static int is_held_and_lost(struct world *in, const struct wire_probe *probe)
{
    struct wire_packet own = world_packet(in, probe, WIRE_PROBE, &in->config.spec.source);

    world_deliver(in, &own, 1900 * MS, 1);
    return WORLD_VANISHED;
}

static int refused(struct world *in, const struct wire_probe *probe)
{
    (void)in;
    (void)probe;
    return ENOBUFS;
}

static int doubled(struct world *in, const struct wire_probe *probe)
{
    struct ipaddr router = world_router(in, probe->ttl);
    world_answer(in, probe, WIRE_TIME_EXCEEDED, &router, 2 * MS);
    world_answer(in, probe, WIRE_TIME_EXCEEDED, &router, 3 * MS);
    return 0;
}

/* On a bridge, each packet is captured on the port and on the bridge. */
static int seen_on_two_links(struct world *in, const struct wire_probe *probe)
{
    struct ipaddr router = world_router(in, probe->ttl);
    struct wire_packet packet = world_packet(in, probe, WIRE_TIME_EXCEEDED, &router);
    world_deliver(in, &packet, 2 * MS, 5);
    world_deliver(in, &packet, 2 * MS, 9);
    return 0;
}

static int doubled_and_seen_on_two_links(struct world *in, const struct wire_probe *probe)
{
    seen_on_two_links(in, probe);
    return seen_on_two_links(in, probe);
}

static int clock_is_set(struct world *in, const struct wire_probe *probe)
{
    world_line(in, probe);
    in->wall_ns += 3600 * SECOND; /* the probe's timestamp is older than the adjustment */
    in->epoch++;
    return 0;
}

/* The clock is adjusted between two readings. */
static int clock_is_set_unnoticed(struct world *in, const struct wire_probe *probe)
{
    world_line(in, probe);
    in->wall_ns += 40 * MS;
    return 0;
}

static int clock_is_slewed(struct world *in, const struct wire_probe *probe)
{
    world_line(in, probe);
    in->wall_ns += MS / 2;
    return 0;
}

static const struct outcome_row {
    const char *name;
    int (*happens)(struct world *world, const struct wire_probe *probe);
    /* at TTL 2 */
    uint32_t sent, received, send_errors, late, duplicates;
    size_t samples;
} outcome_rows[] = {
    { "a_lost_probe_is_a_timeout", lost, 25, 24, 0, 0, 0, 24 },
    { "a_late_reply_is_received_but_no_sample", late, 25, 25, 0, 1, 0, 24 },
    { "a_second_reply_is_a_duplicate", doubled, 25, 25, 0, 0, 1, 25 },
    { "a_copy_on_another_link_is_no_duplicate", seen_on_two_links, 25, 25, 0, 0, 0, 25 },
    { "a_duplicate_seen_on_two_links_is_one", doubled_and_seen_on_two_links, 25, 25, 0, 0, 1, 25 },
    { "a_send_error_is_replaced", refused, 25, 25, 1, 0, 0, 25 },
    { "a_vanished_probe_is_a_send_error_and_replaced", vanishes, 25, 25, 1, 0, 0, 25 },
    { "a_probe_that_the_kernel_held_was_sent_later", is_held, 25, 25, 0, 0, 0, 25 },
    { "a_probe_that_was_held_and_lost_is_a_timeout", is_held_and_lost, 25, 24, 0, 0, 0, 24 },
    { "an_rtt_beyond_the_monotonic_time_is_none", clock_is_set_unnoticed, 25, 25, 0, 0, 0, 24 },
    { "an_rtt_beyond_it_by_less_than_1_ms_counts", clock_is_slewed, 25, 25, 0, 0, 0, 25 },
    { "a_vanished_probe_is_lost_where_the_capture_dropped", vanishes_while_the_capture_drops, 25,
      24, 0, 0, 0, 24 },
};

static void test_outcomes(void)
{
    for (size_t i = 0; i < COUNT(outcome_rows); i++) {
        for (unsigned nth = 0; nth < 10; nth += 3) {
            const struct outcome_row *row = &outcome_rows[i];
            struct special s = { .nth = nth, .happens = row->happens };
            check_case("%s_at_probe_%u", row->name, nth);
            world_new(w);
            w->script = special;
            w->context = &s;
            w->config.packets = 25; /* so that the run has not ended when a late reply arrives */
            run();
            check_int("sent", hop(2)->sent, row->sent);
            check_int("received", hop(2)->received, row->received);
            check_int("send errors", hop(2)->send_errors, row->send_errors);
            check_int("late", hop(2)->late, row->late);
            check_int("duplicates", hop(2)->duplicates, row->duplicates);
            check_int("in flight", hop(2)->in_flight, 0);
            check_int("responders", (int64_t)hop(2)->responder_count, 1);
            check_int("samples", (int64_t)hop(2)->responders[0].rtt.count, (int64_t)row->samples);
            for (unsigned ttl = 1; ttl <= 4; ttl++)
                check_int("sent to each hop", hop(ttl)->sent, 25);
            check_int("timeouts elsewhere", hop(3)->sent - hop(3)->received, 0);
            world_free(w);
        }
    }
}

/* A packet that the capture dropped may have been the reply. */
static void test_blind(void)
{
    static const struct {
        const char *name;
        int (*happens)(struct world *world, const struct wire_probe *probe);
        uint32_t lost_during_drops;
    } rows[] = {
        { "a_probe_lost_while_the_capture_dropped_is_marked", lost_while_the_capture_drops, 1 },
        { "a_probe_lost_before_or_after_a_drop_is_not_marked", lost, 0 },
        { "a_late_reply_was_not_dropped", late_while_the_capture_drops, 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct special s = { .nth = 3, .happens = rows[i].happens };
        check_case("%s", rows[i].name);
        world_new(w);
        w->script = special;
        w->context = &s;
        w->config.packets = 25;
        w->drops = 7;
        run();
        check_int("blind", hop(2)->lost_during_drops, rows[i].lost_during_drops);
        check_int("blind elsewhere", hop(3)->lost_during_drops, 0);
        world_free(w);
    }
}

/* ---- the details of outcomes --------------------------------------------------------------- */

static void begin_special(const char *name, struct special *s)
{
    begin(name);
    w->script = special;
    w->context = s;
}

static void test_error_details(void)
{
    struct special s = { .nth = 3, .happens = refused };
    const struct world_event *e;

    begin_special("a_send_error_names_its_errno", &s);
    run();
    e = world_nth(w, EVENT_SEND_ERROR, 2, 0);
    check_int("errno", e != NULL ? e->event.error : -1, ENOBUFS);
    check_int("last error", summary().last_error, ENOBUFS);
    world_free(w);

    s = (struct special){ .nth = 3, .happens = vanishes };
    begin_special("a_vanished_probe_has_no_errno_but_is_named", &s);
    run();
    e = world_nth(w, EVENT_SEND_ERROR, 2, 0);
    check_int("errno", e != NULL ? e->event.error : -1, 0);
    check_int("last error", summary().last_error, TRACE_VANISHED);
    world_free(w);

    s = (struct special){ .nth = 0, .happens = vanishes_and_is_answered_late };
    begin_special("a_reply_to_a_vanished_probe_shows_that_it_was_sent", &s);
    run();
    check_int("send errors", hop(2)->send_errors, 0);
    check_int("received", hop(2)->received, hop(2)->sent);
    check_int("late", hop(2)->late, 1);
    check_int("missing_tx_timestamp", summary().missing_tx_timestamp, 1);
    world_free(w);
}

static void test_held(void)
{
    struct special s = { .nth = 3, .happens = is_held };
    const struct world_event *e;

    begin_special("the_rtt_of_a_held_probe_begins_when_it_was_sent", &s);
    run();
    for (size_t n = 0; (e = world_nth(w, EVENT_REPLY, 2, n)) != NULL; n++)
        check_int("RTT", e->event.rtt_ns, 2 * MS);
    check_int("replies", (int64_t)world_count_class(w, EVENT_REPLY, 2, PROBE_COUNTED), 10);
    check_int("events of errors", (int64_t)world_count(w, EVENT_SEND_ERROR, 0), 0);
    check_int("missing_tx_timestamp", summary().missing_tx_timestamp, 0);
    world_free(w);

    s = (struct special){ .nth = 3, .happens = is_held_and_lost };
    begin_special("the_deadline_of_a_held_probe_begins_when_it_was_sent", &s);
    run();
    const struct world_event *sent = world_nth(w, EVENT_SENT, 2, 3);
    e = world_nth(w, EVENT_TIMEOUT, 2, 0);
    if (check_that(e != NULL && sent != NULL, "no timeout"))
        check_int("ms", (e->event.at_ns - sent->event.at_ns) / MS, 2900);
    world_free(w);
}

static void test_missing_rtts(void)
{
    struct special s = { .nth = 3, .happens = clock_is_set };
    const struct world_event *e;
    size_t steps = 0;

    begin_special("a_clock_adjustment_costs_the_rtt_and_not_the_reply", &s);
    run();
    check_int("received", hop(2)->received, 10);
    check_int("samples", (int64_t)hop(2)->responders[0].rtt.count, 9);
    check_that(summary().clock_adjustments >= 1, "no clock step");
    for (size_t n = 0; (e = world_nth(w, EVENT_REPLY, 0, n)) != NULL; n++) {
        steps += e->event.clock_adjustment;
        check_that(e->event.clock_adjustment ? e->event.rtt_ns == -1 : e->event.rtt_ns <= 4 * MS,
                   "an RTT of %lld ns", (long long)e->event.rtt_ns);
    }
    check_int("replies without RTT", (int64_t)steps, summary().clock_adjustments);
    world_free(w);

    begin("without_captured_probes_there_are_replies_and_no_rtts");
    w->not_captured = true;
    w->rtt_ns[2] = 0;
    run();
    check_int("received", hop(1)->received, 10);
    check_int("samples", (int64_t)hop(1)->responders[0].rtt.count, 0);
    check_int("sent to the silent hop", hop(2)->sent, 10);
    check_int("send errors", (int64_t)world_count(w, EVENT_SEND_ERROR, 0), 0);
    check_that(summary().missing_tx_timestamp >= 30, "%u missing_tx_timestamp",
               summary().missing_tx_timestamp);
    world_free(w);
}

/* ---- nothing can be sent ------------------------------------------------------------------- */

static int always_refused(struct world *in, const struct wire_probe *probe)
{
    (void)in;
    (void)probe;
    return EPERM;
}

static int refused_from_now_on(struct world *in, const struct wire_probe *probe)
{
    return in->now_ns >= 450 * MS ? ENETDOWN : world_line(in, probe);
}

static int refused_one_in_four(struct world *in, const struct wire_probe *probe)
{
    return check_random(&in->seed) % 4 == 0 ? ENOBUFS : world_line(in, probe);
}

static int vanishes_always(struct world *in, const struct wire_probe *probe)
{
    (void)in;
    (void)probe;
    return WORLD_VANISHED;
}

static void test_send_errors(void)
{
    begin("a_run_that_can_send_nothing_ends");
    w->script = always_refused;
    run();
    check_int("ending", summary().ending, TRACE_SILENT);
    check_int("last error", summary().last_error, EPERM);
    for (unsigned ttl = 1; ttl <= 30; ttl++) {
        check_that(hop(ttl)->send_errors <= 14, "%u errors at TTL %u", hop(ttl)->send_errors, ttl);
        check_int("sent", hop(ttl)->sent, 0);
        check_int("in flight", hop(ttl)->in_flight, 0);
    }
    check_that(summary().elapsed_ns < 5 * SECOND, "%lld ms",
               (long long)(summary().elapsed_ns / MS));
    world_free(w);

    begin("an_interface_that_goes_down_ends_the_run_without_false_loss");
    w->script = refused_from_now_on;
    run();
    for (unsigned ttl = 1; ttl <= 4; ttl++) {
        check_int("received", hop(ttl)->received, hop(ttl)->sent);
        check_int("sent", hop(ttl)->sent, 5);
        check_int("in flight", hop(ttl)->in_flight, 0);
    }
    check_int("last error", summary().last_error, ENETDOWN);
    check_int("ending", summary().ending, TRACE_REACHED);
    world_free(w);

    begin("send_errors_at_random_are_replaced");
    w->script = refused_one_in_four;
    w->config.packets = 50;
    run();
    for (unsigned ttl = 1; ttl <= 4; ttl++) {
        check_int("sent", hop(ttl)->sent, 50);
        check_int("received", hop(ttl)->received, hop(ttl)->sent);
    }
    world_free(w);

    begin("probes_that_all_vanish_end_the_run");
    w->script = vanishes_always;
    run();
    check_int("sent to the first hop", hop(1)->sent, 0);
    check_int("last error", summary().last_error, TRACE_VANISHED);
    check_that(summary().elapsed_ns < 30 * SECOND, "%lld ms",
               (long long)(summary().elapsed_ns / MS));
    world_free(w);
}

/* ---- send errors with rate-limited responders ---------------------------------------------- */

static void test_rate_limited(void)
{
    struct special s = { .nth = 14, .happens = vanishes }; /* the second probe of the burst test */

    begin_special("a_silent_hop_whose_test_probe_vanishes_is_not_rate_limited", &s);
    w->rtt_ns[2] = 0;
    run();
    check_int("rate_limited", (int64_t)world_count(w, EVENT_RATE_LIMITED, 2), 0);
    check_int("sent", hop(2)->sent, 10);
    world_free(w);

    s = (struct special){ .nth = 0, .happens = vanishes };
    begin_special("a_vanished_probe_of_a_replaced_sample_leaves_the_new_one_whole", &s);
    const struct pace_key key = { .responder = world_router(w, 2), .ttl = 2 };
    pace_rate_limit(w->pace, &key, (struct pace_evidence){ 16, 1 }, 2100 * MS, 0);
    run();
    check_int("rate_limited", (int64_t)world_count(w, EVENT_RATE_LIMITED, 2), 1);
    check_int("sent", hop(2)->sent, 10);
    check_int("received", hop(2)->received, 10);
    world_free(w);
}

static void test_config(void)
{
    begin("the_trace_knows_its_configuration");
    w->config.packets = 77;
    world_begin(w);
    check_int("packets", trace_config(w->trace)->packets, 77);
    check_int("done", trace_done(w->trace), 0);
    check_int("ending", summary().ending, TRACE_RUNNING);
    world_free(w);
    trace_free(NULL);

    begin("the_last_event_is_done_and_comes_once");
    run();
    check_int("done events", (int64_t)world_count(w, EVENT_DONE, 0), 1);
    check_int("last event", w->log[w->log_count - 1].event.kind, EVENT_DONE);
    check_that(trace_due(w->trace) == INT64_MAX, "still due");
    world_free(w);
}

int main(void)
{
    test_pace();
    test_duration();
    test_window();
    test_reply_timeout();
    test_outcomes();
    test_blind();
    test_error_details();
    test_held();
    test_missing_rtts();
    test_send_errors();
    test_rate_limited();
    test_config();
    return check_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Traces inside a TCP connection, in virtual time: the session's machine and the trace as the
 * prober joins them, over a path of six hops whose target answers, closes, resets or is silent
 * as a case says. Whatever it does, no probe is lost that the path has not lost, no round trip
 * is another probe's, and connections have a bound.
 *
 * session_test [SEEDS] */
#include "base/units.h"
#include "check.h"
#include "engine/session.h"
#include "engine/trace.h"
#include "results/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

enum { HOPS = 6, QUEUE = 4096, PROBE_MAX = 128, TURNS = 400000, SEEDS = 300, SEEDS_QUICK = 20 };
static const int64_t last_ns = 600 * SECOND;

/* How the target and the path behave. */
struct habit {
    bool refuses, ignores; /* the connection: a reset, nothing */
    bool silent;           /* it is made, but nothing in it is answered */
    bool no_dsack;         /* answers do not name their segment */
    int64_t close_ns;      /* the target closes a connection of this age; 0: never */
    uint32_t closes;       /* so many of them; 0: all */
    uint32_t reset_at;     /* hop 4 resets at this segment in a connection; 0: never */
    double loss;           /* of segments to the target and of their answers together */
    double hop_loss;       /* of probes to hop 2 */
    uint32_t packets;
    int64_t interval_ns;
};

struct delivery {
    int64_t at_ns;
    bool to_socket; /* the socket hears `error` */
    int error;
    struct wire_packet packet;
};

struct net {
    struct habit habit;
    int64_t now_ns;
    struct trace *trace;
    struct counters *counters;
    struct pace *pace;
    struct session session;
    bool connected;
    int64_t connected_ns;
    uint32_t isn, peer_isn;
    uint32_t connects, checks, segments, syns; /* segments in this connection */
    uint32_t target_lost, hop_lost;            /* probes that the path lost */
    uint32_t bad_times;                        /* round trips that are not the path's */
    uint32_t outstanding, most_outstanding;    /* segments to the target without an answer yet */
    uint32_t send_errors;
    uint64_t seed;
    struct delivery queue[QUEUE];
    size_t queued;
};

/* ---- the network --------------------------------------------------------------------------- */

static void deliver(struct net *n, struct delivery d)
{
    size_t at = n->queued;

    if (at == QUEUE)
        abort();
    n->queued++;
    for (; at > 0 && n->queue[at - 1].at_ns > d.at_ns; at--)
        n->queue[at] = n->queue[at - 1];
    n->queue[at] = d;
}

static const struct wire_spec *spec_of(const struct net *n)
{
    return &trace_config(n->trace)->spec;
}

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t sum_of(const uint8_t *at, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i += 2)
        sum += (uint32_t)(at[i] << 8 | at[i + 1]);
    sum = (sum >> 16) + (sum & 0xffff);
    return (sum >> 16) + (sum & 0xffff);
}

/* A segment between the two, as bytes, so that the parser reads it. */
static struct wire_packet segment(const struct net *n, bool from_target, uint8_t flags,
                                  uint32_t seq, uint32_t ack, const uint8_t *options,
                                  size_t option_bytes, uint8_t ttl)
{
    const struct wire_spec *spec = spec_of(n);
    const struct ipaddr *from = from_target ? &spec->target : &spec->source;
    const struct ipaddr *to = from_target ? &spec->source : &spec->target;
    uint16_t ports[] = { spec->source_port, spec->target_port };
    uint8_t b[PROBE_MAX] = { 0x45 };
    struct wire_packet packet;
    size_t length = 40 + option_bytes;

    b[3] = (uint8_t)length;
    b[8] = ttl;
    b[9] = 6;
    memcpy(b + 12, from->bytes, 4);
    memcpy(b + 16, to->bytes, 4);
    uint32_t sum = ~sum_of(b, 20);
    b[10] = (uint8_t)(sum >> 8);
    b[11] = (uint8_t)sum;
    for (int i = 0; i < 2; i++) {
        uint16_t port = ports[from_target ? 1 - i : i];
        b[20 + 2 * i] = (uint8_t)(port >> 8);
        b[21 + 2 * i] = (uint8_t)port;
    }
    put32(b + 24, seq);
    put32(b + 28, ack);
    b[32] = (uint8_t)((20 + option_bytes) / 4 << 4);
    b[33] = flags;
    b[34] = 0xfe; /* the window */
    if (option_bytes > 0)
        memcpy(b + 40, options, option_bytes);
    if (wire_parse(b, length, &packet) != WIRE_OK)
        abort();
    return packet;
}

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };
static const uint8_t handshake_options[] = { 2, 4, 5, 180, 4, 2, 8, 10, 1, 2,
                                             3, 4, 5, 6,   7, 8, 1, 3,  3, 7 };

/* The kernel's SYN, and what comes of it. */
static void connect_socket(struct net *n)
{
    n->connects++;
    n->segments = 0;
    n->isn = (uint32_t)check_random(&n->seed);
    n->peer_isn = (uint32_t)check_random(&n->seed);
    const struct wire_packet syn =
        segment(n, false, SYN, n->isn, 0, handshake_options, sizeof handshake_options, 64);
    session_sent(&n->session, &syn);
    if (n->habit.ignores)
        return;
    struct delivery in = { .at_ns = n->now_ns + 2 * HOPS * MS };
    if (n->habit.refuses) {
        in.packet = segment(n, true, RST | ACK, 0, n->isn + 1, NULL, 0, 59);
        deliver(n, in);
        deliver(n, (struct delivery){ in.at_ns, true, ECONNREFUSED, in.packet });
        return;
    }
    in.packet = segment(n, true, SYN | ACK, n->peer_isn, n->isn + 1, handshake_options,
                        sizeof handshake_options, 59);
    deliver(n, in);
    n->connected = true;
    n->connected_ns = in.at_ns;
    deliver(n, (struct delivery){ in.at_ns, true, -1, in.packet });
    bool closes = n->habit.closes == 0 || n->connects <= n->habit.closes;
    if (n->habit.close_ns > 0 && closes) {
        struct delivery end = { .at_ns = in.at_ns + n->habit.close_ns, .to_socket = true };
        end.packet = segment(n, true, FIN | ACK, n->peer_isn + 1, n->isn + 1, NULL, 0, 59);
        deliver(n, end);
    }
}

static void reset_by_hop4(struct net *n)
{
    struct delivery in = { .at_ns = n->now_ns + 8 * MS };

    in.packet = segment(n, true, RST, n->peer_isn + 1, 0, NULL, 0, 61);
    deliver(n, in);
    deliver(n, (struct delivery){ in.at_ns, true, ECONNRESET, in.packet });
    n->connected = false;
}

/* The target's answer to a segment in front of its window, which may be lost. */
static bool answer(struct net *n, uint32_t seq)
{
    uint8_t options[24] = { 1, 1, 8, 10, 5, 6, 7, 9, 1, 2, 3, 4, 1, 1, 5, 10 };
    struct delivery in = { .at_ns = n->now_ns + 2 * HOPS * MS };

    if (n->habit.silent || !n->connected)
        return true;
    if (check_share(&n->seed) < n->habit.loss)
        return false;
    put32(options + 16, seq);
    put32(options + 20, seq + 1);
    in.packet = segment(n, true, ACK, n->peer_isn + 1, n->isn + 1, options,
                        n->habit.no_dsack ? 12 : sizeof options, 59);
    deliver(n, in);
    if (++n->outstanding > n->most_outstanding)
        n->most_outstanding = n->outstanding;
    return true;
}

static struct ipaddr router(unsigned ttl)
{
    const uint8_t bytes[4] = { 10, 50, (uint8_t)ttl, 1 };
    return ipaddr_from_bytes(4, bytes);
}

static void expire_at_hop(struct net *n, const struct wire_packet *own, unsigned ttl)
{
    struct delivery in = { .at_ns = n->now_ns + 2 * ttl * MS };

    in.packet = (struct wire_packet){ .kind = WIRE_TIME_EXCEEDED,
                                      .from = router(ttl),
                                      .ttl = (uint8_t)(65 - ttl),
                                      .type = 11,
                                      .probe = own->probe };
    in.packet.quote.length = 28;
    in.packet.probe.ttl = 1;
    deliver(n, in);
}

static void to_target(struct net *n, const struct wire_packet *own, bool counted)
{
    if (!own->tcp.payload) { /* a SYN: a RST answers it, whatever else the target does */
        n->syns++;
        struct delivery in = { .at_ns = n->now_ns + 2 * HOPS * MS };
        in.packet = segment(n, true, RST | ACK, 0, own->probe.tcp_seq + 1, NULL, 0, 59);
        deliver(n, in);
        return;
    }
    if (!answer(n, own->probe.tcp_seq))
        n->target_lost += counted;
}

/* What leaves this host. */
static void send_bytes(struct net *n, const uint8_t *bytes, size_t length, bool counted)
{
    const struct trace_stamp stamp = { n->now_ns, 1, 2, n->now_ns };
    struct wire_packet own;

    if (wire_parse(bytes, length, &own) != WIRE_OK || own.kind != WIRE_PROBE)
        abort();
    session_sent(&n->session, &own);
    trace_seen(n->trace, &own, stamp);
    n->segments += own.tcp.payload;
    if (own.ttl >= 4 && n->habit.reset_at != 0 && n->connected && n->segments >= n->habit.reset_at)
        reset_by_hop4(n);
    if (own.ttl >= HOPS)
        to_target(n, &own, counted);
    else if (own.ttl == 2 && check_share(&n->seed) < n->habit.hop_loss)
        n->hop_lost += counted;
    else
        expire_at_hop(n, &own, own.ttl);
}

/* ---- this host, as prober/sessions.c and prober.c are -------------------------------------- */

static void on_event(void *context, const struct trace_event *event)
{
    struct net *n = context;
    int64_t want_ns = 2 * (event->ttl < HOPS ? event->ttl : HOPS) * MS;

    counters_event(n->counters, event);
    if (event->kind == EVENT_SEND_ERROR)
        n->send_errors++;
    if ((event->kind == EVENT_REPLY || event->kind == EVENT_LATE) && event->rtt_ns != want_ns)
        n->bad_times++;
}

static void act(struct net *n, enum session_action action)
{
    static const struct wire_session none;
    uint8_t bytes[PROBE_MAX];
    struct wire_spec spec = *spec_of(n);

    switch (action) {
    case SESSION_CONNECT:
        connect_socket(n);
        break;
    case SESSION_CHECK:
        n->checks++;
        spec.sessions[0] = n->session.wire;
        size_t length = wire_build_check(&spec, 0, n->session.check - 1, bytes);
        send_bytes(n, bytes, length, false);
        break;
    case SESSION_BEGIN:
        n->outstanding = 0;
        trace_begin_session(n->trace, &n->session.wire, n->session.rtt_ns, n->now_ns);
        break;
    case SESSION_CLOSE:
        n->connected = false;
        trace_end_session(n->trace, n->now_ns);
        break;
    case SESSION_GIVE_UP:
        n->connected = false;
        trace_end_session(n->trace, n->now_ns);
        trace_begin_session(n->trace, &none, 0, n->now_ns);
        break;
    case SESSION_WAIT:
        break;
    }
}

static void hear(struct net *n, const struct delivery *d)
{
    struct trace_stamp stamp = { n->now_ns, 1, 2, n->now_ns };

    if (d->to_socket && d->error == -1) {
        session_connected(&n->session, n->now_ns);
    } else if (d->to_socket) {
        if (n->connected || d->error != 0)
            session_ended(&n->session, d->error, n->now_ns);
    } else {
        session_received(&n->session, &d->packet, n->now_ns);
        if (d->packet.kind == WIRE_ACK && n->outstanding > 0)
            n->outstanding--;
        trace_reply(n->trace, &d->packet, stamp, n->now_ns);
    }
}

static void take_turn(struct net *n)
{
    enum session_action action;
    uint8_t bytes[PROBE_MAX];
    struct wire_probe probe;

    while (n->queued > 0 && n->queue[0].at_ns <= n->now_ns) {
        struct delivery d = n->queue[0];
        memmove(n->queue, n->queue + 1, --n->queued * sizeof *n->queue);
        hear(n, &d);
    }
    do {
        action = session_next(&n->session, n->now_ns);
        act(n, action);
    } while (action != SESSION_WAIT);
    trace_expire(n->trace, n->now_ns, 0);
    while (trace_next(n->trace, n->now_ns, 0, &probe))
        send_bytes(n, bytes, wire_build(spec_of(n), &probe, bytes), true);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void begin(struct net *n, const struct habit *habit, uint64_t seed)
{
    struct trace_config config = { .packets = habit->packets ? habit->packets : 10,
                                   .interval_ns = habit->interval_ns,
                                   .timeout_ns = 5 * SECOND,
                                   .first_hop = 1,
                                   .max_hops = 30,
                                   .max_silent = 5 };
    struct wire_spec *spec = &config.spec;

    memset(n, 0, sizeof *n);
    n->habit = *habit;
    n->seed = seed;
    n->now_ns = SECOND;
    spec->protocol = WIRE_TCP;
    spec->in_session = true;
    spec->source_port = WIRE_SOURCE_PORT;
    spec->target_port = 443;
    spec->tcp_base = (uint32_t)check_random(&seed);
    spec->first_index = 7;
    spec->key = 1;
    spec->size = wire_size_default(WIRE_TCP, 4);
    ipaddr_from_text(&spec->source, "10.0.0.1");
    ipaddr_from_text(&spec->target, "10.99.0.1");
    n->pace = pace_new();
    n->counters = counters_new(config.max_hops);
    n->trace = trace_new(&config, n->pace, n->now_ns, on_event, n, NULL);
    if (n->pace == NULL || n->counters == NULL || n->trace == NULL)
        abort();
    session_init(&n->session, n->now_ns);
    trace_hold(n->trace);
}

/* True if it ended. */
static bool run(struct net *n)
{
    for (int turn = 0; turn < TURNS && n->now_ns < last_ns; turn++) {
        take_turn(n);
        if (trace_done(n->trace))
            return true;
        int64_t due_ns = earlier(trace_due(n->trace), session_due(&n->session));
        if (n->queued > 0)
            due_ns = earlier(due_ns, n->queue[0].at_ns);
        n->now_ns = due_ns > n->now_ns ? due_ns : n->now_ns + MS / 10;
    }
    return false;
}

static void end(struct net *n)
{
    trace_free(n->trace);
    counters_free(n->counters);
    pace_free(n->pace);
}

/* ---- cases --------------------------------------------------------------------------------- */

static const struct row {
    const char *name;
    struct habit habit;
    uint32_t opened, lost, connects; /* as the session has counted, and the world */
    bool fallback;
    enum session_cause cause;
    bool bare;
} rows[] = {
    { "target_that_answers_is_measured", { 0 }, 1, 0, 1, false, SESSION_FINE, false },
    { "target_without_dsack_is_measured_in_order",
      { .no_dsack = true },
      1,
      0,
      1,
      false,
      SESSION_FINE,
      true },
    { "target_that_refuses_gets_syns", { .refuses = true }, 0, 0, 1, true, SESSION_REFUSED, false },
    { "target_that_ignores_a_connection_gets_syns",
      { .ignores = true },
      0,
      0,
      1,
      true,
      SESSION_UNANSWERED,
      false },
    { "target_silent_in_session_gets_syns",
      { .silent = true },
      0,
      0,
      1,
      true,
      SESSION_SILENT,
      false },
    { "reset_at_hop_4_of_the_first_segment_gives_syns",
      { .reset_at = 1 },
      0,
      0,
      1,
      true,
      SESSION_RESET,
      false },
    { "session_closed_once_is_made_anew",
      { .close_ns = 400 * MS, .closes = 1 },
      2,
      1,
      2,
      false,
      SESSION_CLOSED,
      false },
    { "session_closed_always_ends_in_syns",
      { .close_ns = 300 * MS },
      3,
      3,
      3,
      true,
      SESSION_CLOSED,
      false },
    { "reset_at_hop_4_in_mid_run_ends_in_syns",
      { .reset_at = 30 },
      3,
      3,
      3,
      true,
      SESSION_RESET,
      false },
    { "reset_at_hop_4_without_dsack_ends_in_syns",
      { .reset_at = 30, .no_dsack = true },
      3,
      3,
      3,
      true,
      SESSION_RESET,
      true },
    { "server_that_closes_idle_sessions_costs_no_probe",
      { .close_ns = 20 * SECOND, .packets = 900, .interval_ns = 100 * MS },
      5,
      4,
      5,
      false,
      SESSION_CLOSED,
      false },
    { "idle_sessions_without_dsack_cost_no_probe",
      { .close_ns = 20 * SECOND, .packets = 900, .interval_ns = 100 * MS, .no_dsack = true },
      5,
      4,
      5,
      false,
      SESSION_CLOSED,
      true },
};

/* What holds whatever the target does. */
static void check_figures(struct net *n)
{
    struct trace_summary summary;
    uint32_t packets = trace_config(n->trace)->packets;

    trace_summary(n->trace, &summary);
    check_int("ending", summary.ending, TRACE_REACHED);
    check_int("end", summary.end_ttl, HOPS);
    check_int("round trips of other probes", n->bad_times, 0);
    for (int ttl = 1; ttl <= HOPS; ttl++) {
        const struct counters_hop *hop = &n->counters->hops[ttl];
        check_that(hop->sent == packets, "hop %d: %u counted, wanted %u", ttl, hop->sent, packets);
        if (n->habit.loss == 0 && n->habit.hop_loss == 0)
            check_that(hop->received == packets, "hop %d: %u of %u lost", ttl,
                       hop->sent - hop->received, hop->sent);
        check_that(hop->in_flight == 0, "hop %d: %u in flight", ttl, hop->in_flight);
    }
}

static void test_row(const struct row *row)
{
    struct net *n = calloc(1, sizeof *n);

    check_case("%s", row->name);
    if (n == NULL)
        abort();
    begin(n, &row->habit, 11);
    if (check_that(run(n), "no end")) {
        check_figures(n);
        check_int("sessions", n->session.opened, row->opened);
        check_int("lost", n->session.lost, row->lost);
        check_int("connections", n->connects, row->connects);
        check_int("fallback", n->session.state == SESSION_OVER, row->fallback);
        check_text("cause", session_cause_name(n->session.cause), session_cause_name(row->cause));
        check_that((n->syns > 0) == row->fallback, "%u SYNs of probes", n->syns);
        check_int("answers without a name", n->session.wire.bare, row->bare);
        if (row->bare)
            check_int("on their way to the target at once", n->most_outstanding, 1);
        if (row->lost == 0)
            check_int("send errors", n->send_errors, 0);
    }
    end(n);
    free(n);
}

/* The loss that is shown is the path's, with and without names. */
static void test_loss(bool no_dsack)
{
    const struct habit habit = {
        .no_dsack = no_dsack, .loss = 0.2, .hop_loss = 0.1, .packets = 2000, .interval_ns = 100 * MS
    };
    struct net *n = calloc(1, sizeof *n);

    check_case("loss_is_the_paths_own_%s", no_dsack ? "without_dsack" : "with_dsack");
    if (n == NULL)
        abort();
    begin(n, &habit, 5);
    if (check_that(run(n), "no end")) {
        const struct counters_hop *target = &n->counters->hops[HOPS], *hop = &n->counters->hops[2];
        check_int("round trips of other probes", n->bad_times, 0);
        check_int("lost at the target", target->total_sent - target->total_received,
                  n->target_lost);
        check_int("lost at hop 2", hop->total_sent - hop->total_received, n->hop_lost);
        check_that(n->target_lost > 300, "only %u lost at the target", n->target_lost);
    }
    end(n);
    free(n);
}

static void test_seed(uint64_t seed)
{
    uint64_t dice = seed;
    struct habit habit = {
        .no_dsack = check_random(&dice) % 2,
        .silent = check_random(&dice) % 8 == 0,
        .close_ns = check_random(&dice) % 2 ? (int64_t)(check_random(&dice) % 12000) * MS : 0,
        .closes = (uint32_t)(check_random(&dice) % 4),
        .reset_at = check_random(&dice) % 3 ? 0 : (uint32_t)(check_random(&dice) % 200),
        .packets = 5 + (uint32_t)(check_random(&dice) % 60)
    };
    struct net *n = calloc(1, sizeof *n);

    check_note("seed %llu", (unsigned long long)seed);
    if (n == NULL)
        abort();
    begin(n, &habit, seed);
    if (check_that(run(n), "no end")) {
        check_figures(n);
        uint32_t most = 3 + (uint32_t)((n->now_ns - SECOND) / (10 * SECOND)) * 3;
        check_that(n->connects <= most, "%u connections, at most %u wanted", n->connects, most);
    }
    end(n);
    free(n);
}

int main(int argc, char **argv)
{
    uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : check_quick() ? SEEDS_QUICK : SEEDS;

    for (size_t i = 0; i < COUNT(rows); i++)
        test_row(&rows[i]);
    test_loss(false);
    test_loss(true);
    check_case("whatever_the_target_does_no_probe_is_lost");
    for (uint64_t seed = 1; seed <= seeds; seed++)
        test_seed(seed);
    return check_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/session.h"

#include "base/units.h"

#include <assert.h>
#include <stddef.h>

enum {
    CHECKS = 5, /* test segments at most: with 20 % loss all five are lost in 1 of 3,000 cases */
    BARE_ANSWERS = 2, /* replies without duplicate SACK: more than a stray ACK */
    FAILURES = 3,     /* in a row, after a first connection */
    PORT_TRIES = 16,
    LEAST_NUMBERS = 512, /* with fewer numbers a small window would repeat them too soon */
};
static const int64_t connect_ns = 4000 * MS; /* long enough for three SYNs of the kernel */
static const int64_t learn_ns = 1000 * MS;   /* how soon captured packets are read */
static const int64_t check_ns = 200 * MS;    /* before the second segment; doubles each time */
static const int64_t last_check_ns = 1000 * MS;
static const int64_t pause_ns = 200 * MS;  /* before the next connection; doubles each time */
static const int64_t long_ns = 10000 * MS; /* a connection that lasted longer is no failure */

static void enter(struct session *s, enum session_state state, int64_t due_ns)
{
    s->state = state;
    s->due_ns = due_ns;
    s->action_given = false;
}

void session_init(struct session *s, int64_t now_ns)
{
    *s = (struct session){ 0 };
    enter(s, SESSION_WAITING, now_ns);
    s->action_given = true; /* there is no socket to close */
}

/* ---- ends ---------------------------------------------------------------------------------- */

static void fail(struct session *s, enum session_cause cause, int error, int64_t now_ns)
{
    s->cause = cause;
    s->error = error;
    s->failures++;
    if (s->opened == 0 || s->failures >= FAILURES)
        enter(s, SESSION_OVER, INT64_MAX);
    else
        enter(s, SESSION_WAITING, now_ns + (pause_ns << (s->failures - 1)));
}

static void lose(struct session *s, enum session_cause cause, int error, int64_t now_ns)
{
    s->lost++;
    if (now_ns - s->opened_ns >= long_ns)
        s->failures = 0;
    fail(s, cause, error, now_ns);
}

void session_failed(struct session *s, int error, int64_t now_ns)
{
    if (s->state == SESSION_CONNECTING)
        fail(s, SESSION_REFUSED, error, now_ns);
}

void session_ended(struct session *s, int error, int64_t now_ns)
{
    enum session_cause cause = error != 0 ? SESSION_RESET : SESSION_CLOSED;

    if (s->state == SESSION_OPEN)
        lose(s, cause, error, now_ns);
    else if (s->state == SESSION_CONNECTING && !s->connected)
        session_failed(s, error, now_ns);
    else if (s->state == SESSION_CONNECTING || s->state == SESSION_CHECKING)
        fail(s, cause, error, now_ns);
}

void session_port_in_use(struct session *s, int error, int64_t now_ns)
{
    if (s->state != SESSION_CONNECTING)
        return;
    if (++s->in_use >= PORT_TRIES) {
        fail(s, SESSION_REFUSED, error, now_ns);
        return;
    }
    enter(s, SESSION_WAITING, now_ns + (s->opened > 0 ? pause_ns : 0));
}

/* ---- what to do ---------------------------------------------------------------------------- */

static void begin_connection(struct session *s, int64_t now_ns)
{
    enter(s, SESSION_CONNECTING, now_ns + connect_ns);
    s->connected = s->syn_seen = s->syn_ack_seen = false;
    s->check = s->checks_answered = 0;
}

static int64_t next_check_ns(unsigned sent)
{
    int64_t wait_ns = check_ns << (sent - 1);
    return wait_ns < last_check_ns ? wait_ns : last_check_ns;
}

static enum session_action check_next(struct session *s, int64_t now_ns)
{
    if (s->check == CHECKS) {
        fail(s, SESSION_SILENT, 0, now_ns);
        return session_next(s, now_ns);
    }
    s->check++;
    s->checked_ns = now_ns;
    s->due_ns = now_ns + next_check_ns(s->check);
    return SESSION_CHECK;
}

static enum session_action overdue(struct session *s, int64_t now_ns)
{
    switch (s->state) {
    case SESSION_WAITING:
        begin_connection(s, now_ns);
        return SESSION_CONNECT;
    case SESSION_CONNECTING:
        fail(s, s->connected ? SESSION_UNSEEN : SESSION_UNANSWERED, 0, now_ns);
        return session_next(s, now_ns);
    case SESSION_CHECKING:
        return check_next(s, now_ns);
    case SESSION_OPEN:
    case SESSION_OVER:
        break;
    }
    return SESSION_WAIT;
}

enum session_action session_next(struct session *s, int64_t now_ns)
{
    static const enum session_action first[] = { [SESSION_WAITING] = SESSION_CLOSE,
                                                 [SESSION_CONNECTING] = SESSION_WAIT,
                                                 [SESSION_CHECKING] = SESSION_WAIT,
                                                 [SESSION_OPEN] = SESSION_BEGIN,
                                                 [SESSION_OVER] = SESSION_GIVE_UP };

    if (!s->action_given) {
        s->action_given = true;
        if (first[s->state] != SESSION_WAIT)
            return first[s->state];
    }
    return now_ns >= s->due_ns ? overdue(s, now_ns) : SESSION_WAIT;
}

int64_t session_due(const struct session *s)
{
    return s->action_given ? s->due_ns : 0;
}

/* ---- what is learned ----------------------------------------------------------------------- */

/* A stateful firewall accepts no number farther in front of the window than the window is long. */
static uint16_t numbers_within(uint16_t window)
{
    unsigned fit = window / 2U;

    fit = fit > WIRE_SESSION_CHECKS + 2U ? fit - WIRE_SESSION_CHECKS - 2U : 0;
    if (fit > WIRE_SESSION_NUMBERS)
        return WIRE_SESSION_NUMBERS;
    return (uint16_t)(fit < LEAST_NUMBERS ? LEAST_NUMBERS : fit);
}

static void begin_checks(struct session *s, int64_t now_ns)
{
    if (s->state == SESSION_CONNECTING && s->connected && s->syn_ack_seen)
        enter(s, SESSION_CHECKING, now_ns);
}

void session_connected(struct session *s, int64_t now_ns)
{
    if (s->state != SESSION_CONNECTING || s->connected)
        return;
    s->connected = true;
    s->due_ns = now_ns + learn_ns;
    begin_checks(s, now_ns);
}

void session_sent(struct session *s, const struct wire_packet *packet)
{
    if (s->state != SESSION_CONNECTING || packet->kind != WIRE_PROBE || packet->tcp.payload > 0)
        return;
    s->syn_seen = true;
    s->source = packet->probe.source;
    s->syn = packet->probe.tcp_seq;
    s->window = packet->tcp.window;
    s->scaled_window = (uint16_t)(packet->tcp.window >> (packet->tcp.scale & 15));
}

static void learn_syn_ack(struct session *s, const struct wire_packet *packet, int64_t now_ns)
{
    if (s->state != SESSION_CONNECTING || !s->syn_seen || packet->tcp.ack != s->syn + 1)
        return;
    s->wire = (struct wire_session){ .syn = s->syn,
                                     .ack = packet->tcp.seq + 1,
                                     .ts_value = packet->tcp.ts_echo,
                                     .ts_echo = packet->tcp.ts_value,
                                     .window = packet->tcp.scaled ? s->scaled_window : s->window,
                                     .numbers = numbers_within(packet->tcp.window),
                                     .timestamps = packet->tcp.timestamps };
    s->syn_ack_seen = true;
    s->syn_ack_ttl = packet->ttl;
    begin_checks(s, now_ns);
}

/* A duplicate SACK names the test segment; replies without one cannot be assigned to a probe. */
static void learn_answer(struct session *s, const struct wire_packet *packet, int64_t now_ns)
{
    uint32_t distance = s->wire.syn - packet->probe.tcp_seq;
    unsigned i = distance / 2 - s->wire.numbers - 1;
    bool named = packet->tcp.dsack && distance % 2 == 0 && i < s->check;

    if (s->state != SESSION_CHECKING || packet->tcp.ack != s->wire.syn + 1 || s->check == 0)
        return;
    if (!named && (packet->tcp.dsack || packet->tcp.payload > 0 || packet->tcp.fin))
        return;
    s->ack_ttl = packet->ttl;
    s->rtt_ns = now_ns - s->checked_ns;
    if (!named && ++s->checks_answered < BARE_ANSWERS) {
        s->due_ns = now_ns; /* the next segment is due at once */
        return;
    }
    s->wire.bare = !named;
    s->opened++;
    s->in_use = 0;
    s->opened_ns = now_ns;
    enter(s, SESSION_OPEN, INT64_MAX);
}

void session_received(struct session *s, const struct wire_packet *packet, int64_t now_ns)
{
    if (packet->kind == WIRE_SYN_ACK)
        learn_syn_ack(s, packet, now_ns);
    else if (packet->kind == WIRE_ACK)
        learn_answer(s, packet, now_ns);
    else if (packet->kind == WIRE_RST || packet->kind == WIRE_BARE_RST)
        s->reset_ttl = packet->ttl;
}

const char *session_cause_name(enum session_cause cause)
{
    static const char *const names[] = {
        [SESSION_FINE] = "none",
        [SESSION_REFUSED] = "not connected",
        [SESSION_UNANSWERED] = "no answer to the connection",
        [SESSION_UNSEEN] = "the capture did not show the handshake",
        [SESSION_SILENT] = "no answer in session",
        [SESSION_CLOSED] = "closed by the target",
        [SESSION_RESET] = "reset",
    };
    _Static_assert(sizeof names / sizeof *names == SESSION_CAUSE_COUNT, "a row each");
    return names[cause];
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection of a trace that probes inside one: what its socket and the capture show is chosen
 * as everything else. */
#include "machines_inside.h"

#include "replay.h"

#include <string.h>

enum { SESSION_STEPS = 20, REFUSED = 111 /* ECONNREFUSED */, RESET = 104 /* ECONNRESET */ };

static struct wire_packet segment(const struct session *session, enum wire_kind kind)
{
    struct wire_packet packet = { .kind = kind, .ttl = 60 };

    packet.tcp.ack = session->syn + 1;
    packet.tcp.window = 0xffff;
    packet.probe.tcp_seq = session->syn;
    return packet;
}

/* As a rule it is made, and seen to be. */
static void connect(struct machines *m, struct slot *s)
{
    uint8_t byte = source_byte(&m->chance);
    struct wire_packet syn = segment(&s->session, WIRE_PROBE);
    struct wire_packet answer;

    syn.probe.tcp_seq = 0x40000000U * byte + s->session.opened;
    if (byte % 16 != 0)
        session_sent(&s->session, &syn);
    answer = segment(&s->session, WIRE_SYN_ACK);
    answer.tcp.window = byte % 8 == 1 ? 100 : 0xffff;
    answer.tcp.timestamps = byte % 2 == 0;
    if (byte % 16 != 2)
        session_received(&s->session, &answer, m->now_ns);
    if (byte % 32 == 3)
        session_failed(&s->session, REFUSED, m->now_ns);
    else if (byte % 32 == 4)
        session_port_in_use(&s->session, REFUSED, m->now_ns);
    else if (byte % 32 != 5)
        session_connected(&s->session, m->now_ns);
}

/* The test segment is answered with its name, without, or not. */
static void check(struct machines *m, struct slot *s)
{
    struct wire_spec spec = trace_config(s->state)->spec;
    struct wire_packet answer = segment(&s->session, WIRE_ACK);
    uint8_t byte = source_byte(&m->chance);

    replay_require(s->session.check >= 1 && s->session.check <= WIRE_SESSION_CHECKS,
                   "test segments have a bound");
    spec.sessions[0] = s->session.wire;
    answer.tcp.dsack = byte % 4 != 0;
    if (answer.tcp.dsack)
        answer.probe.tcp_seq = wire_check_seq(&spec, s->session.check - 1);
    if (byte % 8 != 7)
        session_received(&s->session, &answer, m->now_ns);
}

static void act(struct machines *m, struct slot *s, enum session_action action)
{
    static const struct wire_session none;

    if (action == SESSION_CONNECT)
        connect(m, s);
    if (action == SESSION_CHECK)
        check(m, s);
    if (action == SESSION_BEGIN)
        trace_begin_session(s->state, &s->session.wire, s->session.rtt_ns, m->now_ns);
    if (action == SESSION_CLOSE || action == SESSION_GIVE_UP)
        trace_end_session(s->state, m->now_ns);
    if (action == SESSION_GIVE_UP)
        trace_begin_session(s->state, &none, 0, m->now_ns);
    m->counts->sessions += action == SESSION_BEGIN;
}

void machines_begin_session(struct machines *m, struct slot *s)
{
    session_init(&s->session, m->now_ns);
    trace_hold(s->state);
}

int64_t machines_step_session(struct machines *m, struct slot *s)
{
    enum session_action action;
    int steps = 0;

    if (source_below(&m->chance, 128) == 0)
        session_ended(&s->session, source_below(&m->chance, 2) == 0 ? 0 : RESET, m->now_ns);
    do {
        action = session_next(&s->session, m->now_ns);
        act(m, s, action);
        replay_require(++steps < SESSION_STEPS, "a session waits at last");
    } while (action != SESSION_WAIT);
    return session_due(&s->session);
}

/* What the network has as a reset is the target's answer to a byte that it has had before. */
void machines_acknowledge(struct machines *m, const struct slot *s, const struct wire_packet *own,
                          struct wire_packet *answer)
{
    const struct wire_session *session = &trace_config(s->state)->spec.sessions[0];
    uint8_t byte = source_byte(&m->chance);

    if (answer->kind != WIRE_RST || own->tcp.payload == 0 || byte % 16 == 15)
        return;
    answer->kind = WIRE_ACK;
    answer->tcp.ack = session->syn + (byte % 16 != 14);
    answer->tcp.dsack = !session->bare;
    if (session->bare)
        answer->probe.tcp_seq = session->syn;
}

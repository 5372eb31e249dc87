/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets of traces that probe inside TCP connections. The kernel keeps the connection, with an
 * ordinary socket; see engine/session.h. Every function is called under the lock. */
#include "prober/inside.h"

#include "base/units.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS_PER_TURN = 64,
    DRAIN_BYTES = 1 << 20, /* most bytes of the peer read in a turn */
    PORT_STEP = 512,       /* from a port in use to the next try: more than a trace's flows */
};

/* ---- the socket ---------------------------------------------------------------------------- */

struct prober_session *prober_session_new(bool fixed_port, bool reset, int64_t now_ns)
{
    struct prober_session *session = calloc(1, sizeof *session);

    if (session == NULL)
        return NULL;
    session->fd = -1;
    session->fixed_port = fixed_port;
    session->reset = reset;
    session_init(&session->machine, now_ns);
    return session;
}

/* Discards received data: with unread data, close() would reset the connection. Returns the result
 * of the last recv(). */
static ssize_t drain(int fd)
{
    ssize_t got = 0;

    for (ssize_t left = DRAIN_BYTES; left > 0; left -= got) {
        got = recv(fd, NULL, DRAIN_BYTES, MSG_TRUNC | MSG_DONTWAIT);
        if (got <= 0)
            break;
    }
    return got;
}

static void close_socket(struct prober *p, struct prober_session *session, bool reset)
{
    const struct linger at_once = { .l_onoff = 1 };

    if (session->fd < 0)
        return;
    if (epoll_ctl(p->session_poll, EPOLL_CTL_DEL, session->fd, NULL) == 0)
        p->sessions--;
    drain(session->fd);
    if (reset)
        setsockopt(session->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(session->fd);
    session->fd = -1;
}

void prober_session_free(struct prober *p, struct prober_session *session)
{
    if (session == NULL)
        return;
    close_socket(p, session, session->reset);
    free(session);
}

/* Requests the probes' IPv6 flow label for the handshake, so that load balancers which hash it see
 * one flow. Without a request, the kernel chooses a label. */
static void request_label(int fd, const struct wire_spec *spec, uint16_t flow,
                          struct sockaddr_storage *to)
{
    const int on = 1;
    uint32_t label = htonl((WIRE_FLOW_LABEL | flow) & 0xfffff);
    struct in6_flowlabel_req request = { .flr_label = label,
                                         .flr_action = IPV6_FL_A_GET,
                                         .flr_share = IPV6_FL_S_ANY,
                                         .flr_flags = IPV6_FL_F_CREATE };

    memcpy(&request.flr_dst, spec->target.bytes, sizeof request.flr_dst);
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &request, sizeof request) == 0 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, &on, sizeof on) == 0)
        ((struct sockaddr_in6 *)to)->sin6_flowinfo = label;
}

static int prepare(int fd, const struct prober_job *job, const struct wire_spec *spec,
                   uint16_t flow)
{
    const int on = 1, tos = spec->tos;
    bool four = spec->target.version == 4;
    struct sockaddr_storage from;
    const struct egress_binding *binding = &job->sender->binding;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_TOS : IPV6_TCLASS, &tos, sizeof tos);
    if (binding->device[0] != '\0' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, binding->device,
                                                 (socklen_t)strlen(binding->device) + 1) < 0)
        return errno;
    if (binding->mark != 0 &&
        setsockopt(fd, SOL_SOCKET, SO_MARK, &binding->mark, sizeof binding->mark) < 0)
        return errno;
    socklen_t length = ipaddr_to_sockaddr(
        wire_source(spec, flow), (uint16_t)(spec->source_port + flow), job->route.scope, &from);
    return bind(fd, (struct sockaddr *)&from, length) < 0 ? errno : 0;
}

/* Returns 0, EINPROGRESS or another errno. */
static int connect_socket(struct prober *p, struct prober_job *job)
{
    const struct trace_config *config = trace_config(job->trace);
    const struct wire_spec *spec = &config->spec;
    struct prober_session *session = job->session;
    struct sockaddr_storage to;
    struct epoll_event wanted = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP, .data.ptr = job };

    session->fd = socket(ipaddr_family(spec->target.version)->af,
                         SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (session->fd < 0)
        return errno;
    int error = prepare(session->fd, job, spec, config->flow);
    if (error != 0)
        return error;
    if (epoll_ctl(p->session_poll, EPOLL_CTL_ADD, session->fd, &wanted) < 0)
        return errno;
    p->sessions++;
    socklen_t length = ipaddr_to_sockaddr(&spec->target, spec->target_port, job->route.scope, &to);
    if (spec->target.version == 6)
        request_label(session->fd, spec, config->flow, &to);
    return connect(session->fd, (struct sockaddr *)&to, length) < 0 ? errno : 0;
}

/* The port of an earlier connection to this target stays in TIME-WAIT for a minute. */
static void take_next_port(struct prober *p, struct prober_job *job)
{
    const struct trace_config *config = trace_config(job->trace);
    unsigned at = (unsigned)config->spec.source_port + config->flow - WIRE_SOURCE_PORT;
    uint16_t port = (uint16_t)(WIRE_SOURCE_PORT + (at + PORT_STEP) % WIRE_FLOWS);

    prober_delist(p, &job->entries);
    trace_set_source_port(job->trace, (uint16_t)(port - config->flow));
    prober_enlist(p, &job->entries, (struct prober_owner){ .job = job }, &config->spec,
                  &config->flow);
}

static void begin_connection(struct prober *p, struct prober_job *job, int64_t now_ns)
{
    struct prober_session *session = job->session;
    int error = connect_socket(p, job);

    if (error == 0 || error == EINPROGRESS)
        return;
    close_socket(p, session, false);
    if (error != EADDRINUSE && error != EADDRNOTAVAIL) {
        session_failed(&session->machine, error, now_ns);
        return;
    }
    if (session->machine.opened == 0 && !session->fixed_port)
        take_next_port(p, job);
    session_port_in_use(&session->machine, error, now_ns);
}

/* ---- events of the socket ------------------------------------------------------------------ */

static int error_of(int fd)
{
    int error = 0;
    socklen_t length = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

static void on_socket(struct prober *p, struct prober_job *job, uint32_t events)
{
    struct prober_session *session = job->session;
    struct session *machine = &session->machine;
    struct epoll_event wanted = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = job };
    int error = error_of(session->fd);

    dues_set(&p->dues, &job->due, p->now_ns);
    if (error != 0) {
        session_ended(machine, error, p->now_ns);
        close_socket(p, session, false);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        epoll_ctl(p->session_poll, EPOLL_CTL_MOD, session->fd, &wanted);
        session_connected(machine, p->now_ns);
    }
    if ((events & (EPOLLIN | EPOLLRDHUP)) == 0)
        return;
    ssize_t got = drain(session->fd);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    session_ended(machine, got < 0 ? errno : 0, p->now_ns);
    close_socket(p, session, false);
}

void prober_read_sessions(struct prober *p)
{
    struct epoll_event events[EVENTS_PER_TURN];

    if (p->sessions == 0)
        return;
    int count = epoll_wait(p->session_poll, events, EVENTS_PER_TURN, 0);
    for (int i = 0; i < count; i++)
        on_socket(p, events[i].data.ptr, events[i].events);
}

/* ---- steps --------------------------------------------------------------------------------- */

static void send_check(struct prober *p, struct prober_job *job, int64_t now_ns)
{
    const struct trace_config *config = trace_config(job->trace);
    const struct session *machine = &job->session->machine;
    struct wire_spec spec = config->spec;

    spec.sessions[0] = machine->wire;
    size_t length = wire_build_check(&spec, config->flow, machine->check - 1, p->packet);
    (void)prober_send(p, job->sender, p->packet, length, job->route.scope, now_ns);
}

/* A middlebox that resets a connection in the target's name leaves it open at the target, which
 * would reply to a later SYN from the same port with an ACK (RFC 5961 section 4). So the target
 * gets a RST, too. */
static void reset_peer(struct prober *p, struct prober_job *job, int64_t now_ns)
{
    const struct trace_config *config = trace_config(job->trace);
    const struct session *machine = &job->session->machine;
    struct wire_spec spec = config->spec;

    if (machine->cause != SESSION_RESET || !machine->syn_ack_seen)
        return;
    spec.sessions[0] = machine->wire;
    size_t length = wire_build_reset(&spec, config->flow, p->packet);
    (void)prober_send(p, job->sender, p->packet, length, job->route.scope, now_ns);
}

static void act(struct prober *p, struct prober_job *job, enum session_action action,
                int64_t now_ns)
{
    static const struct wire_session none;
    struct session *machine = &job->session->machine;

    switch (action) {
    case SESSION_CONNECT:
        begin_connection(p, job, now_ns);
        break;
    case SESSION_CHECK:
        send_check(p, job, now_ns);
        break;
    case SESSION_BEGIN:
        trace_begin_session(job->trace, &machine->wire, machine->rtt_ns, now_ns);
        break;
    case SESSION_CLOSE:
        close_socket(p, job->session, false);
        reset_peer(p, job, now_ns);
        trace_end_session(job->trace, now_ns);
        break;
    case SESSION_GIVE_UP: /* the SYNs that follow must not find a connection at the target */
        close_socket(p, job->session, true);
        reset_peer(p, job, now_ns);
        trace_end_session(job->trace, now_ns);
        trace_begin_session(job->trace, &none, 0, now_ns);
        break;
    case SESSION_WAIT:
        break;
    }
}

int64_t prober_step_session(struct prober *p, struct prober_job *job)
{
    struct session *machine = &job->session->machine;
    enum session_action action;

    do {
        int64_t now_ns = prober_clock_ns();
        action = session_next(machine, now_ns);
        act(p, job, action, now_ns);
    } while (action != SESSION_WAIT);
    return session_due(machine);
}

void prober_end_session(struct prober *p, struct prober_job *job)
{
    if (job->session != NULL)
        close_socket(p, job->session, job->session->reset);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* One TCP connection that probes are sent in, as a pure state machine: what its owner, who has the
 * socket and the capture, is to do next, and what that has shown. Connections that end are made
 * anew a bounded number of times; then the probes are SYNs. */
#ifndef MTR_ENGINE_SESSION_H
#define MTR_ENGINE_SESSION_H

#include "wire/wire.h"

enum session_state {
    SESSION_WAITING,    /* until the next connection is made */
    SESSION_CONNECTING, /* and its handshake is to be seen by the capture */
    SESSION_CHECKING,   /* whether the target answers segments like those of probes */
    SESSION_OPEN,       /* probes are sent */
    SESSION_OVER,       /* no connection any more: probes are SYNs */
};

/* Why a connection was not made, or ended. */
enum session_cause {
    SESSION_FINE,
    SESSION_REFUSED,    /* `error` says why */
    SESSION_UNANSWERED, /* no reply to the SYN */
    SESSION_UNSEEN,     /* the capture did not show the handshake */
    SESSION_SILENT,     /* connected, but segments in it are not answered */
    SESSION_CLOSED,     /* by the peer, in order */
    SESSION_RESET,      /* `error` says how */
    SESSION_CAUSE_COUNT
};

enum session_action {
    SESSION_WAIT,    /* until session_due, or until something happens */
    SESSION_CONNECT, /* begin a connection */
    SESSION_CHECK,   /* send test segment `check` */
    SESSION_BEGIN,   /* probes go inside it from now on: see `wire` */
    SESSION_CLOSE,   /* close what is left of the socket */
    SESSION_GIVE_UP, /* close it; probes are SYNs from now on */
};

struct session {
    enum session_state state;
    enum session_cause cause; /* of the last failure or loss; kept when it is made anew */
    int error;                /* errno of that, or 0 */
    int64_t due_ns;
    bool told;      /* the state's action has been given */
    bool connected; /* the socket says so */
    bool syn_seen, syn_ack_seen;
    struct ipaddr source; /* of the SYN as it left: this host's own NAT may have rewritten it */
    uint32_t syn;
    uint16_t window; /* of the SYN, and once windows are scaled */
    uint16_t scaled_window;
    struct wire_session wire;        /* as learned; `first` is its owner's */
    unsigned check, checks_answered; /* test segments sent */
    int64_t checked_ns, opened_ns;
    int64_t rtt_ns;        /* of a test segment */
    uint32_t opened, lost; /* connections in which probes were sent, and that ended too early */
    uint32_t failures;     /* in a row: lost soon, or not made */
    uint32_t in_use;       /* times that the port was in use */
    uint8_t syn_ack_ttl, ack_ttl, reset_ttl; /* as they came in; 0: none did */
};

void session_init(struct session *s, int64_t now_ns);

/* What to do now; to be called until it says SESSION_WAIT. */
enum session_action session_next(struct session *s, int64_t now_ns);
int64_t session_due(const struct session *s);

/* What the socket tells: it is connected; it cannot be (errno); it has ended (errno, 0: by the
 * peer, in order). */
void session_connected(struct session *s, int64_t now_ns);
void session_failed(struct session *s, int error, int64_t now_ns);
void session_ended(struct session *s, int error, int64_t now_ns);

/* The port is still in use by an earlier connection to the same target. */
void session_port_in_use(struct session *s, int error, int64_t now_ns);

/* What the capture saw of this connection; `packet` has its target and ports, and what was received
 * came to the address that the SYN was seen to leave from. */
void session_sent(struct session *s, const struct wire_packet *packet);
void session_received(struct session *s, const struct wire_packet *packet, int64_t now_ns);

/* The words for a cause, such as "connection refused". */
const char *session_cause_name(enum session_cause cause);

#endif

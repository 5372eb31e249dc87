/* SPDX-License-Identifier: BSD-2-Clause */
/* The TCP connection of a trace that probes inside one, as a pure state machine: it says what its
 * owner, who has the socket and the capture, does next. A connection that ends is replaced a
 * bounded number of times; after that, probes are SYNs. */
#ifndef MTR_ENGINE_SESSION_H
#define MTR_ENGINE_SESSION_H

#include "wire/wire.h"

enum session_state {
    SESSION_WAITING,    /* until the next connection is made */
    SESSION_CONNECTING, /* the socket connects, and the capture is to show the handshake */
    SESSION_CHECKING,   /* test segments show whether the target answers probes */
    SESSION_OPEN,       /* probes are sent */
    SESSION_OVER,       /* no further connection: probes are SYNs */
};

/* Why a connection was not made, or ended. */
enum session_cause {
    SESSION_FINE,
    SESSION_REFUSED,    /* see `error` */
    SESSION_UNANSWERED, /* no reply to the SYN */
    SESSION_UNSEEN,     /* the capture did not show the handshake */
    SESSION_SILENT,     /* connected, but test segments were not answered */
    SESSION_CLOSED,     /* by a FIN of the peer */
    SESSION_RESET,      /* see `error` */
    SESSION_CAUSE_COUNT
};

enum session_action {
    SESSION_WAIT,    /* until session_due or the next packet */
    SESSION_CONNECT, /* connect a socket */
    SESSION_CHECK,   /* send test segment `check` */
    SESSION_BEGIN,   /* probes go inside the connection from now on: see `wire` */
    SESSION_CLOSE,   /* close the socket */
    SESSION_GIVE_UP, /* close the socket; probes are SYNs from now on */
};

struct session {
    enum session_state state;
    enum session_cause cause; /* of the last failure or loss; kept after a reconnect */
    int error;                /* errno of the cause, or 0 */
    int64_t due_ns;
    bool action_given; /* session_next has returned the action of this state */
    bool connected;    /* the socket is connected */
    bool syn_seen, syn_ack_seen;
    struct ipaddr source; /* of the SYN as it left: this host's own NAT may have rewritten it */
    uint32_t syn;
    uint16_t window; /* of the SYN, and once windows are scaled */
    uint16_t scaled_window;
    struct wire_session wire;        /* as learned; `first` is set by the owner */
    unsigned check, checks_answered; /* test segments sent */
    int64_t checked_ns, opened_ns;
    int64_t rtt_ns;        /* of a test segment */
    uint32_t opened, lost; /* connections used for probes; those of them that ended too early */
    uint32_t failures;     /* in a row: lost soon after, or not made */
    uint32_t in_use;       /* how often the port was in use */
    uint8_t syn_ack_ttl, ack_ttl, reset_ttl; /* TTLs as received; 0: none was */
};

void session_init(struct session *s, int64_t now_ns);

/* What to do now. Call it until it returns SESSION_WAIT. */
enum session_action session_next(struct session *s, int64_t now_ns);
int64_t session_due(const struct session *s);

/* What the socket reports: it is connected; connecting failed (errno); the connection ended (errno,
 * or 0 for a FIN of the peer). */
void session_connected(struct session *s, int64_t now_ns);
void session_failed(struct session *s, int error, int64_t now_ns);
void session_ended(struct session *s, int error, int64_t now_ns);

/* The port is still in use by an earlier connection to the same target. */
void session_port_in_use(struct session *s, int error, int64_t now_ns);

/* Packets of this connection in the capture, with its target and ports. Received ones came to the
 * address from which the SYN left. */
void session_sent(struct session *s, const struct wire_packet *packet);
void session_received(struct session *s, const struct wire_packet *packet, int64_t now_ns);

/* The words for a cause, such as "connection refused". */
const char *session_cause_name(enum session_cause cause);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The fingerprinting probes to one address: three echo requests, over IPv4 one with DF and one with
 * an unused code; if active, also three UDP datagrams and three TCP ACKs to a port that is usually
 * closed, in alternation. At most nine probes are sent, each once. A pure state machine like
 * trace.h: no I/O, no clock; `now_ns` is a monotonic clock's. */
#ifndef MTR_DISCOVERY_FINGERPRINT_H
#define MTR_DISCOVERY_FINGERPRINT_H

#include "results/evidence.h"

enum { FINGERPRINT_PROBES = 9, FINGERPRINT_OF_A_KIND = 3 };
enum {
    FINGERPRINT_PORT_FIRST = 20000, /* of the source ports; below the trace's and Linux's own */
    FINGERPRINT_PORT_LAST = 28000,
    FINGERPRINT_TTL = 64,
    FINGERPRINT_ECHO_PAYLOAD = 56, /* as in published signatures, with 12 bytes of UDP payload */
    FINGERPRINT_CODE = 9,          /* of the last echo request, as in Nmap's OS detection */
};

struct fingerprint_config {
    struct ipaddr source, target;
    uint16_t ident;       /* ICMP; random */
    uint16_t source_port; /* the first of six; random within the range above */
    uint16_t first_id;    /* of the IPv4 identifications; random */
    uint16_t first_index; /* random */
    uint16_t cookie;      /* random */
    uint64_t key;         /* random */
    uint32_t tcp_base;    /* random */
    uint8_t tos;
    int64_t timeout_ns; /* of each probe */
};

/* Whether a UDP probe may go out, whose ICMP error uses a token that traces need. */
enum fingerprint_permit {
    FINGERPRINT_HOLD, /* a trace samples the responder: wait */
    FINGERPRINT_ONE,  /* the responder rate-limits and has a token: one probe, then no more */
    FINGERPRINT_FREE,
};

enum fingerprint_state {
    FINGERPRINT_WAITING,
    FINGERPRINT_OPEN,
    FINGERPRINT_ANSWERED,
    FINGERPRINT_UNANSWERED,
    FINGERPRINT_LEFT_OUT
};

struct fingerprint_probe {
    enum fingerprint_state state;
    int64_t sent_ns;
};

struct fingerprint {
    struct fingerprint_config config;
    bool active;
    bool rate_limits; /* the responder does: no further UDP probe */
    int64_t created_ns;
    int64_t begun_ns; /* INT64_MAX: not begun */
    int64_t udp_ns;   /* no UDP probe before this */
    struct fingerprint_probe probes[FINGERPRINT_PROBES];
    struct evidence_list replies;
};

void fingerprint_init(struct fingerprint *f, const struct fingerprint_config *config, bool active,
                      int64_t now_ns);
void fingerprint_fini(struct fingerprint *f);

/* Continues for a new user: probes that were left out are sent after all; if `active`, also the UDP
 * and TCP probes. */
void fingerprint_renew(struct fingerprint *f, bool active, int64_t now_ns);

/* Leaves out all probes that have not been sent: there is no user any more. */
void fingerprint_abandon(struct fingerprint *f);

/* True if the next probes include a UDP one: only then does the permit matter. */
bool fingerprint_needs_permit(const struct fingerprint *f, int64_t now_ns);

/* Writes the probe that is due into `packet`, which holds 128 bytes; 0 if none is due. */
size_t fingerprint_next(struct fingerprint *f, enum fingerprint_permit permit, int64_t now_ns,
                        uint8_t *packet, size_t *number);

/* True if the probe is a UDP one. */
bool fingerprint_is_udp(size_t number);

/* The kernel refused to send it. */
void fingerprint_send_failed(struct fingerprint *f, size_t number);

/* The capture saw a reply. Returns false if it belongs to none of these probes. A reply from
 * another address finishes its probe and is not kept, as it shows nothing about the address. */
bool fingerprint_reply(struct fingerprint *f, const struct wire_packet *packet,
                       const struct evidence_capture *capture);

/* Finishes probes that are past their deadline. */
void fingerprint_expire(struct fingerprint *f, int64_t now_ns);

/* When fingerprint_expire or fingerprint_next want to be called again; INT64_MAX when done. */
int64_t fingerprint_due(const struct fingerprint *f, int64_t now_ns);

/* Everything was sent or left out, and answered or waited for. */
bool fingerprint_done(const struct fingerprint *f);

/* How many probes of a kind were sent. */
int fingerprint_sent(const struct fingerprint *f, enum wire_protocol protocol);

#endif

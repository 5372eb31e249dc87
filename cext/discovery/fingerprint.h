/* SPDX-License-Identifier: BSD-2-Clause */
/* Direct questions to one address, to tell what answers there: three echo requests, one of them
 * with DF and another TOS, one with a code that means nothing (IPv4); if active, also three UDP
 * datagrams and three TCP ACKs to a port that is closed as a rule, in turns. Nine probes and not
 * one more, each sent once. A pure state machine like trace.h: no I/O, no clock; `now_ns` is a
 * monotonic clock's. */
#ifndef MTR_DISCOVERY_FINGERPRINT_H
#define MTR_DISCOVERY_FINGERPRINT_H

#include "results/evidence.h"

enum { ASK_PROBES = 9, ASK_OF_A_KIND = 3 };
enum {
    ASK_PORT_FIRST = 20000, /* of the source ports; below the trace's and Linux's own */
    ASK_PORT_LAST = 28000,
    ASK_TTL = 64,
    ASK_ECHO_PAYLOAD = 56, /* with it and a UDP payload of 12 bytes published signatures apply */
    ASK_CODE = 9,          /* of the last echo request, as in Nmap's OS detection */
};

struct ask_config {
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

/* What answering a UDP probe costs the responder: an error of the rate limit that traces draw
 * on. */
enum ask_permit {
    ASK_HOLD, /* a trace samples it: not now */
    ASK_ONE,  /* it rate-limits and has a token: one, and that is all there will be */
    ASK_FREE,
};

enum ask_state { ASK_WAITING, ASK_OPEN, ASK_ANSWERED, ASK_UNANSWERED, ASK_LEFT_OUT };

struct ask_probe {
    enum ask_state state;
    int64_t sent_ns;
};

struct ask {
    struct ask_config config;
    bool active;
    bool rate_limits; /* the responder: it gets no further UDP probe */
    int64_t created_ns;
    int64_t begun_ns; /* INT64_MAX: not yet */
    int64_t udp_ns;   /* no UDP probe before this */
    struct ask_probe probes[ASK_PROBES];
    struct evidence_list answers;
};

void ask_init(struct ask *ask, const struct ask_config *config, bool active, int64_t now_ns);
void ask_fini(struct ask *ask);

/* Somebody wants an answer again: what was left out and may be asked goes out after all; if
 * `active` the rest as well, where only echoes were wanted before. */
void ask_renew(struct ask *ask, bool active, int64_t now_ns);

/* Nobody wants an answer any more: what was not sent is left out. */
void ask_abandon(struct ask *ask);

/* True if a UDP probe is among what comes next: only then does the permit matter. */
bool ask_needs_permit(const struct ask *ask, int64_t now_ns);

/* Writes the probe that is due into `packet`, which holds 128 bytes; 0 if none is due. */
size_t ask_next(struct ask *ask, enum ask_permit permit, int64_t now_ns, uint8_t *packet,
                size_t *number);

/* True if the probe is a UDP one. */
bool ask_is_udp(size_t number);

/* The kernel refused to send it. */
void ask_send_failed(struct ask *ask, size_t number);

/* The capture saw an answer, false if it is none to this ask. An answer from
 * elsewhere ends the waiting and is not kept: it says nothing about the address. */
bool ask_reply(struct ask *ask, const struct wire_packet *packet,
               const struct evidence_capture *capture);

/* Finishes what is past its deadline. */
void ask_expire(struct ask *ask, int64_t now_ns);

/* When ask_expire or ask_next want to be called again; INT64_MAX when done. */
int64_t ask_due(const struct ask *ask, int64_t now_ns);

/* Everything was sent or left out, and answered or waited for. */
bool ask_done(const struct ask *ask);

/* How many probes of a kind were sent. */
int ask_sent(const struct ask *ask, enum wire_protocol protocol);

#endif

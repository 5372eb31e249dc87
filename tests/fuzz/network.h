/* SPDX-License-Identifier: BSD-2-Clause */
/* The network around the machines: what becomes of a packet that is sent, as far as nobody
 * interferes. The kinds of routers are those that the engine's rules are made for, and some that
 * mean it harm. */
#ifndef MTR_NETWORK_H
#define MTR_NETWORK_H

#include "source.h"
#include "wire/wire.h"

enum { NETWORK_HOPS = 12 };

enum router_kind {
    ROUTER_PLAIN,
    ROUTER_SILENT,
    ROUTER_BUCKET,      /* 6 errors, then one a second */
    ROUTER_PER_FLOW,    /* another address for each of 4 groups of flows */
    ROUTER_PER_PACKET,  /* the same, by chance */
    ROUTER_EVER_NEW,    /* never the same address twice */
    ROUTER_UNREACHABLE, /* lets nothing through and says so */
    ROUTER_SMALL,       /* lets small packets through, and names its MTU */
    ROUTER_SMALL_MUTE,  /* and does not */
    ROUTER_FEW_FLOWS,   /* two addresses, one of them late; flows 1 to 5, silent to others */
    ROUTER_KIND_COUNT
};

struct network {
    int hops;
    int target_ttl; /* behind them: nobody answers */
    enum router_kind kinds[NETWORK_HOPS + 1];
    uint16_t mtus[NETWORK_HOPS + 1];
    int64_t tokens_ns[NETWORK_HOPS + 1]; /* ROUTER_BUCKET: when it will be full */
    int64_t rtt_ns;                      /* of a hop */
    bool short_quotes;
    uint32_t fresh; /* ROUTER_EVER_NEW */
};

/* `hops`: at most NETWORK_HOPS. */
void network_choose(struct network *net, struct source *source, int hops);

/* What a sent packet is answered with, and after how long; false for nothing. */
bool network_answer(struct network *net, struct source *source, const struct wire_packet *sent,
                    int64_t now_ns, struct wire_packet *answer, int64_t *after_ns);

/* Of UDP and TCP. */
unsigned network_flow(const struct wire_packet *sent);

/* The sent packet, turned into a reply of this kind by this address. */
struct wire_packet network_reply(const struct wire_packet *sent, enum wire_kind kind,
                                 const struct ipaddr *from, int hop);

/* An address that is nobody's yet, of the family of `like`. */
struct ipaddr network_fresh(struct network *net, const struct ipaddr *like);

#endif

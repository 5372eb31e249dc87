/* SPDX-License-Identifier: BSD-2-Clause */
/* The path MTU search: how large a packet to the target may be, and where that size is reduced. A
 * pure state machine beside trace.h, driven in the same way. Probes that may not be fragmented go
 * to the target. A Packet Too Big names the next size to try; its sender is the hop beyond which
 * the MTU is smaller. If no router reports it (PMTU black hole), sizes are searched, then hops: the
 * last one that a packet one byte too large still reaches, and the next one that replies to a small
 * one. A size is given up only after three unanswered probes. The search ends only after the next
 * larger size stayed unanswered between replies to the largest. ICMP errors of hops are
 * rate-limited, Packet Too Big is not (Linux): probes that draw the former are spaced, and can be
 * held back until a trace of the same path is done. Pure. */
#ifndef MTR_DISCOVERY_PMTU_H
#define MTR_DISCOVERY_PMTU_H

#include "base/err.h"
#include "discovery/search.h"

enum { PMTU_REDUCTIONS = 8 };

struct pmtu;

struct pmtu_config {
    struct wire_spec spec;
    uint16_t link_mtu;
    int64_t timeout_ns;
    uint8_t max_hops;
    uint32_t max_probes;
    bool hold; /* until pmtu_release no probe that draws rate-limited errors */
};

enum pmtu_probed { PMTU_NONE, PMTU_TARGET, PMTU_HOP, PMTU_PROBED_COUNT };

struct pmtu_reduction {
    bool reported;         /* by a router or this host; else found by the search */
    uint8_t from, to;      /* hops; `from` 0: this host, `to` 0: unknown */
    struct ipaddr address; /* of `from`; version 0: unknown */
    uint16_t mtu;          /* beyond `from`; 0: unknown */
    uint16_t refused;      /* the smallest size that did not pass */
};

struct pmtu_report {
    struct wire_spec spec;
    bool done, limited; /* limited: a bound or a contradiction ended it */
    bool exact;         /* larger sizes are known not to pass */
    uint16_t mtu;       /* the largest size that passed; 0: none so far */
    uint16_t most;      /* larger sizes were not answered, or refused */
    uint16_t link_mtu;
    enum pmtu_probed probed;
    uint8_t hop_ttl; /* PMTU_HOP: the hop that was probed in place of the target */
    struct ipaddr hop;
    struct pmtu_reduction reductions[PMTU_REDUCTIONS];
    int reduction_count;
    uint32_t unlisted;         /* Packet Too Big about further reductions */
    uint32_t invalid_messages; /* Packet Too Big with an impossible MTU, ignored */
    struct ipaddr invalid_from;
    uint32_t sent;
    int64_t elapsed_ns;
    int last_error; /* errno of the last send error; 0: none */
};

struct pmtu *pmtu_new(const struct pmtu_config *config, int64_t now_ns, struct err *err);
void pmtu_free(struct pmtu *m); /* accepts NULL */

/* The capture saw a probe leave. Returns false if it is none of this search. */
bool pmtu_seen(struct pmtu *m, const struct wire_packet *packet);

/* Like the functions of the same names in trace.h; `size` is that of the probe. */
bool pmtu_next(struct pmtu *m, int64_t now_ns, struct wire_probe *out, uint16_t *size);
void pmtu_send_failed(struct pmtu *m, uint32_t number, int error, int64_t now_ns);
bool pmtu_reply(struct pmtu *m, const struct wire_packet *packet, int64_t now_ns);
void pmtu_expire(struct pmtu *m, int64_t now_ns);
int64_t pmtu_due(const struct pmtu *m);
bool pmtu_done(const struct pmtu *m);

/* Ends `hold`. */
void pmtu_release(struct pmtu *m, int64_t now_ns);

/* Writes the bytes of a probe; returns their number. */
size_t pmtu_build(const struct pmtu *m, const struct wire_probe *probe, uint16_t size,
                  uint8_t *packet);

void pmtu_read(const struct pmtu *m, struct pmtu_report *out);

/* For the prober; see search.h. The state is a struct pmtu. */
extern const struct search_ops pmtu_search;

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* How large a packet may be on the way to the target, and where that size is reduced: a pure state
 * machine beside trace.h, driven in the same way. Probes that may not be fragmented go to the
 * target; a router that says "packet too big" names the next size to try, and is the hop behind
 * which the MTU of the path is smaller. Where nobody says so, sizes are searched, then hops: the
 * last one that a packet one byte too large still reaches, and the next one that answers a small
 * one. A size is given up only after three silences, and the end of a search only after the next
 * larger size stayed unanswered between answers to the largest. Errors of hops are rate-limited,
 * "too big" is not (Linux): what draws the former is spaced, and can be held back until a trace
 * beside it is done. */
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
    bool hold; /* until pmtu_release, nothing is sent that draws rate-limited answers */
};

enum pmtu_probed { PMTU_NONE, PMTU_TARGET, PMTU_HOP, PMTU_PROBED_COUNT };

struct pmtu_reduction {
    bool reported;         /* by a router, or by this host; else it was searched for */
    uint8_t from, to;      /* hops; 0: this host, and not known */
    struct ipaddr address; /* of `from`; version 0 where it is not known */
    uint16_t mtu;          /* of what is behind; 0: not known */
    uint16_t refused;      /* smallest packet that did not pass */
};

struct pmtu_report {
    struct wire_spec spec;
    bool done, limited; /* limited: bounds or contradictions ended it */
    bool exact;         /* larger ones are known not to pass */
    uint16_t mtu;       /* the largest size that passed; 0: none yet */
    uint16_t most;      /* what is larger was not answered, or refused */
    uint16_t link_mtu;
    enum pmtu_probed probed;
    uint8_t hop_ttl; /* asked a hop in place of the target */
    struct ipaddr hop;
    struct pmtu_reduction reductions[PMTU_REDUCTIONS];
    int reduction_count;
    uint32_t unlisted;         /* messages of further ones */
    uint32_t invalid_messages; /* messages about an MTU that cannot be, ignored */
    struct ipaddr invalid_from;
    uint32_t sent;
    int64_t elapsed_ns;
    int last_error; /* errno of the last send error; 0: none */
};

struct pmtu *pmtu_new(const struct pmtu_config *config, int64_t now_ns, struct err *err);
void pmtu_free(struct pmtu *m); /* accepts NULL */

/* The capture saw a probe leave; false if it is none of this search. */
bool pmtu_seen(struct pmtu *m, const struct wire_packet *packet);

/* As their namesakes in trace.h; `size` is the probe's. */
bool pmtu_next(struct pmtu *m, int64_t now_ns, struct wire_probe *out, uint16_t *size);
void pmtu_send_failed(struct pmtu *m, uint32_t number, int error, int64_t now_ns);
bool pmtu_reply(struct pmtu *m, const struct wire_packet *packet, int64_t now_ns);
void pmtu_expire(struct pmtu *m, int64_t now_ns);
int64_t pmtu_due(const struct pmtu *m);
bool pmtu_done(const struct pmtu *m);

/* Ends `hold`. */
void pmtu_release(struct pmtu *m, int64_t now_ns);

/* The probe's bytes. */
size_t pmtu_build(const struct pmtu *m, const struct wire_probe *probe, uint16_t size,
                  uint8_t *packet);

void pmtu_read(const struct pmtu *m, struct pmtu_report *out);

/* For the prober; see search.h. The state is a struct pmtu. */
extern const struct search_ops pmtu_search;

#endif

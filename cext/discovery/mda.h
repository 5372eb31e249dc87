/* SPDX-License-Identifier: BSD-2-Clause */
/* Which paths there are: the multipath detection algorithm (Veitch, Augustin, Friedman, INFOCOM
 * 2009; Vermeulen et al., IMC 2018) as a pure state machine beside trace.h, driven in the same
 * way. Every vertex gets flows until one more next hop would have shown with the wanted
 * confidence; flows are used again from hop to hop, and new ones are only sought for a vertex
 * where those that are known to pass it do not suffice. So each two hops are tested for meshing by
 * n_1 flows of every vertex (6 at 95 %), where MDA-Lite's test takes two: these miss a single
 * further link every other time, and the promise with it. Assumed: this host has one first hop, a
 * router that delivers to the target does so for all flows, routes do not change, and next hops
 * get equal shares. No statistics: they are trace.h's, flow by flow. */
#ifndef MTR_DISCOVERY_MDA_H
#define MTR_DISCOVERY_MDA_H

#include "base/err.h"
#include "discovery/flowmap.h"
#include "discovery/search.h"

struct mda;

struct mda_config {
    struct wire_spec spec;
    double failure; /* that a vertex keeps a next hop from us; 0.05 for 95 % */
    int64_t timeout_ns;
    uint8_t first_hop, max_hops, max_silent;
    uint16_t max_flows;
    uint32_t max_probes;
};

/* What was found out about a vertex: its flows, and the chance that it has another next hop. */
struct mda_judgement {
    struct flowmap_view view;
    double miss_probability; /* at most; 0 where the path ends */
};

struct mda_summary {
    bool done, reached;
    uint8_t last_ttl; /* the last one with an answer, or 0 */
    uint32_t sent, flows;
    double confidence; /* that nothing is missing, under the algorithm's assumptions */
    bool limited;      /* max_flows, max_probes or silence ended the search somewhere */
    int64_t elapsed_ns;
    int last_error; /* errno of the last send error; 0: none */
};

/* How many flows a vertex with `next` next hops must get before the search stops there. */
uint32_t mda_flows_needed(uint32_t next, double failure);

struct mda *mda_new(const struct mda_config *config, int64_t now_ns, struct err *err);
void mda_free(struct mda *m); /* accepts NULL */
const struct mda_config *mda_config(const struct mda *m);

/* The capture saw a probe leave; false if it is none of this search. */
bool mda_seen(struct mda *m, const struct wire_packet *packet);

/* As their namesakes in trace.h. */
bool mda_next(struct mda *m, int64_t now_ns, struct wire_probe *out);
void mda_send_failed(struct mda *m, uint32_t number, int error, int64_t now_ns);
bool mda_reply(struct mda *m, const struct wire_packet *packet, int64_t now_ns);
void mda_expire(struct mda *m, int64_t now_ns);
int64_t mda_due(const struct mda *m);
bool mda_done(const struct mda *m);

void mda_summary(const struct mda *m, struct mda_summary *out);

/* What each flow has shown. */
const struct flowmap *mda_map(const struct mda *m);

/* A snapshot to read while the search goes on. */
struct mda_report {
    struct wire_spec spec;
    double failure;
    uint8_t first_hop;
    struct mda_summary summary;
    struct flowmap map; /* the caller frees it by flowmap_fini */
};

/* -1 without memory. */
int mda_read(const struct mda *m, struct mda_report *out);

/* For the prober; see search.h. The state is a struct mda. */
extern const struct search_ops mda_search;

struct mda_judgement mda_judge(const struct flowmap *map, uint8_t ttl, uint16_t vertex);

#endif

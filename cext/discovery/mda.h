/* SPDX-License-Identifier: BSD-2-Clause */
/* The multipath detection algorithm (Veitch, Augustin, Friedman, INFOCOM 2009; Vermeulen et al.,
 * IMC 2018) as a pure state machine beside trace.h, driven in the same way. Every vertex gets flows
 * until one more next hop would have shown with the wanted confidence. Flows are reused from hop to
 * hop; new ones are sought only for a vertex that too few known flows pass. So each pair of TTLs is
 * tested for meshing by n_1 flows of every vertex (6 at 95 %); MDA-Lite uses two, which miss a
 * single extra link every other time. Assumptions: this host has one first hop, a router that
 * delivers to the target does so for all flows, routes do not change, and next hops get equal
 * shares. Statistics per flow are trace.h's. */
#ifndef MTR_DISCOVERY_MDA_H
#define MTR_DISCOVERY_MDA_H

#include "base/err.h"
#include "discovery/flowmap.h"
#include "discovery/search.h"

struct mda;

struct mda_config {
    struct wire_spec spec;
    double failure; /* probability of missing a next hop of a vertex; 0.05 for 95 % */
    int64_t timeout_ns;
    uint8_t first_hop, max_hops, max_silent;
    uint16_t max_flows;
    uint32_t max_probes;
};

/* What is known about a vertex: its flows, and the probability that it has another next hop. */
struct mda_judgement {
    struct flowmap_view view;
    double miss_probability; /* upper bound; 0 where the path ends */
};

struct mda_summary {
    bool done, reached;
    uint8_t last_ttl; /* the last one with a reply, or 0 */
    uint32_t sent, flows;
    double confidence; /* that no path is missing, under the assumptions above */
    bool limited;      /* max_flows, max_probes or silence ended it somewhere */
    int64_t elapsed_ns;
    int last_error; /* errno of the last send error; 0: none */
};

/* The number of answered flows after which the search stops at a vertex with `next` next hops. */
uint32_t mda_flows_needed(uint32_t next, double failure);

struct mda *mda_new(const struct mda_config *config, int64_t now_ns, struct err *err);
void mda_free(struct mda *m); /* accepts NULL */
const struct mda_config *mda_config(const struct mda *m);

/* The capture saw a probe leave. Returns false if it is none of this search. */
bool mda_seen(struct mda *m, const struct wire_packet *packet);

/* Like the functions of the same names in trace.h. */
bool mda_next(struct mda *m, int64_t now_ns, struct wire_probe *out);
void mda_send_failed(struct mda *m, uint32_t number, int error, int64_t now_ns);
bool mda_reply(struct mda *m, const struct wire_packet *packet, int64_t now_ns);
void mda_expire(struct mda *m, int64_t now_ns);
int64_t mda_due(const struct mda *m);
bool mda_done(const struct mda *m);

void mda_summary(const struct mda *m, struct mda_summary *out);

/* The outcomes of all flows. */
const struct flowmap *mda_map(const struct mda *m);

/* A copy to read while the search goes on. */
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

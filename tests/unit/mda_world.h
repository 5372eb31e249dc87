/* SPDX-License-Identifier: BSD-2-Clause */
/* A simulated network of load balancers for one multipath detection, in virtual time. */
#ifndef MTR_MDA_WORLD_H
#define MTR_MDA_WORLD_H

#include "base/units.h"
#include "discovery/mda.h"

#define SECOND INT64_C(1000000000)

enum { NODES_MAX = 256, NEXT_MAX = 64 };

enum balance { PER_FLOW, PER_PACKET, PER_DESTINATION };

struct node {
    uint8_t ttl;
    bool silent, target;
    enum balance balance;
    double loss;      /* probability, of each reply */
    bool rate_limits; /* bucket size 6, refill interval 1 s */
    double tokens;
    int64_t filled_ns;
    uint16_t next_count, next[NEXT_MAX];
};

/* nodes[0] is the first router. */
struct graph {
    size_t count;
    struct node nodes[NODES_MAX];
    uint64_t seed;
};

struct delivery;

struct mda_world {
    struct mda_config config;
    struct graph graph;
    struct mda *mda;
    int64_t now_ns;
    uint64_t random;
    struct delivery *first;
    uint32_t to_node[NODES_MAX]; /* probes answered or dropped by each node */
};

/* Makes a detection with 95 % confidence by UDP over IPv4, in a graph without nodes. */
void mda_world_new(struct mda_world *w, uint64_t seed);
void mda_world_run(struct mda_world *w); /* to its end */
void mda_world_free(struct mda_world *w);

uint64_t mda_world_random(struct mda_world *w);

/* Add a node, and an edge. */
uint16_t graph_node(struct graph *g, uint8_t ttl);
void graph_edge(struct graph *g, uint16_t from, uint16_t to);

/* Adds a layer of `width` nodes after `from`, with edges from all nodes to all (mesh) or from one
 * node to one. */
struct layer {
    uint16_t first, width;
};
struct layer graph_layer(struct graph *g, struct layer from, uint16_t width, bool mesh);
struct layer graph_target(struct graph *g, struct layer from);

struct ipaddr graph_address(const struct graph *g, const struct mda_config *config, uint16_t node);

/* The numbers of nodes and edges in the graph, of those found, and of those found that are not in
 * the graph. Edges hidden by a silent node or by per-packet load balancing do not count. */
struct comparison {
    uint32_t nodes, nodes_found, edges, edges_found, invented;
};
struct comparison mda_world_compare(const struct mda_world *w);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* A world of routers that balance, around one search of paths, in virtual time. */
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
    double loss;      /* of each answer */
    bool rate_limits; /* a bucket of 6, one token a second */
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
    uint32_t to_node[NODES_MAX]; /* probes answered or dropped there */
};

/* A search of 95 % by UDP over IPv4, in a graph without nodes. */
void mda_world_new(struct mda_world *w, uint64_t seed);
void mda_world_run(struct mda_world *w); /* to its end */
void mda_world_free(struct mda_world *w);

uint64_t mda_world_random(struct mda_world *w);

/* A further node, and an edge. */
uint16_t graph_node(struct graph *g, uint8_t ttl);
void graph_edge(struct graph *g, uint16_t from, uint16_t to);

/* A layer behind `from` of `width` nodes, each reached from each (mesh) or from its like. */
struct layer {
    uint16_t first, width;
};
struct layer graph_layer(struct graph *g, struct layer from, uint16_t width, bool mesh);
struct layer graph_target(struct graph *g, struct layer from);

struct ipaddr graph_address(const struct graph *g, const struct mda_config *config, uint16_t node);

/* How many of the graph's nodes and edges were found, and how many of those found are not in it.
 * Edges are not looked for where a silent node or balancing per packet hides them. */
struct comparison {
    uint32_t nodes, nodes_found, edges, edges_found, invented;
};
struct comparison mda_world_compare(const struct mda_world *w);

#endif

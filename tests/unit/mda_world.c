/* SPDX-License-Identifier: BSD-2-Clause */
#include "mda_world.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKET = 6, STEPS_MAX = 2000000 };

struct delivery {
    struct delivery *next;
    int64_t at_ns;
    struct wire_packet packet;
};

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t mda_world_random(struct mda_world *w)
{
    return check_random(&w->random);
}

void mda_world_new(struct mda_world *w, uint64_t seed)
{
    *w = (struct mda_world){ .random = mix(seed) };
    w->graph.seed = mix(seed + 1);
    w->config = (struct mda_config){ .failure = 0.05,
                                     .timeout_ns = 5 * SECOND,
                                     .first_hop = 1,
                                     .max_hops = 30,
                                     .max_silent = 5,
                                     .max_flows = 1024,
                                     .max_probes = 30000 };
    struct wire_spec *spec = &w->config.spec;
    spec->protocol = WIRE_UDP;
    spec->source_port = WIRE_SOURCE_PORT;
    spec->target_port = WIRE_PORT_UDP;
    spec->cookie = 0xfeed;
    spec->key = 0xfacefacefaceface;
    spec->size = wire_size_default(WIRE_UDP, 4);
    ipaddr_from_text(&spec->source, "10.0.0.1");
    ipaddr_from_text(&spec->target, "10.99.0.1");
}

void mda_world_free(struct mda_world *w)
{
    while (w->first != NULL) {
        struct delivery *d = w->first;
        w->first = d->next;
        free(d);
    }
    mda_free(w->mda);
    w->mda = NULL;
}

/* ---- graphs -------------------------------------------------------------------------------- */

uint16_t graph_node(struct graph *g, uint8_t ttl)
{
    if (g->count == NODES_MAX)
        abort();
    g->nodes[g->count] = (struct node){ .ttl = ttl, .tokens = BUCKET };
    return (uint16_t)g->count++;
}

void graph_edge(struct graph *g, uint16_t from, uint16_t to)
{
    struct node *n = &g->nodes[from];
    if (n->next_count == NEXT_MAX)
        abort();
    n->next[n->next_count++] = to;
}

struct layer graph_layer(struct graph *g, struct layer from, uint16_t width, bool mesh)
{
    uint8_t ttl = from.width > 0 ? (uint8_t)(g->nodes[from.first].ttl + 1) : 1;
    struct layer layer = { (uint16_t)g->count, width };

    for (uint16_t i = 0; i < width; i++)
        graph_node(g, ttl);
    for (uint16_t i = 0; i < from.width; i++)
        for (uint16_t j = 0; j < width; j++) {
            bool like = from.width >= width ? i % width == j : j % from.width == i;
            if (mesh || like)
                graph_edge(g, (uint16_t)(from.first + i), (uint16_t)(layer.first + j));
        }
    return layer;
}

struct layer graph_target(struct graph *g, struct layer from)
{
    struct layer layer = graph_layer(g, from, 1, true);
    g->nodes[layer.first].target = true;
    return layer;
}

struct ipaddr graph_address(const struct graph *g, const struct mda_config *config, uint16_t node)
{
    struct ipaddr address = config->spec.target;

    if (g->nodes[node].target)
        return address;
    address.bytes[1] = 50;
    address.bytes[2] = (uint8_t)(node >> 8);
    address.bytes[3] = (uint8_t)node;
    return address;
}

/* ---- probes -------------------------------------------------------------------------------- */

static uint16_t step(struct mda_world *w, uint16_t at, uint16_t flow)
{
    const struct node *n = &w->graph.nodes[at];
    uint64_t key = n->balance == PER_PACKET        ? mda_world_random(w)
                   : n->balance == PER_DESTINATION ? 7
                                                   : flow;
    return n->next[mix(w->graph.seed ^ mix((uint64_t)at << 32 ^ mix(key))) % n->next_count];
}

static bool answers(struct mda_world *w, struct node *n)
{
    if (n->silent || (double)(mda_world_random(w) % 10000) < n->loss * 10000)
        return false;
    if (!n->rate_limits)
        return true;
    n->tokens += (double)(w->now_ns - n->filled_ns) / SECOND;
    n->filled_ns = w->now_ns;
    n->tokens = n->tokens > BUCKET ? BUCKET : n->tokens;
    if (n->tokens < 1)
        return false;
    n->tokens -= 1;
    return true;
}

static void answer(struct mda_world *w, const struct wire_probe *probe, uint16_t node)
{
    static uint8_t bytes[2048];
    const struct node *n = &w->graph.nodes[node];
    struct wire_packet own;
    struct delivery **at = &w->first, *d = calloc(1, sizeof *d);

    if (d == NULL || wire_parse(bytes, wire_build(&w->config.spec, probe, bytes), &own) != WIRE_OK)
        abort();
    d->at_ns = w->now_ns + n->ttl * MS + (int64_t)(mda_world_random(w) % MS);
    d->packet = (struct wire_packet){ .kind = n->target ? WIRE_UNREACHABLE : WIRE_TIME_EXCEEDED,
                                      .from = graph_address(&w->graph, &w->config, node),
                                      .type = n->target ? 3 : 11,
                                      .code = n->target ? 3 : 0,
                                      .quote = { .length = own.length },
                                      .probe = own.probe };
    while (*at != NULL && (*at)->at_ns <= d->at_ns)
        at = &(*at)->next;
    d->next = *at;
    *at = d;
}

static void send(struct mda_world *w, const struct wire_probe *probe)
{
    uint16_t at = 0;

    while (w->graph.nodes[at].ttl < probe->ttl && w->graph.nodes[at].next_count > 0)
        at = step(w, at, probe->flow);
    if (w->graph.nodes[at].ttl < probe->ttl && !w->graph.nodes[at].target)
        return; /* a dead end */
    w->to_node[at]++;
    if (answers(w, &w->graph.nodes[at]))
        answer(w, probe, at);
}

static void deliver_due(struct mda_world *w)
{
    while (w->first != NULL && w->first->at_ns <= w->now_ns) {
        struct delivery *d = w->first;
        w->first = d->next;
        mda_reply(w->mda, &d->packet, w->now_ns);
        free(d);
    }
}

void mda_world_run(struct mda_world *w)
{
    struct wire_probe probe;

    w->mda = mda_new(&w->config, w->now_ns, NULL);
    for (uint32_t steps = 0; w->mda != NULL && !mda_done(w->mda); steps++) {
        deliver_due(w);
        mda_expire(w->mda, w->now_ns);
        while (mda_next(w->mda, w->now_ns, &probe))
            send(w, &probe);
        if (!check_that(steps < STEPS_MAX, "the search never sleeps"))
            return;
        int64_t due_ns = mda_due(w->mda);
        if (w->first != NULL && w->first->at_ns < due_ns)
            due_ns = w->first->at_ns;
        if (due_ns == INT64_MAX)
            due_ns = w->now_ns;
        w->now_ns = due_ns > w->now_ns ? due_ns : w->now_ns;
    }
}

/* ---- comparison ---------------------------------------------------------------------------- */

static uint16_t find(const struct mda_world *w, uint16_t node)
{
    struct ipaddr address = graph_address(&w->graph, &w->config, node);
    return flowmap_find(mda_map(w->mda), w->graph.nodes[node].ttl, &address);
}

static bool edge_found(const struct mda_world *w, uint8_t ttl, uint16_t from, uint16_t to)
{
    const struct flowmap *map = mda_map(w->mda);

    if (map->ttls[ttl].vertex_count == 1)
        return true; /* all later nodes follow this one */
    for (uint32_t flow = 0; flow < w->config.max_flows; flow++)
        if (flowmap_get(map, ttl, flow).vertex == from &&
            flowmap_get(map, ttl + 1, flow).vertex == to)
            return true;
    return false;
}

static uint32_t vertices_found(const struct mda_world *w)
{
    uint32_t count = 0;
    for (uint8_t ttl = 1; ttl <= w->config.max_hops; ttl++)
        count += mda_map(w->mda)->ttls[ttl].vertex_count;
    return count;
}

struct comparison mda_world_compare(const struct mda_world *w)
{
    struct comparison c = { 0 };

    for (uint16_t i = 0; i < w->graph.count; i++) {
        const struct node *n = &w->graph.nodes[i];
        uint16_t from = find(w, i);
        if (n->silent)
            continue;
        c.nodes++;
        c.nodes_found += from != FLOWMAP_NONE;
        for (uint16_t e = 0; e < n->next_count; e++) {
            if (w->graph.nodes[n->next[e]].silent)
                continue;
            c.edges++;
            uint16_t to = find(w, n->next[e]);
            c.edges_found +=
                from != FLOWMAP_NONE && to != FLOWMAP_NONE && edge_found(w, n->ttl, from, to);
        }
    }
    c.invented = vertices_found(w) - c.nodes_found;
    return c;
}

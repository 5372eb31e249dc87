/* SPDX-License-Identifier: BSD-2-Clause */
/* What each flow has shown at each TTL, and what follows from it: the vertices of a multipath graph
 * and which flows pass them. Data only: it decides nothing about probes. Pure. */
#ifndef MTR_DISCOVERY_FLOWMAP_H
#define MTR_DISCOVERY_FLOWMAP_H

#include "base/bound.h"
#include "wire/wire.h"

enum flowmap_state {
    FLOWMAP_UNPROBED,
    FLOWMAP_WANTED,
    FLOWMAP_OPEN,
    FLOWMAP_ANSWERED,
    FLOWMAP_LOST, /* wanted once more */
    FLOWMAP_GIVEN_UP,
    FLOWMAP_BEYOND, /* the flow's path ends in front of this TTL */
};

/* TTLs 0 to 255, and the empty one behind them: each TTL has a next one to look at. */
enum {
    FLOWMAP_TTLS = UINT8_MAX + 2,
    FLOWMAP_VERTICES = BOUND(256, 8), /* of a TTL; the widest diamond known has 96 (IMC 2020) */
};

/* In place of a vertex. */
enum {
    FLOWMAP_NONE = UINT16_MAX,       /* of a cell: no answer. Of a TTL: all flows */
    FLOWMAP_SILENT = UINT16_MAX - 1, /* the flows that pass a router which does not answer */
};

/* One flow at one TTL. */
struct flowmap_cell {
    uint8_t state, tries;
    uint16_t vertex;
};

/* An address at a TTL. */
struct flowmap_vertex {
    struct ipaddr address;
    bool target, stop;  /* the path ends here: the target; an unreachable from elsewhere */
    bool alias;         /* time exceeded with the target's address: a hop beyond a NAT, or it */
    uint8_t type, code; /* ICMP, of the first answer */
    uint8_t reply_ttl;  /* of the first answer */
};

struct flowmap_ttl {
    uint16_t vertex_count;
    struct flowmap_vertex *vertices;
    struct flowmap_cell *cells; /* by flow, `flows` of them */
    size_t flows;
    uint32_t wanted; /* cells that want a probe */
    bool per_packet; /* one flow is sent on different ways here */
};

struct flowmap {
    uint8_t first, last; /* TTLs */
    uint32_t top_flow;   /* no flow from this one on was wanted yet */
    bool out_of_memory;
    uint32_t unlisted; /* flows answered by a vertex that found no room at its TTL */
    struct flowmap_ttl ttls[FLOWMAP_TTLS];
};

/* {0} with first and last set is a valid empty map. */
void flowmap_fini(struct flowmap *map);

/* A deep copy; -1 without memory (then *to is empty). */
int flowmap_copy(struct flowmap *to, const struct flowmap *from);

/* The cell; one that was never asked beyond what is there. */
struct flowmap_cell flowmap_get(const struct flowmap *map, int ttl, uint32_t flow);

/* The same to be changed; NULL without memory. */
struct flowmap_cell *flowmap_at(struct flowmap *map, int ttl, uint32_t flow);

bool flowmap_is_wanted(struct flowmap_cell cell);
bool flowmap_is_pending(struct flowmap_cell cell); /* wanted or under way */

/* The lowest flow whose cell at this TTL is in such a state; FLOWMAP_NONE if there is none. */
uint32_t flowmap_first_wanted(const struct flowmap *map, int ttl);
uint32_t flowmap_first_answered(const struct flowmap *map, int ttl);

/* Wants a cell that was not asked; false if it was. */
bool flowmap_want(struct flowmap *map, int ttl, uint32_t flow);

/* The flow was answered at this TTL. Returns the vertex; FLOWMAP_NONE where the flow's path ended
 * before. */
uint16_t flowmap_answer(struct flowmap *map, int ttl, uint32_t flow,
                        const struct flowmap_vertex *vertex);

/* The vertex of this address at this TTL, or FLOWMAP_NONE. */
uint16_t flowmap_find(const struct flowmap *map, int ttl, const struct ipaddr *address);

/* A time exceeded with the target's address where nothing farther replied, or where the end one TTL
 * later is the same machine: the target. */
void flowmap_settle_aliases(struct flowmap *map);

/* Where others were shown the end and this flow was not, an end one TTL later is the same one. */
void flowmap_forget_repeated_ends(struct flowmap *map);

/* Whether a hop or the target has replied at this TTL or beyond. */
bool flowmap_goes_on(const struct flowmap *map, int ttl);

/* Something has replied at this TTL: errors that seemed to end paths there or before it were about
 * single probes. Their flows are wanted again. */
void flowmap_refute_stops(struct flowmap *map, int ttl);

/* Whether paths go on behind it. */
bool flowmap_has_next(const struct flowmap_vertex *vertex);

/* The last TTL with an answer; 0 without any. */
int flowmap_last_answering(const struct flowmap *map);

/* All flows count as passing this TTL as one: in front of the first, where nobody or only one
 * vertex answers, and where balancing per packet leaves a flow no way of its own. */
bool flowmap_is_single(const struct flowmap *map, int ttl);

/* Whether the flow is known to pass the vertex, or what stands in its place. */
bool flowmap_passes(const struct flowmap *map, int ttl, uint16_t vertex, uint32_t flow);

/* Whether one of the vertex' flows passes `before` at the TTL in front of it. */
bool flowmap_precedes(const struct flowmap *map, int ttl, uint16_t vertex, uint16_t before);

/* The flows of a vertex, and what they have shown at the next TTL. */
struct flowmap_view {
    uint32_t passing, tested, pending; /* flows: all; answered at the next TTL; asked there */
    uint32_t next;                     /* vertices there */
    bool target;                       /* one of them is the target */
};
struct flowmap_view flowmap_look(const struct flowmap *map, int ttl, uint16_t vertex);

#endif

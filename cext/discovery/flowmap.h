/* SPDX-License-Identifier: BSD-2-Clause */
/* The outcome of each flow at each TTL, and the multipath graph that follows: its vertices, and the
 * flows that pass them. Data only; decides nothing about probes. Pure. */
#ifndef MTR_DISCOVERY_FLOWMAP_H
#define MTR_DISCOVERY_FLOWMAP_H

#include "base/bound.h"
#include "wire/wire.h"

enum flowmap_state {
    FLOWMAP_UNPROBED,
    FLOWMAP_WANTED,
    FLOWMAP_OPEN,
    FLOWMAP_ANSWERED,
    FLOWMAP_LOST, /* lost, to be probed again */
    FLOWMAP_GIVEN_UP,
    FLOWMAP_BEYOND, /* the flow's path ends before this TTL */
};

/* TTLs 0 to 255, and an empty one after them, so that each TTL has a next one. */
enum {
    FLOWMAP_TTLS = UINT8_MAX + 2,
    FLOWMAP_VERTICES = BOUND(256, 8), /* of a TTL; the widest known diamond has 96 (IMC 2020) */
};

/* Values in place of a vertex. */
enum {
    FLOWMAP_NONE = UINT16_MAX,       /* of a cell: no reply; of a TTL: all flows */
    FLOWMAP_SILENT = UINT16_MAX - 1, /* the flows that pass a silent router */
};

/* One flow at one TTL. */
struct flowmap_cell {
    uint8_t state, tries;
    uint16_t vertex;
};

/* An address at a TTL. */
struct flowmap_vertex {
    struct ipaddr address;
    bool target, stop; /* the path ends here, at the target or by an unreachable */
    bool alias; /* time exceeded from the target's address: a hop behind a NAT, or the target */
    uint8_t type, code; /* ICMP, of the first reply */
    uint8_t reply_ttl;  /* of the first reply */
};

struct flowmap_ttl {
    uint16_t vertex_count;
    struct flowmap_vertex *vertices;
    struct flowmap_cell *cells; /* by flow, `flows` of them */
    size_t flows;
    uint32_t wanted; /* cells that are to be probed */
    bool per_packet; /* per-packet load balancing: one flow takes several paths here */
};

struct flowmap {
    uint8_t first, last; /* TTLs */
    uint32_t top_flow;   /* no flow from this number on was wanted so far */
    bool out_of_memory;
    uint32_t unlisted; /* flows whose vertex did not fit into FLOWMAP_VERTICES */
    struct flowmap_ttl ttls[FLOWMAP_TTLS];
};

/* {0} with first and last set is a valid empty map. */
void flowmap_fini(struct flowmap *map);

/* A deep copy; -1 without memory (then *to is empty). */
int flowmap_copy(struct flowmap *to, const struct flowmap *from);

/* The cell; FLOWMAP_UNPROBED beyond the cells that exist. */
struct flowmap_cell flowmap_get(const struct flowmap *map, int ttl, uint32_t flow);

/* The cell, to be changed; NULL without memory. */
struct flowmap_cell *flowmap_at(struct flowmap *map, int ttl, uint32_t flow);

bool flowmap_is_wanted(struct flowmap_cell cell);
bool flowmap_is_pending(struct flowmap_cell cell); /* wanted or sent */

/* The lowest flow whose cell at this TTL is wanted or answered; FLOWMAP_NONE if there is none. */
uint32_t flowmap_first_wanted(const struct flowmap *map, int ttl);
uint32_t flowmap_first_answered(const struct flowmap *map, int ttl);

/* Marks an unprobed cell as wanted; false if it was probed. */
bool flowmap_want(struct flowmap *map, int ttl, uint32_t flow);

/* The flow got a reply at this TTL. Returns the vertex, or FLOWMAP_NONE if the flow's path ended
 * before. */
uint16_t flowmap_answer(struct flowmap *map, int ttl, uint32_t flow,
                        const struct flowmap_vertex *vertex);

/* The vertex of this address at this TTL, or FLOWMAP_NONE. */
uint16_t flowmap_find(const struct flowmap *map, int ttl, const struct ipaddr *address);

/* Takes a time exceeded from the target's address for the target if nothing farther replied, or if
 * the end one TTL later is the same machine. */
void flowmap_settle_aliases(struct flowmap *map);

/* Removes an end one TTL later than that of other flows: it is the same one. */
void flowmap_forget_repeated_ends(struct flowmap *map);

/* True if a hop or the target has replied at this TTL or beyond. */
bool flowmap_goes_on(const struct flowmap *map, int ttl);

/* Something replied at this TTL, so errors that seemed to end paths there or before were about
 * single probes. Their flows are probed again. */
void flowmap_refute_stops(struct flowmap *map, int ttl);

/* True if paths go on beyond the vertex. */
bool flowmap_has_next(const struct flowmap_vertex *vertex);

/* The last TTL with a reply; 0: none. */
int flowmap_last_answering(const struct flowmap *map);

/* True if all flows count as one at this TTL: before the first, at a TTL with at most one vertex,
 * and with per-packet load balancing, which gives a flow no path of its own. */
bool flowmap_is_single(const struct flowmap *map, int ttl);

/* True if the flow is known to pass the vertex, or the value in its place. */
bool flowmap_passes(const struct flowmap *map, int ttl, uint16_t vertex, uint32_t flow);

/* True if a flow of the vertex passes `before` at the TTL before. */
bool flowmap_precedes(const struct flowmap *map, int ttl, uint16_t vertex, uint16_t before);

/* The flows of a vertex, and their outcomes at the next TTL. */
struct flowmap_view {
    uint32_t passing, tested,
        pending;   /* flows: all; answered at the next TTL; wanted or sent there */
    uint32_t next; /* vertices there */
    bool target;   /* one of them is the target */
};
struct flowmap_view flowmap_look(const struct flowmap *map, int ttl, uint16_t vertex);

#endif

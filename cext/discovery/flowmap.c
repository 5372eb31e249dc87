/* SPDX-License-Identifier: BSD-2-Clause */
#include "discovery/flowmap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_FLOWS = 16, NEXT_MOST = 1024 /* more next hops than that are not counted */ };

static const struct flowmap_cell unprobed = { .vertex = FLOWMAP_NONE };

void flowmap_fini(struct flowmap *map)
{
    for (int ttl = 0; ttl < FLOWMAP_TTLS; ttl++) {
        free(map->ttls[ttl].vertices);
        free(map->ttls[ttl].cells);
    }
    memset(map->ttls, 0, sizeof map->ttls);
}

static void *copy_of(const void *from, size_t bytes)
{
    void *to = bytes > 0 ? malloc(bytes) : NULL;
    if (to != NULL)
        memcpy(to, from, bytes);
    return to;
}

int flowmap_copy(struct flowmap *to, const struct flowmap *from)
{
    bool complete = true;

    *to = *from;
    for (int ttl = 0; ttl < FLOWMAP_TTLS; ttl++) {
        const struct flowmap_ttl *at = &from->ttls[ttl];
        struct flowmap_ttl *copy = &to->ttls[ttl];
        copy->vertices = copy_of(at->vertices, at->vertex_count * sizeof *at->vertices);
        copy->cells = copy_of(at->cells, at->flows * sizeof *at->cells);
        complete = complete && (at->vertex_count == 0 || copy->vertices != NULL) &&
                   (at->flows == 0 || copy->cells != NULL);
    }
    if (complete)
        return 0;
    flowmap_fini(to);
    return -1;
}

/* ---- cells --------------------------------------------------------------------------------- */

struct flowmap_cell flowmap_get(const struct flowmap *map, int ttl, uint32_t flow)
{
    const struct flowmap_ttl *at = &map->ttls[ttl];
    return flow < at->flows ? at->cells[flow] : unprobed;
}

struct flowmap_cell *flowmap_at(struct flowmap *map, int ttl, uint32_t flow)
{
    struct flowmap_ttl *at = &map->ttls[ttl];

    if (flow < at->flows)
        return &at->cells[flow];
    size_t flows = at->flows == 0 ? FIRST_FLOWS : at->flows * 2;
    flows = flows > flow ? flows : flow + 1u;
    struct flowmap_cell *cells = realloc(at->cells, flows * sizeof *cells);
    if (cells == NULL) {
        map->out_of_memory = true;
        return NULL;
    }
    for (size_t i = at->flows; i < flows; i++)
        cells[i] = unprobed;
    at->cells = cells;
    at->flows = flows;
    return &at->cells[flow];
}

bool flowmap_is_wanted(struct flowmap_cell cell)
{
    return cell.state == FLOWMAP_WANTED || cell.state == FLOWMAP_LOST;
}

bool flowmap_is_pending(struct flowmap_cell cell)
{
    return flowmap_is_wanted(cell) || cell.state == FLOWMAP_OPEN;
}

uint32_t flowmap_first_wanted(const struct flowmap *map, int ttl)
{
    const struct flowmap_ttl *at = &map->ttls[ttl];

    for (uint32_t flow = 0; at->wanted > 0 && flow < at->flows; flow++)
        if (flowmap_is_wanted(at->cells[flow]))
            return flow;
    return FLOWMAP_NONE;
}

uint32_t flowmap_first_answered(const struct flowmap *map, int ttl)
{
    const struct flowmap_ttl *at = &map->ttls[ttl];

    for (uint32_t flow = 0; flow < at->flows; flow++)
        if (at->cells[flow].state == FLOWMAP_ANSWERED)
            return flow;
    return FLOWMAP_NONE;
}

bool flowmap_want(struct flowmap *map, int ttl, uint32_t flow)
{
    struct flowmap_cell *cell = flowmap_at(map, ttl, flow);

    if (cell == NULL || cell->state != FLOWMAP_UNPROBED)
        return false;
    cell->state = FLOWMAP_WANTED;
    map->ttls[ttl].wanted++;
    if (flow >= map->top_flow)
        map->top_flow = flow + 1;
    return true;
}

/* ---- where paths end ----------------------------------------------------------------------- */

bool flowmap_has_next(const struct flowmap_vertex *vertex)
{
    return !vertex->target && !vertex->stop;
}

static bool ends(const struct flowmap *map, int ttl, uint16_t vertex)
{
    return vertex != FLOWMAP_NONE && !flowmap_has_next(&map->ttls[ttl].vertices[vertex]);
}

/* Removes a vertex that no flow passes any more; the last one takes its place. */
static void drop_if_unused(struct flowmap_ttl *at, uint16_t vertex)
{
    uint16_t last = (uint16_t)(at->vertex_count - 1);

    for (size_t flow = 0; flow < at->flows; flow++)
        if (at->cells[flow].vertex == vertex)
            return;
    at->vertices[vertex] = at->vertices[last];
    for (size_t flow = 0; flow < at->flows; flow++)
        if (at->cells[flow].vertex == last)
            at->cells[flow].vertex = vertex;
    at->vertex_count = last;
}

/* The flow's path ends at this TTL: replies at later TTLs are of the same end. */
static void forget_beyond(struct flowmap *map, int ttl, uint32_t flow)
{
    while (++ttl <= map->last) {
        struct flowmap_ttl *at = &map->ttls[ttl];
        struct flowmap_cell was = flowmap_get(map, ttl, flow);
        if (was.state == FLOWMAP_UNPROBED)
            continue;
        assert(at->wanted >= flowmap_is_wanted(was));
        at->wanted -= flowmap_is_wanted(was);
        at->cells[flow] = (struct flowmap_cell){ .state = FLOWMAP_BEYOND, .vertex = FLOWMAP_NONE };
        if (was.vertex != FLOWMAP_NONE)
            drop_if_unused(at, was.vertex);
    }
}

bool flowmap_goes_on(const struct flowmap *map, int ttl)
{
    for (; ttl <= map->last; ttl++)
        for (uint16_t v = 0; v < map->ttls[ttl].vertex_count; v++)
            if (!map->ttls[ttl].vertices[v].stop)
                return true;
    return false;
}

static void want_again(struct flowmap *map, int ttl, uint32_t flow)
{
    struct flowmap_ttl *at = &map->ttls[ttl];

    at->cells[flow] = (struct flowmap_cell){ .state = FLOWMAP_WANTED, .vertex = FLOWMAP_NONE };
    at->wanted++;
    while (++ttl <= map->last)
        if (flowmap_get(map, ttl, flow).state == FLOWMAP_BEYOND)
            map->ttls[ttl].cells[flow] = unprobed;
}

void flowmap_refute_stops(struct flowmap *map, int ttl)
{
    for (int before = map->first; before <= ttl; before++) {
        struct flowmap_ttl *at = &map->ttls[before];
        for (uint16_t v = at->vertex_count; v-- > 0;) {
            if (!at->vertices[v].stop)
                continue;
            for (uint32_t flow = 0; flow < at->flows; flow++)
                if (at->cells[flow].vertex == v)
                    want_again(map, before, flow);
            drop_if_unused(at, v);
        }
    }
}

static bool has_end(const struct flowmap *map, int ttl)
{
    for (uint16_t v = 0; v < map->ttls[ttl].vertex_count; v++)
        if (ends(map, ttl, v))
            return true;
    return false;
}

/* The vertex is the target: all flows that pass it end there. */
static void make_target(struct flowmap *map, int ttl, uint16_t vertex)
{
    map->ttls[ttl].vertices[vertex].target = true;
    for (uint32_t flow = 0; flow < map->ttls[ttl].flows; flow++)
        if (map->ttls[ttl].cells[flow].vertex == vertex)
            forget_beyond(map, ttl, flow);
}

/* True if the same address replies one TTL later, from the same distance. */
static bool is_repeated(const struct flowmap *map, int ttl, const struct flowmap_vertex *vertex)
{
    uint16_t next = flowmap_find(map, ttl + 1, &vertex->address);

    return next != FLOWMAP_NONE && map->ttls[ttl + 1].vertices[next].reply_ttl == vertex->reply_ttl;
}

void flowmap_settle_aliases(struct flowmap *map)
{
    for (int ttl = flowmap_last_answering(map); ttl >= map->first && ttl > 0; ttl--)
        for (uint16_t v = 0; v < map->ttls[ttl].vertex_count; v++) {
            const struct flowmap_vertex *vertex = &map->ttls[ttl].vertices[v];
            if (vertex->alias && !vertex->target &&
                (ttl == flowmap_last_answering(map) || is_repeated(map, ttl, vertex)))
                make_target(map, ttl, v);
        }
}

void flowmap_forget_repeated_ends(struct flowmap *map)
{
    for (int ttl = map->first; ttl < map->last; ttl++)
        for (uint32_t flow = 0; has_end(map, ttl) && flow < map->top_flow; flow++)
            if (flowmap_get(map, ttl, flow).state != FLOWMAP_ANSWERED &&
                ends(map, ttl + 1, flowmap_get(map, ttl + 1, flow).vertex))
                forget_beyond(map, ttl, flow);
}

/* ---- vertices ------------------------------------------------------------------------------ */

uint16_t flowmap_find(const struct flowmap *map, int ttl, const struct ipaddr *address)
{
    for (uint16_t v = 0; v < map->ttls[ttl].vertex_count; v++)
        if (ipaddr_equal(&map->ttls[ttl].vertices[v].address, address))
            return v;
    return FLOWMAP_NONE;
}

static uint16_t find_or_add(struct flowmap *map, int ttl, const struct flowmap_vertex *vertex)
{
    struct flowmap_ttl *at = &map->ttls[ttl];
    uint16_t known = flowmap_find(map, ttl, &vertex->address);

    if (known != FLOWMAP_NONE)
        return known;
    if (at->vertex_count >= FLOWMAP_VERTICES) {
        map->unlisted++;
        return FLOWMAP_NONE;
    }
    struct flowmap_vertex *vertices =
        realloc(at->vertices, (at->vertex_count + 1u) * sizeof *vertices);
    if (vertices == NULL) {
        map->out_of_memory = true;
        return FLOWMAP_NONE;
    }
    at->vertices = vertices;
    vertices[at->vertex_count] = *vertex;
    return at->vertex_count++;
}

uint16_t flowmap_answer(struct flowmap *map, int ttl, uint32_t flow,
                        const struct flowmap_vertex *vertex)
{
    struct flowmap_cell *cell = flowmap_at(map, ttl, flow);

    for (int before = map->first; before < ttl; before++)
        if (ends(map, before, flowmap_get(map, before, flow).vertex))
            return FLOWMAP_NONE;
    if (cell == NULL || cell->vertex != FLOWMAP_NONE)
        return FLOWMAP_NONE;
    assert(map->ttls[ttl].wanted >= flowmap_is_wanted(*cell));
    map->ttls[ttl].wanted -= flowmap_is_wanted(*cell);
    cell->state = FLOWMAP_ANSWERED;
    cell->vertex = find_or_add(map, ttl, vertex);
    if (vertex->target && cell->vertex != FLOWMAP_NONE &&
        !map->ttls[ttl].vertices[cell->vertex].target)
        make_target(map, ttl, cell->vertex); /* before, it looked like a hop behind a NAT */
    if (ends(map, ttl, cell->vertex))
        forget_beyond(map, ttl, flow);
    return cell->vertex;
}

/* ---- flows of vertices --------------------------------------------------------------------- */

int flowmap_last_answering(const struct flowmap *map)
{
    int ttl = map->last;
    while (ttl >= map->first && map->ttls[ttl].vertex_count == 0)
        ttl--;
    return ttl < map->first ? 0 : ttl;
}

bool flowmap_is_single(const struct flowmap *map, int ttl)
{
    if (ttl < map->first || map->ttls[ttl].vertex_count <= 1)
        return true;
    for (; ttl >= map->first && map->ttls[ttl].vertex_count > 1; ttl--)
        if (map->ttls[ttl].per_packet)
            return true;
    return false;
}

bool flowmap_passes(const struct flowmap *map, int ttl, uint16_t vertex, uint32_t flow)
{
    if (vertex == FLOWMAP_NONE)
        return true;
    struct flowmap_cell cell = flowmap_get(map, ttl, flow);
    return vertex == FLOWMAP_SILENT ? cell.state == FLOWMAP_GIVEN_UP : cell.vertex == vertex;
}

bool flowmap_precedes(const struct flowmap *map, int ttl, uint16_t vertex, uint16_t before)
{
    for (uint32_t flow = 0; flow < map->top_flow; flow++)
        if (flowmap_get(map, ttl, flow).vertex == vertex &&
            flowmap_get(map, ttl - 1, flow).vertex == before)
            return true;
    return false;
}

struct flowmap_view flowmap_look(const struct flowmap *map, int ttl, uint16_t vertex)
{
    struct flowmap_view view = { 0 };
    bool seen[NEXT_MOST] = { false };

    for (uint32_t flow = 0; flow < map->top_flow; flow++) {
        if (!flowmap_passes(map, ttl, vertex, flow))
            continue;
        struct flowmap_cell cell = flowmap_get(map, ttl + 1, flow);
        view.passing++;
        view.pending += flowmap_is_pending(cell);
        if (cell.vertex == FLOWMAP_NONE)
            continue;
        view.tested++;
        size_t slot = cell.vertex < NEXT_MOST ? cell.vertex : NEXT_MOST - 1;
        view.next += !seen[slot];
        view.target = view.target || map->ttls[ttl + 1].vertices[cell.vertex].target;
        seen[slot] = true;
    }
    return view;
}

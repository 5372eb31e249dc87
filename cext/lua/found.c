/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/found.h"

#include "base/units.h"
#include "lua/set.h"

/* ---- paths --------------------------------------------------------------------------------- */

static void push_flows(lua_State *L, const struct flowmap *map, int ttl, uint16_t vertex)
{
    lua_Integer at = 0;

    lua_newtable(L);
    for (uint32_t flow = 0; flow < map->top_flow; flow++) {
        if (flowmap_get(map, ttl, flow).vertex != vertex)
            continue;
        lua_pushinteger(L, flow);
        lua_rawseti(L, -2, ++at);
    }
}

static void push_vertex(lua_State *L, const struct flowmap *map, int ttl, uint16_t v)
{
    const struct flowmap_vertex *vertex = &map->ttls[ttl].vertices[v];
    struct mda_judgement judged = mda_judge(map, (uint8_t)ttl, v);

    lua_createtable(L, 0, 9);
    lset_address(L, "address", &vertex->address);
    lset_boolean(L, "target", vertex->target);
    lset_boolean(L, "stop", vertex->stop);
    lset_integer(L, "type", vertex->type);
    lset_integer(L, "code", vertex->code);
    lset_integer(L, "answered_flows", judged.view.tested);
    lset_integer(L, "next_hops", judged.view.next);
    lset_number(L, "miss_probability", judged.miss_probability);
    push_flows(L, map, ttl, v);
    lua_setfield(L, -2, "flows");
}

static void push_hop(lua_State *L, const struct flowmap *map, int ttl)
{
    const struct flowmap_ttl *at = &map->ttls[ttl];

    lua_createtable(L, 0, 3);
    lset_integer(L, "ttl", ttl);
    lset_boolean(L, "per_packet", at->vertex_count > 1 && flowmap_is_single(map, ttl));
    lua_createtable(L, at->vertex_count, 0);
    for (uint16_t v = 0; v < at->vertex_count; v++) {
        push_vertex(L, map, ttl, v);
        lua_rawseti(L, -2, v + 1);
    }
    lua_setfield(L, -2, "vertices");
}

void lfound_push_paths(lua_State *L, const struct mda_report *report)
{
    const struct mda_summary *summary = &report->summary;
    lua_Integer at = 0;

    lua_createtable(L, 0, 12);
    lset_address(L, "target", &report->spec.target);
    lset_address(L, "source", &report->spec.source);
    lset_boolean(L, "done", summary->done);
    lset_boolean(L, "reached", summary->reached);
    lset_boolean(L, "limited", summary->limited);
    lset_integer(L, "sent", summary->sent);
    lset_integer(L, "flow_count", summary->flows);
    lset_number(L, "confidence_per_node", 1 - report->failure);
    lset_number(L, "confidence", summary->confidence);
    lset_number(L, "elapsed_s", ns_to_s(summary->elapsed_ns));
    lua_createtable(L, summary->last_ttl, 0);
    for (int ttl = report->first_hop; ttl <= summary->last_ttl; ttl++) {
        push_hop(L, &report->map, ttl);
        lua_rawseti(L, -2, ++at);
    }
    lua_setfield(L, -2, "hops");
}

/* ---- the path MTU -------------------------------------------------------------------------- */

static void push_reduction(lua_State *L, const struct pmtu_reduction *reduction)
{
    bool exact = reduction->reported || reduction->to == reduction->from + 1;
    bool unknown =
        reduction->reported && reduction->to == 0; /* the quote does not reveal the hop */

    lua_createtable(L, 0, 6);
    if (exact && !unknown)
        lset_integer(L, "ttl", reduction->from);
    if (reduction->address.version != 0)
        lset_address(L, "address", &reduction->address);
    if (reduction->mtu != 0)
        lset_integer(L, "mtu", reduction->mtu);
    lset_string(L, "method", reduction->reported ? "packet too big" : "search");
    if (!unknown)
        lset_integer(L, "from", reduction->from);
    if (reduction->to != 0)
        lset_integer(L, "to", reduction->to);
}

static void push_invalid(lua_State *L, const struct pmtu_report *report)
{
    lset_integer(L, "invalid_messages", report->invalid_messages);
    if (report->invalid_messages > 0)
        lset_address(L, "invalid_from", &report->invalid_from);
}

static void set_probed(lua_State *L, const struct pmtu_report *report)
{
    static const char *const names[PMTU_PROBED_COUNT] = {
        [PMTU_NONE] = NULL, [PMTU_TARGET] = "target", [PMTU_HOP] = "hop"
    };

    if (names[report->probed] != NULL)
        lset_string(L, "probed", names[report->probed]);
    if (report->probed != PMTU_HOP)
        return;
    lua_createtable(L, 0, 2);
    lset_integer(L, "ttl", report->hop_ttl);
    lset_address(L, "address", &report->hop);
    lua_setfield(L, -2, "hop");
}

void lfound_push_pmtu(lua_State *L, const struct pmtu_report *report)
{
    lua_createtable(L, 0, 14);
    if (report->mtu != 0)
        lset_integer(L, "mtu", report->mtu);
    lset_integer(L, "upper_bound", report->most);
    lset_integer(L, "link_mtu", report->link_mtu);
    set_probed(L, report);
    push_invalid(L, report);
    if (report->unlisted > 0)
        lset_integer(L, "unlisted", report->unlisted);
    lset_boolean(L, "done", report->done);
    lset_boolean(L, "exact", report->exact);
    lset_boolean(L, "limited", report->limited);
    lset_integer(L, "sent", report->sent);
    lset_number(L, "elapsed_s", ns_to_s(report->elapsed_ns));
    lua_createtable(L, report->reduction_count, 0);
    for (int i = 0; i < report->reduction_count; i++) {
        push_reduction(L, &report->reductions[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "reductions");
}

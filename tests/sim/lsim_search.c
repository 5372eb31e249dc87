/* SPDX-License-Identifier: BSD-2-Clause */
/* Searches of paths and of the path MTU in the module mtrsim, stepped by hand like its traces. */
#include "lsim.h"

#include "lua/found.h"
#include "lua/set.h"
#include "discovery/search.h"

#include <string.h>

#define SEARCH_MT "mtrsim.search"
#define MAP_MT "mtrsim.map"

struct search_ud {
    struct search search; /* its state is NULL once it is closed */
    uint8_t packet[WIRE_PACKET_MAX];
};

static struct search_ud *check_search(lua_State *L)
{
    struct search_ud *u = luaL_checkudata(L, 1, SEARCH_MT);
    luaL_argcheck(L, u->search.state != NULL, 1, "search is closed");
    return u;
}

static int begin(lua_State *L, const struct search_ops *ops, const struct wire_spec *spec,
                 const void *config)
{
    struct err err = { 0 };
    int link_mtu = (int)lsim_integer(L, "link_mtu", 68, 65535, 1500);
    struct search_ud *u = lset_owner(L, SEARCH_MT, sizeof *u);

    u->search = (struct search){ .ops = ops,
                                 .state = ops->new (config, spec, link_mtu, lsim_now(L), &err),
                                 .budget = lsim_budget(L),
                                 .who = lsim_serial(L) << 8 };
    lua_pushvalue(L, 1); /* the budget's owner */
    lua_setuservalue(L, -2);
    return u->search.state != NULL ? 1 : luaL_error(L, "%s", err.text);
}

int lsim_search_paths(lua_State *L)
{
    struct trace_config trace = { 0 };

    lsim_config(L, &trace);
    lua_getfield(L, 2, "confidence");
    const struct mda_config config = { .spec = trace.spec,
                                       .failure = 1 - luaL_optnumber(L, -1, 0.95),
                                       .timeout_ns = trace.timeout_ns,
                                       .first_hop = trace.first_hop,
                                       .max_hops = trace.max_hops,
                                       .max_silent = trace.max_silent,
                                       .max_flows = 1024,
                                       .max_probes = 30000 };
    return begin(L, &mda_search, &config.spec, &config);
}

int lsim_search_pmtu(lua_State *L)
{
    struct trace_config trace = { 0 };

    lsim_config(L, &trace);
    lua_getfield(L, 2, "hold");
    trace.spec.payload = PAYLOAD_PLAIN;
    const struct pmtu_config config = { .spec = trace.spec,
                                        .timeout_ns = trace.timeout_ns,
                                        .max_hops = trace.max_hops,
                                        .max_probes = 1000,
                                        .hold = lua_toboolean(L, -1) };
    return begin(L, &pmtu_search, &config.spec, &config);
}

/* As trace:turn. */
static int search_turn(lua_State *L)
{
    struct search_ud *u = check_search(L);
    int64_t now_ns = luaL_checkinteger(L, 2);
    uint32_t number;

    u->search.ops->expire(u->search.state, now_ns);
    if (u->search.ops->done(u->search.state))
        return 0;
    size_t length = search_take(&u->search, now_ns, u->packet, &number);
    if (length == 0) {
        lua_pushnil(L);
        lua_pushinteger(L, search_when(&u->search));
        return 2;
    }
    lua_pushlstring(L, (const char *)u->packet, length);
    lua_pushinteger(L, number);
    return 2;
}

/* A search has no times: it does not ask when its probes left. */
static int search_seen(lua_State *L)
{
    lua_pushboolean(L, false);
    return 1;
}

/* With the arguments of trace:reply. */
static int search_reply(lua_State *L)
{
    struct search_ud *u = check_search(L);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);
    struct wire_packet packet;

    lua_pushboolean(L, wire_parse((const uint8_t *)bytes, length, &packet) == WIRE_OK &&
                           packet.kind != WIRE_PROBE &&
                           u->search.ops->reply(u->search.state, &packet, luaL_checkinteger(L, 6)));
    return 1;
}

static int search_failed(lua_State *L)
{
    struct search_ud *u = check_search(L);
    u->search.ops->send_failed(u->search.state, (uint32_t)luaL_checkinteger(L, 2),
                               (int)luaL_checkinteger(L, 3), luaL_checkinteger(L, 4));
    return 0;
}

static int search_done(lua_State *L)
{
    struct search_ud *u = check_search(L);
    lua_pushboolean(L, u->search.ops->done(u->search.state));
    return 1;
}

static int search_release(lua_State *L)
{
    struct search_ud *u = check_search(L);
    luaL_argcheck(L, u->search.ops == &pmtu_search, 1, "it is not held");
    pmtu_release(u->search.state, luaL_checkinteger(L, 2));
    return 0;
}

static int map_gc(lua_State *L)
{
    struct mda_report *report = luaL_checkudata(L, 1, MAP_MT);
    flowmap_fini(&report->map);
    return 0;
}

static int search_result(lua_State *L)
{
    struct search_ud *u = check_search(L);

    if (u->search.ops == &pmtu_search) {
        struct pmtu_report report;
        pmtu_read(u->search.state, &report);
        lfound_push_pmtu(L, &report);
        return 1;
    }
    struct mda_report *report = lset_owner(L, MAP_MT, sizeof *report);
    if (mda_read(u->search.state, report) < 0)
        return luaL_error(L, "no memory for a result");
    lfound_push_paths(L, report);
    return 1;
}

static int search_close(lua_State *L)
{
    struct search_ud *u = luaL_checkudata(L, 1, SEARCH_MT);
    if (u->search.state != NULL)
        u->search.ops->free(u->search.state);
    u->search.state = NULL;
    return 0;
}

void lsim_search_register(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "turn", search_turn },       { "seen", search_seen },   { "reply", search_reply },
        { "failed", search_failed },   { "done", search_done },   { "result", search_result },
        { "release", search_release }, { "close", search_close }, { NULL, NULL }
    };

    lset_owner_type(L, MAP_MT, map_gc);
    lset_owner_type(L, SEARCH_MT, search_close);
    luaL_getmetatable(L, SEARCH_MT);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

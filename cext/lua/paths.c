/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/paths.h"

#include "lua/core.h"
#include "lua/found.h"
#include "lua/options.h"
#include "lua/request.h"
#include "lua/set.h"

#define PATHS_MT "mtrtrace.paths"
#define MAP_MT "mtrtrace.map"

struct paths_ud {
    struct prober_search *search; /* NULL until it is open and once it is closed */
    struct prober_ud *owner;      /* our user value */
};

static struct paths_ud *check_paths(lua_State *L)
{
    struct paths_ud *u = luaL_checkudata(L, 1, PATHS_MT);
    luaL_argcheck(L, u->search != NULL, 1, "search is closed");
    return u;
}

/* ---- options ------------------------------------------------------------------------------- */

static double opt_confidence(lua_State *L)
{
    double confidence = 0.95;

    if (lua_getfield(L, 1, "confidence") != LUA_TNIL)
        confidence = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    if (!(confidence >= 0.5 && confidence <= 0.999))
        luaL_error(L, "option 'confidence': a number from 0.5 to 0.999 expected");
    lua_pop(L, 1);
    return confidence;
}

static void read_config(lua_State *L, const struct prober_request *request,
                        struct mda_config *config)
{
    const struct trace_config *trace = &request->trace;

    *config = (struct mda_config){ .spec = trace->spec,
                                   .failure = 1 - opt_confidence(L),
                                   .timeout_ns = trace->timeout_ns,
                                   .first_hop = trace->first_hop,
                                   .max_hops = trace->max_hops,
                                   .max_silent = trace->max_silent };
    config->max_flows = (uint16_t)lopt_integer(L, "max_flows", 2, WIRE_FLOWS, 1024);
    config->max_probes = (uint32_t)lopt_integer(L, "max_probes", 1, 30000, 30000);
}

int lpaths_new(lua_State *L)
{
    static const char *const known[] = { "target",  "protocol",   "port",      "source_port",
                                         "timeout", "first_hop",  "max_hops",  "max_silent",
                                         "size",    "tos",        "source",    "interface",
                                         "mark",    "confidence", "max_flows", "max_probes" };
    struct prober_request request = { 0 };
    struct mda_config config;
    struct err err = { 0 };

    lua_settop(L, 1);
    lrequest_check(L, known, sizeof known / sizeof *known, &request);
    if (lrequest_addresses(L, &request, &err) < 0)
        return lcore_push_err(L, &err);
    read_config(L, &request, &config);
    struct paths_ud *u = lset_owner(L, PATHS_MT, sizeof *u);
    if (!lcore_push_prober(L, &err))
        return lcore_push_err(L, &err);
    u->owner = lua_touserdata(L, -1);
    lua_setuservalue(L, -2);
    u->search = prober_search_paths(u->owner->prober, &request, &config, &err);
    if (u->search == NULL)
        return lcore_push_err(L, &err);
    return 1;
}

/* ---- the result ---------------------------------------------------------------------------- */

static int paths_result(lua_State *L)
{
    struct paths_ud *u = check_paths(L);
    struct mda_report *report = lset_owner(L, MAP_MT, sizeof *report);
    struct err err = { 0 };

    if (prober_search_read_paths(u->owner->prober, u->search, report, &err) < 0)
        return lcore_push_err(L, &err);
    lfound_push_paths(L, report);
    return 1;
}

static int map_gc(lua_State *L)
{
    struct mda_report *report = luaL_checkudata(L, 1, MAP_MT);
    flowmap_fini(&report->map);
    return 0;
}

/* ---- the object ---------------------------------------------------------------------------- */

static int paths_is_done(lua_State *L)
{
    struct paths_ud *u = check_paths(L);
    lua_pushboolean(L, prober_search_done(u->owner->prober, u->search));
    return 1;
}

static int paths_close(lua_State *L)
{
    struct paths_ud *u = luaL_checkudata(L, 1, PATHS_MT);

    if (u->search != NULL && u->owner->prober != NULL)
        prober_search_remove(u->owner->prober, u->search);
    u->search = NULL;
    return 0;
}

void lpaths_register(lua_State *L)
{
    static const luaL_Reg methods[] = { { "done", paths_is_done },
                                        { "result", paths_result },
                                        { "close", paths_close },
                                        { NULL, NULL } };

    lset_owner_type(L, MAP_MT, map_gc);
    lset_owner_type(L, PATHS_MT, paths_close);
    luaL_getmetatable(L, PATHS_MT);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

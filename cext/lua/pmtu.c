/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/pmtu.h"

#include "lua/core.h"
#include "lua/found.h"
#include "lua/options.h"
#include "lua/request.h"
#include "lua/set.h"

#define PMTU_MT "mtrtrace.pmtu"

struct pmtu_ud {
    struct prober_search *search; /* NULL until it is open and once it is closed */
    struct prober_ud *owner;      /* our user value */
};

static struct pmtu_ud *check_pmtu(lua_State *L)
{
    struct pmtu_ud *u = luaL_checkudata(L, 1, PMTU_MT);
    luaL_argcheck(L, u->search != NULL, 1, "search is closed");
    return u;
}

int lpmtu_new(lua_State *L)
{
    static const char *const known[] = { "target",  "protocol",  "port",       "source_port",
                                         "timeout", "max_hops",  "tos",        "source",
                                         "hold",    "interface", "max_probes", "mark" };
    struct prober_request request = { 0 };
    struct err err = { 0 };

    lua_settop(L, 1);
    lrequest_check(L, known, sizeof known / sizeof *known, &request);
    if (lrequest_addresses(L, &request, &err) < 0)
        return lcore_push_err(L, &err);
    const struct pmtu_config config = {
        .spec = request.trace.spec,
        .timeout_ns = request.trace.timeout_ns,
        .max_hops = request.trace.max_hops,
        .max_probes = (uint32_t)lopt_integer(L, "max_probes", 1, 10000, 1000),
        .hold = lopt_boolean(L, "hold"),
    };
    struct pmtu_ud *u = lset_owner(L, PMTU_MT, sizeof *u);
    if (!lcore_push_prober(L, &err))
        return lcore_push_err(L, &err);
    u->owner = lua_touserdata(L, -1);
    lua_setuservalue(L, -2);
    u->search = prober_search_pmtu(u->owner->prober, &request, &config, &err);
    if (u->search == NULL)
        return lcore_push_err(L, &err);
    return 1;
}

/* ---- the result ---------------------------------------------------------------------------- */

static int pmtu_result(lua_State *L)
{
    struct pmtu_ud *u = check_pmtu(L);
    struct pmtu_report report;

    prober_search_read_pmtu(u->owner->prober, u->search, &report);
    lfound_push_pmtu(L, &report);
    return 1;
}

/* ---- the object ---------------------------------------------------------------------------- */

static int pmtu_is_done(lua_State *L)
{
    struct pmtu_ud *u = check_pmtu(L);
    lua_pushboolean(L, prober_search_done(u->owner->prober, u->search));
    return 1;
}

static int pmtu_go_on(lua_State *L)
{
    struct pmtu_ud *u = check_pmtu(L);
    prober_search_release_pmtu(u->owner->prober, u->search);
    return 0;
}

static int pmtu_close(lua_State *L)
{
    struct pmtu_ud *u = luaL_checkudata(L, 1, PMTU_MT);

    if (u->search != NULL && u->owner->prober != NULL)
        prober_search_remove(u->owner->prober, u->search);
    u->search = NULL;
    return 0;
}

void lpmtu_register(lua_State *L)
{
    static const luaL_Reg methods[] = { { "done", pmtu_is_done },
                                        { "release", pmtu_go_on },
                                        { "result", pmtu_result },
                                        { "close", pmtu_close },
                                        { NULL, NULL } };

    lset_owner_type(L, PMTU_MT, pmtu_close);
    luaL_getmetatable(L, PMTU_MT);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

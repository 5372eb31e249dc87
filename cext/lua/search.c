/* SPDX-License-Identifier: BSD-2-Clause */
/* A kind of search is one row (struct kind); lua/found.c pushes the results. */
#include "lua/search.h"

#include "lua/found.h"
#include "lua/handle.h"
#include "lua/options.h"
#include "lua/request.h"
#include "lua/set.h"

#include <lauxlib.h>

#define MAP_MT "mtrtrace.map"

union config {
    struct mda_config paths;
    struct pmtu_config pmtu;
};

struct kind {
    const char *metatable, *const *options;
    size_t option_count;
    void (*configure)(lua_State *L, const struct prober_request *request, union config *config);
    struct prober_search *(*open)(struct prober *prober, const struct prober_request *request,
                                  const union config *config, struct err *err);
    const luaL_Reg *methods; /* their upvalue is the kind */
};

struct search_ud {
    struct prober_search *search; /* NULL before open and after close */
    struct prober_ud *owner;      /* the user value */
};

/* ---- both kinds ------------------------------------------------------------------------------ */

static int new_search(lua_State *L, const struct kind *kind)
{
    struct prober_request request = { 0 };
    union config config;
    struct err err = { 0 };

    lua_settop(L, 1);
    lrequest_check(L, kind->options, kind->option_count, &request);
    request.trace.spec.in_session = false; /* SYNs of the same 5-tuple take the same paths */
    if (lrequest_addresses(L, &request, &err) < 0)
        return handle_push_err(L, &err);
    kind->configure(L, &request, &config);
    struct search_ud *u = lset_owner(L, kind->metatable, sizeof *u);
    u->owner = handle_hold_prober(L, &err);
    if (u->owner == NULL)
        return handle_push_err(L, &err);
    u->search = kind->open(u->owner->prober, &request, &config, &err);
    if (u->search == NULL)
        return handle_push_err(L, &err);
    return 1;
}

static struct search_ud *to_search(lua_State *L)
{
    const struct kind *kind = lua_touserdata(L, lua_upvalueindex(1));
    return luaL_checkudata(L, 1, kind->metatable);
}

static struct search_ud *check_search(lua_State *L)
{
    struct search_ud *u = to_search(L);
    luaL_argcheck(L, u->search != NULL, 1, "search is closed");
    return u;
}

static int search_is_done(lua_State *L)
{
    struct search_ud *u = check_search(L);
    lua_pushboolean(L, prober_search_done(u->owner->prober, u->search));
    return 1;
}

static int search_close(lua_State *L)
{
    struct search_ud *u = to_search(L);

    if (u->search != NULL && u->owner->prober != NULL)
        prober_search_remove(u->owner->prober, u->search);
    u->search = NULL;
    return 0;
}

/* ---- paths --------------------------------------------------------------------------------- */

static const char *const paths_options[] = {
    "target",     "protocol",    "port",        "source_port", "timeout",
    "first_hop",  "max_hops",    "max_silent",  "size",        "tos",
    "source",     "interface",   "mark",        "confidence",  "max_flows",
    "max_probes", "data_length", "udp_payload", "ecn"
};

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

static void configure_paths(lua_State *L, const struct prober_request *request,
                            union config *config)
{
    const struct trace_config *trace = &request->trace;
    double failure = 1 - opt_confidence(L);
    int given = trace->spec.source_port != 0 ? trace->spec.source_port - WIRE_SOURCE_PORT : 0;
    int flows = trace->spec.payload == PAYLOAD_FILE ? WIRE_FILE_FLOWS - given : WIRE_FLOWS;
    lua_Integer wanted = lopt_integer(L, "max_flows", 2, WIRE_FLOWS, 1024);

    config->paths = (struct mda_config){
        .spec = trace->spec,
        .failure = failure,
        .timeout_ns = trace->timeout_ns,
        .first_hop = trace->first_hop,
        .max_hops = trace->max_hops,
        .max_silent = trace->max_silent,
        .max_flows = (uint16_t)(wanted < flows ? wanted : flows),
        .max_probes = (uint32_t)lopt_integer(L, "max_probes", 1, 30000, 30000),
    };
}

static struct prober_search *open_paths(struct prober *prober, const struct prober_request *request,
                                        const union config *config, struct err *err)
{
    return prober_search_paths(prober, request, &config->paths, err);
}

static int paths_result(lua_State *L)
{
    struct search_ud *u = check_search(L);
    struct mda_report *report = lset_owner(L, MAP_MT, sizeof *report);
    struct err err = { 0 };

    if (prober_search_read_paths(u->owner->prober, u->search, report, &err) < 0)
        return handle_push_err(L, &err);
    lfound_push_paths(L, report);
    return 1;
}

static int map_gc(lua_State *L)
{
    struct mda_report *report = luaL_checkudata(L, 1, MAP_MT);
    flowmap_fini(&report->map);
    return 0;
}

static const luaL_Reg paths_methods[] = { { "done", search_is_done },
                                          { "result", paths_result },
                                          { "close", search_close },
                                          { NULL, NULL } };

/* ---- path MTU ------------------------------------------------------------------------------ */

static const char *const pmtu_options[] = { "target",     "protocol",  "port",       "source_port",
                                            "timeout",    "max_hops",  "tos",        "source",
                                            "hold",       "interface", "max_probes", "mark",
                                            "udp_payload" };

static void configure_pmtu(lua_State *L, const struct prober_request *request, union config *config)
{
    struct wire_spec spec = request->trace.spec;

    spec.payload = PAYLOAD_PLAIN; /* most requests have a fixed size */
    spec.file = NULL;
    config->pmtu = (struct pmtu_config){
        .spec = spec,
        .timeout_ns = request->trace.timeout_ns,
        .max_hops = request->trace.max_hops,
        .max_probes = (uint32_t)lopt_integer(L, "max_probes", 1, 10000, 1000),
        .hold = lopt_boolean(L, "hold"),
    };
}

static struct prober_search *open_pmtu(struct prober *prober, const struct prober_request *request,
                                       const union config *config, struct err *err)
{
    return prober_search_pmtu(prober, request, &config->pmtu, err);
}

static int pmtu_result(lua_State *L)
{
    struct search_ud *u = check_search(L);
    struct pmtu_report report;

    prober_search_read_pmtu(u->owner->prober, u->search, &report);
    lfound_push_pmtu(L, &report);
    return 1;
}

static int search_release(lua_State *L)
{
    struct search_ud *u = check_search(L);
    prober_search_release_pmtu(u->owner->prober, u->search);
    return 0;
}

static const luaL_Reg pmtu_methods[] = { { "done", search_is_done },
                                         { "release", search_release },
                                         { "result", pmtu_result },
                                         { "close", search_close },
                                         { NULL, NULL } };

/* ---- the kinds ----------------------------------------------------------------------------- */

static const struct kind paths_kind = { .metatable = "mtrtrace.paths",
                                        .options = paths_options,
                                        .option_count =
                                            sizeof paths_options / sizeof *paths_options,
                                        .configure = configure_paths,
                                        .open = open_paths,
                                        .methods = paths_methods };

static const struct kind pmtu_kind = { .metatable = "mtrtrace.pmtu",
                                       .options = pmtu_options,
                                       .option_count = sizeof pmtu_options / sizeof *pmtu_options,
                                       .configure = configure_pmtu,
                                       .open = open_pmtu,
                                       .methods = pmtu_methods };

int search_new_paths(lua_State *L)
{
    return new_search(L, &paths_kind);
}

int search_new_pmtu(lua_State *L)
{
    return new_search(L, &pmtu_kind);
}

static void register_kind(lua_State *L, const struct kind *kind)
{
    luaL_newmetatable(L, kind->metatable);
    lua_newtable(L);
    lua_pushlightuserdata(L, (void *)kind);
    luaL_setfuncs(L, kind->methods, 1);
    lua_setfield(L, -2, "__index");
    lua_pushlightuserdata(L, (void *)kind);
    lua_pushcclosure(L, search_close, 1);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

void search_register(lua_State *L)
{
    lset_owner_type(L, MAP_MT, map_gc);
    register_kind(L, &paths_kind);
    register_kind(L, &pmtu_kind);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua module mtrtrace.core for Lua 5.3 and 5.4: converts arguments and results, decides
 * nothing. Misuse raises an error. A failure of the system returns nil, a message and the name of
 * the error. */
#include "base/units.h"
#include "lua/events.h"
#include "lua/fingerprint.h"
#include "lua/handle.h"
#include "lua/line.h"
#include "lua/names.h"
#include "lua/process.h"
#include "lua/replay.h"
#include "lua/request.h"
#include "lua/result.h"
#include "lua/search.h"
#include "lua/set.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION "0.1.0"
#define TRACE_MT "mtrtrace.trace"

static const double wait_max_s = 1e8; /* three years stand for no limit */

struct trace_ud {
    struct prober_job *job;  /* NULL before open and after close */
    struct prober_ud *owner; /* the user value; lua_close may finalise it before this trace */
};

/* ---- traces -------------------------------------------------------------------------------- */

static struct trace_ud *check_trace(lua_State *L)
{
    struct trace_ud *u = luaL_checkudata(L, 1, TRACE_MT);
    luaL_argcheck(L, u->job != NULL, 1, "trace is closed");
    return u;
}

static const char *const known[] = { "target",   "protocol",    "port",        "source_port",
                                     "packets",  "interval",    "timeout",     "first_hop",
                                     "max_hops", "max_silent",  "size",        "tos",
                                     "source",   "interface",   "mark",        "events",
                                     "flow",     "own_only",    "surveyed",    "known_hop",
                                     "figures",  "data_length", "udp_payload", "ecn",
                                     "reset",    "shared_age" };

static int l_trace(lua_State *L)
{
    struct prober_request request = { 0 };
    struct err err = { 0 };

    lua_settop(L, 1);
    lrequest_check(L, known, sizeof known / sizeof *known, &request);
    if (lrequest_addresses(L, &request, &err) < 0)
        return handle_push_err(L, &err);
    struct trace_ud *u = lua_newuserdata(L, sizeof *u);
    *u = (struct trace_ud){ 0 };
    luaL_setmetatable(L, TRACE_MT);
    u->owner = handle_hold_prober(L, &err);
    if (u->owner == NULL)
        return handle_push_err(L, &err);
    u->job = prober_add(u->owner->prober, &request, &err);
    if (u->job == NULL)
        return handle_push_err(L, &err);
    return 1;
}

static int trace_close(lua_State *L)
{
    struct trace_ud *u = luaL_checkudata(L, 1, TRACE_MT);
    if (u->job != NULL && u->owner->prober != NULL)
        prober_remove(u->owner->prober, u->job);
    u->job = NULL;
    return 0;
}

static int trace_stop(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    prober_stop(u->owner->prober, u->job);
    return 0;
}

static int trace_is_done(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    lua_pushboolean(L, prober_done(u->owner->prober, u->job));
    return 1;
}

static int trace_wait(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    double seconds = luaL_optnumber(L, 2, wait_max_s);

    luaL_argcheck(L, seconds >= 0, 2, "seconds from 0 expected");
    if (seconds > wait_max_s)
        seconds = wait_max_s;
    lua_pushboolean(L, prober_wait(u->owner->prober, u->job, (int64_t)(seconds * 1e9)));
    return 1;
}

static int trace_result(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    lua_settop(L, 3); /* absent arguments become nil */
    bool replies = lua_isnil(L, 2) || lua_toboolean(L, 2);
    struct prober_report *report = lresult_new(L);
    struct err err = { 0 };

    if (prober_read(u->owner->prober, u->job, report, &err) < 0)
        return handle_push_err(L, &err);
    report->figures_only = !replies;
    lresult_check_bounds(L, 3, report);
    lresult_push(L, report);
    lresult_fini(report);
    return 1;
}

/* Ends the trace and returns its result, which takes over the trace's memory instead of copying
 * it. */
static int trace_finish(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    lua_settop(L, 3); /* absent arguments become nil */
    bool replies = lua_isnil(L, 2) || lua_toboolean(L, 2);
    struct prober_report *report = lresult_new(L);

    prober_finish(u->owner->prober, u->job, report);
    u->job = NULL;
    report->figures_only = !replies;
    lresult_check_bounds(L, 3, report);
    lresult_push(L, report);
    lresult_fini(report);
    return 1;
}

/* Merges the results of several traces, each on a flow of its own, to one target. */
static int l_merge(lua_State *L)
{
    struct err err = { 0 };

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
    luaL_argcheck(L, count > 0, 1, "at least one trace expected");
    lua_settop(L, 2);
    struct prober_report *all = NULL;
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, 1, i);
        struct trace_ud *u = luaL_checkudata(L, -1, TRACE_MT);
        luaL_argcheck(L, u->job != NULL, 1, "trace is closed");
        struct prober_report *one = lresult_new(L);
        if (prober_read(u->owner->prober, u->job, one, &err) < 0 ||
            (all != NULL && prober_report_merge(all, one, &err) < 0))
            return handle_push_err(L, &err);
        if (all != NULL) {
            lresult_fini(one);
            lua_pop(L, 2);
        } else {
            all = one; /* remains on the stack, so it is not collected */
        }
    }
    lresult_check_bounds(L, 2, all);
    lresult_push(L, all);
    lresult_fini(all);
    return 1;
}

/* Returns the events since the last call, and the number of events dropped because the queue was
 * full. */
static int trace_events(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    struct events *queue = levents_new(L);
    struct wire_spec spec;

    prober_events(u->owner->prober, u->job, queue, &spec);
    levents_push(L, queue, &spec);
    lua_pushinteger(L, (lua_Integer)queue->dropped);
    events_fini(queue);
    return 2;
}

static int trace_tostring(lua_State *L)
{
    struct trace_ud *u = luaL_checkudata(L, 1, TRACE_MT);
    lua_pushfstring(L, u->job != NULL ? "trace (%p)" : "trace (closed)", (void *)u);
    return 1;
}

static int l_prober(lua_State *L)
{
    struct err err = { 0 };
    return handle_push_prober(L, &err) ? 1 : handle_push_err(L, &err);
}

/* ---- interfaces ---------------------------------------------------------------------------- */

/* Limits the list; further interfaces are left out. */
enum { INTERFACES_MAX = 256 };

struct interface_copy {
    char name[IF_NAMESIZE], address[64];
    unsigned mtu;
    bool up, loopback;
};

struct interface_list {
    size_t count;
    struct interface_copy entries[INTERFACES_MAX];
};

static int copy_interface(void *context, const struct egress_interface *entry)
{
    struct interface_list *list = context;
    if (list->count == INTERFACES_MAX)
        return 1;
    struct interface_copy *copy = &list->entries[list->count++];

    strncpy(copy->name, entry->name, sizeof copy->name - 1);
    strncpy(copy->address, entry->address, sizeof copy->address - 1);
    copy->mtu = entry->mtu;
    copy->up = entry->up;
    copy->loopback = entry->loopback;
    return 0;
}

/* Copies the interfaces first: a Lua error is a longjmp, which would leak an open handle. */
static int l_interfaces(lua_State *L)
{
    struct interface_list *list = lua_newuserdata(L, sizeof *list);

    memset(list, 0, sizeof *list);
    egress_interfaces(copy_interface, list);
    lua_createtable(L, (int)list->count, 0);
    for (size_t i = 0; i < list->count; i++) {
        const struct interface_copy *entry = &list->entries[i];
        lua_createtable(L, 0, 5);
        lset_string(L, "name", entry->name);
        lset_integer(L, "mtu", entry->mtu);
        lset_boolean(L, "up", entry->up);
        lset_boolean(L, "loopback", entry->loopback);
        if (entry->address[0] != '\0')
            lset_string(L, "address", entry->address);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- the module ---------------------------------------------------------------------------- */

static const luaL_Reg trace_meta[] = { { "__gc", trace_close },
                                       { "__tostring", trace_tostring },
                                       { NULL, NULL } };

static const luaL_Reg trace_methods[] = { { "done", trace_is_done },  { "wait", trace_wait },
                                          { "result", trace_result }, { "finish", trace_finish },
                                          { "events", trace_events }, { "stop", trace_stop },
                                          { "close", trace_close },   { NULL, NULL } };

/* Returns the hardware address of a neighbour from the kernel's table, or nil; sends nothing. */
static int l_neighbour(lua_State *L)
{
    struct ipaddr address;
    uint8_t mac[6];
    char text[18];

    if (ipaddr_from_text(&address, luaL_checkstring(L, 1)) < 0 || !egress_neighbour(&address, mac))
        return 0;
    snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    lua_pushstring(L, text);
    return 1;
}

/* Flushes all streams and ends the process at once. exit() would wait for the threads of other
 * libraries, such as those of libuv that are waiting for the resolver. */
static int l_exit(lua_State *L)
{
    lua_Integer status = luaL_checkinteger(L, 1);

    luaL_argcheck(L, status >= 0 && status <= UINT8_MAX, 1, "exit status from 0 to 255 expected");
    fflush(NULL);
    _exit((int)status);
}

static const luaL_Reg functions[] = { { "trace", l_trace },
                                      { "merge", l_merge },
                                      { "paths", search_new_paths },
                                      { "pmtu", search_new_pmtu },
                                      { "fingerprint", lfingerprint_new },
                                      { "interfaces", l_interfaces },
                                      { "neighbour", l_neighbour },
                                      { "names", lnames_ask },
                                      { "replay", lreplay_new },
                                      { "prober", l_prober },
                                      { "sockets", handle_sockets },
                                      { "exit", l_exit },
                                      { "line", lline_join },
                                      { NULL, NULL } };

__attribute__((visibility("default"))) int luaopen_mtrtrace_core(lua_State *L);

int luaopen_mtrtrace_core(lua_State *L)
{
    luaL_checkversion(L);
    handle_register(L);
    lresult_register(L);
    levents_register(L);
    lfingerprint_register(L);
    lnames_register(L);
    search_register(L);
    lreplay_register(L);
    luaL_newmetatable(L, TRACE_MT);
    luaL_setfuncs(L, trace_meta, 0);
    luaL_newlib(L, trace_methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    lprocess_push(L);
    lua_setfield(L, -2, "process");
    lua_pushliteral(L, VERSION);
    lua_setfield(L, -2, "version");
    lset_number(L, "token_interval_s", ns_to_s(TOKEN_NS));
    lset_number(L, "interval_s", ns_to_s(INTERVAL_USUAL_NS));
    lset_integer(L, "packets", PACKETS_USUAL);
    return 1;
}

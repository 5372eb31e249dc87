/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua module mtrtrace.http for Lua 5.3 and 5.4: converts arguments and results, decides
 * nothing. Misuse raises an error. A failure of the system returns nil, a message and the name of
 * the error. */
#include "http/http.h"
#include "base/units.h"
#include "http/ssl.h"
#include "lua/options.h"
#include "lua/set.h"

#include <curl/curl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MT "mtrtrace.http.request"
#define POOL_MT "mtrtrace.http.pool"

enum { MOST_AT_ONCE = 64 };

/* The number of running threads, and the data that they share; an upvalue of start. */
struct pool {
    int running;
    struct httpturn https, http; /* start times of requests, by scheme */
    struct httptrust *trust;
};

struct request_ud {
    struct http *http; /* NULL before open and after close */
    struct pool *pool; /* the user value */
};

static int push_err(lua_State *L, const struct err *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, err_name(err->code));
    return 3;
}

static const char *need_string(lua_State *L, const char *key)
{
    const char *value = lopt_string(L, key);
    if (value == NULL)
        luaL_error(L, "option '%s' is missing", key);
    return value;
}

/* Reads all options whose misuse raises an error. Addresses are read later, as bad ones are no
 * misuse. */
static void check_request(lua_State *L, struct http_request *r)
{
    static const char *const known[] = { "url",     "address", "port",       "interface",
                                         "source",  "ca_file", "ca_dir",     "agent",
                                         "timeout", "head",    "unverified", "connect_timeout",
                                         "http11" };

    luaL_checktype(L, 1, LUA_TTABLE);
    lopt_refuse_unknown(L, known, sizeof known / sizeof *known);
    r->url = need_string(L, "url");
    r->address = need_string(L, "address");
    r->port = (uint16_t)lopt_integer(L, "port", 1, 65535, 443);
    r->interface = lopt_string(L, "interface");
    r->source = lopt_string(L, "source");
    r->ca_file = lopt_string(L, "ca_file");
    r->ca_dir = lopt_string(L, "ca_dir");
    r->agent = lopt_string(L, "agent");
    r->timeout_ms = lopt_seconds(L, "timeout", 0.001, 3600, 10) / MS;
    r->connect_timeout_ms =
        lopt_seconds(L, "connect_timeout", 0.001, 3600, (double)r->timeout_ms / 1e3) / MS;
    r->head = lopt_boolean(L, "head");
    r->unverified = lopt_boolean(L, "unverified");
    r->http11 = lopt_boolean(L, "http11");
}

static void join_others(struct pool *pool, struct http_request *r)
{
    r->turn = strncmp(r->url, "https:", 6) == 0 ? &pool->https : &pool->http;
    r->trust = pool->trust;
}

static int l_start(lua_State *L)
{
    struct http_request request = { 0 };
    struct err err = { 0 };
    struct pool *pool = lua_touserdata(L, lua_upvalueindex(1));

    check_request(L, &request);
    if (pool->running >= MOST_AT_ONCE) {
        lua_pushnil(L);
        lua_pushfstring(L, "%d requests are under way", pool->running);
        lua_pushliteral(L, "BUSY");
        return 3;
    }
    struct request_ud *u = lua_newuserdata(L, sizeof *u);
    *u = (struct request_ud){ NULL, pool };
    luaL_setmetatable(L, REQUEST_MT);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_setuservalue(L, -2);
    join_others(pool, &request);
    u->http = http_start(&request, &err);
    if (u->http == NULL)
        return push_err(L, &err);
    pool->running++;
    return 1;
}

static struct request_ud *check_open(lua_State *L)
{
    struct request_ud *u = luaL_checkudata(L, 1, REQUEST_MT);
    luaL_argcheck(L, u->http != NULL, 1, "request is closed");
    return u;
}

static int request_close(lua_State *L)
{
    struct request_ud *u = luaL_checkudata(L, 1, REQUEST_MT);
    if (u->http != NULL) {
        http_close(u->http);
        u->http = NULL;
        u->pool->running--;
    }
    return 0;
}

static int request_done(lua_State *L)
{
    struct http_report report;
    http_read(check_open(L)->http, &report);
    lua_pushboolean(L, report.done);
    return 1;
}

/* Sets a duration; leaves the field nil if the phase was not reached. */
static void set_ms(lua_State *L, const char *key, int64_t from_us, int64_t to_us)
{
    if (to_us > 0)
        lset_number(L, key, (double)(to_us > from_us ? to_us - from_us : 0) / 1e3);
}

static void set_text(lua_State *L, const char *key, const char *value)
{
    if (value[0] != '\0')
        lset_string(L, key, value);
}

static void push_times(lua_State *L, const struct http_report *r)
{
    set_ms(L, "ttfb_ms", 0, r->first_byte_us);
    set_ms(L, "tcp_ms", 0, r->connect_us); /* from 0: a numeric address needs no DNS */
    set_ms(L, "tls_ms", r->connect_us, r->tls_us);
    /* From the end of the handshake, not from libcurl's pre-transfer time: libcurl takes that time
     * after sending the request, which is late if the thread is preempted in between. */
    set_ms(L, "wait_ms", r->tls_us > 0 ? r->tls_us : r->connect_us, r->first_byte_us);
    set_ms(L, "elapsed_ms", 0, r->total_us);
    set_ms(L, "interim_ms", 0, r->interim_us);
    lset_integer(L, "retransmissions", r->retransmissions);
}

static int request_result(lua_State *L)
{
    struct http_report r;

    http_read(check_open(L)->http, &r);
    lua_newtable(L);
    lset_boolean(L, "done", r.done);
    lset_string(L, "phase", http_phase_name(r.phase));
    if (r.failure != HTTP_FINE)
        lset_string(L, "failure", http_failure_name(r.failure));
    set_text(L, "text", r.text);
    push_times(L, &r);
    if (r.status != 0)
        lset_integer(L, "status", r.status);
    if (r.interim != 0)
        lset_integer(L, "interim_status", r.interim);
    set_text(L, "version", r.version);
    set_text(L, "tls_version", r.tls);
    set_text(L, "location", r.location);
    set_text(L, "peer", r.peer);
    lset_integer(L, "verify", r.verify);
    return 1;
}

/* Requires all requests to be closed: each keeps its pool alive. */
static int pool_gc(lua_State *L)
{
    struct pool *pool = luaL_checkudata(L, 1, POOL_MT);
    httptrust_free(pool->trust);
    pool->trust = NULL;
    return 0;
}

static const luaL_Reg methods[] = {
    { "done", request_done },
    { "result", request_result },
    { "close", request_close },
    { NULL, NULL },
};

static void make_types(lua_State *L)
{
    lset_owner_type(L, REQUEST_MT, request_close);
    luaL_getmetatable(L, REQUEST_MT);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lset_owner_type(L, POOL_MT, pool_gc);
}

__attribute__((visibility("default"))) int luaopen_mtrtrace_http(lua_State *L);

/* curl_global_init is called on the main thread, before this module starts threads, and is never
 * undone, because another part of the program may use libcurl. libcurl counts its
 * initialisations. */
int luaopen_mtrtrace_http(lua_State *L)
{
    struct err err = { 0 };

    luaL_checkversion(L);
    if (httpssl_check(&err) < 0)
        return luaL_error(L, "mtrtrace.http: %s", err.text);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return luaL_error(L, "mtrtrace.http: libcurl cannot be initialised");
    make_types(L);
    lua_newtable(L);
    /* curl_version() may block: it calls libldap for a version, which resolves the host's name. */
    lset_string(L, "libcurl", curl_version_info(CURLVERSION_NOW)->version);
    struct pool *pool = lset_owner(L, POOL_MT, sizeof *pool);
    pool->trust = httptrust_new();
    lua_pushcclosure(L, l_start, 1);
    lua_setfield(L, -2, "start");
    return 1;
}

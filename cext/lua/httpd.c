/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua module mtrtrace.httpd: converts arguments and results of httpd/httpd.h, decides nothing.
 * A separate module, because libmicrohttpd is optional. Misuse raises an error. A failure of the
 * system returns nil, a message and the name of the error. Times are in seconds, from a monotonic
 * clock. */
#include "httpd/httpd.h"
#include "base/units.h"
#include "lua/options.h"
#include "lua/set.h"

#include <lauxlib.h>
#include <lua.h>
#include <microhttpd.h>
#include <string.h>

#define SERVER_MT "mtrtrace.httpd.server"
#define PACKED_MT "mtrtrace.httpd.packed"

struct server_ud {
    struct httpd *httpd; /* NULL before open and after close */
};

static int push_err(lua_State *L, const struct err *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, err_name(err->code));
    return 3;
}

static void check_config(lua_State *L, struct httpd_config *c)
{
    static const char *const known[] = { "address",     "port",  "connections",
                                         "per_address", "limit", "most_held" };

    luaL_checktype(L, 1, LUA_TTABLE);
    lopt_refuse_unknown(L, known, sizeof known / sizeof *known);
    const char *address = lopt_string(L, "address");
    if (address == NULL || ipaddr_from_text(&c->address, address) < 0)
        luaL_error(L, "option 'address': a numeric address expected");
    c->port = (uint16_t)lopt_integer(L, "port", 0, 65535, 0);
    c->connections = (unsigned)lopt_integer(L, "connections", 1, HTTPD_MOST, 128);
    c->per_address = (unsigned)lopt_integer(L, "per_address", 1, HTTPD_MOST, 32);
    c->limit_ns = lopt_seconds(L, "limit", 0.1, 3600, 30);
    c->most_held = (size_t)lopt_integer(L, "most_held", 1, 1 << 30, 256 << 20);
}

static int64_t check_now(lua_State *L, int arg)
{
    lua_Number now = luaL_checknumber(L, arg);
    luaL_argcheck(L, now >= 0 && now < 1e9, arg, "seconds expected");
    return (int64_t)(now * NS_PER_S);
}

/* open(options, now) */
static int l_open(lua_State *L)
{
    struct httpd_config config = { 0 };
    struct err err = { 0 };

    check_config(L, &config);
    int64_t now_ns = check_now(L, 2);
    struct server_ud *u = lset_owner(L, SERVER_MT, sizeof *u);
    u->httpd = httpd_open(&config, now_ns, &err);
    return u->httpd != NULL ? 1 : push_err(L, &err);
}

static struct httpd *check_server(lua_State *L)
{
    struct server_ud *u = luaL_checkudata(L, 1, SERVER_MT);
    luaL_argcheck(L, u->httpd != NULL, 1, "server is closed");
    return u->httpd;
}

static int server_close(lua_State *L)
{
    struct server_ud *u = luaL_checkudata(L, 1, SERVER_MT);
    struct httpd *httpd = u->httpd;
    u->httpd = NULL;
    httpd_close(httpd);
    return 0;
}

static int server_fd(lua_State *L)
{
    lua_pushinteger(L, httpd_fd(check_server(L)));
    return 1;
}

static int server_port(lua_State *L)
{
    lua_pushinteger(L, httpd_port(check_server(L)));
    return 1;
}

static int server_connections(lua_State *L)
{
    lua_pushinteger(L, httpd_connections(check_server(L)));
    return 1;
}

/* run(now) */
static int server_run(lua_State *L)
{
    struct httpd *httpd = check_server(L);
    lua_pushnumber(L, ns_to_s(httpd_run(httpd, check_now(L, 2))));
    return 1;
}

static int server_take(lua_State *L)
{
    struct httpd_request r;

    if (!httpd_take(check_server(L), &r)) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 6);
    lset_integer(L, "id", (lua_Integer)r.id);
    lset_string(L, "method", r.method);
    lset_string(L, "uri", r.uri);
    lset_string(L, "accept", r.accept);
    lset_string(L, "accept_encoding", r.accept_encoding);
    lset_string(L, "timeout", r.timeout);
    return 1;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* A packed piece, followed by the bytes that body_pack wrote. */
struct packed_ud {
    struct body_piece piece; /* `bytes` is set when the piece is used */
    unsigned char bytes[];
};

/* pack(text): compresses a text once for all bodies that contain it */
static int l_pack(lua_State *L)
{
    luaL_Buffer buffer;
    struct body_piece piece;
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    size_t room = body_pack_bound(length);

    luaL_argcheck(L, room > 0, 1, "too long");
    char *out = luaL_buffinitsize(L, &buffer, room);
    if (!body_pack(&piece, text, length, out, room))
        return luaL_error(L, "no memory to compress a text");
    luaL_pushresultsize(&buffer, piece.length);
    const char *bytes = lua_tostring(L, -1);
    struct packed_ud *u = lua_newuserdata(L, sizeof *u + piece.length);
    u->piece = piece;
    u->piece.bytes = NULL;
    memcpy(u->bytes, bytes, piece.length);
    luaL_setmetatable(L, PACKED_MT);
    return 1;
}

static struct body_piece check_piece(lua_State *L, int at, int arg)
{
    struct body_piece piece = { 0 };
    const struct packed_ud *u = luaL_testudata(L, at, PACKED_MT);

    if (u != NULL) {
        piece = u->piece;
        piece.bytes = u->bytes;
        return piece;
    }
    luaL_argcheck(L, lua_type(L, at) == LUA_TSTRING, arg, "strings expected");
    piece.bytes = lua_tolstring(L, at, &piece.length);
    return piece;
}

/* Reads the body: a string, a packed piece, or an array of these. Nothing is copied: the argument
 * must remain on the stack. Pushes a userdata with the list of pieces. */
static void check_body(lua_State *L, int arg, struct httpd_response *a)
{
    bool is_list = lua_istable(L, arg);
    size_t count = is_list ? lua_rawlen(L, arg) : 1;
    struct body_piece *pieces = lua_newuserdata(L, (count > 0 ? count : 1) * sizeof *pieces);

    if (!is_list)
        pieces[0] = check_piece(L, arg, arg);
    for (size_t i = 0; is_list && i < count; i++) {
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        pieces[i] = check_piece(L, lua_gettop(L), arg);
        lua_pop(L, 1);
    }
    a->pieces = pieces;
    a->count = count;
}

/* answer(id, status, type, body, gzip, name, value, ...) */
static int server_answer(lua_State *L)
{
    struct httpd *httpd = check_server(L);
    struct httpd_response a = { 0 };
    uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
    int extra = (lua_gettop(L) - 6) / 2;

    a.status = (unsigned)luaL_checkinteger(L, 3);
    luaL_argcheck(L, a.status >= 200 && a.status <= 599, 3, "a status from 200 to 599 expected");
    a.type = luaL_checkstring(L, 4);
    a.gzip = lua_toboolean(L, 6);
    luaL_argcheck(L, extra <= HTTPD_EXTRA, 7, "too many header fields");
    for (int i = 0; i < extra; i++) {
        a.names[i] = luaL_checkstring(L, 7 + 2 * i);
        a.values[i] = luaL_checkstring(L, 8 + 2 * i);
    }
    check_body(L, 5, &a);
    lua_pushboolean(L, httpd_respond(httpd, id, &a));
    return 1;
}

static const luaL_Reg methods[] = {
    { "fd", server_fd },       { "port", server_port }, { "connections", server_connections },
    { "run", server_run },     { "take", server_take }, { "answer", server_answer },
    { "close", server_close }, { NULL, NULL },
};

static const luaL_Reg functions[] = { { "open", l_open }, { "pack", l_pack }, { NULL, NULL } };

__attribute__((visibility("default"))) int luaopen_mtrtrace_httpd(lua_State *L);

int luaopen_mtrtrace_httpd(lua_State *L)
{
    luaL_checkversion(L);
    lset_owner_type(L, SERVER_MT, server_close);
    luaL_getmetatable(L, SERVER_MT);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newmetatable(L, PACKED_MT);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    lset_string(L, "libmicrohttpd", MHD_get_version());
    return 1;
}

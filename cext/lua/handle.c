/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/handle.h"

#include <lauxlib.h>

#define PROBER_MT "mtrtrace.prober"

static const double wait_max_s = 1e8; /* three years stand for no limit */

int handle_push_err(lua_State *L, const struct err *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, err_name(err->code));
    return 3;
}

static int prober_gc(lua_State *L)
{
    struct prober_ud *u = luaL_checkudata(L, 1, PROBER_MT);
    prober_close(u->prober);
    u->prober = NULL;
    return 0;
}

static const char prober_key = 0, wanted_key = 0;

static enum prober_sockets wanted_sockets(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &wanted_key);
    lua_Integer wanted = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return (enum prober_sockets)wanted;
}

bool handle_push_prober(lua_State *L, struct err *err)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &prober_key) == LUA_TUSERDATA)
        return true;
    lua_pop(L, 1);
    struct prober_ud *u = lua_newuserdata(L, sizeof *u);
    u->prober = NULL;
    luaL_setmetatable(L, PROBER_MT);
    u->prober = prober_open(wanted_sockets(L), err);
    if (u->prober == NULL)
        return false;
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &prober_key);
    return true;
}

struct prober_ud *handle_hold_prober(lua_State *L, struct err *err)
{
    if (!handle_push_prober(L, err))
        return NULL;
    struct prober_ud *u = lua_touserdata(L, -1);
    lua_setuservalue(L, -2);
    return u;
}

/* ---- the prober in the caller's event loop -------------------------------------------------- */

static struct prober *check_prober(lua_State *L, int arg)
{
    struct prober_ud *u = luaL_checkudata(L, arg, PROBER_MT);
    luaL_argcheck(L, u->prober != NULL, arg, "prober is closed");
    return u->prober;
}

static int prober_get_fd(lua_State *L)
{
    struct err err = { 0 };
    int fd = prober_fd(check_prober(L, 1), &err);

    if (fd < 0)
        return handle_push_err(L, &err);
    lua_pushinteger(L, fd);
    return 1;
}

static int prober_do_clear(lua_State *L)
{
    prober_clear(check_prober(L, 1));
    return 0;
}

static const double lease_half_s = PROBER_LEASE_MS / 2e3;

/* Returns the seconds within which the caller must read every trace: a trace that is not read for
 * twice as long stops sending. */
static int prober_timeout(lua_State *L)
{
    check_prober(L, 1);
    lua_pushnumber(L, lease_half_s);
    return 1;
}

static int prober_do_wait(lua_State *L)
{
    struct prober *prober = check_prober(L, 1);
    double seconds = luaL_optnumber(L, 2, lease_half_s);

    luaL_argcheck(L, seconds >= 0 && seconds <= wait_max_s, 2, "seconds from 0 expected");
    lua_pushboolean(L, prober_wait_change(prober, (int64_t)(seconds * 1e9)));
    return 1;
}

/* Returns the seconds by which the thread lags behind its schedule. */
static int prober_get_lag(lua_State *L)
{
    lua_pushnumber(L, (double)prober_lag_ns(check_prober(L, 1)) / 1e9);
    return 1;
}

/* Returns the number of packets that the capture has dropped. */
static int prober_get_drops(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)prober_drops(check_prober(L, 1)));
    return 1;
}

int handle_sockets(lua_State *L)
{
    static const char *const names[] = {
        [PROBER_AUTO] = "auto", [PROBER_RAW] = "raw", [PROBER_PLAIN] = "unprivileged", NULL
    };
    int wanted = luaL_checkoption(L, 1, names[PROBER_AUTO], names);
    struct err err = { 0 };

    lua_pushinteger(L, wanted);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &wanted_key);
    if (!handle_push_prober(L, &err))
        return handle_push_err(L, &err);
    bool plain = prober_is_plain(check_prober(L, -1));
    lua_pushstring(L, names[plain ? PROBER_PLAIN : PROBER_RAW]);
    lua_pushboolean(L, !plain || prober_has_icmp());
    return 2;
}

static const luaL_Reg prober_meta[] = { { "__gc", prober_gc }, { NULL, NULL } };

static const luaL_Reg prober_methods[] = { { "fd", prober_get_fd },
                                           { "clear", prober_do_clear },
                                           { "timeout", prober_timeout },
                                           { "wait", prober_do_wait },
                                           { "lag", prober_get_lag },
                                           { "drops", prober_get_drops },
                                           { NULL, NULL } };

void handle_register(lua_State *L)
{
    luaL_newmetatable(L, PROBER_MT);
    luaL_setfuncs(L, prober_meta, 0);
    luaL_newlib(L, prober_methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

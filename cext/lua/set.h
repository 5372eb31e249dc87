/* SPDX-License-Identifier: BSD-2-Clause */
/* What the binding files share: fields of the table on top of the stack, and userdata that own. */
#ifndef MTR_LUA_SET_H
#define MTR_LUA_SET_H

#include "base/ipaddr.h"

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

static inline void lset_integer(lua_State *L, const char *key, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}

static inline void lset_number(lua_State *L, const char *key, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, key);
}

static inline void lset_boolean(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

static inline void lset_string(lua_State *L, const char *key, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

static inline void lset_address(lua_State *L, const char *key, const struct ipaddr *address)
{
    char text[IPADDR_TEXT];
    lset_string(L, key, ipaddr_to_text(address, text));
}

/* A metatable of userdata that `gc` frees. */
static inline void lset_owner_type(lua_State *L, const char *name, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

/* Pushes such a userdata, all zero: it owns nothing yet. */
static inline void *lset_owner(lua_State *L, const char *name, size_t size)
{
    void *owner = lua_newuserdata(L, size);
    memset(owner, 0, size);
    luaL_setmetatable(L, name);
    return owner;
}

#endif

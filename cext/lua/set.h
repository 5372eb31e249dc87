/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the binding files: setters of fields in the table on top of the stack, and userdata
 * that own C memory. */
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

/* Registers the metatable of a userdata that `gc` frees. */
static inline void lset_owner_type(lua_State *L, const char *name, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

/* Pushes a userdata with this metatable, filled with zeros so that `gc` has nothing to free yet. */
static inline void *lset_owner(lua_State *L, const char *name, size_t size)
{
    void *owner = lua_newuserdata(L, size);
    memset(owner, 0, size);
    luaL_setmetatable(L, name);
    return owner;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of the table on top of the stack, for the binding files. */
#ifndef MTR_LSET_H
#define MTR_LSET_H

#include "ipaddr.h"

#include <lauxlib.h>
#include <lua.h>

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

#endif

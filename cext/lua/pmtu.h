/* SPDX-License-Identifier: BSD-2-Clause */
/* core.pmtu: a search of the path MTU as a Lua object. */
#ifndef MTR_LUA_PMTU_H
#define MTR_LUA_PMTU_H

#include <lua.h>

int lpmtu_new(lua_State *L);
void lpmtu_register(lua_State *L);

#endif

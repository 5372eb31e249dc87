/* SPDX-License-Identifier: BSD-2-Clause */
/* Searches as Lua objects: multipath detection and path MTU discovery. */
#ifndef MTR_LUA_SEARCH_H
#define MTR_LUA_SEARCH_H

#include <lua.h>

int search_new_paths(lua_State *L);
int search_new_pmtu(lua_State *L);
void search_register(lua_State *L); /* once per state */

#endif

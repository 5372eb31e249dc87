/* SPDX-License-Identifier: BSD-2-Clause */
/* core.paths: a search of all paths as a Lua object. */
#ifndef MTR_LUA_PATHS_H
#define MTR_LUA_PATHS_H

#include <lua.h>

int lpaths_new(lua_State *L);
void lpaths_register(lua_State *L);

#endif

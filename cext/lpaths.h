/* SPDX-License-Identifier: BSD-2-Clause */
/* core.paths: a search of all paths as a Lua object. */
#ifndef MTR_LPATHS_H
#define MTR_LPATHS_H

#include <lua.h>

int lpaths_new(lua_State *L);
void lpaths_register(lua_State *L);

#endif

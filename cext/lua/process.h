/* SPDX-License-Identifier: BSD-2-Clause */
/* Lua's view of the process: core.process. */
#ifndef MTR_LUA_PROCESS_H
#define MTR_LUA_PROCESS_H

#include <lua.h>

/* Pushes the table of functions. */
void lprocess_push(lua_State *L);

#endif

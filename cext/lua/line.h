/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of many cells, made without a Lua string for each. */
#ifndef MTR_LUA_LINE_H
#define MTR_LUA_LINE_H

#include <lua.h>

/* core.line(cells, count): the cells with a comma between two; a number as mtrtrace.base.format
 * writes decimals, a text as it is, nothing for nil. */
int lline_join(lua_State *L);

#endif

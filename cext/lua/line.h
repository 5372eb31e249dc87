/* SPDX-License-Identifier: BSD-2-Clause */
/* CSV lines of many cells, written without a Lua string per cell. */
#ifndef MTR_LUA_LINE_H
#define MTR_LUA_LINE_H

#include <lua.h>

/* core.line(cells, count): joins the cells with commas. Numbers are written as decimals like those
 * of mtrtrace.base.format, strings unchanged, nil as nothing. */
int lline_join(lua_State *L);

#endif

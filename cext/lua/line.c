/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/line.h"

#include "base/decimal.h"

#include <lauxlib.h>

enum { CELLS_MOST = 1000 };

/* Adds the cell on top of the stack and pops it. */
static void add_cell(lua_State *L, luaL_Buffer *line)
{
    char text[DECIMAL_TEXT];
    int type = lua_type(L, -1);

    if (type == LUA_TSTRING) {
        luaL_addvalue(line);
        return;
    }
    size_t length = type == LUA_TNUMBER ? decimal_write(text, lua_tonumber(L, -1)) : 0;
    lua_pop(L, 1);
    luaL_addlstring(line, text, length);
}

int lline_join(lua_State *L)
{
    luaL_Buffer line;
    lua_Integer count = luaL_checkinteger(L, 2);

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, count >= 1 && count <= CELLS_MOST, 2, "1 to 1000 cells expected");
    luaL_buffinit(L, &line);
    for (lua_Integer i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&line, ',');
        lua_rawgeti(L, 1, i);
        add_cell(L, &line);
    }
    luaL_pushresult(&line);
    return 1;
}

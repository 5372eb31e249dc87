/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/process.h"

#include "lua/handle.h"
#include "lua/set.h"
#include "prober/process.h"

#include <lauxlib.h>

/* become(uid, gid): returns whether user and group were changed; nil and a message on failure. */
static int l_become(lua_State *L)
{
    lua_Integer uid = luaL_checkinteger(L, 1), gid = luaL_checkinteger(L, 2);
    struct err err = { 0 };
    bool became;

    luaL_argcheck(L, uid > 0 && uid < UINT32_MAX, 1, "a user's number expected");
    luaL_argcheck(L, gid >= 0 && gid < UINT32_MAX, 2, "a group's number expected");
    if (process_become((uid_t)uid, (gid_t)gid, &became, &err) < 0)
        return handle_push_err(L, &err);
    lua_pushboolean(L, became);
    return 1;
}

/* nobody(): returns the user and the group of the account "nobody"; nothing if there is none. */
static int l_nobody(lua_State *L)
{
    uid_t uid;
    gid_t gid;

    if (!process_nobody(&uid, &gid))
        return 0;
    lua_pushinteger(L, uid);
    lua_pushinteger(L, gid);
    return 2;
}

/* limit(mark): returns true; nil and a message on failure. */
static int l_limit(lua_State *L)
{
    lua_Integer mark = luaL_optinteger(L, 1, 0);
    struct err err = { 0 };

    luaL_argcheck(L, mark >= 0 && mark <= UINT32_MAX, 1, "a mark from 0 to 4294967295 expected");
    if (process_limit((uint32_t)mark, &err) < 0)
        return handle_push_err(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* open_streams(): returns the standard streams that were closed. */
static int l_open_streams(lua_State *L)
{
    unsigned closed = process_streams();

    lua_createtable(L, 0, 3);
    lset_boolean(L, "stdin", (closed & PROCESS_STDIN) != 0);
    lset_boolean(L, "stdout", (closed & PROCESS_STDOUT) != 0);
    lset_boolean(L, "stderr", (closed & PROCESS_STDERR) != 0);
    return 1;
}

static int l_raise_files(lua_State *L)
{
    (void)L;
    process_raise_files();
    return 0;
}

static const luaL_Reg functions[] = {
    { "become", l_become },           { "limit", l_limit },
    { "nobody", l_nobody },           { "open_streams", l_open_streams },
    { "raise_files", l_raise_files }, { NULL, NULL }
};

void lprocess_push(lua_State *L)
{
    luaL_newlib(L, functions);
}

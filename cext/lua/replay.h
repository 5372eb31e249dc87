/* SPDX-License-Identifier: BSD-2-Clause */
/* A recorded event stream, counted as a running trace is. */
#ifndef MTR_LUA_REPLAY_H
#define MTR_LUA_REPLAY_H

#include <lua.h>

void lreplay_register(lua_State *L);

/* core.replay(max_hops): a replay; replay:add(event) takes a table as trace:events() gives it, and
 * answers true, or nil and a sentence where it cannot be one; replay:hops(first, last) gives what
 * the result has under `hops`. */
int lreplay_new(lua_State *L);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* A recorded event stream, counted like the events of a running trace. */
#ifndef MTR_LUA_REPLAY_H
#define MTR_LUA_REPLAY_H

#include <lua.h>

void lreplay_register(lua_State *L);

/* core.replay(max_hops) creates a replay. replay:add(event) takes a table as returned by
 * trace:events() and returns true, or nil and a message for an impossible event.
 * replay:hops(first, last) returns the `hops` of a result. */
int lreplay_new(lua_State *L);

#endif

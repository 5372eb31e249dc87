/* SPDX-License-Identifier: BSD-2-Clause */
/* The prober as a Lua object, one per process: what traces, searches and fingerprinting hold while
 * they are open. */
#ifndef MTR_LUA_HANDLE_H
#define MTR_LUA_HANDLE_H

#include "prober/prober.h"

#include <lua.h>

struct prober_ud {
    struct prober *prober; /* NULL once closed */
};

/* Pushes its userdata, opened at its first use; false with *err set if it cannot be. */
bool handle_push_prober(lua_State *L, struct err *err);

/* Pushes the prober and makes it the user value of the userdata below it, so that it lives as long.
 * NULL with *err set if it cannot be opened. */
struct prober_ud *handle_hold_prober(lua_State *L, struct err *err);

/* Pushes nil, a sentence and a name: the results of what the world refuses. Returns their
 * number. */
int handle_push_err(lua_State *L, const struct err *err);

/* sockets([wanted]): "raw" or "unprivileged", as the prober sends, and whether it may send ICMP;
 * the wish counts where the prober is not open yet. */
int handle_sockets(lua_State *L);

void handle_register(lua_State *L); /* once per state */

#endif

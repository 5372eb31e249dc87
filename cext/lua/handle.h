/* SPDX-License-Identifier: BSD-2-Clause */
/* The prober as a Lua object, one per process. Traces, searches and fingerprinting refer to it
 * while they are open. */
#ifndef MTR_LUA_HANDLE_H
#define MTR_LUA_HANDLE_H

#include "prober/prober.h"

#include <lua.h>

struct prober_ud {
    struct prober *prober; /* NULL once closed */
};

/* Pushes the prober's userdata, which the first use opens; false with *err set on failure. */
bool handle_push_prober(lua_State *L, struct err *err);

/* Pushes the prober and makes it the user value of the userdata below it, which keeps the prober
 * alive. Returns NULL with *err set if the prober cannot be opened. */
struct prober_ud *handle_hold_prober(lua_State *L, struct err *err);

/* Pushes nil, a message and the error's name, the results of a failure of the system. Returns their
 * number. */
int handle_push_err(lua_State *L, const struct err *err);

/* sockets([wanted]): returns "raw" or "unprivileged", the sockets that the prober uses, and whether
 * the prober may send ICMP. `wanted` has an effect only before the prober is open. */
int handle_sockets(lua_State *L);

void handle_register(lua_State *L); /* once per state */

#endif

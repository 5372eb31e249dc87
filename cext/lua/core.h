/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the Lua module mtrtrace.core share. */
#ifndef MTR_LUA_CORE_H
#define MTR_LUA_CORE_H

#include "prober/prober.h"

#include <lua.h>

/* The prober, one per process. */
struct prober_ud {
    struct prober *prober; /* NULL once closed */
};

/* Pushes its userdata, opened at its first use; false with *err set if it cannot be. */
bool lcore_push_prober(lua_State *L, struct err *err);

/* nil, a sentence, a name: the results of what the world refuses. */
int lcore_push_err(lua_State *L, const struct err *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The results of searches as Lua tables; nse/doc/library.md lists their fields. */
#ifndef MTR_LUA_FOUND_H
#define MTR_LUA_FOUND_H

#include "discovery/mda.h"
#include "discovery/pmtu.h"

#include <lua.h>

void lfound_push_paths(lua_State *L, const struct mda_report *report);
void lfound_push_pmtu(lua_State *L, const struct pmtu_report *report);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the module mtrsim share. */
#ifndef MTR_LSIM_H
#define MTR_LSIM_H

#include "engine/trace.h"

#include <lua.h>

/* The options of the table at index 2; raises where one is wrong. */
lua_Integer lsim_integer(lua_State *L, const char *key, lua_Integer least, lua_Integer most,
                         lua_Integer absent);
void lsim_config(lua_State *L, struct trace_config *config);
int64_t lsim_now(lua_State *L);

/* pace:paths{...} and pace:pmtu{...}: a trace's methods as far as a search has them. */
int lsim_search_paths(lua_State *L);
int lsim_search_pmtu(lua_State *L);
/* The budget and a serial number of the pace at index 1. */
struct budget *lsim_budget(lua_State *L);
uint64_t lsim_serial(lua_State *L);
void lsim_search_register(lua_State *L);

#endif

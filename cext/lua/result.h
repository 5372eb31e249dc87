/* SPDX-License-Identifier: BSD-2-Clause */
/* A prober's report as a Lua table. */
#ifndef MTR_LUA_RESULT_H
#define MTR_LUA_RESULT_H

#include "prober/prober.h"

#include <lua.h>

void lresult_register(lua_State *L);

/* Pushes a userdata that frees the report's counters whatever happens; the report in it is
 * empty. */
struct prober_report *lresult_new(lua_State *L);

/* Frees its counters at once: a collector does not see how large they are. */
void lresult_fini(struct prober_report *report);

/* Pushes the table; field names and units are documented in nse/doc/library.md. */
void lresult_push(lua_State *L, const struct prober_report *report);

/* An optional argument: bounds, in seconds, up to which RTTs are counted. Raises on misuse. */
void lresult_check_bounds(lua_State *L, int arg, struct prober_report *report);

/* Pushes the array of hops `first` to `last`. */
void lresult_push_hops(lua_State *L, const struct prober_report *report, int first, int last);

#endif

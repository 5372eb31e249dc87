/* SPDX-License-Identifier: BSD-2-Clause */
/* A prober's report as a Lua table. */
#ifndef MTR_LUA_RESULT_H
#define MTR_LUA_RESULT_H

#include "prober/prober.h"

#include <lua.h>

void lresult_register(lua_State *L);

/* Pushes a userdata with an empty report, whose __gc frees the counters even after a Lua error. */
struct prober_report *lresult_new(lua_State *L);

/* Frees the counters at once, because Lua's collector does not know how large they are. */
void lresult_fini(struct prober_report *report);

/* Pushes the table; nse/doc/library.md lists its fields and their units. */
void lresult_push(lua_State *L, const struct prober_report *report);

/* Reads an optional argument: bounds in seconds, up to which RTTs are counted. Raises an error on
 * misuse. */
void lresult_check_bounds(lua_State *L, int arg, struct prober_report *report);

/* Pushes the array of hops `first` to `last`. */
void lresult_push_hops(lua_State *L, const struct prober_report *report, int first, int last);

#endif

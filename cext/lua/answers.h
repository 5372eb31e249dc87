/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw answers as Lua tables; their fields are listed in nse/doc/library.md. */
#ifndef MTR_LUA_ANSWERS_H
#define MTR_LUA_ANSWERS_H

#include "results/evidence.h"

#include <lua.h>

/* Pushes an array of those answers that come from the address, on this flow if `flow` is not -1;
 * `extended`: those that have an extension alone. */
void lanswers_push(lua_State *L, const struct evidence_list *list, const struct ipaddr *from,
                   int flow, bool extended);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw answers as Lua tables; their fields are listed in nse/doc/library.md. */
#ifndef MTR_LUA_REPLIES_H
#define MTR_LUA_REPLIES_H

#include "results/evidence.h"

#include <lua.h>

/* Pushes an array of those answers that come from the address, on this flow if `flow` is not -1;
 * `extensions_only`: those that have an extension alone. */
void lreplies_push(lua_State *L, const struct evidence_list *list, const struct ipaddr *from,
                   int flow, bool extensions_only);

#endif

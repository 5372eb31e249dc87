/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw replies as Lua tables; nse/doc/library.md lists their fields. */
#ifndef MTR_LUA_REPLIES_H
#define MTR_LUA_REPLIES_H

#include "results/evidence.h"

#include <lua.h>

/* Pushes an array of the replies from an address: on one flow unless `flow` is -1, and only those
 * with an extension if `extensions_only`. */
void lreplies_push(lua_State *L, const struct evidence_list *list, const struct ipaddr *from,
                   int flow, bool extensions_only);

#endif

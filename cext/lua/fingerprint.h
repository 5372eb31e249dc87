/* SPDX-License-Identifier: BSD-2-Clause */
/* core.ask: direct questions to an address. */
#ifndef MTR_LUA_FINGERPRINT_H
#define MTR_LUA_FINGERPRINT_H

#include <lua.h>

void lask_register(lua_State *L); /* once per state */
int lask_ask(lua_State *L);

#endif

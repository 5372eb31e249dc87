/* SPDX-License-Identifier: BSD-2-Clause */
/* core.fingerprint: fingerprinting probes to an address. */
#ifndef MTR_LUA_FINGERPRINT_H
#define MTR_LUA_FINGERPRINT_H

#include <lua.h>

void lfingerprint_register(lua_State *L); /* once per state */
int lfingerprint_new(lua_State *L);

#endif

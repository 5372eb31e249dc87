/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be probed, out of the table at index 1: the options that traces and searches share. */
#ifndef MTR_LUA_REQUEST_H
#define MTR_LUA_REQUEST_H

#include "prober/prober.h"

#include <lua.h>

/* Everything that can raise; keys that are not `known` do. Addresses are the world's and are read
 * by the next function. */
void lrequest_check(lua_State *L, const char *const *known, size_t count,
                    struct prober_request *request);

/* -1 with *err set where an address or an interface cannot be used. */
int lrequest_addresses(lua_State *L, struct prober_request *request, struct err *err);

#endif

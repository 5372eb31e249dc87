/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the options that traces and searches share from the table at index 1. */
#ifndef MTR_LUA_REQUEST_H
#define MTR_LUA_REQUEST_H

#include "prober/prober.h"

#include <lua.h>

/* Reads all options whose misuse raises an error, which includes keys that are not `known`. Bad
 * addresses are no misuse and are left to lrequest_addresses. */
void lrequest_check(lua_State *L, const char *const *known, size_t count,
                    struct prober_request *request);

/* Reads addresses and interface; -1 with *err set if one cannot be used. */
int lrequest_addresses(lua_State *L, struct prober_request *request, struct err *err);

#endif

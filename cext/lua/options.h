/* SPDX-License-Identifier: BSD-2-Clause */
/* Options out of the table at index 1 of the Lua stack. What is misused raises and names the
 * option, its value and what is accepted; the world's mistakes are an err. */
#ifndef MTR_LUA_OPTIONS_H
#define MTR_LUA_OPTIONS_H

#include "prober/egress.h"

#include <lua.h>

lua_Integer lopt_integer(lua_State *L, const char *key, lua_Integer least, lua_Integer most,
                         lua_Integer absent);

/* Seconds to nanoseconds. */
int64_t lopt_seconds(lua_State *L, const char *key, double least, double most, double absent);
bool lopt_boolean(lua_State *L, const char *key);

/* The string stays alive in the options table; NULL if absent. */
const char *lopt_string(lua_State *L, const char *key);

/* The place of the option among names that end with NULL; 0 if absent. */
int lopt_choice(lua_State *L, const char *key, const char *const *names);
void lopt_refuse_unknown(lua_State *L, const char *const *known, size_t count);

/* Where probes are to go, and how. */
struct lopt_destination {
    struct ipaddr target, source; /* source version 0: any */
    uint32_t scope;               /* zone of a link-local target */
    bool mapped;                  /* the target was written as an IPv4-mapped address */
    struct egress_binding binding;
};

/* The option 'mark'. Raises where it is none. */
uint32_t lopt_mark(lua_State *L);

/* From texts; `source` and `device` may be NULL, `key` names the target in errors. */
int lopt_destination(struct lopt_destination *destination, const char *key, const char *target,
                     const char *source, const char *device, struct err *err);

#endif

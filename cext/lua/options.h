/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads options from the table at index 1 of the Lua stack. A bad value raises an error with the
 * option's name, the value and the accepted values; an address or interface that cannot be used
 * sets *err. */
#ifndef MTR_LUA_OPTIONS_H
#define MTR_LUA_OPTIONS_H

#include "prober/egress.h"

#include <lua.h>

lua_Integer lopt_integer(lua_State *L, const char *key, lua_Integer least, lua_Integer most,
                         lua_Integer absent);

/* Reads seconds and returns nanoseconds. */
int64_t lopt_seconds(lua_State *L, const char *key, double least, double most, double absent);
bool lopt_boolean(lua_State *L, const char *key);

/* Returns a string that lives as long as the options table; NULL if absent. */
const char *lopt_string(lua_State *L, const char *key);

/* Returns the index of the option's value in `names`, which end with NULL; 0 if absent. */
int lopt_choice(lua_State *L, const char *key, const char *const *names);
void lopt_refuse_unknown(lua_State *L, const char *const *known, size_t count);

/* The target of the probes, and the source address and interface. */
struct lopt_destination {
    struct ipaddr target, source; /* source version 0: any */
    uint32_t scope;               /* zone of a link-local target */
    bool mapped;                  /* the target was written as an IPv4-mapped address */
    struct egress_binding binding;
};

/* Reads the option 'mark' (SO_MARK); raises an error if it is out of range. */
uint32_t lopt_mark(lua_State *L);

/* Reads a destination from texts. `source` and `device` may be NULL; `key` is the name of the
 * target's option in error messages. */
int lopt_destination(struct lopt_destination *destination, const char *key, const char *target,
                     const char *source, const char *device, struct err *err);

#endif

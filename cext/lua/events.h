/* SPDX-License-Identifier: BSD-2-Clause */
/* The event stream as Lua tables. */
#ifndef MTR_LUA_EVENTS_H
#define MTR_LUA_EVENTS_H

#include "results/events.h"

#include <lua.h>

void levents_register(lua_State *L);

/* Pushes a userdata with an empty queue, whose __gc frees the queue even after a Lua error. */
struct events *levents_new(lua_State *L);

/* Pushes an array of tables; `spec` is the trace's. */
void levents_push(lua_State *L, const struct events *queue, const struct wire_spec *spec);

const char *levents_ending_name(enum trace_ending ending);

/* The event_kind, wire_kind or trace_ending with this name in recordings; -1 if there is none. */
int levents_kind(const char *name);
int levents_reply(const char *name);
int levents_ending(const char *name);

#endif

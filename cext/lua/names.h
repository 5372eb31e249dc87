/* SPDX-License-Identifier: BSD-2-Clause */
/* A question to the system's resolver as a Lua object. */
#ifndef MTR_LUA_NAMES_H
#define MTR_LUA_NAMES_H

#include <lua.h>

/* core.names(kind, subject, seconds): asks the resolver's servers, which share whole seconds from
 * 0 to 255, once each. With 0 only files such as /etc/hosts are read. `kind` is "reverse", the name
 * of an address, or "forward", the addresses of a name. Returns an object, or nil, a message and
 * the error's name:
 *
 *   fd()      a descriptor that is readable once there is an answer
 *   answer()  the text, addresses parted by blanks; nil and "EAI_NONAME", "EAI_AGAIN" or another
 *             text where there is none; nothing where it is still open
 *   close()   ends the question, answered or not */
int lnames_ask(lua_State *L);

void lnames_register(lua_State *L); /* once per state */

#endif

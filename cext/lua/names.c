/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/names.h"

#include "lua/handle.h"
#include "lua/set.h"
#include "prober/names.h"

#include <netdb.h>

#define NAMES_MT "mtrtrace.names"

struct names_ud {
    struct names_question *question; /* NULL before it is asked and after close */
};

int lnames_ask(lua_State *L)
{
    static const char *const kinds[] = { "reverse", "forward", NULL };
    int kind = luaL_checkoption(L, 1, NULL, kinds);
    size_t length;
    const char *subject = luaL_checklstring(L, 2, &length);
    lua_Integer seconds = luaL_checkinteger(L, 3);
    struct err err = { 0 };

    luaL_argcheck(L, length < NI_MAXHOST && strlen(subject) == length, 2, "a name expected");
    luaL_argcheck(L, seconds >= 0 && seconds <= UINT8_MAX, 3, "0 to 255 seconds expected");
    struct names_ud *u = lset_owner(L, NAMES_MT, sizeof *u);
    u->question = names_ask(kind == 0 ? NAMES_REVERSE : NAMES_FORWARD, subject, (int)seconds, &err);
    return u->question != NULL ? 1 : handle_push_err(L, &err);
}

static struct names_question *check_question(lua_State *L)
{
    struct names_ud *u = luaL_checkudata(L, 1, NAMES_MT);
    luaL_argcheck(L, u->question != NULL, 1, "question is closed");
    return u->question;
}

static int names_get_fd(lua_State *L)
{
    lua_pushinteger(L, names_fd(check_question(L)));
    return 1;
}

static const char *error_name(int error)
{
    switch (error) {
    case EAI_NONAME:
    case EAI_NODATA:
        return "EAI_NONAME";
    case EAI_AGAIN:
        return "EAI_AGAIN";
    default:
        return gai_strerror(error);
    }
}

static int names_get_answer(lua_State *L)
{
    const struct names_question *question = check_question(L);
    const char *text;

    if (!names_answered(question))
        return 0;
    int error = names_answer(question, &text);
    if (error == 0) {
        lua_pushstring(L, text);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, error_name(error));
    return 2;
}

static int names_close(lua_State *L)
{
    struct names_ud *u = luaL_checkudata(L, 1, NAMES_MT);

    if (u->question != NULL)
        names_leave(u->question);
    u->question = NULL;
    return 0;
}

void lnames_register(lua_State *L)
{
    static const luaL_Reg methods[] = { { "fd", names_get_fd },
                                        { "answer", names_get_answer },
                                        { "close", names_close },
                                        { NULL, NULL } };

    lset_owner_type(L, NAMES_MT, names_close);
    luaL_getmetatable(L, NAMES_MT);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

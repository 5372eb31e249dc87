/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/fingerprint.h"

#include "lua/replies.h"
#include "lua/handle.h"
#include "lua/options.h"
#include "lua/set.h"

#define FINGERPRINT_MT "mtrtrace.fingerprint"
#define REPLIES_MT "mtrtrace.replies"

struct fingerprint_ud {
    struct addresses_entry *entry; /* NULL before open and after close */
    struct prober_ud *owner;       /* the user value */
    struct ipaddr address;
};

static struct fingerprint_ud *check_fingerprint(lua_State *L)
{
    struct fingerprint_ud *u = luaL_checkudata(L, 1, FINGERPRINT_MT);
    luaL_argcheck(L, u->entry != NULL, 1, "fingerprint is closed");
    return u;
}

static int read_question(lua_State *L, struct prober_fingerprint_request *request, struct err *err)
{
    static const char *const known[] = { "address", "mode",    "source", "interface",
                                         "mark",    "timeout", "tos" };
    static const char *const modes[] = { "echo", "active", NULL };
    struct lopt_destination destination = { .scope = 0 };

    luaL_checktype(L, 1, LUA_TTABLE);
    lopt_refuse_unknown(L, known, sizeof known / sizeof *known);
    request->active = lopt_choice(L, "mode", modes) == 1;
    request->timeout_ns = lopt_seconds(L, "timeout", 0.001, 3600, 1);
    request->tos = (uint8_t)lopt_integer(L, "tos", 0, 255, 0);
    destination.binding.mark = lopt_mark(L);
    const char *address = lopt_string(L, "address");
    if (address == NULL)
        return luaL_error(L, "option 'address' is missing: an IPv4 or IPv6 address expected");
    if (lopt_destination(&destination, "address", address, lopt_string(L, "source"),
                         lopt_string(L, "interface"), err) < 0)
        return -1;
    request->target = destination.target;
    request->source = destination.source;
    request->scope = destination.scope;
    request->binding = destination.binding;
    return 0;
}

int lfingerprint_new(lua_State *L)
{
    struct prober_fingerprint_request request = { 0 };
    struct err err = { 0 };

    lua_settop(L, 1);
    if (read_question(L, &request, &err) < 0)
        return handle_push_err(L, &err);
    struct fingerprint_ud *u = lset_owner(L, FINGERPRINT_MT, sizeof *u);
    u->address = request.target;
    u->owner = handle_hold_prober(L, &err);
    if (u->owner == NULL)
        return handle_push_err(L, &err);
    u->entry = prober_fingerprint(u->owner->prober, &request, &err);
    if (u->entry == NULL)
        return handle_push_err(L, &err);
    return 1;
}

static int fingerprint_close(lua_State *L)
{
    struct fingerprint_ud *u = luaL_checkudata(L, 1, FINGERPRINT_MT);

    if (u->entry != NULL && u->owner->prober != NULL)
        prober_fingerprint_leave(u->owner->prober, u->entry);
    u->entry = NULL;
    return 0;
}

static int fingerprint_is_done(lua_State *L)
{
    struct fingerprint_ud *u = check_fingerprint(L);
    lua_pushboolean(L, prober_fingerprint_done(u->owner->prober, u->entry));
    return 1;
}

static int fingerprint_result(lua_State *L)
{
    struct fingerprint_ud *u = check_fingerprint(L);
    struct prober_fingerprint_replies *replies = lset_owner(L, REPLIES_MT, sizeof *replies);
    struct err err = { 0 };

    if (prober_fingerprint_read(u->owner->prober, u->entry, replies, &err) < 0)
        return handle_push_err(L, &err);
    lua_createtable(L, 0, 4);
    lset_address(L, "address", &u->address);
    lset_boolean(L, "done", replies->done);
    lua_createtable(L, 0, WIRE_PROTOCOL_COUNT);
    for (int i = 0; i < WIRE_PROTOCOL_COUNT; i++)
        lset_integer(L, evidence_probe_names[evidence_probe_of((enum wire_protocol)i)],
                     replies->sent[i]);
    lua_setfield(L, -2, "probes_sent");
    lreplies_push(L, &replies->list, &u->address, -1, false);
    lua_setfield(L, -2, "answers");
    return 1;
}

static int replies_gc(lua_State *L)
{
    struct prober_fingerprint_replies *replies = luaL_checkudata(L, 1, REPLIES_MT);
    evidence_fini(&replies->list);
    return 0;
}

void lfingerprint_register(lua_State *L)
{
    static const luaL_Reg methods[] = { { "done", fingerprint_is_done },
                                        { "result", fingerprint_result },
                                        { "close", fingerprint_close },
                                        { NULL, NULL } };

    lset_owner_type(L, REPLIES_MT, replies_gc);
    lset_owner_type(L, FINGERPRINT_MT, fingerprint_close);
    luaL_getmetatable(L, FINGERPRINT_MT);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua module mtrtrace.core: converts arguments and results, decides nothing. Lua 5.3 and 5.4.
 * Misuse raises; what the world refuses returns nil, a sentence and a name. */
#include "levents.h"
#include "lreplay.h"
#include "lresult.h"
#include "lset.h"
#include "prober.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "0.1.0"
#define PROBER_MT "mtrtrace.prober"
#define TRACE_MT "mtrtrace.trace"

static const double ns_per_s = 1e9;
static const double wait_max_s = 1e8; /* "for ever" */

struct prober_ud {
    struct prober *prober; /* NULL once closed */
};

struct trace_ud {
    struct prober_job *job;  /* NULL until it is open and once it is closed */
    struct prober_ud *owner; /* our user value; at lua_close it may be closed before us */
};

static int push_err(lua_State *L, const struct err *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, err_name(err->code));
    return 3;
}

/* ---- options ------------------------------------------------------------------------------- */

static int raise_option(lua_State *L, const char *key, const char *accepted)
{
    const char *value = luaL_tolstring(L, -1, NULL);
    return luaL_error(L, "option '%s' is %s: %s expected", key, value, accepted);
}

static lua_Integer opt_integer(lua_State *L, const char *key, lua_Integer least, lua_Integer most,
                               lua_Integer absent)
{
    int is_integer = 1;
    lua_Integer value = absent;

    if (lua_getfield(L, 1, key) != LUA_TNIL) {
        value = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_integer) : least - 1;
        if (!is_integer || !(value >= least && value <= most)) {
            const char *accepted = lua_pushfstring(L, "a whole number from %I to %I",
                                                   (LUAI_UACINT)least, (LUAI_UACINT)most);
            lua_insert(L, -2);
            raise_option(L, key, accepted);
        }
    }
    lua_pop(L, 1);
    return value;
}

/* Seconds to nanoseconds. */
static int64_t opt_seconds(lua_State *L, const char *key, double least, double most, double absent)
{
    double value = absent;

    if (lua_getfield(L, 1, key) != LUA_TNIL) {
        value = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
        if (!(value >= least && value <= most)) {
            const char *accepted = lua_pushfstring(L, "seconds from %f to %f", least, most);
            lua_insert(L, -2);
            raise_option(L, key, accepted);
        }
    }
    lua_pop(L, 1);
    return (int64_t)(value * ns_per_s + 0.5);
}

static bool opt_boolean(lua_State *L, const char *key)
{
    int type = lua_getfield(L, 1, key);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        raise_option(L, key, "true or false");
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* The string stays alive in the options table; NULL if absent. */
static const char *opt_string(lua_State *L, const char *key)
{
    const char *value = NULL;

    if (lua_getfield(L, 1, key) != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING)
            raise_option(L, key, "a string");
        value = lua_tostring(L, -1);
    }
    lua_pop(L, 1);
    return value;
}

static enum wire_protocol opt_protocol(lua_State *L)
{
    static const char *const names[] = {
        [WIRE_ICMP] = "icmp", [WIRE_UDP] = "udp", [WIRE_TCP] = "tcp"
    };
    const char *name = opt_string(L, "protocol");

    for (int i = 0; i < WIRE_PROTOCOL_COUNT; i++)
        if (name == NULL || strcmp(name, names[i]) == 0)
            return (enum wire_protocol)i;
    luaL_error(L, "option 'protocol' is %s: icmp, udp or tcp expected", name);
    return WIRE_ICMP;
}

static void refuse_unknown(lua_State *L)
{
    static const char *const known[] = { "target",   "protocol",   "port",    "source_port",
                                         "packets",  "interval",   "timeout", "first_hop",
                                         "max_hops", "max_silent", "size",    "tos",
                                         "source",   "interface",  "events" };

    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "(not a string)";
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(key, known[i]) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            luaL_error(L, "unknown option '%s'", key);
    }
}

/* Everything that can raise; addresses are the world's and are read later. */
static void check_request(lua_State *L, struct prober_request *request)
{
    struct trace_config *trace = &request->trace;
    struct wire_spec *spec = &trace->spec;

    luaL_checktype(L, 1, LUA_TTABLE);
    refuse_unknown(L);
    spec->protocol = opt_protocol(L);
    bool icmp = spec->protocol == WIRE_ICMP;
    spec->target_port = (uint16_t)opt_integer(L, "port", 1, 65535, 0);
    spec->source_port = (uint16_t)opt_integer(L, "source_port", 1, 65535, 0);
    if (icmp && (spec->target_port != 0 || spec->source_port != 0))
        luaL_error(L, "options 'port' and 'source_port' do not go with protocol icmp");
    spec->tos = (uint8_t)opt_integer(L, "tos", 0, 255, 0);
    trace->packets = (uint32_t)opt_integer(L, "packets", 1, 100000, 10);
    trace->interval_ns = opt_seconds(L, "interval", 0.001, 3600, 0);
    trace->timeout_ns = opt_seconds(L, "timeout", 0.001, 3600, 5);
    trace->first_hop = (uint8_t)opt_integer(L, "first_hop", 1, 255, 1);
    trace->max_hops = (uint8_t)opt_integer(L, "max_hops", 1, 255, 30);
    trace->max_silent = (uint8_t)opt_integer(L, "max_silent", 1, 255, 5);
    if (trace->first_hop > trace->max_hops)
        luaL_error(L, "option 'first_hop' is %d: at most max_hops (%d) expected", trace->first_hop,
                   trace->max_hops);
    spec->size = (uint16_t)opt_integer(L, "size", 1, 65535, 0);
    request->keep_events = opt_boolean(L, "events");
}

static int read_address(const char *key, const char *text, struct ipaddr *address, char *zone,
                        size_t zone_size, struct err *err)
{
    char bare[IPADDR_TEXT];
    const char *percent = strchr(text, '%');
    size_t length = percent != NULL ? (size_t)(percent - text) : strlen(text);

    if (percent != NULL && zone_size > 0) {
        strncpy(zone, percent + 1, zone_size - 1);
        zone[zone_size - 1] = '\0';
    }
    if (length < sizeof bare) {
        memcpy(bare, text, length);
        bare[length] = '\0';
        if (ipaddr_from_text(address, bare) == 0)
            return 0;
    }
    return err_set(err, ERR_BADADDRESS, "%s '%s' is not an IPv4 or IPv6 address", key, text);
}

static int read_addresses(lua_State *L, struct prober_request *request, struct err *err)
{
    struct wire_spec *spec = &request->trace.spec;
    const char *target = opt_string(L, "target"), *source = opt_string(L, "source");
    const char *device = opt_string(L, "interface");
    char zone[IF_NAMESIZE] = "";

    if (target == NULL)
        return luaL_error(L, "option 'target' is missing: an IPv4 or IPv6 address expected");
    if (read_address("target", target, &spec->target, zone, sizeof zone, err) < 0)
        return -1;
    if (zone[0] != '\0') {
        request->scope = if_nametoindex(zone);
        if (request->scope == 0)
            return err_set(err, ERR_NODEVICE, "no such interface: %s (the zone of %s)", zone,
                           target);
    }
    if (source != NULL) {
        if (read_address("source", source, &request->source, NULL, 0, err) < 0)
            return -1;
        if (request->source.version != spec->target.version)
            return err_set(err, ERR_BADADDRESS, "source %s and target %s are of different families",
                           source, target);
    }
    if (device != NULL) {
        if (strlen(device) >= sizeof request->device || if_nametoindex(device) == 0)
            return err_set(err, ERR_NODEVICE, "no such interface: %s", device);
        memcpy(request->device, device, strlen(device) + 1);
    }
    uint16_t least = wire_size_min(spec->protocol, spec->target.version);
    if (spec->size != 0 && spec->size < least)
        return err_set(err, ERR_BADSIZE, "size %u is too small: at least %u expected", spec->size,
                       least);
    return 0;
}

/* ---- the prober, one per process ----------------------------------------------------------- */

static int prober_gc(lua_State *L)
{
    struct prober_ud *u = luaL_checkudata(L, 1, PROBER_MT);
    prober_close(u->prober);
    u->prober = NULL;
    return 0;
}

static const char prober_key = 0;

/* Pushes the prober's userdata, opened at its first use; false with *err set if it cannot be. */
static bool push_prober(lua_State *L, struct err *err)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &prober_key) == LUA_TUSERDATA)
        return true;
    lua_pop(L, 1);
    struct prober_ud *u = lua_newuserdata(L, sizeof *u);
    u->prober = NULL;
    luaL_setmetatable(L, PROBER_MT);
    u->prober = prober_open(err);
    if (u->prober == NULL)
        return false;
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &prober_key);
    return true;
}

/* ---- traces -------------------------------------------------------------------------------- */

static struct trace_ud *check_trace(lua_State *L)
{
    struct trace_ud *u = luaL_checkudata(L, 1, TRACE_MT);
    luaL_argcheck(L, u->job != NULL, 1, "trace is closed");
    return u;
}

static int l_trace(lua_State *L)
{
    struct prober_request request = { 0 };
    struct err err = { 0 };

    lua_settop(L, 1);
    check_request(L, &request);
    if (read_addresses(L, &request, &err) < 0)
        return push_err(L, &err);
    struct trace_ud *u = lua_newuserdata(L, sizeof *u);
    *u = (struct trace_ud){ 0 };
    luaL_setmetatable(L, TRACE_MT);
    if (!push_prober(L, &err))
        return push_err(L, &err);
    u->owner = lua_touserdata(L, -1);
    lua_setuservalue(L, -2);
    u->job = prober_add(u->owner->prober, &request, &err);
    if (u->job == NULL)
        return push_err(L, &err);
    return 1;
}

static int trace_close(lua_State *L)
{
    struct trace_ud *u = luaL_checkudata(L, 1, TRACE_MT);
    if (u->job != NULL && u->owner->prober != NULL)
        prober_remove(u->owner->prober, u->job);
    u->job = NULL;
    return 0;
}

static int trace_is_done(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    lua_pushboolean(L, prober_done(u->owner->prober, u->job));
    return 1;
}

static int trace_wait(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    double seconds = luaL_optnumber(L, 2, wait_max_s);

    luaL_argcheck(L, seconds >= 0, 2, "seconds from 0 expected");
    if (seconds > wait_max_s)
        seconds = wait_max_s;
    lua_pushboolean(L, prober_wait(u->owner->prober, u->job, (int64_t)(seconds * ns_per_s)));
    return 1;
}

static int trace_result(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    struct prober_report *report = lresult_new(L);
    struct err err = { 0 };

    if (prober_read(u->owner->prober, u->job, report, &err) < 0)
        return push_err(L, &err);
    lresult_push(L, report);
    return 1;
}

/* Events since the last call, and how many were dropped because nobody read them. */
static int trace_events(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    struct events *queue = levents_new(L);
    struct wire_spec spec;

    prober_events(u->owner->prober, u->job, queue, &spec);
    levents_push(L, queue, &spec);
    lua_pushinteger(L, (lua_Integer)queue->dropped);
    return 2;
}

static int trace_tostring(lua_State *L)
{
    struct trace_ud *u = luaL_checkudata(L, 1, TRACE_MT);
    lua_pushfstring(L, u->job != NULL ? "trace (%p)" : "trace (closed)", (void *)u);
    return 1;
}

/* ---- the prober in a loop of the caller's --------------------------------------------------- */

static struct prober *check_prober(lua_State *L)
{
    struct prober_ud *u = luaL_checkudata(L, 1, PROBER_MT);
    luaL_argcheck(L, u->prober != NULL, 1, "prober is closed");
    return u->prober;
}

static int l_prober(lua_State *L)
{
    struct err err = { 0 };
    return push_prober(L, &err) ? 1 : push_err(L, &err);
}

static int prober_get_fd(lua_State *L)
{
    struct err err = { 0 };
    int fd = prober_fd(check_prober(L), &err);

    if (fd < 0)
        return push_err(L, &err);
    lua_pushinteger(L, fd);
    return 1;
}

static int prober_do_clear(lua_State *L)
{
    prober_clear(check_prober(L));
    return 0;
}

static const double lease_half_s = PROBER_LEASE_MS / 2e3;

/* Seconds within which every trace has to be asked about, or it stops sending. */
static int prober_timeout(lua_State *L)
{
    check_prober(L);
    lua_pushnumber(L, lease_half_s);
    return 1;
}

static int prober_do_wait(lua_State *L)
{
    struct prober *prober = check_prober(L);
    double seconds = luaL_optnumber(L, 2, lease_half_s);

    luaL_argcheck(L, seconds >= 0 && seconds <= wait_max_s, 2, "seconds from 0 expected");
    lua_pushboolean(L, prober_wait_news(prober, (int64_t)(seconds * ns_per_s)));
    return 1;
}

/* ---- interfaces ---------------------------------------------------------------------------- */

/* The kernel's answers fit here; more interfaces than this are left out. */
enum { INTERFACES_MAX = 256 };

struct interface_copy {
    char name[IF_NAMESIZE], address[64];
    unsigned mtu;
    bool up, loopback;
};

struct interface_list {
    size_t count;
    struct interface_copy entries[INTERFACES_MAX];
};

static int copy_interface(void *context, const struct egress_interface *entry)
{
    struct interface_list *list = context;
    if (list->count == INTERFACES_MAX)
        return 1;
    struct interface_copy *copy = &list->entries[list->count++];

    strncpy(copy->name, entry->name, sizeof copy->name - 1);
    strncpy(copy->address, entry->address, sizeof copy->address - 1);
    copy->mtu = entry->mtu;
    copy->up = entry->up;
    copy->loopback = entry->loopback;
    return 0;
}

/* Copies first, so that no handle is open while Lua may jump away. */
static int l_interfaces(lua_State *L)
{
    struct interface_list *list = lua_newuserdata(L, sizeof *list);

    memset(list, 0, sizeof *list);
    egress_interfaces(copy_interface, list);
    lua_createtable(L, (int)list->count, 0);
    for (size_t i = 0; i < list->count; i++) {
        const struct interface_copy *entry = &list->entries[i];
        lua_createtable(L, 0, 5);
        lset_string(L, "name", entry->name);
        lset_integer(L, "mtu", entry->mtu);
        lset_boolean(L, "up", entry->up);
        lset_boolean(L, "loopback", entry->loopback);
        if (entry->address[0] != '\0')
            lset_string(L, "address", entry->address);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- the module ---------------------------------------------------------------------------- */

static const luaL_Reg prober_meta[] = { { "__gc", prober_gc }, { NULL, NULL } };

static const luaL_Reg prober_methods[] = { { "fd", prober_get_fd },
                                           { "clear", prober_do_clear },
                                           { "timeout", prober_timeout },
                                           { "wait", prober_do_wait },
                                           { NULL, NULL } };

static const luaL_Reg trace_meta[] = { { "__gc", trace_close },
                                       { "__tostring", trace_tostring },
                                       { NULL, NULL } };

static const luaL_Reg trace_methods[] = { { "done", trace_is_done },  { "wait", trace_wait },
                                          { "result", trace_result }, { "events", trace_events },
                                          { "close", trace_close },   { NULL, NULL } };

static const luaL_Reg functions[] = { { "trace", l_trace },
                                      { "interfaces", l_interfaces },
                                      { "replay", lreplay_new },
                                      { "prober", l_prober },
                                      { NULL, NULL } };

__attribute__((visibility("default"))) int luaopen_mtrtrace_core(lua_State *L);

int luaopen_mtrtrace_core(lua_State *L)
{
    luaL_checkversion(L);
    lresult_register(L);
    levents_register(L);
    lreplay_register(L);
    luaL_newmetatable(L, PROBER_MT);
    luaL_setfuncs(L, prober_meta, 0);
    luaL_newlib(L, prober_methods);
    lua_setfield(L, -2, "__index");
    luaL_newmetatable(L, TRACE_MT);
    luaL_setfuncs(L, trace_meta, 0);
    luaL_newlib(L, trace_methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    lua_pushliteral(L, VERSION);
    lua_setfield(L, -2, "version");
    return 1;
}

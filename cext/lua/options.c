/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/options.h"

#include "base/units.h"

#include <lauxlib.h>
#include <string.h>

static int raise_option(lua_State *L, const char *key, const char *accepted)
{
    const char *value = luaL_tolstring(L, -1, NULL);
    return luaL_error(L, "option '%s' is %s: %s expected", key, value, accepted);
}

lua_Integer lopt_integer(lua_State *L, const char *key, lua_Integer least, lua_Integer most,
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

int64_t lopt_seconds(lua_State *L, const char *key, double least, double most, double absent)
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
    return (int64_t)(value * NS_PER_S + 0.5);
}

bool lopt_boolean(lua_State *L, const char *key)
{
    int type = lua_getfield(L, 1, key);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        raise_option(L, key, "true or false");
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

const char *lopt_string(lua_State *L, const char *key)
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

/* Pushes "a, b or c". */
static const char *push_list(lua_State *L, const char *const *names)
{
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    for (int i = 0; names[i] != NULL; i++) {
        if (i > 0)
            luaL_addstring(&text, names[i + 1] != NULL ? ", " : " or ");
        luaL_addstring(&text, names[i]);
    }
    luaL_pushresult(&text);
    return lua_tostring(L, -1);
}

int lopt_choice(lua_State *L, const char *key, const char *const *names)
{
    const char *name = lopt_string(L, key);
    int i = 0;

    if (name == NULL)
        return 0;
    while (names[i] != NULL && strcmp(name, names[i]) != 0)
        i++;
    if (names[i] == NULL)
        luaL_error(L, "option '%s' is %s: %s expected", key, name, push_list(L, names));
    return i;
}

void lopt_refuse_unknown(lua_State *L, const char *const *known, size_t count)
{
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "(not a string)";
        size_t i = 0;
        while (i < count && strcmp(key, known[i]) != 0)
            i++;
        if (i == count)
            luaL_error(L, "unknown option '%s'", key);
    }
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

uint32_t lopt_mark(lua_State *L)
{
    return (uint32_t)lopt_integer(L, "mark", 0, UINT32_MAX, 0);
}

static int refuse_misfit(const char *key, const char *text, const struct ipaddr *address,
                         struct err *err)
{
    const char *what = ipaddr_misfit(address);

    if (what == NULL)
        return 0;
    return err_set(err, ERR_BADADDRESS,
                   "%s %s is %s: the IPv4 or IPv6 address of one host expected", key, text, what);
}

int lopt_destination(struct lopt_destination *destination, const char *key, const char *target,
                     const char *source, const char *device, struct err *err)
{
    char zone[IF_NAMESIZE] = "";

    if (read_address(key, target, &destination->target, zone, sizeof zone, err) < 0)
        return -1;
    destination->mapped = ipaddr_unmap(&destination->target);
    if (refuse_misfit(key, target, &destination->target, err) < 0)
        return -1;
    if (zone[0] != '\0') {
        destination->scope = if_nametoindex(zone);
        if (destination->scope == 0)
            return err_set(err, ERR_NODEVICE, "no such interface: %s (the zone of %s)", zone,
                           target);
    }
    if (source != NULL) {
        if (read_address("source", source, &destination->source, NULL, 0, err) < 0)
            return -1;
        ipaddr_unmap(&destination->source);
        if (refuse_misfit("source", source, &destination->source, err) < 0)
            return -1;
        if (destination->source.version != destination->target.version)
            return err_set(err, ERR_BADADDRESS, "source %s and %s %s are of different families",
                           source, key, target);
        destination->binding.source = true;
    }
    if (device != NULL) {
        if (strlen(device) >= sizeof destination->binding.device || if_nametoindex(device) == 0)
            return err_set(err, ERR_NODEVICE, "no such interface: %s", device);
        memcpy(destination->binding.device, device, strlen(device) + 1);
    }
    return 0;
}

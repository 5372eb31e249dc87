/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua module mtrtrace.mmdb: values out of databases in MaxMind's format, by
   libmaxminddb. A module of its own, because the library is optional. Opens
   files and nothing else; a damaged one has no values. */
#include <lauxlib.h>
#include <lua.h>
#include <maxminddb.h>
#include <stdbool.h>
#include <string.h>

#define DB_MT "mtrtrace.mmdb"

enum { LONGEST_PATH = 8 };

struct db_ud {
    MMDB_s mmdb;
    bool open;
};

static struct db_ud *check_db(lua_State *L)
{
    struct db_ud *u = luaL_checkudata(L, 1, DB_MT);
    luaL_argcheck(L, u->open, 1, "database is closed");
    return u;
}

static int db_close(lua_State *L)
{
    struct db_ud *u = luaL_checkudata(L, 1, DB_MT);
    if (u->open)
        MMDB_close(&u->mmdb);
    u->open = false;
    return 0;
}

static int l_open(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct db_ud *u = lua_newuserdata(L, sizeof *u);
    u->open = false;
    luaL_setmetatable(L, DB_MT);
    int status = MMDB_open(path, MMDB_MODE_MMAP, &u->mmdb);
    if (status != MMDB_SUCCESS) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", path, MMDB_strerror(status));
        return 2;
    }
    u->open = true;
    return 1;
}

/* Pushes the value; nil for a kind that nobody asks for. */
static void push_value(lua_State *L, const MMDB_entry_data_s *data)
{
    switch (data->type) {
    case MMDB_DATA_TYPE_UTF8_STRING:
        lua_pushlstring(L, data->utf8_string, data->data_size);
        break;
    case MMDB_DATA_TYPE_DOUBLE:
        lua_pushnumber(L, data->double_value);
        break;
    case MMDB_DATA_TYPE_FLOAT:
        lua_pushnumber(L, (lua_Number)data->float_value);
        break;
    case MMDB_DATA_TYPE_UINT16:
        lua_pushinteger(L, data->uint16);
        break;
    case MMDB_DATA_TYPE_UINT32:
        lua_pushinteger(L, data->uint32);
        break;
    default:
        lua_pushnil(L);
    }
}

/* Prefix length in the address's own family: an IPv4 address is searched for
   below ::/96 where the tree is one of IPv6, and may be found above that. */
static int own_length(const MMDB_s *mmdb, const char *address, int netmask)
{
    bool deep = mmdb->metadata.ip_version == 6 && strchr(address, ':') == NULL;
    int length = deep ? netmask - 96 : netmask;
    return length < 0 ? 0 : length;
}

static int db_get(lua_State *L)
{
    struct db_ud *u = check_db(L);
    const char *address = luaL_checkstring(L, 2);
    const char *path[LONGEST_PATH + 1] = { NULL };
    int count = lua_gettop(L) - 2;
    luaL_argcheck(L, count > 0 && count <= LONGEST_PATH, 3, "1 to 8 keys expected");
    for (int i = 0; i < count; i++)
        path[i] = luaL_checkstring(L, i + 3);

    int no_address = 0, status = MMDB_SUCCESS;
    MMDB_lookup_result_s found = MMDB_lookup_string(&u->mmdb, address, &no_address, &status);
    MMDB_entry_data_s data = { 0 };
    if (no_address == 0 && status == MMDB_SUCCESS && found.found_entry)
        status = MMDB_aget_value(&found.entry, &data, path);
    if (no_address != 0 || status != MMDB_SUCCESS || !data.has_data) {
        lua_pushnil(L);
        return 1;
    }
    push_value(L, &data);
    lua_pushinteger(L, own_length(&u->mmdb, address, found.netmask));
    return 2;
}

static const luaL_Reg meta[] = { { "__gc", db_close }, { NULL, NULL } };

static const luaL_Reg methods[] = { { "get", db_get }, { "close", db_close }, { NULL, NULL } };

static const luaL_Reg functions[] = { { "open", l_open }, { NULL, NULL } };

__attribute__((visibility("default"))) int luaopen_mtrtrace_mmdb(lua_State *L);

int luaopen_mtrtrace_mmdb(lua_State *L)
{
    luaL_checkversion(L);
    luaL_newmetatable(L, DB_MT);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}

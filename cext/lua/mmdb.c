/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua module mtrtrace.mmdb: values of databases in MaxMind's format.
   libmaxminddb finds the record of an address. The values in the record are
   read by base/mmdbdata.c, because the library recurses as deep as a file
   nests. A separate module, because the library is optional. The module opens
   files only; a damaged file has no values. */
#include "base/mmdbdata.h"

#include <lauxlib.h>
#include <lua.h>
#include <maxminddb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DB_MT "mtrtrace.mmdb"

enum {
    LONGEST_PATH = 8,
    /* Bounds of the search for the fields of a database. */
    NODES_MOST = 65536,
    SAMPLES_MOST = 64,
    TREE_DEPTH = 128,
    /* Values that may be read to find one value, and to find all fields. */
    STEPS = 1 << 20,
    KEYS_STEPS = 1 << 16,
    /* Deeper fields are not listed, and longer names are cut. */
    KEY_DEPTH = 4,
    KEY_SIZE = 128,
};

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

static struct mmdbdata data_of(const struct db_ud *u, uint32_t steps)
{
    return (struct mmdbdata){ u->mmdb.data_section, u->mmdb.data_section_size, steps };
}

/* Pushes the value; nil for types that no option uses. */
static void push_value(lua_State *L, const struct mmdbdata_value *value)
{
    switch (value->type) {
    case MMDBDATA_STRING:
        lua_pushlstring(L, (const char *)value->bytes, value->size);
        break;
    case MMDBDATA_DOUBLE:
    case MMDBDATA_FLOAT:
        lua_pushnumber(L, mmdbdata_number(value));
        break;
    case MMDBDATA_UINT16:
    case MMDBDATA_UINT32:
        lua_pushinteger(L, mmdbdata_integer(value));
        break;
    default:
        lua_pushnil(L);
    }
}

/* Returns the prefix length in the address's own family. An IPv6 tree has IPv4
   addresses under ::/96; a shorter prefix may contain them, too. */
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
    struct mmdbdata data = data_of(u, STEPS);
    struct mmdbdata_value value;
    if (no_address != 0 || status != MMDB_SUCCESS || !found.found_entry ||
        !mmdbdata_find(&data, found.entry.offset, path, &value)) {
        lua_pushnil(L);
        return 1;
    }
    push_value(L, &value);
    lua_pushinteger(L, own_length(&u->mmdb, address, found.netmask));
    return 2;
}

/* ---- the fields of a database --------------------------------------------- */

/* Writes the path of an item: `path`, then a map's key or an array's index. */
static bool name_item(struct mmdbdata *data, size_t *at, const struct mmdbdata_value *value,
                      uint32_t place, const char *path, char inner[KEY_SIZE])
{
    const char *dot = *path != '\0' ? "." : "";
    struct mmdbdata_value key;

    if (value->type == MMDBDATA_ARRAY) {
        snprintf(inner, KEY_SIZE, "%s%s%u", path, dot, (unsigned)place);
        return true;
    }
    if (!mmdbdata_read(data, at, &key) || key.type != MMDBDATA_STRING)
        return false;
    int length = key.size < KEY_SIZE ? (int)key.size : KEY_SIZE;
    snprintf(inner, KEY_SIZE, "%s%s%.*s", path, dot, length, (const char *)key.bytes);
    return true;
}

/* Adds the paths of a value's fields, such as "country.iso_code", to the table on top of the stack
   and moves *at past the value. Returns false if the value is damaged or no steps are left.
   Recurses KEY_DEPTH levels at most. */
static bool add_keys(lua_State *L, struct mmdbdata *data, size_t *at, const char *path, int depth)
{
    struct mmdbdata_value value;

    if (!mmdbdata_read(data, at, &value))
        return false;
    if (value.type != MMDBDATA_MAP && value.type != MMDBDATA_ARRAY) {
        if (*path != '\0') {
            lua_pushboolean(L, 1);
            lua_setfield(L, -2, path);
        }
        return true;
    }
    if (depth == KEY_DEPTH)
        return mmdbdata_leave(data, at, &value);
    size_t item = value.inner;
    for (uint32_t i = 0; i < value.size; i++) {
        char inner[KEY_SIZE];
        if (!name_item(data, &item, &value, i, path, inner) ||
            !add_keys(L, data, &item, inner, depth + 1))
            return false;
    }
    if (value.is_here)
        *at = item;
    return true;
}

/* Walks the search tree from the left until SAMPLES_MOST records were read. */
static void sample_records(lua_State *L, struct db_ud *u)
{
    uint32_t stack[TREE_DEPTH + 1] = { 0 };
    struct mmdbdata data = data_of(u, KEYS_STEPS);
    int depth = 1, samples = 0;
    for (int visited = 0; depth > 0 && visited < NODES_MOST && samples < SAMPLES_MOST; visited++) {
        MMDB_search_node_s node;
        if (MMDB_read_node(&u->mmdb, stack[--depth], &node) != MMDB_SUCCESS)
            return;
        const uint64_t records[] = { node.right_record, node.left_record };
        const uint8_t types[] = { node.right_record_type, node.left_record_type };
        const size_t offsets[] = { node.right_record_entry.offset, node.left_record_entry.offset };
        for (int i = 0; i < 2; i++) {
            if (types[i] == MMDB_RECORD_TYPE_SEARCH_NODE && depth < TREE_DEPTH) {
                stack[depth++] = (uint32_t)records[i];
            } else if (types[i] == MMDB_RECORD_TYPE_DATA) {
                size_t at = offsets[i];
                add_keys(L, &data, &at, "", 0);
                samples++;
            }
        }
    }
}

/* Returns the paths of the fields of the first records. */
static int db_keys(lua_State *L)
{
    struct db_ud *u = check_db(L);
    lua_newtable(L);
    int out = lua_gettop(L);
    lua_newtable(L);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    sample_records(L, u);
    lua_Integer count = 0;
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, out, ++count);
    }
    lua_settop(L, out);
    return 1;
}

static const luaL_Reg meta[] = { { "__gc", db_close }, { NULL, NULL } };

static const luaL_Reg methods[] = {
    { "get", db_get }, { "keys", db_keys }, { "close", db_close }, { NULL, NULL }
};

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

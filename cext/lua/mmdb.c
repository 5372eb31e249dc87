/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua module mtrtrace.mmdb: values out of databases in MaxMind's format, by
   libmaxminddb. A module of its own, because the library is optional. Opens
   files and nothing else; a damaged one has no values. */
#include <lauxlib.h>
#include <lua.h>
#include <maxminddb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DB_MT "mtrtrace.mmdb"

enum {
    LONGEST_PATH = 8,
    /* What is looked at to learn which fields a database has. */
    NODES_MOST = 65536,
    SAMPLES_MOST = 64,
    TREE_DEPTH = 128,
    /* Deeper fields, and longer names of them, are not told. */
    KEY_DEPTH = 4,
    KEY_SIZE = 128,
};

struct db_ud {
    MMDB_s mmdb;
    MMDB_entry_data_list_s *list; /* of the record that is being read; or NULL */
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
    MMDB_free_entry_data_list(u->list);
    u->list = NULL;
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
    u->list = NULL;
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

/* ---- the fields there are ------------------------------------------------- */

/* Adds the paths of a value's fields, such as "country.iso_code", to the table on top of the stack.
   Returns what follows the value. `depth` bounds the recursion: libmaxminddb refuses data that is
   nested deeper than 512. */
static MMDB_entry_data_list_s *add_keys(lua_State *L, MMDB_entry_data_list_s *at, const char *path,
                                        int depth)
{
    if (at == NULL)
        return NULL;
    uint32_t type = at->entry_data.type, count = at->entry_data.data_size;
    bool is_map = type == MMDB_DATA_TYPE_MAP;
    if (!is_map && type != MMDB_DATA_TYPE_ARRAY) {
        if (*path != '\0' && depth <= KEY_DEPTH) {
            lua_pushboolean(L, 1);
            lua_setfield(L, -2, path);
        }
        return at->next;
    }
    at = at->next;
    for (uint32_t i = 0; i < count && at != NULL; i++) {
        char inner[KEY_SIZE];
        if (is_map) {
            snprintf(inner, sizeof inner, "%s%s%.*s", path, *path ? "." : "",
                     (int)at->entry_data.data_size, at->entry_data.utf8_string);
            at = at->next;
        } else {
            snprintf(inner, sizeof inner, "%s%s%u", path, *path ? "." : "", (unsigned)i);
        }
        at = add_keys(L, at, inner, depth + 1);
    }
    return at;
}

static void add_record(lua_State *L, struct db_ud *u, MMDB_entry_s *entry)
{
    MMDB_free_entry_data_list(u->list); /* one that an error of Lua left */
    u->list = NULL;
    if (MMDB_get_entry_data_list(entry, &u->list) == MMDB_SUCCESS)
        add_keys(L, u->list, "", 0);
    MMDB_free_entry_data_list(u->list);
    u->list = NULL;
}

/* Walks the search tree from the left until some records were seen. */
static void sample_records(lua_State *L, struct db_ud *u)
{
    uint32_t stack[TREE_DEPTH + 1] = { 0 };
    int depth = 1, samples = 0;
    for (int visited = 0; depth > 0 && visited < NODES_MOST && samples < SAMPLES_MOST; visited++) {
        MMDB_search_node_s node;
        if (MMDB_read_node(&u->mmdb, stack[--depth], &node) != MMDB_SUCCESS)
            return;
        const uint64_t records[] = { node.right_record, node.left_record };
        const uint8_t types[] = { node.right_record_type, node.left_record_type };
        MMDB_entry_s *entries[] = { &node.right_record_entry, &node.left_record_entry };
        for (int i = 0; i < 2; i++) {
            if (types[i] == MMDB_RECORD_TYPE_SEARCH_NODE && depth < TREE_DEPTH) {
                stack[depth++] = (uint32_t)records[i];
            } else if (types[i] == MMDB_RECORD_TYPE_DATA) {
                add_record(L, u, entries[i]);
                samples++;
            }
        }
    }
}

/* The paths of the fields that the first records have. */
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

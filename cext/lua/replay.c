/* SPDX-License-Identifier: BSD-2-Clause */
/* Recordings come from files: every field is checked, and an event that the engine cannot have
 * emitted there is refused. */
#include "lua/replay.h"

#include "lua/events.h"
#include "lua/result.h"
#include "lua/set.h"

#define REPLAY_MT "mtrtrace.replay"

enum { TTL_MAX = 255 };

struct replay {
    struct counters *counters;
};

/* Reads the fields of an event's table and keeps the first error. */
struct reader {
    lua_State *L;
    const char *wrong; /* key of the invalid field, or NULL */
};

static int64_t get_integer(struct reader *r, const char *key, int64_t least, int64_t most,
                           int64_t absent)
{
    int is_integer = 0;
    int64_t value = absent;

    if (lua_getfield(r->L, 2, key) != LUA_TNIL) {
        if (lua_type(r->L, -1) == LUA_TNUMBER)
            value = lua_tointegerx(r->L, -1, &is_integer);
        if (!is_integer || value < least || value > most)
            r->wrong = key;
    } else if (absent < least) {
        r->wrong = key;
    }
    lua_pop(r->L, 1);
    return r->wrong == NULL ? value : least;
}

static bool get_boolean(struct reader *r, const char *key)
{
    int type = lua_getfield(r->L, 2, key);
    bool value = lua_toboolean(r->L, -1);

    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        r->wrong = key;
    lua_pop(r->L, 1);
    return value;
}

/* Returns a string that lives as long as the table; NULL if there is none. */
static const char *get_string(struct reader *r, const char *key)
{
    const char *value = NULL;

    if (lua_getfield(r->L, 2, key) == LUA_TSTRING)
        value = lua_tostring(r->L, -1);
    lua_pop(r->L, 1);
    return value;
}

static int get_name(struct reader *r, const char *key, int (*find)(const char *))
{
    const char *name = get_string(r, key);
    int found = name != NULL ? find(name) : -1;

    if (found < 0)
        r->wrong = key;
    return found < 0 ? 0 : found;
}

static int find_class(const char *name)
{
    return strcmp(name, "counted") == 0 ? PROBE_COUNTED
                                        : (strcmp(name, "test") == 0 ? PROBE_TEST : -1);
}

static void get_reply(struct reader *r, struct trace_event *event, struct wire_packet *reply)
{
    const char *from = get_string(r, "from");

    if (from == NULL || ipaddr_from_text(&reply->from, from) < 0)
        r->wrong = "from";
    reply->kind = (enum wire_kind)get_name(r, "reply", levents_reply);
    reply->type = (uint8_t)get_integer(r, "type", 0, 255, 0);
    reply->code = (uint8_t)get_integer(r, "code", 0, 255, 0);
    reply->ttl = (uint8_t)get_integer(r, "reply_ttl", 0, 255, -1);
    event->reply = reply;
    event->from_target = get_boolean(r, "target");
    event->rtt_ns = get_integer(r, "rtt_ns", -1, INT64_MAX / 4, -1);
    reply->mtu = (uint16_t)get_integer(r, "mtu", 0, UINT16_MAX, 0);
    event->was_error = get_boolean(r, "was_error");
    event->was_unreachable = get_boolean(r, "was_unreachable");
    event->late = get_boolean(r, "late");
    event->from_elsewhere = get_boolean(r, "elsewhere");
}

static bool has_reply(enum event_kind kind)
{
    return kind == EVENT_REPLY || kind == EVENT_LATE || kind == EVENT_DUPLICATE ||
           kind == EVENT_UNREACHABLE;
}

static bool is_of_a_probe(enum event_kind kind)
{
    return has_reply(kind) || kind == EVENT_SENT || kind == EVENT_TIMEOUT ||
           kind == EVENT_SEND_ERROR;
}

/* Recordings of earlier versions have no `ending`; the event then has no effect. */
static void get_end(struct reader *r, int64_t max_ttl, struct trace_event *event)
{
    if (get_string(r, "ending") == NULL)
        return;
    event->ttl = (uint8_t)get_integer(r, "ttl", 0, max_ttl, -1);
    event->ending = (enum trace_ending)get_name(r, "ending", levents_ending);
    if (event->ending == TRACE_SILENT)
        r->wrong = "ending";
}

/* Reads an event; false with r->wrong set if a field is invalid. */
static bool get_event(struct reader *r, int64_t max_ttl, struct trace_event *event,
                      struct wire_packet *reply)
{
    event->kind = (enum event_kind)get_name(r, "kind", levents_kind);
    event->at_ns = get_integer(r, "at_ns", 0, INT64_MAX / 4, -1);
    if (r->wrong != NULL)
        return false;
    if (event->kind == EVENT_UNTESTED || event->kind == EVENT_TESTED)
        event->ttl = (uint8_t)get_integer(r, "ttl", 1, max_ttl, 0);
    if (is_of_a_probe(event->kind) || event->kind == EVENT_RATE_LIMITED ||
        event->kind == EVENT_NO_TOKEN || event->kind == EVENT_SHARED_LIMIT) {
        event->ttl = (uint8_t)get_integer(r, "ttl", 1, max_ttl, 0);
        event->probe = (uint32_t)get_integer(r, "probe", 0, UINT32_MAX, -1);
        event->flow = (uint16_t)get_integer(r, "flow", 0, WIRE_FLOWS - 1, 0);
    }
    if (is_of_a_probe(event->kind)) {
        event->class = (enum probe_class)get_name(r, "class", find_class);
        event->shared = get_boolean(r, "shared");
        event->during_drops = get_boolean(r, "during_drops");
    }
    if (has_reply(event->kind))
        get_reply(r, event, reply);
    if (event->kind == EVENT_PATH_CHANGED)
        get_end(r, max_ttl, event);
    if (event->kind == EVENT_RATE_LIMITED) {
        event->rate_limit.sample_interval_ns =
            get_integer(r, "sample_interval_ns", 0, INT64_MAX / 4, -1);
        event->rate_limit.evidence.tests = (uint8_t)get_integer(r, "burst_sent", 0, 255, -1);
        event->rate_limit.evidence.burst_received =
            (uint8_t)get_integer(r, "burst_received", 0, 255, -1);
    }
    return r->wrong == NULL;
}

static bool is_counted(const struct counters_hop *hop, const struct trace_event *event)
{
    return event->class == PROBE_COUNTED && (int32_t)(event->probe - hop->first_counted) >= 0;
}

/* Returns whether the event can follow the previous ones: an outcome requires a probe in flight. */
static bool fits(const struct counters *counters, const struct trace_event *event)
{
    const struct counters_hop *hop = counters_hop_at(counters, event->ttl);
    bool after = event->kind == EVENT_LATE || (event->kind == EVENT_UNREACHABLE && event->late);

    if (event->was_error && hop->send_errors == 0)
        return false;
    if (event->was_unreachable && (event->kind != EVENT_LATE || hop->unreachable == 0))
        return false;
    if (!is_of_a_probe(event->kind) || event->kind == EVENT_SENT ||
        event->kind == EVENT_DUPLICATE || event->was_error || !is_counted(hop, event))
        return true;
    if (after && event->during_drops && !event->was_unreachable && hop->lost_during_drops == 0)
        return false;
    return after ? hop->received < hop->sent : hop->in_flight > 0;
}

static struct replay *check_replay(lua_State *L)
{
    struct replay *replay = luaL_checkudata(L, 1, REPLAY_MT);
    luaL_argcheck(L, replay->counters != NULL, 1, "replay is closed");
    return replay;
}

static int max_ttl_of(const struct replay *replay)
{
    return replay->counters->max_hops;
}

static int replay_add(lua_State *L)
{
    struct replay *replay = check_replay(L);
    struct reader r = { .L = L };
    struct trace_event event = { 0 };
    struct wire_packet reply = { 0 };

    luaL_checktype(L, 2, LUA_TTABLE);
    if (!get_event(&r, max_ttl_of(replay), &event, &reply)) {
        lua_pushnil(L);
        lua_pushfstring(L, "'%s' is missing or is not what an event has there", r.wrong);
        return 2;
    }
    if (!fits(replay->counters, &event)) {
        lua_pushnil(L);
        lua_pushliteral(L, "an outcome of a probe that was not sent");
        return 2;
    }
    counters_event(replay->counters, &event);
    lua_pushboolean(L, 1);
    return 1;
}

/* Pushes a snapshot of the replay's counters. */
static struct prober_report *push_snapshot(lua_State *L, const struct replay *replay)
{
    struct prober_report *report = lresult_new(L);

    report->counters = counters_snapshot(replay->counters);
    if (report->counters == NULL || replay->counters->out_of_memory)
        luaL_error(L, "no memory for a replay");
    return report;
}

/* Adds the replays of other flows, an array at `at`, to a report. */
static void merge_others(lua_State *L, int at, struct prober_report *into)
{
    lua_Integer count = (lua_Integer)lua_rawlen(L, at);

    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, at, i);
        struct replay *other = luaL_checkudata(L, -1, REPLAY_MT);
        luaL_argcheck(L, other->counters != NULL, at, "replay is closed");
        struct prober_report *one = push_snapshot(L, other);
        if (counters_merge(into->counters, one->counters) < 0)
            luaL_error(L, "no memory for a replay");
        lresult_fini(one);
        lua_pop(L, 2);
    }
}

static int replay_hops(lua_State *L)
{
    struct replay *replay = check_replay(L);
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);

    luaL_argcheck(L, first >= 1 && first <= TTL_MAX, 2, "a TTL from 1 expected");
    luaL_argcheck(L, last >= 0 && last <= max_ttl_of(replay), 3, "a TTL of the replay expected");
    lua_settop(L, 4);
    if (!lua_isnil(L, 4))
        luaL_checktype(L, 4, LUA_TTABLE);
    struct prober_report *report = push_snapshot(L, replay);
    if (!lua_isnil(L, 4))
        merge_others(L, 4, report);
    lresult_push_hops(L, report, (int)first, (int)last);
    lresult_fini(report);
    return 1;
}

/* Reads the end of the path from a result without hops, which may be read from a file. */
static void get_result_end(lua_State *L, int at, struct trace_summary *end)
{
    luaL_checktype(L, at, LUA_TTABLE);
    int ending = lua_getfield(L, at, "ending") == LUA_TSTRING ? levents_ending(lua_tostring(L, -1))
                                                              : TRACE_RUNNING;
    lua_getfield(L, at, "end_ttl");
    lua_Integer ttl = lua_tointeger(L, -1);
    end->ending = ending < 0 ? TRACE_RUNNING : (enum trace_ending)ending;
    end->end_ttl = (uint8_t)(ttl >= 0 && ttl <= TTL_MAX ? ttl : 0);
    lua_pop(L, 2);
}

static int replay_ends_better(lua_State *L)
{
    struct trace_summary one = { 0 }, other = { 0 };

    check_replay(L);
    get_result_end(L, 2, &one);
    get_result_end(L, 3, &other);
    lua_pushboolean(L, trace_ends_better(&one, &other));
    return 1;
}

static int replay_gc(lua_State *L)
{
    struct replay *replay = luaL_checkudata(L, 1, REPLAY_MT);
    counters_free(replay->counters);
    replay->counters = NULL;
    return 0;
}

int lreplay_new(lua_State *L)
{
    lua_Integer max_hops = luaL_optinteger(L, 1, TTL_MAX);

    luaL_argcheck(L, max_hops >= 1 && max_hops <= TTL_MAX, 1, "a TTL from 1 to 255 expected");
    struct replay *replay = lua_newuserdata(L, sizeof *replay);

    replay->counters = NULL;
    luaL_setmetatable(L, REPLAY_MT);
    replay->counters = counters_new((uint8_t)max_hops);
    if (replay->counters == NULL)
        return luaL_error(L, "no memory for a replay");
    return 1;
}

static const luaL_Reg replay_meta[] = { { "__gc", replay_gc }, { NULL, NULL } };

static const luaL_Reg replay_methods[] = { { "add", replay_add },
                                           { "hops", replay_hops },
                                           { "ends_better", replay_ends_better },
                                           { "close", replay_gc },
                                           { NULL, NULL } };

void lreplay_register(lua_State *L)
{
    luaL_newmetatable(L, REPLAY_MT);
    luaL_setfuncs(L, replay_meta, 0);
    luaL_newlib(L, replay_methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

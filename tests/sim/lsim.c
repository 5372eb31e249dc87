/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua module mtrsim, for tests: the pure engine, stepped by hand. The caller gives time,
 * packets and everything that is random, so a run repeats. No prober or socket is in it. */
#include "lsim.h"

#include "base/units.h"
#include "discovery/fingerprint.h"
#include "engine/budget.h"
#include "lua/replies.h"
#include "lua/events.h"
#include "lua/result.h"
#include "lua/set.h"
#include "results/counters.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#define PACE_MT "mtrsim.pace"
#define TRACE_MT "mtrsim.trace"
#define FINGERPRINT_MT "mtrsim.fingerprint"

struct pace_ud {
    struct pace *pace;
    struct budget budget;
};

struct sim_event {
    struct trace_event event;
    struct wire_packet reply;
    bool has_reply;
};

struct trace_ud {
    struct trace *trace; /* its pace is our user value, which outlives us */
    struct counters *counters;
    struct evidence *evidence;
    const struct evidence_capture *capture; /* what is being read, else NULL */
    bool own_only;                          /* without what other traces measured */
    bool recording, broken;                 /* broken: an event found no memory */
    size_t count, capacity;
    struct sim_event *events;
    uint8_t *packet;
};

/* ---- options ------------------------------------------------------------------------------- */

lua_Integer lsim_integer(lua_State *L, const char *key, lua_Integer least, lua_Integer most,
                         lua_Integer absent)
{
    lua_Integer value = absent;
    if (lua_getfield(L, 2, key) != LUA_TNIL) {
        value = luaL_checkinteger(L, -1);
        if (value < least || value > most)
            luaL_error(L, "option '%s' is %I", key, (LUAI_UACINT)value);
    }
    lua_pop(L, 1);
    return value;
}

static bool opt_boolean(lua_State *L, const char *key)
{
    lua_getfield(L, 2, key);
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static int64_t opt_seconds(lua_State *L, const char *key, double absent)
{
    double value = absent;
    if (lua_getfield(L, 2, key) != LUA_TNIL)
        value = luaL_checknumber(L, -1);
    lua_pop(L, 1);
    return (int64_t)(value * 1e9 + 0.5);
}

static struct ipaddr opt_address(lua_State *L, const char *key)
{
    struct ipaddr address;
    lua_getfield(L, 2, key);
    const char *text = lua_tostring(L, -1);
    if (text == NULL || ipaddr_from_text(&address, text) < 0)
        luaL_error(L, "option '%s' is no address", key);
    lua_pop(L, 1);
    return address;
}

static void refuse_unknown(lua_State *L)
{
    static const char *const known[] = {
        "target",   "source",  "protocol",  "port",        "source_port", "packets",
        "interval", "timeout", "first_hop", "max_hops",    "max_silent",  "size",
        "tos",      "ident",   "cookie",    "first_index", "tcp_base",    "now_ns",
        "events",   "flow",    "own_only",  "link_mtu",    "confidence",  "hold",
        "surveyed", "figures", "known_hop", "udp_payload", "ecn",         "shared_age"
    };

    luaL_checktype(L, 2, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 2) != 0; lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "(not a string)";
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(key, known[i]) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            luaL_error(L, "unknown option '%s'", key);
    }
}

/* All that only the probes tell comes from one number of the simulation's. */
static uint64_t opt_secret(lua_State *L)
{
    uint64_t secret = (uint64_t)lsim_integer(L, "cookie", 1, UINT32_MAX, 0x6d747231);
    return secret * UINT64_C(0x9e3779b97f4a7c15);
}

static int opt_choice(lua_State *L, const char *key, const char *absent, const char *const *names)
{
    lua_getfield(L, 2, key);
    int choice = luaL_checkoption(L, -1, absent, names);
    lua_pop(L, 1);
    return choice;
}

static void read_spec(lua_State *L, struct wire_spec *spec)
{
    static const char *const names[] = { "icmp", "udp", "tcp", NULL };
    static const char *const payloads[] = { "plain", "dns", "quic", "ntp", "stun", "snmp", NULL };
    static const char *const ecn[] = { "no", "yes", "accecn", NULL };
    static const uint16_t ports[] = { 0, WIRE_PORT_UDP, WIRE_PORT_TCP };

    spec->protocol = (enum wire_protocol)opt_choice(L, "protocol", "icmp", names);
    spec->target = opt_address(L, "target");
    spec->source = opt_address(L, "source");
    if (spec->target.version != spec->source.version)
        luaL_error(L, "source and target are of different families");
    spec->payload = (enum wire_payload)opt_choice(L, "udp_payload", "plain", payloads);
    spec->ecn = (enum wire_ecn)opt_choice(L, "ecn", "no", ecn);
    uint16_t least = wire_size_least(spec);
    uint16_t usual = wire_size_usual(spec);
    bool icmp = spec->protocol == WIRE_ICMP;
    spec->target_port = (uint16_t)lsim_integer(
        L, "port", 0, 65535,
        spec->payload != PAYLOAD_PLAIN ? payload_port(spec->payload) : ports[spec->protocol]);
    spec->source_port =
        (uint16_t)lsim_integer(L, "source_port", 0, 65535, icmp ? 0 : WIRE_SOURCE_PORT);
    int64_t size = lsim_integer(L, "size", -WIRE_PACKET_MAX, WIRE_PACKET_MAX, usual);
    spec->random_size = size < 0;
    spec->size = (uint16_t)(size < 0 ? -size : size);
    if (spec->size < least)
        luaL_error(L, "option 'size' is below %d", (int)least);
    spec->tos = (uint8_t)lsim_integer(L, "tos", 0, 255, 0);
    spec->ident = (uint16_t)lsim_integer(L, "ident", 0, 65535, 0x4d54);
    spec->first_index = (uint16_t)lsim_integer(L, "first_index", 0, 65535, 1000);
    spec->key = opt_secret(L);
    spec->cookie = (uint16_t)(spec->key >> 48);
    spec->tcp_base = (uint32_t)lsim_integer(L, "tcp_base", 0, UINT32_MAX, 0x10000000);
}

int64_t lsim_now(lua_State *L)
{
    return lsim_integer(L, "now_ns", 0, INT64_MAX, 0);
}

void lsim_config(lua_State *L, struct trace_config *config)
{
    refuse_unknown(L);
    read_spec(L, &config->spec);
    config->packets = (uint32_t)lsim_integer(L, "packets", 1, 100000, PACKETS_USUAL);
    config->interval_ns = opt_seconds(L, "interval", 0);
    config->timeout_ns = opt_seconds(L, "timeout", 0);
    config->timeout_given = config->timeout_ns != 0;
    if (!config->timeout_given)
        config->timeout_ns = INT64_C(5000000000);
    config->first_hop = (uint8_t)lsim_integer(L, "first_hop", 1, 255, 1);
    config->max_hops = (uint8_t)lsim_integer(L, "max_hops", config->first_hop, 255, 30);
    config->max_silent = (uint8_t)lsim_integer(L, "max_silent", 1, 255, 5);
    config->known_hop = (uint8_t)lsim_integer(L, "known_hop", 0, 255, 0);
    config->no_tests = opt_boolean(L, "surveyed");
    config->shared_age_ns = opt_seconds(L, "shared_age", 0);
    config->flow = (uint16_t)lsim_integer(L, "flow", 0, WIRE_FLOWS - 1, 0);
}

/* ---- a trace ------------------------------------------------------------------------------- */

static void record(struct trace_ud *u, const struct trace_event *event)
{
    if (u->count == u->capacity) {
        size_t capacity = u->capacity == 0 ? 256 : u->capacity * 2;
        struct sim_event *more = realloc(u->events, capacity * sizeof *more);
        if (more == NULL) {
            u->broken = true;
            return;
        }
        u->events = more;
        u->capacity = capacity;
    }
    struct sim_event *e = &u->events[u->count++];
    *e = (struct sim_event){ .event = *event, .has_reply = event->reply != NULL };
    if (event->reply != NULL)
        e->reply = *event->reply;
    e->event.reply = NULL;
}

static void on_event(void *context, const struct trace_event *event)
{
    struct trace_ud *u = context;
    if (u->own_only && event->shared)
        return;
    counters_event(u->counters, event);
    evidence_event(u->evidence, &trace_config(u->trace)->spec, event, u->capture);
    if (u->recording)
        record(u, event);
}

static int pace_trace(lua_State *L)
{
    struct pace_ud *p = luaL_checkudata(L, 1, PACE_MT);
    struct trace_config config = { 0 };
    struct err err = { 0 };

    lsim_config(L, &config);
    config.budget = &p->budget;
    int64_t now_ns = lsim_now(L);
    struct trace_ud *u = lua_newuserdata(L, sizeof *u);
    *u = (struct trace_ud){ 0 };
    luaL_setmetatable(L, TRACE_MT);
    lua_pushvalue(L, 1);
    lua_setuservalue(L, -2);
    u->recording = opt_boolean(L, "events");
    u->own_only = opt_boolean(L, "own_only");
    u->packet = malloc(config.spec.size);
    u->counters = counters_new(config.max_hops);
    u->evidence = evidence_new(config.max_hops);
    if (u->evidence != NULL)
        u->evidence->extensions_only = opt_boolean(L, "figures");
    u->trace = trace_new(&config, p->pace, now_ns, on_event, u, &err);
    if (u->packet == NULL || u->counters == NULL || u->evidence == NULL || u->trace == NULL)
        return luaL_error(L, "no memory for a trace");
    return 1;
}

struct budget *lsim_budget(lua_State *L)
{
    struct pace_ud *p = luaL_checkudata(L, 1, PACE_MT);
    return &p->budget;
}

uint64_t lsim_serial(lua_State *L)
{
    const struct pace_ud *p = luaL_checkudata(L, 1, PACE_MT);
    return pace_serial(p->pace);
}

static struct trace_ud *check_trace(lua_State *L)
{
    struct trace_ud *u = luaL_checkudata(L, 1, TRACE_MT);
    luaL_argcheck(L, u->trace != NULL, 1, "trace is closed");
    return u;
}

static int trace_close(lua_State *L)
{
    struct trace_ud *u = luaL_checkudata(L, 1, TRACE_MT);
    trace_free(u->trace);
    counters_free(u->counters);
    evidence_free(u->evidence);
    free(u->events);
    free(u->packet);
    *u = (struct trace_ud){ 0 };
    return 0;
}

static int sim_next(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    const struct wire_spec *spec = &trace_config(u->trace)->spec;
    struct wire_probe probe;

    if (!trace_next(u->trace, luaL_checkinteger(L, 2), (uint64_t)luaL_optinteger(L, 3, 0), &probe))
        return 0;
    size_t length = wire_build(spec, &probe, u->packet);
    lua_pushlstring(L, (const char *)u->packet, length);
    lua_pushinteger(L, probe.number);
    lua_pushinteger(L, probe.ttl);
    return 3;
}

/* expire and next in one, as the driver calls them for every packet: a probe as next gives it, or
 * nil and when the next turn is due, nothing once the trace is done. */
static int sim_turn(lua_State *L)
{
    struct trace_ud *u = check_trace(L);

    trace_expire(u->trace, luaL_checkinteger(L, 2), (uint64_t)luaL_optinteger(L, 3, 0));
    int results = sim_next(L);
    if (results > 0 || trace_done(u->trace))
        return results;
    lua_pushnil(L);
    lua_pushinteger(L, trace_due(u->trace));
    return 2;
}

/* The arguments bytes, stamp_ns, epoch, link, now_ns from stack index 2 on; false if it is no
 * packet. */
static bool read_capture(lua_State *L, struct wire_packet *packet, struct trace_stamp *stamp)
{
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);

    *stamp = (struct trace_stamp){
        .ns = luaL_checkinteger(L, 3),
        .epoch = (uint32_t)luaL_optinteger(L, 4, 0),
        .link = (uint32_t)luaL_optinteger(L, 5, 1),
        .seen_ns = luaL_optinteger(L, 6, 0),
    };
    return wire_parse((const uint8_t *)bytes, length, packet) == WIRE_OK;
}

static int sim_seen(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    struct wire_packet packet;
    struct trace_stamp stamp;

    bool ours = read_capture(L, &packet, &stamp) && packet.kind == WIRE_PROBE &&
                trace_seen(u->trace, &packet, stamp) != 0;
    lua_pushboolean(L, ours);
    return 1;
}

static int sim_reply(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    int64_t now_ns = luaL_checkinteger(L, 6);
    struct wire_packet packet;
    struct trace_stamp stamp;

    const struct evidence_capture capture = { (const uint8_t *)luaL_checkstring(L, 2), now_ns };
    u->capture = &capture;
    bool ours = read_capture(L, &packet, &stamp) && packet.kind != WIRE_PROBE &&
                trace_reply(u->trace, &packet, stamp, now_ns);
    u->capture = NULL;
    lua_pushboolean(L, ours);
    return 1;
}

static int sim_failed(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    trace_send_failed(u->trace, (uint32_t)luaL_checkinteger(L, 2), (int)luaL_checkinteger(L, 3),
                      luaL_checkinteger(L, 4));
    return 0;
}

static int sim_expire(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    trace_expire(u->trace, luaL_checkinteger(L, 2), (uint64_t)luaL_optinteger(L, 3, 0));
    return 0;
}

static int sim_due(lua_State *L)
{
    lua_pushinteger(L, trace_due(check_trace(L)->trace));
    return 1;
}

static int sim_done(lua_State *L)
{
    lua_pushboolean(L, trace_done(check_trace(L)->trace));
    return 1;
}

/* Pushes it as a userdata. */
static struct prober_report *read_report(lua_State *L, struct trace_ud *u)
{
    struct prober_report *report = lresult_new(L);
    const struct trace_config *config = trace_config(u->trace);

    report->spec = config->spec;
    report->packets = config->packets;
    report->flow = config->flow;
    report->first_hop = config->first_hop;
    report->done = trace_done(u->trace);
    trace_summary(u->trace, &report->summary);
    report->counters = counters_snapshot(u->counters);
    report->evidence = evidence_snapshot(u->evidence);
    if (report->evidence == NULL || report->counters == NULL || report->counters->out_of_memory)
        luaL_error(L, "no memory for a result");
    return report;
}

static int sim_result(lua_State *L)
{
    lresult_push(L, read_report(L, check_trace(L)));
    return 1;
}

/* merge{ trace, ... }: as core.merge */
static int l_merge(lua_State *L)
{
    struct prober_report *all = NULL;
    struct err err = { 0 };

    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 1); i++) {
        lua_rawgeti(L, 1, i);
        struct prober_report *one = read_report(L, luaL_checkudata(L, -1, TRACE_MT));
        if (all != NULL && prober_report_merge(all, one, &err) < 0)
            return luaL_error(L, "%s", err.text);
        all = all != NULL ? all : one;
    }
    luaL_argcheck(L, all != NULL, 1, "at least one trace expected");
    lresult_push(L, all);
    return 1;
}

/* ---- events -------------------------------------------------------------------------------- */

static void set_true(lua_State *L, const char *key, bool value)
{
    if (!value)
        return;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, key);
}

static void set_reply(lua_State *L, const struct wire_packet *reply)
{
    char text[IPADDR_TEXT];
    lua_pushstring(L, ipaddr_to_text(&reply->from, text));
    lua_setfield(L, -2, "from");
    lset_integer(L, "reply_ttl", reply->ttl);
    lset_integer(L, "type", reply->type);
    lset_integer(L, "code", reply->code);
    lset_integer(L, "mtu", reply->mtu);
    lset_integer(L, "quote_length", reply->quote.length);
}

static void push_event(lua_State *L, const struct sim_event *e)
{
    static const char *const names[] = {
        [EVENT_SENT] = "sent",
        [EVENT_REPLY] = "reply",
        [EVENT_LATE] = "late",
        [EVENT_DUPLICATE] = "duplicate",
        [EVENT_TIMEOUT] = "timeout",
        [EVENT_SEND_ERROR] = "send_error",
        [EVENT_HOP_CHANGED] = "hop_changed",
        [EVENT_PATH_CHANGED] = "path_changed",
        [EVENT_RATE_LIMITED] = "rate-limited",
        [EVENT_UNTESTED] = "untested",
        [EVENT_TESTED] = "tested",
        [EVENT_SHARED_LIMIT] = "shared-rate-limit",
        [EVENT_DONE] = "done",
    };
    const struct trace_event *event = &e->event;

    lua_createtable(L, 0, 16);
    lua_pushstring(L, names[event->kind]);
    lua_setfield(L, -2, "kind");
    lset_integer(L, "at_ns", event->at_ns);
    lset_integer(L, "probe", event->probe);
    lset_integer(L, "flow", event->flow);
    lset_integer(L, "ttl", event->ttl);
    lset_integer(L, "rtt_ns", event->rtt_ns);
    lset_integer(L, "error", event->error);
    set_true(L, "test", event->class == PROBE_TEST);
    set_true(L, "clock_adjustment", event->clock_adjustment);
    set_true(L, "from_target", event->from_target);
    set_true(L, "shared", event->shared);
    if (event->kind == EVENT_RATE_LIMITED)
        lset_integer(L, "sample_interval_ns", event->rate_limit.sample_interval_ns);
    if (e->has_reply)
        set_reply(L, &e->reply);
}

/* The same events as trace:events() of mtrtrace.core gives them; they stay. */
static int sim_stream(lua_State *L)
{
    struct trace_ud *u = check_trace(L);
    struct events *in = levents_new(L), *out = levents_new(L);

    for (size_t i = 0; i < u->count; i++) {
        struct trace_event event = u->events[i].event;
        event.reply = u->events[i].has_reply ? &u->events[i].reply : NULL;
        events_add(in, &event);
    }
    events_take(in, out);
    if (u->broken || out->dropped > 0)
        return luaL_error(L, "no room for the events");
    levents_push(L, out, &trace_config(u->trace)->spec);
    return 1;
}

static int sim_events(lua_State *L)
{
    struct trace_ud *u = check_trace(L);

    if (u->broken)
        return luaL_error(L, "no memory for the events");
    lua_createtable(L, (int)u->count, 0);
    for (size_t i = 0; i < u->count; i++) {
        push_event(L, &u->events[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    u->count = 0;
    return 1;
}

/* ---- direct questions ---------------------------------------------------------------------- */

struct fingerprint_ud {
    struct fingerprint fingerprint;
    struct pace *pace; /* our user value's, which outlives us */
    struct budget *budget;
};

/* pace:fingerprint{ target, source, active, ident, first_id, cookie, port, now_ns } */
static int pace_fingerprint(lua_State *L)
{
    struct pace_ud *p = luaL_checkudata(L, 1, PACE_MT);
    struct fingerprint_config config = { .source = opt_address(L, "source"),
                                         .target = opt_address(L, "target"),
                                         .timeout_ns = opt_seconds(L, "timeout", 1) };

    config.ident = (uint16_t)lsim_integer(L, "ident", 0, 65535, 0x4d54);
    config.first_id = (uint16_t)lsim_integer(L, "first_id", 0, 65535, 1000);
    config.key = opt_secret(L);
    config.cookie = (uint16_t)(config.key >> 48);
    config.first_index = (uint16_t)(config.key >> 32);
    config.source_port = (uint16_t)lsim_integer(L, "port", FINGERPRINT_PORT_FIRST,
                                                FINGERPRINT_PORT_LAST, FINGERPRINT_PORT_FIRST);
    int64_t now_ns = lsim_now(L);
    bool active = opt_boolean(L, "active");
    struct fingerprint_ud *u = lua_newuserdata(L, sizeof *u);
    *u = (struct fingerprint_ud){ .pace = p->pace, .budget = &p->budget };
    fingerprint_init(&u->fingerprint, &config, active, now_ns);
    luaL_setmetatable(L, FINGERPRINT_MT);
    lua_pushvalue(L, 1);
    lua_setuservalue(L, -2);
    return 1;
}

static int fingerprint_close(lua_State *L)
{
    struct fingerprint_ud *u = luaL_checkudata(L, 1, FINGERPRINT_MT);
    fingerprint_fini(&u->fingerprint);
    return 0;
}

static enum fingerprint_permit permit(const struct fingerprint_ud *u, bool sampled, int64_t now_ns)
{
    int64_t free_ns = pace_free_ns(u->pace, &u->fingerprint.config.target);

    if (free_ns != 0)
        return now_ns >= free_ns ? FINGERPRINT_ONE : FINGERPRINT_HOLD;
    return sampled ? FINGERPRINT_HOLD : FINGERPRINT_FREE;
}

/* ask:turn(now, sampled): a probe, or nil and when the next turn is due, nothing once it is done.
 * `sampled`: a trace that the address has answered is at work. */
static int fingerprint_turn(lua_State *L)
{
    struct fingerprint_ud *u = luaL_checkudata(L, 1, FINGERPRINT_MT);
    int64_t now_ns = luaL_checkinteger(L, 2);
    uint8_t packet[128];
    size_t number;

    fingerprint_expire(&u->fingerprint, now_ns);
    if (fingerprint_done(&u->fingerprint))
        return 0;
    int64_t open_ns = budget_due(u->budget, BUDGET_FINGERPRINTS);
    size_t length = open_ns > now_ns
                        ? 0
                        : fingerprint_next(&u->fingerprint, permit(u, lua_toboolean(L, 3), now_ns),
                                           now_ns, packet, &number);
    if (length == 0) {
        int64_t due_ns = fingerprint_due(&u->fingerprint, now_ns);
        lua_pushnil(L);
        lua_pushinteger(L, due_ns > open_ns ? due_ns : open_ns);
        return 2;
    }
    budget_take_single(u->budget, BUDGET_FINGERPRINTS, length, now_ns);
    if (fingerprint_is_udp(number))
        pace_take(u->pace, &u->fingerprint.config.target, now_ns);
    lua_pushlstring(L, (const char *)packet, length);
    return 1;
}

/* With the arguments of trace:reply. */
static int fingerprint_answer(lua_State *L)
{
    struct fingerprint_ud *u = luaL_checkudata(L, 1, FINGERPRINT_MT);
    struct trace_stamp stamp;
    struct wire_packet packet;
    const struct evidence_capture capture = { (const uint8_t *)luaL_checkstring(L, 2),
                                              luaL_checkinteger(L, 6) };

    lua_pushboolean(L, read_capture(L, &packet, &stamp) && packet.kind != WIRE_PROBE &&
                           fingerprint_reply(&u->fingerprint, &packet, &capture));
    return 1;
}

static int fingerprint_result(lua_State *L)
{
    static const char *const kinds[] = {
        [WIRE_ICMP] = "echo", [WIRE_UDP] = "udp", [WIRE_TCP] = "tcp"
    };
    struct fingerprint_ud *u = luaL_checkudata(L, 1, FINGERPRINT_MT);

    lua_createtable(L, 0, 2);
    lua_createtable(L, 0, WIRE_PROTOCOL_COUNT);
    for (int i = 0; i < WIRE_PROTOCOL_COUNT; i++)
        lset_integer(L, kinds[i], fingerprint_sent(&u->fingerprint, (enum wire_protocol)i));
    lua_setfield(L, -2, "probes_sent");
    lreplies_push(L, &u->fingerprint.replies, &u->fingerprint.config.target, -1, false);
    lua_setfield(L, -2, "answers");
    return 1;
}

/* ---- the module ---------------------------------------------------------------------------- */

static int l_pace(lua_State *L)
{
    struct pace_ud *p = lua_newuserdata(L, sizeof *p);
    p->pace = NULL;
    luaL_setmetatable(L, PACE_MT);
    p->pace = pace_new();
    budget_init(&p->budget);
    return p->pace != NULL ? 1 : luaL_error(L, "no memory for a pace");
}

/* Finalizers run in the reverse order of creation: every trace of it is gone. */
static int pace_close(lua_State *L)
{
    struct pace_ud *p = luaL_checkudata(L, 1, PACE_MT);
    pace_free(p->pace);
    p->pace = NULL;
    return 0;
}

static const luaL_Reg pace_methods[] = { { "trace", pace_trace },
                                         { "fingerprint", pace_fingerprint },
                                         { "paths", lsim_search_paths },
                                         { "pmtu", lsim_search_pmtu },
                                         { NULL, NULL } };

static const luaL_Reg fingerprint_methods[] = { { "turn", fingerprint_turn },
                                                { "reply", fingerprint_answer },
                                                { "result", fingerprint_result },
                                                { NULL, NULL } };

static const luaL_Reg trace_methods[] = { { "next", sim_next },
                                          { "turn", sim_turn },
                                          { "seen", sim_seen },
                                          { "reply", sim_reply },
                                          { "failed", sim_failed },
                                          { "due", sim_due },
                                          { "expire", sim_expire },
                                          { "done", sim_done },
                                          { "result", sim_result },
                                          { "events", sim_events },
                                          { "stream", sim_stream },
                                          { "close", trace_close },
                                          { NULL, NULL } };

static const luaL_Reg functions[] = { { "pace", l_pace }, { "merge", l_merge }, { NULL, NULL } };

static void new_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

__attribute__((visibility("default"))) int luaopen_mtrsim(lua_State *L);

int luaopen_mtrsim(lua_State *L)
{
    luaL_checkversion(L);
    lresult_register(L);
    levents_register(L);
    new_class(L, PACE_MT, pace_methods, pace_close);
    new_class(L, TRACE_MT, trace_methods, trace_close);
    new_class(L, FINGERPRINT_MT, fingerprint_methods, fingerprint_close);
    lsim_search_register(L);
    luaL_newlib(L, functions);
    lset_number(L, "interval_s", ns_to_s(INTERVAL_USUAL_NS));
    lset_integer(L, "packets", PACKETS_USUAL);
    return 1;
}

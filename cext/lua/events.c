/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/events.h"

#include "base/units.h"
#include "wire/names.h"
#include "lua/set.h"

#include <string.h>

#define EVENTS_MT "mtrtrace.events"

static const char *const kind_names[] = {
    [EVENT_SENT] = "sent",
    [EVENT_REPLY] = "reply",
    [EVENT_LATE] = "late",
    [EVENT_DUPLICATE] = "duplicate",
    [EVENT_UNREACHABLE] = "unreachable",
    [EVENT_TIMEOUT] = "timeout",
    [EVENT_SEND_ERROR] = "send-error",
    [EVENT_HOP_CHANGED] = "hop-changed",
    [EVENT_PATH_CHANGED] = "path-changed",
    [EVENT_RATE_LIMITED] = "rate-limited",
    [EVENT_UNTESTED] = "untested",
    [EVENT_TESTED] = "tested",
    [EVENT_NO_TOKEN] = "no-token",
    [EVENT_SHARED_LIMIT] = "shared-rate-limit",
    [EVENT_DONE] = "done",
};
_Static_assert(sizeof kind_names / sizeof *kind_names == EVENT_KIND_COUNT, "a name for each kind");

static int find_name(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

int levents_kind(const char *name)
{
    return find_name(kind_names, EVENT_KIND_COUNT, name);
}

static const char *const ending_names[] = { [TRACE_RUNNING] = "unknown",
                                            [TRACE_REACHED] = "reached",
                                            [TRACE_UNREACHABLE] = "unreachable",
                                            [TRACE_SILENT] = "silent" };

const char *levents_ending_name(enum trace_ending ending)
{
    return ending_names[ending];
}

int levents_ending(const char *name)
{
    return find_name(ending_names, sizeof ending_names / sizeof *ending_names, name);
}

int levents_reply(const char *name)
{
    return find_name(wire_kind_names, WIRE_KIND_COUNT, name);
}

static int events_gc(lua_State *L)
{
    events_fini(luaL_checkudata(L, 1, EVENTS_MT));
    return 0;
}

void levents_register(lua_State *L)
{
    lset_owner_type(L, EVENTS_MT, events_gc);
}

struct events *levents_new(lua_State *L)
{
    return lset_owner(L, EVENTS_MT, sizeof(struct events));
}

/* Sets the fields of the probe as the router quotes it. */
static void set_quote(lua_State *L, const struct wire_packet *reply)
{
    lset_integer(L, "quoted_ttl", reply->probe.ttl);
    lset_integer(L, "quoted_tos", reply->probe.tos);
    lset_integer(L, "quoted_size", reply->quote.size);
}

static void set_reply(lua_State *L, const struct trace_event *event)
{
    const struct wire_packet *reply = event->reply;

    lset_address(L, "from", &reply->from);
    lset_boolean(L, "target", event->from_target);
    lset_string(L, "reply", wire_kind_names[reply->kind]);
    lset_string(L, "answer", icmpname(reply->from.version, reply->kind, reply->type, reply->code));
    lset_integer(L, "type", reply->type);
    lset_integer(L, "code", reply->code);
    lset_integer(L, "reply_ttl", reply->ttl);
    lset_integer(L, "reply_tos", reply->tos);
    lset_integer(L, "reply_size", reply->length);
    if (reply->from.version == 4)
        lset_integer(L, "reply_ip_id", reply->ip_id);
    lset_integer(L, "quote_length", reply->quote.length);
    if (reply->quote.length > 0)
        set_quote(L, reply);
    if (reply->kind == WIRE_TOO_BIG)
        lset_integer(L, "mtu", reply->mtu);
    if (event->rtt_ns >= 0) {
        lset_number(L, "rtt_ms", ns_to_ms((double)event->rtt_ns));
        lset_integer(L, "rtt_ns", event->rtt_ns);
    }
    const struct {
        const char *key;
        bool set;
    } flags[] = { { "was_error", event->was_error },
                  { "was_unreachable", event->was_unreachable },
                  { "late", event->late },
                  { "clock_adjustment", event->clock_adjustment },
                  { "elsewhere", event->from_elsewhere } };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].set)
            lset_boolean(L, flags[i].key, true);
}

static void push_event(lua_State *L, const struct trace_event *event, const struct wire_spec *spec)
{
    lua_createtable(L, 0, 32);
    lset_string(L, "kind", kind_names[event->kind]);
    lset_number(L, "at_s", ns_to_s(event->at_ns));
    lset_integer(L, "at_ns", event->at_ns);
    if (event->kind == EVENT_DONE)
        return;
    lset_integer(L, "ttl", event->ttl);
    lset_integer(L, "flow", event->flow);
    if (event->kind == EVENT_PATH_CHANGED) {
        lset_string(L, "ending", levents_ending_name(event->ending));
        return;
    }
    if (event->kind == EVENT_UNTESTED || event->kind == EVENT_TESTED)
        return;
    lset_integer(L, "probe", event->probe);
    if (event->kind == EVENT_NO_TOKEN || event->kind == EVENT_SHARED_LIMIT)
        return;
    if (event->kind == EVENT_RATE_LIMITED) {
        lset_number(L, "sample_interval_s", ns_to_s(event->rate_limit.sample_interval_ns));
        lset_integer(L, "sample_interval_ns", event->rate_limit.sample_interval_ns);
        lset_integer(L, "burst_sent", event->rate_limit.evidence.tests);
        lset_integer(L, "burst_received", event->rate_limit.evidence.burst_received);
        return;
    }
    lset_integer(L, "index", wire_index(spec, event->probe));
    lset_string(L, "class", event->class == PROBE_COUNTED ? "counted" : "test");
    if (event->shared)
        lset_boolean(L, "shared", true);
    if (event->during_drops)
        lset_boolean(L, "during_drops", true);
    if (event->kind == EVENT_SEND_ERROR)
        lset_string(L, "error", event->error != 0 ? strerror(event->error) : "vanished");
    if (event->reply != NULL)
        set_reply(L, event);
}

void levents_push(lua_State *L, const struct events *queue, const struct wire_spec *spec)
{
    lua_createtable(L, (int)queue->count, 0);
    for (size_t i = 0; i < queue->count; i++) {
        push_event(L, &queue->entries[i].event, spec);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "lresult.h"

#include "icmpname.h"

#include <lauxlib.h>
#include <string.h>

#define REPORT_MT "mtrtrace.report"

static const double ns_per_ms = 1e6;
static const double ns_per_s = 1e9;
static const double z95 = 1.959963984540054; /* two-sided 95 % */

static int report_gc(lua_State *L)
{
    struct prober_report *report = luaL_checkudata(L, 1, REPORT_MT);
    tally_free(report->tally);
    report->tally = NULL;
    return 0;
}

void lresult_register(lua_State *L)
{
    luaL_newmetatable(L, REPORT_MT);
    lua_pushcfunction(L, report_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

struct prober_report *lresult_new(lua_State *L)
{
    struct prober_report *report = lua_newuserdata(L, sizeof *report);
    memset(report, 0, sizeof *report);
    luaL_setmetatable(L, REPORT_MT);
    return report;
}

static void set_integer(lua_State *L, const char *key, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, key);
}

static void set_boolean(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

static void set_string(lua_State *L, const char *key, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

static void set_address(lua_State *L, const char *key, const struct ipaddr *address)
{
    char text[IPADDR_TEXT];
    set_string(L, key, ipaddr_to_text(address, text));
}

static void set_rtts(lua_State *L, const struct stats *rtt)
{
    if (rtt->count == 0)
        return;
    set_number(L, "last_ms", (double)rtt->last_ns / ns_per_ms);
    set_number(L, "avg_ms", rtt->mean_ns / ns_per_ms);
    set_number(L, "best_ms", (double)rtt->best_ns / ns_per_ms);
    set_number(L, "worst_ms", (double)rtt->worst_ns / ns_per_ms);
    set_number(L, "stdev_ms", stats_stdev_ns(rtt) / ns_per_ms);
    set_number(L, "jitter_ms", stats_jitter_ns(rtt) / ns_per_ms);
    set_number(L, "jitter_rfc3550_ms", rtt->jitter_rfc3550_ns / ns_per_ms);
    set_number(L, "median_ms", quantiles_get(&rtt->quantiles, 0.5) / ns_per_ms);
    set_number(L, "p95_ms", quantiles_get(&rtt->quantiles, 0.95) / ns_per_ms);
}

static void push_codes(lua_State *L, const struct tally_cell *cell)
{
    lua_createtable(L, (int)cell->code_count, 0);
    for (size_t i = 0; i < cell->code_count; i++) {
        const struct tally_code *c = &cell->codes[i];
        lua_createtable(L, 0, 4);
        if (c->kind != WIRE_SYN_ACK && c->kind != WIRE_RST) {
            set_integer(L, "type", c->type);
            set_integer(L, "code", c->code);
        }
        set_string(L, "name", icmpname(cell->address.version, c->kind, c->type, c->code));
        set_integer(L, "count", c->count);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_responder(lua_State *L, const struct tally_cell *cell)
{
    lua_createtable(L, 0, 16);
    set_address(L, "address", &cell->address);
    set_integer(L, "flow", cell->flow);
    set_boolean(L, "target", cell->target);
    set_integer(L, "received", cell->received);
    set_integer(L, "late", cell->late);
    set_integer(L, "duplicates", cell->duplicates);
    set_integer(L, "reply_ttl", cell->reply_ttl);
    set_rtts(L, &cell->rtt);
    push_codes(L, cell);
    lua_setfield(L, -2, "codes");
}

/* The one that answered most comes first, the others in the order in which they were seen. */
static void push_responders(lua_State *L, const struct tally_hop *hop)
{
    size_t main = 0;
    lua_Integer at = 1;

    for (size_t i = 1; i < hop->cell_count; i++)
        if (hop->cells[i].received > hop->cells[main].received)
            main = i;
    lua_createtable(L, (int)hop->cell_count, 0);
    for (size_t i = 0; i < hop->cell_count; i++) {
        push_responder(L, &hop->cells[i]);
        lua_rawseti(L, -2, i == main ? 1 : ++at);
    }
}

static void set_ration(lua_State *L, const struct tally_hop *hop)
{
    lua_createtable(L, 0, 6);
    set_integer(L, "tests", hop->ration.tests);
    set_integer(L, "tests_answered", hop->ration.tests_answered);
    set_number(L, "spacing", (double)hop->ration.spacing_ns / ns_per_s);
    set_integer(L, "fast_sent", hop->fast_sent);
    set_integer(L, "fast_received", hop->fast_received);
    set_integer(L, "shared", hop->shared);
    lua_setfield(L, -2, "ration");
}

static void push_hop(lua_State *L, int ttl, const struct tally_hop *hop)
{
    lua_createtable(L, 0, 16);
    set_integer(L, "ttl", ttl);
    set_integer(L, "sent", hop->sent);
    set_integer(L, "received", hop->received);
    set_integer(L, "in_flight", hop->in_flight);
    set_integer(L, "send_errors", hop->send_errors);
    set_integer(L, "late", hop->late);
    set_integer(L, "duplicates", hop->duplicates);
    set_integer(L, "raw_sent", hop->raw_sent);
    set_integer(L, "raw_received", hop->raw_received);
    set_boolean(L, "silent", hop->raw_received == 0 && hop->received == 0);
    if (hop->rationed)
        set_ration(L, hop);
    if (hop->sent > 0) {
        uint32_t lost = hop->sent - hop->received;
        double low, high;
        stats_wilson(lost, hop->sent, z95, &low, &high);
        set_number(L, "loss", (double)lost / hop->sent);
        set_number(L, "loss_low", low);
        set_number(L, "loss_high", high);
    }
    push_responders(L, hop);
    lua_setfield(L, -2, "responders");
}

static void push_hops(lua_State *L, const struct prober_report *report, int first)
{
    const struct trace_summary *summary = &report->summary;
    int last = summary->end_ttl != 0 ? summary->end_ttl : summary->probed_ttl;
    lua_Integer at = 0;

    lua_createtable(L, last, 0);
    for (int ttl = first; ttl <= last; ttl++) {
        push_hop(L, ttl, &report->tally->hops[ttl]);
        lua_rawseti(L, -2, ++at);
    }
}

static void set_ending(lua_State *L, const struct trace_summary *summary)
{
    static const char *const names[] = { [TRACE_REACHED] = "reached",
                                         [TRACE_UNREACHABLE] = "unreachable",
                                         [TRACE_SILENT] = "silent" };

    set_boolean(L, "reached", summary->ending == TRACE_REACHED);
    if (summary->ending == TRACE_RUNNING)
        return;
    set_string(L, "ending", names[summary->ending]);
    if (summary->ending == TRACE_REACHED)
        set_integer(L, "target_ttl", summary->end_ttl);
    if (summary->ending == TRACE_UNREACHABLE) {
        set_integer(L, "ending_type", summary->end_type);
        set_integer(L, "ending_code", summary->end_code);
    }
}

static void set_send_error(lua_State *L, const struct trace_summary *summary)
{
    if (summary->last_error > 0)
        set_string(L, "send_error", strerror(summary->last_error));
    else if (summary->last_error < 0)
        set_string(L, "send_error", "dropped on this host before it reached the wire");
}

void lresult_push(lua_State *L, const struct prober_report *report)
{
    static const char *const protocols[] = { [WIRE_ICMP] = "icmp", [WIRE_UDP] = "udp",
                                             [WIRE_TCP] = "tcp" };
    const struct wire_spec *spec = &report->spec;

    lua_createtable(L, 0, 24);
    set_address(L, "target", &spec->target);
    set_address(L, "source", &spec->source);
    if (report->route.interface[0] != '\0')
        set_string(L, "interface", report->route.interface);
    set_integer(L, "mtu", report->route.mtu);
    set_string(L, "protocol", protocols[spec->protocol]);
    if (spec->protocol != WIRE_ICMP) {
        set_integer(L, "port", spec->target_port);
        set_integer(L, "source_port", spec->source_port);
    }
    set_integer(L, "size", spec->size);
    set_integer(L, "packets", report->packets);
    set_boolean(L, "done", report->done);
    set_ending(L, &report->summary);
    set_integer(L, "first_hop", report->first_hop);
    set_integer(L, "probed_hop", report->summary.probed_ttl);
    set_number(L, "elapsed", (double)report->summary.elapsed_ns / ns_per_s);
    set_integer(L, "sent", report->summary.sent);
    set_send_error(L, &report->summary);
    set_integer(L, "capture_drops", (lua_Integer)report->capture_drops);
    set_integer(L, "clock_steps", report->summary.clock_steps);
    set_integer(L, "unstamped", report->summary.unstamped);
    push_hops(L, report, report->first_hop);
    lua_setfield(L, -2, "hops");
}

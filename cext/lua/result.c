/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/result.h"

#include "base/units.h"
#include "wire/names.h"
#include "lua/replies.h"
#include "lua/events.h"
#include "lua/set.h"

#include <string.h>

#define REPORT_MT "mtrtrace.report"

static const double z95 = 1.959963984540054; /* normal quantile of a two-sided 95 % interval */

void lresult_fini(struct prober_report *report)
{
    counters_free(report->counters);
    evidence_free(report->evidence);
    report->counters = NULL;
    report->evidence = NULL;
}

static int report_gc(lua_State *L)
{
    lresult_fini(luaL_checkudata(L, 1, REPORT_MT));
    return 0;
}

void lresult_register(lua_State *L)
{
    lset_owner_type(L, REPORT_MT, report_gc);
}

struct prober_report *lresult_new(lua_State *L)
{
    return lset_owner(L, REPORT_MT, sizeof(struct prober_report));
}

static void set_rtts(lua_State *L, const struct stats *rtt)
{
    static const double shares[] = { 0.25, 0.5, 0.75, 0.95 };
    double at[4];

    if (rtt->count == 0)
        return;
    quantiles_list(&rtt->quantiles, shares, 4, at);
    lset_number(L, "last_ms", ns_to_ms((double)rtt->last_ns));
    lset_number(L, "avg_ms", ns_to_ms(rtt->mean_ns));
    lset_number(L, "gmean_ms", ns_to_ms(stats_gmean_ns(rtt)));
    lset_number(L, "best_ms", ns_to_ms((double)rtt->best_ns));
    lset_number(L, "worst_ms", ns_to_ms((double)rtt->worst_ns));
    lset_number(L, "stdev_ms", ns_to_ms(stats_stdev_ns(rtt)));
    lset_number(L, "jitter_ms", ns_to_ms(stats_jitter_ns(rtt)));
    lset_number(L, "jitter_last_ms", ns_to_ms(rtt->jitter_last_ns));
    lset_number(L, "jitter_worst_ms", ns_to_ms(rtt->jitter_worst_ns));
    lset_number(L, "jitter_rfc3550_ms", ns_to_ms(rtt->jitter_rfc3550_ns));
    lset_number(L, "p25_ms", ns_to_ms(at[0]));
    lset_number(L, "p75_ms", ns_to_ms(at[2]));
    lset_number(L, "median_ms", ns_to_ms(at[1]));
    lset_number(L, "p95_ms", ns_to_ms(at[3]));
}

/* Sets the numbers of RTTs up to each bound, then the number of all RTTs. */
static void set_rtt_counts(lua_State *L, const struct stats *rtt,
                           const struct prober_report *report)
{
    if (report->bound_count == 0)
        return;
    lua_createtable(L, (int)report->bound_count + 1, 0);
    for (size_t i = 0; i <= report->bound_count; i++) {
        bool last = i == report->bound_count;
        uint64_t count =
            last ? rtt->count : quantiles_at_most(&rtt->quantiles, report->bounds_ns[i]);
        lua_pushinteger(L, (lua_Integer)count);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "rtt_counts");
}

static void push_codes(lua_State *L, const struct responder_stats *responder)
{
    lua_createtable(L, (int)responder->code_count, 0);
    for (size_t i = 0; i < responder->code_count; i++) {
        const struct counters_code *c = &responder->codes[i];
        lua_createtable(L, 0, 4);
        if (c->kind != WIRE_SYN_ACK && c->kind != WIRE_RST && c->kind != WIRE_ACK &&
            c->kind != WIRE_SERVICE) {
            lset_integer(L, "type", c->type);
            lset_integer(L, "code", c->code);
        }
        if (c->kind == WIRE_SYN_ACK)
            lset_integer(L, "ecn_flags", c->code);
        lset_string(L, "name", icmpname(responder->address.version, c->kind, c->type, c->code));
        lset_integer(L, "count", c->count);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* Preallocated keys: a table that must grow is rehashed. */
enum { RESULT_KEYS = 32, HOP_KEYS = 32, RESPONDER_KEYS = 32 };

static void push_responder(lua_State *L, const struct responder_stats *responder,
                           const struct evidence_list *replies, const struct prober_report *report)
{
    lua_createtable(L, 0, RESPONDER_KEYS);
    lset_address(L, "address", &responder->address);
    lset_integer(L, "flow", responder->flow);
    lset_boolean(L, "target", responder->target);
    lset_integer(L, "received", responder->received);
    lset_integer(L, "late", responder->late);
    lset_integer(L, "duplicates", responder->duplicates);
    if (responder->reply_ttl != 0) /* 0: connect() does not reveal the TTL */
        lset_integer(L, "reply_ttl", responder->reply_ttl);
    set_rtts(L, &responder->rtt);
    set_rtt_counts(L, &responder->rtt, report);
    if (!report->figures_only) {
        push_codes(L, responder);
        lua_setfield(L, -2, "codes");
    }
    lreplies_push(L, replies, &responder->address, -1,
                  report->figures_only); /* any flow: a trace has one */
    lua_setfield(L, -2, "answers");
}

/* The responder with the most replies comes first; the others follow in the order of their first
 * replies. */
static void push_responders(lua_State *L, const struct counters_hop *hop,
                            const struct evidence_list *replies, const struct prober_report *report)
{
    size_t main = hop->responder_count;
    lua_Integer at = 1;

    for (size_t i = hop->responder_count; i-- > 0;)
        if (!hop->responders[i].elsewhere &&
            (main == hop->responder_count ||
             hop->responders[i].received >= hop->responders[main].received))
            main = i;
    lua_createtable(L, (int)hop->responder_count, 0);
    for (size_t i = 0; i < hop->responder_count; i++) {
        if (hop->responders[i].elsewhere)
            continue;
        push_responder(L, &hop->responders[i], replies, report);
        lua_rawseti(L, -2, i == main ? 1 : ++at);
    }
}

static void set_rate_limit(lua_State *L, const struct counters_hop *hop)
{
    lua_createtable(L, 0, 6);
    lset_integer(L, "burst_sent", hop->rate_limit.evidence.tests);
    lset_integer(L, "burst_received", hop->rate_limit.evidence.burst_received);
    lset_number(L, "sample_interval_s", ns_to_s(hop->rate_limit.sample_interval_ns));
    lset_integer(L, "initial_sent", hop->initial_sent);
    lset_integer(L, "initial_received", hop->initial_received);
    lset_integer(L, "shared", hop->shared);
    lset_integer(L, "sent", hop->merged ? hop->limited_sent : hop->sent);
    lset_integer(L, "received", hop->merged ? hop->limited_received : hop->received);
    lset_integer(L, "sent_since", hop->sent_since);
    lset_number(L, "answered_at", ns_to_s(hop->answered_ns));
    if (hop->shared > 0 && hop->total_received == 0)
        lset_boolean(L, "inferred", true);
    lua_setfield(L, -2, "rate_limit");
}

/* Pushes the runs: consecutive replies of one responder, in the order of their probes. */
static void push_runs(lua_State *L, const struct counters_hop *hop)
{
    lua_createtable(L, (int)hop->run_count, 0);
    for (size_t i = 0; i < hop->run_count; i++) {
        const struct counters_run *run = &hop->runs[i];
        lua_createtable(L, 0, 5);
        lset_address(L, "address", &hop->responders[run->responder].address);
        lset_integer(L, "flow", hop->responders[run->responder].flow);
        lset_integer(L, "reply_ttl", run->reply_ttl);
        lset_integer(L, "count", run->count);
        lset_number(L, "at_s", ns_to_s(run->at_ns));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_lost(lua_State *L, const struct counters_hop *hop)
{
    lua_createtable(L, (int)hop->lost_count, 0);
    for (size_t i = 0; i < hop->lost_count; i++) {
        lua_pushinteger(L, (lua_Integer)hop->lost[i].ordinal + 1);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* Pushes the send times of the lost probes in seconds since the trace began. */
static void push_lost_at(lua_State *L, const struct counters_hop *hop)
{
    lua_createtable(L, (int)hop->lost_count, 0);
    for (size_t i = 0; i < hop->lost_count; i++) {
        lua_pushnumber(L, ns_to_s(hop->lost[i].sent_ns));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* Pushes the errors from other hops about probes of this TTL. */
static void push_reports(lua_State *L, const struct counters_hop *hop)
{
    lua_createtable(L, (int)hop->report_count, 0);
    for (size_t i = 0; i < hop->report_count; i++) {
        const struct counters_report *r = &hop->reports[i];
        lua_createtable(L, 0, 7);
        lset_address(L, "address", &r->from);
        lset_integer(L, "type", r->type);
        lset_integer(L, "code", r->code);
        lset_string(L, "name", icmpname(r->from.version, r->kind, r->type, r->code));
        if (r->kind == WIRE_TOO_BIG)
            lset_integer(L, "mtu", r->mtu);
        lset_integer(L, "count", r->count);
        lset_boolean(L, "own", r->own);
        lua_createtable(L, (int)r->period_count, 0);
        for (size_t s = 0; s < r->period_count; s++) {
            lua_createtable(L, 0, 2);
            lset_number(L, "first", ns_to_s(r->periods[s].from_ns));
            lset_number(L, "last", ns_to_s(r->periods[s].to_ns));
            lua_rawseti(L, -2, (lua_Integer)s + 1);
        }
        lua_setfield(L, -2, "periods");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_hop(lua_State *L, int ttl, const struct prober_report *report)
{
    static const struct evidence_list none;
    const struct counters_hop *hop = counters_hop_at(report->counters, (size_t)ttl);

    lua_createtable(L, 0, HOP_KEYS);
    lset_integer(L, "ttl", ttl);
    lset_integer(L, "sent", hop->sent);
    lset_integer(L, "received", hop->received);
    lset_integer(L, "unreachable", hop->unreachable);
    lset_integer(L, "in_flight", hop->in_flight);
    lset_integer(L, "send_errors", hop->send_errors);
    lset_integer(L, "late", hop->late);
    lset_integer(L, "duplicates", hop->duplicates);
    lset_integer(L, "unlisted", hop->unlisted);
    lset_integer(L, "total_sent", hop->total_sent);
    lset_integer(L, "total_received", hop->total_received);
    lset_boolean(L, "silent", hop->total_received == 0 && hop->received == 0);
    if (hop->no_token && hop->total_received == 0 && hop->received == 0)
        lset_boolean(L, "no_token", true);
    if (hop->shared_limit && hop->received < hop->sent)
        lset_boolean(L, "shared_rate_limit", true);
    if (hop->lost_during_drops > 0)
        lset_integer(L, "lost_during_drops", hop->lost_during_drops);
    if (hop->rate_limited)
        set_rate_limit(L, hop);
    bool untested = hop->untested && hop->received + hop->unreachable < hop->sent;
    if (untested)
        lset_boolean(L, "untested", true);
    if (hop->sent > 0 && !untested) {
        uint32_t lost = hop->sent - hop->received;
        double low, high;
        stats_wilson(lost, hop->sent, z95, &low, &high);
        lset_number(L, "loss", (double)lost / hop->sent);
        lset_number(L, "loss_low", low);
        lset_number(L, "loss_high", high);
    }
    push_responders(L, hop,
                    report->evidence != NULL ? evidence_at(report->evidence, (size_t)ttl) : &none,
                    report);
    lua_setfield(L, -2, "responders");
    if (!report->figures_only) {
        push_runs(L, hop);
        lua_setfield(L, -2, "runs");
    }
    lset_integer(L, "run_total", hop->run_total);
    push_lost(L, hop);
    lua_setfield(L, -2, "lost");
    push_lost_at(L, hop);
    lua_setfield(L, -2, "lost_at");
    push_reports(L, hop);
    lua_setfield(L, -2, "reports");
}

void lresult_push_hops(lua_State *L, const struct prober_report *report, int first, int last)
{
    lua_Integer at = 0;

    lua_createtable(L, last, 0);
    for (int ttl = first; ttl <= last; ttl++) {
        push_hop(L, ttl, report);
        lua_rawseti(L, -2, ++at);
    }
}

static void set_ending(lua_State *L, const struct trace_summary *summary)
{
    lset_boolean(L, "reached", summary->ending == TRACE_REACHED);
    if (summary->ending == TRACE_RUNNING)
        return;
    lset_string(L, "ending", levents_ending_name(summary->ending));
    if (summary->ending == TRACE_REACHED)
        lset_integer(L, "target_ttl", summary->end_ttl);
    if (summary->ending == TRACE_UNREACHABLE) {
        lset_integer(L, "ending_type", summary->end_type);
        lset_integer(L, "ending_code", summary->end_code);
    }
}

static void set_send_error(lua_State *L, const struct trace_summary *summary)
{
    if (summary->last_error > 0)
        lset_string(L, "send_error", strerror(summary->last_error));
    else if (summary->last_error < 0)
        lset_string(L, "send_error", "dropped on this host before it reached the wire");
}

/* Sets the state of the connection that carries the probes. */
static void set_session(lua_State *L, const struct session *session)
{
    lua_createtable(L, 0, 8);
    lset_integer(L, "connections", session->opened);
    lset_integer(L, "connections_lost", session->lost);
    lset_boolean(L, "fallback", session->state == SESSION_OVER);
    if (session->opened > 0)
        lset_string(L, "match", session->wire.bare ? "order" : "dsack");
    if (session->syn_ack_ttl != 0)
        lset_integer(L, "syn_ack_ttl", session->syn_ack_ttl);
    if (session->ack_ttl != 0)
        lset_integer(L, "ack_ttl", session->ack_ttl);
    if (session->reset_ttl != 0)
        lset_integer(L, "reset_ttl", session->reset_ttl);
    if (session->cause != SESSION_FINE)
        lset_string(L, "cause", session_cause_name(session->cause));
    if (session->error != 0)
        lset_string(L, "error", strerror(session->error));
    lua_setfield(L, -2, "session");
}

void lresult_check_bounds(lua_State *L, int arg, struct prober_report *report)
{
    if (lua_isnoneornil(L, arg))
        return;
    luaL_checktype(L, arg, LUA_TTABLE);
    size_t count = lua_rawlen(L, arg);
    luaL_argcheck(L, count <= REPORT_BOUNDS, arg, "at most 64 bounds expected");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        lua_Number seconds = lua_tonumber(L, -1);
        luaL_argcheck(L, seconds > 0 && seconds <= 3600, arg, "seconds expected");
        report->bounds_ns[i] = (int64_t)(seconds * NS_PER_S + 0.5);
        lua_pop(L, 1);
    }
    report->bound_count = count;
}

static const char *protocol_name(const struct prober_report *report)
{
    if (report->in_session && (report->session.opened > 0 || report->session.state != SESSION_OVER))
        return wire_protocol_names[WIRE_TCP_SESSION];
    return wire_protocol_names[report->spec.protocol];
}

void lresult_push(lua_State *L, const struct prober_report *report)
{
    const struct wire_spec *spec = &report->spec;

    lua_createtable(L, 0, RESULT_KEYS);
    lset_address(L, "target", &spec->target);
    lset_address(L, "source", &spec->source);
    if (report->route.interface[0] != '\0')
        lset_string(L, "interface", report->route.interface);
    lset_integer(L, "mtu", report->route.mtu);
    if (report->route.split)
        lset_boolean(L, "split", true);
    lset_string(L, "sockets", report->plain ? "unprivileged" : "raw");
    lset_string(L, "protocol", protocol_name(report));
    if (report->in_session)
        set_session(L, &report->session);
    if (spec->protocol != WIRE_ICMP) {
        lset_integer(L, "port", spec->target_port);
        lset_integer(L, "source_port", spec->source_port + report->flow);
    } else {
        lset_integer(L, "checksum", WIRE_ICMP_CHECKSUM + report->flow);
    }
    if (spec->payload != PAYLOAD_PLAIN)
        lset_string(L, "udp_payload", payload_name(spec->payload));
    if (spec->ecn != WIRE_ECN_NONE)
        lset_string(L, "ecn", spec->ecn == WIRE_ECN_ACCURATE ? "accecn" : "yes");
    lset_integer(L, "flow", report->flow);
    if (spec->target.version == 6)
        lset_integer(L, "flow_label", WIRE_FLOW_LABEL | report->flow);
    lset_integer(L, "size", report->in_session ? wire_size(spec, UINT32_MAX) : spec->size);
    if (report->mapped)
        lset_boolean(L, "ipv4_mapped", true);
    if (spec->random_size)
        lset_boolean(L, "random_size", true);
    lset_integer(L, "packets", report->packets);
    lset_boolean(L, "done", report->done);
    set_ending(L, &report->summary);
    lset_integer(L, "first_hop", report->first_hop);
    lset_integer(L, "probed_hop", report->summary.probed_ttl);
    if (report->summary.end_ttl != 0)
        lset_integer(L, "end_ttl", report->summary.end_ttl);
    lset_integer(L, "started_ns", report->started_ns);
    lset_integer(L, "elapsed_ns", report->summary.elapsed_ns);
    lset_number(L, "elapsed_s", ns_to_s(report->summary.elapsed_ns));
    lset_integer(L, "sent", report->summary.sent);
    set_send_error(L, &report->summary);
    lset_integer(L, "capture_drops", (lua_Integer)report->capture_drops);
    if (report->summary.link_rate > 0)
        lset_integer(L, "link_rate", (lua_Integer)(report->summary.link_rate * 8));
    lset_integer(L, "clock_adjustments", report->summary.clock_adjustments);
    lset_integer(L, "missing_tx_timestamp", report->summary.missing_tx_timestamp);
    int last = report->summary.end_ttl;
    lresult_push_hops(L, report, report->first_hop, last != 0 ? last : report->summary.probed_ttl);
    lua_setfield(L, -2, "hops");
}

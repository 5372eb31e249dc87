/* SPDX-License-Identifier: BSD-2-Clause */
/* Merges the counters of several flows, and copies counters while a trace continues. */
#include "results/counters_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- several flows ------------------------------------------------------------------------- */

/* Returns the index of the responder with this address, added if it is new; NO_RESPONDER if there
 * is no room. */
static uint16_t responder_to_merge(struct counters *counters, struct counters_hop *hop,
                                   const struct responder_stats *from)
{
    const struct responder_stats new = { .address = from->address,
                                         .flow = from->flow,
                                         .elsewhere = from->elsewhere };

    for (size_t at = 0; at < hop->responder_count; at++)
        if (hop->responders[at].elsewhere == from->elsewhere &&
            ipaddr_equal(&hop->responders[at].address, &from->address))
            return (uint16_t)at;
    const struct responder_stats *responder =
        counters_add_responder(counters, hop, COUNTERS_RESPONDERS, &new);
    return responder != NULL ? (uint16_t)(responder - hop->responders) : NO_RESPONDER;
}

static void merge_responder(struct counters *counters, struct responder_stats *into,
                            const struct responder_stats *from)
{
    if (from->received >= into->received)
        into->reply_ttl = from->reply_ttl;
    into->target = into->target || from->target;
    into->received += from->received;
    into->late += from->late;
    into->duplicates += from->duplicates;
    for (size_t i = 0; i < from->code_count; i++)
        counters_add_code(into, &from->codes[i]);
    if (stats_merge(&into->rtt, &from->rtt) < 0)
        counters->out_of_memory = true;
}

static void merge_runs(struct counters_hop *into, const struct counters_hop *from,
                       const uint16_t *responders)
{
    for (size_t i = 0; i < from->run_count; i++) {
        assert(from->runs[i].responder < from->responder_count);
        if (responders[from->runs[i].responder] == NO_RESPONDER)
            continue;
        struct counters_run *runs = counters_reserve(
            into->runs, into->run_count, &into->run_capacity, COUNTERS_RUNS, sizeof *runs);
        if (runs == NULL)
            break;
        into->runs = runs;
        runs[into->run_count] = from->runs[i];
        runs[into->run_count++].responder = responders[from->runs[i].responder];
    }
    into->run_total += from->run_total;
}

static void merge_lost(struct counters_hop *into, const struct counters_hop *from,
                       const uint16_t *responders, uint32_t before)
{
    for (size_t i = 0; i < from->lost_count; i++) {
        uint16_t sender = from->lost[i].responder;
        struct counters_waiting w = {
            .probe = from->lost[i].probe,
            .responder = sender < from->responder_count ? responders[sender] : NO_RESPONDER,
            .ordinal = from->lost[i].ordinal + before,
            .sent_ns = from->lost[i].sent_ns,
            .state = from->lost[i].unreachable ? WAITING_UNREACHABLE : WAITING_LOST
        };
        counters_note_lost(into, &w);
    }
}

static void merge_reports(struct counters *counters, struct counters_hop *into,
                          const struct counters_hop *from)
{
    for (size_t i = 0; i < from->report_count; i++) {
        const struct counters_report *report = &from->reports[i];
        struct counters_report *to = counters_report_of(counters, into, report);
        if (to == NULL)
            continue;
        to->own = report->own && (to->count == 0 || to->own);
        to->count += report->count;
        for (size_t s = 0; s < report->period_count; s++)
            counters_add_period(to, report->periods[s].from_ns, report->periods[s].to_ns, true);
    }
}

static void add_limited(struct counters_hop *into, const struct counters_hop *from)
{
    if (!from->rate_limited)
        return;
    into->limited_sent += from->merged ? from->limited_sent : from->sent;
    into->limited_received += from->merged ? from->limited_received : from->received;
}

static void merge_counts(struct counters_hop *into, const struct counters_hop *from)
{
    if (!into->merged)
        add_limited(into, into);
    add_limited(into, from);
    into->merged = true;
    if (from->rate_limited && !into->rate_limited)
        into->rate_limit = from->rate_limit;
    into->rate_limited = into->rate_limited || from->rate_limited;
    into->untested = into->untested || from->untested;
    into->no_token = into->no_token || from->no_token;
    into->shared_limit = into->shared_limit || from->shared_limit;
    into->sent += from->sent;
    into->received += from->received;
    into->lost_during_drops += from->lost_during_drops;
    into->unreachable += from->unreachable;
    into->in_flight += from->in_flight;
    into->send_errors += from->send_errors;
    into->late += from->late;
    into->duplicates += from->duplicates;
    into->total_sent += from->total_sent;
    into->total_received += from->total_received;
    into->sent_since += from->sent_since;
    if (into->answered_ns < from->answered_ns)
        into->answered_ns = from->answered_ns;
    into->initial_sent += from->initial_sent;
    into->initial_received += from->initial_received;
    into->shared += from->shared;
    into->unlisted += from->unlisted;
}

static int merge_hop(struct counters *counters, struct counters_hop *into,
                     const struct counters_hop *from)
{
    uint16_t *responders = calloc(from->responder_count + 1, sizeof *responders);
    uint32_t before = into->sent;

    assert(into->waiting_count == 0 && from->waiting_count == 0);
    if (responders == NULL)
        return -1;
    for (size_t i = 0; i < from->responder_count && !counters->out_of_memory; i++) {
        responders[i] = responder_to_merge(counters, into, &from->responders[i]);
        if (responders[i] != NO_RESPONDER)
            merge_responder(counters, &into->responders[responders[i]], &from->responders[i]);
        else
            into->unlisted += from->responders[i].received + from->responders[i].duplicates;
    }
    merge_counts(into, from);
    merge_runs(into, from, responders);
    merge_lost(into, from, responders, before);
    merge_reports(counters, into, from);
    free(responders);
    return counters->out_of_memory ? -1 : 0;
}

int counters_merge(struct counters *into, const struct counters *from)
{
    size_t most = into->max_hops + 1u;
    size_t hops = from->hop_count < most ? from->hop_count : most;

    if (counters_reach(into, hops) < 0)
        return -1;
    for (size_t i = 0; i < hops; i++)
        if (merge_hop(into, &into->hops[i], &from->hops[i]) < 0)
            return -1;
    return 0;
}

/* ---- snapshot ------------------------------------------------------------------------------ */

static void *copy_array(const void *from, size_t bytes)
{
    void *to = bytes > 0 ? malloc(bytes) : NULL;
    if (to != NULL)
        memcpy(to, from, bytes);
    return to;
}

static int hop_copy(struct counters_hop *to, const struct counters_hop *from)
{
    *to = *from;
    to->responder_count =
        0; /* counters_hop_fini must not free statistics that are not copied yet */
    to->ordinals = NULL;
    to->runs = copy_array(from->runs, from->run_capacity * sizeof *from->runs);
    to->lost = copy_array(from->lost, from->lost_capacity * sizeof *from->lost);
    to->waiting = copy_array(from->waiting, from->waiting_capacity * sizeof *from->waiting);
    to->reports = copy_array(from->reports, from->report_capacity * sizeof *from->reports);
    to->responders = copy_array(from->responders, from->responder_count * sizeof *from->responders);
    if ((from->waiting != NULL && to->waiting == NULL) ||
        (from->responders != NULL && to->responders == NULL) ||
        (from->runs != NULL && to->runs == NULL) || (from->lost != NULL && to->lost == NULL) ||
        (from->reports != NULL && to->reports == NULL))
        return -1;
    for (; to->responder_count < from->responder_count; to->responder_count++)
        if (stats_copy(&to->responders[to->responder_count].rtt,
                       &from->responders[to->responder_count].rtt) < 0)
            return -1;
    return 0;
}

/* Returns the statistics of the same address and flow as a responder of this hop, or NULL. */
static struct responder_stats *own_responder(struct counters_hop *hop,
                                             const struct responder_stats *elsewhere)
{
    for (size_t i = 0; i < hop->responder_count; i++)
        if (!hop->responders[i].elsewhere && hop->responders[i].flow == elsewhere->flow &&
            ipaddr_equal(&hop->responders[i].address, &elsewhere->address))
            return &hop->responders[i];
    return NULL;
}

/* Counts the errors of a responder elsewhere as replies of this hop. */
static void take_for_replies(struct counters_hop *hop, const struct responder_stats *responder)
{
    size_t place = (size_t)(responder - hop->responders), kept = 0;
    /* Fewer if a probe was answered later that is not among the listed lost ones. */
    uint32_t probes =
        responder->received < hop->unreachable ? responder->received : hop->unreachable;

    hop->received += probes;
    hop->unreachable -= probes;
    hop->late += responder->late;
    for (size_t i = 0; i < hop->report_count; i++) {
        if (!ipaddr_equal(&hop->reports[i].from, &responder->address))
            continue;
        hop->total_received += hop->reports[i].own ? 0 : hop->reports[i].count;
        hop->reports[i].own = true;
    }
    for (size_t i = 0; i < hop->lost_count; i++)
        if (!hop->lost[i].unreachable || hop->lost[i].responder != place)
            hop->lost[kept++] = hop->lost[i];
    hop->lost_count = kept;
}

/* Errors from elsewhere that end the path are the replies of its last hop. */
static void take_errors_for_replies(struct counters_hop *hop, enum trace_ending ending)
{
    for (size_t i = 0; i < hop->responder_count; i++) {
        take_for_replies(hop, &hop->responders[i]);
        hop->responders[i].elsewhere = false;
        hop->responders[i].target = ending == TRACE_REACHED;
    }
    hop->initial_received = hop->initial_unreachable;
}

/* A router may send destination unreachable for a probe that would expire at this router. The hop
 * has replied all the same. */
static void take_own_errors(struct counters *counters, struct counters_hop *hop)
{
    for (size_t i = 0; i < hop->responder_count; i++) {
        struct responder_stats *responder = &hop->responders[i];
        struct responder_stats *own = responder->elsewhere ? own_responder(hop, responder) : NULL;
        if (own == NULL || responder->received == 0)
            continue;
        take_for_replies(hop, responder);
        merge_responder(counters, own, responder);
        responder->received = responder->late = 0;
    }
}

/* A NAT before the target may give later hops the target's address. A responder with this address
 * that sends only time exceeded, and is not the end of the path, is such a hop and no target. */
static void clear_target_beyond_nat(struct counters_hop *hop)
{
    for (size_t i = 0; i < hop->responder_count; i++) {
        bool only_exceeded = true;
        for (size_t c = 0; c < hop->responders[i].code_count; c++)
            only_exceeded = only_exceeded && hop->responders[i].codes[c].kind == WIRE_TIME_EXCEEDED;
        hop->responders[i].target = hop->responders[i].target && !only_exceeded;
    }
}

/* Corrects the figures once the end of the path is known. */
static void apply_end(struct counters *counters)
{
    for (size_t ttl = 1; ttl < counters->hop_count; ttl++) {
        struct counters_hop *hop = &counters->hops[ttl];
        if (counters->end != 0 && ttl > counters->end) {
            counters_hop_fini(hop);
            *hop = (struct counters_hop){ 0 };
            continue;
        }
        if (ttl != counters->end)
            clear_target_beyond_nat(hop);
        take_own_errors(counters, hop);
    }
    if (counters->end == 0)
        return;
    assert(counters->end < counters->hop_count);
    struct counters_hop *last = &counters->hops[counters->end];
    if (last->total_received == 0 && last->received == 0)
        take_errors_for_replies(last, counters->ending);
}

void counters_finish(struct counters *counters)
{
    for (size_t i = 0; i < counters->hop_count; i++) {
        struct counters_hop *hop = &counters->hops[i];
        for (; hop->waiting_count > 0; hop->waiting_count--)
            counters_use(counters, hop, &hop->waiting[hop->waiting_first++]);
    }
    apply_end(counters);
}

struct counters *counters_snapshot(const struct counters *counters)
{
    struct counters *copy = counters_new(counters->max_hops);
    if (copy == NULL)
        return NULL;
    if (counters_reach(copy, counters->hop_count) < 0) {
        counters_free(copy);
        return NULL;
    }
    copy->out_of_memory = counters->out_of_memory;
    copy->end = counters->end;
    copy->ending = counters->ending;
    for (size_t i = 0; i < counters->hop_count; i++) {
        if (hop_copy(&copy->hops[i], &counters->hops[i]) < 0) {
            counters_free(copy);
            return NULL;
        }
    }
    counters_finish(copy);
    return copy;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "results/counters_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 2 }; /* nearly all hops have one responder, and few probes in flight */

struct counters *counters_new(uint8_t max_hops)
{
    struct counters *counters = calloc(1, sizeof *counters);
    if (counters != NULL)
        counters->max_hops = max_hops;
    return counters;
}

const struct counters_hop *counters_hop_at(const struct counters *counters, size_t ttl)
{
    static const struct counters_hop none;

    return ttl < counters->hop_count ? &counters->hops[ttl] : &none;
}

int counters_reach(struct counters *counters, size_t count)
{
    if (count <= counters->hop_count)
        return 0;
    assert(count <= counters->max_hops + 1u);
    struct counters_hop *hops = realloc(counters->hops, count * sizeof *hops);
    if (hops == NULL) {
        counters->out_of_memory = true;
        return -1;
    }
    memset(hops + counters->hop_count, 0, (count - counters->hop_count) * sizeof *hops);
    counters->hops = hops;
    counters->hop_count = count;
    return 0;
}

void counters_hop_fini(struct counters_hop *hop)
{
    for (size_t i = 0; i < hop->responder_count; i++)
        stats_fini(&hop->responders[i].rtt);
    free(hop->responders);
    free(hop->waiting);
    free(hop->ordinals);
    free(hop->runs);
    free(hop->lost);
    free(hop->reports);
}

void counters_free(struct counters *counters)
{
    if (counters == NULL)
        return;
    for (size_t i = 0; i < counters->hop_count; i++)
        counters_hop_fini(&counters->hops[i]);
    free(counters->hops);
    free(counters);
}

/* ---- samples in the order of their probes -------------------------------------------------- */

static uint32_t next_ordinal(struct counters *counters, struct counters_hop *hop, uint16_t flow)
{
    if (flow >= hop->flow_count) {
        uint32_t *ordinals = realloc(hop->ordinals, (flow + 1u) * sizeof *ordinals);
        if (ordinals == NULL) {
            counters->out_of_memory = true;
            return 0;
        }
        memset(ordinals + hop->flow_count, 0, (flow + 1u - hop->flow_count) * sizeof *ordinals);
        hop->ordinals = ordinals;
        hop->flow_count = flow + 1u;
    }
    return hop->ordinals[flow]++;
}

void *counters_reserve(void *array, size_t count, uint32_t *capacity, size_t most, size_t size)
{
    if (count >= most)
        return NULL;
    if (count < *capacity)
        return array;
    uint32_t wanted = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    void *more = realloc(array, wanted * size);
    if (more != NULL)
        *capacity = wanted;
    return more;
}

static void wait_for(struct counters *counters, struct counters_hop *hop,
                     const struct trace_event *event)
{
    struct counters_waiting w = { .probe = event->probe, .sent_ns = event->at_ns };

    w.ordinal = next_ordinal(counters, hop, event->flow);
    if (hop->waiting_first > 0 &&
        hop->waiting_first + hop->waiting_count == hop->waiting_capacity) {
        memmove(hop->waiting, hop->waiting + hop->waiting_first, hop->waiting_count * sizeof w);
        hop->waiting_first = 0;
    }
    uint32_t end = hop->waiting_first + hop->waiting_count;
    struct counters_waiting *waiting =
        counters_reserve(hop->waiting, end, &hop->waiting_capacity, SIZE_MAX, sizeof w);
    if (waiting == NULL) {
        counters->out_of_memory = true;
        return;
    }
    hop->waiting = waiting;
    hop->waiting[end] = w;
    hop->waiting_count++;
}

static void extend_run(struct counters_hop *hop, const struct counters_waiting *w)
{
    struct counters_run *last = hop->run_count > 0 ? &hop->runs[hop->run_count - 1] : NULL;

    assert(w->responder < hop->responder_count);
    if (hop->run_total == hop->run_count && last != NULL && last->responder == w->responder &&
        last->reply_ttl == w->reply_ttl) {
        last->count++;
        return;
    }
    hop->run_total++;
    struct counters_run *runs = counters_reserve(hop->runs, hop->run_count, &hop->run_capacity,
                                                 COUNTERS_RUNS, sizeof *runs);
    if (runs == NULL)
        return;
    hop->runs = runs;
    runs[hop->run_count++] = (struct counters_run){
        .responder = w->responder, .reply_ttl = w->reply_ttl, .count = 1, .at_ns = w->at_ns
    };
}

void counters_note_lost(struct counters_hop *hop, const struct counters_waiting *w)
{
    struct counters_lost *lost = counters_reserve(hop->lost, hop->lost_count, &hop->lost_capacity,
                                                  COUNTERS_LOST, sizeof *lost);
    if (lost == NULL)
        return;
    hop->lost = lost;
    lost[hop->lost_count++] =
        (struct counters_lost){ w->probe, w->ordinal, w->state == WAITING_UNREACHABLE,
                                w->state == WAITING_UNREACHABLE ? w->responder : NO_RESPONDER,
                                w->sent_ns };
}

void counters_use(struct counters *counters, struct counters_hop *hop,
                  const struct counters_waiting *w)
{
    switch (w->state) {
    case WAITING_SAMPLE:
        if (stats_add(&hop->responders[w->responder].rtt, w->ordinal, w->rtt_ns) < 0)
            counters->out_of_memory = true;
        extend_run(hop, w);
        break;
    case WAITING_ANSWERED:
        extend_run(hop, w);
        break;
    case WAITING_UNREACHABLE: /* the RTT is needed if the path ends with such errors */
        if (w->rtt_ns >= 0 && w->responder != NO_RESPONDER &&
            stats_add(&hop->responders[w->responder].rtt, w->ordinal, w->rtt_ns) < 0)
            counters->out_of_memory = true;
        counters_note_lost(hop, w);
        break;
    case WAITING_LOST:
        counters_note_lost(hop, w);
        break;
    case WAITING_OPEN:
    case WAITING_NOTHING:
        break;
    }
}

/* Sets the outcome of a probe, then uses all finished probes before the first unfinished one. */
static void settle(struct counters *counters, struct counters_hop *hop,
                   const struct counters_waiting *outcome)
{
    struct counters_waiting *first = hop->waiting + hop->waiting_first;

    for (size_t i = 0; i < hop->waiting_count; i++) {
        if (first[i].probe == outcome->probe) {
            const struct counters_waiting sent = first[i];
            first[i] = *outcome;
            first[i].ordinal = sent.ordinal;
            first[i].sent_ns = sent.sent_ns;
        }
    }
    while (hop->waiting_count > 0 && hop->waiting[hop->waiting_first].state != WAITING_OPEN) {
        counters_use(counters, hop, &hop->waiting[hop->waiting_first]);
        hop->waiting_first++;
        hop->waiting_count--;
    }
}

/* A late reply turns a lost probe into an answered one. Returns the sender of the error that had
 * reported the probe unreachable, or NO_RESPONDER. */
static uint16_t unmark_lost(struct counters_hop *hop, uint32_t probe)
{
    uint16_t sender = NO_RESPONDER;

    for (size_t i = 0; i < hop->waiting_count; i++) {
        struct counters_waiting *w = &hop->waiting[hop->waiting_first + i];
        if (w->probe != probe)
            continue;
        sender = w->state == WAITING_UNREACHABLE ? w->responder : sender;
        w->state = WAITING_NOTHING;
    }
    for (size_t i = 0; i < hop->lost_count; i++) {
        if (hop->lost[i].probe == probe) {
            sender = hop->lost[i].responder;
            memmove(&hop->lost[i], &hop->lost[i + 1],
                    (hop->lost_count - i - 1) * sizeof hop->lost[0]);
            hop->lost_count--;
            break;
        }
    }
    return sender;
}

/* ---- responders ---------------------------------------------------------------------------- */

struct responder_stats *counters_add_responder(struct counters *counters, struct counters_hop *hop,
                                               size_t most, const struct responder_stats *responder)
{
    if (hop->responder_count >= most)
        return NULL;
    struct responder_stats *responders =
        realloc(hop->responders, (hop->responder_count + 1) * sizeof *responders);
    if (responders == NULL) {
        counters->out_of_memory = true;
        return NULL;
    }
    hop->responders = responders;
    responders[hop->responder_count] = *responder;
    return &responders[hop->responder_count++];
}

/* Responders seen in duplicate replies only take at most half of the room, so that an attacker who
 * sends duplicates from many addresses cannot displace the genuine responders. */
static struct responder_stats *responder_of(struct counters *counters, struct counters_hop *hop,
                                            const struct trace_event *event)
{
    const struct responder_stats new = { .address = event->reply->from,
                                         .flow = event->flow,
                                         .elsewhere = event->from_elsewhere };
    size_t most = event->kind == EVENT_DUPLICATE ? COUNTERS_RESPONDERS / 2 : COUNTERS_RESPONDERS;

    for (size_t i = 0; i < hop->responder_count; i++)
        if (hop->responders[i].flow == event->flow &&
            hop->responders[i].elsewhere == event->from_elsewhere &&
            ipaddr_equal(&hop->responders[i].address, &event->reply->from))
            return &hop->responders[i];
    struct responder_stats *responder = counters_add_responder(counters, hop, most, &new);
    hop->unlisted += responder == NULL;
    return responder;
}

void counters_add_code(struct responder_stats *responder, const struct counters_code *code)
{
    for (size_t i = 0; i < responder->code_count; i++) {
        struct counters_code *c = &responder->codes[i];
        if (c->kind == code->kind && c->type == code->type && c->code == code->code) {
            c->count += code->count;
            return;
        }
    }
    assert(responder->code_count <= COUNTERS_CODES);
    if (responder->code_count < COUNTERS_CODES)
        responder->codes[responder->code_count++] = *code;
}

static struct responder_stats *note_reply(struct counters *counters, struct counters_hop *hop,
                                          const struct trace_event *event)
{
    struct responder_stats *responder = responder_of(counters, hop, event);
    if (responder == NULL)
        return NULL;
    const struct counters_code code = { .kind = event->reply->kind,
                                        .type = event->reply->type,
                                        .code = event->reply->code,
                                        .count = 1 };
    counters_add_code(responder, &code);
    responder->reply_ttl = event->reply->ttl;
    responder->target = responder->target || event->from_target;
    return responder;
}

/* ---- errors from elsewhere ----------------------------------------------------------------- */

struct counters_report *counters_report_of(struct counters *counters, struct counters_hop *hop,
                                           const struct counters_report *wanted)
{
    for (size_t i = 0; i < hop->report_count; i++) {
        struct counters_report *r = &hop->reports[i];
        if (r->kind == wanted->kind && r->type == wanted->type && r->code == wanted->code &&
            r->mtu == wanted->mtu && ipaddr_equal(&r->from, &wanted->from))
            return r;
    }
    if (hop->report_count == COUNTERS_REPORTS)
        return NULL;
    struct counters_report *reports = counters_reserve(
        hop->reports, hop->report_count, &hop->report_capacity, COUNTERS_REPORTS, sizeof *reports);
    if (reports == NULL) {
        counters->out_of_memory = true;
        return NULL;
    }
    hop->reports = reports;
    reports[hop->report_count] = *wanted;
    reports[hop->report_count].count = 0;
    reports[hop->report_count].period_count = 0;
    return &reports[hop->report_count++];
}

void counters_add_period(struct counters_report *report, int64_t from_ns, int64_t to_ns, bool apart)
{
    size_t last = report->period_count - 1;

    if (report->period_count == 0 || (apart && report->period_count < COUNTERS_PERIODS)) {
        last = report->period_count++;
        report->periods[last].from_ns = from_ns;
        report->periods[last].to_ns = to_ns;
    }
    assert(report->period_count <= COUNTERS_PERIODS);
    if (to_ns > report->periods[last].to_ns)
        report->periods[last].to_ns = to_ns;
}

static void note_report(struct counters *counters, struct counters_hop *hop,
                        const struct trace_event *event)
{
    const struct wire_packet *reply = event->reply;
    const struct counters_report wanted = { .from = reply->from,
                                            .kind = reply->kind,
                                            .type = reply->type,
                                            .code = reply->code,
                                            .mtu = reply->mtu };
    struct counters_report *report = counters_report_of(counters, hop, &wanted);

    if (report == NULL)
        return;
    bool apart = report->period_count > 0 &&
                 hop->answered_ns > report->periods[report->period_count - 1].to_ns;
    report->count++;
    counters_add_period(report, event->at_ns, event->at_ns, apart);
}

/* ---- events -------------------------------------------------------------------------------- */

static bool counts(const struct counters_hop *hop, const struct trace_event *event)
{
    return event->class == PROBE_COUNTED && (int32_t)(event->probe - hop->first_counted) >= 0;
}

static void on_sent(struct counters *counters, struct counters_hop *hop,
                    const struct trace_event *event)
{
    hop->total_sent += !event->shared;
    hop->sent_since += !event->shared;
    if (!counts(hop, event))
        return;
    hop->in_flight++;
    hop->shared += event->shared;
    wait_for(counters, hop, event);
}

static void on_reply(struct counters *counters, struct counters_hop *hop,
                     const struct trace_event *event)
{
    struct responder_stats *responder = note_reply(counters, hop, event);

    hop->total_received += !event->shared;
    hop->answered_ns = event->at_ns;
    hop->sent_since = 0;
    if (!counts(hop, event))
        return;
    hop->in_flight--;
    hop->sent++;
    hop->received++;
    struct counters_waiting outcome = { .probe = event->probe,
                                        .rtt_ns = event->rtt_ns,
                                        .reply_ttl = event->reply->ttl,
                                        .at_ns = event->at_ns,
                                        .state = WAITING_NOTHING };
    if (responder != NULL) {
        outcome.state = event->rtt_ns >= 0 ? WAITING_SAMPLE : WAITING_ANSWERED;
        outcome.responder = (uint16_t)(responder - hop->responders);
        responder->received++;
    }
    settle(counters, hop, &outcome);
}

/* An answered probe counts for its reply only, not for the earlier error of `sender`. Statistics
 * cannot remove one RTT, so all RTTs of this sender's errors are removed. */
static void take_back_error(struct counters_hop *hop, uint16_t sender)
{
    if (sender >= hop->responder_count || hop->responders[sender].received == 0)
        return;
    hop->responders[sender].received--;
    stats_fini(&hop->responders[sender].rtt);
}

static void on_late(struct counters *counters, struct counters_hop *hop,
                    const struct trace_event *event)
{
    struct responder_stats *responder = note_reply(counters, hop, event);

    hop->total_received++;
    hop->late++;
    if (responder != NULL)
        responder->late++;
    if (event->was_error) {
        hop->send_errors--;
        hop->total_sent++;
    }
    hop->answered_ns = event->at_ns;
    hop->sent_since = 0;
    if (!counts(hop, event))
        return;
    hop->received++;
    hop->lost_during_drops -= event->during_drops && !event->was_unreachable;
    hop->unreachable -= event->was_unreachable;
    take_back_error(hop, unmark_lost(hop, event->probe));
    if (event->was_error)
        hop->sent++;
    if (responder != NULL)
        responder->received++;
}

/* A late error from elsewhere turns a lost probe into an unreachable one. */
static void mark_unreachable(struct counters_hop *hop, uint32_t probe, uint16_t responder)
{
    for (size_t i = 0; i < hop->waiting_count; i++)
        if (hop->waiting[hop->waiting_first + i].probe == probe) {
            hop->waiting[hop->waiting_first + i].state = WAITING_UNREACHABLE;
            hop->waiting[hop->waiting_first + i].responder = responder;
            hop->waiting[hop->waiting_first + i].rtt_ns = -1;
        }
    for (size_t i = 0; i < hop->lost_count; i++)
        if (hop->lost[i].probe == probe) {
            hop->lost[i].unreachable = true;
            hop->lost[i].responder = responder;
        }
}

static void on_unreachable(struct counters *counters, struct counters_hop *hop,
                           const struct trace_event *event)
{
    struct responder_stats *responder = note_reply(counters, hop, event);

    if (!event->shared)
        note_report(counters, hop, event);
    if (event->was_error) {
        hop->send_errors--;
        hop->total_sent++;
    }
    if (responder != NULL)
        responder->late += event->late;
    if (!counts(hop, event))
        return;
    const uint16_t place =
        responder != NULL ? (uint16_t)(responder - hop->responders) : NO_RESPONDER;
    hop->unreachable++;
    hop->lost_during_drops -= event->during_drops && event->late;
    if (responder != NULL)
        responder->received++;
    if (event->late) {
        mark_unreachable(hop, event->probe, place);
        return;
    }
    hop->sent++;
    if (event->was_error)
        return;
    hop->in_flight--;
    const struct counters_waiting outcome = { .probe = event->probe,
                                              .rtt_ns = event->rtt_ns,
                                              .responder = place,
                                              .state = WAITING_UNREACHABLE };
    settle(counters, hop, &outcome);
}

static void on_unanswered(struct counters *counters, struct counters_hop *hop,
                          const struct trace_event *event)
{
    bool error = event->kind == EVENT_SEND_ERROR;

    if (error) {
        hop->send_errors++;
        hop->total_sent--;
    }
    if (!counts(hop, event))
        return;
    hop->in_flight--;
    if (!error)
        hop->sent++;
    hop->lost_during_drops += event->during_drops;
    const struct counters_waiting outcome = { .probe = event->probe,
                                              .state = error ? WAITING_NOTHING : WAITING_LOST };
    settle(counters, hop, &outcome);
}

/* Removes the whole initial sample, answered probes included: a rate-limited sample follows. The
 * responders are kept, with their codes and counts of late and duplicate replies. */
static void on_rate_limited(struct counters_hop *hop, const struct trace_event *event)
{
    bool withdrawn = event->rate_limit.sample_interval_ns == 0;

    if (hop->rate_limited && !withdrawn && hop->sent + hop->in_flight == 0) {
        hop->rate_limit = event->rate_limit; /* the interval of the sample, which is still empty */
        hop->first_counted = event->probe;
        return;
    }
    hop->rate_limited = !withdrawn;
    hop->untested = false;
    hop->rate_limit = event->rate_limit;
    hop->first_counted = event->probe;
    hop->initial_sent = hop->sent + hop->in_flight;
    hop->initial_received = hop->received;
    hop->initial_unreachable = hop->unreachable;
    hop->sent = hop->received = hop->unreachable = hop->in_flight = hop->lost_during_drops = 0;
    hop->waiting_first = hop->waiting_count = 0;
    hop->lost_count = 0;
    for (size_t i = 0; i < hop->responder_count; i++) {
        hop->responders[i].received = 0;
        stats_fini(&hop->responders[i].rtt);
    }
    if (withdrawn) /* no other responder has replied to this trace */
        hop->responder_count = hop->run_count = hop->run_total = hop->shared = 0;
}

/* Frees the queues of waiting samples, which are empty once the trace has ended. */
static void free_waiting(struct counters *counters)
{
    for (size_t ttl = 0; ttl < counters->hop_count; ttl++) {
        struct counters_hop *hop = &counters->hops[ttl];
        if (hop->waiting_count > 0)
            continue;
        free(hop->waiting);
        hop->waiting = NULL;
        hop->waiting_first = hop->waiting_capacity = 0;
    }
}

/* Invariants that hold for any sequence of events, including a recording from a file. */
static inline bool holds(const struct counters_hop *hop)
{
    return hop->responder_count <= COUNTERS_RESPONDERS && hop->run_count <= COUNTERS_RUNS &&
           hop->run_count <= hop->run_total && hop->lost_count <= COUNTERS_LOST &&
           hop->report_count <= COUNTERS_REPORTS &&
           hop->waiting_first + hop->waiting_count <= hop->waiting_capacity &&
           (hop->waiting_count == 0 || hop->waiting[hop->waiting_first].state == WAITING_OPEN);
}

void counters_event(struct counters *counters, const struct trace_event *event)
{
    struct responder_stats *responder;

    if (counters_reach(counters, event->ttl + 1u) < 0)
        return;
    struct counters_hop *hop = &counters->hops[event->ttl];
    switch (event->kind) {
    case EVENT_SENT:
        on_sent(counters, hop, event);
        break;
    case EVENT_REPLY:
        on_reply(counters, hop, event);
        break;
    case EVENT_LATE:
        on_late(counters, hop, event);
        break;
    case EVENT_UNREACHABLE:
        on_unreachable(counters, hop, event);
        break;
    case EVENT_DUPLICATE:
        hop->duplicates++;
        responder = note_reply(counters, hop, event);
        if (responder != NULL)
            responder->duplicates++;
        break;
    case EVENT_TIMEOUT:
    case EVENT_SEND_ERROR:
        on_unanswered(counters, hop, event);
        break;
    case EVENT_RATE_LIMITED:
        on_rate_limited(hop, event);
        break;
    case EVENT_UNTESTED:
    case EVENT_TESTED:
        hop->untested = event->kind == EVENT_UNTESTED;
        break;
    case EVENT_NO_TOKEN:
        hop->no_token = true;
        break;
    case EVENT_SHARED_LIMIT:
        hop->shared_limit = true;
        break;
    case EVENT_PATH_CHANGED:
        counters->end = event->ttl;
        counters->ending = event->ending;
        break;
    case EVENT_DONE:
        free_waiting(counters);
        break;
    case EVENT_HOP_CHANGED:
    case EVENT_KIND_COUNT:
        break;
    }
    assert(holds(hop));
}

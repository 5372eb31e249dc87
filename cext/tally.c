/* SPDX-License-Identifier: BSD-2-Clause */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

enum waiting_state {
    WAITING_OPEN,
    WAITING_SAMPLE,   /* answered, with an RTT */
    WAITING_ANSWERED, /* answered, without one */
    WAITING_LOST,
    WAITING_NOTHING, /* not sent after all */
};

/* A counted probe whose sample may not be used before those of earlier probes: jitter is defined on
 * the order of probes, and answers overtake each other. */
struct tally_waiting {
    uint32_t probe, ordinal;
    uint16_t cell;
    uint8_t reply_ttl;
    enum waiting_state state;
    int64_t rtt_ns, at_ns;
};

struct tally *tally_new(uint8_t max_hops)
{
    size_t hops = (size_t)max_hops + 1;
    struct tally *tally = calloc(1, sizeof *tally + hops * sizeof tally->hops[0]);
    if (tally != NULL)
        tally->hop_count = hops;
    return tally;
}

static void hop_fini(struct tally_hop *hop)
{
    for (size_t i = 0; i < hop->cell_count; i++)
        stats_fini(&hop->cells[i].rtt);
    free(hop->cells);
    free(hop->waiting);
    free(hop->ordinals);
    free(hop->runs);
    free(hop->lost);
}

void tally_free(struct tally *tally)
{
    if (tally == NULL)
        return;
    for (size_t i = 0; i < tally->hop_count; i++)
        hop_fini(&tally->hops[i]);
    free(tally);
}

/* ---- samples in the order of their probes -------------------------------------------------- */

static uint32_t next_ordinal(struct tally *tally, struct tally_hop *hop, uint16_t flow)
{
    if (flow >= hop->flow_count) {
        uint32_t *ordinals = realloc(hop->ordinals, (flow + 1u) * sizeof *ordinals);
        if (ordinals == NULL) {
            tally->out_of_memory = true;
            return 0;
        }
        memset(ordinals + hop->flow_count, 0, (flow + 1u - hop->flow_count) * sizeof *ordinals);
        hop->ordinals = ordinals;
        hop->flow_count = flow + 1u;
    }
    return hop->ordinals[flow]++;
}

/* The array with room for one more element; NULL when `most` are there or memory is out. */
static void *reserve(void *array, size_t count, size_t *capacity, size_t most, size_t size)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    void *more = count < most ? realloc(array, wanted * size) : NULL;
    if (more != NULL)
        *capacity = wanted;
    return more;
}

static void wait_for(struct tally *tally, struct tally_hop *hop, const struct trace_event *event)
{
    struct tally_waiting w = { .probe = event->probe };

    w.ordinal = next_ordinal(tally, hop, event->flow);
    if (hop->waiting_first > 0 &&
        hop->waiting_first + hop->waiting_count == hop->waiting_capacity) {
        memmove(hop->waiting, hop->waiting + hop->waiting_first, hop->waiting_count * sizeof w);
        hop->waiting_first = 0;
    }
    size_t end = hop->waiting_first + hop->waiting_count;
    struct tally_waiting *waiting =
        reserve(hop->waiting, end, &hop->waiting_capacity, SIZE_MAX, sizeof w);
    if (waiting == NULL) {
        tally->out_of_memory = true;
        return;
    }
    hop->waiting = waiting;
    hop->waiting[end] = w;
    hop->waiting_count++;
}

static void extend_run(struct tally_hop *hop, const struct tally_waiting *w)
{
    struct tally_run *last = hop->run_count > 0 ? &hop->runs[hop->run_count - 1] : NULL;

    if (hop->run_total == hop->run_count && last != NULL && last->cell == w->cell &&
        last->reply_ttl == w->reply_ttl) {
        last->count++;
        return;
    }
    hop->run_total++;
    struct tally_run *runs =
        reserve(hop->runs, hop->run_count, &hop->run_capacity, TALLY_RUNS, sizeof *runs);
    if (runs == NULL)
        return;
    hop->runs = runs;
    runs[hop->run_count++] = (struct tally_run){
        .cell = w->cell, .reply_ttl = w->reply_ttl, .count = 1, .at_ns = w->at_ns
    };
}

static void note_lost(struct tally_hop *hop, const struct tally_waiting *w)
{
    struct tally_lost *lost =
        reserve(hop->lost, hop->lost_count, &hop->lost_capacity, TALLY_LOST, sizeof *lost);
    if (lost == NULL)
        return;
    hop->lost = lost;
    lost[hop->lost_count++] = (struct tally_lost){ w->probe, w->ordinal };
}

static void use(struct tally *tally, struct tally_hop *hop, const struct tally_waiting *w)
{
    switch (w->state) {
    case WAITING_SAMPLE:
        if (stats_add(&hop->cells[w->cell].rtt, w->ordinal, w->rtt_ns) < 0)
            tally->out_of_memory = true;
        extend_run(hop, w);
        break;
    case WAITING_ANSWERED:
        extend_run(hop, w);
        break;
    case WAITING_LOST:
        note_lost(hop, w);
        break;
    case WAITING_OPEN:
    case WAITING_NOTHING:
        break;
    }
}

/* The probe waits no longer; whatever it held up is used, in order. */
static void settle(struct tally *tally, struct tally_hop *hop, const struct tally_waiting *outcome)
{
    struct tally_waiting *first = hop->waiting + hop->waiting_first;

    for (size_t i = 0; i < hop->waiting_count; i++) {
        if (first[i].probe == outcome->probe) {
            uint32_t ordinal = first[i].ordinal;
            first[i] = *outcome;
            first[i].ordinal = ordinal;
        }
    }
    while (hop->waiting_count > 0 && hop->waiting[hop->waiting_first].state != WAITING_OPEN) {
        use(tally, hop, &hop->waiting[hop->waiting_first]);
        hop->waiting_first++;
        hop->waiting_count--;
    }
}

/* It was only late: it is lost no more. */
static void unlose(struct tally_hop *hop, uint32_t probe)
{
    for (size_t i = 0; i < hop->waiting_count; i++)
        if (hop->waiting[hop->waiting_first + i].probe == probe)
            hop->waiting[hop->waiting_first + i].state = WAITING_NOTHING;
    for (size_t i = 0; i < hop->lost_count; i++) {
        if (hop->lost[i].probe == probe) {
            memmove(&hop->lost[i], &hop->lost[i + 1],
                    (hop->lost_count - i - 1) * sizeof hop->lost[0]);
            hop->lost_count--;
            return;
        }
    }
}

/* ---- responders ---------------------------------------------------------------------------- */

static struct tally_cell *cell_of(struct tally *tally, struct tally_hop *hop,
                                  const struct trace_event *event)
{
    for (size_t i = 0; i < hop->cell_count; i++)
        if (hop->cells[i].flow == event->flow &&
            ipaddr_equal(&hop->cells[i].address, &event->reply->from))
            return &hop->cells[i];
    struct tally_cell *cells = realloc(hop->cells, (hop->cell_count + 1) * sizeof *cells);
    if (cells == NULL) {
        tally->out_of_memory = true;
        return NULL;
    }
    hop->cells = cells;
    struct tally_cell *cell = &cells[hop->cell_count++];
    *cell = (struct tally_cell){ .address = event->reply->from, .flow = event->flow };
    return cell;
}

static void add_code(struct tally_cell *cell, const struct tally_code *code)
{
    for (size_t i = 0; i < cell->code_count; i++) {
        struct tally_code *c = &cell->codes[i];
        if (c->kind == code->kind && c->type == code->type && c->code == code->code) {
            c->count += code->count;
            return;
        }
    }
    if (cell->code_count < TALLY_CODES)
        cell->codes[cell->code_count++] = *code;
}

static struct tally_cell *note_reply(struct tally *tally, struct tally_hop *hop,
                                     const struct trace_event *event)
{
    struct tally_cell *cell = cell_of(tally, hop, event);
    if (cell == NULL)
        return NULL;
    const struct tally_code code = { .kind = event->reply->kind,
                                     .type = event->reply->type,
                                     .code = event->reply->code,
                                     .count = 1 };
    add_code(cell, &code);
    cell->reply_ttl = event->reply->ttl;
    cell->target = cell->target || event->from_target;
    return cell;
}

/* ---- events -------------------------------------------------------------------------------- */

static bool counts(const struct tally_hop *hop, const struct trace_event *event)
{
    return event->class == PROBE_COUNTED && (int32_t)(event->probe - hop->first_counted) >= 0;
}

static void on_sent(struct tally *tally, struct tally_hop *hop, const struct trace_event *event)
{
    hop->raw_sent += !event->shared;
    if (!counts(hop, event))
        return;
    hop->in_flight++;
    hop->shared += event->shared;
    wait_for(tally, hop, event);
}

static void on_reply(struct tally *tally, struct tally_hop *hop, const struct trace_event *event)
{
    struct tally_cell *cell = note_reply(tally, hop, event);

    hop->raw_received += !event->shared;
    if (!counts(hop, event))
        return;
    hop->in_flight--;
    hop->sent++;
    hop->received++;
    struct tally_waiting outcome = { .probe = event->probe,
                                     .rtt_ns = event->rtt_ns,
                                     .reply_ttl = event->reply->ttl,
                                     .at_ns = event->at_ns,
                                     .state = WAITING_NOTHING };
    if (cell != NULL) {
        outcome.state = event->rtt_ns >= 0 ? WAITING_SAMPLE : WAITING_ANSWERED;
        outcome.cell = (uint16_t)(cell - hop->cells);
        cell->received++;
    }
    settle(tally, hop, &outcome);
}

static void on_late(struct tally *tally, struct tally_hop *hop, const struct trace_event *event)
{
    struct tally_cell *cell = note_reply(tally, hop, event);

    hop->raw_received++;
    hop->late++;
    if (cell != NULL)
        cell->late++;
    if (event->was_error) {
        hop->send_errors--;
        hop->raw_sent++;
    }
    if (!counts(hop, event))
        return;
    hop->received++;
    unlose(hop, event->probe);
    if (event->was_error)
        hop->sent++;
    if (cell != NULL)
        cell->received++;
}

static void on_unanswered(struct tally *tally, struct tally_hop *hop,
                          const struct trace_event *event)
{
    bool error = event->kind == EVENT_SEND_ERROR;

    if (error) {
        hop->send_errors++;
        hop->raw_sent--;
    }
    if (!counts(hop, event))
        return;
    hop->in_flight--;
    if (!error)
        hop->sent++;
    const struct tally_waiting outcome = { .probe = event->probe,
                                           .state = error ? WAITING_NOTHING : WAITING_LOST };
    settle(tally, hop, &outcome);
}

/* The whole fast sample leaves, answered probes included; what answered is remembered. */
static void on_rationed(struct tally_hop *hop, const struct trace_event *event)
{
    hop->rationed = true;
    hop->ration = event->ration;
    hop->first_counted = event->probe;
    hop->fast_sent = hop->sent + hop->in_flight;
    hop->fast_received = hop->received;
    hop->sent = hop->received = hop->in_flight = 0;
    hop->waiting_first = hop->waiting_count = hop->lost_count = 0;
    for (size_t i = 0; i < hop->cell_count; i++) {
        hop->cells[i].received = 0;
        stats_fini(&hop->cells[i].rtt);
    }
}

void tally_event(struct tally *tally, const struct trace_event *event)
{
    struct tally_hop *hop = &tally->hops[event->ttl];
    struct tally_cell *cell;

    switch (event->kind) {
    case EVENT_SENT:
        on_sent(tally, hop, event);
        break;
    case EVENT_REPLY:
        on_reply(tally, hop, event);
        break;
    case EVENT_LATE:
        on_late(tally, hop, event);
        break;
    case EVENT_DUPLICATE:
        hop->duplicates++;
        cell = note_reply(tally, hop, event);
        if (cell != NULL)
            cell->duplicates++;
        break;
    case EVENT_TIMEOUT:
    case EVENT_SEND_ERROR:
        on_unanswered(tally, hop, event);
        break;
    case EVENT_RATIONED:
        on_rationed(hop, event);
        break;
    case EVENT_HOP_CHANGED:
    case EVENT_PATH_CHANGED:
    case EVENT_DONE:
    case EVENT_KIND_COUNT:
        break;
    }
}

/* ---- several flows ------------------------------------------------------------------------- */

static uint16_t cell_to_merge(struct tally *tally, struct tally_hop *hop,
                              const struct tally_cell *from)
{
    uint16_t at = 0;

    while (at < hop->cell_count && !ipaddr_equal(&hop->cells[at].address, &from->address))
        at++;
    if (at < hop->cell_count)
        return at;
    struct tally_cell *cells = realloc(hop->cells, (hop->cell_count + 1) * sizeof *cells);
    if (cells == NULL) {
        tally->out_of_memory = true;
        return UINT16_MAX;
    }
    hop->cells = cells;
    cells[hop->cell_count++] = (struct tally_cell){ .address = from->address, .flow = from->flow };
    return at;
}

static void merge_cell(struct tally *tally, struct tally_cell *into, const struct tally_cell *from)
{
    if (from->received >= into->received)
        into->reply_ttl = from->reply_ttl;
    into->target = into->target || from->target;
    into->received += from->received;
    into->late += from->late;
    into->duplicates += from->duplicates;
    for (size_t i = 0; i < from->code_count; i++)
        add_code(into, &from->codes[i]);
    if (stats_merge(&into->rtt, &from->rtt) < 0)
        tally->out_of_memory = true;
}

static void merge_runs(struct tally_hop *into, const struct tally_hop *from, const uint16_t *cells)
{
    for (size_t i = 0; i < from->run_count; i++) {
        struct tally_run *runs =
            reserve(into->runs, into->run_count, &into->run_capacity, TALLY_RUNS, sizeof *runs);
        if (runs == NULL)
            break;
        into->runs = runs;
        runs[into->run_count] = from->runs[i];
        runs[into->run_count++].cell = cells[from->runs[i].cell];
    }
    into->run_total += from->run_total;
}

static void merge_lost(struct tally_hop *into, const struct tally_hop *from, uint32_t before)
{
    for (size_t i = 0; i < from->lost_count; i++) {
        struct tally_waiting w = { .probe = from->lost[i].probe,
                                   .ordinal = from->lost[i].ordinal + before };
        note_lost(into, &w);
    }
}

static void merge_counts(struct tally_hop *into, const struct tally_hop *from)
{
    if (from->rationed && !into->rationed)
        into->ration = from->ration;
    into->rationed = into->rationed || from->rationed;
    into->sent += from->sent;
    into->received += from->received;
    into->in_flight += from->in_flight;
    into->send_errors += from->send_errors;
    into->late += from->late;
    into->duplicates += from->duplicates;
    into->raw_sent += from->raw_sent;
    into->raw_received += from->raw_received;
    into->fast_sent += from->fast_sent;
    into->fast_received += from->fast_received;
    into->shared += from->shared;
}

static int merge_hop(struct tally *tally, struct tally_hop *into, const struct tally_hop *from)
{
    uint16_t *cells = calloc(from->cell_count + 1, sizeof *cells);
    uint32_t before = into->sent;

    if (cells == NULL)
        return -1;
    for (size_t i = 0; i < from->cell_count && !tally->out_of_memory; i++) {
        cells[i] = cell_to_merge(tally, into, &from->cells[i]);
        if (cells[i] != UINT16_MAX)
            merge_cell(tally, &into->cells[cells[i]], &from->cells[i]);
    }
    merge_counts(into, from);
    merge_runs(into, from, cells);
    merge_lost(into, from, before);
    free(cells);
    return tally->out_of_memory ? -1 : 0;
}

int tally_merge(struct tally *into, const struct tally *from)
{
    size_t hops = into->hop_count < from->hop_count ? into->hop_count : from->hop_count;

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

static int hop_copy(struct tally_hop *to, const struct tally_hop *from)
{
    *to = *from;
    to->cell_count = 0; /* hop_fini must not free what is not ours yet */
    to->ordinals = NULL;
    to->runs = copy_array(from->runs, from->run_capacity * sizeof *from->runs);
    to->lost = copy_array(from->lost, from->lost_capacity * sizeof *from->lost);
    to->waiting = copy_array(from->waiting, from->waiting_capacity * sizeof *from->waiting);
    to->cells = copy_array(from->cells, from->cell_count * sizeof *from->cells);
    if ((from->waiting != NULL && to->waiting == NULL) ||
        (from->cells != NULL && to->cells == NULL) || (from->runs != NULL && to->runs == NULL) ||
        (from->lost != NULL && to->lost == NULL))
        return -1;
    for (; to->cell_count < from->cell_count; to->cell_count++)
        if (stats_copy(&to->cells[to->cell_count].rtt, &from->cells[to->cell_count].rtt) < 0)
            return -1;
    return 0;
}

struct tally *tally_snapshot(const struct tally *tally)
{
    struct tally *copy = tally_new((uint8_t)(tally->hop_count - 1));
    if (copy == NULL)
        return NULL;
    copy->out_of_memory = tally->out_of_memory;
    for (size_t i = 0; i < tally->hop_count; i++) {
        struct tally_hop *hop = &copy->hops[i];
        if (hop_copy(hop, &tally->hops[i]) < 0) {
            tally_free(copy);
            return NULL;
        }
        for (size_t w = 0; w < hop->waiting_count; w++)
            use(copy, hop, &hop->waiting[hop->waiting_first + w]);
    }
    return copy;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/match.h"
#include "base/units.h"
#include "engine/trace_inside.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static const int64_t shared_age_ns = 60 * SECOND;
static const int64_t silence_ns = 200 * MS; /* of silence, after which the window moves on */
static const int64_t grace_ns = 2000 * MS;  /* for a late reply of a hop that replied before */
static const int64_t slot_lead_ns = 20 * MS;
/* How long a silent hop waits for tokens: for those that samples alone put off, and in all. */
static const int64_t stuck_ns = 3 * SECOND;
static const int64_t slots_most_ns = 100 * SECOND;
/* The kernel holds a packet back for three neighbour requests, 1 s apart. */
static const int64_t held_most_ns = 3000 * MS;
static const int64_t held_least_ns = 20 * MS; /* a shorter time is a delay of reading */
static const int64_t clock_slack_ns = 1 * MS;
static const int64_t full_queue_ns = 5 * MS; /* pause after ENOBUFS */
static const int64_t full_ring_ns = 10 * MS; /* pause when PROBES_MAX probes are kept */

struct trace *trace_new(const struct trace_config *config, struct pace *pace, int64_t now_ns,
                        trace_sink *sink, void *context, struct err *err)
{
    struct trace *t = calloc(1, sizeof *t + (config->max_hops + 1u) * sizeof t->ttls[0]);
    if (t == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a trace");
        return NULL;
    }
    t->config = *config;
    t->rules = hop_rules(config->packets,
                         config->interval_ns > 0 ? config->interval_ns : INTERVAL_USUAL_NS,
                         config->no_tests);
    for (int ttl = config->first_hop; ttl <= config->max_hops; ttl++)
        hop_begin(&t->ttls[ttl].hop, &t->rules);
    t->rules.trace = pace_serial(pace);
    t->rules.shared_from_ns =
        now_ns - (config->shared_age_ns > 0 ? config->shared_age_ns : shared_age_ns);
    t->pace = pace;
    t->sink = sink;
    t->context = context;
    t->started_ns = t->stepped_ns = t->horizon_moved_ns = now_ns;
    t->farthest = (uint8_t)(config->first_hop - 1);
    t->look_ns = INT64_MAX;
    if (config->known_hop > t->farthest && config->known_hop <= config->max_hops)
        t->farthest = config->known_hop;
    int horizon = t->farthest + TRACE_WINDOW;
    t->horizon = (uint8_t)(horizon < config->max_hops ? horizon : config->max_hops);
    return t;
}

void trace_abandon(struct trace *t)
{
    for (int ttl = t->config.first_hop; ttl <= t->config.max_hops; ttl++) {
        if (t->ttls[ttl].hop.sample != NULL)
            pace_leave(t->ttls[ttl].hop.sample, t->rules.trace);
        t->ttls[ttl].hop.sample = NULL;
    }
    prefixes_end(pace_prefixes(t->pace), t->rules.trace, t->prefix_place);
}

void trace_free(struct trace *t)
{
    if (t == NULL)
        return;
    trace_abandon(t);
    probes_fini(&t->probes);
    quantiles_fini(&t->rtts);
    free(t);
}

const struct trace_config *trace_config(const struct trace *t)
{
    return &t->config;
}

uint64_t trace_serial(const struct trace *t)
{
    return t->rules.trace;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- how far the path is probed ------------------------------------------------------------- */

/* The last TTL that is probed: if the end is doubtful, some TTLs beyond it. */
static int last_probed(const struct trace *t)
{
    return t->end != 0 && !t->end_doubtful ? t->end : t->horizon;
}

/* ---- outcomes ------------------------------------------------------------------------------ */

/* True for a probe of a burst. Survey probes have the timeout of counted ones, as they find the
 * path. */
static bool of_burst(const struct probe *p)
{
    return p->class == PROBE_TEST && p->place >= 0;
}

static bool is_answered(const struct probe *p)
{
    return p->state == PROBE_ANSWERED || p->state == PROBE_LATE;
}

/* Changes the state of a probe, and emits the event. No other function does. */
static void finish(struct trace *t, struct probe *p, enum probe_state state,
                   struct trace_event event, int64_t now_ns)
{
    bool was_open = p->state == PROBE_OPEN;

    assert(state != PROBE_OPEN && !is_answered(p)); /* an answered probe stays so */
    assert(was_open || state == PROBE_LATE || state == PROBE_UNREACHABLE);
    p->state = state;
    trace_emit(t, event, now_ns);
    trace_publish(t, p, &event);
    if (!was_open)
        return;
    assert(t->ttls[p->ttl].open > 0);
    t->ttls[p->ttl].open--;
    if (of_burst(p))
        trace_tested(t, p, now_ns);
}

static void finish_send_error(struct trace *t, struct probe *p, int error, int64_t now_ns)
{
    struct trace_event event = trace_about(p, EVENT_SEND_ERROR);

    event.error = error;
    t->last_error = error != 0 ? error : TRACE_VANISHED;
    struct hop *hop = &t->ttls[p->ttl].hop;
    bool of_replaced = hop->sample != NULL && p->place < 0; /* its sample was replaced */
    hop_send_error(hop, &t->rules, of_replaced ? PROBE_TEST : p->class, now_ns);
    trace_note_untested(t, p->ttl, now_ns);
    finish(t, p, PROBE_SEND_ERROR, event, now_ns);
}

static void refresh_reply_timeout(struct trace *t)
{
    if (t->p95_of == t->rtts.count)
        return;
    t->p95_of = t->rtts.count;
    t->p95_ns = (int64_t)quantiles_get(&t->rtts, 0.95);
    t->slowest_ns = 0;
    for (int ttl = t->config.first_hop; ttl <= t->horizon; ttl++)
        if (t->ttls[ttl].best_ns > t->slowest_ns)
            t->slowest_ns = t->ttls[ttl].best_ns;
}

static bool has_work(const struct trace *t)
{
    for (int ttl = t->config.first_hop; ttl <= trace_last_sampled(t); ttl++)
        if (!hop_is_settled(&t->ttls[ttl].hop) && t->ttls[ttl].hop.silent_tries == 0)
            return true;
    return false;
}

/* True if the target may be at this silent TTL, although it was met farther away: its first replies
 * may have been lost to a rate limit, and those that it sent do not quote the TTL that was left. */
static bool may_be_target(const struct trace *t, int ttl)
{
    const struct heard *end = &t->ttls[t->end].heard;
    return ttl < t->end && end->kind == HEARD_TARGET && !end->quoted;
}

/* When the samples of other traces at this TTL have a token for a silent hop of this trace; 0: no
 * sample, or the hop has waited long enough, as in a service there may always be another. */
static int64_t next_slot_ns(const struct trace *t, int ttl)
{
    if (t->stepped_ns - t->ttls[ttl].hop.retry_ns > slots_most_ns)
        return 0;
    int64_t slot_ns =
        pace_slot_ns(t->pace, &t->config.spec, (uint8_t)ttl, may_be_target(t, ttl), t->stepped_ns);
    int64_t held_ns = trace_held_slot_ns(t, (uint8_t)ttl, t->stepped_ns);
    return slot_ns > held_ns ? slot_ns : held_ns;
}

/* Finds the nearest silent hop, and chooses slots: where several samples are being taken, one of
 * them always has a later token than the others. So a silent hop that they alone have kept waiting
 * for stuck_ns chooses the next one. */
static void look_at_silent(struct trace *t)
{
    t->nearest_silent = 0;
    for (int ttl = t->config.first_hop; ttl <= last_probed(t); ttl++) {
        struct ttl *at = &t->ttls[ttl];
        if (t->nearest_silent == 0 && !at->hop.answered)
            t->nearest_silent = (uint8_t)ttl;
        if (!hop_is_retrying(&at->hop) || hop_due(&at->hop, &t->rules) > t->stepped_ns) {
            at->slot_wait_ns = at->slot_ns = 0;
            continue;
        }
        uint32_t moves = pace_moves(t->pace, &t->config.spec, (uint8_t)ttl, may_be_target(t, ttl));
        if (at->slot_wait_ns == 0 || at->slot_moves != moves) {
            at->slot_wait_ns = t->stepped_ns;
            at->slot_moves = moves;
            at->slot_ns = 0;
        } else if (at->slot_ns == 0 && t->stepped_ns - at->slot_wait_ns > stuck_ns) {
            at->slot_ns = next_slot_ns(t, ttl);
        }
    }
}

/* When a silent hop of this trace gets a token of other traces' samples; 0: never. */
static int64_t wake_slot_ns(const struct trace *t, int ttl)
{
    int64_t slot_ns = next_slot_ns(t, ttl), chosen_ns = t->ttls[ttl].slot_ns;
    return chosen_ns != 0 ? earlier(slot_ns, chosen_ns) : slot_ns;
}

static bool is_finished(const struct trace *t, int ttl)
{
    const struct ttl *at = &t->ttls[ttl];

    if (!hop_is_settled(&at->hop) || at->open > 0)
        return false;
    return at->hop.phase != HOP_DORMANT || hop_is_spent(&at->hop) || wake_slot_ns(t, ttl) == 0;
}

static bool is_ready(const struct trace *t)
{
    int last = trace_last_sampled(t);

    if (t->stepped_ns < t->grace_ns)
        return false;
    for (int ttl = t->config.first_hop; ttl <= last; ttl++)
        if (!is_finished(t, ttl))
            return false;
    if (t->end == 0 && t->horizon < t->config.max_hops)
        return false;
    for (int ttl = last + 1; ttl <= last_probed(t); ttl++)
        if (t->ttls[ttl].open > 0 || !hop_was_probed(&t->ttls[ttl].hop))
            return false;
    return true;
}

/* True if the capture did not show that the probe left this host, although it dropped nothing. */
static bool is_unseen(const struct trace *t, const struct probe *p, uint64_t capture_drops)
{
    return p->stamp_ns == 0 && p->drops == capture_drops && t->missing_tx_timestamp == 0;
}

static int64_t deadline_ns(const struct trace *t, const struct probe *p, uint64_t capture_drops)
{
    int64_t held_ns = is_unseen(t, p, capture_drops) ? held_most_ns : 0;
    return p->left_ns + trace_reply_timeout_ns(t, of_burst(p)) + held_ns;
}

/* A probe timed out. The run goes on for grace_ns, as its reply may only be late. */
static void time_out(struct trace *t, struct probe *p, int64_t now_ns)
{
    int64_t until_ns = p->left_ns + earlier(grace_ns, t->config.timeout_ns);

    p->during_drops = p->drops != t->drops;
    finish(t, p, PROBE_TIMED_OUT, trace_about(p, EVENT_TIMEOUT), now_ns);
    if (p->class == PROBE_COUNTED && t->ttls[p->ttl].hop.answered && t->grace_ns < until_ns)
        t->grace_ns = until_ns;
}

static void expire_probes(struct trace *t, int64_t now_ns, uint64_t capture_drops)
{
    struct probe *p = probes_next_open(&t->probes, t->probes.first_open);

    if (p != NULL && now_ns - p->sent_ns >= TEST_REPLY_TIMEOUT_NS)
        refresh_reply_timeout(t);
    while (p != NULL) {
        uint32_t number = p->number;
        if (now_ns >= deadline_ns(t, p, capture_drops)) {
            if (is_unseen(t, p, capture_drops))
                finish_send_error(t, p, 0, now_ns);
            else
                time_out(t, p, now_ns);
        }
        p = probes_next_open(&t->probes, number + 1);
    }
}

void trace_expire(struct trace *t, int64_t now_ns, uint64_t capture_drops)
{
    if (t->done)
        return;
    assert(now_ns >= t->stepped_ns);
    t->stepped_ns = now_ns;
    t->drops = capture_drops;
    expire_probes(t, now_ns, capture_drops);
    trace_read_shared(t, now_ns);
    if (t->end == 0 && !t->held && now_ns - t->horizon_moved_ns >= silence_ns)
        trace_advance_horizon(t, t->horizon + TRACE_WINDOW, now_ns);
    trace_skip_tests(t);
    trace_borrow(t, false, now_ns);
    trace_note_shared_limit(t, false, now_ns);
    t->at_work = has_work(t);
    look_at_silent(t);
    if (is_ready(t))
        trace_borrow(t, true, now_ns);
    if (is_ready(t) && !trace_awaits_others(t, now_ns) && !trace_awaits_shared_limit(t, now_ns)) {
        t->done = true;
        probes_forget(&t->probes);
        quantiles_fini(&t->rtts);
        trace_note_shared_limit(t, true, now_ns);
        prefixes_end(pace_prefixes(t->pace), t->rules.trace, t->prefix_place);
        trace_emit(t, (struct trace_event){ .kind = EVENT_DONE }, now_ns);
    }
}

/* ---- probes out ---------------------------------------------------------------------------- */

/* True if a nearer hop waits for a token: a probe to this TTL may take it, as the hop may be the
 * target. */
static bool is_held(const struct trace *t, int ttl)
{
    int at = t->farthest + 1;

    if (t->end != 0 || t->ttls[ttl].hop.answered)
        return false;
    while (at < ttl && (!hop_is_retrying(&t->ttls[at].hop) || hop_is_spent(&t->ttls[at].hop)))
        at++;
    return at < ttl && wake_slot_ns(t, at) != 0;
}

/* When the TTL's next probe is due; its bursts wait for those of other traces. */
static int64_t turn_ns(const struct trace *t, int ttl)
{
    const struct hop *hop = &t->ttls[ttl].hop;
    const struct heard *heard = trace_heard(t, ttl);
    int64_t due_ns = hop_due(hop, &t->rules);

    if (!hop_begins_burst(hop) || heard->kind == HEARD_NONE)
        return due_ns;
    int64_t burst_ns = bursts_free_ns(pace_bursts(t->pace), &heard->responder);
    return due_ns > burst_ns ? due_ns : burst_ns;
}

/* When the next probe of the TTL is due; INT64_MAX: never. */
static int64_t ttl_due(const struct trace *t, int ttl)
{
    const struct hop *hop = &t->ttls[ttl].hop;

    if ((ttl > trace_last_sampled(t) && hop_was_probed(hop)) || is_held(t, ttl))
        return INT64_MAX;
    int64_t due_ns = turn_ns(t, ttl);
    if (!hop_is_retrying(hop))
        return due_ns;
    int64_t slot_ns = wake_slot_ns(t, ttl);
    if (hop->phase == HOP_DORMANT && (slot_ns != 0 ? hop_is_spent(hop) : !t->at_work))
        return INT64_MAX;
    slot_ns -= t->ttls[ttl].first
                   ? slot_lead_ns
                   : slot_lead_ns / 2; /* before the trace that the token belongs to */
    return due_ns > slot_ns ? due_ns : slot_ns;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* When a probe of this TTL may be sent. */
static int64_t probe_due(const struct trace *t, int ttl)
{
    int64_t due_ns = later(ttl_due(t, ttl), trace_session_due(t, ttl));
    return due_ns == INT64_MAX ? due_ns : later(due_ns, trace_budget_due(t, ttl));
}

/* The TTL that is to be probed now; 0: none. With a shared sending rate the farthest goes first,
 * because its probes cross all links; but a silent hop that may be the target goes before those
 * beyond it, whose probes would take the target's tokens and places in its queue. */
static int next_ttl(const struct trace *t, int64_t now_ns)
{
    bool backwards = t->config.budget != NULL;
    int first = t->config.first_hop, last = last_probed(t), silent = t->nearest_silent;

    for (int ttl = silent; backwards && silent != 0 && may_be_target(t, ttl); ttl++)
        if (!t->ttls[ttl].hop.answered && probe_due(t, ttl) <= now_ns)
            return ttl;
    for (int i = first; i <= last; i++) {
        int ttl = backwards ? last - (i - first) : i;
        if (probe_due(t, ttl) <= now_ns)
            return ttl;
    }
    return 0;
}

bool trace_next(struct trace *t, int64_t now_ns, uint64_t capture_drops, struct wire_probe *out)
{
    assert(now_ns >= t->stepped_ns);
    if (t->done || t->held || now_ns < t->blocked_until_ns)
        return false;
    int ttl = next_ttl(t, now_ns);
    if (ttl == 0)
        return false;
    struct probe *p = probes_add(&t->probes, now_ns, 2 * t->config.timeout_ns);
    if (p == NULL) {
        t->blocked_until_ns = now_ns + full_ring_ns;
        return false;
    }
    struct ttl *at = &t->ttls[ttl];
    if (!hop_was_probed(&at->hop))
        t->horizon_moved_ns = now_ns; /* silence begins with the last TTL of the window */
    if (hop_is_retrying(&at->hop)) {
        const struct pace_key key = trace_pace_key(t, (uint8_t)ttl);
        if (at->held_ns != 0)
            trace_note_check(t, (uint8_t)ttl, now_ns);
        pace_yield_slot(t->pace, &t->config.spec, &key, may_be_target(t, ttl), now_ns);
    }
    p->flow = t->config.flow;
    p->ttl = (uint8_t)ttl;
    p->drops = capture_drops;
    p->paid = at->hop.phase == HOP_PACED;
    p->class = hop_take(&at->hop, &t->rules, now_ns, &p->place);
    if (of_burst(p) && trace_heard(t, ttl)->kind != HEARD_NONE)
        bursts_sent(pace_bursts(t->pace), &trace_heard(t, ttl)->responder, now_ns);
    if (at->hop.measuring)
        pace_measuring(at->hop.sample, now_ns);
    trace_budget_take(t, p, now_ns);
    trace_session_sent(t, p, now_ns);
    at->open++;
    at->sent_ns = now_ns;
    *out = (struct wire_probe){ .number = p->number, .flow = p->flow, .ttl = p->ttl };
    trace_emit(t, trace_about(p, EVENT_SENT), now_ns);
    trace_note_untested(t, p->ttl, now_ns);
    return true;
}

void trace_send_failed(struct trace *t, uint32_t number, int error, int64_t now_ns)
{
    struct probe *p = probes_get(&t->probes, number);
    if (p != NULL && p->state == PROBE_OPEN)
        finish_send_error(t, p, error, now_ns);
    if (error == ENOBUFS) /* the next probe would meet the same full queue */
        t->blocked_until_ns = now_ns + full_queue_ns;
}

void trace_end_session(struct trace *t, int64_t now_ns)
{
    struct probe *p = probes_next_open(&t->probes, t->probes.first_open);

    t->held = true;
    while (p != NULL) {
        uint32_t number = p->number;
        p->annulled = trace_session_carries(t, p);
        if (p->annulled)
            finish_send_error(t, p, ECONNRESET, now_ns);
        p = probes_next_open(&t->probes, number + 1);
    }
}

/* ---- packets in ---------------------------------------------------------------------------- */

int64_t trace_seen(struct trace *t, const struct wire_packet *packet, struct trace_stamp stamp)
{
    struct probe *p = match_probe(&t->probes, &t->config.spec, &packet->probe);

    if (p == NULL || p->ttl != packet->ttl)
        return 0;
    match_note_form(p, &t->config.spec, &packet->probe);
    if (p->stamp_ns == 0 && stamp.seen_ns - p->sent_ns > held_least_ns)
        p->left_ns = stamp.seen_ns;
    if (p->state == PROBE_OPEN) { /* stacked interfaces: the last copy is nearest to the wire */
        p->stamp_ns = stamp.ns;
        p->stamp_epoch = stamp.epoch;
    }
    return p->state == PROBE_OPEN ? deadline_ns(t, p, t->drops) : INT64_MAX;
}

/* The RTT, or -1 if CLOCK_REALTIME was adjusted: it must not exceed the monotonic time since the
 * probe was sent. */
static int64_t round_trip(struct trace *t, const struct probe *p, struct trace_stamp stamp,
                          struct trace_event *event)
{
    if (p->stamp_ns == 0) {
        t->missing_tx_timestamp++;
        return -1;
    }
    int64_t rtt_ns = stamp.ns - p->stamp_ns, gone_ns = stamp.seen_ns - p->sent_ns;
    if (p->stamp_epoch != stamp.epoch || rtt_ns < 0 || rtt_ns > gone_ns + clock_slack_ns) {
        t->clock_adjustments++;
        event->clock_adjustment = true;
        return -1;
    }
    return rtt_ns;
}

static void note_rtt(struct trace *t, struct ttl *at, int64_t rtt_ns)
{
    if (rtt_ns < 0)
        return;
    (void)quantiles_add(&t->rtts, rtt_ns); /* without memory the timeout stays as it is */
    if (at->best_ns == 0 || rtt_ns < at->best_ns)
        at->best_ns = rtt_ns;
}

static void take_token(struct trace *t, const struct probe *p, const struct wire_packet *reply,
                       int64_t now_ns)
{
    if (!p->paid && reply->kind != WIRE_ECHO_REPLY)
        pace_answered(t->pace, &reply->from, now_ns);
}

static void first_answer(struct trace *t, struct probe *p, struct trace_event event, int64_t now_ns)
{
    bool in_time = p->state == PROBE_OPEN;

    event.kind = in_time ? EVENT_REPLY : EVENT_LATE;
    event.was_unreachable = p->state == PROBE_UNREACHABLE;
    if (event.kind == EVENT_LATE && p->class == PROBE_COUNTED && t->late_ns < event.rtt_ns)
        t->late_ns = event.rtt_ns;
    note_rtt(t, &t->ttls[p->ttl], event.rtt_ns);
    if (in_time)
        trace_budget_learn(t, p, wire_is_direct(event.reply->kind), event.rtt_ns);
    t->ttls[p->ttl].answered_ns = now_ns;
    take_token(t, p, event.reply, now_ns);
    trace_learn(t, p, event.reply, event.from_target, now_ns);
    finish(t, p, in_time ? PROBE_ANSWERED : PROBE_LATE, event, now_ns);
}

/* The first packet about this probe says that it did not arrive. */
static void first_error(struct trace *t, struct probe *p, struct trace_event event, int64_t now_ns)
{
    event.kind = EVENT_UNREACHABLE;
    event.late = p->state == PROBE_TIMED_OUT;
    t->stopped_ns = now_ns;
    take_token(t, p, event.reply, now_ns);
    trace_learn_stop(t, p, event.reply, now_ns);
    finish(t, p, PROBE_UNREACHABLE, event, now_ns);
}

/* An error from this host's own address for a probe that the capture did not show: a rule of this
 * host refused to send it. */
static bool is_own_refusal(const struct trace *t, const struct probe *p,
                           const struct wire_packet *packet)
{
    return p->stamp_ns == 0 && ipaddr_equal(&packet->from, &t->config.spec.source) &&
           trace_is_error_from_elsewhere(t, packet);
}

/* The errno of an error of this host's own: an unresolved neighbour, or a firewall rule. */
static int errno_of(const struct wire_packet *packet)
{
    bool four = packet->from.version == 4;
    bool unreachable = packet->kind == WIRE_UNREACHABLE && packet->type == (four ? 3 : 1);

    return unreachable && packet->code == (four ? 1 : 3) ? EHOSTUNREACH : EPERM;
}

/* True if the packet decides the outcome of a probe: an error from elsewhere changes no outcome, a
 * reply to a probe that was reported unreachable does. */
static bool is_first(const struct probe *p, bool from_elsewhere)
{
    return !is_answered(p) && !(from_elsewhere && p->state == PROBE_UNREACHABLE);
}

bool trace_reply(struct trace *t, const struct wire_packet *packet, struct trace_stamp stamp,
                 int64_t now_ns)
{
    struct probe *p =
        packet->kind != WIRE_BARE_RST
            ? match_reply(&t->probes, &t->config.spec, packet, now_ns, t->config.timeout_ns)
            : NULL;
    if (p == NULL)
        p = trace_session_answered(t, packet, now_ns);
    if (p == NULL)
        return false;
    if (t->done || p->annulled)
        return true;
    bool from_elsewhere = trace_is_error_from_elsewhere(t, packet);
    bool first = is_first(p, from_elsewhere);
    if (!first && p->answer_link != stamp.link)
        return true; /* the same packet on a stacked interface */

    struct trace_event event = trace_about(p, EVENT_DUPLICATE);
    event.reply = packet;
    event.from_target =
        wire_is_direct(packet->kind) || ipaddr_equal(&packet->from, &t->config.spec.target);
    event.from_elsewhere = from_elsewhere;
    event.was_error = p->state == PROBE_SEND_ERROR;
    if (first) {
        p->answer_link = stamp.link;
        p->bare_from = match_is_bare(&t->config.spec, packet) ? ipaddr_hash(&packet->from) : 0;
    }
    if (is_own_refusal(t, p, packet)) {
        if (p->state == PROBE_OPEN)
            finish_send_error(t, p, errno_of(packet), now_ns);
        return true;
    }
    if (stamp.seen_ns == 0)
        stamp.seen_ns = now_ns;
    event.rtt_ns = round_trip(t, p, stamp, &event);
    if (!first)
        trace_emit(t, event, now_ns);
    else if (from_elsewhere)
        first_error(t, p, event, now_ns);
    else
        first_answer(t, p, event, now_ns);
    return true;
}

/* ---- state ------------------------------------------------------------------------------- */

static int64_t send_due(const struct trace *t)
{
    int64_t due = INT64_MAX;

    for (int ttl = t->config.first_hop; ttl <= last_probed(t); ttl++)
        due = earlier(due, probe_due(t, ttl));
    return due > t->blocked_until_ns ? due : t->blocked_until_ns;
}

/* The next deadline. Probes of one kind have the same timeout, so the oldest of each kind is
 * enough; those that the kernel may hold back are kinds of their own. */
static int64_t deadline_due(const struct trace *t)
{
    int64_t due = INT64_MAX;
    struct probes probes = t->probes; /* a copy, as first_open may advance */
    bool seen[2][2] = { { false } };
    int left = 4;
    struct probe *p = probes_next_open(&probes, probes.first_open);

    for (; p != NULL && left > 0; p = probes_next_open(&probes, p->number + 1)) {
        bool *known = &seen[of_burst(p)][is_unseen(t, p, t->drops)];
        if (!*known) {
            due = earlier(due, deadline_ns(t, p, t->drops));
            left--;
        }
        *known = true;
    }
    return due;
}

int64_t trace_due(const struct trace *t)
{
    if (t->done)
        return INT64_MAX;
    if (is_ready(t)) /* after a send error as the last outcome there is no deadline */
        return t->ready_ns != 0 ? t->look_ns : t->stepped_ns;
    int64_t due = earlier(earlier(send_due(t), deadline_due(t)), t->look_ns);
    if (t->end == 0 && !t->held && t->horizon < t->config.max_hops)
        due = earlier(due, t->horizon_moved_ns + silence_ns);
    return t->grace_ns > t->stepped_ns ? earlier(due, t->grace_ns) : due;
}

bool trace_done(const struct trace *t)
{
    return t->done;
}

bool trace_shares(const struct trace *t)
{
    return t->shares && !t->done;
}

void trace_summary(const struct trace *t, struct trace_summary *out)
{
    const struct heard *end = trace_heard(t, t->end);

    *out = (struct trace_summary){ .end_ttl = t->end,
                                   .sent = t->probes.next - t->shared,
                                   .started_ns = t->started_ns,
                                   .elapsed_ns = t->stepped_ns - t->started_ns,
                                   .clock_adjustments = t->clock_adjustments,
                                   .missing_tx_timestamp = t->missing_tx_timestamp,
                                   .link_rate = trace_budget_link(t),
                                   .last_error = t->last_error };
    for (int ttl = t->config.first_hop; ttl <= t->config.max_hops; ttl++)
        if (hop_was_probed(&t->ttls[ttl].hop))
            out->probed_ttl = (uint8_t)ttl;
    if (!t->done)
        return;
    out->ending = t->end == 0 ? TRACE_SILENT : t->ending;
    if (out->ending == TRACE_UNREACHABLE) {
        out->end_type = end->type;
        out->end_code = end->code;
    }
}

bool trace_ends_better(const struct trace_summary *a, const struct trace_summary *b)
{
    if (a->ending == b->ending)
        return a->end_ttl > b->end_ttl;
    return a->ending == TRACE_REACHED;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Burst tests of a trace, new samples at the interval that a responder allows, and samples shared
 * with other traces. */
#include "engine/trace_inside.h"

#include "base/units.h"

#include <assert.h>

/* Linux reports an outage at least once a second while probes meet it. */
static const int64_t outage_ns = 1200 * MS;

/* The longest interval of a sample: with a longer one, it would take too long. */
static const int64_t most_ns = 3600 * MS;

/* Emits the interval of the hop's sample. With too long an interval no sample is taken. */
static void emit_spacing(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    struct ttl *at = &t->ttls[ttl];
    struct trace_event event = {
        .kind = EVENT_RATE_LIMITED, .ttl = ttl, .flow = t->config.flow, .probe = t->probes.next
    };

    at->emitted_interval_ns = pace_spacing_ns(at->hop.sample);
    if (at->emitted_interval_ns > most_ns)
        at->hop.phase = HOP_SETTLED;
    event.rate_limit.evidence = pace_evidence(at->hop.sample);
    event.rate_limit.sample_interval_ns = at->emitted_interval_ns;
    trace_emit(t, event, now_ns);
}

/* Emits the interval of a joined sample, once another trace has measured it. */
static void emit_measured(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    const struct ttl *at = &t->ttls[ttl];

    if (at->hop.phase == HOP_PACED && at->hop.counted == 0 &&
        at->emitted_interval_ns != pace_spacing_ns(at->hop.sample))
        emit_spacing(t, ttl, now_ns);
}

/* Without memory for a sample the initial one stands. */
void trace_rate_limit(struct trace *t, uint8_t ttl, struct pace_sample *sample, bool borrowed,
                      int64_t now_ns)
{
    struct hop *hop = &t->ttls[ttl].hop;

    if (sample == NULL) {
        hop->phase = HOP_SETTLED;
        return;
    }
    if (hop->sample != NULL)
        pace_leave(hop->sample, t->rules.trace);
    if (borrowed)
        hop_borrow(hop, &t->rules, sample);
    else
        hop_pace(hop, &t->rules, sample);
    t->shares = true;
    t->ttls[ttl].untested = false;
    emit_spacing(t, ttl, now_ns);
}

void trace_note_untested(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    struct ttl *at = &t->ttls[ttl];
    bool untested = hop_is_untested(&at->hop, &t->rules);
    struct trace_event event = { .kind = untested ? EVENT_UNTESTED : EVENT_TESTED,
                                 .ttl = ttl,
                                 .flow = t->config.flow };

    if (untested == at->untested)
        return;
    at->untested = untested;
    trace_emit(t, event, now_ns);
}

struct pace_key trace_pace_key(const struct trace *t, uint8_t ttl)
{
    const struct heard *heard = trace_heard(t, ttl);
    return (struct pace_key){ .responder = heard->responder,
                              .refuses = trace_ends_by_error(t, ttl),
                              .protocol = t->config.spec.protocol,
                              .ttl = ttl,
                              .direct = heard->direct,
                              .path_hashes = t->path_hashes };
}

/* True if a router reports an outage and nothing at or beyond this TTL replies: unanswered probes
 * are then no evidence of a rate limit here. */
static bool is_outage(const struct trace *t, const struct probe *p)
{
    if (t->stopped_ns == 0 || t->stopped_ns < p->sent_ns - outage_ns || t->end_by_error)
        return false;
    for (int ttl = p->ttl; ttl <= t->config.max_hops; ttl++)
        if (t->ttls[ttl].answered_ns >= t->stopped_ns)
            return false;
    return true;
}

static enum hop_answer answer_to(const struct trace *t, const struct probe *p)
{
    const struct ttl *at = &t->ttls[p->ttl];

    switch (p->state) {
    case PROBE_TIMED_OUT:
        return is_outage(t, p) ? HOP_VOID : HOP_LOST;
    case PROBE_UNREACHABLE: /* the hop itself refused a probe that would have expired there */
        return trace_ends_by_error(t, p->ttl) ||
                       ipaddr_equal(&at->heard.responder, &at->stop.responder)
                   ? HOP_ANSWERED
                   : HOP_VOID;
    case PROBE_SEND_ERROR: /* no evidence of a rate limit */
    case PROBE_ANSWERED:
    case PROBE_LATE:
    case PROBE_OPEN:
        break;
    }
    return HOP_ANSWERED;
}

/* The hop seems to rate-limit. Joins the sample of another trace that found this before, else
 * measures the refill interval; where bursts of others show no rate limit, it is tested again. */
static void found_limit(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    struct hop *hop = &t->ttls[ttl].hop;

    if (trace_heard(t, ttl)->kind == HEARD_NONE) { /* only send errors, no reply */
        hop->phase = HOP_SETTLED;
        return;
    }
    const struct pace_key key = trace_pace_key(t, ttl);
    const struct pace_evidence seen = { hop->retest.length, hop->retest.answered };
    bool known = pace_free_ns(t->pace, &key.responder) > now_ns;
    if (!known && bursts_contradict(pace_bursts(t->pace), &key.responder, hop_since_ns(hop)) &&
        hop_doubt(hop, now_ns))
        return;
    struct pace_sample *sample = pace_rate_limit(t->pace, &key, seen, TOKEN_NS, hop->tested_ns);
    if (sample == NULL || known) {
        trace_rate_limit(t, ttl, sample, false, now_ns);
        return;
    }
    hop_measure(hop, sample, bursts_last_ns(pace_bursts(t->pace), &key.responder));
    pace_measuring(sample, now_ns);
}

/* The refill interval is known: begins the new sample. The last burst has emptied the bucket. */
static void measured(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    struct hop *hop = &t->ttls[ttl].hop;
    struct pace_sample *sample = hop->sample;

    hop->sample = NULL; /* trace_rate_limit takes it over */
    if (hop_has_stopped(hop))
        pace_stopped(sample, now_ns);
    else
        pace_measured(sample, hop_spacing_ns(hop), hop->tested_ns + hop_wait_ns(hop));
    trace_rate_limit(t, ttl, sample, false, now_ns);
}

/* No rate limit: the hop's own sample stands. */
static void refuted(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    struct pace_sample *sample = t->ttls[ttl].hop.sample;

    t->ttls[ttl].hop.sample = NULL;
    pace_refuted(sample, now_ns);
    pace_leave(sample, t->rules.trace);
}

/* What the burst behind a sample has shown is worth something to other traces. */
static void note_tests(struct trace *t, const struct heard *heard, enum hop_verdict verdict,
                       int64_t tested_ns)
{
    if (heard->kind == HEARD_NONE)
        return;
    if (verdict == HOP_STANDS)
        bursts_passed(pace_bursts(t->pace), &heard->responder, tested_ns);
    else if (verdict == HOP_NEEDS_RETEST)
        bursts_failed(pace_bursts(t->pace), &heard->responder);
}

void trace_tested(struct trace *t, const struct probe *p, int64_t now_ns)
{
    uint8_t ttl = p->ttl;
    struct hop *hop = &t->ttls[ttl].hop;

    bool of_tests = hop->phase == HOP_JUDGE;
    enum hop_verdict verdict = hop_tested(hop, p->place, answer_to(t, p), now_ns);
    if (of_tests)
        note_tests(t, trace_heard(t, ttl), verdict, hop->tested_ns);
    if (verdict == HOP_RATE_LIMITED)
        found_limit(t, ttl, now_ns);
    else if (verdict == HOP_MEASURED)
        measured(t, ttl, now_ns);
    else if (verdict == HOP_REFUTED)
        refuted(t, ttl, now_ns);
    trace_note_untested(t, ttl, now_ns);
}

void trace_join_known(struct trace *t, uint8_t ttl, int64_t now_ns)
{
    const struct hop *hop = &t->ttls[ttl].hop;
    const struct pace_key key = trace_pace_key(t, ttl);

    if (hop->sample != NULL || hop->phase == HOP_SETTLED || !hop->answered)
        return;
    struct pace_sample *sample = pace_known(t->pace, &key, now_ns);
    if (sample != NULL)
        trace_rate_limit(t, ttl, sample, false, now_ns);
}

/* Emits another trace's probe and its outcome as shared events. */
static void take_shared(struct trace *t, uint8_t ttl, const struct pace_outcome *outcome,
                        int64_t now_ns)
{
    struct probe *p = probes_add(&t->probes, now_ns, 2 * t->config.timeout_ns);
    if (p == NULL)
        return;
    t->shared++;
    p->flow = t->config.flow;
    p->ttl = ttl;
    p->state = outcome->state == PACE_ANSWERED ? PROBE_ANSWERED : PROBE_TIMED_OUT;
    struct trace_event event = trace_about(p, EVENT_SENT);
    event.shared = true;
    trace_emit(t, event, now_ns);
    event.kind = EVENT_TIMEOUT;
    event.during_drops = p->during_drops = outcome->during_drops;
    if (outcome->state == PACE_ANSWERED) {
        event.kind =
            trace_is_error_from_elsewhere(t, &outcome->reply) ? EVENT_UNREACHABLE : EVENT_REPLY;
        event.from_elsewhere = event.kind == EVENT_UNREACHABLE;
        event.rtt_ns = outcome->rtt_ns;
        event.from_target = outcome->from_target;
        event.reply = &outcome->reply;
    }
    trace_emit(t, event, now_ns);
}

void trace_read_shared(struct trace *t, int64_t now_ns)
{
    const struct pace_outcome *outcome;

    for (int ttl = t->config.first_hop; t->shares && ttl <= t->horizon; ttl++) {
        emit_measured(t, (uint8_t)ttl, now_ns);
        while ((outcome = hop_read_shared(&t->ttls[ttl].hop, &t->rules)) != NULL)
            take_shared(t, (uint8_t)ttl, outcome, now_ns);
    }
}

void trace_publish(struct trace *t, const struct probe *p, const struct trace_event *event)
{
    struct pace_outcome outcome = { .state = PACE_LOST,
                                    .rtt_ns = event->rtt_ns,
                                    .from_target = event->from_target,
                                    .during_drops = p->during_drops };

    if (p->class != PROBE_COUNTED || p->place < 0)
        return;
    /* An error from elsewhere shows nothing about this hop, unless the path ends by it. */
    bool elsewhere = event->kind == EVENT_UNREACHABLE && !trace_ends_by_error(t, p->ttl);
    if (elsewhere || event->kind == EVENT_SEND_ERROR) {
        outcome.state = PACE_VOID;
    } else if (event->reply != NULL) {
        outcome.state = PACE_ANSWERED;
        outcome.reply = *event->reply;
    }
    assert(t->ttls[p->ttl].hop.sample != NULL);
    pace_finish(t->pace, t->ttls[p->ttl].hop.sample, p->place, &outcome);
}

void trace_skip_tests(struct trace *t)
{
    for (int ttl = t->config.first_hop; ttl <= t->horizon; ttl++) {
        struct hop *hop = &t->ttls[ttl].hop;
        if (hop->phase != HOP_TEST || !hop_begins_burst(hop) || !hop->answered)
            continue;
        const struct heard *heard = trace_heard(t, ttl);
        if (heard->kind == HEARD_NONE ||
            !bursts_have_passed(pace_bursts(t->pace), &heard->responder, hop->due_ns))
            continue;
        hop_stand(hop);
        trace_note_untested(t, (uint8_t)ttl, t->stepped_ns);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold after each step. */
#include "machines_inside.h"

#include "replay.h"

static bool is_alive(const struct machines *m, uint64_t serial)
{
    for (int i = 0; i < SLOTS; i++)
        if (m->slots[i].kind == MACHINE_TRACE && trace_serial(m->slots[i].state) == serial)
            return true;
    return false;
}

static void check_outcome(void *context, const struct pace_outcome *outcome)
{
    replay_require(outcome->state != PACE_OPEN || is_alive(context, outcome->owner),
                   "no outcome is owned by the dead");
}

void machines_check_pace(const struct machines *m)
{
    struct pace_usage usage = pace_usage(m->pace);

    pace_visit(m->pace, check_outcome, (void *)m);
    replay_require(usage.idle <= PACE_IDLE, "idle samples have a bound");
    replay_require(usage.bare <= PACE_RESPONDERS + 1, "responders have a bound");
    replay_require(usage.most_outcomes <= PACE_KEPT, "outcomes have a bound");
}

static void check_hop(const struct counters_hop *hop)
{
    uint32_t received = 0;

    replay_require(hop->received + hop->unreachable <= hop->sent, "no more outcomes than probes");
    replay_require(hop->lost_during_drops + hop->received + hop->unreachable <= hop->sent,
                   "what may have been dropped was lost");
    replay_require(hop->in_flight < 100000 && hop->send_errors < 1000000, "counts are above 0");
    replay_require(hop->responder_count <= COUNTERS_RESPONDERS, "responders of a hop have a bound");
    replay_require(hop->run_count <= COUNTERS_RUNS && hop->lost_count <= COUNTERS_LOST,
                   "what is named of a hop has a bound");
    for (size_t i = 0; i < hop->responder_count; i++)
        received += hop->responders[i].elsewhere ? 0 : hop->responders[i].received;
    replay_require(received <= hop->received, "responders add up to the hop");
}

void machines_check(const struct machines *m)
{
    machines_check_pace(m);
    for (int i = 0; i < SLOTS; i++) {
        const struct slot *s = &m->slots[i];
        if (s->kind != MACHINE_TRACE)
            continue;
        struct trace_summary summary;
        trace_summary(s->state, &summary);
        for (size_t ttl = 1; ttl < s->counters->hop_count; ttl++) {
            const struct counters_hop *hop = &s->counters->hops[ttl];
            check_hop(hop);
            replay_require(!trace_done(s->state) || ttl > summary.end_ttl || hop->in_flight == 0,
                           "no probe of a path that has ended is without an outcome");
        }
        replay_require(trace_done(s->state) == (summary.ending != TRACE_RUNNING),
                       "an end has a name");
    }
}

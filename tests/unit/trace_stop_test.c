/* SPDX-License-Identifier: BSD-2-Clause */
/* The effect of a stopped trace on other traces. */
#include "check.h"
#include "world.h"

static struct world world, *const w = &world;

static void note_open(void *context, const struct pace_outcome *outcome)
{
    *(bool *)context |= outcome->state == PACE_OPEN;
}

/* A trace that shares the stopped trace's sample does not wait for its probes in flight. */
static void test_stopped(void)
{
    static struct world other;
    bool open = false;

    check_case("a_trace_that_was_stopped_keeps_no_other_from_ending");
    world_new(w);
    const struct pace_key key = { .responder = world_router(w, 2), .ttl = 2 };
    pace_rate_limit(w->pace, &key, (struct pace_evidence){ 16, 1 }, 1000 * MS, 0);
    w->rtt_ns[2] = 300 * MS;
    world_begin(w);
    for (int64_t until_ns = 0; !open && until_ns < 30 * SECOND; until_ns += 100 * MS) {
        world_run(w, until_ns);
        pace_visit(w->pace, note_open, &open);
    }
    check_that(open, "nothing is under way");
    trace_abandon(w->trace);

    world_new(&other);
    pace_free(other.pace);
    other.pace = w->pace;
    other.now_ns = w->now_ns;
    world_begin(&other);
    world_run(&other, w->now_ns + 120 * SECOND);
    check_that(trace_done(other.trace), "the other one does not end");
    check_int("sent", counters_hop_at(other.counters, 2)->sent, 10);
    trace_free(other.trace);
    other.trace = NULL;
    other.pace = NULL;
    world_free(&other);
    world_free(w);
}

int main(void)
{
    test_stopped();
    return check_done();
}

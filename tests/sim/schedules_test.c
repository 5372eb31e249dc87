/* SPDX-License-Identifier: BSD-2-Clause */
/* Random schedules over all state machines, each from a seed and so the same in every run: see
 * tests/fuzz/machines.h. Arguments: how many, and the first seed. tests/bench/schedules_bench runs
 * a million of them. */
#include "check.h"
#include "machines.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SCHEDULES = 10000,
    QUICK = 100,   /* under valgrind */
    ENOUGH = 1000, /* that all has been tried that there is to try */
    SHORTEST = 24, /* choices */
    LONGEST = 160,
    HANGS_AFTER = 60, /* seconds in one schedule */
};

static char now_running[80];

/* The broken promise has been printed; this names the schedule. */
static void give_up(int number)
{
    const char *why = number == SIGALRM ? "an endless loop\n" : "a promise is broken\n";

    (void)!write(STDOUT_FILENO, now_running, strlen(now_running));
    (void)!write(STDOUT_FILENO, why, strlen(why));
    _exit(1);
}

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64, Steele et al. 2014 */
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void run(uint64_t seed, struct machines_counts *counts)
{
    const struct machines_plan plan = { .to_the_end = true };
    struct source source = { .random = mix(seed) | 1 };

    source.size = SHORTEST + mix(seed + 1) % (LONGEST - SHORTEST);
    snprintf(now_running, sizeof now_running,
             "\nnot ok schedules - seed %llu: ", (unsigned long long)seed);
    alarm(HANGS_AFTER);
    machines_run(&source, &plan, counts);
    alarm(0);
}

/* Of a few schedules none may share a sample. */
static void check_tried(const struct machines_counts *counts, uint64_t count)
{
    check_case("the_schedules_try_what_they_are_for");
    check_that(counts->started[MACHINE_TRACE] > count, "too few traces");
    for (int kind = MACHINE_PATHS; kind <= MACHINE_ASK; kind++)
        check_that(counts->started[kind] > count / 10, "too few machines %d", kind);
    check_that(counts->rate_limited > count / 100, "too few rate limits");
    check_that(counts->shared > count / 100, "too few shared samples");
    check_that(counts->replies > count * 10, "too few replies");
    check_that(counts->sessions > count / 10, "too few sessions");
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : check_quick() ? QUICK : SCHEDULES;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct machines_counts counts = { 0 };

    signal(SIGALRM, give_up);
    signal(SIGABRT, give_up);
    check_case("all_promises_hold_in_%ld_random_schedules", count);
    for (long i = 0; i < count; i++)
        run(first + (uint64_t)i, &counts);
    if (count >= ENOUGH)
        check_tried(&counts, (uint64_t)count);
    printf("# %llu turns, %llu probes, %llu replies, %llu rate limits, %llu shared outcomes, "
           "%llu sessions\n",
           (unsigned long long)counts.turns, (unsigned long long)counts.probes,
           (unsigned long long)counts.replies, (unsigned long long)counts.rate_limited,
           (unsigned long long)counts.shared, (unsigned long long)counts.sessions);
    return check_done();
}

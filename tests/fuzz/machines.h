/* SPDX-License-Identifier: BSD-2-Clause */
/* All state machines of the engine at once, in virtual time: traces that share a pace, searches of
 * paths and of the path MTU, fingerprinting. What happens comes from a source: what is started,
 * stopped and closed, how the network behaves, which replies are lost, repeated, overtaken, late or
 * changed, when clocks jump. After each step the promises of the engine are checked; one that does
 * not hold ends the program. No socket, no clock, no sleep. */
#ifndef MTR_MACHINES_H
#define MTR_MACHINES_H

#include "source.h"

/* What a run has come to, so that a test can tell that it tries something. */
struct machines_counts {
    uint64_t started[5]; /* by enum machine */
    uint64_t turns, probes, replies, shared, rate_limited, sessions;
};

enum machine { MACHINE_NONE, MACHINE_TRACE, MACHINE_PATHS, MACHINE_MTU, MACHINE_ASK };

/* How a run is made. */
struct machines_plan {
    bool to_the_end;   /* what still runs when the choices are over must end by itself */
    bool brief;        /* for very many runs: short paths, few turns however much time passes */
    enum machine only; /* MACHINE_NONE: all kinds */
};

void machines_run(struct source *source, const struct machines_plan *plan,
                  struct machines_counts *counts);

#endif

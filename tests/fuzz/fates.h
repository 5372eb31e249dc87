/* SPDX-License-Identifier: BSD-2-Clause */
/* What became of each probe of a trace, by its events: each is sent once, and has one outcome at a
 * time, whoever sent it. Ends the program where that does not hold. */
#ifndef MTR_FATES_H
#define MTR_FATES_H

#include "engine/trace.h"

#include <stddef.h>

struct fates {
    uint8_t *of; /* by number: an enum fate */
    size_t capacity;
};

/* {0} is a valid beginning. */
void fates_event(struct fates *fates, const struct trace_event *event);
void fates_fini(struct fates *fates);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "fates.h"

#include "replay.h"

#include <stdlib.h>
#include <string.h>

enum fate { FATE_NONE, FATE_OPEN, FATE_ANSWERED, FATE_LOST, FATE_UNREACHABLE, FATE_NOT_SENT };

enum { FIRST_CAPACITY = 256 };

#define FROM(fate) (1U << (fate))

/* What an event makes of a probe, and from which fates; FATE_NONE: it stays what it was. */
struct turn {
    enum fate to;
    unsigned from;
};

static const struct turn turns[EVENT_KIND_COUNT] = {
    [EVENT_SENT] = { FATE_OPEN, FROM(FATE_NONE) },
    [EVENT_REPLY] = { FATE_ANSWERED, FROM(FATE_OPEN) },
    [EVENT_LATE] = { FATE_ANSWERED,
                     FROM(FATE_LOST) | FROM(FATE_UNREACHABLE) | FROM(FATE_NOT_SENT) },
    [EVENT_DUPLICATE] = { FATE_NONE, FROM(FATE_ANSWERED) | FROM(FATE_UNREACHABLE) },
    [EVENT_UNREACHABLE] = { FATE_UNREACHABLE,
                            FROM(FATE_OPEN) | FROM(FATE_LOST) | FROM(FATE_NOT_SENT) },
    [EVENT_TIMEOUT] = { FATE_LOST, FROM(FATE_OPEN) },
    [EVENT_SEND_ERROR] = { FATE_NOT_SENT, FROM(FATE_OPEN) },
};

static uint8_t *fate_of(struct fates *fates, uint32_t probe)
{
    size_t capacity = fates->capacity == 0 ? FIRST_CAPACITY : fates->capacity;

    while (capacity <= probe)
        capacity *= 2;
    if (capacity > fates->capacity) {
        fates->of = realloc(fates->of, capacity);
        if (fates->of == NULL)
            abort();
        memset(fates->of + fates->capacity, FATE_NONE, capacity - fates->capacity);
        fates->capacity = capacity;
    }
    return &fates->of[probe];
}

void fates_event(struct fates *fates, const struct trace_event *event)
{
    const struct turn *turn = &turns[event->kind];
    uint8_t *fate;

    if (turn->from == 0)
        return; /* it is about no probe's outcome */
    fate = fate_of(fates, event->probe);
    replay_require((turn->from & FROM(*fate)) != 0, "a probe is sent once and has one outcome");
    if (turn->to != FATE_NONE)
        *fate = (uint8_t)turn->to;
}

void fates_fini(struct fates *fates)
{
    free(fates->of);
    *fates = (struct fates){ 0 };
}

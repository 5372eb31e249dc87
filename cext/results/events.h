/* SPDX-License-Identifier: BSD-2-Clause */
/* A bounded queue of events, for readers that poll. Pure. */
#ifndef MTR_RESULTS_EVENTS_H
#define MTR_RESULTS_EVENTS_H

#include "engine/trace.h"

enum { EVENTS_MAX = 65536 }; /* unread events; further ones are counted and dropped */

struct events_entry {
    struct trace_event event;
    struct wire_packet reply; /* event.reply points here after events_take, or is NULL */
};

struct events {
    struct events_entry *entries;
    size_t count, capacity;
    uint64_t dropped;
};

/* {0} is a valid empty queue. */
void events_add(struct events *queue, const struct trace_event *event);

/* Moves all events to *out, which owns them, and leaves the queue empty. */
void events_take(struct events *queue, struct events *out);
void events_fini(struct events *queue);

#endif

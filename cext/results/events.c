/* SPDX-License-Identifier: BSD-2-Clause */
#include "results/events.h"

#include <assert.h>
#include <stdlib.h>

static int grow(struct events *queue)
{
    size_t capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
    if (capacity > EVENTS_MAX)
        return -1;
    struct events_entry *entries = realloc(queue->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return -1;
    queue->entries = entries;
    queue->capacity = capacity;
    return 0;
}

void events_add(struct events *queue, const struct trace_event *event)
{
    if (queue->count == queue->capacity && grow(queue) < 0) {
        queue->dropped++;
        return;
    }
    assert(queue->count < queue->capacity && queue->capacity <= EVENTS_MAX);
    struct events_entry *entry = &queue->entries[queue->count++];
    entry->event = *event;
    if (event->reply != NULL)
        entry->reply = *event->reply;
}

void events_take(struct events *queue, struct events *out)
{
    *out = *queue;
    *queue = (struct events){ 0 };
    for (size_t i = 0; i < out->count; i++)
        if (out->entries[i].event.reply != NULL)
            out->entries[i].event.reply = &out->entries[i].reply;
}

void events_fini(struct events *queue)
{
    free(queue->entries);
    *queue = (struct events){ 0 };
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/probes.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = BOUND(64, 16) };

static struct probe *slot(const struct probes *set, uint32_t number)
{
    return &set->ring[number & (set->capacity - 1)];
}

/* True if the kept numbers fit into the ring, which is bounded, and first_open is one of them. */
static inline bool holds(const struct probes *set)
{
    uint32_t kept = set->next - set->oldest, passed = set->first_open - set->oldest;

    return (set->capacity & (set->capacity - 1)) == 0 && set->capacity <= PROBES_MAX &&
           kept <= set->capacity && passed <= kept &&
           (passed == 0 || slot(set, set->first_open - 1)->state != PROBE_OPEN);
}

static int grow(struct probes *set)
{
    struct probes bigger = *set;

    bigger.capacity = set->capacity == 0 ? FIRST_CAPACITY : set->capacity * 2;
    if (bigger.capacity > PROBES_MAX)
        return -1;
    bigger.ring = calloc(bigger.capacity, sizeof *bigger.ring);
    if (bigger.ring == NULL)
        return -1;
    for (uint32_t n = set->oldest; n != set->next; n++)
        *slot(&bigger, n) = *slot(set, n);
    free(set->ring);
    *set = bigger;
    return 0;
}

static bool retire_oldest(struct probes *set, int64_t now_ns, int64_t keep_ns)
{
    const struct probe *p = slot(set, set->oldest);

    assert(set->oldest != set->next && now_ns >= p->sent_ns);
    if (p->state == PROBE_OPEN || now_ns - p->sent_ns < keep_ns)
        return false;
    if (set->first_open == set->oldest)
        set->first_open++;
    set->oldest++;
    return true;
}

struct probe *probes_add(struct probes *set, int64_t now_ns, int64_t keep_ns)
{
    if (set->next - set->oldest == set->capacity) {
        bool room = set->capacity > 0 && retire_oldest(set, now_ns, keep_ns);
        if (!room && grow(set) < 0)
            return NULL;
    }
    struct probe *p = slot(set, set->next);
    *p = (struct probe){ .number = set->next, .sent_ns = now_ns, .left_ns = now_ns, .place = -1 };
    set->next++;
    assert(holds(set));
    return p;
}

struct probe *probes_get(const struct probes *set, uint32_t number)
{
    if (number - set->oldest >= set->next - set->oldest)
        return NULL;
    assert(slot(set, number)->number == number);
    return slot(set, number);
}

struct probe *probes_next_open(struct probes *set, uint32_t number)
{
    while (set->first_open != set->next && slot(set, set->first_open)->state != PROBE_OPEN)
        set->first_open++;
    if ((int32_t)(number - set->first_open) < 0)
        number = set->first_open;
    while (number != set->next && slot(set, number)->state != PROBE_OPEN)
        number++;
    assert(holds(set));
    return number == set->next ? NULL : slot(set, number);
}

void probes_forget(struct probes *set)
{
    free(set->ring);
    set->ring = NULL;
    set->capacity = 0;
    set->oldest = set->first_open = set->next;
}

void probes_fini(struct probes *set)
{
    free(set->ring);
    *set = (struct probes){ 0 };
}

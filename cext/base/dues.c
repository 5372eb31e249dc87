/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/dues.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

int dues_reserve(struct dues *dues, size_t count)
{
    size_t capacity = dues->capacity == 0 ? FIRST_CAPACITY : dues->capacity;

    if (count < dues->capacity)
        return 0;
    while (capacity <= count)
        capacity *= 2;
    struct dues_slot *heap = realloc(dues->heap, capacity * sizeof *heap);
    if (heap == NULL)
        return -1;
    dues->heap = heap;
    dues->capacity = capacity;
    return 0;
}

static void put(struct dues *dues, struct dues_slot slot, size_t place)
{
    dues->heap[place] = slot;
    slot.due->place = place;
}

static void rise(struct dues *dues, size_t place)
{
    struct dues_slot slot = dues->heap[place];

    for (; place > 1 && dues->heap[place / 2].at_ns > slot.at_ns; place /= 2)
        put(dues, dues->heap[place / 2], place);
    put(dues, slot, place);
}

static void sink(struct dues *dues, size_t place)
{
    struct dues_slot slot = dues->heap[place];
    size_t below;

    for (; (below = place * 2) <= dues->count; place = below) {
        if (below < dues->count && dues->heap[below + 1].at_ns < dues->heap[below].at_ns)
            below++;
        if (dues->heap[below].at_ns >= slot.at_ns)
            break;
        put(dues, dues->heap[below], place);
    }
    put(dues, slot, place);
}

/* Returns whether the heap is in order around `place` and its element agrees with its slot. */
static inline bool holds(const struct dues *dues, size_t place)
{
    const struct dues_slot *heap = dues->heap;
    int64_t at_ns = heap[place].at_ns;

    return heap[place].due->place == place && heap[place].due->at_ns == at_ns &&
           (place == 1 || heap[place / 2].at_ns <= at_ns) &&
           (place * 2 > dues->count || heap[place * 2].at_ns >= at_ns) &&
           (place * 2 + 1 > dues->count || heap[place * 2 + 1].at_ns >= at_ns);
}

void dues_set(struct dues *dues, struct due *due, int64_t at_ns)
{
    bool later = due->place != 0 && at_ns > due->at_ns;
    size_t place = due->place;

    due->at_ns = at_ns;
    if (place == 0) {
        assert(dues->count + 1 < dues->capacity);
        place = ++dues->count;
    }
    put(dues, (struct dues_slot){ at_ns, due }, place);
    if (later)
        sink(dues, place);
    else
        rise(dues, place);
    assert(holds(dues, due->place));
}

void dues_remove(struct dues *dues, struct due *due)
{
    size_t place = due->place;

    if (place == 0)
        return;
    assert(place <= dues->count && dues->heap[place].due == due);
    struct dues_slot last = dues->heap[dues->count--];
    due->place = 0;
    if (last.due == due)
        return;
    put(dues, last, place);
    rise(dues, place);
    sink(dues, last.due->place);
    assert(holds(dues, last.due->place));
}

struct due *dues_first(const struct dues *dues)
{
    assert(dues->count == 0 || holds(dues, 1));
    return dues->count > 0 ? dues->heap[1].due : NULL;
}

int64_t dues_first_ns(const struct dues *dues)
{
    return dues->count > 0 ? dues->heap[1].at_ns : INT64_MAX;
}

void dues_fini(struct dues *dues)
{
    free(dues->heap);
    *dues = (struct dues){ 0 };
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A binary heap of what is due when: a turn costs what is due in it, not what exists. Each element
 * lives in its owner, which may take it out at any time. Pure. */
#ifndef MTR_BASE_DUES_H
#define MTR_BASE_DUES_H

#include <stddef.h>
#include <stdint.h>

/* {0} is in no heap. */
struct due {
    int64_t at_ns;
    size_t place; /* from 1; 0: in none */
};

struct dues_slot {
    int64_t at_ns; /* of the element, which is not visited for it */
    struct due *due;
};

/* {0} is a valid empty heap. */
struct dues {
    struct dues_slot *heap; /* heap[0] is unused */
    size_t count, capacity;
};

/* Makes room for so many elements; -1 without memory. */
int dues_reserve(struct dues *dues, size_t count);

/* The element is due then, and in the heap from now on, where there must be room for it. */
void dues_set(struct dues *dues, struct due *due, int64_t at_ns);
void dues_remove(struct dues *dues, struct due *due); /* does nothing if it is in none */

/* What is due first; NULL where the heap is empty. */
struct due *dues_first(const struct dues *dues);
int64_t dues_first_ns(const struct dues *dues); /* INT64_MAX where it is empty */

void dues_fini(struct dues *dues); /* the elements stay their owners' */

#endif

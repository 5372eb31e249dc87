/* SPDX-License-Identifier: BSD-2-Clause */
/* A binary heap of due times, so that a wake-up costs time for the elements that are due and not
 * for all that exist. Each element is a member of its owner, which may remove the element at any
 * time. Pure. */
#ifndef MTR_BASE_DUES_H
#define MTR_BASE_DUES_H

#include <stddef.h>
#include <stdint.h>

/* An element; {0} is in no heap. */
struct due {
    int64_t at_ns;
    size_t place; /* in the heap, from 1; 0 while in no heap */
};

struct dues_slot {
    int64_t at_ns; /* a copy of the element's, so that comparing touches the heap's memory only */
    struct due *due;
};

/* {0} is a valid empty heap. */
struct dues {
    struct dues_slot *heap; /* heap[0] is unused */
    size_t count, capacity;
};

/* Makes room for `count` elements; -1 if out of memory. */
int dues_reserve(struct dues *dues, size_t count);

/* Sets the element's due time and adds the element if it is in no heap. Requires room for it, see
 * dues_reserve. */
void dues_set(struct dues *dues, struct due *due, int64_t at_ns);

/* Does nothing if the element is in no heap. */
void dues_remove(struct dues *dues, struct due *due);

/* Returns the element with the earliest due time, or NULL from an empty heap. */
struct due *dues_first(const struct dues *dues);
int64_t dues_first_ns(const struct dues *dues); /* its time; INT64_MAX from an empty heap */

/* Frees the heap's memory; the elements belong to their owners. */
void dues_fini(struct dues *dues);

#endif

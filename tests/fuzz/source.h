/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the choices of a run come from: the bytes of a fuzzer, or a seed. */
#ifndef MTR_SOURCE_H
#define MTR_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
    const uint8_t *bytes; /* NULL: choices come from `random` */
    size_t size, at;      /* choices in all; taken */
    uint64_t random;
};

static inline bool source_is_over(const struct source *s)
{
    return s->at >= s->size;
}

/* 0 once the choices are over. */
static inline uint8_t source_byte(struct source *s)
{
    if (source_is_over(s))
        return 0;
    if (s->bytes != NULL)
        return s->bytes[s->at++];
    s->at++;
    s->random ^= s->random << 13; /* xorshift64, Marsaglia 2003 */
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (uint8_t)(s->random >> 32);
}

/* 0 to n - 1; n at most 256. */
static inline unsigned source_below(struct source *s, unsigned n)
{
    return source_byte(s) % n;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* A read cursor over captured bytes that fails and stays failed: readers after a failure return 0
 * and the caller looks at `ok` once. Nothing else in the project does arithmetic on packet
 * bytes. */
#ifndef MTR_BASE_CURSOR_H
#define MTR_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cur {
    const uint8_t *at, *end;
    bool ok;
};

static inline struct cur cur_over(const uint8_t *bytes, size_t length)
{
    return (struct cur){ .at = bytes, .end = bytes + length, .ok = true };
}

static inline size_t cur_left(const struct cur *c)
{
    return c->ok ? (size_t)(c->end - c->at) : 0;
}

/* The next n bytes, or NULL; moves past them. */
static inline const uint8_t *cur_take(struct cur *c, size_t n)
{
    if (!c->ok || cur_left(c) < n) {
        c->ok = false;
        return NULL;
    }
    c->at += n;
    return c->at - n;
}

static inline uint8_t cur_u8(struct cur *c)
{
    const uint8_t *b = cur_take(c, 1);
    return b != NULL ? b[0] : 0;
}

static inline uint16_t cur_u16be(struct cur *c)
{
    const uint8_t *b = cur_take(c, 2);
    return b != NULL ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static inline uint32_t cur_u32be(struct cur *c)
{
    const uint8_t *b = cur_take(c, 4);
    return b != NULL ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

/* Shortens the cursor to at most n bytes: a length that the packet itself states. */
static inline void cur_limit(struct cur *c, size_t n)
{
    if (cur_left(c) > n)
        c->end = c->at + n;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "reuse.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define REUSE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REUSE_ASAN 1
#endif
#endif

#ifdef REUSE_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum {
    SMALLEST = 512, /* bytes: traces, samples, counters */
    BLOCKS = 512,   /* that are known; a power of two */
};

struct block {
    void *at;
    size_t size;
    bool is_free;
};

/* A test program is one thread. */
static struct block blocks[BLOCKS];
static size_t used;

void *__real_calloc(size_t count, size_t size);
void __real_free(void *at);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *at);

void *__wrap_calloc(size_t count, size_t size)
{
    size_t bytes = count * size;

    if (bytes < SMALLEST)
        return __real_calloc(count, size);
    for (size_t i = used; i-- > 0;) {
        struct block *b = &blocks[i];
        if (!b->is_free || b->size != bytes)
            continue;
        b->is_free = false;
        ASAN_UNPOISON_MEMORY_REGION(b->at, bytes);
        memset(b->at, 0, bytes);
        return b->at;
    }
    void *at = __real_calloc(count, size);
    if (at != NULL && used < BLOCKS)
        blocks[used++] = (struct block){ .at = at, .size = bytes };
    return at;
}

void __wrap_free(void *at)
{
    if (at == NULL)
        return;
    for (size_t i = used; i-- > 0;) {
        if (blocks[i].at != at)
            continue;
        if (blocks[i].is_free)
            abort(); /* freed twice */
        blocks[i].is_free = true;
        ASAN_POISON_MEMORY_REGION(at, blocks[i].size);
        return;
    }
    __real_free(at);
}

void reuse_reset(void)
{
    size_t left = 0;

    for (size_t i = 0; i < used; i++) {
        if (!blocks[i].is_free) {
            blocks[left++] = blocks[i];
            continue;
        }
        ASAN_UNPOISON_MEMORY_REGION(blocks[i].at, blocks[i].size);
        __real_free(blocks[i].at);
    }
    used = left;
}

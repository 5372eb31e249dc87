/* SPDX-License-Identifier: BSD-2-Clause */
/* The values in a database of MaxMind's format (MaxMind DB File Format Specification 2.0). A file
 * may be damaged, or made to do harm: nesting costs no stack, and what one question may look at is
 * bounded, however often the file points to the same values. Pure. */
#ifndef MTR_BASE_MMDBDATA_H
#define MTR_BASE_MMDBDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mmdbdata_type {
    MMDBDATA_POINTER = 1,
    MMDBDATA_STRING = 2,
    MMDBDATA_DOUBLE = 3,
    MMDBDATA_UINT16 = 5,
    MMDBDATA_UINT32 = 6,
    MMDBDATA_MAP = 7,
    MMDBDATA_ARRAY = 11,
    MMDBDATA_BOOL = 14,
    MMDBDATA_FLOAT = 15,
};

struct mmdbdata {
    const uint8_t *bytes; /* the data section */
    size_t size;
    uint32_t steps; /* values that may still be looked at */
};

struct mmdbdata_value {
    unsigned type;
    uint32_t size;        /* bytes; items of an array, pairs of a map; a bool's value */
    const uint8_t *bytes; /* of what is neither a map nor an array */
    size_t inner;         /* of a map or an array: where its first item is */
    bool is_here;         /* not behind a pointer */
};

/* Reads the value at *at, or what it points to, and moves on behind it; to its first item where a
 * map or an array is here itself. False where there is none, or the steps are over. */
bool mmdbdata_read(struct mmdbdata *d, size_t *at, struct mmdbdata_value *out);

/* Moves on behind the items of a value that was read at *at. */
bool mmdbdata_leave(struct mmdbdata *d, size_t *at, const struct mmdbdata_value *value);

/* The value at the end of a path of keys, which ends with NULL, from the value at `at` on. */
bool mmdbdata_find(struct mmdbdata *d, size_t at, const char *const *path,
                   struct mmdbdata_value *out);

/* The number that a UINT16 or UINT32, a DOUBLE or a FLOAT is; 0 where it is not. */
uint32_t mmdbdata_integer(const struct mmdbdata_value *value);
double mmdbdata_number(const struct mmdbdata_value *value);

#endif

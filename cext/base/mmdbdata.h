/* SPDX-License-Identifier: BSD-2-Clause */
/* The values in a database of MaxMind's format (MaxMind DB File Format Specification 2.0). A file
 * may be damaged or malicious: nested values use no stack, and the number of values that one
 * look-up may read is bounded, however often the file points to the same values. Pure. */
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
    uint32_t steps; /* values that may still be read */
};

struct mmdbdata_value {
    unsigned type;
    uint32_t size;        /* bytes; items of an array, pairs of a map; a bool's value */
    const uint8_t *bytes; /* of a value that is neither a map, an array nor a bool */
    size_t inner;         /* of a map or an array: the offset of its first item */
    bool is_here;         /* not reached through a pointer */
};

/* Reads the value at *at, following a pointer. Moves *at past the value or the pointer, but to the
 * first item of a map or an array that is at *at itself. Returns false if there is no valid value,
 * or no steps are left. */
bool mmdbdata_read(struct mmdbdata *d, size_t *at, struct mmdbdata_value *out);

/* Moves *at past the items of a value that mmdbdata_read has just read there. */
bool mmdbdata_leave(struct mmdbdata *d, size_t *at, const struct mmdbdata_value *value);

/* Finds a value by a path of map keys and array indexes that starts at the value at `at` and ends
 * with NULL. */
bool mmdbdata_find(struct mmdbdata *d, size_t at, const char *const *path,
                   struct mmdbdata_value *out);

/* The number in a UINT16 or UINT32 (integer), a DOUBLE or a FLOAT (number); 0 for other types. */
uint32_t mmdbdata_integer(const struct mmdbdata_value *value);
double mmdbdata_number(const struct mmdbdata_value *value);

#endif

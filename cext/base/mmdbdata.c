/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mmdbdata.h"

#include "base/cursor.h"

#include <stdlib.h>
#include <string.h>

/* The control byte of a value: three bits of type, five of size ("Data Field Format" in the
 * specification). Sizes 29 to 31 say that the size continues in one to three bytes, counted from
 * BEYOND_*; type 0 says that the type follows in a byte, counted from EXTENDED. */
enum { TYPE_SHIFT = 5, SIZE_MASK = 31, EXTENDED = 7, SIZE_8 = 29, SIZE_16 = 30, SIZE_24 = 31 };
enum { BEYOND_8 = 29, BEYOND_16 = 285, BEYOND_24 = 65821 };

static bool is_container(unsigned type)
{
    return type == MMDBDATA_MAP || type == MMDBDATA_ARRAY;
}

static uint32_t items_of(const struct mmdbdata_value *value)
{
    return value->type == MMDBDATA_MAP ? 2 * value->size : value->size; /* size is below 2^25 */
}

static uint32_t big_endian(struct cur *c, unsigned count)
{
    uint32_t value = 0;

    while (count-- > 0)
        value = value << 8 | cur_u8(c);
    return value;
}

static size_t read_pointer(struct cur *c, unsigned low)
{
    static const uint32_t beyond[] = { 0, 2048, 526336, 0 };
    unsigned length = low >> 3 & 3;
    uint32_t high = length == 3 ? 0 : (low & 7) << 8 * (length + 1);

    return (size_t)(high | big_endian(c, length + 1)) + beyond[length];
}

static uint32_t read_size(struct cur *c, unsigned low)
{
    switch (low) {
    case SIZE_8:
        return BEYOND_8 + big_endian(c, 1);
    case SIZE_16:
        return BEYOND_16 + big_endian(c, 2);
    case SIZE_24:
        return BEYOND_24 + big_endian(c, 3);
    default:
        return low;
    }
}

/* Reads a value without following a pointer, whose destination is put in `inner`. Moves *at to the
 * first item of a container, and past any other value. */
static bool read_head(struct mmdbdata *d, size_t *at, struct mmdbdata_value *out)
{
    if (*at >= d->size || d->steps == 0)
        return false;
    d->steps--;
    struct cur c = cur_over(d->bytes + *at, d->size - *at);
    uint8_t first = cur_u8(&c);
    *out = (struct mmdbdata_value){ .type = first >> TYPE_SHIFT };
    if (out->type == MMDBDATA_POINTER) {
        out->inner = read_pointer(&c, first & SIZE_MASK);
    } else {
        if (out->type == 0)
            out->type = EXTENDED + cur_u8(&c);
        out->size = read_size(&c, first & SIZE_MASK);
        if (!is_container(out->type) && out->type != MMDBDATA_BOOL)
            out->bytes = cur_take(&c, out->size);
    }
    if (!c.ok)
        return false;
    *at = (size_t)(c.at - d->bytes);
    return true;
}

bool mmdbdata_read(struct mmdbdata *d, size_t *at, struct mmdbdata_value *out)
{
    if (!read_head(d, at, out))
        return false;
    bool is_here = out->type != MMDBDATA_POINTER;
    size_t inner = *at;
    if (!is_here) {
        inner = out->inner;
        if (!read_head(d, &inner, out) || out->type == MMDBDATA_POINTER)
            return false;
    }
    out->inner = inner;
    out->is_here = is_here;
    return true;
}

bool mmdbdata_leave(struct mmdbdata *d, size_t *at, const struct mmdbdata_value *value)
{
    uint64_t left = is_container(value->type) && value->is_here ? items_of(value) : 0;
    struct mmdbdata_value item;

    while (left > 0) {
        if (!read_head(d, at, &item))
            return false;
        left--;
        left += is_container(item.type) ? items_of(&item) : 0;
    }
    return true;
}

/* Moves *at past a value and all items in it. */
static bool skip(struct mmdbdata *d, size_t *at)
{
    struct mmdbdata_value value;

    return mmdbdata_read(d, at, &value) && mmdbdata_leave(d, at, &value);
}

static bool is_named(const struct mmdbdata_value *key, const char *name)
{
    return key->type == MMDBDATA_STRING && key->size == strlen(name) &&
           memcmp(key->bytes, name, key->size) == 0;
}

static bool find_in_map(struct mmdbdata *d, struct mmdbdata_value *value, const char *name)
{
    size_t at = value->inner;
    struct mmdbdata_value key;

    for (uint32_t left = value->size; left > 0; left--) {
        if (!mmdbdata_read(d, &at, &key) || !mmdbdata_leave(d, &at, &key))
            return false;
        if (is_named(&key, name))
            return mmdbdata_read(d, &at, value);
        if (!skip(d, &at))
            return false;
    }
    return false;
}

static bool find_in_array(struct mmdbdata *d, struct mmdbdata_value *value, const char *name)
{
    size_t at = value->inner;
    char *end;
    unsigned long place = strtoul(name, &end, 10);

    if (end == name || *end != '\0' || place >= value->size)
        return false;
    for (; place > 0; place--)
        if (!skip(d, &at))
            return false;
    return mmdbdata_read(d, &at, value);
}

bool mmdbdata_find(struct mmdbdata *d, size_t at, const char *const *path,
                   struct mmdbdata_value *out)
{
    if (!mmdbdata_read(d, &at, out))
        return false;
    for (; *path != NULL; path++) {
        bool found = out->type == MMDBDATA_MAP     ? find_in_map(d, out, *path)
                     : out->type == MMDBDATA_ARRAY ? find_in_array(d, out, *path)
                                                   : false;
        if (!found)
            return false;
    }
    return true;
}

uint32_t mmdbdata_integer(const struct mmdbdata_value *value)
{
    bool is_integer = value->type == MMDBDATA_UINT16 || value->type == MMDBDATA_UINT32;

    if (!is_integer || value->size > sizeof(uint32_t))
        return 0;
    struct cur c = cur_over(value->bytes, value->size);
    return big_endian(&c, value->size);
}

double mmdbdata_number(const struct mmdbdata_value *value)
{
    float narrow = 0;
    double number = 0;

    if (value->type == MMDBDATA_FLOAT && value->size == sizeof narrow) {
        struct cur c = cur_over(value->bytes, value->size);
        uint32_t bits = cur_u32be(&c);
        memcpy(&narrow, &bits, sizeof narrow);
        return (double)narrow;
    }
    if (value->type == MMDBDATA_DOUBLE && value->size == sizeof number) {
        struct cur c = cur_over(value->bytes, value->size);
        uint64_t bits = (uint64_t)cur_u32be(&c) << 32;
        bits |= cur_u32be(&c);
        memcpy(&number, &bits, sizeof number);
    }
    return number;
}

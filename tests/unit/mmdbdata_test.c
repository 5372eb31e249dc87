/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of databases: valid ones, and malformed ones of damaged or malicious files. */
#include "base/mmdbdata.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS = 1000, DEEP = 3000000 };

/* A pointer of four bytes, to an offset below 256. */
#define POINTER(place) "\x38\0\0\0" place

static bool find_in(const uint8_t *bytes, size_t size, const char *const *path,
                    struct mmdbdata_value *out)
{
    struct mmdbdata d = { bytes, size, STEPS };
    return mmdbdata_find(&d, 0, path, out);
}

static const struct row {
    const char *name, *bytes;
    size_t size;
    const char *path[4];
    int64_t want; /* -1: not found */
} rows[] = {
#define BYTES(text) text, sizeof(text) - 1
    { "a_16_bit_number", BYTES("\xa2\x01\x02"), { 0 }, 0x102 },
    { "a_32_bit_number", BYTES("\xc4\x01\x02\x03\x04"), { 0 }, 0x1020304 },
    { "a_number_of_no_bytes", BYTES("\xc0"), { 0 }, 0 },
    { "a_maps_second_value",
      BYTES("\xe2\x41"
            "a\xa1\x01\x41"
            "b\xa1\x02"),
      { "b" },
      2 },
    { "a_map_in_a_map",
      BYTES("\xe1\x41"
            "a\xe1\x41"
            "b\xa1\x07"),
      { "a", "b" },
      7 },
    { "a_value_after_a_skipped_map",
      BYTES("\xe2\x41"
            "a\xe1\x41"
            "b\xa1\x07\x41"
            "c\xa1\x09"),
      { "c" },
      9 },
    { "an_arrays_second_value", BYTES("\x02\x04\xa1\x05\xa1\x06"), { "1" }, 6 },
    { "an_array_has_no_names", BYTES("\x02\x04\xa1\x05\xa1\x06"), { "a" }, -1 },
    { "an_array_ends", BYTES("\x02\x04\xa1\x05\xa1\x06"), { "2" }, -1 },
    { "a_value_reached_by_a_pointer",
      BYTES("\xe1\x41"
            "a" POINTER("\x08") "\xa1\x08"),
      { "a" },
      8 },
    { "a_key_reached_by_a_pointer",
      BYTES("\xe1" POINTER("\x08") "\xa1\x0a\x41"
                                   "k"),
      { "k" },
      10 },
    { "a_short_pointer",
      BYTES("\xe1\x41"
            "a\x20\x05\xa1\x0b"),
      { "a" },
      11 },
    { "a_pointer_to_a_pointer_is_none",
      BYTES("\xe1\x41"
            "a" POINTER("\x03")),
      { "a" },
      -1 },
    { "a_pointer_to_itself_is_none", BYTES(POINTER("\0")), { 0 }, -1 },
    { "a_pointer_past_the_end",
      BYTES("\xe1\x41"
            "a" POINTER("\xff")),
      { "a" },
      -1 },
    { "a_map_that_holds_itself",
      BYTES("\xe1\x41"
            "a\x20\x00"),
      { "a", "a", "b" },
      -1 },
    { "a_key_that_is_a_number_is_no_name",
      BYTES("\xe2\xa1\x41\xa1\x01\x41"
            "b\xa1\x02"),
      { "b" },
      2 },
    { "a_key_that_is_a_map_is_no_name",
      BYTES("\xe2\xe1\x41"
            "x\xa1\x09\xa1\x01\x41"
            "b\xa1\x02"),
      { "b" },
      2 },
    { "a_map_of_16_million_pairs_that_are_not_there",
      BYTES("\xff\xff\xff\xff\x41"
            "a\xa1\x01"),
      { "b" },
      -1 },
    { "a_string_longer_than_the_file",
      BYTES("\x5f\xff\xff\xff"
            "abc"),
      { 0 },
      -1 },
};

/* Reads each row from a block of exactly its size, so that ASan detects a read past its end. If the
 * row is cut anywhere, the value is found unchanged or not at all. */
static void test_rows(void)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct mmdbdata_value value;
        check_case("%s", row->name);
        for (size_t size = 0; size <= row->size; size++) {
            uint8_t *bytes = malloc(size > 0 ? size : 1);
            if (bytes == NULL)
                abort();
            memcpy(bytes, row->bytes, size);
            bool found = find_in(bytes, size, row->path, &value);
            int64_t number = found ? (int64_t)mmdbdata_integer(&value) : -1;
            if (size == row->size)
                check_int("value", number, row->want);
            else
                check_that(number == -1 || number == row->want, "%zu bytes: %lld", size,
                           (long long)number);
            free(bytes);
        }
    }
}

static void test_kinds(void)
{
    static const char wide[] = "\x68\x3f\xf8\0\0\0\0\0\0", narrow[] = "\x04\x08\xbf\xc0\0\0";
    struct mmdbdata_value value;
    const char *none[] = { NULL };

    check_case("numbers_with_a_fraction");
    check_that(find_in((const uint8_t *)wide, sizeof wide - 1, none, &value), "no double");
    check_that(mmdbdata_number(&value) == 1.5, "%g", mmdbdata_number(&value));
    check_int("a double is no integer", mmdbdata_integer(&value), 0);
    check_that(find_in((const uint8_t *)narrow, sizeof narrow - 1, none, &value), "no float");
    check_that(mmdbdata_number(&value) == -1.5, "%g", mmdbdata_number(&value));

    check_case("a_string_has_its_bytes");
    check_that(find_in((const uint8_t *)"\x43"
                                        "abc",
                       4, none, &value),
               "no string");
    check_int("type", value.type, MMDBDATA_STRING);
    check_that(value.size == 3 && memcmp(value.bytes, "abc", 3) == 0, "other bytes");
}

/* Deeply nested arrays, and arrays with two pointers to the previous array each. */
static void test_harm(void)
{
    static const uint8_t map[] = { 0xe2, 0x41, 'a' }, array[] = { 0x01, 0x04 };
    const char *path[] = { "b", NULL };
    struct mmdbdata_value value;
    uint8_t *deep = malloc(2 * DEEP + 3);

    if (deep == NULL)
        abort();
    check_case("nesting_costs_no_stack");
    memcpy(deep, map, sizeof map);
    for (size_t i = 0; i < DEEP; i++)
        memcpy(deep + 3 + 2 * i, array, sizeof array);
    struct mmdbdata d = { deep, 2 * DEEP + 3, UINT32_MAX };
    check_that(!mmdbdata_find(&d, 0, path, &value), "found");
    check_that(d.steps <= UINT32_MAX - DEEP, "not all was looked at");

    check_case("the_values_read_by_one_look_up_are_bounded");
    d.steps = STEPS;
    check_that(!mmdbdata_find(&d, 0, path, &value), "found");
    check_int("steps left", d.steps, 0);
    free(deep);
}

int main(void)
{
    test_rows();
    test_kinds();
    test_harm();
    return check_done();
}

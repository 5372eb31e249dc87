/* SPDX-License-Identifier: BSD-2-Clause */
/* Extension structures written by hand from the RFCs. With ICMPEXT_SEEDS=DIR in the environment
 * each vector is also written there, as a seed for the fuzzer. */
#include "wire/icmpext.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 1024 };

/* The body of an error: `quote` bytes of 0x45 padded with zeros to `pad_to`, then `bytes`. */
struct body {
    uint8_t bytes[BODY_MAX];
    size_t length;
};

static struct body body_of(size_t quote, size_t pad_to, const char *bytes, size_t length)
{
    struct body body = { .length = pad_to + length };

    memset(body.bytes, 0x45, quote);
    memcpy(body.bytes + pad_to, bytes, length);
    return body;
}

/* One label 24005, class 3, bottom, TTL 1; its checksum. */
#define STACK "\x20\x00\x82\x19\x00\x08\x01\x01\x05\xdc\x57\x01"
/* Object 1/1 with two labels, without a checksum. */
#define TWO "\x20\x00\x00\x00\x00\x0c\x01\x01\x00\x01\x00\xfe\x05\xdc\x51\x01"
#define TEXT(text) text, sizeof(text) - 1

static const struct row {
    const char *name;
    uint8_t version, type;
    uint32_t rest;
    size_t quote, pad_to;
    const char *bytes;
    size_t length;
    bool found, compliant;
    enum icmpext_checksum checksum;
    size_t decoy; /* offset in the quote of bytes that begin like a structure */
} rows[] = {
    /* clang-format off */
    { "compliant_4_is_found", 4, 11, 32 << 16, 40, 128, TEXT(STACK), true, true,
      .checksum = ICMPEXT_RIGHT },
    { "compliant_6_counts_8_bytes", 6, 3, 16u << 24, 60, 128, TEXT(STACK), true, true,
      .checksum = ICMPEXT_RIGHT },
    { "unreachable_4_carries", 4, 3, 32 << 16, 40, 128, TEXT(STACK), true, true,
      .checksum = ICMPEXT_RIGHT },
    { "unreachable_6_carries", 6, 1, 16u << 24, 60, 128, TEXT(STACK), true, true,
      .checksum = ICMPEXT_RIGHT },
    { "parameter_problem_4_carries_beside_its_pointer", 4, 12, 0x14200000, 40, 128, TEXT(STACK),
      true, true, .checksum = ICMPEXT_RIGHT },
    { "fragmentation_needed_carries_beside_its_mtu", 4, 3, 32 << 16 | 1400, 40, 128, TEXT(STACK),
      true, true, .checksum = ICMPEXT_RIGHT },
    { "packet_too_big_6_carries_none", 6, 2, 16u << 24, 60, 128, TEXT(STACK), .found = false },
    { "parameter_problem_6_carries_none", 6, 4, 16u << 24, 60, 128, TEXT(STACK), .found = false },
    { "longer_quote_is_skipped_as_its_length_says", 4, 11, 40 << 16, 160, 160, TEXT(STACK), true,
      true, .checksum = ICMPEXT_RIGHT },
    { "shorter_quote_than_allowed_is_found_by_its_length", 4, 11, 12 << 16, 48, 48, TEXT(STACK),
      true, true, .checksum = ICMPEXT_RIGHT },
    { "length_at_the_end_finds_nothing", 4, 11, 32 << 16, 128, 128, "", 0, .found = false },
    { "legacy_is_found_at_128", 4, 11, 0, 40, 128, TEXT(STACK), true, false,
      .checksum = ICMPEXT_RIGHT },
    { "legacy_6_is_found_at_128", 6, 3, 0, 60, 128, TEXT(STACK), true, false,
      .checksum = ICMPEXT_RIGHT },
    { "legacy_without_a_checksum_must_be_all_objects", 4, 11, 0, 40, 128, TEXT(TWO), true, false,
      .checksum = ICMPEXT_NO_CHECKSUM },
    { "legacy_with_a_byte_too_many_is_quote", 4, 11, 0, 40, 128, TEXT(TWO "\x01"),
      .found = false },
    { "legacy_with_a_wrong_checksum_is_quote", 4, 11, 0, 40, 128,
      TEXT("\x20\x00\x82\x1a\x00\x08\x01\x01\x05\xdc\x57\x01"), .found = false },
    { "compliant_with_a_wrong_checksum_is_reported", 4, 11, 32 << 16, 40, 128,
      TEXT("\x20\x00\x82\x1a\x00\x08\x01\x01\x05\xdc\x57\x01"), true, true,
      .checksum = ICMPEXT_WRONG },
    { "compliant_without_a_checksum_and_a_byte_too_many_is_quote", 4, 11, 36 << 16, 40, 144,
      TEXT(TWO "\x01"), .found = false },
    { "compliant_without_a_checksum_is_reported", 4, 11, 32 << 16, 40, 128, TEXT(TWO), true, true,
      .checksum = ICMPEXT_NO_CHECKSUM },
    { "version_in_the_low_half_is_accepted", 4, 11, 32 << 16, 40, 128,
      TEXT("\x02\x00\x00\x00\x00\x08\x01\x01\x05\xdc\x57\x01"), true, true,
      .checksum = ICMPEXT_NO_CHECKSUM },
    { "version_3_finds_nothing", 4, 11, 32 << 16, 40, 128,
      TEXT("\x30\x00\x00\x00\x00\x08\x01\x01\x05\xdc\x57\x01"), .found = false },
    { "header_without_an_object_finds_nothing", 4, 11, 32 << 16, 40, 128,
      TEXT("\x20\x00\xdf\xff"), .found = false },
    { "plain_quote_has_none", 4, 11, 0, 40, 40, "", 0, .found = false },
    { "full_quote_of_a_long_probe_has_none", 4, 11, 0, 500, 500, "", 0, .found = false },
    /* clang-format on */
};

static void save_seed(const struct row *row, const struct body *body)
{
    const char *folder = getenv("ICMPEXT_SEEDS");
    uint8_t head[] = { row->version,
                       row->type,
                       (uint8_t)(row->rest >> 24),
                       (uint8_t)(row->rest >> 16),
                       (uint8_t)(row->rest >> 8),
                       (uint8_t)row->rest };
    char path[512];

    if (folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, row->name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(head, 1, sizeof head, file) != sizeof head ||
        fwrite(body->bytes, 1, body->length, file) != body->length || fclose(file) != 0)
        abort();
}

/* Reads a copy of exactly this length, so that a sanitizer detects a read past its end. */
static void test_row(const struct row *row)
{
    struct body body = body_of(row->quote, row->pad_to, row->bytes, row->length);
    uint8_t *copy = malloc(body.length);

    if (row->decoy > 0)
        memcpy(body.bytes + row->decoy, "\x20\x01\x0d\xb8\x00\x00", 6);

    if (copy == NULL)
        abort();
    memcpy(copy, body.bytes, body.length);
    save_seed(row, &body);
    check_case("%s", row->name);
    struct icmpext found = icmpext_find(row->version, row->type, row->rest, copy, body.length);
    check_int("found", found.bytes != NULL, row->found);
    check_int("bytes in front", (int64_t)found.quote_length,
              (int64_t)(row->found ? row->pad_to : body.length));
    if (found.bytes != NULL) {
        check_int("compliant", found.compliant, row->compliant);
        check_int("checksum", found.checksum, row->checksum);
        check_int("length", (int64_t)found.length, (int64_t)row->length);
    }
    free(copy);
}

/* ---- objects ------------------------------------------------------------------------------- */

static size_t count_objects(const char *bytes, size_t length, struct icmpext_object *last)
{
    struct cur objects = icmpext_objects((const uint8_t *)bytes, length);
    size_t count = 0;

    while (icmpext_next(&objects, last))
        count++;
    return count;
}

static void check_label(const struct icmpext_object *object, size_t n, uint32_t label, bool bottom,
                        uint8_t ttl)
{
    struct icmpext_label read = icmpext_label(object, n);

    check_int("label", read.label, label);
    check_int("bottom", read.bottom, bottom);
    check_int("ttl", read.ttl, ttl);
}

static void test_objects(void)
{
    struct icmpext_object object = { 0 };

    check_case("label_stack_is_read");
    check_int("objects", (int64_t)count_objects(TEXT(TWO), &object), 1);
    check_that(icmpext_is_stack(&object), "not a stack");
    check_int("bytes", (int64_t)object.length, 8);
    check_label(&object, 0, 16, false, 254);
    check_label(&object, 1, 24005, true, 1);

    check_case("label_class_is_read");
    count_objects(TEXT(STACK), &object);
    check_int("tc", icmpext_label(&object, 0).tc, 3);

    check_case("stack_of_half_a_label_is_none");
    count_objects(TEXT("\x20\x00\x00\x00\x00\x06\x01\x01\x05\xdc"), &object);
    check_that(!icmpext_is_stack(&object), "a stack");

    check_case("object_of_length_0_ends_the_list");
    check_int("objects", (int64_t)count_objects(TEXT("\x20\0\0\0\0\0\1\1\0\0\0\0"), &object), 0);
    check_case("object_past_the_end_ends_the_list");
    check_int("objects", (int64_t)count_objects(TEXT("\x20\0\0\0\0\x0c\1\1\0\0\0\0"), &object), 0);
    check_case("half_a_header_ends_the_list");
    check_int("objects", (int64_t)count_objects(TEXT("\x20\0\0\0\0\4\7"), &object), 0);
    check_case("unknown_objects_are_handed_out");
    check_int("objects", (int64_t)count_objects(TEXT("\x20\0\0\0\0\4\7\1\0\5\x09\3\xaa"), &object),
              2);
    check_int("class", object.class, 9);
    check_int("length", (int64_t)object.length, 1);
}

#define INTERFACE(type, text) type, TEXT(text)

static const struct interface_row {
    const char *name;
    uint8_t type;
    const char *bytes;
    size_t length;
    bool good;
    struct icmpext_interface want;
    const char *address;
} interface_rows[] = {
    /* clang-format off */
    { "nothing_but_a_role_is_read", INTERFACE(0x80, ""), true, { .role = ICMPEXT_OUTGOING }, "*" },
    { "all_of_it_is_read",
      INTERFACE(0x0f, "\0\0\2\1" "\0\1\0\0\xc0\0\2\1" "\x0cge-0/0/1\0\0\0" "\0\0\x05\xdc"), true,
      { .role = ICMPEXT_INCOMING, .has_index = true, .index = 513, .has_mtu = true, .mtu = 1500,
        .name = "ge-0/0/1" }, "192.0.2.1" },
    { "sub_ip_with_an_ipv6_address_is_read",
      INTERFACE(0x44, "\0\2\0\0\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), true,
      { .role = ICMPEXT_SUB_IP }, "2001:db8::1" },
    { "next_hop_with_an_index_is_read", INTERFACE(0xc8, "\0\0\0\7"), true,
      { .role = ICMPEXT_NEXT_HOP, .has_index = true, .index = 7 }, "*" },
    { "name_without_padding_is_read", INTERFACE(0x02, "\4ab1"), true, { .name = "ab1" }, "*" },
    { "name_of_63_bytes_is_read",
      INTERFACE(0x02, "\x40" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
      true, { .name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }, "*" },
    { "bytes_after_it_are_skipped", INTERFACE(0x08, "\0\0\0\7\1\2\3\4"), true,
      { .has_index = true, .index = 7 }, "*" },
    { "name_of_length_0_is_refused", INTERFACE(0x02, "\0ab1"), .good = false },
    { "name_of_odd_length_is_refused", INTERFACE(0x02, "\3ab"), .good = false },
    { "name_longer_than_allowed_is_refused",
      INTERFACE(0x02, "\x44" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
      .good = false },
    { "name_past_the_end_is_refused", INTERFACE(0x02, "\x0c" "ab1"), .good = false },
    { "address_of_another_family_is_refused", INTERFACE(0x04, "\0\7\0\0\1\2\3\4"),
      .good = false },
    { "half_an_address_is_refused", INTERFACE(0x04, "\0\1\0\0\1\2"), .good = false },
    { "index_that_is_missing_is_refused", INTERFACE(0x08, ""), .good = false },
    { "mtu_that_is_missing_is_refused", INTERFACE(0x09, "\0\0\0\7"), .good = false },
    /* clang-format on */
};

static void test_interface(const struct interface_row *row)
{
    struct icmpext_object object = { .class = ICMPEXT_INTERFACE,
                                     .type = row->type,
                                     .bytes = (const uint8_t *)row->bytes,
                                     .length = row->length };
    struct icmpext_interface read = { .mtu = 99 };
    char text[IPADDR_TEXT];

    check_case("%s", row->name);
    if (!check_int("read", icmpext_interface(&object, &read), row->good) || !row->good) {
        check_int("untouched", row->good || read.mtu == 99, true);
        return;
    }
    check_int("role", read.role, row->want.role);
    check_int("has index", read.has_index, row->want.has_index);
    check_int("index", read.index, row->want.index);
    check_int("has mtu", read.has_mtu, row->want.has_mtu);
    check_int("mtu", read.mtu, row->want.mtu);
    check_text("name", read.name, row->want.name);
    check_text("address", ipaddr_to_text(&read.address, text), row->address);
}

int main(void)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        test_row(&rows[i]);
    test_objects();
    for (size_t i = 0; i < COUNT(interface_rows); i++)
        test_interface(&interface_rows[i]);

    check_case("label_stack_is_no_interface");
    struct icmpext_object stack = { .class = ICMPEXT_MPLS, .type = 1 };
    struct icmpext_interface none;
    check_that(!icmpext_interface(&stack, &none), "read as one");
    return check_done();
}

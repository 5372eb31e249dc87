/* SPDX-License-Identifier: BSD-2-Clause */
/* The small modules: errors, addresses, names of replies. */
#include "check.h"
#include "base/err.h"
#include "wire/names.h"
#include "base/ipaddr.h"

#include <stdio.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void test_err(void)
{
    struct err err = { 0 };

    check_case("each_error_has_a_name_of_its_own");
    for (int a = 0; a < ERR_CODE_COUNT; a++) {
        const char *name = err_name((enum err_code)a);
        if (name == NULL) {
            check_that(false, "code %d has no name", a);
            continue;
        }
        for (int b = 0; b < a; b++)
            check_that(strcmp(name, err_name((enum err_code)b)) != 0, "%s names %d and %d", name, b,
                       a);
    }

    check_case("an_error_is_set_with_its_text");
    check_int("result", err_set(&err, ERR_NODEVICE, "cannot capture on %s", "eth9"), -1);
    check_text("name", err_name(err.code), "NODEVICE");
    check_text("text", err.text, "cannot capture on eth9");

    check_case("an_error_without_a_struct_is_only_returned");
    check_int("result", err_set(NULL, ERR_NOMEM, "no memory"), -1);

    check_case("a_long_error_text_is_cut");
    err_set(&err, ERR_SYSTEM, "%0400d", 1);
    check_int("length", (int64_t)strlen(err.text), sizeof err.text - 1);
}

static const struct address_row {
    const char *text; /* and the text when written, if different */
    const char *written;
    int version;
    bool link_local;
} address_rows[] = {
    { "0.0.0.0", NULL, 4, false },
    { "10.0.0.1", NULL, 4, false },
    { "255.255.255.255", NULL, 4, false },
    { "::", NULL, 6, false },
    { "::1", NULL, 6, false },
    { "2001:DB8:0:0:0:0:0:1", "2001:db8::1", 6, false },
    { "::ffff:192.0.2.1", NULL, 6, false },
    { "2001:db8:1111:2222:3333:4444:5555:6666", NULL, 6, false },
    { "fe80::1", NULL, 6, true },
    { "febf::1", NULL, 6, true },
    { "fec0::1", NULL, 6, false },
    { "fe7f::1", NULL, 6, false },
    { "254.128.0.0", NULL, 4, false },
};

static const char *const no_addresses[] = { "",           "10.0.0",       "10.0.0.256",
                                            "10.0.0.1 ",  "fe80::1%eth0", "example.com",
                                            "1::2::3",    "12345::",      "[::1]",
                                            "010.0.0.1.1" };

static void check_socket_address(const struct ipaddr *address)
{
    struct sockaddr_storage storage;
    unsigned length = ipaddr_to_sockaddr(address, 33434, 7, &storage);
    struct ipaddr back = ipaddr_from_sockaddr(&storage);
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&storage;

    check_that(ipaddr_equal(&back, address), "another address came back");
    check_int("length", length,
              address->version == 4 ? (int64_t)sizeof(struct sockaddr_in)
                                    : (int64_t)sizeof(struct sockaddr_in6));
    check_int("port", ntohs(in6->sin6_port), 33434); /* same offset as IPv4's */
    if (address->version == 6)
        check_int("zone", in6->sin6_scope_id, ipaddr_is_link_local6(address) ? 7 : 0);
}

static void test_misfits(void)
{
    static const struct {
        const char *text, *what;
    } rows[] = {
        { "10.0.0.1", NULL },
        { "223.255.255.255", NULL },
        { "224.0.0.1", "a multicast address" },
        { "239.255.255.255", "a multicast address" },
        { "240.0.0.1", NULL },
        { "255.255.255.254", NULL },
        { "255.255.255.255", "the broadcast address" },
        { "0.0.0.0", "the unspecified address" },
        { "0.0.0.1", NULL },
        { "2001:db8::1", NULL },
        { "fe80::1", NULL },
        { "ff02::1", "a multicast address" },
        { "::", "the unspecified address" },
        { "::1", NULL },
        { "::fffe:c000:201", NULL },
        { "64:ff9b::192.0.2.1", NULL },
    };
    struct ipaddr address;

    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case("address_of_one_host_%s", rows[i].text);
        check_int("read", ipaddr_from_text(&address, rows[i].text), 0);
        const char *what = ipaddr_misfit(&address);
        check_text("is", what != NULL ? what : "one host's",
                   rows[i].what != NULL ? rows[i].what : "one host's");
    }
}

static void test_mapped(void)
{
    static const struct {
        const char *text, *ipv4;
    } rows[] = {
        { "::ffff:192.0.2.1", "192.0.2.1" }, { "::ffff:e000:5", "224.0.0.5" },
        { "::fffe:192.0.2.1", NULL },        { "::192.0.2.1", NULL },
        { "64:ff9b::192.0.2.1", NULL },      { "192.0.2.1", NULL },
    };
    struct ipaddr address, before;
    char text[IPADDR_TEXT];

    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case("mapped_address_%s_is_ipv4_s", rows[i].text);
        check_int("read", ipaddr_from_text(&address, rows[i].text), 0);
        before = address;
        check_int("mapped", ipaddr_unmap(&address), rows[i].ipv4 != NULL);
        if (rows[i].ipv4 != NULL)
            check_text("is", ipaddr_to_text(&address, text), rows[i].ipv4);
        else
            check_that(ipaddr_equal(&address, &before), "changed to %s",
                       ipaddr_to_text(&address, text));
    }
}

/* Reads the rows that special_test.lua reads, too: text, bytes, and the written text; "-" for
 * none. */
static void test_as_lua_has_it(void)
{
    char given[64], bytes[40], back[64];
    int rows = 0;
    FILE *file = fopen("tests/unit/addresses.txt", "r");

    check_case("addresses_are_the_same_in_c_and_lua");
    if (!check_that(file != NULL, "tests/unit/addresses.txt: not there"))
        return;
    while (fscanf(file, "%63s %39s %63s", given, bytes, back) == 3) {
        struct ipaddr address;
        char text[IPADDR_TEXT], hex[40] = "-";
        bool read = ipaddr_from_text(&address, given) == 0;

        for (int i = 0; read && i < ipaddr_family(address.version)->address_length; i++)
            snprintf(hex + 2 * i, 3, "%02x", address.bytes[i]);
        check_text(given, hex, bytes);
        check_text(given, read ? ipaddr_to_text(&address, text) : "-", back);
        rows++;
    }
    fclose(file);
    check_int("rows", rows, 62);
}

static void test_ipaddr(void)
{
    test_as_lua_has_it();
    char text[IPADDR_TEXT];

    for (size_t i = 0; i < COUNT(address_rows); i++) {
        const struct address_row *row = &address_rows[i];
        struct ipaddr address, copy;
        check_case("address_%s_comes_back", row->text);
        if (!check_int("result", ipaddr_from_text(&address, row->text), 0))
            continue;
        check_int("version", address.version, row->version);
        check_text("text", ipaddr_to_text(&address, text), row->written ? row->written : row->text);
        check_int("link-local", ipaddr_is_link_local6(&address), row->link_local);
        copy = ipaddr_from_bytes(address.version, address.bytes);
        check_that(ipaddr_equal(&address, &copy), "its bytes make another address");
        check_socket_address(&address);
    }
    for (size_t i = 0; i < COUNT(no_addresses); i++) {
        struct ipaddr address = { .version = 9 };
        check_case("'%s'_is_no_address", no_addresses[i]);
        check_int("result", ipaddr_from_text(&address, no_addresses[i]), -1);
        check_int("version, untouched", address.version, 9);
    }

    check_case("no_address_is_written_as_a_star");
    check_text("text", ipaddr_to_text(&(struct ipaddr){ 0 }, text), "*");

    check_case("the_same_bytes_of_both_families_differ");
    struct ipaddr four = { .version = 4 }, six = { .version = 6 };
    check_that(!ipaddr_equal(&four, &six), "0.0.0.0 equals ::");

    check_case("a_socket_address_of_another_family_is_none");
    struct sockaddr_storage local = { .ss_family = AF_UNIX };
    check_int("version", ipaddr_from_sockaddr(&local).version, 0);
}

static void test_icmpname(void)
{
    static const struct {
        uint8_t version;
        enum wire_kind kind;
        uint8_t type, code;
        const char *name;
    } rows[] = {
        { 4, WIRE_TIME_EXCEEDED, 11, 0, "time exceeded in transit" },
        { 6, WIRE_TIME_EXCEEDED, 3, 0, "time exceeded in transit" },
        { 4, WIRE_UNREACHABLE, 3, 1, "host unreachable" },
        { 4, WIRE_UNREACHABLE, 3, 3, "port unreachable" },
        { 6, WIRE_UNREACHABLE, 1, 4, "port unreachable" },
        { 6, WIRE_UNREACHABLE, 1, 3, "address unreachable" },
        { 4, WIRE_UNREACHABLE, 12, 0, "parameter problem" },
        { 6, WIRE_UNREACHABLE, 4, 0, "parameter problem" },
        { 4, WIRE_TOO_BIG, 3, 4, "fragmentation needed" },
        { 6, WIRE_TOO_BIG, 2, 0, "packet too big" },
        { 4, WIRE_SYN_ACK, 0, 0, "SYN-ACK" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case("type_%u_code_%u_of_ip%u_is_%s", rows[i].type, rows[i].code, rows[i].version,
                   rows[i].name);
        check_text("name", icmpname(rows[i].version, rows[i].kind, rows[i].type, rows[i].code),
                   rows[i].name);
    }
    check_case("every_protocol_and_kind_has_its_own_name");
    for (int i = 0; i < WIRE_KIND_COUNT; i++) {
        check_that(wire_kind_names[i] != NULL, "kind %d has no name", i);
        for (int j = 0; j < i; j++)
            check_that(strcmp(wire_kind_names[i], wire_kind_names[j]) != 0, "%s: twice",
                       wire_kind_names[i]);
    }
    for (int i = 0; i <= WIRE_TCP_SESSION; i++)
        check_that(wire_protocol_names[i] != NULL, "protocol %d has no name", i);
    check_that(!wire_kind_names[WIRE_KIND_COUNT] && !wire_protocol_names[WIRE_TCP_SESSION + 1],
               "a list without its end");
    check_case("every_kind_type_and_code_has_a_name");
    for (int kind = 0; kind <= WIRE_KIND_COUNT; kind++) {
        for (int n = 0; n < 65536; n++) {
            uint8_t version = n % 2 ? 6 : 4;
            const char *name =
                icmpname(version, (enum wire_kind)kind, (uint8_t)(n >> 8), (uint8_t)n);
            check_that(name != NULL && *name != '\0', "kind %d, %d has no name", kind, n);
        }
    }
}

int main(void)
{
    test_err();
    test_misfits();
    test_ipaddr();
    test_mapped();
    test_icmpname();
    return check_done();
}

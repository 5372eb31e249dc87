/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser with packets of all kinds, whole and cut at every length. With WIRE_SEEDS=folder in
 * the environment, the packets are also written there, as seeds for tests/fuzz. */
#include "check.h"
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COOKIE = 14 }; /* bytes of an ICMP or UDP probe's transport that hold the cookie */
enum { SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10, FIN = 0x01, ECE = 0x40, CWR = 0x80 };

static const struct row {
    const char *name;
    struct vector_error error;
    enum wire_verdict verdict;
    enum wire_kind kind;
    bool no_cookie;
    uint16_t mtu;
} rows[] = {
/* clang-format off */
#define TE4 .version = 4, .type = 11, .code = 0
#define TE6 .version = 6, .type = 3, .code = 0
#define EXCEEDED .verdict = WIRE_OK, .kind = WIRE_TIME_EXCEEDED
#define STOPPED .verdict = WIRE_OK, .kind = WIRE_UNREACHABLE
#define FOREIGN .verdict = WIRE_FOREIGN
    /* length of the quote */
    { "icmp4_whole_quote_is_read", { TE4, .protocol = WIRE_ICMP }, EXCEEDED },
    { "icmp4_quote_of_8_bytes_is_read_without_cookie",
      { TE4, .protocol = WIRE_ICMP, .quote = 8 }, EXCEEDED, .no_cookie = true },
    { "icmp4_quote_of_28_bytes_is_read", { TE4, .protocol = WIRE_ICMP, .quote = 28 }, EXCEEDED },
    { "icmp4_quote_of_8_bytes_padded_to_128_has_no_cookie",
      { TE4, .protocol = WIRE_ICMP, .quote = 8, .pad_to = 128 }, EXCEEDED, .no_cookie = true },
    { "icmp4_whole_quote_padded_to_128_is_read",
      { TE4, .protocol = WIRE_ICMP, .pad_to = 128, .rest = 32u << 16 }, EXCEEDED },
    { "icmp4_quote_to_the_balance_has_no_cookie",
      { TE4, .protocol = WIRE_ICMP, .quote = COOKIE - WIRE_COOKIE }, EXCEEDED, .no_cookie = true },
    { "icmp4_quote_to_the_end_of_the_cookie_has_it",
      { TE4, .protocol = WIRE_ICMP, .quote = COOKIE }, EXCEEDED },
    { "icmp4_quote_of_7_bytes_is_truncated",
      { TE4, .protocol = WIRE_ICMP, .quote = 7 }, .verdict = WIRE_TRUNCATED },
    { "udp4_whole_quote_is_read", { TE4, .protocol = WIRE_UDP }, EXCEEDED },
    { "udp4_quote_of_8_bytes_is_read_without_cookie",
      { TE4, .protocol = WIRE_UDP, .quote = 8 }, EXCEEDED, .no_cookie = true },
    { "udp4_quote_of_8_bytes_padded_to_128_has_no_cookie",
      { TE4, .protocol = WIRE_UDP, .quote = 8, .pad_to = 128 }, EXCEEDED, .no_cookie = true },
    { "tcp4_whole_quote_is_read", { TE4, .protocol = WIRE_TCP }, EXCEEDED, .no_cookie = true },
    { "tcp4_quote_of_8_bytes_is_read",
      { TE4, .protocol = WIRE_TCP, .quote = 8 }, EXCEEDED, .no_cookie = true },
    { "tcp4_quote_of_7_bytes_is_truncated",
      { TE4, .protocol = WIRE_TCP, .quote = 7 }, .verdict = WIRE_TRUNCATED },
    { "icmp6_whole_quote_is_read", { TE6, .protocol = WIRE_ICMP }, EXCEEDED },
    { "icmp6_quote_of_8_bytes_is_read_without_cookie",
      { TE6, .protocol = WIRE_ICMP, .quote = 8 }, EXCEEDED, .no_cookie = true },
    { "udp6_whole_quote_is_read", { TE6, .protocol = WIRE_UDP }, EXCEEDED },
    { "udp6_whole_quote_padded_to_128_is_read",
      { TE6, .protocol = WIRE_UDP, .pad_to = 128, .rest = 16u << 24 }, EXCEEDED },
    { "tcp6_whole_quote_is_read", { TE6, .protocol = WIRE_TCP }, EXCEEDED, .no_cookie = true },
    /* options and extension headers */
    { "one_word_of_inner_options_is_skipped",
      { TE4, .protocol = WIRE_ICMP, .inner_options = 1 }, EXCEEDED },
    { "ten_words_of_inner_options_are_skipped",
      { TE4, .protocol = WIRE_UDP, .inner_options = 10, .quote = 8 }, EXCEEDED, .no_cookie = true },
    { "outer_options_are_skipped", { TE4, .protocol = WIRE_ICMP, .outer_options = 3 }, EXCEEDED },
    { "inner_and_outer_options_are_skipped",
      { TE4, .protocol = WIRE_TCP, .outer_options = 10, .inner_options = 9 }, EXCEEDED,
      .no_cookie = true },
    { "inner_hop_by_hop_is_skipped",
      { TE6, .protocol = WIRE_ICMP, .inner_headers = "h" }, EXCEEDED },
    { "inner_long_hop_by_hop_is_skipped",
      { TE6, .protocol = WIRE_UDP, .inner_headers = "H" }, EXCEEDED },
    { "inner_routing_is_skipped", { TE6, .protocol = WIRE_UDP, .inner_headers = "r" }, EXCEEDED },
    { "inner_destination_is_skipped",
      { TE6, .protocol = WIRE_ICMP, .inner_headers = "D" }, EXCEEDED },
    { "inner_first_fragment_is_read",
      { TE6, .protocol = WIRE_UDP, .inner_headers = "f" }, EXCEEDED },
    { "inner_later_fragment_is_foreign",
      { TE6, .protocol = WIRE_UDP, .inner_headers = "F" }, FOREIGN },
    { "inner_authentication_is_skipped",
      { TE6, .protocol = WIRE_TCP, .inner_headers = "a" }, EXCEEDED, .no_cookie = true },
    { "all_inner_extension_headers_are_skipped",
      { TE6, .protocol = WIRE_ICMP, .inner_headers = "hdrfaD" }, EXCEEDED },
    { "eight_inner_extension_headers_are_skipped",
      { TE6, .protocol = WIRE_ICMP, .inner_headers = "hdrdadrd" }, EXCEEDED },
    { "endless_inner_extension_headers_are_given_up",
      { TE6, .protocol = WIRE_ICMP, .inner_headers = "dddddddddddddddddddddddd" },
      .verdict = WIRE_MALFORMED },
    { "outer_extension_headers_are_skipped",
      { TE6, .protocol = WIRE_ICMP, .outer_headers = "hd" }, EXCEEDED },
    { "outer_later_fragment_is_foreign",
      { TE6, .protocol = WIRE_ICMP, .outer_headers = "F" }, FOREIGN },
    /* types and codes */
    { "reassembly_time_exceeded_4_is_no_hop",
      { .version = 4, .type = 11, .code = 1, .protocol = WIRE_ICMP }, FOREIGN },
    { "reassembly_time_exceeded_6_is_no_hop",
      { .version = 6, .type = 3, .code = 1, .protocol = WIRE_ICMP }, FOREIGN },
    { "net_unreachable_is_read",
      { .version = 4, .type = 3, .code = 0, .protocol = WIRE_UDP }, STOPPED },
    { "host_unreachable_is_read",
      { .version = 4, .type = 3, .code = 1, .protocol = WIRE_ICMP }, STOPPED },
    { "port_unreachable_is_read",
      { .version = 4, .type = 3, .code = 3, .protocol = WIRE_UDP }, STOPPED },
    { "prohibited_is_read",
      { .version = 4, .type = 3, .code = 13, .protocol = WIRE_TCP }, STOPPED, .no_cookie = true },
    { "fragmentation_needed_names_the_mtu",
      { .version = 4, .type = 3, .code = 4, .rest = 1400, .protocol = WIRE_ICMP }, WIRE_OK,
      WIRE_TOO_BIG, .mtu = 1400 },
    { "fragmentation_needed_without_an_mtu_has_0",
      { .version = 4, .type = 3, .code = 4, .protocol = WIRE_ICMP }, .verdict = WIRE_OK,
      .kind = WIRE_TOO_BIG },
    { "fragmentation_needed_ignores_the_unused_half",
      { .version = 4, .type = 3, .code = 4, .rest = 0x00200514, .protocol = WIRE_ICMP }, WIRE_OK,
      WIRE_TOO_BIG, .mtu = 0x514 },
    { "parameter_problem_4_is_read",
      { .version = 4, .type = 12, .code = 0, .protocol = WIRE_ICMP }, STOPPED },
    { "source_quench_is_foreign",
      { .version = 4, .type = 4, .code = 0, .protocol = WIRE_ICMP }, FOREIGN },
    { "redirect_is_foreign",
      { .version = 4, .type = 5, .code = 1, .protocol = WIRE_ICMP }, FOREIGN },
    { "no_route_6_is_read",
      { .version = 6, .type = 1, .code = 0, .protocol = WIRE_ICMP }, STOPPED },
    { "prohibited_6_is_read",
      { .version = 6, .type = 1, .code = 1, .protocol = WIRE_UDP }, STOPPED },
    { "address_unreachable_6_is_read",
      { .version = 6, .type = 1, .code = 3, .protocol = WIRE_ICMP }, STOPPED },
    { "port_unreachable_6_is_read",
      { .version = 6, .type = 1, .code = 4, .protocol = WIRE_UDP }, STOPPED },
    { "packet_too_big_names_the_mtu",
      { .version = 6, .type = 2, .code = 0, .rest = 1280, .protocol = WIRE_ICMP }, WIRE_OK,
      WIRE_TOO_BIG, .mtu = 1280 },
    { "packet_too_big_with_an_absurd_mtu_is_capped",
      { .version = 6, .type = 2, .code = 0, .rest = 0x80000500, .protocol = WIRE_ICMP }, WIRE_OK,
      WIRE_TOO_BIG, .mtu = 0xffff },
    { "parameter_problem_6_is_read",
      { .version = 6, .type = 4, .code = 1, .protocol = WIRE_ICMP }, STOPPED },
    { "router_advertisement_is_foreign",
      { .version = 6, .type = 134, .code = 0, .protocol = WIRE_ICMP }, FOREIGN },
    /* Ethernet pads short frames */
    { "ethernet_padding_is_no_part_of_the_quote",
      { TE4, .protocol = WIRE_ICMP, .quote = 8, .ethernet = 18 }, EXCEEDED, .no_cookie = true },
    { "ethernet_padding_6_is_no_part_of_the_quote",
      { TE6, .protocol = WIRE_UDP, .quote = 8, .ethernet = 6 }, EXCEEDED, .no_cookie = true },
    /* clang-format on */
};

static const char *const verdicts[] = { "OK", "FOREIGN", "TRUNCATED", "MALFORMED" };

static bool check_verdict(enum wire_verdict got, enum wire_verdict want)
{
    return check_text("verdict", verdicts[got], verdicts[want]);
}

/* Parses a copy of exactly this length, so that a sanitizer detects a read past its end. */
static enum wire_verdict parse(const struct vector *v, size_t length, struct wire_packet *out)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    if (copy == NULL)
        abort();
    memcpy(copy, v->bytes, length);
    enum wire_verdict verdict = wire_parse(copy, length, out);
    free(copy);
    return verdict;
}

static void check_ids(const struct wire_ids *ids, enum wire_protocol protocol, uint8_t version,
                      bool quoted, bool no_cookie)
{
    struct wire_spec spec = vector_spec(protocol, version);
    uint16_t index = wire_index(&spec, vector_probe.number);
    bool tcp = protocol == WIRE_TCP;

    check_int("protocol", ids->protocol, protocol);
    check_that(ipaddr_equal(&ids->source, &spec.source), "another source");
    check_that(ipaddr_equal(&ids->target, &spec.target), "another target");
    check_int("source port", ids->source_port, spec.source_port);
    check_int("target port", ids->target_port, spec.target_port);
    check_int("ident", ids->ident, spec.ident);
    check_int("index", ids->index, tcp ? 0 : index);
    check_int("tcp_seq", ids->tcp_seq, tcp ? wire_tcp_seq(&spec, vector_probe.number) : 0);
    check_int("ip_id", ids->ip_id,
              quoted && version == 4 ? wire_ip_id(&spec, vector_probe.number) : 0);
    check_int("bytes of the cookie", ids->cookie_bytes, no_cookie ? 0 : WIRE_COOKIE);
    check_int("cookie", ids->cookie, no_cookie ? 0 : wire_cookie(&spec, vector_probe.number));
}

enum { UNTOUCHED = 0x5a };

static bool is_untouched(const struct wire_packet *packet)
{
    const uint8_t *bytes = (const uint8_t *)packet;
    size_t i = 0;

    while (i < sizeof *packet && bytes[i] == UNTOUCHED)
        i++;
    return i == sizeof *packet;
}

/* A packet cut at any length is never read as something else, and no result is written without
 * WIRE_OK. */
static void check_cut(const struct vector *v, const struct wire_packet *whole)
{
    for (size_t length = 0; length < v->length; length++) {
        struct wire_packet cut;
        memset(&cut, UNTOUCHED, sizeof cut);
        if (parse(v, length, &cut) != WIRE_OK) {
            check_that(is_untouched(&cut), "written to at %zu bytes", length);
            continue;
        }
        if (whole == NULL) {
            check_that(false, "OK when cut to %zu bytes", length);
            return;
        }
        check_int("kind when cut", cut.kind, whole->kind);
        check_int("index when cut", cut.probe.index, whole->probe.index);
        check_int("tcp_seq when cut", cut.probe.tcp_seq, whole->probe.tcp_seq);
        unsigned missing = 8u * (unsigned)(WIRE_COOKIE - cut.probe.cookie_bytes);
        uint64_t cookie = whole->probe.cookie;
        check_int("what there is of the cookie when cut", cut.probe.cookie,
                  (int64_t)(cookie >> missing << missing));
    }
}

static void test_row(const struct row *row)
{
    struct vector v;
    struct wire_packet read = { 0 };
    struct ipaddr router = vector_router(row->error.version);

    vector_build_error(&v, &row->error);
    vector_save(row->name, &v);
    check_case("%s", row->name);
    enum wire_verdict verdict = parse(&v, v.length, &read);
    if (check_verdict(verdict, row->verdict) && verdict == WIRE_OK) {
        check_int("kind", read.kind, row->kind);
        check_int("type", read.type, row->error.type);
        check_int("code", read.code, row->error.code);
        check_int("mtu", read.mtu, row->mtu);
        check_int("ttl", read.ttl, 61);
        check_int("length", read.length, (int64_t)(v.length - row->error.ethernet));
        check_that(ipaddr_equal(&read.from, &router), "another responder");
        check_int("probe ttl", read.probe.ttl, 1);
        check_ids(&read.probe, row->error.protocol, row->error.version, true, row->no_cookie);
    }
    check_cut(&v, verdict == WIRE_OK ? &read : NULL);
}

/* ---- direct replies ------------------------------------------------------------------------ */

static const struct tcp_row {
    const char *name;
    uint8_t flags;
    enum wire_verdict verdict;
    enum wire_kind kind;
} tcp_rows[] = {
    { "syn_ack_is_read", SYN | ACK, WIRE_OK, WIRE_SYN_ACK },
    { "syn_ack_with_ecn_is_read", SYN | ACK | ECE, WIRE_OK, WIRE_SYN_ACK },
    { "rst_ack_is_read", RST | ACK, WIRE_OK, WIRE_RST },
    { "bare_rst_is_read_as_such", RST, WIRE_OK, WIRE_BARE_RST },
    { "bare_ack_is_read", ACK, WIRE_OK, WIRE_ACK },
    { "data_is_read", ACK | PSH, WIRE_OK, WIRE_ACK },
    { "fin_ack_is_read", FIN | ACK, WIRE_OK, WIRE_ACK },
    { "no_flags_are_foreign", 0, WIRE_FOREIGN, 0 },
    { "syn_rst_is_foreign", SYN | RST, WIRE_FOREIGN, 0 },
    { "syn_rst_ack_is_foreign", SYN | RST | ACK, WIRE_FOREIGN, 0 },
};

static void test_tcp(const struct tcp_row *row, uint8_t version)
{
    struct wire_spec spec = vector_spec(WIRE_TCP, version);
    struct wire_packet read;
    struct vector v;
    char name[64];

    snprintf(name, sizeof name, "tcp%u_%s", version, row->name);
    vector_build_tcp(&v, version, row->flags, wire_tcp_seq(&spec, vector_probe.number) + 1);
    vector_save(name, &v);
    check_case("%s", name);
    enum wire_verdict verdict = parse(&v, v.length, &read);
    if (check_verdict(verdict, row->verdict) && verdict == WIRE_OK) {
        check_int("kind", read.kind, row->kind);
        check_that(ipaddr_equal(&read.from, &spec.target), "another responder");
        struct wire_ids ids = read.probe;
        if (row->kind ==
            WIRE_BARE_RST) { /* has no acknowledgement, and the probe's as its number */
            check_int("its sequence number", ids.tcp_seq, 0x99887766);
            ids.tcp_seq = wire_tcp_seq(&spec, vector_probe.number);
        }
        check_ids(&ids, WIRE_TCP, version, false, true);
    }
    check_cut(&v, verdict == WIRE_OK ? &read : NULL);
}

static void test_echo_reply(uint8_t version)
{
    struct wire_spec spec = vector_spec(WIRE_ICMP, version);
    struct wire_packet read;
    struct vector v;
    char name[64];

    snprintf(name, sizeof name, "echo_reply_%u_is_read", version);
    vector_build_echo_reply(&v, version);
    vector_save(name, &v);
    check_case("%s", name);
    if (check_verdict(parse(&v, v.length, &read), WIRE_OK)) {
        check_int("kind", read.kind, WIRE_ECHO_REPLY);
        check_int("ttl", read.ttl, 61);
        check_that(ipaddr_equal(&read.from, &spec.target), "another responder");
        check_ids(&read.probe, WIRE_ICMP, version, false, false);
        check_cut(&v, &read);
    }
}

/* ---- packets that contradict themselves ---------------------------------------------------- */

enum { IP4 = 0, ICMP4 = 20, QUOTE4 = 28, QUOTE6 = 48, WHOLE = 0 };

/* A valid packet with one changed byte; `cut`: number of captured bytes. */
static const struct changed {
    const char *name;
    uint8_t version;
    size_t at;
    uint8_t to;
    size_t cut;
    enum wire_verdict verdict;
} changed[] = {
    { "ihl_4_is_malformed", 4, IP4, 0x44, WHOLE, WIRE_MALFORMED },
    { "ihl_0_is_malformed", 4, IP4, 0x40, WHOLE, WIRE_MALFORMED },
    { "ihl_15_leaves_no_icmp_that_we_know", 4, IP4, 0x4f, WHOLE, WIRE_FOREIGN },
    { "ihl_past_the_end_is_truncated", 4, IP4, 0x4f, 40, WIRE_TRUNCATED },
    { "version_5_is_foreign", 4, IP4, 0x55, WHOLE, WIRE_FOREIGN },
    { "version_0_is_foreign", 4, IP4, 0x05, WHOLE, WIRE_FOREIGN },
    { "total_length_below_the_header_is_malformed", 4, IP4 + 3, 19, WHOLE, WIRE_MALFORMED },
    { "total_length_0_is_malformed", 4, IP4 + 3, 0, WHOLE, WIRE_MALFORMED },
    { "total_length_of_a_header_alone_is_truncated", 4, IP4 + 3, 20, WHOLE, WIRE_TRUNCATED },
    { "total_length_that_ends_in_the_quote_is_truncated", 4, IP4 + 3, 50, WHOLE, WIRE_TRUNCATED },
    { "total_length_that_ends_7_into_the_quoted_transport_is_truncated", 4, IP4 + 3, 55, WHOLE,
      WIRE_TRUNCATED },
    { "total_length_that_ends_8_into_the_quoted_transport_is_read", 4, IP4 + 3, 56, WHOLE,
      WIRE_OK },
    { "capture_that_ends_before_the_packet_is_read", 4, IP4 + 8, 61, 56, WIRE_OK },
    { "fragment_is_foreign", 4, IP4 + 7, 1, WHOLE, WIRE_FOREIGN },
    { "first_fragment_is_read", 4, IP4 + 6, 0x20, WHOLE, WIRE_OK },
    { "foreign_protocol_is_foreign", 4, IP4 + 9, 47, WHOLE, WIRE_FOREIGN },
    { "icmp6_in_ip4_is_foreign", 4, IP4 + 9, 58, WHOLE, WIRE_FOREIGN },
    { "inner_ihl_4_is_malformed", 4, QUOTE4, 0x44, WHOLE, WIRE_MALFORMED },
    { "inner_ihl_past_the_end_is_truncated", 4, QUOTE4, 0x4f, 80, WIRE_TRUNCATED },
    { "inner_version_5_is_foreign", 4, QUOTE4, 0x55, WHOLE, WIRE_FOREIGN },
    { "inner_later_fragment_4_is_foreign", 4, QUOTE4 + 7, 1, WHOLE, WIRE_FOREIGN },
    { "inner_foreign_protocol_is_foreign", 4, QUOTE4 + 9, 47, WHOLE, WIRE_FOREIGN },
    { "inner_icmp6_in_ip4_is_foreign", 4, QUOTE4 + 9, 58, WHOLE, WIRE_FOREIGN },
    { "quote_of_an_icmp_error_is_foreign", 4, QUOTE4 + 20, 11, WHOLE, WIRE_FOREIGN },
    { "quote_of_an_echo_reply_is_foreign", 4, QUOTE4 + 20, 0, WHOLE, WIRE_FOREIGN },
    { "wrong_inner_total_length_is_ignored", 4, QUOTE4 + 3, 1, WHOLE, WIRE_OK },
    { "payload_length_0_is_truncated", 6, 5, 0, WHOLE, WIRE_TRUNCATED },
    { "payload_length_that_ends_in_the_quote_is_truncated", 6, 5, 55, WHOLE, WIRE_TRUNCATED },
    { "payload_length_that_ends_8_into_the_quoted_transport_is_read", 6, 5, 56, WHOLE, WIRE_OK },
    { "payload_length_beyond_the_capture_is_read", 6, 4, 0x05, WHOLE, WIRE_OK },
    { "payload_length_near_65535_is_read", 6, 4, 0xff, WHOLE, WIRE_OK },
    { "foreign_next_header_is_foreign", 6, 6, 59, WHOLE, WIRE_FOREIGN },
    { "icmp4_in_ip6_is_foreign", 6, 6, 1, WHOLE, WIRE_FOREIGN },
    { "inner_no_next_header_is_foreign", 6, QUOTE6 + 6, 59, WHOLE, WIRE_FOREIGN },
    { "inner_extension_header_before_a_foreign_protocol_is_foreign", 6, QUOTE6 + 6, 43, WHOLE,
      WIRE_FOREIGN },
};

static void test_changed(const struct changed *row)
{
    struct vector_error error = { .version = row->version, .type = row->version == 4 ? 11 : 3 };
    struct wire_packet read;
    struct vector v;

    vector_build_error(&v, &error);
    v.bytes[row->at] = row->to;
    vector_seal(v.bytes, v.length);
    if (row->cut != WHOLE)
        v.length = row->cut;
    vector_save(row->name, &v);
    check_case("%s", row->name);
    check_verdict(parse(&v, v.length, &read), row->verdict);
}

/* payload_test tests the contents. */
static void test_service(uint8_t version, enum wire_payload payload)
{
    struct wire_spec spec = vector_spec(WIRE_UDP, version);
    struct wire_packet read;
    struct vector v[2];
    char name[64];

    spec.payload = payload;
    spec.size = wire_size_usual(&spec);
    v[0].length = wire_build(&spec, &vector_probe, v[0].bytes);
    vector_build_service(&v[1], payload, &v[0], version);
    for (int i = 0; i < 2; i++) {
        const char *what = i == 0 ? "request" : "reply";
        snprintf(name, sizeof name, "%s_%s_over_ip%u_is_read", payload_name(payload), what,
                 version);
        check_case("%s", name);
        vector_save(name, &v[i]);
        parse(&v[i], v[i].length, &read);
        check_int("kind", read.kind, i == 0 ? WIRE_PROBE : WIRE_SERVICE);
    }
}

/* Lengths for which two bytes of a packet are changed. */
static void test_odd_ones(void)
{
    struct vector_error error = { .version = 6, .type = 3 };
    struct wire_packet read;
    struct vector v;

    check_case("payload_length_65535_is_not_read_as_39");
    vector_build_error(&v, &error);
    v.bytes[4] = v.bytes[5] = 0xff;
    vector_seal(v.bytes, v.length);
    enum wire_verdict verdict = parse(&v, v.length, &read);
    check_that(verdict != WIRE_OK || read.length == 65535, "OK with a length of %u", read.length);

    check_case("inner_extension_header_past_the_end_is_truncated");
    error.inner_headers = "d";
    vector_build_error(&v, &error);
    v.bytes[QUOTE6 + 40 + 1] = 255;
    vector_seal(v.bytes, v.length);
    check_verdict(parse(&v, v.length, &read), WIRE_TRUNCATED);

    check_case("quote_of_the_other_family_is_foreign");
    struct ipaddr router = vector_router(4);
    struct wire_spec spec = vector_spec(WIRE_UDP, 6), spec4 = vector_spec(WIRE_UDP, 4);
    uint8_t probe[VECTOR_MAX];
    size_t length = wire_build(&spec, &vector_probe, probe);
    v.length = 0;
    vector_ip(&v, &router, &spec4.source, 1, 0, NULL, 8 + length);
    vector_put(&v, "\x0b\0\0\0\0\0\0", 8);
    vector_put(&v, probe, length);
    vector_seal(v.bytes, v.length);
    vector_save("quote_of_the_other_family_is_foreign", &v);
    check_verdict(parse(&v, v.length, &read), WIRE_FOREIGN);

    check_case("nothing_is_truncated");
    check_verdict(parse(&v, 0, &read), WIRE_TRUNCATED);

    check_case("one_byte_of_each_value_is_no_packet");
    for (int byte = 0; byte < 256; byte++) {
        v.bytes[0] = (uint8_t)byte;
        check_that(parse(&v, 1, &read) != WIRE_OK, "OK for byte %02x", byte);
    }

    check_case("a_thousand_random_packets_are_survived");
    uint64_t seed = 1;
    for (int n = 0; n < (check_quick() ? 1000 : 50000); n++) {
        v.length = check_random(&seed) % 200;
        for (size_t i = 0; i < v.length; i++)
            v.bytes[i] = (uint8_t)check_random(&seed);
        if (v.length > 10 && n % 2 == 0)
            v.bytes[0] = 0x45;
        parse(&v, v.length, &read);
    }
    check_that(true, "survived");
}

/* Corrects the checksum of the quoted IPv4 header. */
static void sum_quoted_header(struct vector *v)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < 20; i += 2)
        if (i != 10)
            sum += (uint32_t)(v->bytes[QUOTE4 + i] << 8 | v->bytes[QUOTE4 + i + 1]);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = ~((sum >> 16) + (sum & 0xffff));
    v->bytes[QUOTE4 + 10] = (uint8_t)(sum >> 8);
    v->bytes[QUOTE4 + 11] = (uint8_t)sum;
    vector_seal(v->bytes, v->length);
}

/* The fields of an error's quote. */
static void test_quote(enum wire_protocol protocol, uint8_t version)
{
    struct vector_error error = {
        .version = version, .protocol = protocol, .type = version == 4 ? 11 : 3, .rest = 0x01020304
    };
    struct wire_spec spec = vector_spec(protocol, version);
    struct wire_packet read = { 0 };
    struct vector v;

    vector_build_error(&v, &error);
    if (version == 4)
        sum_quoted_header(&v);
    check_case("quote_%d_of_protocol_%d_is_read", version, (int)protocol);
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    check_int("rest", read.rest, 0x01020304);
    check_int("at", read.quote.at, version == 4 ? QUOTE4 : QUOTE6);
    check_int("length", read.quote.length, spec.size);
    check_int("size", read.quote.size, spec.size);
    uint16_t udp = wire_index(&spec, vector_probe.number);
    check_int("checksum", read.quote.checksum,
              protocol == WIRE_TCP   ? 0
              : protocol == WIRE_UDP ? udp
                                     : WIRE_ICMP_CHECKSUM);
    check_int("header checksum is right", read.quote.header_ok, version == 4);
    if (version == 6)
        return;
    v.bytes[QUOTE4 + 8]++;
    vector_seal(v.bytes, v.length);
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    check_int("header checksum of another TTL is right", read.quote.header_ok, false);
    v.bytes[QUOTE4 + 6] ^= 0x40;
    vector_seal(v.bytes, v.length);
    bool df = read.quote.df;
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    check_int("quoted DF", read.quote.df, !df);
}

/* ---- cookies and checksums ----------------------------------------------------------------- */

/* The whole quote of a probe in which some transport bytes are zeros, with or without a label
 * stack. */
static const struct zeros_row {
    const char *name;
    size_t pad_to;   /* of the quote */
    size_t from, to; /* zeros, in the quote */
    uint32_t rest;   /* the header's length field */
    bool labelled;   /* an extension follows */
    uint8_t has;     /* bytes of the cookie that are read */
} zeros_rows[] = {
    { "zeros_in_place_of_a_cookie_are_a_cookie", 0, 30, 34, 0, false, WIRE_COOKIE },
    { "zeros_to_the_end_of_a_quote_are_a_cookie", 0, 28, 64, 0, false, WIRE_COOKIE },
    { "zeros_to_byte_127_are_a_cookie", 127, 28, 127, 0, false, WIRE_COOKIE },
    { "zeros_to_byte_128_are_padding", 128, 28, 128, 0, false, 0 },
    { "zeros_to_a_label_stack_are_padding", 128, 28, 128, 32u << 16, true, 0 },
    { "zeros_to_a_label_stack_without_a_length_are_padding", 128, 28, 128, 0, true, 0 },
    { "zeros_in_place_of_a_cookie_before_a_label_stack_are_a_cookie", 128, 30, 34, 32u << 16, true,
      WIRE_COOKIE },
    { "a_cookie_before_padding_and_a_label_stack_is_one", 128, 64, 128, 32u << 16, true,
      WIRE_COOKIE },
    { "a_cookie_in_a_label_stack_is_none", 28, 28, 28, 7u << 16, true, 0 },
    { "a_quote_that_ends_in_the_cookie_before_a_label_stack_has_half_of_it", 32, 32, 32, 8u << 16,
      true, 2 },
};

static void test_zeros(const struct zeros_row *row)
{
    static const uint8_t stack[] = { 0x20, 0, 0x82, 0x19, 0, 8, 1, 1, 5, 0xdc, 0x57, 1 };
    struct vector_error error = { TE4, .protocol = WIRE_ICMP, .rest = row->rest };
    struct wire_packet read;
    struct vector v;

    check_case("%s", row->name);
    vector_build_error(&v, &error);
    vector_fill(&v, 0, row->pad_to > 64 ? row->pad_to - 64 : 0);
    if (row->pad_to > 0)
        v.length = QUOTE4 + row->pad_to;
    memset(v.bytes + QUOTE4 + row->from, 0, row->to - row->from);
    if (row->labelled)
        vector_put(&v, stack, sizeof stack);
    v.bytes[IP4 + 2] = (uint8_t)(v.length >> 8);
    v.bytes[IP4 + 3] = (uint8_t)v.length;
    vector_seal(v.bytes, v.length);
    vector_save(row->name, &v);
    if (check_verdict(parse(&v, v.length, &read), WIRE_OK))
        check_int("bytes of the cookie", read.probe.cookie_bytes, row->has);
}

/* Some stacks quote the identification with swapped bytes and leave the checksum unchanged. */
static void test_swapped(void)
{
    struct vector_error error = { TE4, .protocol = WIRE_UDP };
    struct wire_packet read;
    struct vector v;
    uint8_t *id = v.bytes + QUOTE4 + 4;

    check_case("identification_as_sent_is_not_swapped");
    vector_build_error(&v, &error);
    sum_quoted_header(&v);
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    check_int("swapped", read.probe.id_swapped, false);

    check_case("swapped_identification_is_known_by_the_header_checksum");
    uint8_t first = id[0];
    id[0] = id[1];
    id[1] = first;
    vector_seal(v.bytes, v.length);
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    check_int("swapped", read.probe.id_swapped, true);
    check_case("swapped_identification_is_known_after_the_ttl_has_gone_down");
    id[4]--;
    vector_seal(v.bytes, v.length);
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    check_int("swapped", read.probe.id_swapped, true);

    check_case("swapped_identification_with_a_checksum_made_right_is_another");
    id[4]++;
    sum_quoted_header(&v);
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    check_int("swapped", read.probe.id_swapped, false);
    check_case("header_checksum_of_zero_is_no_evidence_of_a_swap");
    id[6] = id[7] = 0;
    vector_seal(v.bytes, v.length);
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    check_int("swapped", read.probe.id_swapped, false);
}

/* Inverts each bit of a reply that a checksum covers. */
static void check_every_bit(struct vector *v, size_t from, size_t to)
{
    struct wire_packet read;

    for (size_t bit = from * 8; bit < to * 8; bit++) {
        v->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        bool refused = parse(v, v->length, &read) != WIRE_OK || read.kind == WIRE_PROBE;
        if (!check_that(refused, "a reply with bit %zu changed", bit))
            return;
        v->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    check_verdict(parse(v, v->length, &read), WIRE_OK);
}

static void test_damaged(void)
{
    struct vector_error error4 = { TE4, .protocol = WIRE_UDP }, error6 = { TE6 };
    struct wire_packet read;
    struct vector v;

    check_case("error_4_with_one_wrong_bit_is_refused");
    vector_build_error(&v, &error4);
    check_every_bit(&v, 1, v.length);
    check_case("error_4_with_options_and_one_wrong_bit_is_refused");
    error4.outer_options = 2;
    vector_build_error(&v, &error4);
    check_every_bit(&v, 1, v.length);
    check_case("error_6_with_one_wrong_bit_is_refused");
    vector_build_error(&v, &error6);
    check_every_bit(&v, 8, v.length);
    check_case("error_6_behind_extension_headers_with_one_wrong_bit_is_refused");
    error6.outer_headers = "hd";
    vector_build_error(&v, &error6);
    check_every_bit(&v, 80, v.length);
    check_case("echo_reply_4_with_one_wrong_bit_is_refused");
    vector_build_echo_reply(&v, 4);
    check_every_bit(&v, 1, v.length);
    check_case("echo_reply_6_with_one_wrong_bit_is_refused");
    vector_build_echo_reply(&v, 6);
    check_every_bit(&v, 8, v.length);

    check_case("reply_without_a_checksum_is_refused");
    vector_build_error(&v, &error4);
    v.bytes[28 + 2] = v.bytes[28 + 3] = 0;
    check_verdict(parse(&v, v.length, &read), WIRE_MALFORMED);
    check_case("reply_of_which_a_byte_is_missing_is_not_summed");
    vector_build_echo_reply(&v, 4);
    v.bytes[v.length - 2] ^= 1;
    check_verdict(parse(&v, v.length, &read), WIRE_MALFORMED);
    check_verdict(parse(&v, v.length - 1, &read), WIRE_OK);
    check_case("header_is_summed_whatever_is_missing");
    v.bytes[8]++;
    check_verdict(parse(&v, v.length - 1, &read), WIRE_MALFORMED);

    check_case("tcp_checksum_to_be_filled_in_later_is_not_verified");
    vector_build_tcp(&v, 4, SYN | ACK, 1);
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    v.bytes[20 + 16] ^= 0x55;
    check_verdict(parse(&v, v.length, &read), WIRE_OK);
    check_case("tcp_behind_a_damaged_header_is_refused");
    v.bytes[15] ^= 1;
    check_verdict(parse(&v, v.length, &read), WIRE_MALFORMED);
}

int main(void)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        test_row(&rows[i]);
    for (size_t i = 0; i < COUNT(zeros_rows); i++)
        test_zeros(&zeros_rows[i]);
    test_swapped();
    test_damaged();
    for (int protocol = 0; protocol < WIRE_PROTOCOL_COUNT; protocol++) {
        test_quote((enum wire_protocol)protocol, 4);
        test_quote((enum wire_protocol)protocol, 6);
    }
    for (size_t i = 0; i < COUNT(tcp_rows); i++) {
        test_tcp(&tcp_rows[i], 4);
        test_tcp(&tcp_rows[i], 6);
    }
    test_echo_reply(4);
    test_echo_reply(6);
    for (size_t i = 0; i < COUNT(changed); i++)
        test_changed(&changed[i]);
    for (int i = 2; i < 2 * PAYLOAD_FILE; i++)
        test_service(i % 2 == 0 ? 4 : 6, (enum wire_payload)(i / 2));
    test_odd_ones();
    return check_done();
}

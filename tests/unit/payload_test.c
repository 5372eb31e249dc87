/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP probes to services: their bytes, quotes of any length, the replies of the services, and
 * replies forged by an off-path attacker. */
#include "base/units.h"
#include "check.h"
#include "engine/match.h"
#include "filtered.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

enum { UDP_HEADER = 8, FLOW = 3, NUMBER = 2, WAIT_MS = 5000 };

/* The requests as specified in the RFCs; '?' is a byte of the cookie, '!' of the balance, 'a' a
 * letter of the cookie. Zeros follow up to the length. */
static const struct service {
    enum wire_payload payload;
    uint16_t port, length;
    bool balance; /* the reply repeats the balance bytes */
    const char *marks, *bytes;
    size_t written;
} services[] = {
    { PAYLOAD_DNS, 53, 34, true, "!!...........aaaaaaaa.............",
      "\0\0\1\0\0\1\0\0\0\0\0\0\10aaaaaaaa\7invalid\0\0\1\0\1", 34 },
    { PAYLOAD_QUIC, 443, 1200, true, "......!!????...????....",
      "\xc0\x1a\x2a\x3a\x4a\10\0\0\0\0\0\0\0\0\10\0\0\0\0\0\0\0\0", 23 },
    { PAYLOAD_NTP, 123, 48, true, "........................................!!????tt",
      "\x23\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\0\0",
      48 },
    { PAYLOAD_STUN, 3478, 20, true, "........!!????......",
      "\0\1\0\0\x21\x12\xa4\x42\0\0\0\0\0\0\0\0\0\0\0", 20 },
    { PAYLOAD_SNMP, 161, 64, false,
      ".........????.........................................!!........",
      "\x30\x3e\2\1\3\x30\x11\2\4\0\0\0\0\2\3\0\xff\xe3\4\1\4\2\1\3\4\x10\x30\x0e\4\0\2\1\0\2\1\0\4"
      "\0\4\0\4"
      "\0\x30\x14\4\0\4\0\xa0\x0e\2\4\x40\0\0\0\2\1\0\2\1\0\x30",
      64 },
};

/* ---- probes in flight ------------------------------------------------------------------------ */

struct scene {
    const struct service *service;
    struct wire_spec spec;
    struct probes probes;
    struct vector probe; /* number NUMBER */
    size_t header;
};

static void scene_open(struct scene *s, const struct service *service, uint8_t version)
{
    const struct wire_probe probe = { .number = NUMBER, .flow = FLOW, .ttl = 7 };

    *s = (struct scene){ .service = service, .spec = vector_spec(WIRE_UDP, version) };
    s->spec.payload = service->payload;
    s->spec.target_port = service->port;
    s->spec.size = wire_size_usual(&s->spec);
    s->header = ipaddr_family(version)->header_length;
    for (uint32_t n = 0; n < 6; n++) {
        struct probe *p = probes_add(&s->probes, 0, 2 * WAIT_MS * MS);
        if (p == NULL)
            abort();
        p->flow = FLOW;
        p->ttl = 7;
    }
    s->probe.length = wire_build(&s->spec, &probe, s->probe.bytes);
}

static const uint8_t *payload_of(const struct scene *s)
{
    return s->probe.bytes + s->header + UDP_HEADER;
}

/* Returns the number of the probe that a packet answers, or -1. */
static int64_t answered(const struct scene *s, const struct vector *v)
{
    struct wire_packet read;

    if (wire_parse(v->bytes, v->length, &read) != WIRE_OK || read.kind == WIRE_PROBE)
        return -1;
    const struct probe *p = match_reply(&s->probes, &s->spec, &read, 20 * MS, WAIT_MS * MS);
    return p != NULL ? (int64_t)p->number : -1;
}

/* ---- requests ------------------------------------------------------------------------------ */

static void check_byte(const struct scene *s, size_t at, uint32_t cookie, size_t *cookie_at,
                       size_t *letter_at)
{
    const struct service *service = s->service;
    uint8_t byte = payload_of(s)[at];

    switch (service->marks[at]) {
    case '?':
        check_int("byte of the cookie", byte, cookie >> (24 - 8 * (*cookie_at % 4)) & 0xff);
        ++*cookie_at;
        break;
    case 'a':
        check_int("letter", byte, 'a' + (cookie >> (28 - 4 * *letter_at) & 0xf));
        ++*letter_at;
        break;
    case 't':
        check_int("byte of the tag", byte, cookie >> (at % 2 == 0 ? 8 : 0) & 0xff);
        break;
    case '!':
        break;
    default:
        check_int("fixed byte", byte, (uint8_t)service->bytes[at]);
    }
}

static void test_request(const struct service *service, uint8_t version)
{
    struct scene s;
    size_t cookie_at = 0, letter_at = 0;

    scene_open(&s, service, version);
    check_case("%s_request_over_ip%u_is_as_its_rfc_says", payload_name(service->payload), version);
    check_int("size", (int64_t)s.probe.length, (int64_t)s.header + UDP_HEADER + service->length);
    check_int("length of the marks", (int64_t)strlen(service->marks), (int64_t)service->written);
    uint32_t cookie = wire_cookie(&s.spec, NUMBER);
    for (size_t at = 0; at < service->written; at++)
        check_byte(&s, at, cookie, &cookie_at, &letter_at);
    for (size_t at = service->written; at < service->length; at++)
        check_int("padding", payload_of(&s)[at], 0);
    check_int("port", payload_port(service->payload), service->port);
    check_int("by its port", payload_at_port(service->port), service->payload);
    const uint8_t *udp = s.probe.bytes + s.header;
    check_int("checksum is the index", udp[6] << 8 | udp[7], wire_index(&s.spec, NUMBER));
    check_that(filtered_passes(s.probe.bytes, s.probe.length), "the filter rejects the probe");
    struct wire_packet read;
    check_int("read", wire_parse(s.probe.bytes, s.probe.length, &read), WIRE_OK);
    check_int("kind", read.kind, WIRE_PROBE);
    const struct probe *p = match_probe(&s.probes, &s.spec, &read.probe);
    check_int("its number", p != NULL ? (int64_t)p->number : -1, NUMBER);
    probes_fini(&s.probes);
}

/* Every probe of a flow has correct checksums, and differs from the others only in the fields. */
static void test_sums(const struct service *service, uint8_t version)
{
    struct scene s;

    scene_open(&s, service, version);
    check_case("%s_requests_over_ip%u_sum_up", payload_name(service->payload), version);
    for (uint32_t number = 0; number < 3000; number++) {
        const struct wire_probe probe = { .number = number, .flow = (uint16_t)(number % 5) };
        uint64_t sum = 17 + s.probe.length - s.header;
        size_t first = version == 4 ? 12 : 8;
        wire_build(&s.spec, &probe, s.probe.bytes);
        for (size_t i = first; i < s.probe.length; i++)
            sum += i % 2 == 0 ? (uint64_t)s.probe.bytes[i] << 8 : s.probe.bytes[i];
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        if (!check_int("sum", (int64_t)sum, 0xffff))
            break;
    }
    probes_fini(&s.probes);
}

static void quote(const struct scene *s, size_t length, struct vector *v)
{
    struct ipaddr router = vector_router(s->spec.target.version);
    bool four = router.version == 4;
    size_t all = s->probe.length < s->header + length ? s->probe.length : s->header + length;

    v->length = 0;
    vector_ip(v, &router, &s->spec.source, ipaddr_family(router.version)->icmp_protocol, 0, NULL,
              8 + all);
    vector_put(v, four ? "\x0b\0\0\0\0\0\0" : "\3\0\0\0\0\0\0", 8);
    vector_put(v, s->probe.bytes, all);
    vector_seal(v->bytes, v->length);
}

/* A quote finds its probe: over IPv4 at any length; over IPv6, where routers quote more (RFC 4443
 * section 2.4 c), if the quote has the whole cookie. */
static void test_quotes(const struct service *service, uint8_t version)
{
    size_t last = strlen(service->marks);
    struct vector v;
    struct scene s;

    scene_open(&s, service, version);
    while (strchr("?a", service->marks[last - 1]) == NULL)
        last--;
    if (service->payload == PAYLOAD_QUIC)
        last = 12; /* the first of two */
    check_case("%s_quotes_over_ip%u_are_found", payload_name(service->payload), version);
    for (size_t length = UDP_HEADER; length <= UDP_HEADER + 80u; length++) {
        bool whole = length >= UDP_HEADER + last;
        quote(&s, length, &v);
        if (!check_int("probe", answered(&s, &v), version == 4 || whole ? NUMBER : -1))
            break;
    }
    check_case("%s_quotes_over_ip%u_with_a_byte_changed_are_not", payload_name(service->payload),
               version);
    quote(&s, 80, &v);
    size_t at = v.length - (s.probe.length < s.header + 80 ? s.probe.length : s.header + 80) +
                s.header + UDP_HEADER;
    for (size_t i = 0; i < service->written && i < PAYLOAD_SEEN; i++) {
        bool case_of_letter = service->payload == PAYLOAD_DNS && service->marks[i] == 'a';
        bool second =
            (service->payload == PAYLOAD_QUIC && i >= 15 && i < 19) || service->marks[i] == 't';
        uint8_t bit = case_of_letter ? 1 : 0x20;
        v.bytes[at + i] ^= bit;
        vector_seal(v.bytes, v.length);
        int64_t number = answered(&s, &v);
        v.bytes[at + i] ^= bit;
        if (!second && !check_int("probe", number, -1))
            break;
    }
    probes_fini(&s.probes);
}

/* ---- replies ------------------------------------------------------------------------------- */

static void test_reply(const struct service *service, uint8_t version)
{
    struct wire_packet read = { 0 };
    struct vector v;
    struct scene s;

    scene_open(&s, service, version);
    check_case("%s_reply_over_ip%u_answers_its_probe", payload_name(service->payload), version);
    vector_build_service(&v, service->payload, &s.probe, version);
    check_int("probe", answered(&s, &v), NUMBER);
    check_that(filtered_passes(v.bytes, v.length), "the filter rejects the reply");
    wire_parse(v.bytes, v.length, &read);
    check_int("kind", read.kind, WIRE_SERVICE);
    check_int("service", read.type, service->payload);
    check_that(!match_is_bare(&s.spec, &read), "it is bare");

    check_case("%s_reply_over_ip%u_answers_no_other_trace", payload_name(service->payload),
               version);
    struct scene other = s;
    other.spec.cookie ^= 0x0100;
    check_int("of another cookie", answered(&other, &v), -1);
    other = s;
    other.spec.key ^= 1;
    check_int("of another key", answered(&other, &v), -1);
    other = s;
    other.spec.payload = PAYLOAD_PLAIN;
    check_int("of no service", answered(&other, &v), -1);
    probes_fini(&s.probes);
}

/* A reply with one wrong bit in cookie or balance, or cut short, is no reply. */
static void test_forged(const struct service *service, uint8_t version)
{
    struct vector good, v;
    struct wire_packet read = { 0 };
    struct scene s;
    uint32_t taken = 0;

    scene_open(&s, service, version);
    check_case("%s_reply_over_ip%u_needs_each_of_its_secret_bits", payload_name(service->payload),
               version);
    vector_build_service(&good, service->payload, &s.probe, version);
    wire_parse(good.bytes, good.length, &read);
    for (unsigned bit = 0; bit < 48; bit++) {
        struct wire_packet forged = read;
        if (bit < 32)
            forged.probe.cookie ^= UINT32_C(1) << bit;
        else
            forged.probe.balance ^= (uint16_t)(1U << (bit - 32));
        bool is_secret = bit < 32 || service->balance;
        taken +=
            is_secret && match_reply(&s.probes, &s.spec, &forged, 20 * MS, WAIT_MS * MS) != NULL;
    }
    check_int("taken with a wrong bit", taken, 0);
    check_case("%s_reply_over_ip%u_cut_short_is_none", payload_name(service->payload), version);
    struct payload_reply reply;
    const uint8_t *payload = good.bytes + s.header + UDP_HEADER;
    size_t length = good.length - s.header - UDP_HEADER,
           least = vector_service_least(service->payload);
    for (size_t cut = 0; cut < length; cut++)
        taken += payload_read_reply(cur_over(payload, cut), &reply) != (cut >= least);
    check_int("wrong verdicts", taken, 0);
    v = good;
    for (size_t i = s.header; i < v.length; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            v.bytes[i] ^= (uint8_t)(1U << bit);
            (void)answered(&s, &v);
            v.bytes[i] ^= (uint8_t)(1U << bit);
        }
    }
    probes_fini(&s.probes);
}

/* A reply without the balance bytes must come from the probe's target. */
static void test_without_balance(void)
{
    struct wire_packet read = { 0 }, other;
    struct vector v;
    struct scene s;

    check_case("snmp_reply_from_elsewhere_is_none");
    scene_open(&s, &services[4], 4);
    vector_build_service(&v, PAYLOAD_SNMP, &s.probe, 4);
    wire_parse(v.bytes, v.length, &read);
    other = read;
    other.from.bytes[3] ^= 1;
    other.probe.target.bytes[3] ^= 1;
    check_that(match_reply(&s.probes, &s.spec, &other, 20 * MS, WAIT_MS * MS) == NULL, "address");
    other = read;
    other.probe.source_port ^= 1;
    check_that(match_reply(&s.probes, &s.spec, &other, 20 * MS, WAIT_MS * MS) == NULL, "port");
    probes_fini(&s.probes);
}

static void test_names(void)
{
    check_case("payloads_have_names");
    for (int payload = 0; payload < PAYLOAD_COUNT; payload++) {
        check_that(payload_name((enum wire_payload)payload) != NULL, "%d has none", payload);
        for (int code = 0; code < 256; code++)
            check_that(payload_reply_name((enum wire_payload)payload, (uint8_t)code) != NULL,
                       "%d, %d has none", payload, code);
    }
    check_that(payload_reply_name((enum wire_payload)200, 0) != NULL, "nor what is none");
    check_int("no service at 80", payload_at_port(80), PAYLOAD_PLAIN);
    check_int("no service at 0", payload_at_port(0), PAYLOAD_PLAIN);
}

int main(void)
{
    for (size_t i = 0; i < COUNT(services); i++) {
        for (uint8_t version = 4; version <= 6; version += 2) {
            test_request(&services[i], version);
            test_sums(&services[i], version);
            test_quotes(&services[i], version);
            test_reply(&services[i], version);
            test_forged(&services[i], version);
        }
    }
    test_without_balance();
    test_names();
    return check_done();
}

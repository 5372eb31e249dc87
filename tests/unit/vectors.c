/* SPDX-License-Identifier: BSD-2-Clause */
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct wire_probe vector_probe = { .number = 41, .flow = 0, .ttl = 5 };

/* IPv6 extension headers by letter; `last` is the length byte. AH counts words, others 8 bytes. */
static const struct {
    char letter;
    uint8_t number, last, length;
} headers6[] = {
    { 'h', 0, 0, 8 },   { 'H', 0, 2, 24 }, { 'r', 43, 1, 16 }, { 'd', 60, 0, 8 },
    { 'D', 60, 3, 32 }, { 'f', 44, 0, 8 }, { 'F', 44, 0, 8 }, /* F: a later fragment */
    { 'a', 51, 4, 24 },
};

struct wire_spec vector_spec(enum wire_protocol protocol, uint8_t version)
{
    struct wire_spec spec = {
        .protocol = protocol,
        .source_port = protocol == WIRE_ICMP ? 0 : WIRE_SOURCE_PORT,
        .target_port = protocol == WIRE_UDP   ? WIRE_PORT_UDP
                       : protocol == WIRE_TCP ? WIRE_PORT_TCP
                                              : 0,
        .ident = protocol == WIRE_ICMP ? 0xbeef : 0,
        .first_index = 4000,
        .cookie = 0xdeca,
        .key = 0x0123456789abcdef,
        .tcp_base = 0x11223344,
        .size = wire_size_default(protocol, version),
        .tos = 0,
    };
    ipaddr_from_text(&spec.source, version == 4 ? "10.0.0.1" : "2001:db8::1");
    ipaddr_from_text(&spec.target, version == 4 ? "10.0.9.2" : "2001:db8:9::2");
    return spec;
}

void vector_open_probes(struct probes *probes, uint8_t count, uint16_t flow, int64_t deadline_ns)
{
    for (uint8_t ttl = 1; ttl <= count; ttl++) {
        struct probe *p = probes_add(probes, 0, deadline_ns);
        if (p == NULL)
            abort();
        p->ttl = ttl;
        p->flow = flow;
    }
}

struct ipaddr vector_router(uint8_t version)
{
    struct ipaddr router = { 0 };
    ipaddr_from_text(&router, version == 4 ? "10.0.3.1" : "2001:db8:3::1");
    return router;
}

void vector_put(struct vector *v, const void *bytes, size_t length)
{
    if (length > sizeof v->bytes - v->length)
        abort();
    memcpy(v->bytes + v->length, bytes, length);
    v->length += length;
}

void vector_put16(struct vector *v, unsigned value)
{
    uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };
    vector_put(v, bytes, sizeof bytes);
}

void vector_fill(struct vector *v, uint8_t byte, size_t length)
{
    while (length-- > 0)
        vector_put(v, &byte, 1);
}

static size_t row_of_header(char letter)
{
    size_t i = 0;
    while (headers6[i].letter != letter)
        i++;
    return i;
}

static size_t length_of_headers(const char *headers)
{
    size_t length = 0;
    for (; headers != NULL && *headers != '\0'; headers++)
        length += headers6[row_of_header(*headers)].length;
    return length;
}

static uint8_t next_header(const char *headers, uint8_t protocol)
{
    return *headers == '\0' ? protocol : headers6[row_of_header(*headers)].number;
}

static void put_headers(struct vector *v, const char *headers, uint8_t protocol)
{
    for (; *headers != '\0'; headers++) {
        size_t row = row_of_header(*headers);
        uint8_t start[] = { next_header(headers + 1, protocol), headers6[row].last };
        vector_put(v, start, sizeof start);
        if (headers6[row].number == 44)
            vector_put16(v, *headers == 'F' ? 0x0101 : 0x0001); /* offset 32 or 0; more follow */
        else
            vector_put16(v, 0x0104);
        vector_fill(v, 0x01, (size_t)headers6[row].length - 4);
    }
}

void vector_ip(struct vector *v, const struct ipaddr *from, const struct ipaddr *to,
               uint8_t protocol, uint8_t option_words, const char *headers, size_t payload)
{
    if (headers == NULL)
        headers = "";
    if (from->version == 6) {
        uint8_t rest[] = { next_header(headers, protocol), 61 };
        vector_put(v, "\x60\0\0", 4);
        vector_put16(v, (unsigned)(length_of_headers(headers) + payload));
        vector_put(v, rest, sizeof rest);
        vector_put(v, from->bytes, 16);
        vector_put(v, to->bytes, 16);
        put_headers(v, headers, protocol);
        return;
    }
    uint8_t first[] = { (uint8_t)(0x45 + option_words), 0xc0 }, middle[] = { 61, protocol, 0, 0 };
    vector_put(v, first, sizeof first);
    vector_put16(v, (unsigned)(20 + option_words * 4u + payload));
    vector_put16(v, 0x7777);
    vector_put16(v, 0x4000);
    vector_put(v, middle, sizeof middle); /* see vector_seal */
    vector_put(v, from->bytes, 4);
    vector_put(v, to->bytes, 4);
    vector_fill(v, 0x01, option_words * 4u);
}

/* ---- checksums ----------------------------------------------------------------------------- */

static uint32_t sum_of(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return sum;
}

static void put_checksum(uint8_t *at, uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum >> 16) + (sum & 0xffff);
    at[0] = (uint8_t)(~sum >> 8);
    at[1] = (uint8_t)~sum;
}

static void seal_icmp(uint8_t *message, size_t length, uint32_t pseudo)
{
    if (length < 4)
        return;
    message[2] = message[3] = 0;
    put_checksum(message + 2, pseudo + sum_of(message, length));
}

static void seal4(uint8_t *bytes, size_t length)
{
    size_t header = (bytes[0] & 15u) * 4u, stated = (size_t)bytes[2] << 8 | bytes[3];

    if (header < 20 || header > length)
        return;
    bytes[10] = bytes[11] = 0;
    put_checksum(bytes + 10, sum_of(bytes, header));
    if (stated < length)
        length = stated;
    if (bytes[9] == 1 && length > header)
        seal_icmp(bytes + header, length - header, 0);
}

static void seal6(uint8_t *bytes, size_t length)
{
    size_t at = 40, end = at + ((size_t)bytes[4] << 8 | bytes[5]);
    uint8_t next = bytes[6];

    if (end < length)
        length = end;
    while (at + 8 <= length &&
           (next == 0 || next == 43 || next == 60 || next == 44 || next == 51)) {
        uint8_t here = next;
        next = bytes[at];
        at += here == 44 ? 8u : here == 51 ? (bytes[at + 1] + 2u) * 4u : (bytes[at + 1] + 1u) * 8u;
    }
    if (next == 58 && at < length)
        seal_icmp(bytes + at, length - at, sum_of(bytes + 8, 32) + (uint32_t)(end - at) + 58);
}

void vector_seal(uint8_t *bytes, size_t length)
{
    if (length >= 20 && bytes[0] >> 4 == 4)
        seal4(bytes, length);
    else if (length >= 40 && bytes[0] >> 4 == 6)
        seal6(bytes, length);
}

/* ---- errors and replies -------------------------------------------------------------------- */

/* Writes the probe as a router quotes it, with inserted options or extension headers. */
static void put_quote(struct vector *v, const struct vector_error *error)
{
    struct wire_spec spec = vector_spec(error->protocol, error->version);
    const struct ipaddr_family *family = ipaddr_family(error->version);
    uint8_t probe[VECTOR_MAX];
    size_t began = v->length, all = wire_build(&spec, &vector_probe, probe);
    size_t transport = all - family->header_length;
    uint8_t protocol = probe[error->version == 4 ? 9 : 6];

    vector_ip(v, &spec.source, &spec.target, protocol, error->inner_options, error->inner_headers,
              transport);
    if (error->version == 4) {
        memcpy(v->bytes + began + 4, probe + 4, 2); /* the identification */
        v->bytes[began + 8] = 1;
    } else {
        v->bytes[began + 7] = 1;
    }
    vector_put(v, probe + family->header_length, error->quote > 0 ? error->quote : transport);
    if (error->pad_to > v->length - began)
        vector_fill(v, 0, error->pad_to - (v->length - began));
}

void vector_build_error(struct vector *v, const struct vector_error *error)
{
    struct wire_spec spec = vector_spec(error->protocol, error->version);
    struct ipaddr router = vector_router(error->version);
    uint8_t start[] = { error->type, error->code, 0x12, 0x34 };
    struct vector quote = { .length = 0 };

    v->length = 0;
    put_quote(&quote, error);
    vector_ip(v, &router, &spec.source, ipaddr_family(error->version)->icmp_protocol,
              error->outer_options, error->outer_headers, 8 + quote.length);
    vector_put(v, start, sizeof start);
    vector_put16(v, error->rest >> 16);
    vector_put16(v, error->rest & 0xffff);
    vector_put(v, quote.bytes, quote.length);
    vector_fill(v, 0xee, error->ethernet);
    vector_seal(v->bytes, v->length);
}

void vector_build_echo_reply(struct vector *v, uint8_t version)
{
    struct wire_spec spec = vector_spec(WIRE_ICMP, version);
    size_t header = ipaddr_family(version)->header_length;
    uint8_t probe[VECTOR_MAX];

    v->length = 0;
    wire_build(&spec, &vector_probe, probe);
    probe[header] = version == 4 ? 0 : 129;
    vector_ip(v, &spec.target, &spec.source, ipaddr_family(version)->icmp_protocol, 0, NULL,
              spec.size - header);
    vector_put(v, probe + header, spec.size - header);
    vector_seal(v->bytes, v->length);
}

void vector_build_tcp(struct vector *v, uint8_t version, uint8_t flags, uint32_t acknowledged)
{
    struct wire_spec spec = vector_spec(WIRE_TCP, version);
    uint8_t offset_and_flags[] = { 0x50, flags };

    v->length = 0;
    vector_ip(v, &spec.target, &spec.source, 6, 0, NULL, 20);
    vector_put16(v, spec.target_port);
    vector_put16(v, spec.source_port);
    vector_put(v, "\x99\x88\x77\x66", 4);
    vector_put16(v, acknowledged >> 16);
    vector_put16(v, acknowledged & 0xffff);
    vector_put(v, offset_and_flags, sizeof offset_and_flags);
    vector_fill(v, 0, 6);
    vector_seal(v->bytes, v->length);
}

/* ---- services ------------------------------------------------------------------------------ */

static void put_ber(struct vector *v, uint8_t type, const struct vector *value)
{
    const uint8_t head[] = { type, (uint8_t)value->length };

    vector_put(v, head, sizeof head);
    vector_put(v, value->bytes, value->length);
}

/* RFC 3414 section 3.2, 3 b: usmStatsUnknownEngineIDs. */
static void put_snmp_report(struct vector *v, const uint8_t *id)
{
    static const uint8_t engine[] = { 4, 5, 0x80, 0, 0, 0, 1 };
    static const uint8_t user[] = { 2, 1, 1, 2, 1, 9, 4, 0, 4, 0, 4, 0 };
    static const uint8_t variable[] = { 0x30, 0x11, 0x30, 0x0f, 6, 10, 0x2b, 6, 1, 6,
                                        3,    15,   1,    1,    4, 0,  0x41, 1, 1 };
    struct vector global = { .length = 0 }, inner = global, security = global, pdu = global,
                  scoped = global, message = global;

    vector_put(&message, "\2\1\3", 3);
    vector_put(&global, "\2\4", 2);
    vector_put(&global, id, 4);
    vector_put(&global, "\2\3\0\xff\xe3\4\1\0\2\1\3", 11);
    put_ber(&message, 0x30, &global);
    vector_put(&inner, engine, sizeof engine);
    vector_put(&inner, user, sizeof user);
    put_ber(&security, 0x30, &inner);
    put_ber(&message, 4, &security);
    vector_put(&pdu, "\2\1\0\2\1\0\2\1\0", 9);
    vector_put(&pdu, variable, sizeof variable);
    vector_put(&scoped, engine, sizeof engine);
    vector_put(&scoped, "\4\0", 2);
    put_ber(&scoped, 0xa8, &pdu);
    put_ber(&message, 0x30, &scoped);
    put_ber(v, 0x30, &message);
}

static void put_service(struct vector *v, enum wire_payload payload, const uint8_t *request)
{
    switch (payload) {
    case PAYLOAD_DNS:
        vector_put(v, request, 2);
        vector_put(v, "\x81\x83\0\1\0\0\0\0\0", 10);
        vector_put(v, request + 12, 22);
        break;
    case PAYLOAD_QUIC:
        vector_put(v, "\xaa\0\0\0\0", 5);
        vector_put(v, request + 14, 9);
        vector_put(v, request + 5, 9);
        vector_put(v, "\0\0\0\1", 4);
        break;
    case PAYLOAD_NTP:
        vector_put(v, "\x24\2\6\xec", 4);
        vector_fill(v, 7, 20);
        vector_put(v, request + 40, 8);
        vector_fill(v, 9, 16);
        break;
    case PAYLOAD_STUN:
        vector_put(v, "\1\1\0\14", 4);
        vector_put(v, request + 4, 16);
        vector_put(v, "\0\x20\0\10\0\1\1\1\2\2\2\2", 12);
        break;
    case PAYLOAD_SNMP:
        put_snmp_report(v, request + 9);
        break;
    case PAYLOAD_PLAIN:
    case PAYLOAD_FILE: /* built by payload_file_test.c */
    case PAYLOAD_COUNT:
        break;
    }
}

void vector_build_service(struct vector *v, enum wire_payload payload, const struct vector *probe,
                          uint8_t version)
{
    struct wire_spec spec = vector_spec(WIRE_UDP, version);
    const uint8_t *udp = probe->bytes + ipaddr_family(version)->header_length;
    struct vector answer = { .length = 0 };

    put_service(&answer, payload, udp + 8);
    v->length = 0;
    vector_ip(v, &spec.target, &spec.source, 17, 0, NULL, 8 + answer.length);
    vector_put(v, udp + 2, 2);
    vector_put(v, udp, 2);
    vector_put16(v, (unsigned)(8 + answer.length));
    vector_put16(v, 0);
    vector_put(v, answer.bytes, answer.length);
    vector_seal(v->bytes, v->length);
}

/* The shortest readable length: a DNS reply must have the question, a version negotiation the
 * second identifier, an SNMP report all bytes that its lengths state. */
size_t vector_service_least(enum wire_payload payload)
{
    struct vector whole = { .length = 0 };
    uint8_t request[64] = { 0 };

    put_service(&whole, payload, request);
    return payload == PAYLOAD_QUIC ? 23 : payload == PAYLOAD_STUN ? 20 : whole.length;
}

void vector_save(const char *name, const struct vector *v)
{
    const char *folder = getenv("WIRE_SEEDS");
    char path[512];

    if (folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(v->bytes, 1, v->length, file) != v->length || fclose(file) != 0)
        abort();
}

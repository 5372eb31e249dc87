/* SPDX-License-Identifier: BSD-2-Clause */
/* The capture's filter, compared with the parser: packets that the parser reads and the engine uses
 * pass, and a busy host's other traffic does not. */
#include "check.h"
#include "filtered.h"
#include "vectors.h"
#include "wire/filter.h"
#include "wire/wire.h"

#include <netinet/in.h>
#include <string.h>

enum { ROOM = FILTERED_MOST, HEADERS_MOST = 9, HEADER_ROOM = 400 };

/* ---- packets ------------------------------------------------------------------------------- */

static unsigned below(uint64_t *seed, unsigned bound)
{
    return (unsigned)(check_random(seed) % bound);
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t sum(const uint8_t *at, size_t length, uint32_t so_far)
{
    for (size_t i = 0; i < length; i++)
        so_far += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
    return so_far;
}

static unsigned checksum(uint32_t total)
{
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    return ~total & 0xffff;
}

/* Addresses of documentation networks (RFC 5737, RFC 3849). */
static struct ipaddr address(uint8_t version, uint8_t last)
{
    static const uint8_t four[4] = { 192, 0, 2 }, six[16] = { 0x20, 0x01, 0x0d, 0xb8 };
    struct ipaddr result = ipaddr_from_bytes(version, version == 4 ? four : six);

    result.bytes[version == 4 ? 3 : 15] = last;
    return result;
}

/* Writes `count` extension headers that lead to `transport`; returns their length. */
static size_t put_chain(uint64_t *seed, unsigned count, uint8_t transport, uint8_t *at,
                        uint8_t *first)
{
    static const uint8_t kinds[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS,
                                     IPPROTO_FRAGMENT, IPPROTO_AH };
    uint8_t *next = first;
    size_t length = 0;

    for (unsigned i = 0; i < count; i++) {
        uint8_t kind = kinds[below(seed, sizeof kinds)];
        unsigned units = below(seed, 4);
        size_t size = kind == IPPROTO_AH ? (units + 2) * 4 : (units + 1) * 8;
        if (kind == IPPROTO_FRAGMENT)
            size = 8;
        for (size_t n = 0; n < size; n++)
            at[length + n] = (uint8_t)check_random(seed);
        *next = kind;
        next = at + length;
        at[length + 1] = (uint8_t)units;
        if (kind == IPPROTO_FRAGMENT) /* the first fragment, or once in a while a later one */
            put16(at + length + 2, (below(seed, 8) == 0 ? 8u : 0u) | below(seed, 2));
        length += size;
    }
    *next = transport;
    return length;
}

/* Writes an IP header, with options or extension headers, and the transport's bytes. */
static size_t wrap(uint64_t *seed, uint8_t version, uint8_t protocol, const uint8_t *transport,
                   size_t length, uint8_t *packet)
{
    const struct ipaddr_family *family = ipaddr_family(version);
    struct ipaddr from = address(version, 2), to = address(version, 1);
    size_t header = family->header_length;

    memset(packet, 0, HEADER_ROOM);
    if (version == 4) {
        size_t words = below(seed, 2) == 0 ? 5 : 5 + below(seed, 11);
        header = words * 4;
        packet[0] = (uint8_t)(0x40 | words);
        put16(packet + 2, (unsigned)(header + length));
        put16(packet + 4, below(seed, 65536));
        put16(packet + 6, below(seed, 16) == 0 ? below(seed, 65536) : 0x4000);
        packet[8] = 64;
        packet[9] = protocol;
        memcpy(packet + 12, from.bytes, 4);
        memcpy(packet + 16, to.bytes, 4);
        put16(packet + 10, checksum(sum(packet, header, 0)));
    } else {
        unsigned count = below(seed, 2) == 0 ? 0 : below(seed, HEADERS_MOST + 1);
        packet[0] = 0x60;
        put16(packet + 2, below(seed, 65536));
        packet[7] = 64;
        memcpy(packet + 8, from.bytes, 16);
        memcpy(packet + 24, to.bytes, 16);
        header += put_chain(seed, count, protocol, packet + header, packet + 6);
        put16(packet + 4, (unsigned)(header - family->header_length + length));
    }
    memcpy(packet + header, transport, length);
    return header + length;
}

static struct wire_spec random_spec(uint64_t *seed, uint8_t version)
{
    struct wire_spec spec = { .protocol = (enum wire_protocol)below(seed, WIRE_PROTOCOL_COUNT),
                              .source = address(version, 1),
                              .target = address(version, 2),
                              .source_port = (uint16_t)(1 + below(seed, 60000)),
                              .target_port = (uint16_t)(1 + below(seed, 65535)),
                              .ident = (uint16_t)check_random(seed),
                              .first_index = (uint16_t)check_random(seed),
                              .tos = (uint8_t)check_random(seed),
                              .tcp_base = (uint32_t)check_random(seed) };

    spec.cookie = (uint16_t)check_random(seed);
    spec.key = check_random(seed);
    if (spec.protocol == WIRE_UDP)
        spec.payload = (enum wire_payload)below(seed, PAYLOAD_FILE);
    bool grows = spec.payload == PAYLOAD_PLAIN || payload_grows(spec.payload);
    spec.size = (uint16_t)(wire_size_least(&spec) + (grows ? below(seed, 600) : 0));
    return spec;
}

static size_t random_probe(uint64_t *seed, uint8_t version, uint8_t *packet, struct wire_spec *spec)
{
    struct wire_probe probe = { .number = below(seed, 100000),
                                .flow = (uint16_t)below(seed, WIRE_FLOWS),
                                .ttl = (uint8_t)(1 + below(seed, 255)) };

    *spec = random_spec(seed, version);
    return wire_build(spec, &probe, packet);
}

/* Writes an ICMP message of any type that quotes one of our probes, with a correct checksum. */
static size_t random_icmp(uint64_t *seed, uint8_t version, uint8_t *at)
{
    static const uint8_t types[2][8] = { { 0, 3, 3, 8, 11, 11, 12, 5 },
                                         { 1, 2, 3, 3, 4, 128, 129, 135 } };
    const struct ipaddr_family *family = ipaddr_family(version);
    struct ipaddr from = address(version, 2), to = address(version, 1);
    struct wire_spec spec;
    uint8_t inner[ROOM];

    memset(at, 0, 8);
    at[0] = below(seed, 8) == 0 ? (uint8_t)check_random(seed) : types[version == 6][below(seed, 8)];
    at[1] = (uint8_t)below(seed, 6);
    put16(at + 6, below(seed, 65536));
    size_t quoted = random_probe(seed, version, inner, &spec);
    if (below(seed, 2) == 0)
        quoted = wrap(seed, version, wire_ip_protocol(spec.protocol, version),
                      inner + family->header_length, quoted - family->header_length, at + 8);
    else
        memcpy(at + 8, inner, quoted);
    uint32_t pseudo = 0;
    if (family->icmp_pseudo)
        pseudo = sum(from.bytes, 16, sum(to.bytes, 16, (uint32_t)(8 + quoted))) + IPPROTO_ICMPV6;
    put16(at + 2, checksum(sum(at, 8 + quoted, pseudo)));
    return 8 + quoted;
}

/* Writes a service's reply to one of our probes, after any headers. */
static size_t random_reply(uint64_t *seed, uint8_t version, uint8_t *packet)
{
    const struct wire_probe probe = { .number = below(seed, 100000), .ttl = 9 };
    size_t header = ipaddr_family(version)->header_length;
    struct wire_spec spec = random_spec(seed, version);
    struct vector request, reply;

    spec.protocol = WIRE_UDP;
    spec.payload = (enum wire_payload)(1 + below(seed, PAYLOAD_FILE - 1));
    spec.size = wire_size_usual(&spec);
    request.length = wire_build(&spec, &probe, request.bytes);
    vector_build_service(&reply, spec.payload, &request, version);
    return wrap(seed, version, IPPROTO_UDP, reply.bytes + header, reply.length - header, packet);
}

/* Writes a segment of a connection to one of our ports, with or without options. */
static size_t random_segment(uint64_t *seed, uint8_t version, uint8_t *packet)
{
    uint8_t segment[40];

    for (size_t i = 0; i < sizeof segment; i++)
        segment[i] = (uint8_t)check_random(seed);
    put16(segment + 2, WIRE_SOURCE_PORT + below(seed, WIRE_FLOWS));
    segment[12] = (uint8_t)((below(seed, 2) == 0 ? 5 : 10) << 4);
    segment[13] = (uint8_t)(WIRE_TCP_ACK | (below(seed, 4) == 0 ? WIRE_TCP_FIN : 0));
    return wrap(seed, version, IPPROTO_TCP, segment, sizeof segment, packet);
}

static size_t random_packet(uint64_t *seed, uint8_t *packet, bool *ours)
{
    uint8_t version = below(seed, 2) == 0 ? 4 : 6, transport[ROOM] = { 0 };
    const struct ipaddr_family *family = ipaddr_family(version);
    struct wire_spec spec;

    *ours = false;
    switch (below(seed, 6)) {
    case 5:
        return random_segment(seed, version, packet);
    case 4:
        return random_reply(seed, version, packet);
    case 0:
        *ours = true;
        return random_probe(seed, version, packet, &spec);
    case 1:
        for (size_t i = 0; i < 40; i++)
            transport[i] = (uint8_t)check_random(seed);
        return wrap(seed, version, below(seed, 2) == 0 ? IPPROTO_TCP : IPPROTO_UDP, transport, 40,
                    packet);
    default:
        return wrap(seed, version, family->icmp_protocol, transport,
                    random_icmp(seed, version, transport), packet);
    }
}

/* ---- cases --------------------------------------------------------------------------------- */

static void check_property(void)
{
    uint64_t seed = 12;
    int rounds = check_quick() ? 4000 : 300000, counts[2][WIRE_KIND_COUNT] = { { 0 } };
    uint8_t packet[ROOM];
    struct wire_packet read;
    bool ours;

    check_case("packets_that_the_parser_reads_pass");
    for (int i = 0; i < rounds; i++) {
        uint64_t its = seed;
        size_t length = random_packet(&seed, packet, &ours);
        if (below(&seed, 10) == 0) { /* received packets may be cut short, sent ones are not */
            length = 1 + below(&seed, (unsigned)length);
            ours = false;
        }
        if (wire_parse(packet, length, &read) != WIRE_OK)
            continue;
        bool foreign = read.kind == WIRE_PROBE && read.probe.protocol == WIRE_UDP && !ours;
        counts[read.from.version == 6][read.kind]++;
        if (!check_that(foreign || filtered_passes(packet, length),
                        "seed %llx, kind %d, protocol %d, IPv%d", (unsigned long long)its,
                        read.kind, read.probe.protocol, read.from.version))
            break;
    }
    check_case("every_kind_of_packet_was_tried");
    for (int version = 0; version < 2; version++)
        for (int kind = 0; kind < WIRE_KIND_COUNT; kind++)
            check_that(counts[version][kind] >= rounds / 4000, "IPv%d, kind %d: %d",
                       version == 0 ? 4 : 6, kind, counts[version][kind]);
}

/* Checks the longest chain of extension headers, which must pass, and one with a header more, which
 * the parser refuses. */
static void check_chain(unsigned count)
{
    uint8_t packet[ROOM] = { 0x60 }, transport[ROOM] = { 0 };
    uint64_t seed = count;
    struct wire_packet read;
    size_t at = 40;

    check_case("chain_of_%u_headers", count);
    size_t length = random_icmp(&seed, 6, transport);
    transport[0] = 129;
    for (unsigned i = 0; i < count; i++, at += 8) {
        packet[i == 0 ? 6 : at - 8] = IPPROTO_DSTOPTS;
        packet[at] = IPPROTO_ICMPV6;
    }
    if (count == 0)
        packet[6] = IPPROTO_ICMPV6;
    struct ipaddr from = address(6, 2), to = address(6, 1);
    memcpy(packet + 8, from.bytes, 16);
    memcpy(packet + 24, to.bytes, 16);
    put16(packet + 4, (unsigned)(at - 40 + length));
    put16(transport + 2, 0);
    put16(transport + 2,
          checksum(sum(transport, length,
                       sum(from.bytes, 16, sum(to.bytes, 16, (uint32_t)length)) + IPPROTO_ICMPV6)));
    memcpy(packet + at, transport, length);
    bool readable = wire_parse(packet, at + length, &read) == WIRE_OK;
    check_int("read", readable, count <= WIRE_EXTENSION_HEADERS);
    check_int("passed", filtered_passes(packet, at + length), readable);
}

/* Packets of a resolver, a QUIC web server and a time server. */
static int others_services(uint64_t *seed)
{
    static const uint8_t dns[] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\3www\7example\3com\0\0\1\0\1";
    static const uint8_t starts[] = { 0xc0, 0x40, 0x23, 0x24, 0x1c };
    uint8_t packet[ROOM], transport[ROOM] = { 0 };
    int passed = 0;

    memcpy(transport + 8, dns, sizeof dns);
    for (int i = 0; i < 10; i++)
        passed +=
            filtered_passes(packet, wrap(seed, i % 2 ? 4 : 6, IPPROTO_UDP, transport, 70, packet));
    for (int i = 0; i < 2000; i++) {
        for (size_t n = 8; n < 60; n++)
            transport[n] = (uint8_t)check_random(seed);
        transport[8] = starts[below(seed, sizeof starts)];
        if (transport[8] == 0xc0) /* QUIC version 1 */
            memcpy(transport + 9, "\0\0\0\1", 4);
        passed +=
            filtered_passes(packet, wrap(seed, i % 2 ? 4 : 6, IPPROTO_UDP, transport, 68, packet));
    }
    return passed;
}

/* The filter rejects the usual traffic of a busy host. */
static void check_selective(void)
{
    uint64_t seed = 3;
    uint8_t packet[ROOM], transport[ROOM] = { 0 };
    int passed = 0;

    check_case("tcp_of_open_connections_does_not_pass");
    for (int i = 0; i < 2000; i++) {
        static const uint8_t flags[] = { 0x10, 0x18, 0x11, 0x19, 0x50 };
        transport[13] = flags[below(&seed, sizeof flags)];
        size_t length = wrap(&seed, i % 2 ? 4 : 6, IPPROTO_TCP, transport, 40, packet);
        passed += filtered_passes(packet, length);
    }
    check_int("passed", passed, 0);
    check_case("udp_of_other_programs_does_not_pass");
    passed = 0;
    for (int i = 0; i < 20000; i++) {
        for (size_t n = 0; n < 40; n++)
            transport[n] = (uint8_t)check_random(&seed);
        for (size_t n = 0; n < 4; n += 2)
            if (wire_is_file_port((uint16_t)(transport[n] << 8 | transport[n + 1])))
                transport[n] ^= 0x80; /* the filter passes 64 ports for files */
        size_t length = wrap(&seed, i % 2 ? 4 : 6, IPPROTO_UDP, transport, 40, packet);
        passed += filtered_passes(packet, length);
    }
    check_that(passed <= 2, "%d of 20000 by chance", passed);
    check_case("services_of_other_programs_do_not_pass");
    check_int("passed", others_services(&seed), 0);
    check_case("neighbour_discovery_does_not_pass");
    passed = 0;
    for (int type = 130; type < 150; type++) {
        transport[0] = (uint8_t)type;
        passed += filtered_passes(packet, wrap(&seed, 6, IPPROTO_ICMPV6, transport, 40, packet));
    }
    check_int("passed", passed, 0);
}

int main(void)
{
    struct bpf_insn instructions[FILTER_MAX];

    unsigned program_length = (unsigned)filter_write(instructions);
    check_case("the_program_is_valid");
    check_that(bpf_validate(instructions, (int)program_length) != 0, "%u instructions",
               program_length);
    check_property();
    for (unsigned count = 0; count <= HEADERS_MOST; count++)
        check_chain(count);
    check_selective();
    return check_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A reply rebuilt from a socket's data is parsed like the same reply captured. */
#include "check.h"
#include "wire/icmpext.h"
#include "wire/rebuild.h"

#include <string.h>

enum { NUMBER = 7, TTL_LEFT = 61, TOS = 0xc0, SHOWN_MOST = 64 };

static const struct variant {
    const char *name;
    enum wire_protocol protocol;
    const char *source, *target, *router;
    size_t head; /* bytes of the quote that the socket does not provide */
    uint8_t exceeded, unreachable;
} variants[] = {
    { "icmp4", WIRE_ICMP, "10.1.2.3", "192.0.2.77", "198.51.100.1", 20, 11, 3 },
    { "udp4", WIRE_UDP, "10.1.2.3", "192.0.2.77", "198.51.100.1", 28, 11, 3 },
    { "icmp6", WIRE_ICMP, "2001:db8::3", "2001:db8:f::5", "2001:db8:7::1", 40, 3, 1 },
    { "udp6", WIRE_UDP, "2001:db8::3", "2001:db8:f::5", "2001:db8:7::1", 48, 3, 1 },
};

static uint8_t probe[WIRE_PACKET_MAX], rebuilt[REBUILD_ROOM], head[REBUILD_ROOM];

static struct wire_spec spec_of(const struct variant *v)
{
    struct wire_spec spec = { .protocol = v->protocol,
                              .source_port = WIRE_SOURCE_PORT,
                              .target_port = WIRE_PORT_UDP,
                              .ident = 0x1234,
                              .first_index = 65500,
                              .cookie = 0xc001,
                              .key = 0xfedcba9876543210,
                              .tcp_base = 0xfffffff0 };

    ipaddr_from_text(&spec.source, v->source);
    ipaddr_from_text(&spec.target, v->target);
    spec.size = wire_size_default(v->protocol, spec.target.version);
    return spec;
}

static struct rebuild_header header_of(const struct variant *v)
{
    struct rebuild_header header = { .ttl = TTL_LEFT, .tos = TOS };

    ipaddr_from_text(&header.from, v->router);
    ipaddr_from_text(&header.to, v->source);
    return header;
}

/* Writes the headers of the quote from the payload bytes that the socket provides. */
static size_t make_head(const struct variant *v, const struct wire_spec *spec, const uint8_t *shown,
                        size_t length)
{
    const struct rebuild_udp udp = { .source = spec->source,
                                     .target = spec->target,
                                     .source_port = (uint16_t)(WIRE_SOURCE_PORT + 3),
                                     .target_port = WIRE_PORT_UDP,
                                     .payload_length = length };

    if (v->protocol == WIRE_UDP)
        return rebuild_udp(&udp, shown, length, head);
    memcpy(head, probe, v->head);
    return v->head;
}

static void check_error(const struct variant *v, uint8_t type, uint8_t code, enum wire_kind kind)
{
    const struct wire_spec spec = spec_of(v);
    const struct wire_probe sent = { .number = NUMBER, .flow = 3, .ttl = 9 };
    const struct rebuild_header header = header_of(v);
    struct rebuild_error error = { .type = type, .code = code, .quote = head };
    struct wire_packet read = { 0 };
    size_t size = wire_build(&spec, &sent, probe);

    error.data = probe + v->head;
    error.data_length = size - v->head;
    error.quote_length = make_head(v, &spec, error.data, error.data_length);
    check_int("length of the head", (int64_t)error.quote_length, (int64_t)v->head);
    size_t length = rebuild_error(&header, &error, rebuilt);
    if (!check_int("verdict", wire_read(rebuilt, length, &read), WIRE_OK))
        return;
    check_int("kind", read.kind, kind);
    check_int("TTL", read.ttl, TTL_LEFT);
    check_int("TOS", read.tos, TOS);
    check_that(ipaddr_equal(&read.from, &header.from), "another sender");
    check_that(ipaddr_equal(&read.probe.source, &spec.source), "another source");
    check_that(ipaddr_equal(&read.probe.target, &spec.target), "another target");
    check_int("index", read.probe.index, wire_index(&spec, NUMBER));
    check_int("cookie", read.probe.cookie, wire_cookie(&spec, NUMBER));
    check_int("bytes of the cookie", read.probe.cookie_bytes, WIRE_COOKIE);
    if (v->protocol == WIRE_UDP)
        check_int("source port", read.probe.source_port, WIRE_SOURCE_PORT + 3);
    else
        check_int("identifier", read.probe.ident, spec.ident);
}

static void test_errors(void)
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        const struct variant *v = &variants[i];
        check_case("%s_time_exceeded_is_read_as_captured", v->name);
        check_error(v, v->exceeded, 0, WIRE_TIME_EXCEEDED);
        check_case("%s_port_unreachable_is_read_as_captured", v->name);
        check_error(v, v->unreachable, v->exceeded == 11 ? 3 : 4, WIRE_UNREACHABLE);
    }
}

static void test_too_big(void)
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        const struct variant *v = &variants[i];
        const struct wire_spec spec = spec_of(v);
        const struct wire_probe sent = { .number = NUMBER, .flow = 3, .ttl = 9 };
        const struct rebuild_header header = header_of(v);
        bool four = spec.target.version == 4;
        size_t size = wire_build(&spec, &sent, probe);
        struct rebuild_error error = { .type = four ? 3 : 2,
                                       .code = four ? 4 : 0,
                                       .mtu = 1400,
                                       .quote = head,
                                       .data = probe + v->head,
                                       .data_length = size - v->head };
        struct wire_packet read = { 0 };

        check_case("%s_packet_too_big_names_its_mtu", v->name);
        error.quote_length = make_head(v, &spec, error.data, error.data_length);
        size_t length = rebuild_error(&header, &error, rebuilt);
        check_int("verdict", wire_read(rebuilt, length, &read), WIRE_OK);
        check_int("kind", read.kind, WIRE_TOO_BIG);
        check_int("MTU", read.mtu, 1400);
    }
}

/* RFC 4884 and 4950: an MPLS label after a quote that is padded to 128 bytes. */
static void test_extensions(void)
{
    static const uint8_t structure[] = { 0x20, 0, 0, 0, 0, 8, 1, 1, 0x03, 0xe8, 0x51, 0x01 };

    for (size_t i = 0; i < COUNT(variants); i++) {
        const struct variant *v = &variants[i];
        const struct wire_spec spec = spec_of(v);
        const struct wire_probe sent = { .number = NUMBER, .flow = 3, .ttl = 9 };
        const struct rebuild_header header = header_of(v);
        uint8_t shown[128 + sizeof structure] = { 0 };
        size_t size = wire_build(&spec, &sent, probe), quoted = 128 - v->head;
        struct rebuild_error error = { .type = v->exceeded, .quote = head, .data = shown };
        struct wire_packet read = { 0 };

        check_case("%s_extension_is_found_where_it_is", v->name);
        memcpy(shown, probe + v->head, size - v->head);
        memcpy(shown + quoted, structure, sizeof structure);
        error.extension_at = quoted;
        error.data_length = quoted + sizeof structure;
        error.quote_length = make_head(v, &spec, shown, size - v->head);
        size_t length = rebuild_error(&header, &error, rebuilt);
        if (!check_int("verdict", wire_read(rebuilt, length, &read), WIRE_OK))
            continue;
        struct icmpext found = icmpext_find(read.from.version, read.type, read.rest,
                                            rebuilt + read.quote.at, read.quote.length);
        check_int("bytes quoted", (int64_t)found.quote_length, 128);
        check_int("bytes of the extension", (int64_t)found.length, sizeof structure);
        check_that(found.compliant, "its place is not stated");
        check_int("cookie", read.probe.cookie, wire_cookie(&spec, NUMBER));
    }
}

static void test_echo_replies(void)
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        const struct variant *v = &variants[i];
        const struct wire_spec spec = spec_of(v);
        const struct wire_probe sent = { .number = NUMBER, .flow = 3, .ttl = 9 };
        struct rebuild_header header = header_of(v);
        bool four = spec.target.version == 4;
        struct wire_packet read = { 0 };

        if (v->protocol != WIRE_ICMP)
            continue;
        check_case("%s_echo_reply_is_read_as_captured", v->name);
        header.from = spec.target;
        size_t size = wire_build(&spec, &sent, probe);
        probe[v->head] = four ? 0 : 129;
        size_t length =
            rebuild_message(&header, four ? 1 : 58, probe + v->head, size - v->head, rebuilt);
        check_int("verdict", wire_read(rebuilt, length, &read), WIRE_OK);
        check_int("kind", read.kind, WIRE_ECHO_REPLY);
        check_int("index", read.probe.index, wire_index(&spec, NUMBER));
        check_int("cookie", read.probe.cookie, wire_cookie(&spec, NUMBER));
        check_int("length", read.length, (int64_t)size);
    }
}

static void test_syn_replies(void)
{
    static const struct variant families[] = {
        { "tcp4", WIRE_TCP, "10.1.2.3", "192.0.2.77", "198.51.100.1", 28, 11, 3 },
        { "tcp6", WIRE_TCP, "2001:db8::3", "2001:db8:f::5", "2001:db8:7::1", 48, 3, 1 },
    };

    for (size_t i = 0; i < COUNT(families) * 2; i++) {
        const struct variant *v = &families[i / 2];
        const struct wire_spec spec = spec_of(v);
        const struct wire_probe sent = { .number = NUMBER, .flow = 3, .ttl = 9 };
        struct wire_packet read = { 0 };
        bool reset = i % 2 == 1;

        check_case("%s_%s_acknowledges_its_syn", v->name, reset ? "rst" : "syn_ack");
        wire_build(&spec, &sent, probe);
        size_t length = rebuild_syn_reply(probe, reset, rebuilt);
        check_int("verdict", wire_read(rebuilt, length, &read), WIRE_OK);
        check_int("kind", read.kind, reset ? WIRE_RST : WIRE_SYN_ACK);
        check_int("sequence number", read.probe.tcp_seq, wire_tcp_seq(&spec, NUMBER));
        check_int("source port", read.probe.source_port, spec.source_port + 3);
        check_int("target port", read.probe.target_port, spec.target_port);
        check_that(ipaddr_equal(&read.from, &spec.target), "not from the target");
    }
}

/* Received data may be of any length. */
static void test_bounds(void)
{
    static uint8_t long_data[4 * REBUILD_ROOM];
    const struct rebuild_header header = header_of(&variants[1]);
    struct rebuild_error error = { .type = 11,
                                   .quote = long_data,
                                   .quote_length = SHOWN_MOST,
                                   .data = long_data,
                                   .data_length = sizeof long_data };

    check_case("a_long_message_is_cut_at_the_room_there_is");
    check_int("of an error", (int64_t)rebuild_error(&header, &error, rebuilt), REBUILD_ROOM);
    check_int("of a message",
              (int64_t)rebuild_message(&header, 17, long_data, sizeof long_data, rebuilt),
              REBUILD_ROOM);
}

int main(void)
{
    test_errors();
    test_too_big();
    test_extensions();
    test_echo_replies();
    test_syn_replies();
    test_bounds();
    return check_done();
}

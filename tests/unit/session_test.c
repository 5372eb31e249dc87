/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments inside a TCP connection: building, parsing, matching of replies, and forged replies.
 * tests/sim/session_test.c tests whole traces. */
#include "base/units.h"
#include "check.h"
#include "engine/match.h"
#include "engine/session.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = 256, NUMBERS = 700 };

static struct wire_spec spec_of(uint8_t version, bool timestamps)
{
    struct wire_spec spec = { .protocol = WIRE_TCP,
                              .in_session = true,
                              .source_port = WIRE_SOURCE_PORT,
                              .target_port = 443,
                              .first_index = 9,
                              .key = 77,
                              .tcp_base = 0x10000000 };

    ipaddr_from_text(&spec.source, version == 4 ? "10.0.0.1" : "2001:db8::1");
    ipaddr_from_text(&spec.target, version == 4 ? "10.99.0.1" : "2001:db8:99::1");
    spec.size = wire_size_default(WIRE_TCP, version);
    spec.sessions[0] = (struct wire_session){ .syn = 100, /* its probes' numbers wrap */
                                              .ack = 0xabcdef01,
                                              .ts_value = 0x01020304,
                                              .ts_echo = 0x05060708,
                                              .window = 62,
                                              .numbers = NUMBERS,
                                              .timestamps = timestamps };
    return spec;
}

static uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Adds the words of a segment and its pseudo-header: 0xffff if the checksum is correct. */
static uint32_t tcp_sum(const struct wire_spec *spec, const uint8_t *at, size_t length)
{
    size_t n = ipaddr_family(spec->source.version)->address_length;
    uint32_t sum = 6 + (uint32_t)length;

    for (size_t i = 0; i < n; i++)
        sum += (uint32_t)(spec->source.bytes[i] + spec->target.bytes[i]) << (i % 2 ? 0 : 8);
    for (size_t i = 0; i < length; i++)
        sum += (uint32_t)at[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum >> 16) + (sum & 0xffff);
    return sum;
}

static void test_build(uint8_t version, bool timestamps)
{
    struct wire_spec spec = spec_of(version, timestamps);
    const struct wire_session *session = &spec.sessions[0];
    const struct wire_probe probe = { .number = 3, .flow = 2, .ttl = 7 };
    uint8_t bytes[ROOM];
    struct wire_packet read;
    size_t header = ipaddr_family(version)->header_length;

    check_case("segment_over_ip%u_%s_timestamps_is_read_as_it_was_built", version,
               timestamps ? "with" : "without");
    size_t length = wire_build(&spec, &probe, bytes);
    const uint8_t *tcp = bytes + header;
    check_int("length", (int64_t)length, (int64_t)header + (timestamps ? 33 : 21));
    check_int("its length as stated", wire_size(&spec, 3), (int64_t)length);
    check_int("verdict", wire_parse(bytes, length, &read), WIRE_OK);
    check_int("kind", read.kind, WIRE_PROBE);
    check_int("sequence", read.probe.tcp_seq, (uint32_t)(100 - 2 * (NUMBERS - 3)));
    check_int("sequence as stated", wire_tcp_seq(&spec, 3), read.probe.tcp_seq);
    check_int("source port", read.probe.source_port, WIRE_SOURCE_PORT + 2);
    check_int("ttl", read.ttl, 7);
    check_int("payload", read.tcp.payload, 1);
    check_int("acknowledgement", read32(tcp + 8), session->ack);
    check_int("flags", tcp[13], 0x10);
    check_int("window", tcp[14] << 8 | tcp[15], 62);
    check_int("checksum", tcp_sum(&spec, tcp, length - header), 0xffff);
    check_int("timestamps", read.tcp.timestamps, timestamps);
    if (timestamps) {
        check_int("value", read.tcp.ts_value, session->ts_value);
        check_int("echo", read.tcp.ts_echo, session->ts_echo);
    }
}

/* Parses a reply of the target to port 28672 with these TCP options. */
static enum wire_verdict read_reply(const struct wire_spec *spec, uint8_t flags, uint32_t ack,
                                    const uint8_t *options, size_t count, size_t captured,
                                    struct wire_packet *out)
{
    uint8_t b[ROOM] = { 0x45, 0, 0, (uint8_t)(40 + count), 0, 0, 0, 0, 60, 6 };
    uint32_t sum = 0;

    memcpy(b + 12, spec->target.bytes, 4);
    memcpy(b + 16, spec->source.bytes, 4);
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)(b[i] << 8 | b[i + 1]);
    sum = (sum >> 16) + (sum & 0xffff);
    b[10] = (uint8_t)(~sum >> 8);
    b[11] = (uint8_t)~sum;
    b[20] = 443 >> 8;
    b[21] = 443 & 0xff;
    b[22] = WIRE_SOURCE_PORT >> 8;
    for (int i = 0; i < 4; i++)
        b[28 + i] = (uint8_t)(ack >> (24 - 8 * i));
    b[32] = (uint8_t)((20 + count) / 4 << 4);
    b[33] = flags;
    if (count > 0)
        memcpy(b + 40, options, count);
    return wire_parse(b, captured > 0 ? captured : 40 + count, out);
}

static const struct {
    const char *name;
    uint8_t options[40];
    uint8_t count, captured; /* 0: all */
    enum wire_verdict verdict;
    bool named;
    uint32_t seq; /* of the probe */
} sack_rows[] = {
    { "block_of_one_byte_at_the_acknowledgement_names_it",
      { 1, 1, 5, 10, 0, 0, 0, 100, 0, 0, 0, 101 },
      12,
      0,
      WIRE_OK,
      true,
      100 },
    { "block_far_before_names_it",
      { 1, 1, 5, 10, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 1 },
      12,
      0,
      WIRE_OK,
      true,
      0xffffff00 },
    { "block_beyond_the_acknowledgement_names_nothing",
      { 1, 1, 5, 10, 0, 0, 0, 101, 0, 0, 0, 102 },
      12,
      0,
      WIRE_OK,
      false,
      100 },
    { "block_of_two_bytes_names_nothing",
      { 1, 1, 5, 10, 0, 0, 0, 90, 0, 0, 0, 92 },
      12,
      0,
      WIRE_OK,
      false,
      100 },
    { "block_of_no_byte_names_nothing",
      { 1, 1, 5, 10, 0, 0, 0, 90, 0, 0, 0, 90 },
      12,
      0,
      WIRE_OK,
      false,
      100 },
    { "first_of_two_blocks_counts",
      { 1, 1, 5, 18, 0, 0, 0, 90, 0, 0, 0, 91, 0, 0, 0, 80, 0, 0, 0, 81 },
      20,
      0,
      WIRE_OK,
      true,
      90 },
    { "block_after_timestamps_is_found",
      { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 5, 10, 0, 0, 0, 90, 0, 0, 0, 91 },
      24,
      0,
      WIRE_OK,
      true,
      90 },
    { "short_block_names_nothing", { 5, 6, 0, 0, 0, 90, 0, 0 }, 8, 0, WIRE_OK, false, 100 },
    { "block_longer_than_the_header_names_nothing",
      { 5, 10, 0, 0, 0, 90, 0, 0 },
      8,
      0,
      WIRE_OK,
      false,
      100 },
    { "block_after_the_end_of_options_names_nothing",
      { 0, 1, 5, 10, 0, 0, 0, 90, 0, 0, 0, 91 },
      12,
      0,
      WIRE_OK,
      false,
      100 },
    { "option_of_length_0_ends_them",
      { 7, 0, 5, 10, 0, 0, 0, 90, 0, 0, 0, 91 },
      12,
      0,
      WIRE_OK,
      false,
      100 },
    { "option_of_length_1_ends_them",
      { 7, 1, 5, 10, 0, 0, 0, 90, 0, 0, 0, 91 },
      12,
      0,
      WIRE_OK,
      false,
      100 },
    { "no_options_name_nothing", { 0 }, 0, 0, WIRE_OK, false, 100 },
    { "header_that_was_cut_is_truncated",
      { 1, 1, 5, 10, 0, 0, 0, 90, 0, 0, 0, 91 },
      12,
      48,
      WIRE_TRUNCATED,
      false,
      0 },
};

static void test_sack(size_t at)
{
    struct wire_spec spec = spec_of(4, true);
    struct wire_packet read = { 0 };

    check_case("%s", sack_rows[at].name);
    enum wire_verdict verdict = read_reply(&spec, 0x10, 101, sack_rows[at].options,
                                           sack_rows[at].count, sack_rows[at].captured, &read);
    check_int("verdict", verdict, sack_rows[at].verdict);
    if (verdict != WIRE_OK)
        return;
    check_int("kind", read.kind, WIRE_ACK);
    check_int("named", read.tcp.dsack, sack_rows[at].named);
    check_int("sequence", read.probe.tcp_seq, sack_rows[at].seq);
}

/* ---- matching ------------------------------------------------------------------------------ */

/* Returns the target's reply to a sequence number. */
static struct wire_packet reply_to(const struct wire_spec *spec, uint32_t seq, uint32_t ack)
{
    uint8_t options[12] = { 1, 1, 5, 10 };
    struct wire_packet read;

    for (int i = 0; i < 4; i++) {
        options[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
        options[8 + i] = (uint8_t)((seq + 1) >> (24 - 8 * i));
    }
    if (read_reply(spec, 0x10, ack, options, sizeof options, 0, &read) != WIRE_OK)
        return (struct wire_packet){ 0 };
    return read;
}

static void fill(struct probes *probes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct probe *p = probes_add(probes, (int64_t)i * MS, 10000 * MS);
        p->left_ns = p->sent_ns;
        p->state = PROBE_ANSWERED;
    }
}

static void test_numbers(void)
{
    struct wire_spec spec = spec_of(4, true);
    struct probes probes = { 0 };

    check_case("each_of_the_newest_probes_is_found_by_its_number");
    fill(&probes, 2 * NUMBERS + 5);
    for (uint32_t number = probes.next - NUMBERS; number < probes.next; number++) {
        struct probe *p = probes_get(&probes, number);
        struct wire_packet reply = reply_to(&spec, wire_tcp_seq(&spec, number), 101);
        p->state = PROBE_OPEN;
        check_that(match_reply(&probes, &spec, &reply, p->left_ns + MS, 5000 * MS) == p,
                   "another probe than %u", number);
    }
    probes_fini(&probes);
}

/* A session, a second one, then SYNs. */
static void test_sessions(void)
{
    struct wire_spec spec = spec_of(4, true);
    struct probes probes = { 0 };
    struct wire_packet reply;

    check_case("probes_of_two_sessions_and_syns_are_told_apart");
    fill(&probes, 30);
    spec.sessions[1] = spec.sessions[0];
    spec.sessions[0].first = 10;
    spec.sessions[0].syn = 0x70000000;
    for (uint32_t number = 0; number < 20; number++) {
        bool second = number >= 10;
        struct probe *p = probes_get(&probes, number);
        p->state = PROBE_OPEN;
        reply = reply_to(&spec, wire_tcp_seq(&spec, number), second ? 0x70000001 : 101);
        check_that(match_reply(&probes, &spec, &reply, p->left_ns, 5000 * MS) == p,
                   "another probe than %u", number);
        reply = reply_to(&spec, wire_tcp_seq(&spec, number), second ? 101 : 0x70000001);
        check_that(match_reply(&probes, &spec, &reply, p->left_ns, 5000 * MS) == NULL,
                   "%u by an answer of the other session", number);
    }
    spec.sessions[1] = spec.sessions[0];
    spec.sessions[0] = (struct wire_session){ .first = 20 };
    for (uint32_t number = 10; number < 30; number++) {
        struct wire_ids ids = { .protocol = WIRE_TCP,
                                .source = spec.source,
                                .target = spec.target };
        ids.source_port = spec.source_port;
        ids.target_port = spec.target_port;
        ids.tcp_seq = wire_tcp_seq(&spec, number);
        check_that(match_probe(&probes, &spec, &ids) == probes_get(&probes, number),
                   "another quoted probe than %u", number);
        ids.tcp_seq = spec.tcp_base + 256 * number; /* the number that a SYN would have */
        check_that((match_probe(&probes, &spec, &ids) != NULL) == (number >= 20), "SYN number %u",
                   number);
    }
    check_int("size of a SYN", wire_size(&spec, 25), 44);
    check_int("size of a segment", wire_size(&spec, 15), 53);
    probes_fini(&probes);
}

static const struct {
    const char *name;
    uint8_t flags;
    int32_t off_seq, off_ack;
    bool other_port, other_address, taken;
} forged_rows[] = {
    { "reply_is_taken", 0x10, 0, 0, false, false, true },
    { "reply_with_fin_is_taken", 0x11, 0, 0, false, false, true },
    { "reply_to_a_number_between_two_is_refused", 0x10, 1, 0, false, false, false },
    { "reply_to_the_syn_is_refused", 0x10, 2 * NUMBERS - 6, 0, false, false, false },
    { "reply_with_another_acknowledgement_is_refused", 0x10, 0, 1, false, false, false },
    { "reply_to_another_port_is_refused", 0x10, 0, 0, true, false, false },
    { "reply_from_another_address_is_refused", 0x10, 0, 0, false, true, false },
};

static void test_forged(size_t at)
{
    struct wire_spec spec = spec_of(4, true);
    struct probes probes = { 0 };

    check_case("%s", forged_rows[at].name);
    fill(&probes, 20);
    struct probe *p = probes_get(&probes, 3);
    for (uint32_t number = 0; number < probes.next; number++)
        probes_get(&probes, number)->state = PROBE_OPEN;
    struct wire_packet reply =
        reply_to(&spec, wire_tcp_seq(&spec, 3) + (uint32_t)forged_rows[at].off_seq,
                 101 + (uint32_t)forged_rows[at].off_ack);
    reply.tcp.fin = (forged_rows[at].flags & 1) != 0;
    if (forged_rows[at].other_port)
        reply.probe.source_port++;
    if (forged_rows[at].other_address)
        reply.from.bytes[3]++, reply.probe.target.bytes[3]++;
    check_int("taken", match_reply(&probes, &spec, &reply, p->left_ns, 5000 * MS) != NULL,
              forged_rows[at].taken);
    probes_fini(&probes);
}

/* A reset or a SYN-ACK that acknowledges a probe's byte is no reply to the probe. */
static void test_direct_kinds(void)
{
    static const uint8_t flags[] = { 0x14, 0x12 };
    struct wire_spec spec = spec_of(4, true);
    struct probes probes = { 0 };

    check_case("reset_and_syn_ack_answer_no_probe_in_session");
    fill(&probes, 20);
    probes_get(&probes, 3)->state = PROBE_OPEN;
    for (size_t i = 0; i < sizeof flags; i++) {
        struct wire_packet reply = { 0 };
        read_reply(&spec, flags[i], wire_tcp_seq(&spec, 3) + 1, NULL, 0, 0, &reply);
        check_int("sequence", reply.probe.tcp_seq, wire_tcp_seq(&spec, 3));
        check_that(match_reply(&probes, &spec, &reply, 3 * MS, 5000 * MS) == NULL, "flags %#x",
                   flags[i]);
    }
    probes_fini(&probes);
}

static void test_reset(uint8_t version)
{
    struct wire_spec spec = spec_of(version, true);
    uint8_t bytes[ROOM];
    struct wire_packet read;
    size_t header = ipaddr_family(version)->header_length;

    check_case("reset_over_ip%u_is_where_the_peer_expects_a_byte", version);
    size_t length = wire_build_reset(&spec, 2, bytes);
    check_int("verdict", wire_parse(bytes, length, &read), WIRE_OK);
    check_int("kind", read.kind, WIRE_RST);
    check_int("sequence", read.tcp.seq, 101);
    check_int("acknowledgement", read.tcp.ack, 0xabcdef01);
    check_int("length", (int64_t)length, (int64_t)header + 32);
    check_int("checksum", tcp_sum(&spec, bytes + header, length - header), 0xffff);
}

static void test_names(void)
{
    check_case("causes_have_names");
    for (int i = 0; i < SESSION_CAUSE_COUNT; i++)
        check_that(session_cause_name((enum session_cause)i) != NULL, "cause %d", i);
}

int main(void)
{
    for (int i = 0; i < 4; i++)
        test_build(i < 2 ? 4 : 6, i % 2 == 0);
    for (size_t i = 0; i < COUNT(sack_rows); i++)
        test_sack(i);
    test_numbers();
    test_sessions();
    for (size_t i = 0; i < COUNT(forged_rows); i++)
        test_forged(i);
    test_direct_kinds();
    test_reset(4);
    test_reset(6);
    test_names();
    return check_done();
}

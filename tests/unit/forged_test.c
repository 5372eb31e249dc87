/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies forged by an off-path attacker, who knows addresses, ports, lengths, protocol, flow and
 * the number of probes in flight, but has to guess the secret fields. FORGED=n in the environment
 * tries n random guesses of each kind, FORGED=all every value; arguments select kinds. */
#include "base/units.h"
#include "check.h"
#include "engine/match.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_NS (INT64_C(5000) * MS)

enum { OPEN = 6, QUICK_GUESSES = 10000, GUESSES = 10000000 };

/* A trace with six probes, in flight for 20 ms. */
struct scene {
    struct wire_spec spec;
    struct probes probes;
    int64_t now_ns;
};

/* A file whose identifier has only 32 bits, at an odd offset. */
enum { FILE_AT = 5 };
static const uint8_t file_bytes[32] = "a request of somebody's own";

static void scene_open(struct scene *s, enum wire_protocol protocol, uint8_t version,
                       const struct payload_template *file)
{
    *s = (struct scene){ .spec = vector_spec(protocol, version), .now_ns = 20 * MS };
    s->spec.key = 0x5ca1ab1e0ddba11f;
    s->spec.payload = file != NULL ? PAYLOAD_FILE : PAYLOAD_PLAIN;
    s->spec.file = file;
    if (file != NULL)
        s->spec.size = wire_size_usual(&s->spec);
    vector_open_probes(&s->probes, OPEN, 0, 2 * TIMEOUT_NS);
}

static void scene_close(struct scene *s)
{
    probes_fini(&s->probes);
}

static bool is_taken(const struct scene *s, const struct wire_packet *packet)
{
    return match_reply(&s->probes, &s->spec, packet, s->now_ns, TIMEOUT_NS) != NULL;
}

/* Returns a reply with all public fields of the probe. */
static struct wire_packet public_packet(const struct scene *s, enum wire_kind kind)
{
    struct wire_packet packet = { .kind = kind, .from = s->spec.target };
    struct wire_ids *ids = &packet.probe;

    ids->protocol = s->spec.protocol;
    ids->source = s->spec.source;
    ids->target = s->spec.target;
    ids->source_port = s->spec.source_port;
    ids->target_port = s->spec.target_port;
    ids->ttl = 1;
    if (kind == WIRE_TIME_EXCEEDED)
        packet.quote = (struct wire_quote){ .length = 28, .checksum = WIRE_ICMP_CHECKSUM };
    if (kind == WIRE_SERVICE) {
        ids->service = PAYLOAD_FILE;
        ids->payload_bytes = FILE_AT + 4;
    }
    if (kind == WIRE_TIME_EXCEEDED && s->spec.source.version == 6)
        ids->flow_label = WIRE_FLOW_LABEL;
    return packet;
}

/* Rewrites source address and port, as a NAT does that does not restore quotes. */
static void translate(struct wire_packet *packet)
{
    packet->probe.source.bytes[packet->probe.source.version == 4 ? 3 : 15] ^= 0x55;
    packet->probe.source_port ^= 0x1234;
}

/* Sets the 32 secret bits in the IPv4 header and the first eight bytes of the transport header. */
static void guess(struct wire_packet *packet, uint32_t secret)
{
    struct wire_ids *ids = &packet->probe;

    switch (ids->protocol) {
    case WIRE_TCP:
        ids->tcp_seq = secret;
        break;
    case WIRE_UDP:
        for (unsigned n = 0; packet->kind == WIRE_SERVICE && n < 4; n++)
            ids->payload[FILE_AT + n] = (uint8_t)(secret >> (24 - 8 * n));
        if (packet->kind == WIRE_SERVICE)
            break;
        ids->index = (uint16_t)(secret >> 16);
        ids->ip_id = (uint16_t)secret;
        break;
    case WIRE_ICMP:
        ids->ident = (uint16_t)(secret >> 16);
        ids->index = (uint16_t)secret;
        break;
    case WIRE_PROTOCOL_COUNT:
        break;
    }
}

/* Returns the checksum of a UDP probe after that NAT, updated word by word (RFC 1624). */
static uint16_t translated_checksum(const struct scene *s, uint16_t checksum)
{
    struct wire_packet packet = public_packet(s, WIRE_TIME_EXCEEDED);
    struct wire_ids before = packet.probe;
    uint64_t sum = (uint16_t)~checksum;

    translate(&packet);
    for (size_t i = 0; i < 4; i += 2) {
        sum += (uint16_t) ~(before.source.bytes[i] << 8 | before.source.bytes[i + 1]);
        sum += (uint32_t)packet.probe.source.bytes[i] << 8 | packet.probe.source.bytes[i + 1];
    }
    sum += (uint16_t)~before.source_port + (uint64_t)packet.probe.source_port;
    while (sum > 0xffff)
        sum = (sum >> 16) + (sum & 0xffff);
    return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

static uint32_t secret_of(const struct scene *s, uint32_t number, bool swapped, bool translated)
{
    const struct wire_spec *spec = &s->spec;
    uint32_t index = wire_index(spec, number), id = wire_ip_id(spec, number);

    if (spec->payload == PAYLOAD_FILE)
        return (uint32_t)wire_udp_balance(spec, number, 0) << 16 | wire_tag(spec, number);
    if (spec->protocol == WIRE_TCP)
        return wire_tcp_seq(spec, number);
    if (spec->protocol == WIRE_ICMP)
        return (uint32_t)spec->ident << 16 | index;
    if (translated)
        index = translated_checksum(s, (uint16_t)index);
    return index << 16 | (swapped ? (id << 8 & 0xff00) | id >> 8 : id);
}

static const struct row {
    const char *name;
    enum wire_protocol protocol;
    uint8_t version;
    enum wire_kind kind;
    bool swapped; /* the quoted header's checksum fits a swapped identification */
    bool never;   /* no value is accepted */
    bool translated;
} rows[] = {
    { "udp_quotes", WIRE_UDP, 4, WIRE_TIME_EXCEEDED, false, false, false },
    { "udp_quotes_with_swapped_ids", WIRE_UDP, 4, WIRE_TIME_EXCEEDED, true, false, false },
    { "udp_quotes_over_ip6", WIRE_UDP, 6, WIRE_TIME_EXCEEDED, false, true, false },
    { "icmp_quotes", WIRE_ICMP, 4, WIRE_TIME_EXCEEDED, false, false, false },
    { "icmp_quotes_over_ip6", WIRE_ICMP, 6, WIRE_TIME_EXCEEDED, false, true, false },
    { "echo_replies", WIRE_ICMP, 4, WIRE_ECHO_REPLY, false, false, false },
    { "echo_replies_over_ip6", WIRE_ICMP, 6, WIRE_ECHO_REPLY, false, true, false },
    { "udp_quotes_of_nats", WIRE_UDP, 4, WIRE_TIME_EXCEEDED, false, false, true },
    { "udp_quotes_of_nats_over_ip6", WIRE_UDP, 6, WIRE_TIME_EXCEEDED, false, true, true },
    { "icmp_quotes_of_nats", WIRE_ICMP, 4, WIRE_TIME_EXCEEDED, false, false, true },
    { "icmp_quotes_of_nats_over_ip6", WIRE_ICMP, 6, WIRE_TIME_EXCEEDED, false, true, true },
    { "tcp_quotes_of_nats", WIRE_TCP, 4, WIRE_TIME_EXCEEDED, false, true, true },
    { "tcp_quotes_of_nats_over_ip6", WIRE_TCP, 6, WIRE_TIME_EXCEEDED, false, false, true },
    { "tcp_quotes", WIRE_TCP, 4, WIRE_TIME_EXCEEDED, false, false, false },
    { "tcp_quotes_over_ip6", WIRE_TCP, 6, WIRE_TIME_EXCEEDED, false, false, false },
    { "tcp_resets", WIRE_TCP, 4, WIRE_RST, false, false, false },
    { "syn_acks_over_ip6", WIRE_TCP, 6, WIRE_SYN_ACK, false, false, false },
    { "replies_to_a_file", WIRE_UDP, 4, WIRE_SERVICE, false, false, false },
    { "replies_to_a_file_over_ip6", WIRE_UDP, 6, WIRE_SERVICE, false, false, false },
};

/* Makes the scene of a row; a service's reply is one to the file. */
static void row_open(struct scene *s, const struct row *row, struct payload_template *file)
{
    bool is_file = row->kind == WIRE_SERVICE;

    if (is_file &&
        payload_from_file(file_bytes, sizeof file_bytes, FILE_AT, PAYLOAD_ID_LEAST, file) != NULL)
        abort();
    scene_open(s, row->protocol, row->version, is_file ? file : NULL);
}

/* With one correct half of a probe's 32 bits, exactly one value of the other half is accepted per
 * probe with this half. With two wrong halves, no value is accepted, because is_as_sent and
 * match_secret check each half separately. So six of all 2^32 values are accepted. */
static void test_halves(const struct row *row)
{
    uint32_t probes = check_quick() ? 1 : OPEN;
    struct payload_template file;
    struct scene s;
    uint32_t low = 0, high = 0;

    row_open(&s, row, &file);
    struct wire_packet packet = public_packet(&s, row->kind);
    packet.probe.id_swapped = row->swapped;
    if (row->translated)
        translate(&packet);
    check_case("forged_%s_need_both_halves", row->name);
    for (uint32_t number = 0; number < probes; number++) {
        uint32_t right = secret_of(&s, number, row->swapped, row->translated);
        for (uint32_t half = 0; half < 65536; half++) {
            guess(&packet, (right & 0xffff0000) | half);
            low += is_taken(&s, &packet);
            guess(&packet, half << 16 | (right & 0xffff));
            high += is_taken(&s, &packet);
        }
    }
    /* Probes with the same half are each found by their other half. */
    uint32_t shared = row->never ? 0 : probes;
    check_int("with a right high half", low, row->protocol == WIRE_UDP ? shared : OPEN * shared);
    check_int("with a right low half", high, shared);
    scene_close(&s);
}

static uint32_t try(const struct row *row, uint64_t guesses, bool in_turn)
{
    uint64_t seed = 20260101;
    uint32_t taken = 0;
    struct payload_template file;
    struct scene s;

    row_open(&s, row, &file);
    struct wire_packet packet = public_packet(&s, row->kind);
    packet.probe.id_swapped = row->swapped;
    if (row->translated)
        translate(&packet);
    for (uint64_t n = 0; n < guesses; n++) {
        guess(&packet, in_turn ? (uint32_t)n : (uint32_t)(check_random(&seed) >> 16));
        taken += is_taken(&s, &packet);
    }
    scene_close(&s);
    return taken;
}

/* With six probes in flight, 10^8 guesses are expected to hit 0.14 times, 10^7 0.014 times. The
 * guesses are the same in every run. The bound for more guesses is exceeded by chance once in
 * thousands of runs. */
static void test_guesses(const struct row *row)
{
    const char *wanted = getenv("FORGED");
    uint64_t guesses = check_quick() ? QUICK_GUESSES : GUESSES;

    if (wanted != NULL && strcmp(wanted, "all") == 0) {
        check_case("of_all_forged_%s_one_is_right_for_each_probe", row->name);
        check_int("taken", try(row, UINT64_C(1) << 32, true), row->never ? 0 : OPEN);
        return;
    }
    if (wanted != NULL)
        guesses = strtoull(wanted, NULL, 10);
    check_case("of_%llu_forged_%s_no_more_are_taken_than_by_chance", (unsigned long long)guesses,
               row->name);
    uint64_t expected = guesses * OPEN >> 32, most = guesses <= GUESSES ? 0 : expected * 2 + 3;
    uint32_t taken = try(row, guesses, false);
    check_that(taken <= most, "%u taken, at most %llu expected", taken, (unsigned long long)most);
}

/* An attacker who guesses the cookie has to guess its 32 bits and the 16 of the index. */
static void test_cookies(enum wire_protocol protocol)
{
    struct scene s;
    uint32_t taken = 0;

    check_case("one_cookie_in_2^32_is_right_for_protocol_%d", (int)protocol);
    scene_open(&s, protocol, 4, NULL);
    struct wire_packet packet = public_packet(&s, WIRE_TIME_EXCEEDED);
    guess(&packet, secret_of(&s, 2, false, false));
    packet.probe.cookie_bytes = WIRE_COOKIE;
    packet.probe.has_balance = true;
    packet.probe.balance = protocol == WIRE_UDP ? wire_udp_balance(&s.spec, 2, 0) : 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        packet.probe.cookie = wire_cookie(&s.spec, 2) ^ (uint32_t)1 << bit;
        taken += is_taken(&s, &packet);
    }
    for (uint32_t half = 0; half < 65536; half++) {
        packet.probe.cookie = (uint32_t)s.spec.cookie << 16 | half;
        taken += half != (wire_cookie(&s.spec, 2) & 0xffff) && is_taken(&s, &packet);
        packet.probe.cookie = half << 16 | (wire_cookie(&s.spec, 2) & 0xffff);
        taken += half != s.spec.cookie && is_taken(&s, &packet);
    }
    check_int("taken with a wrong bit", taken, 0);
    packet.probe.cookie = wire_cookie(&s.spec, 2);
    check_that(is_taken(&s, &packet), "not taken with the right one");
    scene_close(&s);
}

static bool is_wanted(const struct row *row, int argc, char **argv)
{
    bool wanted = argc < 2;

    for (int i = 1; i < argc; i++)
        wanted = wanted || strcmp(argv[i], row->name) == 0;
    return wanted;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (!is_wanted(&rows[i], argc, argv))
            continue;
        test_halves(&rows[i]);
        test_guesses(&rows[i]);
    }
    test_cookies(WIRE_ICMP);
    test_cookies(WIRE_UDP);
    return check_done();
}

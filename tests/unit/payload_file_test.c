/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP probes with the bytes of a file: the packets sent, their quotes and replies, and packets that
 * are no replies. */
#include "base/units.h"
#include "check.h"
#include "engine/match.h"
#include "filtered.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

enum { UDP_HEADER = 8, NUMBER = 2, WAIT_MS = 5000, FILE_BYTES = 101 };

static uint8_t file_bytes[FILE_BYTES];

static const struct place {
    size_t at, length;
} places[] = { { 0, 4 }, { 1, 4 }, { 7, 5 }, { 12, 6 }, { 13, 6 }, { 13, 8 }, { 50, 6 } };

struct scene {
    struct payload_template file;
    struct wire_spec spec;
    struct probes probes;
    struct vector probe;
    size_t header;
};

static void scene_open(struct scene *s, const struct place *place, uint8_t version)
{
    const struct wire_probe probe = { .number = NUMBER, .ttl = 7 };

    memset(s, 0, sizeof *s);
    s->spec = vector_spec(WIRE_UDP, version);
    if (payload_from_file(file_bytes, FILE_BYTES, place->at, place->length, &s->file) != NULL)
        abort();
    s->spec.payload = PAYLOAD_FILE;
    s->spec.file = &s->file;
    s->spec.source_port = WIRE_SOURCE_PORT;
    s->spec.target_port = 7;
    s->spec.size = wire_size_usual(&s->spec);
    s->header = ipaddr_family(version)->header_length;
    for (uint32_t n = 0; n < 6; n++) {
        struct probe *p = probes_add(&s->probes, 0, 2 * WAIT_MS * MS);
        if (p == NULL)
            abort();
        p->ttl = 7;
    }
    s->probe.length = wire_build(&s->spec, &probe, s->probe.bytes);
}

static void name_case(const struct place *place, uint8_t version, const char *what)
{
    check_case("file_at_%zu_length_%zu_over_ip%u_%s", place->at, place->length, version, what);
}

static void begin(struct scene *s, const struct place *place, uint8_t version, const char *what)
{
    scene_open(s, place, version);
    name_case(place, version, what);
}

/* Adds the words of the datagram and its pseudo-header: 0xffff if the checksum is correct. */
static unsigned udp_sum(const struct vector *v, size_t header)
{
    size_t addresses = header == 20 ? 12 : 8, length = v->length - header;
    uint32_t sum = 17 + (uint32_t)length;

    for (size_t i = addresses; i < v->length; i++)
        sum += (i - addresses) % 2 == 0 ? (uint32_t)v->bytes[i] << 8 : v->bytes[i];
    while (sum >> 16 != 0)
        sum = (sum >> 16) + (sum & 0xffff);
    return sum;
}

static void test_request(const struct place *place, uint8_t version)
{
    struct scene s;
    size_t changed = 0;

    begin(&s, place, version, "is_sent_as_it_is_but_for_the_identifier");
    const uint8_t *payload = s.probe.bytes + s.header + UDP_HEADER;
    check_int("length", (int64_t)s.probe.length, (int64_t)(s.header + UDP_HEADER + FILE_BYTES));
    for (size_t at = 0; at < FILE_BYTES; at++)
        changed +=
            payload[at] != file_bytes[at] && (at < place->at || at >= place->at + place->length);
    check_int("bytes changed elsewhere", (int64_t)changed, 0);
    check_int("sum", udp_sum(&s.probe, s.header), 0xffff);
    const uint8_t *checksum = s.probe.bytes + s.header + 6;
    check_int("checksum", checksum[0] << 8 | checksum[1], wire_index(&s.spec, NUMBER));
    check_that(filtered_passes(s.probe.bytes, s.probe.length), "the filter rejects the probe");
    probes_fini(&s.probes);
}

/* Builds the datagram of an echo service: the same payload, source and target exchanged. */
static void build_echo(const struct scene *s, struct vector *v)
{
    size_t n = s->header == 20 ? 4 : 16, at = s->header == 20 ? 12 : 8;

    *v = s->probe;
    memcpy(v->bytes + at, s->probe.bytes + at + n, n);
    memcpy(v->bytes + at + n, s->probe.bytes + at, n);
    memcpy(v->bytes + s->header, s->probe.bytes + s->header + 2, 2);
    memcpy(v->bytes + s->header + 2, s->probe.bytes + s->header, 2);
}

static int64_t number_of(const struct scene *s, const struct wire_packet *packet, int64_t now_ms)
{
    const struct probe *p = match_reply(&s->probes, &s->spec, packet, now_ms * MS, WAIT_MS * MS);
    return p != NULL ? (int64_t)p->number : -1;
}

static bool read_reply(const struct vector *v, struct wire_packet *out)
{
    return wire_parse(v->bytes, v->length, out) == WIRE_OK && wire_to_file_reply(out);
}

static void test_reply(const struct place *place, uint8_t version)
{
    struct wire_packet packet = { 0 }, other;
    struct vector v;
    struct scene s;
    bool is_short = place->length < 6;

    begin(&s, place, version, "is_answered_by_what_repeats_it");
    build_echo(&s, &v);
    check_that(filtered_passes(v.bytes, v.length), "the filter rejects the reply");
    check_that(read_reply(&v, &packet), "is no reply");
    check_int("probe", number_of(&s, &packet, 20), NUMBER);
    check_int("kind", packet.kind, WIRE_SERVICE);
    check_int("later", number_of(&s, &packet, 2 * WAIT_MS), is_short ? -1 : NUMBER);

    name_case(place, version, "is_not_answered_by_another_address_or_port");
    for (int kind = 0; kind < 4; kind++) {
        other = packet;
        other.probe.target.bytes[3] ^= kind == 0;
        other.probe.target_port ^= kind == 1;
        other.probe.source_port ^= kind == 2;
        other.probe.source.bytes[3] ^= kind == 3;
        check_int("probe", number_of(&s, &other, 20), -1);
    }
    name_case(place, version, "needs_each_of_its_secret_bits");
    size_t secret = is_short ? 4 : 6;
    for (size_t bit = 0; bit < 8 * secret; bit++) {
        other = packet;
        other.probe.payload[place->at + bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (!check_int("probe", number_of(&s, &other, 20), -1))
            break;
    }
    other = packet;
    other.probe.payload_bytes = (uint8_t)(place->at + secret - 1);
    check_int("cut short", number_of(&s, &other, 20), -1);
    struct wire_packet own = { 0 };
    check_int("read", wire_parse(s.probe.bytes, s.probe.length, &own), WIRE_OK);
    check_that(!wire_to_file_reply(&own), "the probe itself is turned round");
    check_that(match_probe(&s.probes, &s.spec, &own.probe) != NULL, "the probe is not known");
    probes_fini(&s.probes);
}

/* Time exceeded with quotes of every length. */
static void test_quotes(const struct place *place, uint8_t version)
{
    struct scene s;

    begin(&s, place, version, "is_found_by_quotes");
    size_t least = s.header + UDP_HEADER;
    for (size_t quoted = least; quoted <= s.probe.length; quoted++) {
        struct wire_packet packet = { .kind = WIRE_TIME_EXCEEDED };
        struct wire_packet own = { 0 };
        wire_parse(s.probe.bytes, s.probe.length, &own);
        packet.probe = own.probe;
        packet.quote = (struct wire_quote){ .length = (uint16_t)quoted };
        size_t shown = quoted - least;
        packet.probe.payload_bytes = (uint8_t)(shown < PAYLOAD_SEEN ? shown : PAYLOAD_SEEN);
        size_t secret = place->at + (place->length < 6 ? 4u : 6u);
        int64_t want = version == 4 || shown >= secret ? NUMBER : -1;
        if (!check_int("probe", number_of(&s, &packet, 20), want))
            break;
    }
    probes_fini(&s.probes);
}

static void test_bad(void)
{
    static const struct {
        const char *name;
        size_t count, at, length;
    } rows[] = {
        { "empty", 0, 0, 4 },
        { "too_large", PAYLOAD_FILE_MOST + 1, 0, 4 },
        { "id_of_3", 101, 0, 3 },
        { "id_of_9", 101, 0, 9 },
        { "id_beyond_56", 101, 51, 6 },
        { "id_beyond_the_end", 8, 3, 6 },
        { "id_far_away", 101, SIZE_MAX / 2, 6 },
    };
    struct payload_template its;

    for (size_t i = 0; i < COUNT(rows); i++) {
        check_case("a_file_that_is_%s_is_refused", rows[i].name);
        check_that(payload_from_file(file_bytes, rows[i].count, rows[i].at, rows[i].length, &its) !=
                       NULL,
                   "it is taken");
    }
}

int main(void)
{
    uint64_t seed = 17;

    for (size_t i = 0; i < FILE_BYTES; i++)
        file_bytes[i] = (uint8_t)check_random(&seed);
    for (size_t i = 0; i < COUNT(places); i++) {
        for (uint8_t version = 4; version <= 6; version += 2) {
            test_request(&places[i], version);
            test_reply(&places[i], version);
            test_quotes(&places[i], version);
        }
    }
    test_bad();
    return check_done();
}

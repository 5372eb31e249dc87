/* SPDX-License-Identifier: BSD-2-Clause */
/* Fingerprinting: when probes are sent, which replies are matched to which probe, and that no
 * address ever gets more than nine probes. */
#include "base/units.h"
#include "prober/addresses.h"

#include "check.h"
#include "vectors.h"

#include <string.h>

#define SECOND INT64_C(1000000000)

static struct fingerprint_config config_of(uint8_t version)
{
    struct fingerprint_config config = { .ident = 0xa5a5,
                                         .source_port = 20100,
                                         .first_id = 64000,
                                         .cookie = 0xfeed,
                                         .key = 0xfacefacefaceface,
                                         .first_index = 0x3333,
                                         .tcp_base = 0xfffffe00,
                                         .timeout_ns = SECOND };
    ipaddr_from_text(&config.source, version == 4 ? "10.0.0.1" : "2001:db8::1");
    ipaddr_from_text(&config.target, version == 4 ? "10.0.3.1" : "2001:db8:3::1");
    return config;
}

/* The sent probes, in order. */
struct sent {
    size_t count;
    struct {
        size_t number, length;
        int64_t at_ns;
        uint8_t bytes[128];
    } probes[32];
};

static void send_due(struct fingerprint *f, enum fingerprint_permit permit, int64_t now_ns,
                     struct sent *sent)
{
    size_t length, number;
    uint8_t packet[128];

    while ((length = fingerprint_next(f, permit, now_ns, packet, &number)) > 0 &&
           sent->count < 32) {
        sent->probes[sent->count].number = number;
        sent->probes[sent->count].length = length;
        sent->probes[sent->count].at_ns = now_ns;
        memcpy(sent->probes[sent->count].bytes, packet, length);
        sent->count++;
    }
}

/* Steps like the prober, from due time to due time. */
static int64_t run(struct fingerprint *f, enum fingerprint_permit permit, int64_t from_ns,
                   int64_t until_ns, struct sent *sent)
{
    int64_t now_ns = from_ns;

    while (now_ns <= until_ns && !fingerprint_done(f)) {
        fingerprint_expire(f, now_ns);
        send_due(f, permit, now_ns, sent);
        int64_t due_ns = fingerprint_due(f, now_ns);
        if (due_ns > until_ns || fingerprint_done(f))
            break;
        check_that(due_ns > now_ns, "due at %lld, not after %lld", (long long)due_ns,
                   (long long)now_ns);
        now_ns = due_ns > now_ns ? due_ns : now_ns + MS;
    }
    return now_ns;
}

static unsigned u16(const uint8_t *at)
{
    return (unsigned)(at[0] << 8 | at[1]);
}

static unsigned protocol_at(const uint8_t *bytes)
{
    return bytes[0] >> 4 == 4 ? bytes[9] : bytes[6];
}

/* ---- probes -------------------------------------------------------------------------------- */

static void test_echoes(uint8_t version)
{
    struct fingerprint_config config = config_of(version);
    struct sent sent = { 0 };
    struct fingerprint f;

    check_case("echo_%u_is_three_requests_and_no_more", version);
    fingerprint_init(&f, &config, false, 5 * SECOND);
    int64_t end_ns = run(&f, FINGERPRINT_HOLD, 5 * SECOND, 20 * SECOND, &sent);
    check_int("sent", (int64_t)sent.count, 3);
    check_int("last after ms", (sent.probes[2].at_ns - 5 * SECOND) / MS, 40);
    check_that(fingerprint_done(&f), "not done");
    check_int("done after ms", (end_ns - 5 * SECOND) / MS, 1040);
    check_int("sent", fingerprint_sent(&f, WIRE_ICMP), 3);
    for (size_t i = 0; i < sent.count; i++) {
        const uint8_t *bytes = sent.probes[i].bytes;
        check_int("protocol", protocol_at(bytes), version == 4 ? 1 : 58);
        check_int("length", (int64_t)sent.probes[i].length, version == 4 ? 84 : 104);
        check_int("ttl", bytes[version == 4 ? 8 : 7], 64);
        if (version == 6)
            check_int("code", bytes[41], 0);
    }
    fingerprint_fini(&f);
}

static void test_marks(void)
{
    struct fingerprint_config config = config_of(4);
    struct sent sent = { 0 };
    struct fingerprint f;

    check_case("second_echo_alone_has_df_and_none_has_a_tos");
    fingerprint_init(&f, &config, false, 0);
    run(&f, FINGERPRINT_HOLD, 0, 100 * MS, &sent);
    for (size_t i = 0; i < 3; i++) {
        check_int("DF", u16(sent.probes[i].bytes + 6), i == 1 ? 0x4000 : 0);
        check_int("TOS", sent.probes[i].bytes[1], 0);
    }
    check_case("third_echo_alone_has_a_code");
    for (size_t i = 0; i < 3; i++)
        check_int("code", sent.probes[i].bytes[21], i == 2 ? FINGERPRINT_CODE : 0);
    check_case("identifications_lie_too_far_apart_to_be_a_counter");
    for (size_t i = 0; i < 3; i++) {
        unsigned id = u16(sent.probes[i].bytes + 4), next = u16(sent.probes[(i + 1) % 3].bytes + 4);
        check_that(id != 0, "identification 0: the kernel would replace it");
        check_that((uint16_t)(next - id) > 2600 && (uint16_t)(id - next) > 2600, "%u and %u", id,
                   next);
    }
    fingerprint_fini(&f);
}

static void test_turns(uint8_t version)
{
    static const unsigned want4[] = { 1, 6, 17 }, want6[] = { 58, 6, 17 };
    struct fingerprint_config config = config_of(version);
    struct sent sent = { 0 };
    struct fingerprint f;

    check_case("active_%u_asks_in_turns_20_ms_apart", version);
    fingerprint_init(&f, &config, true, 0);
    run(&f, FINGERPRINT_FREE, 0, 10 * SECOND, &sent);
    check_int("sent", (int64_t)sent.count, 9);
    for (size_t i = 0; i < sent.count; i++) {
        const uint8_t *bytes = sent.probes[i].bytes;
        check_int("protocol", protocol_at(bytes), (version == 4 ? want4 : want6)[i % 3]);
        check_int("after ms", sent.probes[i].at_ns / MS, (int64_t)i * 20);
        if (i % 3 != 0)
            check_int("length", (int64_t)sent.probes[i].length, version == 4 ? 40 : 60);
        if (i % 3 == 1)
            check_int("flags", bytes[(version == 4 ? 20 : 40) + 13], 0x10);
    }
    check_int("of each",
              fingerprint_sent(&f, WIRE_ICMP) * 100 + fingerprint_sent(&f, WIRE_TCP) * 10 +
                  fingerprint_sent(&f, WIRE_UDP),
              333);
    fingerprint_fini(&f);
}

/* ---- the responder's rate limit ------------------------------------------------------------ */

static void test_permits(void)
{
    struct fingerprint_config config = config_of(4);
    struct sent sent = { 0 };
    struct fingerprint f;

    check_case("active_waits_while_a_trace_samples");
    fingerprint_init(&f, &config, true, 0);
    run(&f, FINGERPRINT_HOLD, 0, 4900 * MS, &sent);
    check_int("sent", (int64_t)sent.count, 0);
    check_that(fingerprint_needs_permit(&f, 4900 * MS), "no permit needed");

    check_case("after_5_s_the_others_go_without_udp");
    run(&f, FINGERPRINT_HOLD, 4900 * MS, 9 * SECOND, &sent);
    check_int("sent", (int64_t)sent.count, 6);
    check_int("udp", fingerprint_sent(&f, WIRE_UDP), 0);
    check_that(!fingerprint_done(&f), "done without its UDP");

    check_case("held_udp_goes_when_it_may_and_not_in_a_burst");
    run(&f, FINGERPRINT_FREE, 9 * SECOND, 12 * SECOND, &sent);
    check_int("sent", (int64_t)sent.count, 9);
    check_int("from first to last in ms", (sent.probes[8].at_ns - sent.probes[6].at_ns) / MS, 120);
    check_that(fingerprint_done(&f), "not done");
    fingerprint_fini(&f);

    check_case("responder_that_rate_limits_gets_one_udp");
    sent.count = 0;
    fingerprint_init(&f, &config, true, 0);
    run(&f, FINGERPRINT_ONE, 0, 5 * SECOND, &sent);
    check_int("sent", (int64_t)sent.count, 7);
    check_int("udp", fingerprint_sent(&f, WIRE_UDP), 1);
    check_that(fingerprint_done(&f), "not done");

    check_case("and_none_in_a_second_look_up");
    fingerprint_renew(&f, true, 6 * SECOND);
    run(&f, FINGERPRINT_FREE, 6 * SECOND, 12 * SECOND, &sent);
    check_int("sent", (int64_t)sent.count, 7);
    fingerprint_fini(&f);
}

static void test_renewal(void)
{
    struct fingerprint_config config = config_of(4);
    struct sent sent = { 0 };
    struct fingerprint f;

    check_case("abandoned_address_ends");
    fingerprint_init(&f, &config, true, 0);
    fingerprint_abandon(&f);
    check_that(fingerprint_done(&f), "not done");
    run(&f, FINGERPRINT_FREE, 0, SECOND, &sent);
    check_int("sent", (int64_t)sent.count, 0);

    check_case("renewed_address_gets_the_probes_left_out");
    fingerprint_renew(&f, true, SECOND);
    run(&f, FINGERPRINT_FREE, SECOND, 5 * SECOND, &sent);
    check_int("sent", (int64_t)sent.count, 9);
    fingerprint_fini(&f);

    check_case("echo_widened_to_active_sends_the_other_six");
    sent.count = 0;
    fingerprint_init(&f, &config, false, 0);
    run(&f, FINGERPRINT_FREE, 0, 5 * SECOND, &sent);
    fingerprint_renew(&f, true, 5 * SECOND);
    run(&f, FINGERPRINT_FREE, 5 * SECOND, 9 * SECOND, &sent);
    check_int("sent", (int64_t)sent.count, 9);
    check_int("echoes", fingerprint_sent(&f, WIRE_ICMP), 3);

    check_case("no_address_gets_a_tenth_probe");
    for (int i = 0; i < 20; i++) {
        fingerprint_renew(&f, i % 2 == 0, (10 + i) * SECOND);
        run(&f, FINGERPRINT_FREE, (10 + i) * SECOND, (11 + i) * SECOND, &sent);
        fingerprint_abandon(&f);
    }
    check_int("sent", (int64_t)sent.count, 9);
    fingerprint_fini(&f);

    check_case("probe_that_did_not_leave_is_not_counted");
    fingerprint_init(&f, &config, false, 0);
    sent.count = 0;
    send_due(&f, FINGERPRINT_HOLD, 0, &sent);
    fingerprint_send_failed(&f, sent.probes[0].number);
    check_int("sent", fingerprint_sent(&f, WIRE_ICMP), 0);
    fingerprint_fini(&f);
}

/* ---- replies ------------------------------------------------------------------------------- */

/* The reply of `from` to a sent probe: an echo reply, an error that quotes the probe, or a RST. */
struct change {
    struct ipaddr from;
    size_t quote;  /* transport bytes in an error's quote */
    uint8_t flags; /* RST, or RST and ACK */
    uint32_t plus; /* added to the RST's number */
    size_t at;     /* offset of a byte of the probe that is changed before the reply */
    uint8_t to;    /* added to this byte */
    bool error;    /* reply with an error */
    bool only_4;   /* refused over IPv6, where routers do not send such quotes */
};

static void build_error(struct vector *v, const uint8_t *probe, size_t length,
                        const struct change *change, const struct fingerprint_config *config)
{
    uint8_t version = config->source.version;
    size_t header = version == 4 ? 20 : 40;
    size_t quoted = change->quote > 0 ? header + change->quote : length;
    uint8_t start[8] = { version == 4 ? 3 : 1, version == 4 ? 3 : 4 };

    vector_ip(v, &change->from, &config->source, version == 4 ? 1 : 58, 0, NULL, 8 + quoted);
    vector_put(v, start, sizeof start);
    vector_put(v, probe, quoted);
}

static void build_rst(struct vector *v, const uint8_t *tcp, const struct change *change,
                      const struct fingerprint_config *config)
{
    uint8_t segment[20] = { tcp[2], tcp[3], tcp[0], tcp[1] };
    bool acks = (change->flags & 0x10) != 0;
    uint32_t number = (uint32_t)u16(tcp + 8) << 16 | u16(tcp + 10);

    number += change->plus;
    for (int i = 0; i < 4; i++)
        segment[(acks ? 8 : 4) + i] = (uint8_t)(number >> (24 - 8 * i));
    segment[12] = 0x50;
    segment[13] = change->flags;
    vector_ip(v, &change->from, &config->source, 6, 0, NULL, sizeof segment);
    vector_put(v, segment, sizeof segment);
}

static void build_reply(struct vector *v, uint8_t *probe, size_t length,
                        const struct change *change, const struct fingerprint_config *config)
{
    size_t header = config->source.version == 4 ? 20 : 40;
    unsigned protocol = protocol_at(probe);

    v->length = 0;
    if (change->at > 0)
        probe[change->at] = (uint8_t)(probe[change->at] + change->to);
    if (change->error || protocol == 17) {
        build_error(v, probe, length, change, config);
    } else if (protocol == 6) {
        build_rst(v, probe + header, change, config);
    } else {
        vector_ip(v, &change->from, &config->source, protocol & 0xff, 0, NULL, length - header);
        probe[header] = protocol == 1 ? 0 : 129;
        vector_put(v, probe + header, length - header);
    }
    vector_seal(v->bytes, v->length);
}

enum { RST = 0x04, ACK = 0x10 };
enum { HERE, ELSEWHERE };

static const struct reply_row {
    const char *name;
    size_t probe; /* number */
    int from;
    struct change change;
    bool taken, kept;
    enum evidence_probe kind;
} reply_rows[] = {
    /* clang-format off */
    { "echo_reply_is_taken", 3, HERE, { .quote = 0 }, true, true, EVIDENCE_ECHO },
    { "echo_reply_from_elsewhere_is_refused", 3, ELSEWHERE, { .quote = 0 }, false, false, 0 },
    { "echo_reply_with_another_identifier_is_refused", 3, HERE, { .at = 24, .to = 1 }, false,
      false, 0 },
    { "echo_reply_with_another_sequence_is_refused", 3, HERE, { .at = 26, .to = 9 }, false, false,
      0 },
    { "echo_reply_with_another_cookie_is_refused", 3, HERE, { .at = 30, .to = 1 }, false, false,
      0 },
    { "error_about_an_echo_is_taken", 3, HERE, { .error = true }, true, true, EVIDENCE_ECHO },
    { "port_unreachable_is_taken", 2, HERE, { .quote = 0 }, true, true, EVIDENCE_UDP },
    { "port_unreachable_with_8_bytes_is_taken", 2, HERE, { .quote = 8, .only_4 = true }, true,
      true, EVIDENCE_UDP },
    { "port_unreachable_from_elsewhere_is_taken_and_not_kept", 2, ELSEWHERE, { .quote = 0 }, true,
      false, 0 },
    { "port_unreachable_about_another_port_is_refused", 2, HERE, { .at = 23, .to = 1 }, false,
      false, 0 },
    { "port_unreachable_about_another_source_port_is_refused", 2, HERE, { .at = 21, .to = 1 },
      false, false, 0 },
    { "port_unreachable_with_another_checksum_is_refused", 2, HERE, { .at = 27, .to = 99 }, false,
      false, 0 },
    { "port_unreachable_about_a_source_that_own_nat_gave_is_taken", 2, HERE, { .at = 15, .to = 1 },
      true, true, EVIDENCE_UDP },
    { "port_unreachable_about_another_source_without_cookie_is_refused", 2, HERE,
      { .quote = 8, .at = 15, .to = 1, .only_4 = true }, false, false, 0 },
    { "port_unreachable_about_another_target_is_refused", 2, HERE, { .at = 19, .to = 1 }, false,
      false, 0 },
    { "bare_rst_is_taken", 4, HERE, { .flags = RST }, true, true, EVIDENCE_TCP },
    { "bare_rst_with_number_0_is_refused", 4, HERE, { .flags = RST, .plus = UINT32_MAX - 511 },
      false, false, 0 },
    { "bare_rst_of_one_less_is_refused", 4, HERE, { .flags = RST, .plus = UINT32_MAX }, false,
      false, 0 },
    { "port_unreachable_with_8_bytes_and_another_id_is_refused", 2, HERE,
      { .quote = 8, .at = 5, .to = 1, .only_4 = true }, false, false, 0 },
    { "port_unreachable_with_12_bytes_and_another_cookie_is_refused", 2, HERE,
      { .quote = 12, .at = 30, .to = 1 }, false, false, 0 },
    { "bare_rst_with_another_number_is_refused", 4, HERE, { .flags = RST, .plus = 5 }, false,
      false, 0 },
    { "rst_ack_is_taken", 4, HERE, { .flags = RST | ACK }, true, true, EVIDENCE_TCP },
    { "rst_ack_of_one_more_is_taken", 4, HERE, { .flags = RST | ACK, .plus = 1 }, true, true,
      EVIDENCE_TCP },
    { "rst_ack_of_two_more_is_refused", 4, HERE, { .flags = RST | ACK, .plus = 2 }, false, false,
      0 },
    { "rst_from_elsewhere_is_refused", 4, ELSEWHERE, { .flags = RST }, false, false, 0 },
    { "prohibited_ack_is_taken", 4, HERE, { .error = true }, true, true, EVIDENCE_TCP },
    /* clang-format on */
};

/* Offsets in the rows are for IPv4; IPv6 headers are 20 bytes longer. */
static struct change change_of(const struct reply_row *row, uint8_t version)
{
    struct change change = row->change;

    ipaddr_from_text(&change.from, version == 4        ? row->from == HERE ? "10.0.3.1" : "10.0.4.1"
                                   : row->from == HERE ? "2001:db8:3::1"
                                                       : "2001:db8:4::1");
    if (version == 6 && change.at == 15)
        change.at = 23; /* last byte of the source address */
    else if (version == 6 && change.at == 19)
        change.at = 39;
    else if (version == 6 && change.at > 0)
        change.at += 20;
    return change;
}

static void test_reply(const struct reply_row *row, uint8_t version)
{
    struct fingerprint_config config = config_of(version);
    struct change change = change_of(row, version);
    struct sent sent = { 0 };
    struct wire_packet packet;
    struct vector v;
    struct fingerprint f;
    bool never = version == 6 && change.only_4, taken = row->taken && !never;
    bool kept = row->kept && !never;

    check_case("v%u_%s%s", version, row->name, never ? "_over_IPv4_only" : "");
    fingerprint_init(&f, &config, true, 0);
    run(&f, FINGERPRINT_FREE, 0, 200 * MS, &sent);
    check_int("number", (int64_t)sent.probes[row->probe].number, (int64_t)row->probe);
    build_reply(&v, sent.probes[row->probe].bytes, sent.probes[row->probe].length, &change,
                &config);
    struct evidence_capture capture = { v.bytes, 7 * SECOND };
    check_int("read", wire_parse(v.bytes, v.length, &packet), WIRE_OK);
    check_int("taken", fingerprint_reply(&f, &packet, &capture), taken);
    check_int("kept", (int64_t)f.replies.count, kept);
    check_int("state", f.probes[row->probe].state, taken ? FINGERPRINT_ANSWERED : FINGERPRINT_OPEN);
    if (kept && f.replies.count == 1) {
        const struct evidence_reply *reply = &f.replies.replies[0];
        check_int("kind", reply->sent.probe, row->kind);
        check_int("index", reply->index, (int64_t)row->probe);
        check_int("at", reply->at_ns, 7 * SECOND);
        check_int("identification", reply->sent.ip_id,
                  version == 4 ? u16(sent.probes[row->probe].bytes + 4) : 0);
        fingerprint_reply(&f, &packet, &capture);
        check_int("kept when it comes twice", (int64_t)f.replies.count, 1);
    }
    fingerprint_fini(&f);
}

static void test_too_early(void)
{
    struct fingerprint_config config = config_of(4);
    struct sent sent = { 0 };
    struct wire_packet packet;
    struct vector v;
    struct fingerprint f;
    struct change change = { .from = config.target };

    check_case("reply_to_a_probe_not_sent_is_refused");
    fingerprint_init(&f, &config, true, 0);
    run(&f, FINGERPRINT_FREE, 0, 200 * MS, &sent);
    build_reply(&v, sent.probes[3].bytes, sent.probes[3].length, &change, &config);
    fingerprint_fini(&f);
    fingerprint_init(&f, &config, true, 0);
    struct evidence_capture capture = { v.bytes, 0 };
    check_int("read", wire_parse(v.bytes, v.length, &packet), WIRE_OK);
    check_that(!fingerprint_reply(&f, &packet, &capture), "taken");
    fingerprint_fini(&f);
}

/* ---- all addresses ------------------------------------------------------------------------- */

struct shell_log {
    int64_t open_ns;
    int sent, udp, errors;
    enum fingerprint_permit permit;
};

static enum fingerprint_permit log_permit(void *context, struct addresses_entry *entry,
                                          int64_t now_ns)
{
    (void)entry;
    (void)now_ns;
    return ((struct shell_log *)context)->permit;
}

static int64_t log_open(void *context)
{
    return ((struct shell_log *)context)->open_ns;
}

static int log_send(void *context, const struct addresses_entry *entry, const uint8_t *packet,
                    size_t length, bool udp)
{
    struct shell_log *log = context;

    check_that(length > 0 && packet[0] >> 4 == entry->fingerprint.config.target.version,
               "no packet");
    log->udp += udp;
    log->sent++;
    return log->errors;
}

static void step_until(struct addresses *addresses, struct shell_log *log, int64_t from_ns,
                       int64_t until_ns)
{
    struct addresses_shell shell = { log, log_permit, log_open, log_send };

    for (int64_t now_ns = from_ns; now_ns <= until_ns; now_ns += 10 * MS)
        addresses_step(addresses, &shell, SECOND, now_ns, 64);
}

static void test_addresses(void)
{
    struct fingerprint_config config = config_of(4);
    struct shell_log log = { .permit = FINGERPRINT_FREE };
    struct addresses *addresses = addresses_new();

    check_case("second_user_of_an_address_shares_its_replies");
    struct addresses_entry *entry = addresses_add(addresses, &config, false, 0, NULL, 0);
    check_that(addresses_find(addresses, &config.target, 0) == entry, "not found");
    addresses_join(addresses, entry, false, 0);
    step_until(addresses, &log, 0, 2 * SECOND);
    check_int("sent", log.sent, 3);
    check_that(fingerprint_done(&entry->fingerprint), "not done");

    check_case("probes_that_may_not_be_sent_yet_wait");
    struct fingerprint_config later = config;
    ipaddr_from_text(&later.target, "192.0.2.200");
    struct shell_log waits = { .permit = FINGERPRINT_FREE, .open_ns = 500 * MS };
    struct addresses_entry *waiting = addresses_add(addresses, &later, false, 0, NULL, 0);
    step_until(addresses, &waits, 0, 490 * MS);
    check_int("too early", waits.sent, 0);
    check_int("due", waiting->due_ns, 500 * MS);
    step_until(addresses, &waits, 500 * MS, 2 * SECOND);
    check_int("then", waits.sent, 3);

    check_case("late_user_finds_it_done");
    addresses_leave(addresses, entry);
    addresses_leave(addresses, entry);
    addresses_join(addresses, entry, false, 3 * SECOND);
    step_until(addresses, &log, 3 * SECOND, 5 * SECOND);
    check_int("sent", log.sent, 3);

    check_case("user_who_wants_more_probes_gets_the_rest");
    addresses_join(addresses, entry, true, 6 * SECOND);
    addresses_join(addresses, entry, true, 6 * SECOND);
    step_until(addresses, &log, 6 * SECOND, 8 * SECOND);
    check_int("sent", log.sent, 9);
    check_int("udp", log.udp, 3);

    check_case("zone_is_part_of_the_address");
    check_that(addresses_find(addresses, &config.target, 3) == NULL, "found in another zone");

    check_case("address_without_users_sends_nothing");
    struct fingerprint_config other = config_of(6);
    entry = addresses_add(addresses, &other, false, 0, NULL, 10 * SECOND);
    step_until(addresses, &log, 12 * SECOND, 14 * SECOND);
    check_int("sent", log.sent, 9);
    entry->wanted_ns = 14 * SECOND;
    step_until(addresses, &log, 14 * SECOND, 15 * SECOND);
    check_int("sent when wanted again", log.sent, 12);

    check_case("probe_that_the_kernel_refuses_ends_nothing_else");
    log.errors = 1;
    ipaddr_from_text(&other.target, "2001:db8:7::1");
    entry = addresses_add(addresses, &other, false, 0, NULL, 20 * SECOND);
    step_until(addresses, &log, 20 * SECOND, 20 * SECOND + 500 * MS);
    check_that(fingerprint_done(&entry->fingerprint), "not done");
    check_int("sent", fingerprint_sent(&entry->fingerprint, WIRE_ICMP), 0);
    addresses_free(addresses);
    addresses_free(NULL);
}

static struct addresses_entry *add_nth(struct addresses *addresses, int n)
{
    struct fingerprint_config config = config_of(4);

    config.target.bytes[2] = (uint8_t)(n >> 8);
    config.target.bytes[3] = (uint8_t)n;
    return addresses_add(addresses, &config, false, 0, NULL, 0);
}

static void test_limit(void)
{
    static struct addresses_entry *entries[ADDRESSES_MAX];
    struct addresses *addresses = addresses_new();
    struct ipaddr forgotten = { 0 };
    int added = 0;

    check_case("addresses_beyond_the_limit_are_refused_while_all_have_users");
    for (int i = 0; i < ADDRESSES_MAX; i++) {
        entries[i] = add_nth(addresses, i);
        added += entries[i] != NULL;
    }
    check_int("added", added, ADDRESSES_MAX);
    check_that(add_nth(addresses, ADDRESSES_MAX) == NULL, "one more was added");
    check_int("room", addresses_make_room(addresses, &forgotten), false);

    check_case("the_address_that_was_left_first_makes_room");
    addresses_leave(addresses, entries[300]);
    addresses_leave(addresses, entries[5]);
    check_int("room while it is open", addresses_make_room(addresses, &forgotten), false);
    struct shell_log log = { 0 };
    const struct addresses_shell shell = { .context = &log, .open_ns = log_open };
    addresses_step(addresses, &shell, 0, 10 * SECOND, 0);
    addresses_join(addresses, entries[300], false, 10 * SECOND);
    addresses_step(addresses, &shell, 0, 20 * SECOND, 0);
    addresses_leave(addresses, entries[300]);
    addresses_step(addresses, &shell, 0, 30 * SECOND, 0);
    check_int("room", addresses_make_room(addresses, &forgotten), true);
    check_int("forgotten", forgotten.bytes[3], 5);
    check_that(addresses_find(addresses, &forgotten, 0) == NULL, "it is still there");
    check_that(add_nth(addresses, ADDRESSES_MAX) != NULL, "no room was made");
    check_int("room", addresses_make_room(addresses, &forgotten), true);
    check_int("forgotten", forgotten.bytes[2] << 8 | forgotten.bytes[3], 300);
    check_int("room when there is some", addresses_make_room(addresses, &forgotten), false);
    addresses_free(addresses);
}

int main(void)
{
    test_echoes(4);
    test_echoes(6);
    test_marks();
    test_turns(4);
    test_turns(6);
    test_permits();
    test_renewal();
    for (size_t i = 0; i < COUNT(reply_rows); i++) {
        test_reply(&reply_rows[i], 4);
        test_reply(&reply_rows[i], 6);
    }
    test_too_early();
    test_addresses();
    test_limit();
    return check_done();
}

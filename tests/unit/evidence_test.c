/* SPDX-License-Identifier: BSD-2-Clause */
/* The replies of a trace that are kept as evidence, and the fields of their probes and quotes. */
#include "results/evidence.h"

#include "check.h"
#include "vectors.h"

#include <string.h>

enum { TTL = 5 };

/* One label, with a correct checksum. */
static const char stack[] = "\x20\x00\x82\x19\x00\x08\x01\x01\x05\xdc\x57\x01";
static const char other_stack[] = "\x20\x00\x82\x18\x00\x08\x01\x01\x05\xdc\x57\x02";
enum { STACK_LENGTH = sizeof stack - 1 };

static struct trace_event event_of(const struct wire_packet *reply)
{
    return (struct trace_event){
        .kind = EVENT_REPLY, .probe = vector_probe.number, .ttl = TTL, .reply = reply
    };
}

static void hand_in(struct evidence *evidence, const struct wire_spec *spec, struct vector *v)
{
    struct wire_packet packet;
    struct evidence_capture capture = { v->bytes, 12345 };

    if (!check_int("read", wire_parse(v->bytes, v->length, &packet), WIRE_OK))
        return;
    struct trace_event event = event_of(&packet);
    evidence_event(evidence, spec, &event, &capture);
}

/* A time exceeded with a label stack after the padded quote. */
static void build_labelled(struct vector *v, const char *bytes)
{
    struct vector_error error = {
        .version = 4, .type = 11, .rest = 32 << 16, .protocol = WIRE_UDP, .pad_to = 128
    };
    struct wire_spec spec = vector_spec(WIRE_UDP, 4);
    struct vector plain;

    vector_build_error(&plain, &error);
    struct ipaddr router = vector_router(4);
    v->length = 0;
    vector_ip(v, &router, &spec.source, 1, 0, NULL, plain.length - 20 + STACK_LENGTH);
    vector_put(v, plain.bytes + 20, plain.length - 20);
    vector_put(v, bytes, STACK_LENGTH);
    vector_seal(v->bytes, v->length);
}

static void test_sent(enum wire_protocol protocol, uint8_t version)
{
    struct vector_error error = { .version = version,
                                  .type = version == 4 ? 11 : 3,
                                  .protocol = protocol };
    struct wire_spec spec = vector_spec(protocol, version);
    struct evidence *evidence = evidence_new(30);
    struct vector v;

    vector_build_error(&v, &error);
    check_case("probe_%d_of_v%u_is_told_as_it_left", (int)protocol, version);
    hand_in(evidence, &spec, &v);
    if (check_int("kept", (int64_t)evidence_at(evidence, TTL)->count, 1)) {
        const struct evidence_reply *kept = &evidence_at(evidence, TTL)->replies[0];
        const struct wire_packet *reply = &kept->packet;
        check_int("probe", kept->sent.probe, EVIDENCE_TRACE);
        check_int("protocol", kept->sent.protocol, protocol);
        check_int("index", kept->index, vector_probe.number);
        check_int("at", kept->at_ns, 12345);
        check_int("ttl", kept->sent.ttl, TTL);
        check_int("size", kept->sent.size, spec.size);
        check_int("quoted", kept->quoted, spec.size);
        check_int("identification as quoted", kept->sent.ip_id, reply->probe.ip_id);
        check_int("checksum as quoted", kept->sent.checksum, reply->quote.checksum);
        check_int("source port as quoted", kept->sent.source_port, reply->probe.source_port);
        check_int("target port as quoted", kept->sent.target_port, reply->probe.target_port);
        check_that(!kept->has_extension, "an extension");
    }
    evidence_free(evidence);
}

/* One changed byte of a packet. Offsets count from the IP header; the quote begins at 28. */
static const struct change_row {
    const char *name;
    size_t at;
    uint8_t by;
    bool kept;
} change_rows[] = {
    { "same_packet_again_is_left_out", 0, 0, false },
    { "another_identification_is_left_out", 5, 1, false },
    { "another_reply_ttl_is_kept", 8, 1, true },
    { "another_tos_is_kept", 1, 4, true },
    { "another_df_is_kept", 6, 0x40, true },
    { "another_code_of_the_error_is_kept", 21, 13, true },
    { "another_unused_word_is_kept", 27, 1, true },
    { "another_quoted_tos_is_kept", 29, 0xb8, true },
    { "another_quoted_ttl_is_kept", 36, 1, true },
    { "quoted_identification_that_is_not_ours_is_kept", 33, 1, true },
    { "quoted_df_is_kept", 34, 0x40, true },
    { "quoted_source_that_is_not_ours_is_kept", 43, 1, true },
    { "quoted_target_that_is_not_ours_is_kept", 47, 1, true },
    { "quoted_source_port_that_is_not_ours_is_kept", 49, 1, true },
    { "quoted_checksum_that_is_not_ours_is_kept", 55, 1, true },
    { "another_quoted_payload_is_left_out", 60, 1, false },
};

static void test_change(const struct change_row *row)
{
    /* an unreachable, so that its code can change */
    struct vector_error error = { .version = 4, .type = 3, .code = 0, .protocol = WIRE_UDP };
    struct wire_spec spec = vector_spec(WIRE_UDP, 4);
    struct evidence *evidence = evidence_new(30);
    struct vector v;

    vector_build_error(&v, &error);
    check_case("%s", row->name);
    for (int i = 0; i < EVIDENCE_FIRST + 2; i++)
        hand_in(evidence, &spec, &v);
    check_int("kept of the same", (int64_t)evidence_at(evidence, TTL)->count, EVIDENCE_FIRST);
    v.bytes[row->at] = (uint8_t)(v.bytes[row->at] + row->by);
    vector_seal(v.bytes, v.length);
    hand_in(evidence, &spec, &v);
    hand_in(evidence, &spec, &v);
    check_int("kept", (int64_t)evidence_at(evidence, TTL)->count, EVIDENCE_FIRST + row->kept);
    evidence_free(evidence);
}

static void test_extensions(void)
{
    struct wire_spec spec = vector_spec(WIRE_UDP, 4);
    struct evidence *evidence = evidence_new(30);
    struct vector v;

    check_case("extension_is_kept_and_the_padding_is_not_counted");
    build_labelled(&v, stack);
    for (int i = 0; i < EVIDENCE_FIRST + 1; i++)
        hand_in(evidence, &spec, &v);
    const struct evidence_list *list = evidence_at(evidence, TTL);
    check_int("kept", (int64_t)list->count, EVIDENCE_FIRST);
    check_int("quoted", list->replies[0].quoted, 40);
    check_int("compliant", list->replies[0].compliant, true);
    check_int("bytes", (int64_t)list->replies[0].extension_length, STACK_LENGTH);
    check_bytes("extension", list->bytes + list->replies[3].extension_at, stack, STACK_LENGTH);

    check_case("another_label_stack_is_kept");
    build_labelled(&v, other_stack);
    hand_in(evidence, &spec, &v);
    hand_in(evidence, &spec, &v);
    check_int("kept", (int64_t)list->count, EVIDENCE_FIRST + 1);

    check_case("snapshot_is_a_copy");
    struct evidence *copy = evidence_snapshot(evidence);
    evidence_free(evidence);
    list = evidence_at(copy, TTL);
    check_int("kept", (int64_t)list->count, EVIDENCE_FIRST + 1);
    check_bytes("extension", list->bytes + list->replies[4].extension_at, other_stack,
                STACK_LENGTH);
    evidence_free(copy);
    evidence_free(NULL);

    struct vector_error plain = { .version = 4, .type = 11, .protocol = WIRE_UDP };
    check_case("where_extensions_are_wanted_alone_nothing_else_is_kept");
    evidence = evidence_new(30);
    evidence->extensions_only = true;
    hand_in(evidence, &spec, &v);
    vector_build_error(&v, &plain);
    hand_in(evidence, &spec, &v);
    check_int("kept", (int64_t)evidence_at(evidence, TTL)->count, 1);
    check_int("has an extension", evidence_at(evidence, TTL)->replies[0].has_extension, true);
    evidence_free(evidence);
}

static void test_left_out(void)
{
    struct vector_error error = { .version = 4, .type = 11, .protocol = WIRE_UDP };
    struct wire_spec spec = vector_spec(WIRE_UDP, 4);
    struct evidence *evidence = evidence_new(30);
    struct wire_packet packet;
    struct vector v;

    vector_build_error(&v, &error);
    struct evidence_capture capture = { v.bytes, 0 };
    wire_parse(v.bytes, v.length, &packet);
    struct trace_event event = event_of(&packet);

    check_case("replies_to_another_trace_are_not_kept");
    event.shared = true;
    evidence_event(evidence, &spec, &event, &capture);
    event.shared = false;
    evidence_event(evidence, &spec, &event, NULL);
    check_int("kept", (int64_t)evidence_at(evidence, TTL)->count, 0);

    check_case("only_replies_are_kept");
    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        event.kind = (enum event_kind)kind;
        evidence_event(evidence, &spec, &event, &capture);
    }
    check_int("kept", (int64_t)evidence_at(evidence, TTL)->count, 4);

    check_case("path_that_always_shows_something_new_is_bounded");
    event.kind = EVENT_REPLY;
    for (unsigned i = 0; i < 5000; i++) {
        packet.from.bytes[2] = (uint8_t)(i >> 8);
        packet.from.bytes[3] = (uint8_t)i;
        evidence_event(evidence, &spec, &event, &capture);
    }
    check_int("kept", (int64_t)evidence_at(evidence, TTL)->count, EVIDENCE_MOST);
    evidence_free(evidence);
}

int main(void)
{
    for (int protocol = 0; protocol < WIRE_PROTOCOL_COUNT; protocol++) {
        test_sent((enum wire_protocol)protocol, 4);
        test_sent((enum wire_protocol)protocol, 6);
    }
    for (size_t i = 0; i < COUNT(change_rows); i++)
        test_change(&change_rows[i]);
    test_extensions();
    test_left_out();
    return check_done();
}

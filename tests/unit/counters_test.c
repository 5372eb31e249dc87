/* SPDX-License-Identifier: BSD-2-Clause */
/* The counters with handmade events: which events they count, and the order in which they use
 * samples. */
#include "check.h"
#include "results/counters.h"

#include <string.h>

enum { TTL = 3, US = 1000 };

static struct counters *counters;

static void begin(const char *name)
{
    check_case("%s", name);
    counters_free(counters);
    counters = counters_new(30);
}

static struct wire_packet reply_from(uint8_t host)
{
    struct wire_packet packet = { .kind = WIRE_TIME_EXCEEDED,
                                  .type = 11,
                                  .ttl = (uint8_t)(64 - host) };
    packet.from = (struct ipaddr){ .version = 4, .bytes = { 10, 0, 0, host } };
    return packet;
}

static void feed(struct trace_event event)
{
    if (event.ttl == 0)
        event.ttl = TTL;
    counters_event(counters, &event);
}

static void sent(uint32_t probe)
{
    feed((struct trace_event){ .kind = EVENT_SENT, .probe = probe });
}

static void got(enum event_kind kind, uint32_t probe, uint8_t host, int64_t rtt_ns)
{
    struct wire_packet reply = reply_from(host);
    feed((struct trace_event){ .kind = kind, .probe = probe, .rtt_ns = rtt_ns, .reply = &reply });
}

static void missed(enum event_kind kind, uint32_t probe)
{
    feed((struct trace_event){ .kind = kind, .probe = probe, .rtt_ns = -1 });
}

static const struct counters_hop *hop(void)
{
    return counters_hop_at(counters, TTL);
}

struct counts {
    uint32_t sent, received, in_flight, send_errors, late, duplicates, total_sent, total_received;
};

static void check_counts(const struct counters *in, struct counts want)
{
    const struct counters_hop *h = counters_hop_at(in, TTL);

    check_int("sent", h->sent, want.sent);
    check_int("received", h->received, want.received);
    check_int("in flight", h->in_flight, want.in_flight);
    check_int("send errors", h->send_errors, want.send_errors);
    check_int("late", h->late, want.late);
    check_int("duplicates", h->duplicates, want.duplicates);
    check_int("raw sent", h->total_sent, want.total_sent);
    check_int("raw received", h->total_received, want.total_received);
}

static const struct responder_stats *responder(const struct counters *in, size_t n,
                                               uint32_t received)
{
    static const struct responder_stats none;

    if (!check_that(n < counters_hop_at(in, TTL)->responder_count, "responder %zu of %zu", n,
                    counters_hop_at(in, TTL)->responder_count))
        return &none;
    check_int("received by responder", counters_hop_at(in, TTL)->responders[n].received, received);
    return &counters_hop_at(in, TTL)->responders[n];
}

static void test_counts(void)
{
    begin("a_probe_in_flight_is_not_counted_as_sent");
    sent(0);
    check_counts(counters, (struct counts){ .in_flight = 1, .total_sent = 1 });

    begin("an_answered_probe_is_sent_and_received");
    sent(0);
    got(EVENT_REPLY, 0, 1, 5 * US);
    check_counts(counters,
                 (struct counts){ .sent = 1, .received = 1, .total_sent = 1, .total_received = 1 });
    check_near("mean", responder(counters, 0, 1)->rtt.mean_ns, 5 * US, 0);
    check_int("reply TTL", responder(counters, 0, 1)->reply_ttl, 63);

    begin("a_timeout_is_sent_and_not_received");
    sent(0);
    missed(EVENT_TIMEOUT, 0);
    check_counts(counters, (struct counts){ .sent = 1, .total_sent = 1 });
    check_int("responders", (int64_t)hop()->responder_count, 0);

    begin("a_send_error_is_neither_sent_nor_lost");
    sent(0);
    missed(EVENT_SEND_ERROR, 0);
    check_counts(counters, (struct counts){ .send_errors = 1 });
}

static void test_late(void)
{
    begin("a_late_reply_is_received_but_gives_no_rtt");
    sent(0);
    missed(EVENT_TIMEOUT, 0);
    got(EVENT_LATE, 0, 1, 1500000 * US);
    check_counts(counters,
                 (struct counts){
                     .sent = 1, .received = 1, .late = 1, .total_sent = 1, .total_received = 1 });
    check_int("late of the responder", responder(counters, 0, 1)->late, 1);
    check_int("samples", (int64_t)responder(counters, 0, 1)->rtt.count, 0);

    begin("a_reply_to_a_probe_counted_as_a_send_error_makes_it_sent");
    sent(0);
    missed(EVENT_SEND_ERROR, 0);
    struct wire_packet reply = reply_from(1);
    feed((struct trace_event){
        .kind = EVENT_LATE, .rtt_ns = -1, .was_error = true, .reply = &reply });
    check_counts(counters,
                 (struct counts){
                     .sent = 1, .received = 1, .late = 1, .total_sent = 1, .total_received = 1 });
}

static void test_without_rtt(void)
{
    begin("a_duplicate_is_counted_apart_and_gives_no_rtt");
    sent(0);
    got(EVENT_REPLY, 0, 1, 5 * US);
    got(EVENT_DUPLICATE, 0, 1, 9 * US);
    got(EVENT_DUPLICATE, 0, 1, 10 * US);
    check_counts(
        counters,
        (struct counts){
            .sent = 1, .received = 1, .duplicates = 2, .total_sent = 1, .total_received = 1 });
    check_int("duplicates of the responder", responder(counters, 0, 1)->duplicates, 2);
    check_int("samples", (int64_t)responder(counters, 0, 1)->rtt.count, 1);

    begin("a_reply_without_rtt_is_received");
    sent(0);
    got(EVENT_REPLY, 0, 1, -1);
    check_counts(counters,
                 (struct counts){ .sent = 1, .received = 1, .total_sent = 1, .total_received = 1 });
    check_int("samples", (int64_t)responder(counters, 0, 1)->rtt.count, 0);

    begin("an_rtt_of_0_is_a_sample");
    sent(0);
    got(EVENT_REPLY, 0, 1, 0);
    check_int("samples", (int64_t)responder(counters, 0, 1)->rtt.count, 1);
}

static void test_test_probes(void)
{
    struct wire_packet reply = reply_from(1);
    struct trace_event event = { .class = PROBE_TEST, .rtt_ns = 7 * US, .reply = &reply };

    begin("test_probes_are_in_the_raw_counts_alone");
    for (event.probe = 0; event.probe < 4; event.probe++) {
        event.kind = EVENT_SENT;
        feed(event);
    }
    event.kind = EVENT_REPLY;
    event.probe = 0;
    feed(event);
    event.kind = EVENT_TIMEOUT;
    event.probe = 1;
    feed(event);
    event.kind = EVENT_SEND_ERROR;
    event.probe = 2;
    feed(event);
    check_counts(counters,
                 (struct counts){ .total_sent = 3, .total_received = 1, .send_errors = 1 });
    check_int("samples", (int64_t)responder(counters, 0, 0)->rtt.count, 0);
}

/* The same four RTTs, with their replies in the given order. */
static void test_order(const char *name, const uint32_t order[4])
{
    static const int64_t rtts[] = { 10 * US, 50 * US, 20 * US, 40 * US };

    begin(name);
    for (uint32_t probe = 0; probe < 4; probe++)
        sent(probe);
    for (int i = 0; i < 4; i++)
        got(EVENT_REPLY, order[i], 1, rtts[order[i]]);
    const struct stats *rtt = &responder(counters, 0, 4)->rtt;
    check_int("samples", (int64_t)rtt->count, 4);
    check_int("pairs", (int64_t)rtt->pairs, 3);
    check_near("jitter", stats_jitter_ns(rtt), (40 + 30 + 20) * US / 3.0, 1e-12);
    check_int("last", rtt->last_ns, rtts[3]);
    check_near("mean", rtt->mean_ns, 30 * US, 1e-12);
}

static void test_orders(void)
{
    test_order("answers_in_order_give_the_jitter_of_probes", (const uint32_t[]){ 0, 1, 2, 3 });
    test_order("answers_backwards_give_the_same_jitter", (const uint32_t[]){ 3, 2, 1, 0 });
    test_order("answers_that_overtake_give_the_same_jitter", (const uint32_t[]){ 1, 3, 0, 2 });

    begin("a_sample_behind_an_open_probe_waits_and_is_used_once_that_is_lost");
    for (uint32_t probe = 0; probe < 3; probe++)
        sent(probe);
    got(EVENT_REPLY, 1, 1, 10 * US);
    got(EVENT_REPLY, 2, 1, 30 * US);
    check_int("samples before", (int64_t)responder(counters, 0, 2)->rtt.count, 0);
    missed(EVENT_TIMEOUT, 0);
    check_int("samples", (int64_t)responder(counters, 0, 2)->rtt.count, 2);
    check_near("jitter", stats_jitter_ns(&responder(counters, 0, 2)->rtt), 20 * US, 1e-12);

    begin("a_lost_probe_breaks_the_pair");
    for (uint32_t probe = 0; probe < 3; probe++)
        sent(probe);
    got(EVENT_REPLY, 0, 1, 10 * US);
    got(EVENT_REPLY, 2, 1, 30 * US);
    missed(EVENT_TIMEOUT, 1);
    check_int("pairs", (int64_t)responder(counters, 0, 2)->rtt.pairs, 0);

    begin("a_late_answer_breaks_the_pair");
    for (uint32_t probe = 0; probe < 3; probe++)
        sent(probe);
    got(EVENT_REPLY, 0, 1, 10 * US);
    missed(EVENT_TIMEOUT, 1);
    got(EVENT_LATE, 1, 1, 20 * US);
    got(EVENT_REPLY, 2, 1, 30 * US);
    check_int("samples", (int64_t)responder(counters, 0, 3)->rtt.count, 2);
    check_int("pairs", (int64_t)responder(counters, 0, 3)->rtt.pairs, 0);

    begin("numbers_of_other_hops_in_between_do_not_break_the_pair");
    for (uint32_t probe = 0; probe < 30; probe += 10) {
        sent(probe);
        feed((struct trace_event){ .kind = EVENT_SENT, .probe = probe + 1, .ttl = TTL + 1 });
        got(EVENT_REPLY, probe, 1, probe * US);
    }
    check_int("pairs", (int64_t)responder(counters, 0, 3)->rtt.pairs, 2);
    check_int("in flight at the next TTL", counters_hop_at(counters, TTL + 1)->in_flight, 3);
}

static void got_error(enum event_kind kind, uint32_t probe, uint8_t host)
{
    struct wire_packet reply = reply_from(host);

    reply.kind = WIRE_UNREACHABLE;
    reply.type = 3;
    feed((struct trace_event){
        .kind = kind, .probe = probe, .rtt_ns = 9 * US, .from_elsewhere = true, .reply = &reply });
}

/* A late reply to a probe that was reported unreachable, by a router that also is this hop. */
static void got_late_after_error(uint32_t probe, uint8_t host)
{
    struct wire_packet reply = reply_from(host);
    feed((struct trace_event){ .kind = EVENT_LATE,
                               .probe = probe,
                               .rtt_ns = -1,
                               .was_unreachable = true,
                               .reply = &reply });
}

static void check_final(uint32_t sent_probes, uint32_t received, uint32_t unreachable, size_t lost)
{
    struct counters *snapshot = counters_snapshot(counters);
    const struct counters_hop *h = counters_hop_at(snapshot, TTL);

    check_int("sent", h->sent, sent_probes);
    check_int("received", h->received, received);
    check_int("unreachable", h->unreachable, unreachable);
    check_int("lost", (int64_t)h->lost_count, (int64_t)lost);
    counters_free(snapshot);
}

static void test_errors_and_replies(void)
{
    begin("an_unreachable_probe_that_is_answered_later_is_counted_once");
    for (uint32_t probe = 0; probe < 3; probe++)
        sent(probe);
    got(EVENT_REPLY, 0, 1, 10 * US);
    got_error(EVENT_UNREACHABLE, 1, 1);
    got_late_after_error(1, 1);
    missed(EVENT_TIMEOUT, 2);
    check_final(3, 2, 0, 1);

    begin("the_same_while_an_earlier_probe_is_open");
    for (uint32_t probe = 0; probe < 3; probe++)
        sent(probe);
    got_error(EVENT_UNREACHABLE, 1, 1);
    got_late_after_error(1, 1);
    got(EVENT_REPLY, 2, 1, 10 * US);
    missed(EVENT_TIMEOUT, 0);
    check_final(3, 2, 0, 1);

    begin("a_lost_probe_of_a_merged_flow_keeps_the_sender_of_its_error");
    sent(0);
    got(EVENT_REPLY, 0, 1, 10 * US);
    struct counters *first = counters_snapshot(counters);
    sent(1);
    got_error(EVENT_UNREACHABLE, 1, 2);
    struct counters *second = counters_snapshot(counters);
    check_int("result", counters_merge(first, second), 0);
    const struct counters_hop *h = counters_hop_at(first, TTL);
    check_int("lost", (int64_t)h->lost_count, 1);
    check_that(h->lost[0].responder < h->responder_count &&
                   h->responders[h->lost[0].responder].address.bytes[3] == 2,
               "sender %u", h->lost[0].responder);
    counters_free(first);
    counters_free(second);
}

static void test_responders(void)
{
    begin("two_responders_are_never_averaged_into_one");
    for (uint32_t probe = 0; probe < 4; probe++) {
        sent(probe);
        got(EVENT_REPLY, probe, (uint8_t)(1 + probe % 2), probe % 2 ? 90 * US : 10 * US);
    }
    check_counts(counters,
                 (struct counts){ .sent = 4, .received = 4, .total_sent = 4, .total_received = 4 });
    check_near("mean of the first", responder(counters, 0, 2)->rtt.mean_ns, 10 * US, 0);
    check_near("mean of the second", responder(counters, 1, 2)->rtt.mean_ns, 90 * US, 0);
    check_int("pairs of the first", (int64_t)responder(counters, 0, 2)->rtt.pairs, 0);

    begin("two_flows_of_one_responder_are_two_cells");
    for (uint16_t flow = 0; flow < 2; flow++) {
        struct wire_packet reply = reply_from(1);
        feed((struct trace_event){ .kind = EVENT_SENT, .probe = flow, .flow = flow });
        feed((struct trace_event){
            .kind = EVENT_REPLY, .probe = flow, .flow = flow, .rtt_ns = 5, .reply = &reply });
    }
    check_int("flow of the first", responder(counters, 0, 1)->flow, 0);
    check_int("flow of the second", responder(counters, 1, 1)->flow, 1);

    begin("a_responder_known_as_target_stays_the_target");
    struct wire_packet reply = reply_from(1);
    sent(0);
    sent(1);
    feed((struct trace_event){
        .kind = EVENT_REPLY, .probe = 0, .from_target = true, .reply = &reply });
    got(EVENT_REPLY, 1, 1, 5);
    check_that(responder(counters, 0, 2)->target, "not the target");

    begin("each_code_is_counted_and_the_ninth_is_not_kept");
    for (uint8_t code = 0; code < 10; code++) {
        for (int n = 0; n <= code; n++) {
            reply = reply_from(1);
            reply.kind = WIRE_UNREACHABLE;
            reply.code = code;
            feed((struct trace_event){ .kind = EVENT_DUPLICATE, .reply = &reply });
        }
    }
    const struct responder_stats *only = responder(counters, 0, 0);
    check_int("codes", (int64_t)only->code_count, COUNTERS_CODES);
    for (uint32_t i = 0; i < COUNTERS_CODES && i < only->code_count; i++) {
        check_int("code", only->codes[i].code, i);
        check_int("count", only->codes[i].count, i + 1);
    }
}

static void test_snapshot(void)
{
    begin("a_snapshot_uses_the_samples_that_wait");
    for (uint32_t probe = 0; probe < 5; probe++)
        sent(probe);
    got(EVENT_REPLY, 0, 1, 10 * US);
    got(EVENT_REPLY, 2, 1, 30 * US);
    got(EVENT_REPLY, 3, 2, 50 * US);
    struct counters *snapshot = counters_snapshot(counters);
    check_counts(
        snapshot,
        (struct counts){
            .sent = 3, .received = 3, .in_flight = 2, .total_sent = 5, .total_received = 3 });
    check_int("samples in the snapshot", (int64_t)responder(snapshot, 0, 2)->rtt.count, 2);
    check_int("pairs in the snapshot", (int64_t)responder(snapshot, 0, 2)->rtt.pairs, 0);
    check_int("samples of the second", (int64_t)responder(snapshot, 1, 1)->rtt.count, 1);
    counters_free(snapshot);

    check_case("a_snapshot_leaves_the_counters_as_it_was");
    check_int("samples", (int64_t)responder(counters, 0, 2)->rtt.count, 1);
    got(EVENT_REPLY, 1, 1, 20 * US);
    missed(EVENT_TIMEOUT, 4);
    check_int("samples later", (int64_t)responder(counters, 0, 3)->rtt.count, 3);
    check_near("jitter", stats_jitter_ns(&responder(counters, 0, 3)->rtt), 10 * US, 1e-12);

    check_case("a_snapshot_of_a_finished_run_equals_it");
    snapshot = counters_snapshot(counters);
    check_bytes("counts", counters_hop_at(snapshot, TTL), hop(),
                offsetof(struct counters_hop, responder_count));
    const struct stats *a = &responder(snapshot, 0, 3)->rtt, *b = &responder(counters, 0, 3)->rtt;
    check_bytes("statistics", a, b, offsetof(struct stats, quantiles));
    check_near("median", quantiles_get(&a->quantiles, 0.5), quantiles_get(&b->quantiles, 0.5), 0);

    check_case("a_snapshot_outlives_the_counters");
    counters_free(counters);
    counters = NULL;
    check_near("median", quantiles_get(&responder(snapshot, 0, 3)->rtt.quantiles, 0.5), 20 * US, 0);
    counters_free(snapshot);

    begin("a_counters_of_255_hops_is_copied_whole");
    counters_free(counters);
    counters = counters_new(255);
    feed((struct trace_event){ .kind = EVENT_SENT, .ttl = 255 });
    snapshot = counters_snapshot(counters);
    check_int("in flight at 255", counters_hop_at(snapshot, 255)->in_flight, 1);
    counters_free(snapshot);
}

static void test_long_run(void)
{
    begin("a_long_run_with_a_wide_window_keeps_the_order");
    for (uint32_t probe = 0; probe < 20000; probe++) {
        sent(probe);
        if (probe >= 100) { /* replies lag by 100 probes and arrive in swapped pairs */
            uint32_t which = (probe - 100) ^ 1;
            got(EVENT_REPLY, which, 1, which % 2 ? 30 * US : 10 * US);
        }
    }
    const struct stats *rtt = &responder(counters, 0, 19900)->rtt;
    check_that(rtt->count >= 19899, "%llu samples", (unsigned long long)rtt->count);
    check_near("jitter", stats_jitter_ns(rtt), 20 * US, 1e-9);
    check_that(hop()->waiting_capacity < 1000, "%u places to wait", hop()->waiting_capacity);
}

static void flow_sent_and_got(uint16_t flow, uint32_t probe, uint8_t host, int64_t rtt_ns)
{
    struct wire_packet reply = reply_from(host);

    feed((struct trace_event){ .kind = EVENT_SENT, .probe = probe, .flow = flow });
    if (host == 0)
        feed((struct trace_event){ .kind = EVENT_TIMEOUT, .probe = probe, .flow = flow });
    else
        feed((struct trace_event){
            .kind = EVENT_REPLY, .probe = probe, .flow = flow, .rtt_ns = rtt_ns, .reply = &reply });
}

static void test_merge(void)
{
    begin("flows_merge_by_address_and_counts_add_up");
    flow_sent_and_got(0, 0, 1, 10 * US);
    flow_sent_and_got(0, 1, 1, 20 * US);
    flow_sent_and_got(0, 2, 0, 0);
    struct counters *first = counters_snapshot(counters);
    counters_free(counters);
    counters = counters_new(20); /* fewer hops than the other */
    flow_sent_and_got(7, 0, 2, 50 * US);
    flow_sent_and_got(7, 1, 1, 30 * US);
    flow_sent_and_got(7, 2, 0, 0);
    struct counters *second = counters_snapshot(counters);
    check_int("result", counters_merge(first, second), 0);
    check_counts(first,
                 (struct counts){ .sent = 6, .received = 4, .total_sent = 6, .total_received = 4 });
    check_int("responders", (int64_t)counters_hop_at(first, TTL)->responder_count, 2);
    check_near("mean of both flows", responder(first, 0, 3)->rtt.mean_ns, 20 * US, 1e-12);
    check_near("mean of one", responder(first, 1, 1)->rtt.mean_ns, 50 * US, 1e-12);
    check_int("codes", responder(first, 0, 3)->codes[0].count, 3);
    check_int("runs", (int64_t)counters_hop_at(first, TTL)->run_count, 3);
    check_int("responder of the second flow's first run",
              counters_hop_at(first, TTL)->runs[1].responder, 1);
    check_int("lost", (int64_t)counters_hop_at(first, TTL)->lost_count, 2);
    check_int("place of the second flow's lost probe", counters_hop_at(first, TTL)->lost[1].ordinal,
              5);
    counters_free(first);
    counters_free(second);
}

static void reply_from_nth(enum event_kind kind, uint32_t probe, uint32_t nth)
{
    struct wire_packet reply = reply_from(0);

    for (int i = 0; i < 4; i++)
        reply.from.bytes[i] = (uint8_t)((nth + 1) >> (24 - 8 * i));
    feed((struct trace_event){ .kind = kind, .probe = probe, .rtt_ns = US, .reply = &reply });
}

static void test_ever_new_responders(void)
{
    const uint32_t many = 40000;

    begin("issue_13_duplicates_from_ever_new_addresses_fill_half_of_the_room");
    sent(0);
    for (uint32_t i = 0; i < many; i++)
        reply_from_nth(i == 0 ? EVENT_REPLY : EVENT_DUPLICATE, 0, i);
    check_int("responders", (int64_t)hop()->responder_count, COUNTERS_RESPONDERS / 2);
    check_int("unlisted", hop()->unlisted, many - COUNTERS_RESPONDERS / 2);
    check_int("duplicates", hop()->duplicates, many - 1);
    sent(1);
    reply_from_nth(EVENT_REPLY, 1, many + 7);
    check_int("the first responder is listed", (int64_t)hop()->responder_count,
              COUNTERS_RESPONDERS / 2 + 1);

    begin("issue_13_replies_from_ever_new_addresses_are_bounded_and_all_count");
    for (uint32_t i = 0; i < 1000; i++) {
        sent(i);
        reply_from_nth(EVENT_REPLY, i, i);
    }
    check_counts(counters,
                 (struct counts){
                     .sent = 1000, .received = 1000, .total_sent = 1000, .total_received = 1000 });
    check_int("responders", (int64_t)hop()->responder_count, COUNTERS_RESPONDERS);
    check_int("unlisted", hop()->unlisted, 1000 - COUNTERS_RESPONDERS);

    begin("issue_13_flows_with_more_responders_than_there_is_room_merge");
    struct counters *all = counters_new(30);
    for (uint32_t flow = 0; flow < 5; flow++) {
        counters_free(counters);
        counters = counters_new(30);
        for (uint32_t i = 0; i < 50; i++) {
            sent(i);
            reply_from_nth(EVENT_REPLY, i, 50 * flow + i);
        }
        check_int("result", counters_merge(all, counters), 0);
    }
    const struct counters_hop *h = counters_hop_at(all, TTL);
    check_int("responders", (int64_t)h->responder_count, COUNTERS_RESPONDERS);
    check_int("unlisted", h->unlisted, 250 - COUNTERS_RESPONDERS);
    check_int("received", h->received, 250);
    check_int("runs there were", h->run_total, 250);
    for (size_t i = 0; i < h->run_count; i++)
        check_that(h->runs[i].responder < h->responder_count, "run %zu is of responder %u", i,
                   h->runs[i].responder);
    counters_free(all);
}

int main(void)
{
    test_ever_new_responders();
    test_counts();
    test_late();
    test_without_rtt();
    test_test_probes();
    test_orders();
    test_responders();
    test_errors_and_replies();
    test_snapshot();
    test_long_run();
    test_merge();
    counters_free(counters);
    return check_done();
}

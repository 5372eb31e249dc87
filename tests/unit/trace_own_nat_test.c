/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies to probes whose source this host's own NAT has rewritten: the capture sees the rewritten
 * probe, and the reply comes to its address and port. */
#include "check.h"
#include "world.h"

enum { OURS = 2 }; /* the probe's number */

static int no_replies(struct world *w, const struct wire_probe *probe)
{
    (void)w;
    (void)probe;
    return 0;
}

/* A reply to the rewritten address is accepted only after the capture has seen the rewritten
 * probe. */
static void test_own_nat(uint8_t version)
{
    const struct wire_probe probe = { .number = OURS, .ttl = OURS + 1 };
    struct world w;

    check_case("tcp%d_probes_are_on_their_way", version);
    world_new(&w);
    world_protocol(&w, WIRE_TCP, version);
    w.script = no_replies;
    w.not_captured = true;
    world_begin(&w);
    world_run(&w, 20 * MS);
    struct trace_stamp stamp = { w.wall_ns, w.epoch, 1, w.now_ns };
    struct wire_packet own = world_packet(&w, &probe, WIRE_PROBE, &w.config.spec.source);
    struct wire_packet answer = world_packet(&w, &probe, WIRE_SYN_ACK, &w.config.spec.target);
    own.probe.source.bytes[3] ^= 0x55;
    own.probe.source_port = 61000;
    answer.probe.source = own.probe.source;
    answer.probe.source_port = own.probe.source_port;
    struct wire_packet other = answer;
    other.probe.source_port++;

    check_case("tcp%d_answer_to_a_translated_port_that_was_never_seen_is_not_ours", version);
    check_that(!trace_reply(w.trace, &answer, stamp, w.now_ns), "taken");
    check_case("tcp%d_probe_that_own_nat_rewrote_is_known", version);
    check_that(trace_seen(w.trace, &own, stamp) != 0, "not known");
    check_case("tcp%d_answer_to_another_port_is_not_ours", version);
    check_that(!trace_reply(w.trace, &other, stamp, w.now_ns), "taken");
    check_case("tcp%d_answer_to_the_translated_port_is_ours", version);
    stamp.ns += 4 * MS;
    stamp.seen_ns += 4 * MS;
    check_that(trace_reply(w.trace, &answer, stamp, w.now_ns), "not taken");
    const struct world_event *e = world_nth(&w, EVENT_REPLY, 0, 0);
    check_int("RTT", e != NULL ? e->event.rtt_ns : -1, 4 * MS);
    world_free(&w);
}

int main(void)
{
    test_own_nat(4);
    test_own_nat(6);
    return check_done();
}

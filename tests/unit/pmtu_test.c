/* SPDX-License-Identifier: BSD-2-Clause */
/* Path MTU discovery in a chain of routers, in virtual time. */
#include "base/units.h"
#include "check.h"
#include "discovery/pmtu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

enum { HOPS = 10, BUCKET = 6, STEPS_MAX = 100000 };

enum report { REPORTS, REPORTS_NOTHING, STATES_NO_MTU, STATES_MORE, STATES_TOO_LITTLE };

struct router {
    uint16_t mtu; /* of the next link; 0: no limit */
    enum report report;
    bool silent;      /* sends no time exceeded */
    bool rate_limits; /* limits time exceeded: bucket size 6, refill interval 1 s */
    int64_t delay_ns; /* additional delay of its errors */
    int64_t mute_ns;  /* sends no errors before this time */
    double tokens;
    int64_t filled_ns;
};

struct delivery {
    struct delivery *next;
    int64_t at_ns;
    struct wire_packet packet;
};

/* routers[1] to [HOPS], then the target. */
struct world {
    struct pmtu_config config;
    struct router routers[HOPS + 2];
    uint16_t local_mtu; /* of this host's link; 0: no limit */
    bool target_silent;
    double loss; /* of each packet, on the forward and on the return path */
    uint64_t random;
    struct pmtu *pmtu;
    struct delivery *first;
    int64_t now_ns, release_ns; /* 0: never */
    uint32_t rate_limited_sent; /* probes that caused errors before the release */
    struct pmtu_report report;
};

static void begin(struct world *w, uint8_t version, enum wire_protocol protocol, uint64_t seed)
{
    *w = (struct world){ .random = seed + 1, .now_ns = SECOND };
    w->config = (struct pmtu_config){
        .link_mtu = 1500, .timeout_ns = 5 * SECOND, .max_hops = 30, .max_probes = 1000
    };
    struct wire_spec *spec = &w->config.spec;
    spec->protocol = protocol;
    spec->source_port = protocol == WIRE_ICMP ? 0 : WIRE_SOURCE_PORT;
    spec->target_port = protocol == WIRE_ICMP ? 0 : WIRE_PORT_UDP;
    spec->cookie = 0xfeed;
    spec->key = 0xfacefacefaceface;
    spec->ident = 77;
    spec->size = wire_size_default(protocol, version);
    ipaddr_from_text(&spec->source, version == 4 ? "10.0.0.1" : "2001:db8::1");
    ipaddr_from_text(&spec->target, version == 4 ? "10.99.0.1" : "2001:db8:99::1");
    for (int i = 0; i <= HOPS + 1; i++)
        w->routers[i].tokens = BUCKET;
}

static struct ipaddr address_of(const struct world *w, int hop)
{
    struct ipaddr address = w->config.spec.target;

    if (hop <= HOPS)
        address.bytes[1] = (uint8_t)(50 + hop);
    return address;
}

/* ---- packets ------------------------------------------------------------------------------- */

static bool is_lost(struct world *w)
{
    return check_share(&w->random) < w->loss;
}

static bool may_reply(struct world *w, struct router *r)
{
    if (r->silent || !r->rate_limits)
        return !r->silent;
    r->tokens += (double)(w->now_ns - r->filled_ns) / SECOND;
    r->filled_ns = w->now_ns;
    r->tokens = r->tokens > BUCKET ? BUCKET : r->tokens;
    bool has = r->tokens >= 1;
    r->tokens -= has;
    return has;
}

static void deliver_late(struct world *w, int hop, const struct wire_packet *packet,
                         int64_t late_ns)
{
    struct delivery **at = &w->first, *d = calloc(1, sizeof *d);

    if (d == NULL)
        abort();
    d->packet = *packet;
    d->packet.from = address_of(w, hop);
    d->at_ns = w->now_ns + late_ns + (2 * hop) * MS + (int64_t)(check_share(&w->random) * MS);
    while (*at != NULL && (*at)->at_ns <= d->at_ns)
        at = &(*at)->next;
    d->next = *at;
    *at = d;
}

static void deliver(struct world *w, int hop, const struct wire_packet *packet)
{
    deliver_late(w, hop, packet, 0);
}

static void reply_from_target(struct world *w, struct wire_packet *packet, uint16_t payload)
{
    bool four = packet->probe.source.version == 4;

    packet->quote.length = 0;
    switch (w->config.spec.protocol) {
    case WIRE_ICMP:
        packet->kind = WIRE_ECHO_REPLY;
        break;
    case WIRE_TCP:
        packet->kind = WIRE_RST;
        packet->probe.tcp_seq += payload;
        break;
    case WIRE_UDP:
        packet->kind = WIRE_UNREACHABLE;
        packet->type = four ? 3 : 1;
        packet->code = four ? 3 : 4;
        packet->quote.length = packet->length;
        break;
    case WIRE_PROTOCOL_COUNT:
        break;
    }
    deliver(w, HOPS + 1, packet);
}

static void reply_too_big(struct world *w, int hop, const struct wire_packet *probe)
{
    struct wire_packet packet = *probe;
    const struct router *r = &w->routers[hop];
    const uint16_t names[] = { [REPORTS] = r->mtu,
                               [STATES_MORE] = (uint16_t)(probe->length + 100),
                               [STATES_TOO_LITTLE] = 40 };

    packet.kind = WIRE_TOO_BIG;
    packet.mtu = r->report == STATES_NO_MTU ? 0 : names[r->report];
    packet.probe.ttl = (uint8_t)(probe->probe.ttl - hop + 1);
    if (r->report != REPORTS_NOTHING && w->now_ns >= r->mute_ns)
        deliver_late(w, hop, &packet, r->delay_ns);
}

static void send(struct world *w, const struct wire_probe *probe, uint16_t size)
{
    static uint8_t bytes[WIRE_PACKET_MAX];
    struct wire_packet packet;
    const struct wire_spec *spec = &w->config.spec;

    if (wire_parse(bytes, pmtu_build(w->pmtu, probe, size, bytes), &packet) != WIRE_OK)
        abort();
    check_that(packet.df || spec->target.version == 6, "may be fragmented");
    if (w->local_mtu != 0 && size > w->local_mtu) {
        pmtu_send_failed(w->pmtu, probe->number, EMSGSIZE, w->now_ns);
        return;
    }
    packet.quote.length = packet.length;
    w->rate_limited_sent += probe->ttl <= HOPS && w->now_ns < w->release_ns;
    if (is_lost(w))
        return;
    for (int hop = 1; hop <= HOPS; hop++) {
        struct router *r = &w->routers[hop];
        if (hop == probe->ttl) {
            packet.kind = WIRE_TIME_EXCEEDED;
            packet.type = spec->target.version == 4 ? 11 : 3;
            packet.probe.ttl = 1;
            if (may_reply(w, r))
                deliver(w, hop, &packet);
            return;
        }
        if (r->mtu != 0 && size > r->mtu) {
            reply_too_big(w, hop, &packet);
            return;
        }
    }
    bool replies = spec->protocol != WIRE_UDP || may_reply(w, &w->routers[HOPS + 1]);
    if (replies && !w->target_silent && !is_lost(w))
        reply_from_target(w, &packet,
                          (uint16_t)(size - wire_size_min(spec->protocol, spec->target.version)));
}

static void step(struct world *w)
{
    struct wire_probe probe;
    uint16_t size;

    while (w->first != NULL && w->first->at_ns <= w->now_ns) {
        struct delivery *d = w->first;
        w->first = d->next;
        pmtu_reply(w->pmtu, &d->packet, w->now_ns);
        free(d);
    }
    if (w->release_ns != 0 && w->now_ns >= w->release_ns)
        pmtu_release(w->pmtu, w->now_ns);
    pmtu_expire(w->pmtu, w->now_ns);
    while (pmtu_next(w->pmtu, w->now_ns, &probe, &size))
        send(w, &probe, size);
}

/* Runs the search to its end and keeps the report. */
static void run(struct world *w)
{
    w->pmtu = pmtu_new(&w->config, w->now_ns, NULL);
    for (uint32_t steps = 0; w->pmtu != NULL && !pmtu_done(w->pmtu); steps++) {
        step(w);
        if (!check_that(steps < STEPS_MAX, "the search never sleeps"))
            break;
        int64_t due_ns = pmtu_due(w->pmtu);
        if (w->first != NULL && w->first->at_ns < due_ns)
            due_ns = w->first->at_ns;
        if (w->release_ns > w->now_ns && w->release_ns < due_ns)
            due_ns = w->release_ns;
        if (due_ns == INT64_MAX)
            break;
        w->now_ns = due_ns > w->now_ns ? due_ns : w->now_ns;
    }
    pmtu_read(w->pmtu, &w->report);
    while (w->first != NULL) {
        struct delivery *d = w->first;
        w->first = d->next;
        free(d);
    }
    pmtu_free(w->pmtu);
    w->pmtu = NULL;
}

/* ---- checks -------------------------------------------------------------------------------- */

static void check_end(const struct world *w, uint16_t mtu, int reductions)
{
    check_that(w->report.done, "not done");
    check_that(!w->report.limited, "limited");
    check_int("mtu", w->report.mtu, mtu);
    check_int("probed", w->report.probed, PMTU_TARGET);
    check_int("reductions", w->report.reduction_count, reductions);
}

static void check_reduction(const struct world *w, int at, bool reported, int from, int to,
                            uint16_t mtu)
{
    const struct pmtu_reduction *s = &w->report.reductions[at];
    struct ipaddr address = address_of(w, from);

    if (at >= w->report.reduction_count)
        return;
    check_int("reported", s->reported, reported);
    check_int("from", s->from, from);
    check_int("to", s->to, to);
    check_int("its mtu", s->mtu, mtu);
    check_that(from == 0 || ipaddr_equal(&s->address, &address), "another address");
}

static const struct {
    const char *name;
    uint8_t version;
    enum wire_protocol protocol;
} variants[] = {
    { "icmp", 4, WIRE_ICMP },  { "udp", 4, WIRE_UDP },  { "tcp", 4, WIRE_TCP },
    { "icmp6", 6, WIRE_ICMP }, { "udp6", 6, WIRE_UDP }, { "tcp6", 6, WIRE_TCP },
};

static void check_reported(size_t variant)
{
    struct world w;

    check_case("%s_no_mtu_reduction_is_found_where_there_is_none", variants[variant].name);
    begin(&w, variants[variant].version, variants[variant].protocol, 1);
    run(&w);
    check_end(&w, 1500, 0);
    check_that(w.report.sent <= 2, "%u probes", w.report.sent);

    check_case("%s_a_router_that_reports_is_found", variants[variant].name);
    begin(&w, variants[variant].version, variants[variant].protocol, 1);
    w.routers[3].mtu = 1400;
    run(&w);
    check_end(&w, 1400, 1);
    check_reduction(&w, 0, true, 3, 4, 1400);
    check_that(w.report.sent <= 4, "%u probes", w.report.sent);

    check_case("%s_routers_that_report_are_all_found", variants[variant].name);
    begin(&w, variants[variant].version, variants[variant].protocol, 1);
    w.routers[2].mtu = 1492;
    w.routers[3].mtu = 1400;
    w.routers[5].mtu = 1281;
    run(&w);
    check_end(&w, 1281, 3);
    check_reduction(&w, 0, true, 2, 3, 1492);
    check_reduction(&w, 1, true, 3, 4, 1400);
    check_reduction(&w, 2, true, 5, 6, 1281);
}

static void check_filtered(size_t variant)
{
    static const uint16_t mtus[] = { 1280, 1281, 1300, 1399, 1400, 1443, 1492, 1498, 1499 };
    struct world w;

    check_case("%s_a_pmtu_black_hole_is_found", variants[variant].name);
    for (size_t i = 0; i < COUNT(mtus); i++) {
        check_note("mtu %u", mtus[i]);
        begin(&w, variants[variant].version, variants[variant].protocol, i);
        w.routers[3].mtu = mtus[i];
        w.routers[3].report = REPORTS_NOTHING;
        run(&w);
        check_end(&w, mtus[i], 1);
        check_reduction(&w, 0, false, 3, 4, mtus[i]);
        check_that(w.report.sent < 160, "%u probes", w.report.sent);
    }

    check_case("%s_one_that_reports_and_one_that_does_not", variants[variant].name);
    begin(&w, variants[variant].version, variants[variant].protocol, 1);
    w.routers[2].mtu = 1480;
    w.routers[4].mtu = 1350;
    w.routers[4].report = REPORTS_NOTHING;
    run(&w);
    check_end(&w, 1350, 2);
    check_reduction(&w, 0, true, 2, 3, 1480);
    check_reduction(&w, 1, false, 4, 5, 1350);

    check_case("%s_silent_hops_leave_a_range", variants[variant].name);
    begin(&w, variants[variant].version, variants[variant].protocol, 1);
    w.routers[4].mtu = 1400;
    w.routers[4].report = REPORTS_NOTHING;
    w.routers[4].silent = w.routers[5].silent = true;
    run(&w);
    check_end(&w, 1400, 1);
    check_reduction(&w, 0, false, 3, 6, 1400);

    check_case("%s_rate_limiting_is_not_misread", variants[variant].name);
    begin(&w, variants[variant].version, variants[variant].protocol, 1);
    w.routers[4].mtu = 1400;
    w.routers[4].report = REPORTS_NOTHING;
    for (int i = 0; i <= HOPS + 1; i++)
        w.routers[i].rate_limits = true, w.routers[i].tokens = i < 3 ? 1 : 0;
    run(&w);
    check_end(&w, 1400, 1);
    check_reduction(&w, 0, false, 4, 5, 1400);
}

static void check_invalid(void)
{
    struct world w;

    check_case("a_router_that_states_no_mtu_is_found");
    begin(&w, 4, WIRE_ICMP, 1);
    w.routers[3].mtu = 1437;
    w.routers[3].report = STATES_NO_MTU;
    run(&w);
    check_end(&w, 1437, 1);
    check_reduction(&w, 0, true, 3, 4, 1437);
    check_int("lies", w.report.invalid_messages, 0);

    for (int report = STATES_MORE; report <= STATES_TOO_LITTLE; report++) {
        check_case("an_invalid_packet_too_big_is_noted_and_ignored_%d", report);
        begin(&w, report == STATES_MORE ? 4 : 6, WIRE_ICMP, 1);
        w.routers[3].mtu = 1400;
        w.routers[3].report = (enum report)report;
        run(&w);
        check_end(&w, 1400, 1);
        check_reduction(&w, 0, false, 3, 4, 1400);
        check_that(w.report.invalid_messages > 0, "not noted");
        struct ipaddr invalid_from = address_of(&w, 3);
        check_that(ipaddr_equal(&w.report.invalid_from, &invalid_from), "another's");
    }

    check_case("issue_13_a_reported_mtu_that_has_passed_ends_the_search");
    begin(&w, 6, WIRE_ICMP, 1);
    w.routers[3].mtu = 1280;
    w.routers[3].delay_ns = 20 * MS;
    run(&w);
    check_end(&w, 1280, 1);
    check_reduction(&w, 0, true, 3, 4, 1280);

    for (int tenths = 2; tenths <= 40; tenths++) {
        check_case("issue_13_the_first_words_are_lost_for_%d_tenths", tenths);
        for (size_t variant = 0; variant < COUNT(variants); variant++) {
            check_note("%s", variants[variant].name);
            begin(&w, variants[variant].version, variants[variant].protocol, 1);
            w.routers[3].mtu = 1400;
            w.routers[3].mute_ns = w.now_ns + tenths * 100 * MS;
            run(&w);
            check_end(&w, 1400, 1);
        }
    }

    check_case("this_host_refuses_packets_larger_than_its_link_carries");
    begin(&w, 4, WIRE_ICMP, 1);
    w.local_mtu = 1454;
    run(&w);
    check_end(&w, 1454, 1);
    check_reduction(&w, 0, true, 0, 1, 1454);
}

static void check_silence(void)
{
    struct world w;

    check_case("a_silent_target_is_replaced_by_the_last_hop");
    begin(&w, 4, WIRE_ICMP, 1);
    w.target_silent = true;
    w.routers[HOPS].silent = true;
    w.routers[2].mtu = 1400;
    run(&w);
    check_that(w.report.done && !w.report.limited, "no end");
    check_int("probed", w.report.probed, PMTU_HOP);
    check_int("hop", w.report.hop_ttl, HOPS - 1);
    check_int("mtu", w.report.mtu, 1400);
    check_reduction(&w, 0, true, 2, 3, 1400);

    check_case("a_silent_target_beyond_a_silent_drop");
    w.routers[2].report = REPORTS_NOTHING;
    for (int i = 1; i <= HOPS; i++)
        w.routers[i].rate_limits = true;
    run(&w);
    check_that(w.report.done && !w.report.limited, "no end");
    check_int("mtu", w.report.mtu, 1400);
    check_reduction(&w, 0, false, 2, 3, 1400);

    check_case("nobody_answers");
    begin(&w, 6, WIRE_UDP, 1);
    w.target_silent = true;
    for (int i = 1; i <= HOPS; i++)
        w.routers[i].silent = true;
    run(&w);
    check_that(w.report.done, "no end");
    check_int("probed", w.report.probed, PMTU_NONE);
    check_int("mtu", w.report.mtu, 0);
    check_that(w.report.elapsed_ns < 20 * SECOND, "too long");
}

static void check_bounds(void)
{
    struct world w;

    check_case("reductions_beyond_the_eighth_are_counted");
    begin(&w, 4, WIRE_ICMP, 1);
    for (int ttl = 1; ttl <= PMTU_REDUCTIONS + 2; ttl++)
        w.routers[ttl].mtu = (uint16_t)(1500 - 10 * ttl);
    run(&w);
    check_end(&w, 1500 - 10 * (PMTU_REDUCTIONS + 2), PMTU_REDUCTIONS);
    check_int("unlisted", w.report.unlisted, 2);

    check_case("probes_that_cause_errors_wait_for_the_release");
    begin(&w, 4, WIRE_ICMP, 1);
    w.routers[3].mtu = 1400;
    w.routers[3].report = REPORTS_NOTHING;
    w.config.hold = true;
    w.release_ns = 30 * SECOND;
    run(&w);
    check_end(&w, 1400, 1);
    check_reduction(&w, 0, false, 3, 4, 1400);
    check_int("before", w.rate_limited_sent, 0);
    check_that(w.now_ns < w.release_ns + 5 * SECOND / 2, "%d ms after it",
               (int)((w.now_ns - w.release_ns) / MS));

    check_case("a_held_search_reports_its_results_so_far");
    w.release_ns = 0;
    w.now_ns = SECOND;
    run(&w);
    check_that(!w.report.done, "done");
    check_int("mtu", w.report.mtu, 1400);

    check_case("a_limit_of_probes_is_kept_and_reported");
    begin(&w, 4, WIRE_ICMP, 1);
    w.routers[3].mtu = 1400;
    w.routers[3].report = REPORTS_NOTHING;
    w.config.max_probes = 20;
    run(&w);
    check_int("probes", w.report.sent, 20);
    check_that(w.report.limited && w.report.done, "not reported");

    check_case("links_of_every_size_are_searched");
    for (unsigned link = 68; link < 65535; link += link / 3) {
        check_note("link %u", link);
        begin(&w, 4, WIRE_ICMP, link);
        w.config.link_mtu = (uint16_t)link;
        w.routers[2].mtu = (uint16_t)(68 + (link - 68) / 2);
        w.routers[2].report = REPORTS_NOTHING;
        run(&w);
        check_end(&w, w.routers[2].mtu, link > 68);
        check_that(w.report.elapsed_ns < 10 * SECOND, "too long");
    }
}

static void check_loss(void)
{
    int right = 0, placed = 0, worlds = check_quick() ? 20 : 500;

    check_case("a_lossy_path_is_searched_again");
    for (int seed = 0; seed < worlds; seed++) {
        struct world w;
        begin(&w, 4, WIRE_ICMP, (uint64_t)seed * 7919);
        w.loss = 0.05;
        w.routers[4].mtu = (uint16_t)(600 + seed);
        w.routers[4].report = seed % 2 == 0 ? REPORTS_NOTHING : REPORTS;
        run(&w);
        right += w.report.mtu == w.routers[4].mtu;
        placed += w.report.reduction_count == 1 && w.report.reductions[0].from == 4;
    }

    check_that(right >= 0.98 * worlds, "%d of %d MTUs", right, worlds);
    check_that(placed >= 0.95 * worlds, "%d of %d hops", placed, worlds);
}

int main(void)
{
    for (size_t variant = 0; variant < COUNT(variants); variant++) {
        check_reported(variant);
        check_filtered(variant);
    }
    check_invalid();
    check_silence();
    check_bounds();
    check_loss();
    return check_done();
}

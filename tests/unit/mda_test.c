/* SPDX-License-Identifier: BSD-2-Clause */
/* Multipath detection in graphs of load balancers, in virtual time. */
#include "check.h"
#include "mda_world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct layer chain(struct graph *g, struct layer from, int length)
{
    for (int i = 0; i < length; i++)
        from = graph_layer(g, from, from.width > 0 ? from.width : 1, false);
    return from;
}

static const struct layer nothing = { 0, 0 };

/* ---- shapes -------------------------------------------------------------------------------- */

typedef void shape(struct graph *g);

static void line(struct graph *g)
{
    graph_target(g, chain(g, nothing, 7));
}

static void diamond_of(struct graph *g, uint16_t width, int length, bool mesh)
{
    struct layer at = graph_layer(g, chain(g, nothing, 2), width, true);
    for (int i = 1; i < length; i++)
        at = graph_layer(g, at, width, mesh);
    graph_target(g, chain(g, graph_layer(g, at, 1, true), 1));
}

static void two(struct graph *g)
{
    diamond_of(g, 2, 1, false);
}

static void two_long(struct graph *g)
{
    diamond_of(g, 2, 3, false);
}

static void four(struct graph *g)
{
    diamond_of(g, 4, 2, false);
}

static void sixteen(struct graph *g)
{
    diamond_of(g, 16, 2, false);
}

static void meshed(struct graph *g)
{
    diamond_of(g, 3, 2, true);
}

/* Both branches divide again. */
static void nested(struct graph *g)
{
    struct layer two_branches = graph_layer(g, chain(g, nothing, 1), 2, true);
    struct layer four_branches = graph_layer(g, two_branches, 4, false);
    struct layer joined = graph_layer(g, four_branches, 2, false);
    graph_target(g, graph_layer(g, joined, 1, true));
}

/* One branch divides again, the other does not. */
static void asymmetric(struct graph *g)
{
    struct layer branches = graph_layer(g, chain(g, nothing, 1), 2, true);
    struct layer three = { (uint16_t)g->count, 3 };
    for (int i = 0; i < 3; i++)
        graph_node(g, 3);
    graph_edge(g, branches.first, three.first);
    for (uint16_t i = 1; i < 3; i++)
        graph_edge(g, (uint16_t)(branches.first + 1), (uint16_t)(three.first + i));
    graph_target(g, graph_layer(g, three, 1, true));
}

/* One link more than an unmeshed diamond, which a test with two flows per vertex misses. */
static void one_more_link(struct graph *g)
{
    struct layer branches = graph_layer(g, chain(g, nothing, 2), 4, true);
    struct layer next = graph_layer(g, branches, 4, false);
    graph_edge(g, branches.first, (uint16_t)(next.first + 1));
    graph_target(g, graph_layer(g, next, 1, true));
}

/* One branch is a hop longer than the other. */
static void unequal(struct graph *g)
{
    struct layer branches = graph_layer(g, chain(g, nothing, 2), 2, true);
    uint16_t more = graph_node(g, 4), early = graph_node(g, 4), late = graph_node(g, 5);
    graph_edge(g, branches.first, more);
    graph_edge(g, more, late);
    graph_edge(g, (uint16_t)(branches.first + 1), early);
    g->nodes[early].target = g->nodes[late].target = true;
}

static const struct {
    const char *name;
    shape *build;
    uint32_t branching; /* vertices with several next hops */
} shapes[] = {
    { "line", line, 0 },
    { "width_2", two, 1 },
    { "width_2_long", two_long, 1 },
    { "width_4", four, 1 },
    { "width_16", sixteen, 1 },
    { "meshed", meshed, 4 },
    { "nested", nested, 3 },
    { "asymmetric", asymmetric, 2 },
    { "unequal", unequal, 1 },
    { "one_more_link", one_more_link, 2 },
};

/* ---- completeness -------------------------------------------------------------------------- */

/* The algorithm bounds the probability of failure per dividing vertex. */
static void check_shape(size_t i, int worlds)
{
    int complete = 0, invented = 0;
    double sent = 0, claimed = 0;
    double promised = pow(0.95, shapes[i].branching);

    check_case("%s_is_found_whole_as_often_as_promised", shapes[i].name);
    for (int seed = 0; seed < worlds; seed++) {
        struct mda_world w;
        struct mda_summary summary;
        mda_world_new(&w, (uint64_t)seed + 1000 * i);
        shapes[i].build(&w.graph);
        mda_world_run(&w);
        struct comparison c = mda_world_compare(&w);
        mda_summary(w.mda, &summary);
        complete += c.nodes_found == c.nodes && c.edges_found == c.edges;
        invented += c.invented > 0;
        sent += summary.sent;
        claimed += summary.confidence;
        mda_world_free(&w);
    }
    double share = (double)complete / worlds, error = sqrt(share * (1 - share) / worlds);
    check_that(share + 2.58 * error >= promised, "%.3f of %d worlds, %.3f promised", share, worlds,
               promised);
    check_int("worlds with invented addresses", invented, 0);
    printf("# %-14s whole %.1f %% (+- %.1f), promised %.1f %%, claimed %.1f %%, %.1f probes\n",
           shapes[i].name, 100 * share, 196 * error, 100 * promised, 100 * claimed / worlds,
           sent / worlds);
}

/* ---- violated assumptions of the algorithm -------------------------------------------------- */

static void begin(struct mda_world *w, shape *build, uint64_t seed)
{
    mda_world_new(w, seed);
    build(&w->graph);
}

static void end(struct mda_world *w, struct mda_summary *summary)
{
    mda_world_run(w);
    mda_summary(w->mda, summary);
}

static void check_per_packet(void)
{
    int seen = 0, worlds = check_quick() ? 60 : 200;

    check_case("per_packet_load_balancing_is_recognised");
    for (int seed = 0; seed < worlds; seed++) {
        struct mda_world w;
        struct mda_summary summary;
        begin(&w, two_long, (uint64_t)seed);
        w.graph.nodes[1].balance = PER_PACKET;
        end(&w, &summary);
        bool divides = mda_map(w.mda)->ttls[3].vertex_count > 1;
        seen += !divides || mda_map(w.mda)->ttls[3].per_packet;
        check_that(!mda_map(w.mda)->ttls[7].per_packet, "seed %d: per packet at a single vertex",
                   seed);
        check_that(summary.sent < 200, "seed %d: %u probes", seed, summary.sent);
        mda_world_free(&w);
    }
    check_that(seen >= 0.95 * worlds, "%d of %d", seen, worlds);

    check_case("per_flow_load_balancing_is_not_taken_for_per_packet");
    for (int seed = 0; seed < worlds; seed++) {
        struct mda_world w;
        struct mda_summary summary;
        begin(&w, nested, (uint64_t)seed);
        end(&w, &summary);
        for (uint8_t ttl = 1; ttl <= 7; ttl++)
            check_that(!mda_map(w.mda)->ttls[ttl].per_packet, "seed %d, TTL %d", seed, ttl);
        mda_world_free(&w);
    }
}

static void check_per_destination(void)
{
    struct mda_world w;
    struct mda_summary summary;

    check_case("per_destination_load_balancing_shows_one_path");
    begin(&w, four, 3);
    w.graph.nodes[1].balance = PER_DESTINATION;
    end(&w, &summary);
    for (uint8_t ttl = 1; ttl <= summary.last_ttl; ttl++)
        check_int("vertices", mda_map(w.mda)->ttls[ttl].vertex_count, 1);
    check_that(summary.reached, "target not reached");
    mda_world_free(&w);
}

static void check_silence(void)
{
    struct mda_world w;
    struct mda_summary summary;

    check_case("a_silent_hop_hides_no_paths_beyond_it");
    begin(&w, four, 11);
    w.graph.nodes[1].silent = true; /* the load balancer */
    end(&w, &summary);
    struct comparison c = mda_world_compare(&w);
    check_int("nodes", c.nodes_found, c.nodes);
    check_int("edges", c.edges_found, c.edges);
    check_int("invented", c.invented, 0);
    check_int("vertices at the silent hop", mda_map(w.mda)->ttls[2].vertex_count, 0);
    mda_world_free(&w);

    check_case("silent_routers_on_one_branch_leave_the_others_to_be_found");
    begin(&w, four, 5);
    w.graph.nodes[3].silent = true;
    end(&w, &summary);
    c = mda_world_compare(&w);
    check_int("nodes", c.nodes_found, c.nodes);
    check_that(w.now_ns < 120 * SECOND, "took %d s", (int)(w.now_ns / SECOND));
    mda_world_free(&w);

    check_case("a_silent_target_ends_the_search_after_the_last_hop");
    begin(&w, two, 5);
    w.graph.nodes[w.graph.count - 1].silent = true;
    end(&w, &summary);
    check_that(!summary.reached, "reached");
    check_int("last TTL", summary.last_ttl, 5);
    check_that(w.now_ns < 15 * SECOND, "took %d s", (int)(w.now_ns / SECOND));
    mda_world_free(&w);

    check_case("a_path_of_silent_routers_ends_too");
    begin(&w, line, 5);
    for (size_t i = 0; i < w.graph.count; i++)
        w.graph.nodes[i].silent = true;
    end(&w, &summary);
    check_int("last TTL", summary.last_ttl, 0);
    check_that(summary.confidence == 0, "confidence %f", summary.confidence);
    check_that(summary.sent <= 40, "%u probes", summary.sent);
    mda_world_free(&w);
}

static void check_rate_limiting(void)
{
    struct mda_world w;
    struct mda_summary summary;

    check_case("routers_that_rate_limit_are_probed_at_their_pace_and_found");
    begin(&w, four, 21);
    for (size_t i = 0; i < w.graph.count; i++)
        w.graph.nodes[i].rate_limits = true;
    end(&w, &summary);
    struct comparison c = mda_world_compare(&w);
    check_int("nodes", c.nodes_found, c.nodes);
    check_int("edges", c.edges_found, c.edges);
    check_that(w.now_ns < 60 * SECOND, "took %d s", (int)(w.now_ns / SECOND));
    check_that(summary.sent < 260, "%u probes", summary.sent);
    mda_world_free(&w);
}

/* The same graph for every protocol and family, and at 99 %. */
static void check_specs(void)
{
    static const struct {
        const char *name;
        enum wire_protocol protocol;
        bool v6;
    } specs[] = { { "icmp", WIRE_ICMP, false },
                  { "tcp", WIRE_TCP, false },
                  { "icmp6", WIRE_ICMP, true },
                  { "udp6", WIRE_UDP, true },
                  { "tcp6", WIRE_TCP, true } };
    int worlds = check_quick() ? 10 : 200;

    for (size_t i = 0; i < COUNT(specs); i++) {
        int complete = 0;
        check_case("%s_finds_nested_diamonds_at_99_percent", specs[i].name);
        for (int seed = 0; seed < worlds; seed++) {
            struct mda_world w;
            struct mda_summary summary;
            begin(&w, nested, (uint64_t)seed);
            struct wire_spec *spec = &w.config.spec;
            w.config.failure = 0.01;
            spec->protocol = specs[i].protocol;
            if (specs[i].v6) {
                ipaddr_from_text(&spec->source, "2001:db8::1");
                ipaddr_from_text(&spec->target, "2001:db8:99::1");
            }
            spec->size = wire_size_default(spec->protocol, specs[i].v6 ? 6 : 4);
            end(&w, &summary);
            struct comparison c = mda_world_compare(&w);
            complete += c.nodes_found == c.nodes && c.edges_found == c.edges;
            check_int("invented", c.invented, 0);
            mda_world_free(&w);
        }
        double promised = pow(0.99, 3), share = (double)complete / worlds;
        double error = sqrt(promised * (1 - promised) / worlds);
        check_that(share >= promised - 2.58 * error, "%d of %d", complete, worlds);
    }
}

static void check_loss(void)
{
    int complete = 0, worlds = check_quick() ? 10 : 200;

    check_case("lost_replies_are_probed_for_again");
    for (int seed = 0; seed < worlds; seed++) {
        struct mda_world w;
        struct mda_summary summary;
        begin(&w, two_long, (uint64_t)seed);
        for (size_t i = 0; i < w.graph.count; i++)
            w.graph.nodes[i].loss = 0.1;
        end(&w, &summary);
        struct comparison c = mda_world_compare(&w);
        complete += c.nodes_found == c.nodes && c.edges_found == c.edges;
        check_int("invented", c.invented, 0);
        mda_world_free(&w);
    }
    check_that(complete >= 0.9 * worlds, "%d of %d", complete, worlds);
}

static void check_limits(void)
{
    struct mda_world w;
    struct mda_summary summary;

    check_case("a_limit_of_flows_is_kept_and_reported");
    begin(&w, sixteen, 1);
    w.config.max_flows = 32;
    end(&w, &summary);
    check_that(summary.flows <= 32, "%u flows", summary.flows);
    check_that(summary.limited, "not reported");
    mda_world_free(&w);

    check_case("a_limit_of_probes_is_kept_and_reported");
    begin(&w, sixteen, 1);
    w.config.max_probes = 100;
    end(&w, &summary);
    check_int("probes", summary.sent, 100);
    check_that(summary.limited, "not reported");
    mda_world_free(&w);

    check_case("within_its_limits_nothing_is_reported");
    begin(&w, sixteen, 1);
    end(&w, &summary);
    check_that(!summary.limited, "reported");
    mda_world_free(&w);
}

/* Stopping points as published (Veitch et al., INFOCOM 2009). */
static void check_stopping_points(void)
{
    static const uint32_t at95[] = { 6, 11, 16, 21, 27, 33, 39, 45 };
    static const uint32_t at99[] = { 8, 15, 21, 28, 36, 43, 51, 58 };

    check_case("stopping_points_are_those_of_the_closed_form");
    for (uint32_t next = 1; next <= COUNT(at95); next++) {
        check_int("95 %", mda_flows_needed(next, 0.05), at95[next - 1]);
        check_int("99 %", mda_flows_needed(next, 0.01), at99[next - 1]);
    }
    check_int("without a next hop yet", mda_flows_needed(0, 0.05), 6);
}

/* ---- replies that change earlier results --------------------------------------------------- */

static struct wire_packet answer_to(const struct mda_config *config, const struct wire_probe *probe,
                                    enum wire_kind kind, uint8_t host)
{
    static uint8_t bytes[2048];
    struct wire_packet packet;

    (void)wire_parse(bytes, wire_build(&config->spec, probe, bytes), &packet);
    packet.kind = kind;
    packet.type = kind == WIRE_UNREACHABLE ? 3 : 11;
    packet.code = kind == WIRE_UNREACHABLE ? 1 : 0;
    packet.quote.length = packet.length;
    packet.from = config->spec.target;
    if (host != 0)
        packet.from.bytes[3] = host;
    return packet;
}

/* Flow 0 has replies at TTL 2 and from the target at TTL 4, flows 1 to 5 at TTL 3, which
 * divides. */
static void reply_at_once(struct mda *m, const struct mda_config *config,
                          const struct wire_probe *probe, int64_t now_ns)
{
    static const uint8_t hosts[] = { 0, 101, 102, 0, 0 };
    uint8_t host = probe->ttl == 3 ? (uint8_t)(103 + probe->flow % 2) : hosts[probe->ttl];
    struct wire_packet packet =
        answer_to(config, probe, host != 0 ? WIRE_TIME_EXCEEDED : WIRE_UNREACHABLE, host);

    if (probe->ttl == 1 ||
        (probe->ttl == 3 ? probe->flow >= 1 && probe->flow <= 5 : probe->flow == 0))
        mda_reply(m, &packet, now_ns);
}

/* After `turns`, a late unreachable shows for each of the flows 1 to 5 that it ends at TTL 2. */
static void end_after(int turns)
{
    struct mda_world w;
    struct wire_probe probes[2000], probe;
    size_t count = 0;
    int64_t now_ns = 0;

    mda_world_new(&w, 1);
    w.config.max_hops = 4;
    struct mda *m = mda_new(&w.config, now_ns, NULL);
    for (int turn = 0; !mda_done(m) && turn < 3000; turn++) {
        mda_expire(m, now_ns);
        for (size_t i = 0; turn == turns && i < count; i++) {
            struct wire_packet packet = answer_to(&w.config, &probes[i], WIRE_UNREACHABLE, 105);
            if (probes[i].ttl == 2 && probes[i].flow > 0)
                mda_reply(m, &packet, now_ns);
        }
        for (; count < COUNT(probes) && mda_next(m, now_ns, &probe); probes[count++] = probe)
            reply_at_once(m, &w.config, &probe, now_ns);
        now_ns = mda_due(m) > now_ns && mda_due(m) != INT64_MAX ? mda_due(m) : now_ns + MS;
    }
    check_that(mda_done(m), "%d turns: the search does not end", turns);
    mda_free(m);
    mda_world_free(&w);
}

static void check_changes(void)
{
    check_case("issue_13_a_flow_that_is_to_be_repeated_turns_out_to_end_before");
    for (int turns = 0; turns < 200; turns++)
        end_after(turns);
}

/* A path of routers that never reply twice from the same address. */
static void check_ever_new_addresses(void)
{
    struct mda_world w;
    struct wire_probe probe;
    uint32_t addresses = 0;
    int64_t now_ns = 0;

    check_case("issue_13_ever_new_addresses_are_bounded_and_the_search_ends");
    mda_world_new(&w, 1);
    w.config.max_hops = 6;
    w.config.max_flows = 1024;
    w.config.max_probes = 4000;
    struct mda *m = mda_new(&w.config, now_ns, NULL);
    for (int turn = 0; !mda_done(m) && turn < 20000; turn++) {
        mda_expire(m, now_ns);
        for (int i = 0; i < 64 && mda_next(m, now_ns, &probe); i++) {
            bool target = probe.ttl >= 5;
            struct wire_packet packet =
                answer_to(&w.config, &probe, target ? WIRE_UNREACHABLE : WIRE_TIME_EXCEEDED, 0);
            addresses++;
            if (!target)
                memcpy(&packet.from.bytes[1], &addresses, 3);
            mda_reply(m, &packet, now_ns);
        }
        now_ns = mda_due(m) > now_ns && mda_due(m) != INT64_MAX ? mda_due(m) : now_ns + MS;
    }
    struct mda_summary summary;
    mda_summary(m, &summary);
    check_that(mda_done(m), "the search does not end");
    check_that(summary.limited, "nothing is said about the bound");
    for (int ttl = 1; ttl <= 6; ttl++)
        check_that(mda_map(m)->ttls[ttl].vertex_count <= FLOWMAP_VERTICES, "%u vertices at TTL %d",
                   mda_map(m)->ttls[ttl].vertex_count, ttl);
    check_that(mda_map(m)->unlisted > 0, "no address went beyond the bound");
    mda_free(m);
    mda_world_free(&w);
}

static void check_last_ttl(void)
{
    struct flowmap map = { .first = 1, .last = 255 };
    const struct flowmap_vertex vertex = { .address = { .version = 4, .bytes = { 192, 0, 2, 1 } } };

    check_case("issue_13_a_vertex_at_ttl_255_has_nothing_beyond_it");
    for (uint32_t flow = 0; flow < 30; flow++) {
        flowmap_want(&map, 255, flow);
        flowmap_answer(&map, 255, flow, &vertex);
    }
    struct mda_judgement j = mda_judge(&map, 255, 0);
    check_int("passing", j.view.passing, 30);
    check_int("next", j.view.next, 0);
    check_that(j.miss_probability == 1, "%g", j.miss_probability);
    flowmap_fini(&map);
}

int main(void)
{
    check_changes();
    check_ever_new_addresses();
    check_last_ttl();
    check_stopping_points();
    check_per_packet();
    check_per_destination();
    check_silence();
    check_rate_limiting();
    check_specs();
    check_loss();
    check_limits();
    for (size_t i = 0; i < COUNT(shapes); i++)
        check_shape(i, check_quick() ? 20 : 1000);
    return check_done();
}

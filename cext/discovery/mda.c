/* SPDX-License-Identifier: BSD-2-Clause */
#include "discovery/mda.h"

#include "base/units.h"
#include "engine/match.h"
#include "base/stats.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 2,           /* TTLs probed beyond the farthest reply, while the end is unknown */
    TRIES = 3,            /* probes per flow at a TTL that replies to others */
    SILENT_TRIES = 6,     /* unanswered probes after which a TTL is silent */
    REPEATS = 5,          /* of one flow, to tell per-packet from per-flow load balancing */
    LIMIT_LOSSES = 2,     /* losses after which a TTL is treated as rate-limiting */
    UNANSWERED_MOST = 24, /* unanswered in a row: no further probes here */
    REPEAT = 1,           /* value of struct probe's place: a repeat */
    /* Cells that one plan may look at, about two milliseconds; the rest is left to the next. Wide
     * graphs of real networks take a tenth of it; a router with ever new addresses takes all. */
    PLAN_WORK = 1000000,
};

static const int64_t reply_timeout_least_ns = 500 * MS, reply_timeout_first_ns = 1000 * MS;
static const int64_t spacing_least_ns = 50 * MS;
static const int64_t full_queue_ns = 5 * MS;
static const int64_t plan_every_ns = 5 * MS; /* replies that come together are used together */

/* How a TTL is probed. */
struct probing {
    uint32_t lost_in_row, losses;
    uint8_t repeats_wanted, repeats_open, repeats; /* wanted; sent; answered */
    int64_t sample_interval_ns, due_ns;
};

/* A plan goes through all TTLs; one that is too long for a turn is continued from here. */
struct plan {
    int64_t work; /* left in this turn */
    bool under_way;
    uint8_t changed_ttl; /* changed_ttl when the plan began */
    int ttl;
    uint16_t vertex;
    /* Vertices for which flows were sought, in one outer call of seek_flows: in a meshed graph very
     * many paths lead back to each of them. */
    uint8_t sought[UINT8_MAX + 1][FLOWMAP_VERTICES / 8]; /* bits */
};

struct mda {
    struct mda_config config;
    struct flowmap map;
    struct probing probing[UINT8_MAX + 1]; /* by TTL */
    struct probes probes;
    struct quantiles rtts;
    int64_t p95_ns;      /* p95 of the RTTs, at the last plan */
    uint8_t end;         /* no flow needs to be probed beyond it; 0: unknown */
    uint8_t horizon;     /* last TTL that may be probed */
    uint8_t changed_ttl; /* the lowest TTL with a change since the plan began */
    struct plan plan;
    bool dirty, done, limited;
    uint32_t sent;
    int64_t started_ns, stepped_ns, planned_ns, blocked_until_ns;
    int last_error;
};

struct mda *mda_new(const struct mda_config *config, int64_t now_ns, struct err *err)
{
    struct mda *m = calloc(1, sizeof *m);
    if (m == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a search of paths");
        return NULL;
    }
    m->config = *config;
    m->map.first = config->first_hop;
    m->map.last = config->max_hops;
    m->started_ns = m->stepped_ns = now_ns;
    m->planned_ns = now_ns - plan_every_ns;
    m->dirty = true;
    int horizon = config->first_hop - 1 + WINDOW;
    m->horizon = (uint8_t)(horizon < config->max_hops ? horizon : config->max_hops);
    return m;
}

void mda_free(struct mda *m)
{
    if (m == NULL)
        return;
    flowmap_fini(&m->map);
    probes_fini(&m->probes);
    quantiles_fini(&m->rtts);
    free(m);
}

const struct mda_config *mda_config(const struct mda *m)
{
    return &m->config;
}

/* n_k = ln(failure / k) / ln((k - 1) / k), rounded up, for k = next + 1: with n_k answered flows, a
 * k-th next hop stays unseen with at most this probability, if all are equally likely. */
uint32_t mda_flows_needed(uint32_t next, double failure)
{
    double k = (next > 0 ? next : 1) + 1.0;
    return (uint32_t)ceil(log(failure / k) / log((k - 1) / k) - 1e-9);
}

/* ---- what is wanted ------------------------------------------------------------------------ */

static bool is_given_up(const struct mda *m, int ttl)
{
    bool silent = m->map.ttls[ttl].vertex_count == 0;
    return m->probing[ttl].lost_in_row >= (silent ? SILENT_TRIES : UNANSWERED_MOST);
}

/* Marks up to `count` flows as wanted that pass the vertex and were not probed at the next TTL;
 * returns how many were missing. */
static uint32_t use_known(struct mda *m, int ttl, uint16_t vertex, uint32_t count)
{
    uint32_t limit = vertex == FLOWMAP_NONE ? m->config.max_flows : m->map.top_flow;

    m->plan.work -= limit;
    for (uint32_t flow = 0; flow < limit && count > 0; flow++)
        if (flowmap_passes(&m->map, ttl, vertex, flow) && flowmap_want(&m->map, ttl + 1, flow))
            count--;
    m->limited |= vertex == FLOWMAP_NONE && count > 0;
    return count;
}

/* How many more flows must be probed beyond the vertex. */
static uint32_t shortage(struct mda *m, int ttl, uint16_t vertex)
{
    struct flowmap_view v = flowmap_look(&m->map, ttl, vertex);
    uint32_t need = mda_flows_needed(v.next, m->config.failure);

    m->plan.work -= m->map.top_flow;
    if (v.target || v.tested + v.pending >= need || is_given_up(m, ttl + 1))
        return 0;
    return use_known(m, ttl, vertex, need - v.tested - v.pending);
}

/* Marks new flows as wanted at this TTL. */
static void use_new(struct mda *m, int ttl, uint32_t count)
{
    m->plan.work -= m->config.max_flows;
    for (uint32_t flow = 0; flow < m->config.max_flows && count > 0; flow++)
        count -= flowmap_want(&m->map, ttl, flow);
    m->limited |= count > 0;
}

/* Node control: seeks `count` more flows that pass the vertex, by probing at its TTL flows that
 * pass a vertex before it. If these run out, more of them are sought in the same way. Waits for
 * open probes first. */
static void seek_flows(struct mda *m, int ttl, uint16_t vertex, uint32_t count)
{
    uint32_t pending = 0;

    assert(vertex < FLOWMAP_VERTICES);
    uint8_t *sought = &m->plan.sought[ttl][vertex / 8], bit = (uint8_t)(1 << vertex % 8);
    if ((*sought & bit) != 0)
        return;
    *sought |= bit;
    m->plan.work -= m->map.top_flow;
    for (uint32_t flow = 0; flow < m->map.top_flow; flow++)
        pending += flowmap_is_pending(flowmap_get(&m->map, ttl, flow));
    if (is_given_up(m, ttl) || pending >= count)
        return;
    count -= pending;
    if (flowmap_is_single(&m->map, ttl - 1)) {
        use_new(m, ttl, count);
        return;
    }
    for (uint16_t u = 0; u < m->map.ttls[ttl - 1].vertex_count && count > 0; u++) {
        if (m->plan.work < 0) {
            m->limited = true;
            return;
        }
        m->plan.work -= m->map.top_flow;
        if (!flowmap_precedes(&m->map, ttl, vertex, u))
            continue;
        count = use_known(m, ttl - 1, u, count);
        if (count > 0)
            seek_flows(m, ttl - 1, u, count);
    }
}

/* Returns false if the work of this turn ends before all vertices of the TTL are done. */
static bool plan_beyond(struct mda *m, int ttl)
{
    const struct flowmap_ttl *at = &m->map.ttls[ttl];

    if (flowmap_is_single(&m->map, ttl)) {
        (void)shortage(m, ttl, FLOWMAP_NONE);
        return true;
    }
    while (m->plan.vertex < at->vertex_count) {
        uint16_t v = m->plan.vertex++;
        uint32_t missing = flowmap_has_next(&at->vertices[v]) ? shortage(m, ttl, v) : 0;
        if (missing > 0) {
            memset(m->plan.sought, 0, (size_t)(ttl + 1) * sizeof m->plan.sought[0]);
            m->plan.work -= ttl * 4;
            seek_flows(m, ttl, v, missing);
        }
        if (m->plan.work < 0)
            return false;
    }
    (void)shortage(m, ttl, FLOWMAP_SILENT);
    return true;
}

/* Repeats one flow where the path divides: does it keep its path? */
static void plan_repeats(struct mda *m, int ttl)
{
    struct probing *probing = &m->probing[ttl];
    const struct flowmap_ttl *at = &m->map.ttls[ttl];
    bool divides = at->vertex_count > 1 && m->map.ttls[ttl - 1].vertex_count <= 1;

    if (divides && !at->per_packet && !is_given_up(m, ttl))
        probing->repeats_wanted = (uint8_t)(REPEATS - probing->repeats - probing->repeats_open);
}

/* The flow that is probed farther while the end is unknown: one whose path has not ended. */
static uint32_t lead_flow(const struct mda *m)
{
    int last = flowmap_last_answering(&m->map);
    const struct flowmap_ttl *at = &m->map.ttls[last];

    for (uint32_t flow = 0; last != 0 && flow < at->flows; flow++) {
        uint16_t v = at->cells[flow].vertex;
        if (v != FLOWMAP_NONE && flowmap_has_next(&at->vertices[v]))
            return flow;
    }
    return 0;
}

/* Only one flow is probed farther, as probes beyond the target show nothing. */
static void plan_ahead(struct mda *m)
{
    int ttl = flowmap_last_answering(&m->map) + 1;

    if (ttl < m->config.first_hop)
        ttl = m->config.first_hop;
    for (; ttl <= m->horizon; ttl++)
        flowmap_want(&m->map, ttl, lead_flow(m));
}

/* Continues the current plan, or begins one. */
static void plan_paths(struct mda *m)
{
    struct plan *plan = &m->plan;

    if (!plan->under_way) {
        plan->under_way = true;
        plan->changed_ttl = m->changed_ttl;
        plan->ttl = m->config.first_hop;
        plan->vertex = 0;
        m->changed_ttl = UINT8_MAX;
    }
    for (plan->work = PLAN_WORK; plan->ttl < m->end; plan->ttl++, plan->vertex = 0) {
        /* a change may concern all TTLs beyond it */
        if (plan->changed_ttl <= plan->ttl + 1 && !plan_beyond(m, plan->ttl)) {
            m->dirty = true;
            return;
        }
        plan_repeats(m, plan->ttl + 1);
    }
    plan->under_way = false;
    m->dirty = m->changed_ttl != UINT8_MAX;
}

static void plan(struct mda *m, int64_t now_ns)
{
    m->dirty = false;
    m->planned_ns = now_ns;
    m->p95_ns = (int64_t)quantiles_get(&m->rtts, 0.95);
    if (m->sent >= m->config.max_probes)
        m->limited = true;
    else if (m->end == 0)
        plan_ahead(m);
    else
        plan_paths(m);
}

/* ---- where the search ends ----------------------------------------------------------------- */

static bool all_end(const struct mda *m, int ttl)
{
    const struct flowmap_ttl *at = &m->map.ttls[ttl];

    for (uint16_t v = 0; v < at->vertex_count; v++)
        if (flowmap_has_next(&at->vertices[v]))
            return false;
    return at->vertex_count > 0;
}

static void update_end(struct mda *m, uint8_t changed_ttl)
{
    int last = flowmap_last_answering(&m->map);
    int silent = last > 0 ? last : m->config.first_hop - 1;
    int most = silent + m->config.max_silent, horizon = silent + WINDOW;

    m->dirty = true;
    m->changed_ttl = changed_ttl < m->changed_ttl ? changed_ttl : m->changed_ttl;
    if (last != 0 && all_end(m, last)) {
        m->end = (uint8_t)last;
        return;
    }
    most = most < m->config.max_hops ? most : m->config.max_hops;
    while (silent < most &&
           flowmap_get(&m->map, silent + 1, lead_flow(m)).state == FLOWMAP_GIVEN_UP)
        silent++;
    horizon = silent + WINDOW > horizon ? silent + WINDOW : horizon;
    m->horizon = (uint8_t)(horizon < most ? horizon : most);
    m->end = silent == most ? (uint8_t)last : m->end > last ? m->end : 0;
}

/* ---- outcomes ------------------------------------------------------------------------------ */

static int64_t reply_timeout_ns(const struct mda *m)
{
    int64_t reply_timeout = reply_timeout_first_ns;

    if (m->p95_ns > 0)
        reply_timeout =
            4 * m->p95_ns > reply_timeout_least_ns ? 4 * m->p95_ns : reply_timeout_least_ns;
    return reply_timeout < m->config.timeout_ns ? reply_timeout : m->config.timeout_ns;
}

/* A TTL that replied to others but not to this probe may be rate-limiting: it is not probed for a
 * second, and goes back to the faster pace only while replies come. */
static void slow_down(struct probing *probing, int64_t now_ns)
{
    probing->losses++;
    probing->sample_interval_ns = TOKEN_NS;
    if (probing->due_ns < now_ns)
        probing->due_ns = now_ns;
}

static void speed_up(struct probing *probing)
{
    probing->lost_in_row = 0;
    if (probing->losses >= LIMIT_LOSSES)
        return;
    probing->sample_interval_ns /= 2;
    if (probing->sample_interval_ns < spacing_least_ns)
        probing->sample_interval_ns = 0;
}

static void lose(struct mda *m, const struct probe *p, int64_t now_ns)
{
    struct probing *probing = &m->probing[p->ttl];
    struct flowmap_ttl *at = &m->map.ttls[p->ttl];
    struct flowmap_cell *cell = flowmap_at(&m->map, p->ttl, p->flow);

    probing->lost_in_row++;
    if (at->vertex_count > 0)
        slow_down(probing, now_ns);
    if (p->place == REPEAT) {
        probing->repeats_open--;
    } else if (cell->state == FLOWMAP_OPEN) {
        bool again = cell->tries < TRIES && (at->vertex_count > 0 || p->flow == lead_flow(m));
        cell->state = again ? FLOWMAP_LOST : FLOWMAP_GIVEN_UP;
        at->wanted += again;
    }
    update_end(m, p->ttl);
}

static struct flowmap_vertex vertex_of(const struct mda *m, const struct wire_packet *packet)
{
    bool its_address = ipaddr_equal(&packet->from, &m->config.spec.target);
    bool expired = packet->kind == WIRE_TIME_EXCEEDED;
    bool target = wire_is_direct(packet->kind) || (its_address && !expired);

    return (struct flowmap_vertex){ .address = packet->from,
                                    .target = target,
                                    .stop = !target && !expired,
                                    .alias = its_address && expired,
                                    .type = packet->type,
                                    .code = packet->code,
                                    .reply_ttl = packet->ttl };
}

/* True if the target's address sent time exceeded at this TTL and the one before, from the same
 * distance: one machine, so the path ends. */
static bool is_same_machine(const struct mda *m, int ttl, const struct flowmap_vertex *vertex)
{
    uint16_t before = flowmap_find(&m->map, ttl - 1, &vertex->address);

    return vertex->alias && before != FLOWMAP_NONE &&
           m->map.ttls[ttl - 1].vertices[before].reply_ttl == vertex->reply_ttl;
}

static void on_repeat(struct mda *m, const struct probe *p, const struct wire_packet *packet)
{
    uint16_t first = flowmap_get(&m->map, p->ttl, p->flow).vertex;

    if (first == FLOWMAP_NONE)
        return; /* the flow's path ends before this TTL */
    m->probing[p->ttl].repeats++;
    if (flowmap_find(&m->map, p->ttl, &packet->from) != first)
        m->map.ttls[p->ttl].per_packet = true;
}

bool mda_seen(struct mda *m, const struct wire_packet *packet)
{
    struct probe *p = match_probe(&m->probes, &m->config.spec, &packet->probe);

    if (p == NULL || p->ttl != packet->ttl)
        return false;
    match_note_form(p, &m->config.spec, &packet->probe);
    return true;
}

bool mda_reply(struct mda *m, const struct wire_packet *packet, int64_t now_ns)
{
    struct probe *p =
        match_reply(&m->probes, &m->config.spec, packet, now_ns, m->config.timeout_ns);

    if (p == NULL)
        return false;
    if (m->done || p->state == PROBE_ANSWERED || p->state == PROBE_LATE)
        return true;
    struct flowmap_vertex vertex = vertex_of(m, packet);
    bool open = p->state == PROBE_OPEN;
    vertex.target = vertex.target || is_same_machine(m, p->ttl, &vertex);
    if (vertex.stop && flowmap_goes_on(&m->map, p->ttl)) { /* the probe did not arrive */
        p->state = PROBE_UNREACHABLE;
        if (open)
            lose(m, p, now_ns);
        return true;
    }
    p->state = open ? PROBE_ANSWERED : PROBE_LATE;
    if (!vertex.stop)
        flowmap_refute_stops(&m->map, p->ttl);
    (void)quantiles_add(&m->rtts,
                        now_ns - p->sent_ns); /* without memory the timeout stays as it is */
    speed_up(&m->probing[p->ttl]);
    if (p->place != REPEAT) {
        (void)flowmap_answer(&m->map, p->ttl, p->flow, &vertex);
    } else if (open) {
        m->probing[p->ttl].repeats_open--;
        on_repeat(m, p, packet);
    }
    update_end(m, p->ttl);
    return true;
}

void mda_send_failed(struct mda *m, uint32_t number, int error, int64_t now_ns)
{
    struct probe *p = probes_get(&m->probes, number);

    m->last_error = error;
    if (error == ENOBUFS)
        m->blocked_until_ns = now_ns + full_queue_ns;
    if (p == NULL || p->state != PROBE_OPEN)
        return;
    p->state = PROBE_SEND_ERROR;
    lose(m, p, now_ns);
}

void mda_expire(struct mda *m, int64_t now_ns)
{
    if (m->done)
        return;
    m->stepped_ns = now_ns;
    int64_t reply_timeout = reply_timeout_ns(m);
    struct probe *p = probes_next_open(&m->probes, m->probes.first_open);
    while (p != NULL && now_ns - p->sent_ns >= reply_timeout) {
        uint32_t number = p->number;
        p->state = PROBE_TIMED_OUT;
        lose(m, p, now_ns);
        p = probes_next_open(&m->probes, number + 1);
    }
    if (m->dirty && now_ns - m->planned_ns >= plan_every_ns)
        plan(m, now_ns);
    m->done = mda_due(m) == INT64_MAX;
    if (!m->done)
        return;
    flowmap_settle_aliases(&m->map);
    flowmap_forget_repeated_ends(&m->map);
}

/* ---- probes out ---------------------------------------------------------------------------- */

/* True if the TTL wants a probe. A wanted repeat has no flow if the paths of all answered flows end
 * before this TTL. */
static bool wants_probe(const struct mda *m, int ttl)
{
    return m->map.ttls[ttl].wanted > 0 || (m->probing[ttl].repeats_wanted > 0 &&
                                           flowmap_first_answered(&m->map, ttl) != FLOWMAP_NONE);
}

/* When the next probe of the TTL is due; INT64_MAX: never. */
static int64_t ttl_due(const struct mda *m, int ttl)
{
    const struct probing *probing = &m->probing[ttl];
    bool spent = m->sent >= m->config.max_probes || m->map.out_of_memory;

    if (spent || !wants_probe(m, ttl))
        return INT64_MAX;
    return probing->due_ns;
}

static void take_wanted(struct mda *m, struct probe *p)
{
    struct flowmap_ttl *at = &m->map.ttls[p->ttl];
    uint32_t flow = flowmap_first_wanted(&m->map, p->ttl);

    assert(flow < at->flows);
    p->flow = (uint16_t)flow;
    at->wanted--;
    at->cells[p->flow].tries++;
    at->cells[p->flow].state = FLOWMAP_OPEN;
}

static void take_repeat(struct mda *m, struct probe *p)
{
    uint32_t flow = flowmap_first_answered(&m->map, p->ttl);

    assert(flow < m->map.ttls[p->ttl].flows);
    p->flow = (uint16_t)flow;
    p->place = REPEAT;
    m->probing[p->ttl].repeats_wanted--;
    m->probing[p->ttl].repeats_open++;
}

bool mda_next(struct mda *m, int64_t now_ns, struct wire_probe *out)
{
    int ttl = m->config.first_hop;

    if (m->done || now_ns < m->blocked_until_ns)
        return false;
    while (ttl <= m->config.max_hops && ttl_due(m, ttl) > now_ns)
        ttl++;
    if (ttl > m->config.max_hops)
        return false;
    struct probe *p = probes_add(&m->probes, now_ns, 2 * m->config.timeout_ns);
    if (p == NULL) {
        m->map.out_of_memory = true;
        return false;
    }
    p->ttl = (uint8_t)ttl;
    m->probing[ttl].due_ns = now_ns + m->probing[ttl].sample_interval_ns;
    m->sent++;
    if (m->map.ttls[ttl].wanted > 0)
        take_wanted(m, p);
    else
        take_repeat(m, p);
    *out = (struct wire_probe){ .number = p->number, .flow = p->flow, .ttl = p->ttl };
    return true;
}

int64_t mda_due(const struct mda *m)
{
    int64_t due_ns = INT64_MAX;
    struct probes probes = m->probes; /* a copy, as first_open may advance */
    const struct probe *oldest = probes_next_open(&probes, probes.first_open);

    if (m->done)
        return INT64_MAX;
    for (int ttl = m->config.first_hop; ttl <= m->config.max_hops; ttl++) {
        int64_t ttl_ns = ttl_due(m, ttl);
        due_ns = ttl_ns < due_ns ? ttl_ns : due_ns;
    }
    if (due_ns != INT64_MAX && due_ns < m->blocked_until_ns)
        due_ns = m->blocked_until_ns;
    if (m->dirty && m->planned_ns + plan_every_ns < due_ns)
        due_ns = m->planned_ns + plan_every_ns;
    if (oldest != NULL && oldest->sent_ns + reply_timeout_ns(m) < due_ns)
        due_ns = oldest->sent_ns + reply_timeout_ns(m);
    return due_ns;
}

bool mda_done(const struct mda *m)
{
    return m->done;
}

/* ---- what was found ------------------------------------------------------------------------ */

static double miss_probability_of(struct flowmap_view v)
{
    double k = (v.next > 0 ? v.next : 1) + 1.0, miss_probability = k * pow((k - 1) / k, v.tested);
    return miss_probability < 1 ? miss_probability : 1;
}

struct mda_judgement mda_judge(const struct flowmap *map, uint8_t ttl, uint16_t vertex)
{
    const struct flowmap_ttl *at = &map->ttls[ttl];
    uint16_t shown = flowmap_is_single(map, ttl) ? FLOWMAP_NONE : vertex;
    struct mda_judgement j = { .view = flowmap_look(map, ttl, shown) };
    bool end = vertex < at->vertex_count && !flowmap_has_next(&at->vertices[vertex]);

    j.miss_probability = end || j.view.target ? 0 : miss_probability_of(j.view);
    return j;
}

/* The probability that no next hop of this TTL's vertices is missing. */
static double confidence_at(const struct mda *m, uint8_t ttl)
{
    double sure = 1;

    if (m->map.ttls[ttl].vertex_count == 0)
        return 1 - mda_judge(&m->map, ttl, FLOWMAP_NONE).miss_probability;
    for (uint16_t v = 0; v < m->map.ttls[ttl].vertex_count; v++)
        sure *= 1 - mda_judge(&m->map, ttl, v).miss_probability;
    return sure;
}

void mda_summary(const struct mda *m, struct mda_summary *out)
{
    int last = flowmap_last_answering(&m->map);

    *out =
        (struct mda_summary){ .done = m->done,
                              .last_ttl = (uint8_t)last,
                              .sent = m->sent,
                              .flows = m->map.top_flow,
                              .confidence = last == 0 ? 0 : 1,
                              .limited = m->limited || m->map.out_of_memory || m->map.unlisted > 0,
                              .elapsed_ns = m->stepped_ns - m->started_ns,
                              .last_error = m->last_error };
    for (int ttl = m->config.first_hop; ttl < last; ttl++)
        out->confidence *= confidence_at(m, (uint8_t)ttl);
    for (uint16_t v = 0; v < m->map.ttls[last].vertex_count; v++)
        out->reached |= m->map.ttls[last].vertices[v].target;
}

int mda_read(const struct mda *m, struct mda_report *out)
{
    *out = (struct mda_report){ .spec = m->config.spec,
                                .failure = m->config.failure,
                                .first_hop = m->config.first_hop };
    mda_summary(m, &out->summary);
    return flowmap_copy(&out->map, &m->map);
}

const struct flowmap *mda_map(const struct mda *m)
{
    return &m->map;
}

/* ---- for the prober ------------------------------------------------------------------------ */

static void *search_new(const void *wanted, const struct wire_spec *spec, int link_mtu,
                        int64_t now_ns, struct err *err)
{
    struct mda_config config = *(const struct mda_config *)wanted;

    (void)link_mtu;
    config.spec = *spec;
    return mda_new(&config, now_ns, err);
}

static const struct wire_spec *search_spec(const void *state)
{
    return &((const struct mda *)state)->config.spec;
}

static size_t search_next(void *state, int64_t now_ns, uint8_t *packet, uint32_t *number)
{
    struct wire_probe probe;

    if (!mda_next(state, now_ns, &probe))
        return 0;
    *number = probe.number;
    return wire_build(search_spec(state), &probe, packet);
}

SEARCH_FORWARD(mda);

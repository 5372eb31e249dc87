/* SPDX-License-Identifier: BSD-2-Clause */
#include "discovery/pmtu_inside.h"

#include "base/units.h"

#include <errno.h>
#include <stdlib.h>

static const int64_t reply_timeout_first_ns = 1000 * MS;
static const int64_t reply_timeout_least_ns = 200 * MS, reply_timeout_hop_ns = 300 * MS;
static const int64_t again_ns = 100 * MS;
static const int64_t longest_ns = 60000 * MS;

struct pmtu *pmtu_new(const struct pmtu_config *config, int64_t now_ns, struct err *err)
{
    struct pmtu *m = calloc(1, sizeof *m);
    if (m == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a search of the path MTU");
        return NULL;
    }
    m->config = *config;
    m->ttl = PMTU_FULL_TTL;
    m->least = config->spec.target.version == 4 ? PMTU_LEAST_4 : PMTU_LEAST_6;
    if (m->least > config->link_mtu)
        m->least = config->link_mtu;
    m->hi = m->reported_hi = config->link_mtu + 1u;
    m->started_ns = m->worked_ns = m->stepped_ns = now_ns;
    return m;
}

void pmtu_free(struct pmtu *m)
{
    if (m == NULL)
        return;
    probes_fini(&m->probes);
    quantiles_fini(&m->rtts);
    free(m);
}

bool pmtu_done(const struct pmtu *m)
{
    return m->phase == DONE;
}

/* ---- how long a reply is waited for -------------------------------------------------------- */

static int64_t reply_timeout_ns(const struct pmtu *m)
{
    int64_t least =
        pmtu_is_sweep(m) || pmtu_is_narrow(m) ? reply_timeout_hop_ns : reply_timeout_least_ns;
    int64_t reply_timeout = reply_timeout_first_ns;

    if (m->p95_ns > 0)
        reply_timeout = 4 * m->p95_ns > least ? 4 * m->p95_ns : least;
    return reply_timeout < m->config.timeout_ns ? reply_timeout : m->config.timeout_ns;
}

/* When an open trial is due. */
static int64_t trial_due(const struct pmtu *m, const struct trial *q)
{
    int64_t reply_timeout = reply_timeout_ns(m);
    bool spaced = m->phase == LAST_HOP || (!pmtu_is_sweep(m) && pmtu_is_narrow(m));

    if (q->tries == 0)
        return q->first_ns;
    if (spaced && q->tries < q->wanted && reply_timeout < TOKEN_NS)
        reply_timeout = TOKEN_NS;
    else if (m->phase == AGAIN && q->tries < q->wanted)
        reply_timeout = again_ns;
    else if (m->phase <= SEARCH && !spaced && q->tries < PMTU_TRIES && m->p95_ns > 0)
        reply_timeout /= 2; /* it will be sent again */
    return q->sent_ns + reply_timeout;
}

/* ---- time passes --------------------------------------------------------------------------- */

void pmtu_expire(struct pmtu *m, int64_t now_ns)
{
    if (m->phase == DONE)
        return;
    m->stepped_ns = now_ns;
    if (m->batch == 0)
        pmtu_begin(m, now_ns);
    if (pmtu_is_held(m))
        return;
    bool spent = m->found.sent >= m->config.max_probes || now_ns - m->worked_ns >= longest_ns;
    for (int i = 0; i < m->count; i++) {
        struct trial *q = &m->trials[i];
        bool over = q->tries >= q->wanted && trial_due(m, q) <= now_ns;
        if (q->answer == OPEN && over)
            q->answer = SILENT;
    }
    pmtu_plan(m, now_ns);
    if (spent && m->phase != DONE) {
        m->found.limited = true;
        pmtu_finish(m);
    }
}

void pmtu_release(struct pmtu *m, int64_t now_ns)
{
    if (pmtu_is_held(m))
        m->worked_ns = now_ns;
    m->released = true;
}

/* ---- probes out ---------------------------------------------------------------------------- */

/* Value of struct probe's place: the batch, the trial in it, the size. */
static int64_t place_of(const struct pmtu *m, int trial)
{
    return (int64_t)m->batch << 32 | (int64_t)trial << 16 | m->trials[trial].size;
}

bool pmtu_next(struct pmtu *m, int64_t now_ns, struct wire_probe *out, uint16_t *size)
{
    int i = 0;

    if (m->phase == DONE || pmtu_is_held(m) || now_ns < m->send_due_ns)
        return false;
    while (i < m->count &&
           (m->trials[i].answer != OPEN || m->trials[i].tries >= m->trials[i].wanted ||
            trial_due(m, &m->trials[i]) > now_ns))
        i++;
    if (i == m->count || m->found.sent >= m->config.max_probes)
        return false;
    struct probe *p = probes_add(&m->probes, now_ns, INT64_MAX);
    struct trial *q = &m->trials[i];
    q->tries++;
    q->sent_ns = now_ns;
    if (p == NULL)
        return false; /* treated as lost */
    p->ttl = q->ttl;
    p->place = place_of(m, i);
    m->found.sent++;
    m->sent_ns = now_ns;
    m->send_due_ns = now_ns + (!pmtu_is_sweep(m) && pmtu_is_narrow(m) ? TOKEN_NS : burst_ns);
    *out = (struct wire_probe){ .number = p->number, .ttl = p->ttl };
    *size = q->size;
    return true;
}

int64_t pmtu_due(const struct pmtu *m)
{
    int64_t due_ns = m->worked_ns + longest_ns;

    if (m->phase == DONE || pmtu_is_held(m))
        return INT64_MAX;
    if (m->batch == 0 || m->unplanned)
        return m->stepped_ns;
    for (int i = 0; i < m->count; i++) {
        const struct trial *q = &m->trials[i];
        if (q->answer != OPEN)
            continue;
        int64_t its_ns = trial_due(m, q);
        if (q->tries < q->wanted && its_ns < m->send_due_ns)
            its_ns = m->send_due_ns;
        due_ns = its_ns < due_ns ? its_ns : due_ns;
    }
    return due_ns;
}

/* The identifying fields of probe n do not depend on its size. */
size_t pmtu_build(const struct pmtu *m, const struct wire_probe *probe, uint16_t size,
                  uint8_t *packet)
{
    struct wire_spec spec = m->config.spec;

    spec.size = size;
    spec.df = true;
    spec.tcp_base = wire_tcp_seq(&m->config.spec, probe->number);
    spec.tcp_base -= probe->number * wire_tcp_step(&spec);
    return wire_build(&spec, probe, packet);
}

void pmtu_read(const struct pmtu *m, struct pmtu_report *out)
{
    *out = m->found;
    out->spec = m->config.spec;
    out->done = m->phase == DONE;
    out->mtu = m->lo;
    out->exact = pmtu_is_exact(m);
    out->most = m->hi > m->config.link_mtu ? m->config.link_mtu : (uint16_t)(m->hi - 1);
    out->link_mtu = m->config.link_mtu;
    out->elapsed_ns = m->stepped_ns - m->started_ns;
}

/* ---- for the prober ------------------------------------------------------------------------ */

static void *search_new(const void *wanted, const struct wire_spec *spec, int mtu, int64_t now_ns,
                        struct err *err)
{
    struct pmtu_config config = *(const struct pmtu_config *)wanted;

    config.spec = *spec;
    config.link_mtu = (uint16_t)(mtu < WIRE_PACKET_MAX ? mtu : WIRE_PACKET_MAX);
    return pmtu_new(&config, now_ns, err);
}

static const struct wire_spec *search_spec(const void *state)
{
    return &((const struct pmtu *)state)->config.spec;
}

static size_t search_next(void *state, int64_t now_ns, uint8_t *packet, uint32_t *number)
{
    struct wire_probe probe;
    uint16_t size;

    if (!pmtu_next(state, now_ns, &probe, &size))
        return 0;
    *number = probe.number;
    return pmtu_build(state, &probe, size, packet);
}

SEARCH_FORWARD(pmtu);

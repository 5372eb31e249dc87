/* SPDX-License-Identifier: BSD-2-Clause */
/* Direct questions through the prober: its sockets, its thread, its budget of responders. */
#include "prober/inside.h"

#include "base/units.h"

#include <sys/random.h>

/* ---- on the thread ------------------------------------------------------------------------- */

static bool has_answered(const struct counters *counters, const struct ipaddr *address)
{
    for (size_t ttl = 1; ttl < counters->hop_count; ttl++)
        for (size_t i = 0; i < counters->hops[ttl].cell_count; i++)
            if (ipaddr_equal(&counters->hops[ttl].cells[i].address, address))
                return true;
    return false;
}

/* An error that a probe of ours costs must not be missing in a trace's sample: it comes out of what
 * the responder is known to grant, or when no trace is at work that the responder has answered. */
static enum ask_permit permit(void *context, struct asks_entry *entry, int64_t now_ns)
{
    const struct prober *p = context;
    const struct ipaddr *address = &entry->ask.config.target;
    int64_t free_ns = pace_free_ns(p->pace, address);

    if (free_ns != 0)
        return now_ns >= free_ns ? ASK_ONE : ASK_HOLD;
    if (entry->held_in == p->ended)
        return ASK_HOLD; /* since then no trace has ended */
    for (const struct prober_job *job = p->jobs; job != NULL; job = job->next) {
        if (!trace_done(job->trace) && has_answered(job->counters, address)) {
            entry->held_in = p->ended;
            return ASK_HOLD;
        }
    }
    return ASK_FREE;
}

static int64_t open_ns(void *context)
{
    const struct prober *p = context;
    return budget_due(&p->budget, BUDGET_ASKS);
}

static int send_ask(void *context, const struct asks_entry *entry, const uint8_t *packet,
                    size_t length, bool udp)
{
    struct prober *p = context;
    const struct way *way = entry->way;

    if (udp)
        pace_take(p->pace, &entry->ask.config.target, p->now_ns);
    budget_take_single(&p->budget, BUDGET_ASKS, length, p->now_ns);
    return prober_send(p, way, packet, length, entry->scope, p->now_ns);
}

int64_t prober_step_asks(struct prober *p, int sends)
{
    const struct asks_shell shell = {
        .context = p, .permit = permit, .open_ns = open_ns, .send = send_ask
    };

    return asks_step(p->asks, &shell, PROBER_LEASE_MS * MS, p->now_ns, sends);
}

/* ---- questions ----------------------------------------------------------------------------- */

static int randomise(struct ask_config *config, struct err *err)
{
    uint16_t port;

    if (getrandom(&config->ident, sizeof config->ident, 0) < 0 ||
        getrandom(&config->first_id, sizeof config->first_id, 0) < 0 ||
        getrandom(&config->first_index, sizeof config->first_index, 0) < 0 ||
        getrandom(&config->cookie, sizeof config->cookie, 0) < 0 ||
        getrandom(&config->key, sizeof config->key, 0) < 0 ||
        getrandom(&config->tcp_base, sizeof config->tcp_base, 0) < 0 ||
        getrandom(&port, sizeof port, 0) < 0)
        return err_set(err, ERR_SYSTEM, "no random numbers");
    config->source_port = (uint16_t)(ASK_PORT_FIRST + port % (ASK_PORT_LAST - ASK_PORT_FIRST));
    return 0;
}

static struct asks_entry *begin(struct prober *p, const struct prober_question *question,
                                const struct egress_route *route, struct err *err)
{
    struct ask_config config = { .source = route->source,
                                 .target = question->target,
                                 .tos = question->tos,
                                 .timeout_ns = question->timeout_ns };
    const struct way *way = prober_way(p, config.target.version, &question->pin, err);
    struct asks_entry *entry;
    struct ipaddr forgotten;

    if (way == NULL || randomise(&config, err) < 0)
        return NULL;
    if (asks_make_room(p->asks, &forgotten))
        prober_expect(p, &forgotten, false);
    entry = asks_add(p->asks, &config, question->active, route->scope, way, prober_clock_ns());
    if (entry == NULL)
        err_set(err, ERR_NOMEM, "%d addresses are being asked already, which is the most",
                ASKS_MAX);
    else
        prober_expect(p, &config.target, true);
    return entry;
}

struct asks_entry *prober_ask(struct prober *p, const struct prober_question *question,
                              struct err *err)
{
    struct wire_spec echo = { .protocol = WIRE_ICMP,
                              .source = question->source,
                              .target = question->target,
                              .tos = question->tos };
    struct egress_route route;

    if (p->plain != NULL) {
        err_set(err, ERR_PERMISSION, "fingerprinting probes need root or CAP_NET_RAW");
        return NULL;
    }
    if (prober_find_route(&echo, 0, question->scope, &question->pin, &route, err) < 0)
        return NULL;
    pthread_mutex_lock(&p->lock);
    struct asks_entry *entry = asks_find(p->asks, &question->target, route.scope);
    if (entry != NULL)
        asks_join(p->asks, entry, question->active, prober_clock_ns());
    else
        entry = begin(p, question, &route, err);
    pthread_mutex_unlock(&p->lock);
    prober_wake(p);
    return entry;
}

void prober_ask_leave(struct prober *p, struct asks_entry *entry)
{
    pthread_mutex_lock(&p->lock);
    asks_leave(p->asks, entry);
    pthread_mutex_unlock(&p->lock);
}

/* Under the lock. An ask that had been paused goes on at once. */
static bool renew(struct prober *p, struct asks_entry *entry)
{
    int64_t now_ns = prober_clock_ns();

    if (now_ns - entry->wanted_ns > PROBER_LEASE_MS * MS)
        prober_wake(p);
    entry->wanted_ns = now_ns;
    return ask_done(&entry->ask);
}

bool prober_ask_done(struct prober *p, struct asks_entry *entry)
{
    pthread_mutex_lock(&p->lock);
    bool done = renew(p, entry);
    pthread_mutex_unlock(&p->lock);
    return done;
}

int prober_ask_read(struct prober *p, struct asks_entry *entry, struct prober_answers *out,
                    struct err *err)
{
    pthread_mutex_lock(&p->lock);
    out->done = renew(p, entry);
    for (int protocol = 0; protocol < WIRE_PROTOCOL_COUNT; protocol++)
        out->asked[protocol] = ask_sent(&entry->ask, (enum wire_protocol)protocol);
    int rc = evidence_copy(&out->list, &entry->ask.answers);
    pthread_mutex_unlock(&p->lock);
    return rc < 0 ? err_set(err, ERR_NOMEM, "no memory for the answers") : 0;
}

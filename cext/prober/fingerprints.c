/* SPDX-License-Identifier: BSD-2-Clause */
/* Fingerprinting with the prober's sockets, thread and pacing of responders. */
#include "prober/inside.h"

#include "base/units.h"

#include <sys/random.h>

/* ---- on the thread ------------------------------------------------------------------------- */

static bool has_answered(const struct counters *counters, const struct ipaddr *address)
{
    for (size_t ttl = 1; ttl < counters->hop_count; ttl++)
        for (size_t i = 0; i < counters->hops[ttl].responder_count; i++)
            if (ipaddr_equal(&counters->hops[ttl].responders[i].address, address))
                return true;
    return false;
}

/* The ICMP error for a UDP probe must not use a token of the responder's rate limit that a trace's
 * sample needs. The probe uses a token that the responder is known to have, or waits until no
 * running trace has had a reply from this responder. */
static enum fingerprint_permit permit(void *context, struct addresses_entry *entry, int64_t now_ns)
{
    const struct prober *p = context;
    const struct ipaddr *address = &entry->fingerprint.config.target;
    int64_t free_ns = pace_free_ns(p->pace, address);

    if (free_ns != 0)
        return now_ns >= free_ns ? FINGERPRINT_ONE : FINGERPRINT_HOLD;
    if (entry->held_in == p->ended)
        return FINGERPRINT_HOLD; /* no trace has ended since the last check */
    for (const struct prober_job *job = p->jobs; job != NULL; job = job->next) {
        if (!trace_done(job->trace) && has_answered(job->counters, address)) {
            entry->held_in = p->ended;
            return FINGERPRINT_HOLD;
        }
    }
    return FINGERPRINT_FREE;
}

static int64_t open_ns(void *context)
{
    const struct prober *p = context;
    return budget_due(&p->budget, BUDGET_FINGERPRINTS);
}

static int send_probe(void *context, const struct addresses_entry *entry, const uint8_t *packet,
                      size_t length, bool udp)
{
    struct prober *p = context;
    const struct sender *sender = entry->sender;

    if (udp)
        pace_take(p->pace, &entry->fingerprint.config.target, p->now_ns);
    budget_take_single(&p->budget, BUDGET_FINGERPRINTS, length, p->now_ns);
    return prober_send(p, sender, packet, length, entry->scope, p->now_ns);
}

int64_t prober_step_addresses(struct prober *p, int sends)
{
    const struct addresses_shell shell = {
        .context = p, .permit = permit, .open_ns = open_ns, .send = send_probe
    };

    return addresses_step(p->addresses, &shell, PROBER_LEASE_MS * MS, p->now_ns, sends);
}

/* ---- requests ------------------------------------------------------------------------------ */

static int randomise(struct fingerprint_config *config, struct err *err)
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
    config->source_port = (uint16_t)(FINGERPRINT_PORT_FIRST +
                                     port % (FINGERPRINT_PORT_LAST - FINGERPRINT_PORT_FIRST));
    return 0;
}

static struct addresses_entry *begin(struct prober *p,
                                     const struct prober_fingerprint_request *request,
                                     const struct egress_route *route, struct err *err)
{
    struct fingerprint_config config = { .source = route->source,
                                         .target = request->target,
                                         .tos = request->tos,
                                         .timeout_ns = request->timeout_ns };
    const struct sender *sender = prober_sender(p, config.target.version, &request->binding, err);
    struct addresses_entry *entry;
    struct ipaddr removed;

    if (sender == NULL || randomise(&config, err) < 0)
        return NULL;
    if (addresses_make_room(p->addresses, &removed))
        prober_expect(p, &removed, false);
    entry = addresses_add(p->addresses, &config, request->active, route->scope, sender,
                          prober_clock_ns());
    if (entry == NULL)
        err_set(err, ERR_NOMEM, "%d addresses are being fingerprinted already, which is the most",
                ADDRESSES_MAX);
    else
        prober_expect(p, &config.target, true);
    return entry;
}

struct addresses_entry *prober_fingerprint(struct prober *p,
                                           const struct prober_fingerprint_request *request,
                                           struct err *err)
{
    struct wire_spec echo = { .protocol = WIRE_ICMP,
                              .source = request->source,
                              .target = request->target,
                              .tos = request->tos };
    struct egress_route route;

    if (p->plain != NULL) {
        err_set(err, ERR_PERMISSION, "fingerprinting probes need root or CAP_NET_RAW");
        return NULL;
    }
    if (prober_find_route(&echo, 0, request->scope, &request->binding, &route, err) < 0)
        return NULL;
    pthread_mutex_lock(&p->lock);
    struct addresses_entry *entry = addresses_find(p->addresses, &request->target, route.scope);
    if (entry != NULL)
        addresses_join(p->addresses, entry, request->active, prober_clock_ns());
    else
        entry = begin(p, request, &route, err);
    pthread_mutex_unlock(&p->lock);
    prober_wake(p);
    return entry;
}

void prober_fingerprint_leave(struct prober *p, struct addresses_entry *entry)
{
    pthread_mutex_lock(&p->lock);
    addresses_leave(p->addresses, entry);
    pthread_mutex_unlock(&p->lock);
}

/* Called with the lock held. Renews the lease; paused probing continues at once. */
static bool renew(struct prober *p, struct addresses_entry *entry)
{
    int64_t now_ns = prober_clock_ns();

    if (now_ns - entry->wanted_ns > PROBER_LEASE_MS * MS)
        prober_wake(p);
    entry->wanted_ns = now_ns;
    return fingerprint_done(&entry->fingerprint);
}

bool prober_fingerprint_done(struct prober *p, struct addresses_entry *entry)
{
    pthread_mutex_lock(&p->lock);
    bool done = renew(p, entry);
    pthread_mutex_unlock(&p->lock);
    return done;
}

int prober_fingerprint_read(struct prober *p, struct addresses_entry *entry,
                            struct prober_fingerprint_replies *out, struct err *err)
{
    pthread_mutex_lock(&p->lock);
    out->done = renew(p, entry);
    for (int protocol = 0; protocol < WIRE_PROTOCOL_COUNT; protocol++)
        out->sent[protocol] = fingerprint_sent(&entry->fingerprint, (enum wire_protocol)protocol);
    int rc = evidence_copy(&out->list, &entry->fingerprint.replies);
    pthread_mutex_unlock(&p->lock);
    return rc < 0 ? err_set(err, ERR_NOMEM, "no memory for the replies") : 0;
}

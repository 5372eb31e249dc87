/* SPDX-License-Identifier: BSD-2-Clause */
/* Searches with the prober's sockets, thread and lease. */
#include "prober/inside.h"

#include "base/units.h"
#include "prober/files.h"

#include <stdlib.h>

static const int64_t pause_check_ns = 50 * MS;

/* ---- on the thread ------------------------------------------------------------------------- */

static int64_t step(struct prober *p, struct prober_search *s, int *sends_left)
{
    bool paused = p->now_ns - s->polled_ns > PROBER_LEASE_MS * MS;
    uint32_t number;
    size_t length;

    s->search.ops->expire(s->search.state, p->now_ns);
    while (!paused && *sends_left > 0) {
        int64_t now_ns = prober_clock_ns();
        length = search_take(&s->search, now_ns, p->packet, &number);
        if (length == 0)
            break;
        int error = prober_send(p, s->sender, p->packet, length, s->route.scope, now_ns);
        if (error != 0)
            s->search.ops->send_failed(s->search.state, number, error, now_ns);
        prober_relist(p, &s->entries, s->search.ops->spec(s->search.state), number);
        --*sends_left;
    }
    int64_t due_ns = search_when(&s->search);
    return paused && due_ns < p->now_ns + pause_check_ns ? p->now_ns + pause_check_ns : due_ns;
}

int64_t prober_step_searches(struct prober *p, int *sends_left)
{
    int64_t due_ns = INT64_MAX;

    for (struct prober_search *s = p->searches; s != NULL; s = s->next) {
        if (s->search.ops->done(s->search.state))
            continue;
        int64_t its_ns = step(p, s, sends_left);
        due_ns = its_ns < due_ns ? its_ns : due_ns;
    }
    return due_ns;
}

static void free_search(struct prober_search *s)
{
    s->search.ops->free(s->search.state);
    free(s->sources);
    free(s);
}

void prober_free_searches(struct prober *p)
{
    while (p->searches != NULL) {
        struct prober_search *s = p->searches;
        p->searches = s->next;
        free_search(s);
    }
}

/* ---- requests of the caller ---------------------------------------------------------------- */

/* A search to start: its functions, its configuration, and the spec that the prober completes. */
struct wanted {
    const struct search_ops *ops;
    const void *config;
    struct wire_spec spec;
    bool port_given;
};

/* A search sends many probes with one 5-tuple, but a TCP socket sends one SYN only. */
static bool is_beyond_plain(const struct prober *p, const struct wanted *wanted, struct err *err)
{
    if (p->plain == NULL || wanted->spec.protocol != WIRE_TCP)
        return false;
    err_set(err, ERR_PERMISSION,
            "searches by tcp need root or CAP_NET_RAW: icmp and udp need neither");
    return true;
}

static int start(struct prober *p, struct prober_search *s, const struct egress_binding *binding,
                 struct wanted *wanted, struct err *err)
{
    s->sender = prober_sender(p, wanted->spec.target.version, binding, err);
    const struct prober_completion completion = { &s->route, binding, 0, wanted->port_given };
    if (s->sender == NULL || is_beyond_plain(p, wanted, err) ||
        files_keep(&p->files, &wanted->spec.file, err) < 0 ||
        prober_complete_spec(p, &wanted->spec, &completion, err) < 0)
        return -1;
    s->polled_ns = prober_clock_ns();
    s->search = (struct search){ .ops = wanted->ops,
                                 .budget = &p->budget,
                                 .who = pace_serial(p->pace) << 8 };
    s->search.state =
        wanted->ops->new (wanted->config, &wanted->spec, s->route.link_mtu, s->polled_ns, err);
    return s->search.state != NULL ? 0 : -1;
}

static struct prober_search *begin(struct prober *p, const struct prober_request *request,
                                   struct wanted wanted, struct err *err)
{
    struct prober_search *s = calloc(1, sizeof *s);

    if (s == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a search");
        return NULL;
    }
    wanted.spec.source = request->source;
    wanted.port_given = wanted.spec.source_port != 0;
    if (prober_find_route(&wanted.spec, 0, request->scope, &request->binding, &s->route, err) < 0) {
        free(s);
        return NULL;
    }
    if (wanted.ops == &mda_search)
        s->sources =
            prober_find_sources(&wanted.spec, request->scope, &request->binding, &s->route);
    wanted.spec.sources = s->sources;
    pthread_mutex_lock(&p->lock);
    if (start(p, s, &request->binding, &wanted, err) == 0) {
        s->next = p->searches;
        p->searches = s;
        prober_enlist(p, &s->entries, (struct prober_owner){ .search = s },
                      s->search.ops->spec(s->search.state), NULL);
        p->count++;
    } else {
        free(s->sources);
        free(s);
        s = NULL;
    }
    pthread_mutex_unlock(&p->lock);
    prober_wake(p);
    return s;
}

struct prober_search *prober_search_paths(struct prober *p, const struct prober_request *request,
                                          const struct mda_config *config, struct err *err)
{
    return begin(p, request,
                 (struct wanted){ .ops = &mda_search, .config = config, .spec = config->spec },
                 err);
}

struct prober_search *prober_search_pmtu(struct prober *p, const struct prober_request *request,
                                         const struct pmtu_config *config, struct err *err)
{
    return begin(p, request,
                 (struct wanted){ .ops = &pmtu_search, .config = config, .spec = config->spec },
                 err);
}

static void release_spec(const struct prober *p, const struct prober_search *search)
{
    const struct prober_completion completion = { &search->route, &search->sender->binding, 0,
                                                  false };

    prober_release_spec(p, search->search.ops->spec(search->search.state), &completion);
}

void prober_search_remove(struct prober *p, struct prober_search *search)
{
    if (search == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    struct prober_search **link = &p->searches;
    while (*link != search)
        link = &(*link)->next;
    *link = search->next;
    prober_delist(p, &search->entries);
    release_spec(p, search);
    p->count--;
    pthread_mutex_unlock(&p->lock);
    free_search(search);
}

/* Under the lock. Renews the lease and makes a paused search continue at once. */
static bool renew(struct prober *p, struct prober_search *search)
{
    int64_t now_ns = prober_clock_ns();

    if (now_ns - search->polled_ns > PROBER_LEASE_MS * MS)
        prober_wake(p);
    search->polled_ns = now_ns;
    return search->search.ops->done(search->search.state);
}

bool prober_search_done(struct prober *p, struct prober_search *search)
{
    pthread_mutex_lock(&p->lock);
    bool done = renew(p, search);
    pthread_mutex_unlock(&p->lock);
    return done;
}

int prober_search_read_paths(struct prober *p, struct prober_search *search, struct mda_report *out,
                             struct err *err)
{
    pthread_mutex_lock(&p->lock);
    renew(p, search);
    int rc = mda_read(search->search.state, out);
    pthread_mutex_unlock(&p->lock);
    return rc < 0 ? err_set(err, ERR_NOMEM, "no memory for a result") : 0;
}

void prober_search_read_pmtu(struct prober *p, struct prober_search *search,
                             struct pmtu_report *out)
{
    pthread_mutex_lock(&p->lock);
    renew(p, search);
    pmtu_read(search->search.state, out);
    pthread_mutex_unlock(&p->lock);
}

void prober_search_release_pmtu(struct prober *p, struct prober_search *search)
{
    pthread_mutex_lock(&p->lock);
    renew(p, search);
    pmtu_release(search->search.state, prober_clock_ns());
    pthread_mutex_unlock(&p->lock);
    prober_wake(p);
}

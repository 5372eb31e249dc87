/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/inside.h"

#include "base/thread.h"
#include "base/units.h"
#include "prober/files.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    SENDS_PER_TURN = 64,  /* probes, plus the rest of a burst, before packets are read again */
    STEPS_PER_TURN = 512, /* jobs: bounds the time under the lock */
};
static const int64_t turn_pause_ns = MS / 2;   /* after a full turn: at most 128,000 probes/s */
static const int64_t pause_check_ns = 50 * MS; /* interval of checks whether a job is resumed */
static const int64_t drops_every_ns = 50 * MS;
static const int64_t lag_window_ns = 20 * MS;

/* ---- the thread ---------------------------------------------------------------------------- */

static void send_probe(struct prober *p, struct prober_job *job, const struct wire_probe *probe,
                       int64_t now_ns)
{
    const struct wire_spec *spec = &trace_config(job->trace)->spec;
    size_t length = wire_build(spec, probe, p->packet);
    int error = prober_send(p, job->sender, p->packet, length, job->route.scope, now_ns);

    if (error != 0)
        trace_send_failed(job->trace, probe->number, error, now_ns);
    prober_relist(p, &job->entries, spec, probe->number);
}

static void step_job(struct prober *p, struct prober_job *job, int *sends_left)
{
    bool was_done = trace_done(job->trace);
    int64_t session_due_ns = INT64_MAX;
    /* Packets captured before the job began may still be unread. */
    int64_t read_until_ns = p->now_ns > job->begun_ns ? p->now_ns : job->begun_ns;
    struct wire_probe probe;

    if (job->first_drops == UINT64_MAX)
        job->first_drops = p->drops;
    trace_expire(job->trace, read_until_ns, p->drops);
    bool paused = p->now_ns - atomic_load(&job->polled_ns) > PROBER_LEASE_MS * MS;
    if (job->session != NULL && !paused && !was_done)
        session_due_ns = prober_step_session(p, job);
    /* A burst is always completed: no other job can send before its end. */
    while (!paused && (*sends_left > 0 || budget_is_held(&p->budget))) {
        int64_t now_ns = prober_clock_ns();
        if (!trace_next(job->trace, now_ns, p->drops, &probe))
            break;
        send_probe(p, job, &probe, now_ns);
        --*sends_left;
    }
    if (!was_done && trace_done(job->trace)) {
        prober_end_session(p, job);
        p->ended++;
        atomic_store(&job->done, true);
        pthread_cond_broadcast(&p->finished);
    }
    int64_t due_ns = trace_due(job->trace);
    if (session_due_ns < due_ns && !trace_done(job->trace))
        due_ns = session_due_ns;
    int64_t least_ns = p->now_ns + (paused ? pause_check_ns : 1);
    dues_set(&p->dues, &job->due, due_ns > least_ns ? due_ns : least_ns);
}

static struct prober_job *job_of(struct due *due)
{
    _Static_assert(offsetof(struct prober_job, due) == 0, "a due job is found by its first member");
    return (struct prober_job *)due;
}

/* A new outcome in a shared sample concerns all jobs that share samples. */
static void wake_sharers(struct prober *p)
{
    if (pace_changes(p->pace) == p->pace_changes)
        return;
    p->pace_changes = pace_changes(p->pace);
    for (struct prober_job *job = p->jobs; job != NULL; job = job->next)
        if (trace_shares(job->trace))
            dues_set(&p->dues, &job->due, p->now_ns);
}

/* The lag is the least lag of all turns in a window. A single late turn is no lag, because the
 * thread may just not have been scheduled. CoDel recognises a standing queue in the same way
 * (Nichols and Jacobson, ACM Queue 2012). */
static void measure_lag(struct prober *p)
{
    int64_t lag_ns = p->now_ns - dues_first_ns(&p->dues);

    if (lag_ns < p->least_lag_ns)
        p->least_lag_ns = lag_ns;
    if (p->now_ns < p->lag_until_ns)
        return;
    atomic_store(&p->lag_ns, p->least_lag_ns > 0 ? p->least_lag_ns : 0);
    p->least_lag_ns = INT64_MAX;
    p->lag_until_ns = p->now_ns + lag_window_ns;
}

/* Steps the due jobs, each once, in the order of their due times. */
static void step_jobs(struct prober *p, int *sends_left)
{
    struct due *due = dues_first(&p->dues);

    for (int steps = STEPS_PER_TURN; steps > 0 && *sends_left > 0; steps--) {
        if (due == NULL || due->at_ns > p->now_ns)
            return;
        step_job(p, job_of(due), sends_left);
        due = dues_first(&p->dues);
    }
}

/* Delivers the packets that were read, then steps the due jobs; returns the next due time. */
static int64_t take_turn(struct prober *p)
{
    int sends_left = SENDS_PER_TURN;

    p->now_ns = p->read_until_ns; /* all packets captured until then have been read */
    prober_deliver(p);
    prober_read_sessions(p);
    if (p->now_ns - p->drops_read_ns >= drops_every_ns) {
        p->drops = prober_capture_drops(p);
        p->drops_read_ns = p->now_ns;
    }
    wake_sharers(p);
    measure_lag(p);
    step_jobs(p, &sends_left);
    if (pace_changes(p->pace) != p->pace_changes)
        return p->now_ns;
    int64_t due_ns = dues_first_ns(&p->dues);
    int64_t searches_due_ns = prober_step_searches(p, &sends_left);
    int64_t addresses_due_ns = prober_step_addresses(p, sends_left);
    due_ns = searches_due_ns < due_ns ? searches_due_ns : due_ns;
    due_ns = addresses_due_ns < due_ns ? addresses_due_ns : due_ns;
    int64_t plain_due_ns = p->plain != NULL ? plain_due(p->plain) : INT64_MAX;
    due_ns = plain_due_ns < due_ns ? plain_due_ns : due_ns;
    return sends_left > 0 ? due_ns : p->now_ns + turn_pause_ns;
}

/* Without jobs, only a wake-up ends the wait: captured packets have no owner then. */
static void wait_for_work(struct prober *p, int64_t due_ns, bool idle)
{
    struct pollfd fds[] = { { .fd = p->wake_fd, .events = POLLIN },
                            { .fd = prober_capture_fd(p), .events = POLLIN },
                            { .fd = p->session_poll, .events = POLLIN } };
    int64_t left_ns = due_ns - prober_clock_ns();
    struct timespec timeout = { 0 };
    uint64_t wakes;

    if (left_ns > 0)
        timeout = timespec_of_ns(left_ns);
    ppoll(fds, idle ? 1 : 3, due_ns == INT64_MAX ? NULL : &timeout, NULL);
    if (fds[0].revents & POLLIN)
        (void)!read(p->wake_fd, &wakes, sizeof wakes);
}

/* Under the lock. */
static void notify_reader(struct prober *p)
{
    const uint64_t one = 1;

    if (p->notify && p->notify_fd >= 0) {
        (void)!write(p->notify_fd, &one, sizeof one);
        p->notify = false;
    }
}

/* Captured packets are read without the lock, and a bounded number at a time, so other threads get
 * the lock between two turns, regardless of the number of packets. */
static void *run(void *arg)
{
    struct prober *p = arg;
    bool idle = true, stop = false;

    while (!stop) {
        if (idle)
            prober_skip_stale(p);
        bool more = prober_read_batch(p);
        pthread_mutex_lock(&p->lock);
        int64_t due_ns = take_turn(p);
        notify_reader(p);
        idle = p->jobs == NULL && due_ns == INT64_MAX;
        stop = p->stop;
        pthread_mutex_unlock(&p->lock);
        if (!stop && !more)
            wait_for_work(p, due_ns, idle);
    }
    return NULL;
}

static int start_thread(struct prober *p)
{
    int rc = thread_start(&p->thread, run, p);

    p->started = rc == 0;
    return rc;
}

/* ---- opening and closing ------------------------------------------------------------------- */

static void init_locks(struct prober *p)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->finished, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Falls back to unprivileged sockets if the process may not open raw ones. */
static int open_sockets(struct prober *p, enum prober_sockets wanted, struct err *err)
{
    if (wanted != PROBER_PLAIN) {
        p->capture = capture_open(err);
        if (p->capture != NULL)
            return 0;
        if (wanted == PROBER_RAW || err->code != ERR_PERMISSION)
            return -1;
    }
    p->plain = plain_open(err);
    return p->plain != NULL ? 0 : -1;
}

bool prober_is_plain(const struct prober *p)
{
    return p->plain != NULL;
}

bool prober_has_icmp(void)
{
    return plain_has_icmp(4);
}

struct prober *prober_open(enum prober_sockets sockets, struct err *err)
{
    struct prober *p = calloc(1, sizeof *p);
    int rc;

    if (p == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a prober");
        return NULL;
    }
    init_locks(p);
    p->read_until_ns = prober_clock_ns();
    p->clock_offset_ns = prober_wall_ns() - p->read_until_ns;
    p->ended = 1;
    p->notify_fd = p->wake_fd = -1;
    p->session_poll = epoll_create1(EPOLL_CLOEXEC);
    if (p->session_poll >= 0)
        p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->wake_fd < 0) {
        err_set(err, ERR_SYSTEM, "cannot open an eventfd: %s", strerror(errno));
        goto failed;
    }
    p->pace = pace_new();
    budget_init(&p->budget);
    p->addresses = addresses_new();
    if (p->pace == NULL || p->addresses == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a prober");
        goto failed;
    }
    p->batch = prober_batch_new();
    if (p->batch == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a prober");
        goto failed;
    }
    if (open_sockets(p, sockets, err) < 0)
        goto failed;
    rc = start_thread(p);
    if (rc != 0) {
        err_set(err, ERR_SYSTEM, "cannot start a thread: %s", strerror(rc));
        goto failed;
    }
    return p;
failed:
    prober_close(p);
    return NULL;
}

static void free_job(struct prober *p, struct prober_job *job)
{
    prober_session_free(p, job->session);
    trace_free(job->trace);
    counters_free(job->counters);
    evidence_free(job->evidence);
    events_fini(&job->events);
    hold_leave(&p->holds, job->hold);
    free(job);
}

void prober_close(struct prober *p)
{
    if (p == NULL)
        return;
    if (p->started) {
        pthread_mutex_lock(&p->lock);
        p->stop = true;
        pthread_mutex_unlock(&p->lock);
        prober_wake(p);
        pthread_join(p->thread, NULL);
    }
    for (struct prober_job *job = p->jobs, *next; job != NULL; job = next) {
        next = job->next;
        free_job(p, job);
    }
    for (struct sender *sender = p->senders, *next; sender != NULL; sender = next) {
        next = sender->next;
        egress_close(sender->egress);
        free(sender);
    }
    prober_free_searches(p);
    dues_fini(&p->dues);
    pace_free(p->pace);
    addresses_free(p->addresses);
    files_free(p->files);
    capture_close(p->capture);
    plain_close(p->plain);
    free(p->batch);
    if (p->notify_fd >= 0)
        close(p->notify_fd);
    if (p->wake_fd >= 0)
        close(p->wake_fd);
    if (p->session_poll >= 0)
        close(p->session_poll);
    pthread_cond_destroy(&p->finished);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void on_event(void *context, const struct trace_event *event)
{
    struct prober_job *job = context;

    if (job->stopped || (job->own_only && event->shared))
        return;
    counters_event(job->counters, event);
    evidence_event(job->evidence, &trace_config(job->trace)->spec, event, job->capture);
    job->prober->notify = true;
    if (job->keep_events)
        events_add(&job->events, event);
}

static int start_session(struct prober *p, struct prober_job *job,
                         const struct prober_request *request, struct err *err)
{
    if (p->plain != NULL)
        return err_set(err, ERR_PERMISSION,
                       "protocol tcp-session needs raw sockets (root or CAP_NET_RAW)");
    job->session = prober_session_new(request->port_given, request->reset, job->begun_ns);
    if (job->session == NULL)
        return err_set(err, ERR_NOMEM, "no memory for a trace");
    trace_hold(job->trace);
    return 0;
}

static int start_trace(struct prober *p, struct prober_job *job,
                       const struct prober_request *request, struct err *err)
{
    struct trace_config config = request->trace;

    job->sender = prober_sender(p, config.spec.target.version, &request->binding, err);
    const struct prober_completion completion = { &job->route, &request->binding, config.flow,
                                                  request->port_given };
    if (job->sender == NULL || files_keep(&p->files, &config.spec.file, err) < 0 ||
        prober_complete_spec(p, &config.spec, &completion, err) < 0)
        return -1;
    config.egress = if_nametoindex(job->route.interface) ^ request->binding.mark << 16;
    job->counters = counters_new(config.max_hops);
    job->evidence = evidence_new(config.max_hops);
    if (job->counters == NULL || job->evidence == NULL)
        return err_set(err, ERR_NOMEM, "no memory for a trace");
    job->evidence->extensions_only = request->figures_only;
    job->prober = p;
    job->keep_events = request->keep_events;
    job->own_only = request->own_only;
    job->mapped = request->mapped;
    job->begun_ns = prober_clock_ns();
    atomic_init(&job->polled_ns, job->begun_ns);
    job->started_ns = prober_wall_ns();
    job->first_drops = UINT64_MAX;
    config.budget = &p->budget;
    job->trace = trace_new(&config, p->pace, job->begun_ns, on_event, job, err);
    if (job->trace == NULL)
        return -1;
    return config.spec.in_session ? start_session(p, job, request, err) : 0;
}

static void enlist(struct prober *p, struct prober_job *job)
{
    const struct trace_config *config = trace_config(job->trace);

    if (config->spec.payload != PAYLOAD_PLAIN && p->plain == NULL)
        job->hold = hold_take(&p->holds, config->spec.target.version,
                              (uint16_t)(config->spec.source_port + config->flow));
    prober_enlist(p, &job->entries, (struct prober_owner){ .job = job }, &config->spec,
                  &config->flow);
    job->next = p->jobs;
    if (job->next != NULL)
        job->next->previous = job;
    p->jobs = job;
    p->count++;
    dues_set(&p->dues, &job->due, job->begun_ns);
}

struct prober_job *prober_add(struct prober *p, const struct prober_request *wanted,
                              struct err *err)
{
    struct prober_job *job = calloc(1, sizeof *job);
    struct prober_request request = *wanted;

    if (job == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a trace");
        return NULL;
    }
    request.trace.spec.source = request.source;
    request.port_given = request.trace.spec.source_port != 0;
    if (prober_find_route(&request.trace.spec, request.trace.flow, request.scope, &request.binding,
                          &job->route, err) < 0) {
        free(job);
        return NULL;
    }
    pthread_mutex_lock(&p->lock);
    if (dues_reserve(&p->dues, p->count + 1u) < 0) {
        err_set(err, ERR_NOMEM, "no memory for a trace");
        free(job);
        job = NULL;
    } else if (start_trace(p, job, &request, err) == 0) {
        enlist(p, job);
    } else {
        free_job(p, job);
        job = NULL;
    }
    pthread_mutex_unlock(&p->lock);
    prober_wake(p);
    return job;
}

static void release_spec(const struct prober *p, const struct prober_job *job)
{
    const struct trace_config *config = trace_config(job->trace);
    const struct prober_completion completion = { &job->route, &job->sender->binding, config->flow,
                                                  false };

    prober_release_spec(p, &config->spec, &completion);
}

/* Under the lock. */
static void delist(struct prober *p, struct prober_job *job)
{
    if (job->stopped)
        return;
    job->stopped = true;
    *(job->previous != NULL ? &job->previous->next : &p->jobs) = job->next;
    if (job->next != NULL)
        job->next->previous = job->previous;
    dues_remove(&p->dues, &job->due);
    prober_delist(p, &job->entries);
    release_spec(p, job);
    trace_abandon(job->trace);
    prober_end_session(p, job);
    p->ended++;
}

void prober_stop(struct prober *p, struct prober_job *job)
{
    pthread_mutex_lock(&p->lock);
    delist(p, job);
    pthread_mutex_unlock(&p->lock);
}

/* Under the lock, because the pace is updated. */
static void remove_job(struct prober *p, struct prober_job *job)
{
    delist(p, job);
    p->count--;
    free_job(p, job);
}

void prober_remove(struct prober *p, struct prober_job *job)
{
    if (job == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    remove_job(p, job);
    pthread_mutex_unlock(&p->lock);
}

/* ---- requests of the caller ---------------------------------------------------------------- */

/* Renews the lease. Returns whether the job was paused. */
static bool touch_lease(struct prober_job *job)
{
    int64_t now_ns = prober_clock_ns();
    return now_ns - atomic_exchange(&job->polled_ns, now_ns) > PROBER_LEASE_MS * MS;
}

/* Under the lock. Makes a paused job continue at once. */
static void resume(struct prober *p, struct prober_job *job)
{
    if (job->stopped)
        return;
    dues_set(&p->dues, &job->due, prober_clock_ns());
    prober_wake(p);
}

/* Under the lock. */
static bool renew(struct prober *p, struct prober_job *job)
{
    if (touch_lease(job))
        resume(p, job);
    return atomic_load(&job->done);
}

bool prober_done(struct prober *p, struct prober_job *job)
{
    if (touch_lease(job)) {
        pthread_mutex_lock(&p->lock);
        resume(p, job);
        pthread_mutex_unlock(&p->lock);
    }
    return atomic_load(&job->done);
}

bool prober_wait(struct prober *p, struct prober_job *job, int64_t wait_ns)
{
    int64_t until_ns = prober_clock_ns() + wait_ns;

    pthread_mutex_lock(&p->lock);
    bool done = renew(p, job);
    while (!done && prober_clock_ns() < until_ns) {
        int64_t turn_ns = prober_clock_ns() + PROBER_LEASE_MS * MS / 2;
        int64_t end_ns = turn_ns < until_ns ? turn_ns : until_ns;
        struct timespec end = timespec_of_ns(end_ns);
        pthread_cond_timedwait(&p->finished, &p->lock, &end);
        done = renew(p, job);
    }
    pthread_mutex_unlock(&p->lock);
    return done;
}

int64_t prober_lag_ns(const struct prober *p)
{
    return atomic_load(&p->lag_ns);
}

/* Under the lock: fills in all but the counters and the replies. */
static void report_on(const struct prober *p, const struct prober_job *job,
                      struct prober_report *out)
{
    const struct trace_config *config = trace_config(job->trace);

    *out = (struct prober_report){ .route = job->route,
                                   .mapped = job->mapped,
                                   .plain = p->plain != NULL,
                                   .done = atomic_load(&job->done),
                                   .spec = config->spec,
                                   .started_ns = job->started_ns,
                                   .packets = config->packets,
                                   .flow = config->flow,
                                   .first_hop = config->first_hop };
    if (job->first_drops != UINT64_MAX)
        out->capture_drops = p->drops - job->first_drops;
    trace_summary(job->trace, &out->summary);
    out->in_session = job->session != NULL;
    if (out->in_session)
        out->session = job->session->machine;
}

int prober_read(struct prober *p, struct prober_job *job, struct prober_report *out,
                struct err *err)
{
    pthread_mutex_lock(&p->lock);
    (void)renew(p, job);
    report_on(p, job, out);
    out->counters = counters_snapshot(job->counters);
    out->evidence = evidence_snapshot(job->evidence);
    pthread_mutex_unlock(&p->lock);
    if (out->counters == NULL || out->evidence == NULL)
        return err_set(err, ERR_NOMEM, "no memory for a result");
    return 0;
}

void prober_finish(struct prober *p, struct prober_job *job, struct prober_report *out)
{
    pthread_mutex_lock(&p->lock);
    report_on(p, job, out);
    out->counters = job->counters;
    out->evidence = job->evidence;
    job->counters = NULL;
    job->evidence = NULL;
    remove_job(p, job);
    pthread_mutex_unlock(&p->lock);
    counters_finish(out->counters);
}

void prober_events(struct prober *p, struct prober_job *job, struct events *out,
                   struct wire_spec *spec)
{
    pthread_mutex_lock(&p->lock);
    renew(p, job);
    events_take(&job->events, out);
    *spec = trace_config(job->trace)->spec;
    pthread_mutex_unlock(&p->lock);
}

/* ---- notification -------------------------------------------------------------------------- */

int prober_fd(struct prober *p, struct err *err)
{
    pthread_mutex_lock(&p->lock);
    bool is_new = p->notify_fd < 0;
    if (is_new) {
        p->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (p->notify_fd < 0)
            err_set(err, ERR_SYSTEM, "cannot open an eventfd: %s", strerror(errno));
    }
    int fd = p->notify_fd;
    pthread_mutex_unlock(&p->lock);
    if (is_new)
        prober_wake(p); /* the next turn signals earlier events */
    return fd;
}

void prober_clear(struct prober *p)
{
    uint64_t count;
    struct err err;

    (void)!read(prober_fd(p, &err), &count, sizeof count);
}

bool prober_wait_change(struct prober *p, int64_t wait_ns)
{
    struct err err;
    struct pollfd fds = { .fd = prober_fd(p, &err), .events = POLLIN };
    struct timespec timeout = timespec_of_ns(wait_ns);

    bool changed = ppoll(&fds, 1, &timeout, NULL) > 0;
    if (changed)
        prober_clear(p);
    return changed;
}

uint64_t prober_drops(struct prober *p)
{
    pthread_mutex_lock(&p->lock);
    uint64_t drops = p->drops;
    pthread_mutex_unlock(&p->lock);
    return drops;
}

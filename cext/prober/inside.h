/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the prober share; nobody else includes it. */
#ifndef MTR_PROBER_INSIDE_H
#define MTR_PROBER_INSIDE_H

#include "base/dues.h"
#include "prober/addresses.h"
#include "engine/budget.h"
#include "engine/session.h"
#include "prober/capture.h"
#include "prober/hold.h"
#include "prober/plain.h"
#include "prober/prober.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    PROBER_BUCKETS = 4096,
    PROBER_INTEREST = 65536,
    PROBER_MOST = 32768, /* traces and searches at once: half of the ICMP identifiers there are */
};

/* An egress socket, shared by the traces of one family with the same pin. */
struct sender {
    struct sender *next;
    uint8_t version;
    struct egress_binding binding;
    struct egress *egress;
};

struct prober_job;
struct prober_search;
struct prober_batch;

/* A trace or a search: the other one is NULL. */
struct prober_owner {
    struct prober_job *job;
    struct prober_search *search;
};

/* By what a packet finds its owner; see packets.c. */
struct prober_entry {
    struct prober_entry *next;
    uint32_t key;
    struct prober_owner owner;
};
struct prober_entries {
    struct prober_entry as_sent, by_secret, by_target;
    bool has_target;
    uint16_t ident;
};

/* The connection of a trace that probes inside one; see sessions.c. */
struct prober_session {
    struct session machine;
    int fd;          /* -1: none */
    bool fixed_port; /* the user chose it */
    bool reset;      /* how it is ended */
};

struct prober_job {
    struct due due; /* the first: see job_of */
    struct prober_job *next, *previous;
    struct prober_entries entries;
    struct prober *prober;
    struct trace *trace;
    struct prober_session *session; /* or NULL */
    struct counters *counters;
    struct evidence *evidence;
    const struct evidence_capture *capture; /* what is being delivered, else NULL */
    bool keep_events, own_only, mapped;
    bool stopped; /* no more in the lists; nothing happens to it any more */
    struct events events;
    struct egress_route route;
    const struct sender *sender;
    struct hold *hold;    /* of a UDP trace that asks a service, else NULL */
    int64_t started_ns;   /* CLOCK_REALTIME */
    uint64_t first_drops; /* UINT64_MAX until the first turn */
    int64_t begun_ns;
    /* Read and written without the lock, as the callers of many traces ask often: */
    _Atomic int64_t polled_ns; /* when somebody last asked about it */
    _Atomic bool done;         /* and all its events are there */
};

/* Something looked for beside the traces. */
struct prober_search {
    struct prober_search *next;
    struct prober_entries entries;
    struct search search;         /* its state is ours */
    struct wire_sources *sources; /* of its flows, or NULL */
    struct egress_route route;
    const struct sender *sender;
    int64_t polled_ns; /* when somebody last asked about it */
};

struct prober {
    pthread_mutex_t lock;
    pthread_cond_t finished; /* a job is done */
    pthread_t thread;
    bool started;
    int wake_fd;
    int session_poll;  /* epoll: of the sockets of sessions */
    uint32_t sessions; /* how many it has */
    /* the thread's alone: */
    struct capture *capture; /* NULL where `plain` is used */
    struct plain *plain;     /* NULL where raw sockets and a capture are used */
    struct prober_batch *batch;
    int64_t read_until_ns;   /* all that was captured before it has been read; never falls */
    int64_t packet_ns;       /* CLOCK_MONOTONIC when the captured packet was read */
    int64_t clock_offset_ns; /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
    uint32_t clock_epoch;
    /* under the lock: */
    bool stop;
    int notify_fd; /* -1 until somebody asks for it */
    bool notify;   /* something happened that notify_fd has not told */
    struct sender *senders;
    struct hold *holds;
    struct files *files; /* see prober/files.h */
    uint32_t count;      /* of jobs and searches that are not freed yet */
    struct prober_job *jobs;
    struct dues dues;                     /* of the jobs */
    uint8_t idents[(UINT16_MAX + 1) / 8]; /* a bit each: taken by a trace or a search */
    struct prober_entry *buckets[PROBER_BUCKETS];
    /* How many entries and addresses there are by the lower bits of their keys: changed under the
     * lock, read without. */
    _Atomic uint16_t interest[PROBER_INTEREST];
    int64_t least_lag_ns, lag_until_ns; /* of the jobs of this window; when it ends */
    _Atomic int64_t lag_ns;             /* see prober_lag_ns; read without the lock */
    struct addresses *addresses;
    uint32_t ended; /* traces that are at work no more, from 1; may wrap */
    struct prober_search *searches;
    struct pace *pace;
    struct budget budget;
    uint64_t pace_changes;
    uint64_t drops;
    int64_t drops_read_ns, now_ns;
    uint8_t packet[WIRE_PACKET_MAX];
};

/* ---- senders.c ---- */

/* CLOCK_MONOTONIC and CLOCK_REALTIME. */
int64_t prober_clock_ns(void);
int64_t prober_wall_ns(void);

/* Makes the thread take a turn at once. */
void prober_wake(const struct prober *p);

/* Under the lock: the socket for this way out, opened at its first use; NULL with *err set. */
const struct sender *prober_sender(struct prober *p, uint8_t version,
                                   const struct egress_binding *binding, struct err *err);

/* Under the lock: sends a packet that the engine has built; 0 or errno. */
int prober_send(struct prober *p, const struct sender *sender, const uint8_t *packet, size_t length,
                uint32_t scope, int64_t now_ns);

/* Becomes readable when packets have come in. */
int prober_capture_fd(const struct prober *p);
uint64_t prober_capture_drops(const struct prober *p);

/* The route of a flow, after the ports that the spec leaves open are filled in. spec->source
 * version 0: the kernel's choice, which may differ from flow to flow where this host has several
 * uplinks. */
int prober_find_route(struct wire_spec *spec, uint16_t flow, uint32_t scope,
                      const struct egress_binding *binding, struct egress_route *out,
                      struct err *err);

/* The source address of each flow where these differ, else NULL. The caller frees it. */
struct wire_sources *prober_find_sources(const struct wire_spec *spec, uint32_t scope,
                                         const struct egress_binding *binding,
                                         const struct egress_route *route);

/* What a spec is completed with. */
struct prober_completion {
    const struct egress_route *route;
    const struct egress_binding *binding;
    uint16_t flow;
    bool port_given; /* the source port is the user's choice */
};

/* Under the lock: fills in what the request leaves open, and what is random. -1 with *err set, also
 * where PROBER_MOST traces and searches are there. */
int prober_complete_spec(const struct prober *p, struct wire_spec *spec,
                         const struct prober_completion *completion, struct err *err);

/* Under the lock: a trace or search with this spec has ended. */
void prober_release_spec(const struct prober *p, const struct wire_spec *spec,
                         const struct prober_completion *completion);

/* ---- packets.c ---- */

struct prober_batch *prober_batch_new(void); /* NULL without memory; ended by free */

/* By the thread, without the lock: reads a bounded number of captured packets. True if there may be
 * more. */
bool prober_read_batch(struct prober *p);

/* The same, for what was captured while nobody wanted anything: thrown away. */
void prober_skip_stale(struct prober *p);

/* Under the lock, by the thread: hands over the batch. */
void prober_deliver(struct prober *p);

/* Under the lock: from now on the owner is found by what its packets show. `flow`: of a trace;
 * NULL: a search, which has many. */
void prober_enlist(struct prober *p, struct prober_entries *entries, struct prober_owner owner,
                   const struct wire_spec *spec, const uint16_t *flow);
void prober_delist(struct prober *p, struct prober_entries *entries);

/* Under the lock: the address is asked directly, or no more. */
void prober_expect(struct prober *p, const struct ipaddr *address, bool is_expected);

/* Under the lock: probe `number` was sent, which may move a TCP trace's sequence numbers on. */
void prober_relist(struct prober *p, struct prober_entries *entries, const struct wire_spec *spec,
                   uint32_t number);

/* ---- sessions.c ---- */

/* NULL without memory. */
struct prober_session *prober_session_new(bool fixed_port, bool reset, int64_t now_ns);
void prober_session_free(struct prober *p, struct prober_session *session); /* accepts NULL */

/* Under the lock, by the thread: hears what the sockets have to tell. */
void prober_read_sessions(struct prober *p);

/* Likewise: lets the job's session act; returns when it is due again. */
int64_t prober_step_session(struct prober *p, struct prober_job *job);

/* Under the lock: ends the connection of a job that sends no more; it may have none. */
void prober_end_session(struct prober *p, struct prober_job *job);

/* ---- searches.c, fingerprints.c ---- */

/* Under the lock, by the thread: lets the searches act; returns when they are due again. */
int64_t prober_step_searches(struct prober *p, int *sends_left);

/* Under the lock: ends them all. */
void prober_free_searches(struct prober *p);

/* Under the lock, by the thread: lets the asks act; returns when they are due again. */
int64_t prober_step_addresses(struct prober *p, int sends);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of the prober only. */
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
    PROBER_MOST = 32768, /* traces and searches at once: half of the ICMP identifiers */
};

/* An egress socket, shared by the traces of one family with the same binding. */
struct sender {
    struct sender *next;
    uint8_t version;
    struct egress_binding binding;
    struct egress *egress;
};

struct prober_job;
struct prober_search;
struct prober_batch;

/* The receiver of packets, a trace or a search; the other member is NULL. */
struct prober_owner {
    struct prober_job *job;
    struct prober_search *search;
};

/* An entry of the table that maps keys of packets to owners; see packets.c. */
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

/* The TCP connection that carries the probes of a trace; see sessions.c. */
struct prober_session {
    struct session machine;
    int fd;          /* -1: none */
    bool fixed_port; /* the user chose it */
    bool reset;      /* end the connection with RST, not with FIN */
};

struct prober_job {
    struct due due; /* the first member: see job_of */
    struct prober_job *next, *previous;
    struct prober_entries entries;
    struct prober *prober;
    struct trace *trace;
    struct prober_session *session; /* or NULL */
    struct counters *counters;
    struct evidence *evidence;
    const struct evidence_capture *capture; /* the packet being delivered, else NULL */
    bool keep_events, own_only, mapped;
    bool stopped; /* removed from all lists; its state no longer changes */
    struct events events;
    struct egress_route route;
    const struct sender *sender;
    struct hold *hold;    /* the source port of a UDP trace to a service, else NULL */
    int64_t started_ns;   /* CLOCK_REALTIME */
    uint64_t first_drops; /* UINT64_MAX until the first turn */
    int64_t begun_ns;
    /* Read and written without the lock, because callers with many traces poll often: */
    _Atomic int64_t polled_ns; /* last poll by the caller */
    _Atomic bool done;         /* all events have been emitted */
};

/* A search: multipath detection or path MTU discovery. */
struct prober_search {
    struct prober_search *next;
    struct prober_entries entries;
    struct search search;         /* owns its state */
    struct wire_sources *sources; /* of its flows, or NULL */
    struct egress_route route;
    const struct sender *sender;
    int64_t polled_ns; /* last poll by the caller */
};

struct prober {
    pthread_mutex_t lock;
    pthread_cond_t finished; /* a job is done */
    pthread_t thread;
    bool started;
    int wake_fd;
    int session_poll;  /* epoll descriptor for the sockets of sessions */
    uint32_t sessions; /* number of sockets in session_poll */
    /* used by the thread only: */
    struct capture *capture; /* NULL if `plain` is used */
    struct plain *plain;     /* NULL if raw sockets and a capture are used */
    struct prober_batch *batch;
    int64_t read_until_ns;   /* all packets captured before have been read; never falls */
    int64_t packet_ns;       /* CLOCK_MONOTONIC when the last packet was read */
    int64_t clock_offset_ns; /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
    uint32_t clock_epoch;
    /* under the lock: */
    bool stop;
    int notify_fd; /* -1 until prober_fd */
    bool notify;   /* an event has not been signalled through notify_fd yet */
    struct sender *senders;
    struct hold *holds;
    struct files *files; /* see prober/files.h */
    uint32_t count;      /* of jobs and searches, until they are freed */
    struct prober_job *jobs;
    struct dues dues;                     /* of the jobs */
    uint8_t idents[(UINT16_MAX + 1) / 8]; /* a bit per ICMP identifier: in use */
    struct prober_entry *buckets[PROBER_BUCKETS];
    /* Number of entries and addresses by the lower bits of their keys: changed under the lock, read
     * without it. */
    _Atomic uint16_t interest[PROBER_INTEREST];
    int64_t least_lag_ns, lag_until_ns; /* least lag in the current window, and its end */
    _Atomic int64_t lag_ns;             /* see prober_lag_ns; read without the lock */
    struct addresses *addresses;
    uint32_t ended; /* number of traces that have ended, plus 1; may wrap */
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

/* Under the lock: returns the socket with this binding, opened at its first use; NULL with *err set
 * on failure. */
const struct sender *prober_sender(struct prober *p, uint8_t version,
                                   const struct egress_binding *binding, struct err *err);

/* Under the lock: sends a packet that the engine has built; 0 or errno. */
int prober_send(struct prober *p, const struct sender *sender, const uint8_t *packet, size_t length,
                uint32_t scope, int64_t now_ns);

/* Returns a descriptor that is readable when packets have arrived. */
int prober_capture_fd(const struct prober *p);
uint64_t prober_capture_drops(const struct prober *p);

/* Sets the ports that the spec leaves open, then finds the route of a flow. With version 0 in
 * spec->source, the kernel chooses the source address, which may differ between flows if this host
 * has several uplinks. */
int prober_find_route(struct wire_spec *spec, uint16_t flow, uint32_t scope,
                      const struct egress_binding *binding, struct egress_route *out,
                      struct err *err);

/* Returns the source address of each flow if they differ, else NULL. The caller frees the
 * result. */
struct wire_sources *prober_find_sources(const struct wire_spec *spec, uint32_t scope,
                                         const struct egress_binding *binding,
                                         const struct egress_route *route);

/* The values for prober_complete_spec. */
struct prober_completion {
    const struct egress_route *route;
    const struct egress_binding *binding;
    uint16_t flow;
    bool port_given; /* the source port is the user's choice */
};

/* Under the lock: sets the fields that the request leaves open and the random fields. Returns -1
 * with *err set on failure, and if there are PROBER_MOST traces and searches already. */
int prober_complete_spec(const struct prober *p, struct wire_spec *spec,
                         const struct prober_completion *completion, struct err *err);

/* Under the lock: a trace or search with this spec has ended. */
void prober_release_spec(const struct prober *p, const struct wire_spec *spec,
                         const struct prober_completion *completion);

/* ---- packets.c ---- */

struct prober_batch *prober_batch_new(void); /* NULL if out of memory; freed by free */

/* On the thread, without the lock: reads a bounded number of captured packets. Returns whether
 * there may be more. */
bool prober_read_batch(struct prober *p);

/* On the thread, without the lock: discards packets captured while there was no job. */
void prober_skip_stale(struct prober *p);

/* Under the lock, on the thread: delivers the packets of the batch to their owners. */
void prober_deliver(struct prober *p);

/* Under the lock: adds entries by which packets find the owner. `flow` is the flow of a trace, NULL
 * for a search, which has many flows. */
void prober_enlist(struct prober *p, struct prober_entries *entries, struct prober_owner owner,
                   const struct wire_spec *spec, const uint16_t *flow);
void prober_delist(struct prober *p, struct prober_entries *entries);

/* Under the lock: begins or ends reading packets of an address, which gets fingerprinting
 * probes. */
void prober_expect(struct prober *p, const struct ipaddr *address, bool is_expected);

/* Under the lock: updates the key of a TCP trace, whose sequence numbers rise, after probe `number`
 * was sent. */
void prober_relist(struct prober *p, struct prober_entries *entries, const struct wire_spec *spec,
                   uint32_t number);

/* ---- sessions.c ---- */

/* Returns NULL if out of memory. */
struct prober_session *prober_session_new(bool fixed_port, bool reset, int64_t now_ns);
void prober_session_free(struct prober *p, struct prober_session *session); /* accepts NULL */

/* Under the lock, on the thread: handles the events of the sockets. */
void prober_read_sessions(struct prober *p);

/* Under the lock, on the thread: steps the job's session; returns when the session is due again. */
int64_t prober_step_session(struct prober *p, struct prober_job *job);

/* Under the lock: closes the connection, if any, of a job that sends no further probes. */
void prober_end_session(struct prober *p, struct prober_job *job);

/* ---- searches.c, fingerprints.c ---- */

/* Under the lock, on the thread: steps the searches; returns when they are due again. */
int64_t prober_step_searches(struct prober *p, int *sends_left);

/* Under the lock: ends all searches. */
void prober_free_searches(struct prober *p);

/* Under the lock, on the thread: steps fingerprinting; returns when it is due again. */
int64_t prober_step_addresses(struct prober *p, int sends);

#endif

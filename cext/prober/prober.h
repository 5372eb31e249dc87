/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the engine: one thread, one capture and a few raw sockets for all traces of the process.
 * Only the prober reads a clock. Every function may be called from any thread but the prober's own,
 * and holds the lock no longer than it takes to copy the results. */
#ifndef MTR_PROBER_PROBER_H
#define MTR_PROBER_PROBER_H

#include "prober/egress.h"
#include "engine/session.h"
#include "results/events.h"
#include "results/evidence.h"
#include "discovery/mda.h"
#include "discovery/pmtu.h"
#include "results/counters.h"

struct prober;
struct prober_job; /* one trace in a prober */

enum { PROBER_LEASE_MS = 1000 }; /* a job that is not polled for this long stops sending */

/* A trace to run. Fields with 0 are left to the prober. */
struct prober_request {
    struct trace_config trace; /* of its spec, protocol, target, tos, ports and size are read */
    struct ipaddr source;      /* version 0: the kernel's choice */
    uint32_t scope;            /* zone of a link-local target */
    struct egress_binding binding;
    bool mapped;                  /* the target was written as an IPv4-mapped address */
    bool keep_events;             /* for prober_events */
    bool port_given;              /* set by prober_add: the source port is the user's choice */
    bool own_only;                /* no probes shared by other traces, as results are merged */
    bool figures_only;            /* keep raw replies only if they have an extension */
    bool reset;                   /* spec.in_session: connections end by a reset */
    struct payload_template file; /* the template for spec.file; the caller keeps its bytes */
};

enum { REPORT_BOUNDS = 64 };

struct prober_report {
    struct wire_spec spec;
    struct egress_route route;
    struct trace_summary summary;
    int64_t started_ns; /* CLOCK_REALTIME */
    uint32_t packets;
    uint16_t flow;
    uint8_t first_hop;
    bool done, mapped;
    bool plain;             /* measured with unprivileged sockets */
    bool in_session;        /* probing inside a connection was requested: */
    struct session session; /* its state */
    bool figures_only;  /* set by the caller to get raw replies only if they have an extension */
    size_t bound_count; /* set by the caller to get counts of RTTs up to bounds */
    int64_t bounds_ns[REPORT_BOUNDS];
    uint64_t capture_drops;    /* while this trace ran */
    struct counters *counters; /* the caller frees both */
    struct evidence *evidence;
};

/* The kind of sockets that send probes and receive replies. */
enum prober_sockets {
    PROBER_AUTO,  /* PROBER_RAW if this process may open raw sockets, else PROBER_PLAIN */
    PROBER_RAW,   /* raw sockets and a capture */
    PROBER_PLAIN, /* UDP, ping and TCP sockets, which need no privileges */
};

/* Opens the capture and starts the thread; NULL with *err set on failure. */
struct prober *prober_open(enum prober_sockets sockets, struct err *err);

/* Returns whether the prober uses unprivileged sockets. */
bool prober_is_plain(const struct prober *p);

/* Returns whether an unprivileged process may send echo requests. */
bool prober_has_icmp(void);

/* Stops the thread and frees everything, jobs included; accepts NULL. */
void prober_close(struct prober *p);

/* Begins a trace; NULL with *err set on failure. */
struct prober_job *prober_add(struct prober *p, const struct prober_request *request,
                              struct err *err);
void prober_remove(struct prober *p, struct prober_job *job); /* accepts NULL */

/* Stops a job: it sends no probes, takes no replies and emits no events, but can still be read. */
void prober_stop(struct prober *p, struct prober_job *job);

/* Each of these renews the job's lease. */
bool prober_done(struct prober *p, struct prober_job *job);
bool prober_wait(struct prober *p, struct prober_job *job, int64_t wait_ns); /* true when done */
/* Ends a job and returns its current report, which takes over the job's memory instead of copying
 * it. */
void prober_finish(struct prober *p, struct prober_job *job, struct prober_report *out);

/* Returns by how much the thread lags behind its schedule: 0 unless the traces have to send more
 * probes than this host can. Does not wait for the lock. */
int64_t prober_lag_ns(const struct prober *p);
int prober_read(struct prober *p, struct prober_job *job, struct prober_report *out,
                struct err *err);

/* Adds the report of a trace to the same target on another flow; -1 with *err set if out of
 * memory. */
int prober_report_merge(struct prober_report *into, const struct prober_report *from,
                        struct err *err);

/* An address to fingerprint; see discovery/fingerprint.h. */
struct prober_fingerprint_request {
    struct ipaddr target, source; /* source version 0: the kernel's choice */
    uint32_t scope;
    struct egress_binding binding;
    uint8_t tos; /* of the trace: routing rules may use it */
    bool active;
    int64_t timeout_ns;
};

struct prober_fingerprint_replies {
    bool done;
    int sent[WIRE_PROTOCOL_COUNT]; /* probes by protocol */
    struct evidence_list list;     /* the caller frees it */
};

struct addresses_entry;

/* Sends fingerprinting probes to an address, or joins a request for the same address: each address
 * is probed once per prober. Returns NULL with *err set on failure. */
struct addresses_entry *prober_fingerprint(struct prober *p,
                                           const struct prober_fingerprint_request *request,
                                           struct err *err);
void prober_fingerprint_leave(struct prober *p, struct addresses_entry *entry);

/* Both renew the lease, as for jobs. */
bool prober_fingerprint_done(struct prober *p, struct addresses_entry *entry);
int prober_fingerprint_read(struct prober *p, struct addresses_entry *entry,
                            struct prober_fingerprint_replies *out, struct err *err);

/* Starts multipath detection. Of the request's spec, protocol, target, tos, ports and size are
 * read. Returns NULL with *err set on failure. */
struct prober_search;
struct prober_search *prober_search_paths(struct prober *p, const struct prober_request *request,
                                          const struct mda_config *config, struct err *err);
void prober_search_remove(struct prober *p, struct prober_search *search); /* accepts NULL */

/* Both renew the lease, as for jobs. The caller frees the map with flowmap_fini. */
bool prober_search_done(struct prober *p, struct prober_search *search);
int prober_search_read_paths(struct prober *p, struct prober_search *search, struct mda_report *out,
                             struct err *err);

/* Starts path MTU discovery, in the same way; `config` need not have the link's MTU. */
struct prober_search *prober_search_pmtu(struct prober *p, const struct prober_request *request,
                                         const struct pmtu_config *config, struct err *err);
void prober_search_read_pmtu(struct prober *p, struct prober_search *search,
                             struct pmtu_report *out);
void prober_search_release_pmtu(struct prober *p, struct prober_search *search);

/* Takes the events since the last call; the caller frees them. */
void prober_events(struct prober *p, struct prober_job *job, struct events *out,
                   struct wire_spec *spec);

/* Returns a descriptor for the caller's event loop that becomes readable when any trace has new
 * events; -1 with *err set on failure. The prober closes the descriptor. prober_clear makes it
 * unreadable again and must be called before the events are read, so that none is missed. */
int prober_fd(struct prober *p, struct err *err);
void prober_clear(struct prober *p);

/* Waits for new events, at most `wait_ns`, and clears the descriptor. Returns false if there are
 * none. */
bool prober_wait_change(struct prober *p, int64_t wait_ns);

/* Returns the number of packets that the capture had dropped by the last turn. */
uint64_t prober_drops(struct prober *p);

#endif

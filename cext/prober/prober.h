/* SPDX-License-Identifier: BSD-2-Clause */
/* The live shell around the engine: one thread, one capture and a few raw sockets for all traces of
 * the process. It is the only code that reads a clock. Every function may be called from any thread
 * but the prober's own; none holds the lock for longer than the copying takes. */
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

enum { PROBER_LEASE_MS = 1000 }; /* a job that is not polled for so long stops sending */

/* What is to be traced; the prober chooses what the zeros leave open. */
struct prober_request {
    struct trace_config trace; /* spec: protocol, target, tos, ports, size are read */
    struct ipaddr source;      /* version 0: the kernel's choice */
    uint32_t scope;            /* zone of a link-local target */
    struct egress_binding binding;
    bool mapped;                  /* the target was written as an IPv4-mapped address */
    bool keep_events;             /* for prober_events */
    bool port_given;              /* set by prober_add: the source port is the user's choice */
    bool own_only;                /* figures without what other traces measured: they are merged */
    bool figures_only;            /* nobody wants answers but those with extensions */
    bool reset;                   /* spec.in_session: connections end by a reset */
    struct payload_template file; /* of spec.file; its bytes are the caller's */
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
    bool plain;             /* by sockets that need no rights */
    bool in_session;        /* it was to probe inside a connection: */
    struct session session; /* what became of that */
    bool figures_only;      /* set by whoever wants no answers but those with extensions */
    size_t bound_count;     /* likewise, by whoever wants RTTs counted up to bounds */
    int64_t bounds_ns[REPORT_BOUNDS];
    uint64_t capture_drops;    /* while this trace ran */
    struct counters *counters; /* the caller frees both */
    struct evidence *evidence;
};

/* How probes leave and replies come in. */
enum prober_sockets {
    PROBER_AUTO,  /* by raw sockets where this process may, else as below */
    PROBER_RAW,   /* by raw sockets and a capture */
    PROBER_PLAIN, /* by UDP, ping and TCP sockets, which need no rights */
};

/* Opens the capture and starts the thread; NULL with *err set on failure. */
struct prober *prober_open(enum prober_sockets sockets, struct err *err);

/* Whether it uses the sockets that need no rights. */
bool prober_is_plain(const struct prober *p);

/* Whether a process without rights may send echo requests. */
bool prober_has_icmp(void);

/* Stops the thread and frees everything, jobs included; accepts NULL. */
void prober_close(struct prober *p);

/* Begins a trace; NULL with *err set on failure. */
struct prober_job *prober_add(struct prober *p, const struct prober_request *request,
                              struct err *err);
void prober_remove(struct prober *p, struct prober_job *job); /* accepts NULL */

/* Ends a job as it is: it sends, takes and tells nothing from then on, but can be read. */
void prober_stop(struct prober *p, struct prober_job *job);

/* Each of these renews the job's lease. */
bool prober_done(struct prober *p, struct prober_job *job);
bool prober_wait(struct prober *p, struct prober_job *job, int64_t wait_ns); /* true when done */
/* The report of a job as it is, which ends with that: its figures are not copied. */
void prober_finish(struct prober *p, struct prober_job *job, struct prober_report *out);

/* By how much all traces are behind their times: 0, except where they ask for more probes than this
 * host can send. Does not wait for the lock. */
int64_t prober_lag_ns(const struct prober *p);
int prober_read(struct prober *p, struct prober_job *job, struct prober_report *out,
                struct err *err);

/* Adds the figures of another flow's trace of the same target. -1 with *err set without memory. */
int prober_report_merge(struct prober_report *into, const struct prober_report *from,
                        struct err *err);

/* An address that is to get fingerprinting probes; see discovery/fingerprint.h. */
struct prober_fingerprint_request {
    struct ipaddr target, source; /* source version 0: the kernel's choice */
    uint32_t scope;
    struct egress_binding binding;
    uint8_t tos; /* of the trace: routing rules may look at it */
    bool active;
    int64_t timeout_ns;
};

struct prober_fingerprint_replies {
    bool done;
    int sent[WIRE_PROTOCOL_COUNT]; /* probes */
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

/* A search of paths: spec's protocol, target, tos, ports and size are read, and what `config` says
 * beside. NULL with *err set on failure. */
struct prober_search;
struct prober_search *prober_search_paths(struct prober *p, const struct prober_request *request,
                                          const struct mda_config *config, struct err *err);
void prober_search_remove(struct prober *p, struct prober_search *search); /* accepts NULL */

/* Both renew the lease, as for jobs. The caller ends the map by flowmap_fini. */
bool prober_search_done(struct prober *p, struct prober_search *search);
int prober_search_read_paths(struct prober *p, struct prober_search *search, struct mda_report *out,
                             struct err *err);

/* A search of the path MTU, in the same way; `config` need not know the link's. */
struct prober_search *prober_search_pmtu(struct prober *p, const struct prober_request *request,
                                         const struct pmtu_config *config, struct err *err);
void prober_search_read_pmtu(struct prober *p, struct prober_search *search,
                             struct pmtu_report *out);
void prober_search_release_pmtu(struct prober *p, struct prober_search *search);

/* Takes the events since the last call; the caller frees them. */
void prober_events(struct prober *p, struct prober_job *job, struct events *out,
                   struct wire_spec *spec);

/* A descriptor that becomes readable when any trace has something new, for the caller's own loop;
 * -1 with *err set. It stays the prober's. prober_clear makes it unreadable again, and is to be
 * called before the events are read. */
int prober_fd(struct prober *p, struct err *err);
void prober_clear(struct prober *p);

/* Waits until there is something new, at most so long; clears. False when there is nothing. */
bool prober_wait_change(struct prober *p, int64_t wait_ns);

/* Packets that the capture has dropped since it was opened, as of the last turn. */
uint64_t prober_drops(struct prober *p);

#endif

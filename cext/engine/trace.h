/* SPDX-License-Identifier: BSD-2-Clause */
/* One trace as a pure state machine: (state, now, packets in) to (probes out, events, next due
 * time). It opens nothing, reads no clock and starts no thread, so it runs the same live, in a
 * simulation and under a fuzzer. `now_ns` is from a monotonic clock; `stamp` is a kernel timestamp.
 *
 * Use: while (!trace_done(t)) { trace_reply() and trace_seen() for captured packets;
 * trace_expire(); while (trace_next()) send; wait until trace_due() }. */
#ifndef MTR_ENGINE_TRACE_H
#define MTR_ENGINE_TRACE_H

#include "base/err.h"
#include "engine/pace.h"
#include "engine/probes.h"
#include "wire/wire.h"

struct trace;
struct budget;

struct trace_config {
    struct wire_spec spec;
    uint32_t packets;    /* counted probes per hop */
    int64_t interval_ns; /* between probes of one hop; 0: automatic */
    int64_t timeout_ns;
    bool timeout_given; /* the user set timeout_ns; otherwise it is an upper bound */
    uint16_t flow;      /* of all its probes, see wire.h */
    uint32_t egress;    /* interface and mark: only traces with the same egress are compared */
    uint8_t first_hop, max_hops, max_silent;
    uint8_t known_hop;     /* hops of the path by an earlier trace of the run, or 0 */
    bool no_tests;         /* the caller knows the pace: no burst tests */
    int64_t shared_age_ns; /* outcomes of other traces count up to this age; 0: a minute */
    struct budget *budget; /* shared by all traces of the process, outlives them; NULL: no limit */
};

/* When the capture saw a packet. Stamps of different epochs cannot be subtracted: the clock was
 * adjusted between them. */
struct trace_stamp {
    int64_t ns;      /* CLOCK_REALTIME */
    uint32_t epoch;  /* rises when CLOCK_REALTIME is adjusted */
    uint32_t link;   /* interface index */
    int64_t seen_ns; /* monotonic: when the packet was read, not before the stamp; 0: unknown */
};

enum event_kind {
    EVENT_SENT,
    EVENT_REPLY,       /* the first answer, in time */
    EVENT_LATE,        /* the first answer, after the deadline */
    EVENT_DUPLICATE,   /* a further answer */
    EVENT_UNREACHABLE, /* an error from neither this hop nor the target: the probe did not arrive */
    EVENT_TIMEOUT,     /* the deadline passed; EVENT_LATE or EVENT_UNREACHABLE may follow */
    EVENT_SEND_ERROR,  /* this host did not send it */
    EVENT_HOP_CHANGED, /* another responder than before on this TTL and flow */
    EVENT_PATH_CHANGED, /* the end of the path has moved to `ttl`, 0 for unknown */
    EVENT_RATE_LIMITED, /* a rate limit: counted probes before `probe` leave the hop's sample */
    EVENT_UNTESTED,     /* unanswered probes of the hop may have met a rate limit... */
    EVENT_TESTED,       /* ...until tests have excluded it, or EVENT_RATE_LIMITED follows */
    EVENT_NO_TOKEN, /* no reply, but a router that other traces see here may have had no token */
    EVENT_SHARED_LIMIT, /* the end of the path: other targets may share its rate limit */
    EVENT_DONE,
    EVENT_KIND_COUNT
};

/* Why a hop's sample was replaced. */
struct trace_rate_limit {
    struct pace_evidence evidence; /* by this trace, or by the one that found it out */
    int64_t sample_interval_ns;    /* of the new sample; 0: a taken-over sample is left */
};

enum trace_ending { TRACE_RUNNING, TRACE_REACHED, TRACE_UNREACHABLE, TRACE_SILENT };

struct trace_event {
    enum event_kind kind;
    int64_t at_ns;  /* since the trace began */
    uint32_t probe; /* number */
    uint16_t flow;
    uint8_t ttl;
    enum probe_class class;
    int64_t rtt_ns;        /* of replies and UNREACHABLE; -1: not measured, see clock_adjustment */
    bool clock_adjustment; /* the RTT was dropped because the clock was adjusted meanwhile */
    bool from_target;      /* the responder is the target */
    bool was_error;        /* LATE, UNREACHABLE: the probe had been reported as a send error */
    bool from_elsewhere;   /* an error from neither a hop nor the target */
    bool was_unreachable;  /* LATE: the probe had been reported unreachable */
    bool late;             /* UNREACHABLE: after the deadline */
    bool during_drops;     /* TIMEOUT and later: the capture dropped packets, perhaps the reply */
    bool shared;           /* SENT, REPLY, TIMEOUT: another trace's probe to the same responder */
    struct trace_rate_limit rate_limit; /* RATE_LIMITED */
    int error; /* SEND_ERROR: errno; 0: dropped on this host after the socket took it */
    enum trace_ending ending;        /* PATH_CHANGED: REACHED, UNREACHABLE, or RUNNING for ttl 0 */
    const struct wire_packet *reply; /* of replies, UNREACHABLE, HOP_CHANGED; during the call */
};

typedef void trace_sink(void *context, const struct trace_event *event);

enum { TRACE_VANISHED = -1 }; /* not an errno: dropped on this host after the socket took it */

struct trace_summary {
    enum trace_ending ending;
    uint8_t end_type, end_code; /* ICMP; TRACE_UNREACHABLE */
    uint8_t end_ttl;            /* of the target or the unreachable; 0: neither */
    uint8_t probed_ttl;         /* highest TTL probed */
    uint32_t sent;
    int64_t started_ns;
    int64_t elapsed_ns;            /* until done, or until the last step */
    uint32_t clock_adjustments;    /* RTTs dropped because the clock was adjusted */
    uint32_t missing_tx_timestamp; /* replies without RTT: the capture did not show their probe */
    double link_rate; /* capacity of a narrow link by the RTTs, bytes a second; 0: none */
    int last_error;   /* errno of the last send error, TRACE_VANISHED, or 0: none */
};

/* NULL without memory. The sink is called from within the functions below. `pace` is shared by all
 * traces of the process and outlives them. */
struct trace *trace_new(const struct trace_config *config, struct pace *pace, int64_t now_ns,
                        trace_sink *sink, void *context, struct err *err);
void trace_free(struct trace *t); /* accepts NULL */

/* Ends the trace at once: other traces do not wait for its open probes. It can still be read, and
 * has to be freed. */
void trace_abandon(struct trace *t);

const struct trace_config *trace_config(const struct trace *t);
uint64_t trace_serial(const struct trace *t); /* see pace_serial */

/* Sets the source port of flow 0. To be called before the first probe. */
void trace_set_source_port(struct trace *t, uint16_t port);

/* Sends no probe until trace_begin_session. */
void trace_hold(struct trace *t);

/* Probes go inside this connection from now on; `rtt_ns` is the longest round trip seen in it.
 * Without numbers in `session`, probes are SYNs. */
void trace_begin_session(struct trace *t, const struct wire_session *session, int64_t rtt_ns,
                         int64_t now_ns);

/* The connection has ended. Its open probes to the target become send errors, and others replace
 * them. */
void trace_end_session(struct trace *t, int64_t now_ns);

/* The next probe to send now, registered before it is sent; false if none is due. */
bool trace_next(struct trace *t, int64_t now_ns, uint64_t capture_drops, struct wire_probe *out);

/* The kernel refused to send the probe. */
void trace_send_failed(struct trace *t, uint32_t number, int error, int64_t now_ns);

/* The capture saw a probe leave. A probe that the kernel held back gets its deadline from then on.
 * Returns the deadline, which may be earlier than the trace was due before; INT64_MAX: it has its
 * outcome; 0: it is no probe of this trace. */
int64_t trace_seen(struct trace *t, const struct wire_packet *packet, struct trace_stamp stamp);

/* The capture saw a reply. Returns false if it is none of this trace. */
bool trace_reply(struct trace *t, const struct wire_packet *packet, struct trace_stamp stamp,
                 int64_t now_ns);

/* Finishes probes that are past their deadline. Everything captured before now_ns must have been
 * given. `capture_drops`: packets that the capture has dropped so far. */
void trace_expire(struct trace *t, int64_t now_ns, uint64_t capture_drops);

/* When trace_expire or trace_next want to be called again; INT64_MAX when done. */
int64_t trace_due(const struct trace *t);

bool trace_done(const struct trace *t);

/* True if the trace shares a sample, so that it may have something to read when pace_changes has
 * risen. */
bool trace_shares(const struct trace *t);
void trace_summary(const struct trace *t, struct trace_summary *out);

/* True if `a` describes the end of both flows better than `b`: a reached target goes before any
 * other end, and among equal ends the farther one. */
bool trace_ends_better(const struct trace_summary *a, const struct trace_summary *b);

#endif

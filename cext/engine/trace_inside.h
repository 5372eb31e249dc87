/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a trace share; nobody else includes it. */
#ifndef MTR_ENGINE_TRACE_INSIDE_H
#define MTR_ENGINE_TRACE_INSIDE_H

#include "engine/hop.h"
#include "base/stats.h"
#include "engine/trace.h"

enum { TRACE_WINDOW = 6 /* TTLs probed beyond the farthest one that answered */ };

/* What the newest answered probe of a TTL shows about the end of the path. */
enum heard_kind {
    HEARD_NONE,
    HEARD_TRANSIT, /* a hop */
    HEARD_ALIAS,   /* time exceeded from the target's address: a hop behind a NAT, or the target */
    HEARD_TARGET,
    HEARD_STOP, /* an error from elsewhere: kept apart, as it is no reply of this hop */
};

struct heard {
    enum heard_kind kind;
    uint32_t number; /* of the answered probe */
    struct ipaddr responder;
    bool direct; /* not an ICMP error */
    uint8_t type, code, reply_ttl;
    int distance; /* the TTL that a probe needs to get there, by the quote */
    bool quoted;  /* there is one; else the distance may be less */
};

/* The newest reply in time, see budget_pair. */
struct paired {
    bool known;
    struct budget_mark mark; /* of its probe */
    int64_t rtt_ns;
};

struct ttl {
    struct hop hop;
    struct heard heard, stop;
    uint32_t open;               /* probes without an outcome */
    int64_t answered_ns;         /* when the newest reply came */
    int64_t best_ns;             /* the least RTT; 0: none yet */
    bool untested;               /* by the last event */
    int64_t sent_ns;             /* the newest probe */
    int64_t look_ns;             /* when to look again at what other traces saw here */
    uint8_t checks;              /* tries sent when a router that others saw here had a token */
    bool first;                  /* other traces wait for the result of its tries */
    int64_t emitted_interval_ns; /* HOP_PACED: the interval in the last event */
    int64_t held_ns; /* since when it waits for tokens of another trace's router; 0: it does not */
    bool shared_limit;    /* the event was emitted */
    int64_t slot_wait_ns; /* since when samples alone put off the token of a silent hop; 0: not */
    uint32_t slot_moves;  /* pace_moves then */
    int64_t slot_ns;      /* the token that it has chosen; 0: none */
    bool awaited;         /* a running trace saw a router here whose tests have not ended */
    struct paired paired;
};

struct trace {
    struct trace_config config;
    struct hop_rules rules;
    struct pace *pace;
    trace_sink *sink;
    void *context;
    struct probes probes;
    uint8_t farthest, horizon; /* TTLs: farthest reply; last that may be probed. They never fall. */
    uint8_t end;               /* TTL at which the path ends; 0: not known */
    enum trace_ending ending;  /* there */
    uint8_t nearest_silent;    /* TTL, at the last step; 0: all hops have replied */
    bool end_doubtful;         /* only time exceeded came from the target's address */
    bool end_by_error;         /* errors from elsewhere count as the replies of this end */
    bool target_seen;          /* the target itself has replied */
    bool shares;               /* some hop has held a shared sample */
    bool done, at_work;        /* at_work: some hop's sample is not finished */
    int64_t started_ns, stepped_ns, horizon_moved_ns, blocked_until_ns;
    uint64_t drops;        /* of the capture, at the last step */
    struct quantiles rtts; /* of the whole path, for the reply timeout */
    uint64_t p95_of;       /* number of RTTs when p95_ns was computed */
    int64_t p95_ns;
    int64_t slowest_ns; /* greatest of the hops' least RTTs */
    int64_t late_ns;    /* the greatest RTT of a late reply to a counted probe */
    int64_t grace_ns;   /* the run does not end before: replies to lost probes may be late */
    uint32_t shared;    /* probes of other traces in `probes` */
    uint32_t clock_adjustments, missing_tx_timestamp;
    int64_t stopped_ns; /* when the newest error from elsewhere came */
    int last_error;
    uint64_t limits;           /* pace_limits at the last look */
    int64_t look_ns;           /* when to look at other traces' samples again */
    int64_t ready_ns;          /* since when it only waits for other traces; 0: it does not */
    size_t prefix_place;       /* see prefixes_note */
    size_t end_place;          /* see ends_note */
    int64_t shared_limit_ns;   /* when to look for ends with the same rate limit */
    struct paired paired;      /* of the target's replies */
    bool held;                 /* no probe goes out without a connection, see trace_session.c */
    uint32_t in_doubt;         /* the newest probe to the target whose reply will not name it */
    int64_t in_doubt_ns;       /* how long its reply is waited for */
    int64_t in_doubt_until_ns; /* no other such probe goes out before this */
    uint32_t path_hashes[UINT8_MAX + 1]; /* by TTL: hash of the responder; 0: none */
    struct ttl ttls[];                   /* up to max_hops */
};

/* trace_state.c */

enum { TEST_REPLY_TIMEOUT_NS = 200000000 }; /* least time to wait for a probe of a burst */

/* Emits an event, with the time since the trace began. All events pass here. */
void trace_emit(struct trace *t, struct trace_event event, int64_t now_ns);
struct trace_event trace_about(const struct probe *p, enum event_kind kind);
/* True if the packet means that the probe did not arrive: its sender is neither a hop nor the
 * target. An error from this host's own address never came from a hop. */
bool trace_is_error_from_elsewhere(const struct trace *t, const struct wire_packet *packet);
/* True if the path ends at this TTL by errors from elsewhere. */
bool trace_ends_by_error(const struct trace *t, int ttl);
/* The newest finding about this TTL: of its hop, or of the sender of the error that ends the path
 * there. */
const struct heard *trace_heard(const struct trace *t, int ttl);
/* How long a probe is waited for; `burst`: a probe of a burst test. */
int64_t trace_reply_timeout_ns(const struct trace *t, bool burst);
/* The last TTL that gets a full sample. */
int trace_last_sampled(const struct trace *t);

/* trace_end.c: where the path ends. */

/* Updates the end of the path by a reply to the newest answered probe of its TTL. */
void trace_learn(struct trace *t, const struct probe *p, const struct wire_packet *packet,
                 bool from_target, int64_t now_ns);
/* The same for an error from elsewhere. */
void trace_learn_stop(struct trace *t, const struct probe *p, const struct wire_packet *packet,
                      int64_t now_ns);
void trace_advance_horizon(struct trace *t, int to, int64_t now_ns);

/* trace_limit.c */

/* Emits EVENT_UNTESTED or EVENT_TESTED if that has changed. */
void trace_note_untested(struct trace *t, uint8_t ttl, int64_t now_ns);
/* A test probe has its outcome. The last one of a burst decides whether the hop is
 * rate-limiting. */
void trace_tested(struct trace *t, const struct probe *p, int64_t now_ns);
/* Joins the sample of a responder that another trace found to rate-limit, so that it gets no probes
 * at the initial interval. */
void trace_join_known(struct trace *t, uint8_t ttl, int64_t now_ns);
/* Replaces the hop's sample by this one, which the hop then holds. Borrowed: the hop had no reply
 * of its own. */
void trace_rate_limit(struct trace *t, uint8_t ttl, struct pace_sample *sample, bool borrowed,
                      int64_t now_ns);
struct pace_key trace_pace_key(const struct trace *t, uint8_t ttl);
/* Emits the probes and replies of other traces in shared samples. */
void trace_read_shared(struct trace *t, int64_t now_ns);
/* Stores the outcome of a probe in the hop's shared sample. */
void trace_publish(struct trace *t, const struct probe *p, const struct trace_event *event);

/* Leaves out tests that wait for those of other traces, once these have shown enough. */
void trace_skip_tests(struct trace *t);

/* trace_borrow.c */

/* Looks, now and then, at what other traces saw at TTLs where this one got no reply; at all of
 * these TTLs if the trace is about to end. */
void trace_borrow(struct trace *t, bool ending, int64_t now_ns);
/* Notes the responder of a TTL for other traces. */
void trace_note_reply(struct trace *t, uint8_t ttl, int64_t now_ns);
/* A late reply of a hop that took over another trace's sample: confirms or refutes that. */
void trace_confirm(struct trace *t, uint8_t ttl, const struct ipaddr *responder, int64_t now_ns);
/* Notes a try at a TTL without a reply, at a time when other traces' router has a token. */
void trace_note_check(struct trace *t, uint8_t ttl, int64_t now_ns);
/* When a router that other traces saw has a token for a try of this trace; 0: no further try. */
int64_t trace_held_slot_ns(const struct trace *t, uint8_t ttl, int64_t now_ns);
/* True while the trace has to wait until other traces know whether what they saw is
 * rate-limiting. */
bool trace_awaits_others(struct trace *t, int64_t now_ns);
/* trace_shared_limit.c */

/* Notes, now and then and before the end, where the path ends by ICMP errors, and emits
 * EVENT_SHARED_LIMIT if other traces end at the same place. */
void trace_note_shared_limit(struct trace *t, bool ending, int64_t now_ns);

/* True while the trace has to wait for tests of other traces at the same place, whose losses may be
 * real. */
bool trace_awaits_shared_limit(struct trace *t, int64_t now_ns);

/* trace_session.c */

/* True if the end of the connection ends the probe, as it may have been on its way to the
 * target. */
bool trace_session_carries(const struct trace *t, const struct probe *p);
/* When the connection allows a probe of this TTL; INT64_MAX: there is no connection. */
int64_t trace_session_due(const struct trace *t, int ttl);
/* Notes that a probe is sent. */
void trace_session_sent(struct trace *t, const struct probe *p, int64_t now_ns);
/* The probe that a reply which names none belongs to; NULL: none. */
struct probe *trace_session_answered(struct trace *t, const struct wire_packet *packet,
                                     int64_t now_ns);

/* trace_budget.c */

/* When the sending rate of the process allows a probe of this TTL. */
int64_t trace_budget_due(const struct trace *t, int ttl);
/* Notes that a probe is sent. */
void trace_budget_take(struct trace *t, struct probe *p, int64_t now_ns);
/* Capacity of a link that is too narrow for bursts, bytes a second; 0: none. */
double trace_budget_link(const struct trace *t);
/* Learns from a reply in time how much its probe was delayed by those in front of it. */
void trace_budget_learn(struct trace *t, const struct probe *p, bool direct, int64_t rtt_ns);

#endif

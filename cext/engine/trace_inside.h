/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a trace share; nobody else includes it. */
#ifndef MTR_ENGINE_TRACE_INSIDE_H
#define MTR_ENGINE_TRACE_INSIDE_H

#include "engine/hop.h"
#include "base/stats.h"
#include "engine/trace.h"

enum { TRACE_WINDOW = 6 /* TTLs probed beyond the farthest one that answered */ };

/* What the newest probe of a TTL that was answered says about the end of the path. */
enum heard_kind {
    HEARD_NONE,
    HEARD_TRANSIT, /* a hop */
    HEARD_ALIAS,   /* time exceeded with the target's address: a hop beyond a NAT, or the target */
    HEARD_TARGET,
    HEARD_STOP, /* an error from elsewhere: kept apart, as it is no reply of this TTL */
};

struct heard {
    enum heard_kind kind;
    uint32_t number; /* the probe that brought it */
    struct ipaddr responder;
    bool direct; /* not by an ICMP error */
    uint8_t type, code, reply_ttl;
    int distance; /* TTL with which a probe just gets there, as the quote has it */
};

/* The newest reply in time, see budget_pair. */
struct paired {
    bool known;
    uint32_t ahead; /* bytes that waited in front of its probe */
    int64_t rtt_ns;
};

struct ttl {
    struct hop hop;
    struct heard heard, stop;
    uint32_t open;               /* probes without an outcome */
    int64_t answered_ns;         /* when the newest reply to a probe of this TTL came */
    int64_t best_ns;             /* the least RTT; 0: none yet */
    bool untested;               /* as the last event said */
    int64_t sent_ns;             /* the newest probe */
    int64_t look_ns;             /* not before this: what other traces saw here */
    uint8_t checks;              /* tries at times when a router that others saw here had a token */
    bool first;                  /* others wait for what its checks show */
    int64_t emitted_interval_ns; /* HOP_PACED: the spacing that the last event named */
    int64_t held_ns;   /* since when it waits for tokens of others' router; 0: it does not */
    bool shared_limit; /* told */
    bool awaited; /* a running trace saw one, of which it is not known whether it rate-limits */
    struct paired paired;
};

struct trace {
    struct trace_config config;
    struct hop_rules rules;
    struct pace *pace;
    trace_sink *sink;
    void *context;
    struct probes probes;
    uint8_t farthest, horizon; /* TTLs: answered; allowed to be probed: never fall */
    uint8_t end;               /* TTL at which the path ends; 0: not known */
    enum trace_ending ending;  /* there */
    bool end_doubtful;         /* only a time exceeded came from the target's address */
    bool end_by_error;         /* errors from elsewhere are the replies of this end */
    bool target_seen;          /* the target itself has replied in this run */
    bool shares;               /* some hop has held a sample of the responder's */
    bool done, at_work;        /* at_work: some hop's sample is not finished */
    int64_t started_ns, stepped_ns, horizon_moved_ns, blocked_until_ns;
    uint64_t drops;        /* by the capture, at the last step */
    struct quantiles rtts; /* of the whole path, for the reply timeout */
    uint64_t p95_of;       /* how many RTTs p95_ns is made of */
    int64_t p95_ns;
    int64_t slowest_ns; /* the least RTT of the hop whose least is the greatest */
    int64_t late_ns;    /* the greatest RTT of a late reply to a counted probe */
    int64_t grace_ns;   /* the run does not end before: a lost probe's reply may be late */
    uint32_t shared;    /* probe numbers given to other traces' probes */
    uint32_t clock_adjustments, missing_tx_timestamp;
    int64_t stopped_ns; /* when the newest error from elsewhere came */
    int last_error;
    uint64_t limits;           /* pace_limits, as far as this trace has looked */
    int64_t look_ns;           /* when it wants to look again */
    int64_t ready_ns;          /* since when it waits for other traces alone; 0: it does not */
    size_t prefix_place;       /* see prefixes_note */
    size_t end_place;          /* see ends_note */
    int64_t shared_limit_ns;   /* when it looks for rivals again */
    struct paired paired;      /* of the target's own replies */
    bool held;                 /* no probe goes out: no connection is there, see trace_session.c */
    uint32_t in_doubt;         /* the newest probe whose answer from the target has no name */
    int64_t in_doubt_ns;       /* how long that is waited for */
    int64_t in_doubt_until_ns; /* it is the only one until then */
    uint32_t path_hashes[UINT8_MAX + 1]; /* by TTL: who answered, hashed; 0: nobody */
    struct ttl ttls[];                   /* up to max_hops */
};

/* trace_state.c */

enum { TEST_REPLY_TIMEOUT_NS = 200000000 }; /* a probe of a burst is waited for at least so long */

/* Every event passes here, stamped with the time since the trace began. */
void trace_emit(struct trace *t, struct trace_event event, int64_t now_ns);
struct trace_event trace_about(const struct probe *p, enum event_kind kind);
/* Whether the packet says that the probe did not arrive: it comes from neither a hop nor the
 * target. An error with this host's own address never came from a hop. */
bool trace_is_error_from_elsewhere(const struct trace *t, const struct wire_packet *packet);
/* Whether the path ends at this TTL by errors from elsewhere. */
bool trace_ends_by_error(const struct trace *t, int ttl);
/* What was heard of this TTL: from its hop, or from who ends the path there. */
const struct heard *trace_heard(const struct trace *t, int ttl);
/* How long a probe is waited for; `burst`: one of those that test for a rate limit. */
int64_t trace_reply_timeout_ns(const struct trace *t, bool burst);
/* The last TTL that gets a full sample. */
int trace_last_sampled(const struct trace *t);

/* trace_end.c: where the path ends. */

/* Lets a reply to this TTL's newest answered probe tell where the path goes. */
void trace_learn(struct trace *t, const struct probe *p, const struct wire_packet *packet,
                 bool from_target, int64_t now_ns);
/* The same of an error from elsewhere. */
void trace_learn_stop(struct trace *t, const struct probe *p, const struct wire_packet *packet,
                      int64_t now_ns);
void trace_advance_horizon(struct trace *t, int to, int64_t now_ns);

/* trace_limit.c */

/* Emits it where the hop's sample has become untested, or is no more. */
void trace_note_untested(struct trace *t, uint8_t ttl, int64_t now_ns);
/* A test probe has its outcome, and its state: the last one decides whether the hop rate-limits. */
void trace_tested(struct trace *t, const struct probe *p, int64_t now_ns);
/* A responder that another trace knows to rate-limit is not asked at the fast pace again. */
void trace_join_known(struct trace *t, uint8_t ttl, int64_t now_ns);
/* Replaces the hop's sample by this one, which the hop then holds. Borrowed: without a reply of its
 * own. */
void trace_rate_limit(struct trace *t, uint8_t ttl, struct pace_sample *sample, bool borrowed,
                      int64_t now_ns);
struct pace_key trace_pace_key(const struct trace *t, uint8_t ttl);
/* Emits what the traces that share a sample with this one have sent and got. */
void trace_read_shared(struct trace *t, int64_t now_ns);
/* Tells the traces that share this hop's sample what became of a probe. */
void trace_publish(struct trace *t, const struct probe *p, const struct trace_event *event);

/* Tests that wait for those of other traces are left out once these have shown enough. */
void trace_skip_tests(struct trace *t);

/* trace_borrow.c */

/* Looks what other traces saw at TTLs where this one got no reply, now and then, or at all of them
 * where it is about to end. */
void trace_borrow(struct trace *t, bool ending, int64_t now_ns);
/* It got a reply. */
void trace_note_reply(struct trace *t, uint8_t ttl, int64_t now_ns);
/* A late reply to a trace that had taken another's sample over: confirms or refutes that. */
void trace_confirm(struct trace *t, uint8_t ttl, const struct ipaddr *responder, int64_t now_ns);
/* It sends a try at a TTL without a reply, at a time when others' router has a token. */
void trace_note_check(struct trace *t, uint8_t ttl, int64_t now_ns);
/* When a router that others saw has a token for this trace to ask with; 0: no more. */
int64_t trace_held_slot_ns(const struct trace *t, uint8_t ttl, int64_t now_ns);
/* True while an end would come before others know whether what they saw rate-limits. */
bool trace_awaits_others(struct trace *t, int64_t now_ns);
/* trace_shared_limit.c */

/* Notes where the path ends by ICMP errors, and tells of others that do at the same place; now and
 * then, or where it is about to end. */
void trace_note_shared_limit(struct trace *t, bool ending, int64_t now_ns);

/* True while an end would come before tests of others at the same place have shown anything: their
 * losses may be no more than loss. */
bool trace_awaits_shared_limit(struct trace *t, int64_t now_ns);

/* trace_session.c */

/* Whether the probe's answer ends with its connection: it may have been the target's. */
bool trace_session_carries(const struct trace *t, const struct probe *p);
/* When the connection lets a probe of this TTL out; INT64_MAX: there is none. */
int64_t trace_session_due(const struct trace *t, int ttl);
/* A probe goes out. */
void trace_session_sent(struct trace *t, const struct probe *p, int64_t now_ns);
/* The probe that an answer without a name belongs to; NULL: none. */
struct probe *trace_session_answered(struct trace *t, const struct wire_packet *packet,
                                     int64_t now_ns);

/* trace_budget.c */

/* When the budget of the process lets a probe of this TTL out. */
int64_t trace_budget_due(const struct trace *t, int ttl);
/* A probe goes out. */
void trace_budget_take(struct trace *t, struct probe *p, int64_t now_ns);
/* What a link too narrow for bursts bears, bytes a second; 0: none is seen. */
double trace_budget_link(const struct trace *t);
/* A reply in time shows how much a probe was delayed by those in front of it. */
void trace_budget_learn(struct trace *t, const struct probe *p, bool direct, int64_t rtt_ns);

#endif

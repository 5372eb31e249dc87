/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a trace share; nobody else includes it. */
#ifndef MTR_TRACE_INSIDE_H
#define MTR_TRACE_INSIDE_H

#include "hop.h"
#include "stats.h"
#include "trace.h"

/* What the newest probe of a TTL that was answered says about the end of the path. */
enum news_kind { NEWS_NONE, NEWS_TRANSIT, NEWS_TARGET, NEWS_STOP };

struct news {
    enum news_kind kind;
    uint32_t number; /* the probe that brought it */
    struct ipaddr responder;
    bool direct; /* not by an ICMP error */
    uint8_t type, code;
};

struct ttl {
    struct hop hop;
    struct news news;
    uint32_t open; /* probes without an outcome */
};

struct trace {
    struct trace_config config;
    struct hop_rules rules;
    struct pace *pace;
    trace_sink *sink;
    void *context;
    struct probes probes;
    uint8_t farthest, horizon; /* TTLs: answered; allowed to be probed */
    uint8_t end;               /* TTL at which the path ends; 0: not known */
    bool done, at_work;        /* at_work: some hop's sample is not finished */
    int64_t started_ns, stepped_ns, horizon_moved_ns, blocked_until_ns;
    struct quantiles rtts; /* of the whole path, for patience */
    uint64_t p95_of;       /* how many RTTs p95_ns is made of */
    int64_t p95_ns;
    uint32_t shared; /* probe numbers given to other traces' probes */
    uint32_t clock_steps, unstamped;
    int last_error;
    uint32_t way[UINT8_MAX + 1]; /* by TTL: who answered, hashed; 0: nobody */
    struct ttl ttls[];           /* up to max_hops */
};

/* trace.c: every event passes here, stamped with the time since the trace began. */
void trace_emit(struct trace *t, struct trace_event event, int64_t now_ns);
struct trace_event trace_about(const struct probe *p, enum event_kind kind);

/* trace_ration.c */

/* A test probe has its outcome: the last one decides whether the hop rations. */
void trace_tested(struct trace *t, const struct probe *p, bool answered, int64_t now_ns);
/* A responder that another trace knows to ration is not asked at the fast pace again. */
void trace_join_known(struct trace *t, uint8_t ttl, int64_t now_ns);
/* Emits what the traces that share a sample with this one have sent and got. */
void trace_read_shared(struct trace *t, int64_t now_ns);
/* Tells the traces that share this hop's sample what became of a probe. */
void trace_publish(struct trace *t, const struct probe *p, const struct trace_event *event);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* A simulated network for one trace, in virtual time: a script replies to the probes, and a log
 * keeps the events. No socket, no clock, no sleep. */
#ifndef MTR_WORLD_H
#define MTR_WORLD_H

#include "base/units.h"
#include "results/counters.h"
#include "engine/trace.h"

#define SECOND INT64_C(1000000000)

enum { WORLD_HOPS = 256 };

struct world;

/* Results of a script besides 0 (sent) and errno. WORLD_VANISHED: sent, but lost in this host. */
enum { WORLD_VANISHED = -1 };
typedef int world_script(struct world *w, const struct wire_probe *probe);

struct world_event {
    struct trace_event event; /* reply is NULL */
    struct ipaddr from;       /* of the reply */
    enum wire_kind reply_kind;
};

struct world_delivery;

struct world {
    struct trace_config config;
    struct trace *trace;
    struct counters *counters;
    struct pace *pace; /* of this trace only, made by world_new */
    int64_t now_ns;
    int64_t wall_ns; /* CLOCK_REALTIME at now_ns 0 */
    uint32_t epoch;
    uint64_t drops;    /* of the capture */
    bool not_captured; /* the capture does not see outgoing probes */
    world_script *script;
    uint64_t seed;
    /* for world_line, the default script: */
    uint8_t target_ttl;         /* 0: no target replies */
    int64_t rtt_ns[WORLD_HOPS]; /* by TTL; 0: silent. world_new sets TTL times 1 ms */
    void *context;

    struct world_event *log;
    size_t log_count, log_capacity;
    struct world_delivery *first;
    uint32_t steps; /* turns of the loop: detects a trace that never waits */
};

/* Makes a world with these defaults: ICMP over IPv4, 10 packets, 30 hops, 5 s, target at TTL 4. A
 * test may change config and script before world_begin starts the trace. */
void world_new(struct world *w);
void world_begin(struct world *w);
void world_free(struct world *w);

/* Sets protocol, addresses and sizes. */
void world_protocol(struct world *w, enum wire_protocol protocol, uint8_t version);

/* Lets time pass until `until_ns` or the trace's end. */
void world_run(struct world *w, int64_t until_ns);

/* The script of a plain path, which other scripts call for ordinary probes. */
world_script world_line;

/* The address of the router at this TTL. */
struct ipaddr world_router(const struct world *w, unsigned ttl);

/* Returns a reply to a probe as wire_parse reads it; an error quotes the whole probe. */
struct wire_packet world_packet(const struct world *w, const struct wire_probe *probe,
                                enum wire_kind kind, const struct ipaddr *from);

/* Delivers a packet to the capture after a time; `link` is its interface. A probe is captured as it
 * leaves, that late. */
void world_deliver(struct world *w, const struct wire_packet *packet, int64_t after_ns,
                   uint32_t link);
void world_answer(struct world *w, const struct wire_probe *probe, enum wire_kind kind,
                  const struct ipaddr *from, int64_t after_ns);

/* Delivers the target's reply: an echo reply, a port unreachable or a RST. */
void world_answer_target(struct world *w, const struct wire_probe *probe, int64_t after_ns);

/* Returns the number of events of this kind; ttl 0: at any TTL. */
size_t world_count(const struct world *w, enum event_kind kind, unsigned ttl);
size_t world_count_class(const struct world *w, enum event_kind kind, unsigned ttl,
                         enum probe_class class);

/* The nth such event, or NULL. */
const struct world_event *world_nth(const struct world *w, enum event_kind kind, unsigned ttl,
                                    size_t n);

#endif

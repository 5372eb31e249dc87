/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the machines share; nobody else includes it. */
#ifndef MTR_MACHINES_INSIDE_H
#define MTR_MACHINES_INSIDE_H

#include "base/units.h"
#include "fates.h"
#include "machines.h"

#include "prober/addresses.h"
#include "discovery/mda.h"
#include "engine/session.h"
#include "network.h"
#include "discovery/pmtu.h"
#include "results/counters.h"

#define SECOND INT64_C(1000000000)

enum {
    SLOTS = 4,
    QUEUE = 96,        /* packets under way; further ones are lost */
    SENDS = 64,        /* in one turn, as the prober does */
    SPINS = 100,       /* turns of a machine without any time passing */
    TURNS_MAX = 60000, /* of one machine: it never ends */
    BYTES = 2048,
    BRIEF_TURNS = 4, /* in brief runs, however much time passes */
    BRIEF_SENDS = 4,
    BRIEF_HOPS = 4,
    BRIEF_SLOTS = 2,
};

struct slot {
    enum machine kind;
    void *state;
    const struct search_ops *ops; /* of searches */
    struct counters *counters;
    struct evidence *evidence;
    struct fates fates; /* of a trace's probes */
    const struct evidence_capture *capture;
    struct machines *machines;
    struct wire_spec spec;
    struct session session; /* of traces with spec.in_session */
    bool stopped;
    uint32_t turns, spins;
    int64_t spun_ns;
};

struct flying {
    int64_t at_ns;
    uint32_t link;
    uint8_t ttl; /* of the probe that it replies to */
    struct wire_packet packet;
};

struct machines {
    struct machines_plan plan;
    struct source *source, chance;
    struct machines_counts *counts;
    struct network net;
    struct pace *pace;
    struct addresses *addresses;
    struct slot slots[SLOTS];
    struct flying queue[QUEUE];
    size_t queued;
    struct wire_packet last; /* sent */
    int64_t now_ns, wall_ns, polled_ns;
    uint32_t epoch, fingerprint_spins;
    uint8_t held_ttl; /* 0: none */
    int slot_count, sends;
    bool is_whole; /* what still runs at the end must end by itself */
    uint64_t drops;
    uint8_t raw[BYTES]; /* what is delivered was read from here */
};

/* A packet is under way from now on; lost where too many are. */
void machines_enqueue(struct machines *m, const struct flying *f);

/* ---- connect.c ---- */

void machines_begin_session(struct machines *m, struct slot *s);
int64_t machines_step_session(struct machines *m, struct slot *s); /* when it is due again */
void machines_acknowledge(struct machines *m, const struct slot *s, const struct wire_packet *own,
                          struct wire_packet *answer);

/* ---- promises.c ---- */

void machines_check(const struct machines *m);
void machines_check_pace(const struct machines *m);

/* ---- interfere.c: each takes what it needs to know from the source ---- */

void machines_drop(struct machines *m);
void machines_duplicate(struct machines *m);
void machines_delay(struct machines *m);
void machines_hold(struct machines *m);
void machines_release(struct machines *m);
void machines_change(struct machines *m);
void machines_change_clock(struct machines *m);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The probes of one trace, newest last, in a ring that grows: a reply finds its probe here. A probe
 * stays for two timeouts, so no second probe gets its index while a reply to the first can still
 * come. Pure. */
#ifndef MTR_ENGINE_PROBES_H
#define MTR_ENGINE_PROBES_H

#include "base/bound.h"
#include "base/ipaddr.h"
#include "engine/budget.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROBES_MAX = BOUND(32768, 256) }; /* at a time; half of all indexes */

enum probe_state {
    PROBE_OPEN,
    PROBE_ANSWERED,
    PROBE_TIMED_OUT,
    PROBE_LATE,        /* late reply */
    PROBE_UNREACHABLE, /* an ICMP error said that it did not arrive */
    PROBE_SEND_ERROR,
};

/* Fixed when the probe is sent: whether a probe counts does not depend on its own reply. */
enum probe_class { PROBE_COUNTED, PROBE_TEST };

/* Small fields lie together, as there are many probes. */
struct probe {
    uint32_t number;
    uint16_t flow;
    uint8_t ttl;
    enum probe_class class : 8;
    enum probe_state state : 8;
    bool during_drops;    /* timed out, and the capture dropped packets meanwhile */
    bool paid;            /* its token was taken when it was sent, not when it is answered */
    bool annulled;        /* its connection has ended: later replies to it are ignored */
    uint32_t stamp_epoch; /* of the clock; see struct trace_stamp */
    int64_t sent_ns;      /* monotonic, before it was given to the kernel */
    int64_t left_ns;      /* monotonic: its deadline counts from here, see trace_seen */
    int64_t stamp_ns;     /* kernel's, CLOCK_REALTIME; 0 until the capture has shown the probe */
    uint64_t drops;       /* of the capture, when it was sent */
    uint32_t answer_link; /* interface of the first reply */
    uint32_t bare_from;   /* hash of its first responder if that reply had no cookie, else 0 */
    uint64_t form;        /* hash of its fields if this host's own NAT rewrote them, else 0 */
    int64_t place;        /* counted: in a pace_sample, or -1; test: in its burst, see hop_take */
    struct budget_mark mark; /* bytes of this process that wait in front of it */
};
_Static_assert(sizeof(struct probe) <= 80, "there are hundreds for each trace");

struct probes {
    struct probe *ring;
    uint32_t capacity;     /* a power of two */
    uint32_t oldest, next; /* numbers: [oldest, next) are here */
    uint32_t first_open;   /* no probe below it is open */
};

/* {0} is a valid empty set. */

/* A new open probe, or NULL where memory is out or PROBES_MAX are younger than `keep_ns`. */
struct probe *probes_add(struct probes *set, int64_t now_ns, int64_t keep_ns);

/* The probe with this number; NULL if it is not kept. */
struct probe *probes_get(const struct probes *set, uint32_t number);

/* The oldest open probe that is not below `number`; NULL if there is none. */
struct probe *probes_next_open(struct probes *set, uint32_t number);

/* Removes all probes and frees their memory; numbers go on from where they are. */
void probes_forget(struct probes *set);
void probes_fini(struct probes *set);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The probes of one trace, newest last, in a ring that grows: where a reply finds its probe. A
 * probe stays for two timeouts, so an index is never given to a second probe while an answer to the
 * first may still come. Pure. */
#ifndef MTR_ENGINE_PROBES_H
#define MTR_ENGINE_PROBES_H

#include "base/bound.h"
#include "base/ipaddr.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROBES_MAX = BOUND(32768, 256) }; /* at once; half of the indexes there are */

enum probe_state {
    PROBE_OPEN,
    PROBE_ANSWERED,
    PROBE_TIMED_OUT,
    PROBE_LATE,        /* answered after its deadline */
    PROBE_UNREACHABLE, /* reported as not arrived */
    PROBE_SEND_ERROR,
};

/* Fixed when the probe is sent: its own answer never decides whether it counts. */
enum probe_class { PROBE_COUNTED, PROBE_TEST };

/* There are many: what is small lies together. */
struct probe {
    uint32_t number;
    uint16_t flow;
    uint8_t ttl;
    enum probe_class class : 8;
    enum probe_state state : 8;
    bool during_drops;    /* timed out, and the capture dropped packets meanwhile */
    bool paid;            /* its token was taken when it was sent, whatever becomes of it */
    bool annulled;        /* its connection has ended: what answers it counts no more */
    uint32_t stamp_epoch; /* of the clock; see struct trace_stamp */
    int64_t sent_ns;      /* monotonic, before it was given to the kernel */
    int64_t left_ns;      /* monotonic: from when its deadline counts, see trace_seen */
    int64_t stamp_ns;     /* kernel's, CLOCK_REALTIME; 0 until the tap has shown it */
    uint64_t drops;       /* by the capture, when it was sent */
    uint32_t answer_link; /* interface on which the first answer was seen */
    uint32_t bare_from;   /* hash of who answered it first, if without a cookie (match.h), else 0 */
    uint64_t form;  /* as the tap has shown it, where this host's own NAT rewrote it, else 0 */
    int64_t place;  /* counted: in a pace_sample, or -1; test: in its burst */
    uint32_t ahead; /* bytes of the process that wait in front of it, see budget.h */
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

/* The probe with this number; NULL if it is not here (any more). */
struct probe *probes_get(const struct probes *set, uint32_t number);

/* The oldest open probe that is not below `number`; NULL if there is none. */
struct probe *probes_next_open(struct probes *set, uint32_t number);

/* None of them is looked for any more: frees their memory, but goes on to count. */
void probes_forget(struct probes *set);
void probes_fini(struct probes *set);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Units of time. All times are nanoseconds in an int64_t, and their names end in _ns. */
#ifndef MTR_BASE_UNITS_H
#define MTR_BASE_UNITS_H

#include <stdint.h>
#include <time.h>

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define NS_PER_S 1e9

/* Interval at which each probe finds a token at most routers that rate-limit ICMP errors: they add
 * one token a second (Linux, IOS XR), and 50 ms cover differences of clocks and timer ticks. */
#define TOKEN_NS (1050 * MS)

/* Interval between two counted probes of a hop, and their number, where the user gives none. */
#define INTERVAL_USUAL_NS (100 * MS)
#define PACKETS_USUAL 10

static inline double ns_to_s(int64_t ns)
{
    return (double)ns / NS_PER_S;
}

static inline double ns_to_ms(double ns)
{
    return ns / 1e6;
}

static inline int64_t ns_of_timespec(const struct timespec *t)
{
    return (int64_t)t->tv_sec * SECOND + t->tv_nsec;
}

static inline struct timespec timespec_of_ns(int64_t ns)
{
    return (struct timespec){ .tv_sec = ns / SECOND, .tv_nsec = ns % SECOND };
}

#endif

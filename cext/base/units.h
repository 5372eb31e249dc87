/* SPDX-License-Identifier: BSD-2-Clause */
/* Units of time: all times are nanoseconds, in int64_t, and a name that ends in _ns says so. */
#ifndef MTR_BASE_UNITS_H
#define MTR_BASE_UNITS_H

#include <stdint.h>
#include <time.h>

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define NS_PER_S 1e9

/* Most routers that rate-limit ICMP errors bring one token a second (Linux, IOS XR). So far apart,
 * each probe finds one: a second, and what clocks and ticks differ by. */
#define TOKEN_NS (1050 * MS)

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

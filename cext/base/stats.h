/* SPDX-License-Identifier: BSD-2-Clause */
/* Round-trip statistics of one responder: exact mean and deviation (Welford), jitter, quantiles in
 * bounded memory. Pure. Samples are given in the order of their probes. */
#ifndef MTR_BASE_STATS_H
#define MTR_BASE_STATS_H

#include "base/bound.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATS_EXACT = BOUND(1024, 64) }; /* samples kept whole; beyond, a histogram within 0.5 % */

struct quantiles {
    int64_t *samples;  /* the first STATS_EXACT, in order of arrival; NULL once in the histogram */
    uint32_t *buckets; /* log-linear; NULL while exact */
    uint64_t count;
    size_t capacity; /* of samples */
};

struct stats {
    uint64_t count;
    double mean_ns, m2; /* Welford, TAOCP vol. 2, 4.2.2 */
    double log_sum;     /* of the RTTs in ns */
    int64_t last_ns, best_ns, worst_ns;
    uint64_t pairs;                         /* consecutive probes, both answered */
    double jitter_sum_ns;                   /* sum of |difference| over the pairs */
    double jitter_last_ns, jitter_worst_ns; /* |difference| of a pair */
    double jitter_rfc3550_ns;               /* RFC 3550, 6.4.1 */
    uint32_t last_ordinal;                  /* of the sample in last_ns */
    struct quantiles quantiles;
};

/* {0} is a valid empty struct stats. */

/* Adds the RTT of the ordinal-th probe of this flow at this TTL; ordinals rise. Differences are
 * taken between ordinals that follow each other. -1 without memory: the sample then misses in
 * quantiles. */
int stats_add(struct stats *stats, uint32_t ordinal, int64_t rtt_ns);

/* Adds what `from` has seen, as of another flow (Chan, Golub, LeVeque 1979). The exponential jitter
 * of RFC 3550 and the last sample have an order and are not defined for both together: they are
 * those of the one with more samples. -1 without memory: quantiles are then incomplete. */
int stats_merge(struct stats *into, const struct stats *from);

double stats_stdev_ns(const struct stats *stats);  /* sample deviation, n - 1; 0 for one sample */
double stats_jitter_ns(const struct stats *stats); /* mean |difference|; 0 without a pair */
double stats_gmean_ns(const struct stats *stats);  /* geometric mean; 0 without a sample */

/* Deep copy; -1 without memory (then *to is empty). */
int stats_copy(struct stats *to, const struct stats *from);
void stats_fini(struct stats *stats);

/* {0} is a valid empty struct quantiles. Negative samples count as 0. */
int quantiles_add(struct quantiles *q, int64_t sample_ns);

/* Quantile p, 0 to 1, interpolated between ranks as R's type 7; -1 when empty or without memory. */
double quantiles_get(const struct quantiles *q, double p);

/* The same of several at once, which costs little more than one. */
void quantiles_list(const struct quantiles *q, const double *p, size_t count, double *out);

/* How many samples are at most `bound_ns`: exact up to STATS_EXACT samples, then of the buckets
 * whose middle is. */
uint64_t quantiles_at_most(const struct quantiles *q, int64_t bound_ns);
void quantiles_fini(struct quantiles *q);

/* Wilson's score interval for k events in n trials at the normal quantile z (Wilson 1927). */
void stats_wilson(uint64_t k, uint64_t n, double z, double *low, double *high);

#endif

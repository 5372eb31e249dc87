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

/* Adds the RTT of the ordinal-th probe of this flow at this TTL; ordinals rise. Jitter is taken
 * between consecutive ordinals only. Returns -1 if out of memory: the sample is then missing from
 * the quantiles. */
int stats_add(struct stats *stats, uint32_t ordinal, int64_t rtt_ns);

/* Adds the samples of `from`, which are of another flow (Chan, Golub, LeVeque 1979). The jitter of
 * RFC 3550 and the last sample depend on the order of samples, which two flows do not share: those
 * of the flow with more samples are kept. Returns -1 if out of memory: the quantiles are then
 * incomplete. */
int stats_merge(struct stats *into, const struct stats *from);

double stats_stdev_ns(const struct stats *stats);  /* sample deviation, n - 1; 0 for one sample */
double stats_jitter_ns(const struct stats *stats); /* mean |difference|; 0 without a pair */
double stats_gmean_ns(const struct stats *stats);  /* geometric mean; 0 without a sample */

/* Deep copy; -1 if out of memory (then *to is empty). */
int stats_copy(struct stats *to, const struct stats *from);
void stats_fini(struct stats *stats);

/* {0} is a valid empty struct quantiles. Negative samples count as 0. */
int quantiles_add(struct quantiles *q, int64_t sample_ns);

/* Quantile p, 0 to 1, interpolated between ranks as R's type 7; -1 if empty or out of memory. */
double quantiles_get(const struct quantiles *q, double p);

/* Several quantiles at the cost of little more than one: the samples are sorted once. */
void quantiles_list(const struct quantiles *q, const double *p, size_t count, double *out);

/* Number of samples that are at most `bound_ns`: exact up to STATS_EXACT samples, then counted in
 * buckets by their middle. */
uint64_t quantiles_at_most(const struct quantiles *q, int64_t bound_ns);
void quantiles_fini(struct quantiles *q);

/* Wilson's score interval for k events in n trials at the normal quantile z (Wilson 1927). */
void stats_wilson(uint64_t k, uint64_t n, double z, double *low, double *high);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Log-linear buckets: each power of two is cut into 2^SUB_BITS equal parts, so a bucket's middle is
 * within 1/256 of every value in it. Values under 2^SUB_BITS have a bucket each. */
enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, OCTAVES = 63 - SUB_BITS, BUCKETS = SUB * (OCTAVES + 1) };

static size_t bucket_of(int64_t value)
{
    uint64_t v = (uint64_t)value;
    if (v < SUB)
        return (size_t)v;
    int octave = 63 - __builtin_clzll(v) - SUB_BITS;
    return (size_t)SUB * (size_t)octave + (size_t)(v >> octave);
}

static double bucket_middle(size_t bucket)
{
    if (bucket < 2 * SUB)
        return (double)bucket;
    size_t octave = bucket / SUB - 1;
    double width = ldexp(1.0, (int)octave);
    return (double)(bucket - SUB * octave) * width + (width - 1) / 2;
}

static int to_histogram(struct quantiles *q)
{
    q->buckets = calloc(BUCKETS, sizeof *q->buckets);
    if (q->buckets == NULL)
        return -1;
    for (size_t i = 0; i < q->count; i++)
        q->buckets[bucket_of(q->samples[i])]++;
    free(q->samples);
    q->samples = NULL;
    q->capacity = 0;
    return 0;
}

static int grow(struct quantiles *q)
{
    size_t capacity = q->capacity == 0 ? 16 : q->capacity * 2;
    int64_t *samples = realloc(q->samples, capacity * sizeof *samples);
    if (samples == NULL)
        return -1;
    q->samples = samples;
    q->capacity = capacity;
    return 0;
}

int quantiles_add(struct quantiles *q, int64_t sample_ns)
{
    if (sample_ns < 0)
        sample_ns = 0;
    if (q->buckets == NULL && q->count == STATS_EXACT && to_histogram(q) < 0)
        return -1;
    if (q->buckets != NULL) {
        q->buckets[bucket_of(sample_ns)]++;
    } else {
        if (q->count == q->capacity && grow(q) < 0)
            return -1;
        q->samples[q->count] = sample_ns;
    }
    q->count++;
    return 0;
}

static int compare_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double at_rank(const int64_t *sorted, size_t count, double rank)
{
    size_t below = (size_t)rank;
    size_t above = below + 1 < count ? below + 1 : below;
    double part = rank - (double)below;

    return (double)sorted[below] + part * (double)(sorted[above] - sorted[below]);
}

static double from_histogram(const struct quantiles *q, double rank)
{
    uint64_t seen = 0, wanted = (uint64_t)(rank + 0.5);
    for (size_t i = 0; i < BUCKETS; i++) {
        seen += q->buckets[i];
        if (seen > wanted)
            return bucket_middle(i);
    }
    return -1;
}

void quantiles_list(const struct quantiles *q, const double *p, size_t count, double *out)
{
    int64_t *sorted = NULL;

    if (q->count > 0 && q->buckets == NULL) {
        sorted = malloc(q->count * sizeof *sorted);
        if (sorted != NULL) {
            memcpy(sorted, q->samples, q->count * sizeof *sorted);
            qsort(sorted, q->count, sizeof *sorted, compare_ns);
        }
    }
    for (size_t i = 0; i < count; i++) {
        double rank = p[i] * (double)(q->count - 1);
        out[i] = -1;
        if (sorted != NULL)
            out[i] = at_rank(sorted, q->count, rank);
        else if (q->buckets != NULL)
            out[i] = from_histogram(q, rank);
    }
    free(sorted);
}

double quantiles_get(const struct quantiles *q, double p)
{
    double value;

    quantiles_list(q, &p, 1, &value);
    return value;
}

uint64_t quantiles_at_most(const struct quantiles *q, int64_t bound_ns)
{
    uint64_t count = 0;

    if (q->buckets == NULL) {
        for (size_t i = 0; i < q->count; i++)
            count += q->samples[i] <= bound_ns;
        return count;
    }
    for (size_t i = 0; i < BUCKETS && bucket_middle(i) <= (double)bound_ns; i++)
        count += q->buckets[i];
    return count;
}

void quantiles_fini(struct quantiles *q)
{
    free(q->samples);
    free(q->buckets);
    *q = (struct quantiles){ 0 };
}

static void add_jitter(struct stats *stats, int64_t rtt_ns)
{
    double difference = fabs((double)(rtt_ns - stats->last_ns));
    stats->pairs++;
    stats->jitter_sum_ns += difference;
    stats->jitter_last_ns = difference;
    stats->jitter_worst_ns = fmax(stats->jitter_worst_ns, difference);
    stats->jitter_rfc3550_ns += (difference - stats->jitter_rfc3550_ns) / 16;
}

int stats_add(struct stats *stats, uint32_t ordinal, int64_t rtt_ns)
{
    if (stats->count > 0 && ordinal == stats->last_ordinal + 1)
        add_jitter(stats, rtt_ns);
    stats->count++;
    double off = (double)rtt_ns - stats->mean_ns;
    stats->mean_ns += off / (double)stats->count;
    stats->m2 += off * ((double)rtt_ns - stats->mean_ns);
    stats->log_sum += log(fmax((double)rtt_ns, 0));
    if (stats->count == 1 || rtt_ns < stats->best_ns)
        stats->best_ns = rtt_ns;
    if (stats->count == 1 || rtt_ns > stats->worst_ns)
        stats->worst_ns = rtt_ns;
    stats->last_ns = rtt_ns;
    stats->last_ordinal = ordinal;
    return quantiles_add(&stats->quantiles, rtt_ns);
}

double stats_stdev_ns(const struct stats *stats)
{
    return stats->count < 2 ? 0 : sqrt(stats->m2 / (double)(stats->count - 1));
}

double stats_jitter_ns(const struct stats *stats)
{
    return stats->pairs == 0 ? 0 : stats->jitter_sum_ns / (double)stats->pairs;
}

double stats_gmean_ns(const struct stats *stats)
{
    return stats->count == 0 ? 0 : exp(stats->log_sum / (double)stats->count);
}

int stats_copy(struct stats *to, const struct stats *from)
{
    const struct quantiles *q = &from->quantiles;
    struct stats copy = *from;

    copy.quantiles.samples = NULL;
    copy.quantiles.buckets = NULL;
    if (q->samples != NULL) {
        copy.quantiles.samples = malloc(q->capacity * sizeof *q->samples);
        if (copy.quantiles.samples == NULL)
            goto failed;
        memcpy(copy.quantiles.samples, q->samples, q->count * sizeof *q->samples);
    }
    if (q->buckets != NULL) {
        copy.quantiles.buckets = malloc(BUCKETS * sizeof *q->buckets);
        if (copy.quantiles.buckets == NULL)
            goto failed;
        memcpy(copy.quantiles.buckets, q->buckets, BUCKETS * sizeof *q->buckets);
    }
    *to = copy;
    return 0;
failed:
    free(copy.quantiles.samples);
    *to = (struct stats){ 0 };
    return -1;
}

static int quantiles_merge(struct quantiles *into, const struct quantiles *from)
{
    int rc = 0;

    for (size_t i = 0; from->buckets == NULL && i < from->count; i++)
        rc |= quantiles_add(into, from->samples[i]);
    if (from->buckets == NULL)
        return rc;
    if (into->buckets == NULL && to_histogram(into) < 0)
        return -1;
    for (size_t i = 0; i < BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    return 0;
}

int stats_merge(struct stats *into, const struct stats *from)
{
    double n = (double)into->count, m = (double)from->count, both = n + m;
    double apart = from->mean_ns - into->mean_ns;

    if (from->count == 0)
        return 0;
    if (into->count == 0)
        return stats_copy(into, from);
    into->mean_ns += apart * m / both;
    into->m2 += from->m2 + apart * apart * n * m / both;
    if (from->count > into->count) {
        into->last_ns = from->last_ns;
        into->last_ordinal = from->last_ordinal;
        into->jitter_rfc3550_ns = from->jitter_rfc3550_ns;
        into->jitter_last_ns = from->jitter_last_ns;
    }
    if (from->jitter_worst_ns > into->jitter_worst_ns)
        into->jitter_worst_ns = from->jitter_worst_ns;
    into->log_sum += from->log_sum;
    into->count += from->count;
    into->best_ns = from->best_ns < into->best_ns ? from->best_ns : into->best_ns;
    into->worst_ns = from->worst_ns > into->worst_ns ? from->worst_ns : into->worst_ns;
    into->pairs += from->pairs;
    into->jitter_sum_ns += from->jitter_sum_ns;
    return quantiles_merge(&into->quantiles, &from->quantiles);
}

void stats_fini(struct stats *stats)
{
    quantiles_fini(&stats->quantiles);
    *stats = (struct stats){ 0 };
}

void stats_wilson(uint64_t k, uint64_t n, double z, double *low, double *high)
{
    double trials = (double)n, events = (double)k, z2 = z * z;
    double middle = (events + z2 / 2) / (trials + z2);
    double half = z / (trials + z2) * sqrt(events * (trials - events) / trials + z2 / 4);

    *low = k == 0 ? 0 : middle - half;
    *high = k == n ? 1 : middle + half;
}

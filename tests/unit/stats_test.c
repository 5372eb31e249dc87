/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics against a reference that keeps every sample and computes in two passes, in long
 * double. */
#include "check.h"
#include "base/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double exact = 1e-9;      /* relative, over 10^6 samples */
static const double histogram = 0.005; /* beyond STATS_EXACT samples */

/* ---- distributions ------------------------------------------------------------------------- */

static int64_t uniform(uint64_t *seed)
{
    return 1000000 + (int64_t)(check_share(seed) * 9e6);
}

static int64_t lognormal(uint64_t *seed)
{
    double u = check_share(seed) + 1e-18, v = check_share(seed);
    double normal = sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
    return (int64_t)(20e6 * exp(0.8 * normal));
}

/* 20 ms plus up to 4 us, for which a naive sum of squares loses precision. */
static int64_t close_together(uint64_t *seed)
{
    return INT64_C(20000000) + (int64_t)(check_random(seed) % 4000);
}

static int64_t constant(uint64_t *seed)
{
    (void)seed;
    return 20000001;
}

static int64_t two_far_values(uint64_t *seed)
{
    return check_random(seed) % 10 < 7 ? 1000 : INT64_C(4000000000);
}

static int64_t zero(uint64_t *seed)
{
    (void)seed;
    return 0;
}

static const struct distribution {
    const char *name;
    int64_t (*draw)(uint64_t *seed);
} distributions[] = {
    { "uniform", uniform },
    { "lognormal", lognormal },
    { "close_together", close_together },
    { "constant", constant },
    { "two_far_values", two_far_values },
    { "zero", zero },
};

/* ---- the reference ------------------------------------------------------------------------- */

struct sample {
    uint32_t ordinal;
    int64_t rtt_ns;
};

struct reference {
    double mean, gmean, stdev, jitter, jitter_last, jitter_worst, rfc3550;
    uint64_t pairs;
};

static struct reference refer(const struct sample *samples, size_t count)
{
    struct reference r = { 0 };
    long double sum = 0, logs = 0, squares = 0, differences = 0, j = 0;

    for (size_t i = 0; i < count; i++)
        sum += (long double)samples[i].rtt_ns;
    for (size_t i = 0; i < count; i++)
        logs += logl((long double)samples[i].rtt_ns);
    long double mean = sum / (long double)count;
    for (size_t i = 0; i < count; i++) {
        long double off = (long double)samples[i].rtt_ns - mean;
        squares += off * off;
        if (i == 0 || samples[i].ordinal != samples[i - 1].ordinal + 1)
            continue;
        long double d = fabsl((long double)(samples[i].rtt_ns - samples[i - 1].rtt_ns));
        differences += d;
        r.jitter_last = (double)d;
        r.jitter_worst = fmax(r.jitter_worst, (double)d);
        j += (d - j) / 16;
        r.pairs++;
    }
    r.mean = (double)mean;
    r.gmean = (double)expl(logs / (long double)count);
    r.stdev = count > 1 ? (double)sqrtl(squares / (long double)(count - 1)) : 0;
    r.jitter = r.pairs > 0 ? (double)(differences / (long double)r.pairs) : 0;
    r.rfc3550 = (double)j;
    return r;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t *sorted(const struct sample *samples, size_t count)
{
    int64_t *values = malloc(count * sizeof *values);

    if (values == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        values[i] = samples[i].rtt_ns;
    qsort(values, count, sizeof *values, by_size);
    return values;
}

/* R's type 7. */
static double type7(const int64_t *values, size_t count, double p)
{
    long double rank = (long double)p * (long double)(count - 1), below = floorl(rank);
    size_t i = (size_t)below, next = i + 1 < count ? i + 1 : i;
    return (double)((long double)values[i] +
                    (rank - below) * (long double)(values[next] - values[i]));
}

/* ---- comparison ---------------------------------------------------------------------------- */

/* A spread of 0 has no relative error, so it is checked to a millionth of a nanosecond. */
static void check_spread(const char *what, double got, double want)
{
    if (want == 0)
        check_that(fabs(got) < 1e-6, "%s: %.12g, expected 0", what, got);
    else
        check_near(what, got, want, exact);
}

static void check_moments(const struct stats *stats, const struct sample *samples, size_t count)
{
    struct reference r = refer(samples, count);
    int64_t *values = sorted(samples, count);

    check_int("count", (int64_t)stats->count, (int64_t)count);
    check_near("mean", stats->mean_ns, r.mean, exact);
    check_spread("geometric mean", stats_gmean_ns(stats), r.gmean);
    check_spread("last jitter", stats->jitter_last_ns, r.jitter_last);
    check_spread("worst jitter", stats->jitter_worst_ns, r.jitter_worst);
    check_spread("stdev", stats_stdev_ns(stats), r.stdev);
    check_int("pairs", (int64_t)stats->pairs, (int64_t)r.pairs);
    check_spread("jitter", stats_jitter_ns(stats), r.jitter);
    check_spread("jitter of RFC 3550", stats->jitter_rfc3550_ns, r.rfc3550);
    check_int("last", stats->last_ns, samples[count - 1].rtt_ns);
    check_int("best", stats->best_ns, values[0]);
    check_int("worst", stats->worst_ns, values[count - 1]);
    free(values);
}

static void check_quantiles(const struct stats *stats, const struct sample *samples, size_t count)
{
    static const double shares[] = { 0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1 };
    int64_t *values = sorted(samples, count);

    for (size_t i = 0; i < COUNT(shares); i++) {
        double within = count <= STATS_EXACT ? 1e-12 : histogram;
        double got = quantiles_get(&stats->quantiles, shares[i]);
        double want = type7(values, count, shares[i]);
        check_that(fabs(got - want) <= within * want, "quantile %g of %zu: %.12g, expected %.12g",
                   shares[i], count, got, want);
    }
    free(values);
}

static void test_distribution(const struct distribution *d, size_t count, unsigned missing)
{
    uint64_t seed = count + missing;
    struct sample *samples = calloc(count, sizeof *samples);
    struct stats stats = { 0 };
    uint32_t ordinal = 7;

    if (samples == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        samples[i] = (struct sample){ ordinal++, d->draw(&seed) };
        if (missing > 0 && check_random(&seed) % missing == 0)
            ordinal += 1 + (uint32_t)(check_random(&seed) % 3);
    }
    const char *gaps = missing > 0 ? "_with_gaps" : "";
    check_case("%zu_%s_samples%s_give_the_reference_figures", count, d->name, gaps);
    for (size_t i = 0; i < count; i++)
        check_int("result", stats_add(&stats, samples[i].ordinal, samples[i].rtt_ns), 0);
    check_moments(&stats, samples, count);
    check_case("%zu_%s_samples%s_give_the_reference_quantiles", count, d->name, gaps);
    check_quantiles(&stats, samples, count);
    stats_fini(&stats);
    free(samples);
}

static void test_distributions(void)
{
    static const size_t counts[] = { 1, 2, 3, 10, 1000, 1023, 1024, 1025, 5000, 1000000 };

    for (size_t d = 0; d < COUNT(distributions); d++) {
        for (size_t c = 0; c < COUNT(counts); c++) {
            if (check_quick() && counts[c] > 5000)
                continue;
            test_distribution(&distributions[d], counts[c], 0);
        }
        test_distribution(&distributions[d], 1000, 5);
        test_distribution(&distributions[d], check_quick() ? 2000 : 100000, 10);
    }
}

/* ---- by hand ------------------------------------------------------------------------------- */

static void add_all(struct stats *stats, const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        stats_add(stats, samples[i].ordinal, samples[i].rtt_ns);
}

static void test_small(void)
{
    struct stats stats = { 0 };

    check_case("no_sample_gives_zeros_and_no_quantile");
    check_near("stdev", stats_stdev_ns(&stats), 0, 0);
    check_near("jitter", stats_jitter_ns(&stats), 0, 0);
    check_near("median", quantiles_get(&stats.quantiles, 0.5), -1, 0);

    check_case("one_sample_has_no_deviation_and_no_jitter");
    stats_add(&stats, 0, 333000000);
    check_near("mean", stats.mean_ns, 333000000, 0);
    check_near("stdev", stats_stdev_ns(&stats), 0, 0);
    check_near("jitter", stats_jitter_ns(&stats), 0, 0);
    check_near("p95", quantiles_get(&stats.quantiles, 0.95), 333000000, 0);

    /* trippy's test fixture, in which the first jitter is the first RTT */
    check_case("the_first_rtt_is_no_jitter");
    stats_add(&stats, 1, 123000000);
    stats_add(&stats, 2, 123000000);
    check_near("jitter", stats_jitter_ns(&stats), 105000000, exact);
    check_near("jitter of RFC 3550", stats.jitter_rfc3550_ns, 210e6 / 16 * 15 / 16, exact);
    stats_fini(&stats);

    check_case("two_samples_have_the_deviation_of_n_minus_1");
    add_all(&stats, (const struct sample[]){ { 0, 10 }, { 1, 20 } }, 2);
    check_near("stdev", stats_stdev_ns(&stats), sqrt(50), exact);
    check_near("median", quantiles_get(&stats.quantiles, 0.5), 15, exact);
    check_near("p95", quantiles_get(&stats.quantiles, 0.95), 19.5, exact);
    stats_fini(&stats);

    check_case("a_missing_ordinal_breaks_the_pair");
    add_all(&stats, (const struct sample[]){ { 0, 10 }, { 2, 90 }, { 3, 70 }, { 7, 0 } }, 4);
    check_int("pairs", (int64_t)stats.pairs, 1);
    check_near("jitter", stats_jitter_ns(&stats), 20, exact);
    check_near("jitter of RFC 3550", stats.jitter_rfc3550_ns, 20.0 / 16, exact);
    stats_fini(&stats);

    check_case("every_second_reply_gives_no_jitter");
    add_all(&stats, (const struct sample[]){ { 1, 10 }, { 3, 90 }, { 5, 70 } }, 3);
    check_int("pairs", (int64_t)stats.pairs, 0);
    check_near("jitter", stats_jitter_ns(&stats), 0, 0);
    stats_fini(&stats);

    check_case("last_is_the_newest_and_not_the_worst");
    add_all(&stats, (const struct sample[]){ { 0, 50 }, { 1, 70 }, { 2, 60 } }, 3);
    check_int("last", stats.last_ns, 60);
    check_int("best", stats.best_ns, 50);
    check_int("worst", stats.worst_ns, 70);
    stats_fini(&stats);
}

static void test_extremes(void)
{
    struct quantiles q = { 0 };

    check_case("quantiles_of_negative_samples_are_0");
    quantiles_add(&q, -5);
    check_near("median", quantiles_get(&q, 0.5), 0, 0);
    quantiles_fini(&q);

    check_case("histogram_holds_from_0_to_the_largest_number");
    for (int i = 0; i < 2 * STATS_EXACT; i++)
        quantiles_add(&q, i % 2 == 0 ? 0 : INT64_MAX);
    check_near("smallest", quantiles_get(&q, 0), 0, 0);
    check_near("largest", quantiles_get(&q, 1), (double)INT64_MAX, histogram);
    quantiles_fini(&q);

    check_case("histogram_is_exact_below_256_ns");
    for (int i = 0; i < 2560; i++)
        quantiles_add(&q, i % 256);
    for (int i = 0; i <= 10; i++)
        check_near("quantile", quantiles_get(&q, i / 10.0), floor(floor(255.9 * i + 0.5) / 10), 0);
    check_near("largest", quantiles_get(&q, 1), 255, 0);
    quantiles_fini(&q);

    check_case("histogram_is_within_half_a_percent_at_every_power_of_two");
    for (int bit = 0; bit < 62; bit++) {
        int64_t edges[] = { INT64_C(1) << bit, (INT64_C(2) << bit) - 1, INT64_C(3) << bit >> 1 };
        for (size_t e = 0; e < COUNT(edges); e++) {
            for (int i = 0; i <= STATS_EXACT; i++)
                quantiles_add(&q, edges[e]);
            check_near("median", quantiles_get(&q, 0.5), (double)edges[e], histogram);
            quantiles_fini(&q);
        }
    }

    check_case("histogram_memory_stays_bounded");
    for (int i = 0; i < 5000; i++)
        quantiles_add(&q, i);
    check_that(q.samples == NULL && q.capacity == 0, "samples are kept beside the histogram");
    check_int("count", (int64_t)q.count, 5000);
    quantiles_fini(&q);
}

static void test_copies(void)
{
    static const size_t counts[] = { 0, 1, 100, 5000 };

    for (size_t c = 0; c < COUNT(counts); c++) {
        struct stats stats = { 0 }, copy;
        uint64_t seed = 3;

        check_case("a_copy_of_%zu_samples_is_equal_and_independent", counts[c]);
        for (size_t i = 0; i < counts[c]; i++)
            stats_add(&stats, (uint32_t)i, uniform(&seed));
        check_int("result", stats_copy(&copy, &stats), 0);
        double median = quantiles_get(&stats.quantiles, 0.5), mean = stats.mean_ns;
        check_near("median", quantiles_get(&copy.quantiles, 0.5), median, 0);
        check_near("mean", copy.mean_ns, mean, 0);
        for (size_t i = 0; i < counts[c] + 10; i++)
            stats_add(&stats, (uint32_t)(counts[c] + i), 1);
        check_near("median of the copy later", quantiles_get(&copy.quantiles, 0.5), median, 0);
        double added = quantiles_get(&stats.quantiles, 0.5);
        for (size_t i = 0; i < 2 * counts[c] + 5; i++)
            stats_add(&copy, (uint32_t)i, INT64_C(1) << 40);
        check_near("median of the original", quantiles_get(&stats.quantiles, 0.5), added, 0);
        stats_fini(&stats);
        check_int("count of the copy", (int64_t)copy.quantiles.count, (int64_t)(3 * counts[c] + 5));
        stats_fini(&copy);
    }
}

/* ---- Wilson's interval --------------------------------------------------------------------- */

static const struct wilson_row {
    uint64_t k, n;
    double z, low, high, within;
} wilson_rows[] = {
    /* in whole percent */
    { 0, 10, 1.96, 0, 0.28, 0.005 },
    { 0, 30, 1.96, 0, 0.11, 0.005 },
    { 0, 100, 1.96, 0, 0.037, 0.0005 },
    { 1, 100, 1.96, 0.002, 0.054, 0.0005 },
    { 3, 100, 1.96, 0.010, 0.085, 0.0005 },
    { 0, 300, 1.96, 0, 0.013, 0.0005 },
    { 3, 1000, 1.96, 0.001, 0.009, 0.0005 },
    /* the closed form at the edges: z^2 / (n + z^2) */
    { 0, 1, 1.96, 0, 3.8416 / 4.8416, 1e-12 },
    { 1, 1, 1.96, 1 - 3.8416 / 4.8416, 1, 1e-12 },
    { 10, 10, 1.96, 10 / 13.8416, 1, 1e-12 },
    { 5, 10, 1.96, 0.236589593615, 0.763410406385, 1e-9 },
    { 5, 10, 2.58, 0.183918455068, 0.816081544932, 1e-9 },
    { 0, 1000000000, 1.96, 0, 3.8416e-9, 1e-15 },
};

/* Reads the rows that loss_test.lua reads, too: "k n z low high", from 60-digit arithmetic. */
static void test_wilson_as_lua_has_it(void)
{
    unsigned long long k, n;
    double z, want_low, want_high, low, high;
    int rows = 0;
    FILE *file = fopen("tests/unit/wilson.txt", "r");

    check_case("wilson_is_the_same_in_c_and_lua");
    if (!check_that(file != NULL, "tests/unit/wilson.txt: not there"))
        return;
    while (fscanf(file, "%llu %llu %lf %lf %lf", &k, &n, &z, &want_low, &want_high) == 5) {
        stats_wilson(k, n, z, &low, &high);
        check_that(fabs(low - want_low) <= 1e-12 && fabs(high - want_high) <= 1e-12,
                   "%llu of %llu at %g: %.17g to %.17g", k, n, z, low, high);
        rows++;
    }
    fclose(file);
    check_int("rows", rows, 63);
}

static void test_wilson(void)
{
    test_wilson_as_lua_has_it();
    for (size_t i = 0; i < COUNT(wilson_rows); i++) {
        const struct wilson_row *row = &wilson_rows[i];
        double low, high;

        check_case("wilson_%llu_of_%llu_at_%.2f_is_as_listed", (unsigned long long)row->k,
                   (unsigned long long)row->n, row->z);
        stats_wilson(row->k, row->n, row->z, &low, &high);
        check_that(fabs(low - row->low) <= row->within, "low: %.12f, expected %.12f", low,
                   row->low);
        check_that(fabs(high - row->high) <= row->within, "high: %.12f, expected %.12f", high,
                   row->high);
    }
    check_case("wilson_holds_the_share_and_stays_within_0_and_1");
    for (uint64_t n = 1; n <= 200; n++) {
        for (uint64_t k = 0; k <= n; k++) {
            double low, high, share = (double)k / (double)n;
            stats_wilson(k, n, 1.96, &low, &high);
            check_that(low >= 0 && low <= share && share <= high && high <= 1,
                       "%llu of %llu: %.17g to %.17g", (unsigned long long)k, (unsigned long long)n,
                       low, high);
        }
    }
}

/* ---- merged flows -------------------------------------------------------------------------- */

/* Adds the samples of two flows separately, merges them, and compares with one reference. */
static void test_merge(const struct distribution *d, size_t first, size_t second)
{
    size_t count = first + second;
    uint64_t seed = count;
    struct sample *samples = calloc(count + 1, sizeof *samples);
    struct stats into = { 0 }, from = { 0 };

    if (samples == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        samples[i] = (struct sample){ (uint32_t)i, d->draw(&seed) };
    check_case("%zu_and_%zu_%s_samples_merge_into_the_reference_figures", first, second, d->name);
    add_all(&into, samples, first);
    add_all(&from, samples + first, second);
    double jitter = into.jitter_sum_ns + from.jitter_sum_ns;
    uint64_t pairs = into.pairs + from.pairs;
    check_int("result", stats_merge(&into, &from), 0);
    struct reference r = refer(samples, count);
    int64_t *values = sorted(samples, count);
    check_int("count", (int64_t)into.count, (int64_t)count);
    check_near("mean", into.mean_ns, r.mean, exact);
    check_spread("stdev", stats_stdev_ns(&into), r.stdev);
    check_near("jitter", stats_jitter_ns(&into), pairs > 0 ? jitter / (double)pairs : 0, exact);
    check_int("best", into.best_ns, values[0]);
    check_int("worst", into.worst_ns, values[count - 1]);
    check_quantiles(&into, samples, count);
    free(values);
    stats_fini(&into);
    stats_fini(&from);
    free(samples);
}

static void test_merges(void)
{
    static const size_t counts[][2] = { { 1, 1 },     { 10, 0 },    { 0, 10 },    { 10, 30 },
                                        { 600, 600 }, { 2000, 10 }, { 10, 2000 }, { 2000, 3000 } };

    for (size_t d = 0; d < COUNT(distributions); d++)
        for (size_t c = 0; c < COUNT(counts); c++)
            test_merge(&distributions[d], counts[c][0], counts[c][1]);
}

int main(void)
{
    test_small();
    test_distributions();
    test_merges();
    test_extremes();
    test_copies();
    test_wilson();
    return check_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases of a C test program in the protocol of tests/run: check_case() opens one, the checks after
 * it belong to it, and the first that fails is its "why". Linked into every test program. */
#ifndef MTR_CHECK_H
#define MTR_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Begins a case named situation_and_outcome, and prints the result of the previous one. */
void check_case(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sets a prefix for every "why" of this case, e.g. the seed of a random input. */
void check_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `what` names the value; both values are printed if they differ. Each returns whether it holds. */
bool check_that(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool check_int(const char *what, int64_t got, int64_t want);
bool check_text(const char *what, const char *got, const char *want);
bool check_bytes(const char *what, const void *got, const void *want, size_t length);
/* |got - want| <= relative * |want| */
bool check_near(const char *what, double got, double want, double relative);

/* Prints the last case; returns the program's exit status. */
int check_done(void);

/* True if the run should be short (under valgrind). */
bool check_quick(void);

/* Reproducible random numbers: splitmix64 over *seed, as an integer or as a share from 0 to 1. */
uint64_t check_random(uint64_t *seed);
double check_share(uint64_t *seed);

#endif

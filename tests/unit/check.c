/* SPDX-License-Identifier: BSD-2-Clause */
#include "check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char name[128], note[64], why[512];
    bool open, failed;
    int failures;
} current;

static void close_case(void)
{
    if (!current.open)
        return;
    if (current.failed)
        printf("not ok %s - %s\n", current.name, current.why);
    else
        printf("ok %s\n", current.name);
    fflush(stdout); /* a sanitizer may end the process at any time */
    current.failures += current.failed;
    current.open = current.failed = false;
}

void check_case(const char *format, ...)
{
    va_list args;

    close_case();
    va_start(args, format);
    vsnprintf(current.name, sizeof current.name, format, args);
    va_end(args);
    current.note[0] = '\0';
    current.open = true;
}

void check_note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(current.note, sizeof current.note, format, args);
    va_end(args);
}

bool check_that(bool holds, const char *format, ...)
{
    if (!current.open) {
        fprintf(stderr, "a check outside a case\n");
        abort();
    }
    if (!holds && !current.failed) {
        int noted = snprintf(current.why, sizeof current.why, "%s", current.note);
        va_list args;
        va_start(args, format);
        vsnprintf(current.why + noted, sizeof current.why - (size_t)noted, format, args);
        va_end(args);
        current.failed = true;
    }
    return holds;
}

bool check_int(const char *what, int64_t got, int64_t want)
{
    return check_that(got == want, "%s: %" PRId64 ", expected %" PRId64, what, got, want);
}

bool check_text(const char *what, const char *got, const char *want)
{
    return check_that(strcmp(got, want) == 0, "%s: '%s', expected '%s'", what, got, want);
}

bool check_bytes(const char *what, const void *got, const void *want, size_t length)
{
    const uint8_t *g = got, *w = want;

    for (size_t i = 0; i < length; i++)
        if (g[i] != w[i])
            return check_that(false, "%s: byte %zu is %02x, expected %02x", what, i, g[i], w[i]);
    return true;
}

bool check_near(const char *what, double got, double want, double relative)
{
    /* written so that NaN fails */
    bool near = fabs(got - want) <= relative * fabs(want);
    return check_that(near, "%s: %.12g, expected %.12g within %g", what, got, want, relative);
}

int check_done(void)
{
    close_case();
    return current.failures > 0;
}

bool check_quick(void)
{
    return getenv("TEST_QUICK") != NULL;
}

uint64_t check_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

double check_share(uint64_t *seed)
{
    return (double)(check_random(seed) >> 11) / (double)(UINT64_C(1) << 53);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PLACES = 6, UNITS = 1000000 /* 10 to the power of PLACES */ };

/* Below 1e6, the rounding error of `value * UNITS` is less than a thousandth, so only a remainder
 * that close to one half may be rounded the wrong way. */
static const double plain_below = 1e6;
static const double doubtful = 1e-3;

/* Writes a count right-aligned before `end`, with at least `least` digits; returns the first. */
static char *write_digits(char *end, uint64_t count, int least)
{
    for (; count > 0 || least > 0; least--) {
        *--end = (char)('0' + count % 10);
        count /= 10;
    }
    return end;
}

/* Writes a number given in units of the last decimal place. */
static size_t write_units(char *text, bool negative, uint64_t units)
{
    char digits[24], *end = digits + sizeof digits, *at;
    int places = PLACES;
    size_t length = 0;

    for (; places > 0 && units % 10 == 0; places--)
        units /= 10;
    at = write_digits(end, units, places + 1);
    if (negative)
        text[length++] = '-';
    while (at < end) {
        if (end - at == places)
            text[length++] = '.';
        text[length++] = *at++;
    }
    return length;
}

/* Lets printf round, then removes the trailing zeros: exact for every double, but slow. */
static size_t write_any(char text[DECIMAL_TEXT], double value)
{
    size_t length = (size_t)snprintf(text, DECIMAL_TEXT, "%.*f", PLACES, value);

    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    return length;
}

size_t decimal_write(char text[DECIMAL_TEXT], double value)
{
    double units = fabs(value) * UNITS;

    if (!isfinite(value))
        return 0;
    if (fabs(value) < plain_below) {
        uint64_t whole = (uint64_t)units;
        double rest = units - (double)whole;
        if (fabs(rest - 0.5) > doubtful) { /* otherwise printf rounds the exact value */
            whole += rest > 0.5;
            return write_units(text, value < 0 && whole > 0, whole);
        }
    }
    return write_any(text, value);
}

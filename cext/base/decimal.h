/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as the JSON, XML and CSV reports write them. Pure. */
#ifndef MTR_BASE_DECIMAL_H
#define MTR_BASE_DECIMAL_H

#include <stddef.h>

enum { DECIMAL_TEXT = 320 }; /* room for any double */

/* Writes plain decimals: at most six places, rounded as printf does, no exponent, no trailing
 * zeros. Returns the length, or 0 for NaN and infinities. Adds no terminator. */
size_t decimal_write(char text[DECIMAL_TEXT], double value);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets as they were captured in the labs of tests/net. */
#ifndef MTR_LABS_H
#define MTR_LABS_H

#include "source.h"

enum { LAB_BYTES = 256 };

/* One of them, with up to three bytes changed and its end cut off, as the source wants it, and its
 * checksums made right again or not. Returns its length. */
size_t lab_choose(struct source *source, uint8_t bytes[LAB_BYTES]);

#endif

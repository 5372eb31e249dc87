/* SPDX-License-Identifier: BSD-2-Clause */
/* Which probe of a trace an identity belongs to: every field must fit (DESIGN.md, section 4).
 * Pure. */
#ifndef MTR_MATCH_H
#define MTR_MATCH_H

#include "probes.h"
#include "wire.h"

/* The probe that the identity fits in every field, or NULL. */
struct probe *match_probe(const struct probes *probes, const struct wire_spec *spec,
                          const struct wire_ids *ids);

#endif

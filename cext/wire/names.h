/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the answers a probe can get, for people. */
#ifndef MTR_WIRE_NAMES_H
#define MTR_WIRE_NAMES_H

#include "wire/wire.h"

/* E.g. "host unreachable"; never NULL. `version` is the responder's, 4 or 6. */
const char *icmpname(uint8_t version, enum wire_kind kind, uint8_t type, uint8_t code);

#endif

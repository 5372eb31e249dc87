/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of protocols and of kinds of reply: one for output that programs read, one for people. */
#ifndef MTR_WIRE_NAMES_H
#define MTR_WIRE_NAMES_H

#include "wire/wire.h"

/* Returns a name for people, e.g. "host unreachable"; never NULL. `version` is the responder's. */
const char *icmpname(uint8_t version, enum wire_kind kind, uint8_t type, uint8_t code);

/* Names for programs, such as "icmp" and "echo-reply". Both lists end with NULL. */
enum { WIRE_TCP_SESSION = WIRE_PROTOCOL_COUNT }; /* TCP inside a connection has its own name */
extern const char *const wire_protocol_names[WIRE_TCP_SESSION + 2];
extern const char *const wire_kind_names[WIRE_KIND_COUNT + 1];

#endif

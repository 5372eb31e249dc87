/* SPDX-License-Identifier: BSD-2-Clause */
/* What a router adds behind the quote of an ICMP error: RFC 4884 structures with MPLS label stacks
 * (RFC 4950) and interface information (RFC 5837). Pure; nothing is copied: results point into the
 * caller's bytes. Objects that say more or less than they should are skipped, never guessed. */
#ifndef MTR_WIRE_ICMPEXT_H
#define MTR_WIRE_ICMPEXT_H

#include "base/cursor.h"
#include "base/ipaddr.h"

enum icmpext_checksum {
    ICMPEXT_NO_CHECKSUM, /* the router left it out, as it may */
    ICMPEXT_RIGHT,
    ICMPEXT_WRONG,
};

/* An extension structure, its 4-byte header included. */
struct icmpext {
    const uint8_t *bytes; /* NULL: there is none */
    size_t length;
    size_t quote_length; /* bytes of the quote and its padding in front of it */
    bool compliant;      /* the header of the error names its place; else found at byte 128 */
    enum icmpext_checksum checksum;
};

/* What `type` and the second word of the error's header, `rest`, say about its body, which begins
 * with the quote. A result without bytes where there is no extension. */
struct icmpext icmpext_find(uint8_t version, uint8_t type, uint32_t rest, const uint8_t *body,
                            size_t length);

/* The same of bytes that icmpext_find has found before: its checksum is looked at again. */
enum icmpext_checksum icmpext_check(const uint8_t *bytes, size_t length);

enum { ICMPEXT_MPLS = 1, ICMPEXT_INTERFACE = 2 }; /* classes that are known */
enum { ICMPEXT_NAME_MAX = 63 };

struct icmpext_object {
    uint8_t class, type;
    const uint8_t *bytes; /* behind the object's header */
    size_t length;
};

/* A cursor over the objects of a structure. */
struct cur icmpext_objects(const uint8_t *bytes, size_t length);

/* The next object; false at the end and at the first that cannot be one. */
bool icmpext_next(struct cur *objects, struct icmpext_object *out);

struct icmpext_label {
    uint32_t label;
    uint8_t tc, ttl;
    bool bottom;
};

/* True for an incoming label stack; its entries then lie 4 bytes apart. */
bool icmpext_is_stack(const struct icmpext_object *object);
struct icmpext_label icmpext_label(const struct icmpext_object *object, size_t n);

enum icmpext_role {
    ICMPEXT_INCOMING,
    ICMPEXT_SUB_IP,
    ICMPEXT_OUTGOING,
    ICMPEXT_NEXT_HOP,
};

struct icmpext_interface {
    enum icmpext_role role;
    bool has_index, has_mtu;
    uint32_t index, mtu;
    struct ipaddr address; /* version 0: not told */
    char name[ICMPEXT_NAME_MAX + 1];
};

/* Reads interface information; false if the object is none or contradicts itself. */
bool icmpext_interface(const struct icmpext_object *object, struct icmpext_interface *out);

#endif

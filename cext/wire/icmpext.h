/* SPDX-License-Identifier: BSD-2-Clause */
/* The extension structure that a router adds after the quote of an ICMP error (RFC 4884), with MPLS
 * label stacks (RFC 4950) and interface information (RFC 5837). Objects with missing or surplus
 * bytes are skipped. Pure. Nothing is copied: results point into the caller's bytes. */
#ifndef MTR_WIRE_ICMPEXT_H
#define MTR_WIRE_ICMPEXT_H

#include "base/cursor.h"
#include "base/ipaddr.h"

enum icmpext_checksum {
    ICMPEXT_NO_CHECKSUM, /* 0: RFC 4884 section 7 permits routers to send none */
    ICMPEXT_RIGHT,
    ICMPEXT_WRONG,
};

/* An extension structure, its 4-byte header included. */
struct icmpext {
    const uint8_t *bytes; /* NULL: there is none */
    size_t length;
    size_t quote_length; /* bytes before the structure: the quote and its padding */
    bool compliant;      /* the error's header states its offset; false: found at byte 128 */
    enum icmpext_checksum checksum;
};

/* Finds the structure in `body`, the bytes after the 8-byte header of an ICMP error with this type.
 * `rest` is the second word of that header. `bytes` of the result is NULL if there is none. */
struct icmpext icmpext_find(uint8_t version, uint8_t type, uint32_t rest, const uint8_t *body,
                            size_t length);

/* Checks the checksum of a structure that icmpext_find returned. */
enum icmpext_checksum icmpext_check(const uint8_t *bytes, size_t length);

enum { ICMPEXT_MPLS = 1, ICMPEXT_INTERFACE = 2 }; /* IANA: ICMP Extension Object Classes */
enum { ICMPEXT_NAME_MAX = 63 };

struct icmpext_object {
    uint8_t class, type;
    const uint8_t *bytes; /* after the object's header */
    size_t length;
};

/* A cursor over the objects of a structure. */
struct cur icmpext_objects(const uint8_t *bytes, size_t length);

/* Reads the next object; false at the end and at bytes that are no object. */
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
    struct ipaddr address; /* version 0: not stated */
    char name[ICMPEXT_NAME_MAX + 1];
};

/* Reads interface information; false if the object is of another class or contradicts itself. */
bool icmpext_interface(const struct icmpext_object *object, struct icmpext_interface *out);

#endif

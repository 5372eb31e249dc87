/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/icmpext.h"

#include <string.h>

enum { HEADER = 4, OBJECT_HEADER = 4, LABEL = 4 };
/* RFC 4884 sections 3 and 5: a quote before an extension has at least 128 bytes, and exactly 128
 * where an old router does not state its length. */
enum { LEAST_AT = 128 };
enum { VERSION = 2 };

/* RFC 4884 section 4: the errors that may carry a structure, and their length fields. */
static const struct {
    uint8_t version, type;
    uint8_t shift; /* of the length in the second word of the header */
    uint8_t unit;  /* of the length, in bytes */
} carriers[] = {
    { 4, 3, 16, 4 }, { 4, 11, 16, 4 }, { 4, 12, 16, 4 }, { 6, 1, 24, 8 }, { 6, 3, 24, 8 },
};
enum { CARRIERS = sizeof carriers / sizeof *carriers };

enum icmpext_checksum icmpext_check(const uint8_t *bytes, size_t length)
{
    struct cur c = cur_over(bytes, length);
    uint32_t sum = 0;

    if (length < HEADER || (bytes[2] == 0 && bytes[3] == 0))
        return ICMPEXT_NO_CHECKSUM;
    while (cur_left(&c) >= 2)
        sum += cur_u16be(&c);
    if (cur_left(&c) == 1)
        sum += (uint32_t)cur_u8(&c) << 8;
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return sum == 0xffff ? ICMPEXT_RIGHT : ICMPEXT_WRONG;
}

/* Checks the version and the room for an object. Some routers put the version into the low half of
 * the byte. */
static bool looks_right(const uint8_t *bytes, size_t length)
{
    return length >= HEADER + OBJECT_HEADER && (bytes[0] >> 4 == VERSION || bytes[0] == VERSION);
}

/* Quoted bytes may look like a header by chance. Without a checksum, all bytes must therefore
 * divide into objects. */
static bool is_proved(const uint8_t *bytes, size_t length)
{
    enum icmpext_checksum checksum = icmpext_check(bytes, length);
    struct cur objects = icmpext_objects(bytes, length);
    struct icmpext_object object;

    if (checksum != ICMPEXT_NO_CHECKSUM)
        return checksum == ICMPEXT_RIGHT;
    while (icmpext_next(&objects, &object))
        continue;
    return objects.ok && cur_left(&objects) == 0;
}

/* Returns the offset of the structure, 0 if there is none. `at` is the offset that the header's
 * length field states. Where the field is missing or wrong (other unit, padding not counted), the
 * structure is searched at byte 128, as in implementations older than RFC 4884. A damaged structure
 * is reported at the stated offset only. */
static size_t find_start(const uint8_t *body, size_t length, size_t at)
{
    bool is_there = at > 0 && at < length && looks_right(body + at, length - at);
    bool is_old = LEAST_AT < length && looks_right(body + LEAST_AT, length - LEAST_AT);

    if (is_there && is_proved(body + at, length - at))
        return at;
    if (is_old && is_proved(body + LEAST_AT, length - LEAST_AT))
        return LEAST_AT;
    bool is_damaged = is_there && icmpext_check(body + at, length - at) == ICMPEXT_WRONG;
    return is_damaged && at >= LEAST_AT ? at : 0;
}

struct icmpext icmpext_find(uint8_t version, uint8_t type, uint32_t rest, const uint8_t *body,
                            size_t length)
{
    struct icmpext found = { .quote_length = length };
    size_t row = 0;

    while (row < CARRIERS && (carriers[row].version != version || carriers[row].type != type))
        row++;
    if (row == CARRIERS)
        return found;
    size_t stated = (rest >> carriers[row].shift & 0xff) * carriers[row].unit;
    size_t at = find_start(body, length, stated);
    if (at == 0)
        return found;
    return (struct icmpext){ .bytes = body + at,
                             .length = length - at,
                             .quote_length = at,
                             .compliant = at == stated,
                             .checksum = icmpext_check(body + at, length - at) };
}

struct cur icmpext_objects(const uint8_t *bytes, size_t length)
{
    struct cur objects = cur_over(bytes, length);

    cur_take(&objects, HEADER);
    return objects;
}

bool icmpext_next(struct cur *objects, struct icmpext_object *out)
{
    if (cur_left(objects) == 0)
        return false;
    uint16_t length = cur_u16be(objects);
    struct icmpext_object object = { .class = cur_u8(objects), .type = cur_u8(objects) };
    if (length < OBJECT_HEADER)
        objects->ok = false;
    object.length = objects->ok ? (size_t)length - OBJECT_HEADER : 0;
    object.bytes = cur_take(objects, object.length);
    if (!objects->ok)
        return false;
    *out = object;
    return true;
}

/* ---- label stacks -------------------------------------------------------------------------- */

bool icmpext_is_stack(const struct icmpext_object *object)
{
    return object->class == ICMPEXT_MPLS && object->type == 1 && object->length > 0 &&
           object->length % LABEL == 0;
}

struct icmpext_label icmpext_label(const struct icmpext_object *object, size_t n)
{
    struct cur c = cur_over(object->bytes, object->length);

    cur_take(&c, n * LABEL);
    uint32_t word = cur_u32be(&c);
    return (struct icmpext_label){ .label = word >> 12,
                                   .tc = word >> 9 & 7,
                                   .bottom = (word >> 8 & 1) != 0,
                                   .ttl = (uint8_t)word };
}

/* ---- interfaces ---------------------------------------------------------------------------- */

enum { HAS_INDEX = 0x08, HAS_ADDRESS = 0x04, HAS_NAME = 0x02, HAS_MTU = 0x01 };
enum { AFI_IP4 = 1, AFI_IP6 = 2 };

static void read_address(struct cur *c, struct ipaddr *out)
{
    uint16_t afi = cur_u16be(c);

    cur_take(c, 2);
    if (afi != AFI_IP4 && afi != AFI_IP6) {
        c->ok = false; /* an address of unknown length hides the fields after it */
        return;
    }
    uint8_t version = afi == AFI_IP4 ? 4 : 6;
    const uint8_t *bytes = cur_take(c, ipaddr_family(version)->address_length);
    if (bytes != NULL)
        *out = ipaddr_from_bytes(version, bytes);
}

/* RFC 5837 section 4.3: the length byte counts itself, and zeros pad the field to 32-bit words. */
static void read_name(struct cur *c, char name[ICMPEXT_NAME_MAX + 1])
{
    uint8_t length = cur_u8(c);

    if (length < 4 || length > ICMPEXT_NAME_MAX + 1 || length % 4 != 0) {
        c->ok = false;
        return;
    }
    const uint8_t *bytes = cur_take(c, length - 1u);
    if (bytes != NULL)
        memcpy(name, bytes, length - 1u); /* ends with the padding, or where `name` was zero */
}

bool icmpext_interface(const struct icmpext_object *object, struct icmpext_interface *out)
{
    struct icmpext_interface read = { .role = (enum icmpext_role)(object->type >> 6) };
    struct cur c = cur_over(object->bytes, object->length);

    if (object->class != ICMPEXT_INTERFACE)
        return false;
    read.has_index = (object->type & HAS_INDEX) != 0;
    read.has_mtu = (object->type & HAS_MTU) != 0;
    if (read.has_index)
        read.index = cur_u32be(&c);
    if (object->type & HAS_ADDRESS)
        read_address(&c, &read.address);
    if (object->type & HAS_NAME)
        read_name(&c, read.name);
    if (read.has_mtu)
        read.mtu = cur_u32be(&c);
    if (!c.ok)
        return false;
    *out = read;
    return true;
}

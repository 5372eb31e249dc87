/* SPDX-License-Identifier: BSD-2-Clause */
/* The body of an answer: bytes handed out piece by piece, as they are or compressed by gzip on the
 * way, so that no large page is compressed at once while other work waits. A piece may have been
 * compressed before, once for all answers that contain it. */
#ifndef MTR_HTTPD_BODY_H
#define MTR_HTTPD_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct body;

struct body_piece {
    const void *bytes;
    size_t length; /* of the bytes */
    bool packed;   /* bytes made by body_pack, of a text with these figures: */
    size_t text_length;
    uint32_t text_crc;
};

/* What all bodies of a server take together; it outlives them. */
struct body_load {
    size_t held;   /* bytes of memory */
    size_t worked; /* bytes compressed, expanded or copied so far */
};

/* Room that body_pack needs for a text; 0: it is too long for one piece. */
size_t body_pack_bound(size_t length);

/* Compresses a text to blocks of deflate (RFC 1951) that may stand in any stream of such blocks:
 * they end at a byte and refer to nothing before them. Sets the piece, whose bytes are `out`;
 * false without memory. */
bool body_pack(struct body_piece *piece, const void *text, size_t length, void *out, size_t room);

/* The bytes of all texts; SIZE_MAX where they cannot be counted. */
size_t body_length(const struct body_piece *pieces, size_t count);

/* The bytes of memory that a body of them holds; SIZE_MAX where they cannot be counted. */
size_t body_held(const struct body_piece *pieces, size_t count);

/* A copy of the pieces, one behind the other; NULL without memory. */
struct body *body_new(const struct body_piece *pieces, size_t count, bool gzip,
                      struct body_load *load);

/* Writes at most `room` bytes of what follows; 0 at the end, -1 on failure. */
ssize_t body_read(struct body *body, char *out, size_t room);
void body_free(struct body *body);

#endif

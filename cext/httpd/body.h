/* SPDX-License-Identifier: BSD-2-Clause */
/* The body of a response, read in portions, plain or compressed with gzip. Compressing a portion at
 * a time keeps a large page from blocking other work. A piece may be compressed in advance, once
 * for all responses that contain it. */
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
    bool packed;   /* `bytes` are made by body_pack, of a text with this CRC and length: */
    size_t text_length;
    uint32_t text_crc;
};

/* Memory and work of all bodies of a server, which it must outlive. */
struct body_load {
    size_t held;   /* bytes of memory */
    size_t worked; /* bytes compressed, expanded or copied so far */
};

/* Returns the bytes that body_pack may write for a text; 0 if the text is too long for a piece. */
size_t body_pack_bound(size_t length);

/* Compresses a text to deflate blocks (RFC 1951) that may be inserted into any deflate stream: the
 * blocks end at a byte boundary and refer to no earlier bytes. Sets *piece, whose bytes are `out`.
 * Returns false if out of memory. */
bool body_pack(struct body_piece *piece, const void *text, size_t length, void *out, size_t room);

/* Returns the length of all texts; SIZE_MAX on overflow. */
size_t body_length(const struct body_piece *pieces, size_t count);

/* Returns the bytes of memory that a body of these pieces needs; SIZE_MAX on overflow. */
size_t body_held(const struct body_piece *pieces, size_t count);

/* Makes a body from copies of the pieces; NULL if out of memory. */
struct body *body_new(const struct body_piece *pieces, size_t count, bool gzip,
                      struct body_load *load);

/* Reads up to `room` bytes; returns their number, 0 at the end, -1 on failure. */
ssize_t body_read(struct body *body, char *out, size_t room);
void body_free(struct body *body);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* A compressed body is one gzip member (RFC 1952), because browsers and curl ignore further
 * members. Texts are compressed while they are read, packed pieces are inserted between them as
 * deflate blocks, and the checksums are combined. */
#include "httpd/body.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    RAW_WINDOW = -MAX_WBITS, /* deflate blocks without header and trailer (zlib.h) */
    MEM_LEVEL = 8,
    PIECE = 1 << 16, /* most bytes compressed in one step */
    /* Packed texts are short, so a small window saves the time to clear memory. */
    PACK_WINDOW = -13,
    PACK_MEM_LEVEL = 6,
    PACK_FLUSH = 16, /* bytes of a flush, which deflateBound does not include */
    MOST_PACKED = 1 << 28,
    HEADER = 10,
    TRAILER = 10, /* an empty final block, CRC and length */
};

/* Consecutive texts are one segment; each packed piece is one. */
struct segment {
    size_t start, length; /* in the bytes */
    size_t text_length;
    uint32_t text_crc;
    bool packed;
};

struct body {
    struct body_load *load;
    struct segment *segments;
    size_t held, segment_count, segment;
    size_t at;        /* bytes of the segment copied out or given to zlib */
    size_t text_left; /* bytes still to come from a packed segment that is being expanded */
    bool gzip;
    z_stream zlib;
    unsigned char edge[HEADER + TRAILER]; /* header or trailer */
    size_t edge_at, edge_length;
    bool ended; /* `edge` has the trailer */
    uint32_t crc, text_size;
    unsigned char bytes[];
};

/* ---- packed pieces --------------------------------------------------------------------------- */

size_t body_pack_bound(size_t length)
{
    return length <= MOST_PACKED ? compressBound((uLong)length) + length / 512 + PACK_FLUSH : 0;
}

bool body_pack(struct body_piece *piece, const void *text, size_t length, void *out, size_t room)
{
    z_stream zlib = { .next_in = (z_const Bytef *)(uintptr_t)text,
                      .avail_in = (uInt)length,
                      .next_out = out,
                      .avail_out = (uInt)room };

    assert(length <= MOST_PACKED && room >= body_pack_bound(length));
    if (deflateInit2(&zlib, Z_BEST_SPEED, Z_DEFLATED, PACK_WINDOW, PACK_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    int status = deflate(&zlib, Z_SYNC_FLUSH);
    bool fine =
        (status == Z_OK || status == Z_BUF_ERROR) && zlib.avail_in == 0 && zlib.avail_out > 0;
    deflateEnd(&zlib);
    *piece = (struct body_piece){ .bytes = out,
                                  .length = room - zlib.avail_out,
                                  .packed = true,
                                  .text_length = length,
                                  .text_crc = (uint32_t)crc32_z(0, text, length) };
    return fine;
}

/* ---- a body ---------------------------------------------------------------------------------- */

static size_t add(size_t a, size_t b)
{
    return b > SIZE_MAX - a ? SIZE_MAX : a + b;
}

size_t body_length(const struct body_piece *pieces, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length = add(length, pieces[i].packed ? pieces[i].text_length : pieces[i].length);
    return length;
}

static bool begins_segment(const struct body_piece *pieces, size_t i)
{
    return i == 0 || pieces[i].packed || pieces[i - 1].packed;
}

static size_t count_segments(const struct body_piece *pieces, size_t count)
{
    size_t segments = 0;
    for (size_t i = 0; i < count; i++)
        segments += begins_segment(pieces, i);
    return segments;
}

size_t body_held(const struct body_piece *pieces, size_t count)
{
    size_t held = count_segments(pieces, count) * sizeof(struct segment);
    for (size_t i = 0; i < count; i++)
        held = add(held, pieces[i].length);
    return held;
}

static void fill(struct body *body, const struct body_piece *pieces, size_t count)
{
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        const struct body_piece *p = &pieces[i];
        if (begins_segment(pieces, i))
            body->segments[body->segment_count++] =
                (struct segment){ .start = end, .packed = p->packed, .text_crc = p->text_crc };
        struct segment *s = &body->segments[body->segment_count - 1];
        s->length += p->length;
        s->text_length += p->packed ? p->text_length : p->length;
        if (p->length > 0)
            memcpy(body->bytes + end, p->bytes, p->length);
        end += p->length;
    }
}

static bool open_zlib(struct body *body)
{
    if (body->gzip)
        return deflateInit2(&body->zlib, Z_BEST_SPEED, Z_DEFLATED, RAW_WINDOW, MEM_LEVEL,
                            Z_DEFAULT_STRATEGY) == Z_OK;
    return inflateInit2(&body->zlib, RAW_WINDOW) == Z_OK;
}

struct body *body_new(const struct body_piece *pieces, size_t count, bool gzip,
                      struct body_load *load)
{
    static const unsigned char header[HEADER] = { 0x1f, 0x8b, Z_DEFLATED, [8] = 4, [9] = 255 };
    size_t held = body_held(pieces, count), segments = count_segments(pieces, count);
    if (held > SIZE_MAX - sizeof(struct body))
        return NULL;
    struct body *body = malloc(sizeof *body + held);
    if (body == NULL)
        return NULL;
    *body = (struct body){ .gzip = gzip, .load = load, .held = held };
    body->segments = calloc(segments + 1, sizeof *body->segments);
    if (body->segments == NULL || !open_zlib(body)) {
        free(body->segments);
        free(body);
        return NULL;
    }
    fill(body, pieces, count);
    if (gzip) {
        memcpy(body->edge, header, HEADER);
        body->edge_length = HEADER;
    }
    load->held += held;
    return body;
}

void body_free(struct body *body)
{
    if (body == NULL)
        return;
    if (body->gzip)
        deflateEnd(&body->zlib);
    else
        inflateEnd(&body->zlib);
    body->load->held -= body->held;
    free(body->segments);
    free(body);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct room {
    unsigned char *out;
    size_t size, used;
};

static void copy(struct body *body, const unsigned char *from, size_t length, size_t *at,
                 struct room *room)
{
    size_t count = length - *at;
    if (count > room->size - room->used)
        count = room->size - room->used;
    memcpy(room->out + room->used, from + *at, count);
    *at += count;
    room->used += count;
    body->load->worked += count;
}

static void next_segment(struct body *body)
{
    body->segment++;
    body->at = 0;
}

/* Gives zlib the next bytes of a segment, PIECE at most. */
static void feed(struct body *body, const struct segment *s)
{
    size_t left = s->length - body->at;
    size_t count = left < PIECE ? left : PIECE;
    const unsigned char *from = body->bytes + s->start + body->at;

    if (body->zlib.avail_in > 0)
        return;
    body->zlib.next_in = (z_const Bytef *)(uintptr_t)from;
    body->zlib.avail_in = (uInt)count;
    body->at += count;
    body->load->worked += count;
    if (body->gzip && count > 0) {
        body->crc = (uint32_t)crc32_z(body->crc, from, count);
        body->text_size += (uint32_t)count;
    }
}

static void point_zlib(struct body *body, const struct room *room)
{
    size_t left = room->size - room->used;
    body->zlib.next_out = room->out + room->used;
    body->zlib.avail_out = left < UINT_MAX ? (uInt)left : UINT_MAX;
}

static void take_zlib(struct body *body, struct room *room)
{
    room->used = (size_t)(body->zlib.next_out - room->out);
}

/* The full flush at the end of a text resets zlib's window: references of a later text would count
 * the bytes of packed pieces in between, which zlib does not know. */
static bool deflate_text(struct body *body, const struct segment *s, struct room *room)
{
    feed(body, s);
    point_zlib(body, room);
    int status = deflate(&body->zlib, body->at == s->length ? Z_FULL_FLUSH : Z_NO_FLUSH);
    bool flushed = body->at == s->length && body->zlib.avail_out > 0;
    take_zlib(body, room);
    if (flushed)
        next_segment(body);
    return status == Z_OK || status == Z_BUF_ERROR;
}

static void copy_packed(struct body *body, const struct segment *s, struct room *room)
{
    if (body->at == 0) {
        body->crc = (uint32_t)crc32_combine(body->crc, s->text_crc, (z_off_t)s->text_length);
        body->text_size += (uint32_t)s->text_length;
    }
    copy(body, body->bytes + s->start, s->length, &body->at, room);
    if (body->at == s->length)
        next_segment(body);
}

static bool inflate_packed(struct body *body, const struct segment *s, struct room *room)
{
    if (body->at == 0) {
        if (inflateReset(&body->zlib) != Z_OK)
            return false;
        body->zlib.avail_in = 0;
        body->text_left = s->text_length;
    }
    feed(body, s);
    size_t used = room->used;
    point_zlib(body, room);
    int status = inflate(&body->zlib, Z_SYNC_FLUSH);
    take_zlib(body, room);
    used = room->used - used;
    if (used > body->text_left || (status != Z_OK && status != Z_BUF_ERROR))
        return false;
    body->text_left -= used;
    body->load->worked += used;
    if (body->text_left > 0)
        return used > 0 || body->at < s->length; /* otherwise the piece is incomplete */
    next_segment(body);
    return true;
}

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* Adds an empty final block and gzip's trailer. */
static void end(struct body *body)
{
    body->edge[0] = 0x03;
    body->edge[1] = 0x00;
    put_u32(body->edge + 2, body->crc);
    put_u32(body->edge + 6, body->text_size);
    body->edge_at = 0;
    body->edge_length = TRAILER;
    body->ended = true;
}

/* Reads some bytes of a segment; false on failure. */
static bool step(struct body *body, const struct segment *s, struct room *room)
{
    if (s->packed && body->gzip)
        copy_packed(body, s, room);
    else if (s->packed)
        return inflate_packed(body, s, room);
    else if (body->gzip)
        return deflate_text(body, s, room);
    else {
        copy(body, body->bytes + s->start, s->length, &body->at, room);
        if (body->at == s->length)
            next_segment(body);
    }
    return true;
}

ssize_t body_read(struct body *body, char *out, size_t room_size)
{
    struct room room = { .out = (unsigned char *)out,
                         .size = room_size < SSIZE_MAX ? room_size : SSIZE_MAX };
    size_t worked = body->load->worked;

    /* Each turn consumes input, writes output or is the last, so the loop ends. */
    while (room.used == 0 || (room.used < room.size && body->load->worked - worked < PIECE)) {
        if (body->edge_at < body->edge_length)
            copy(body, body->edge, body->edge_length, &body->edge_at, &room);
        else if (body->segment < body->segment_count) {
            if (!step(body, &body->segments[body->segment], &room))
                return -1;
        } else if (body->gzip && !body->ended)
            end(body);
        else
            break;
    }
    return (ssize_t)room.used;
}

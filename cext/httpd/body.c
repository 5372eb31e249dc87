/* SPDX-License-Identifier: BSD-2-Clause */
#include "httpd/body.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    GZIP_WINDOW = MAX_WBITS + 16, /* zlib writes gzip's header and trailer (zlib.h) */
    MEM_LEVEL = 8,
    PIECE = 1 << 16, /* compressed in one step */
};

struct body {
    size_t *held;
    size_t length, at; /* at: bytes handed out or, of gzip, given to zlib */
    bool gzip, ended;
    z_stream zlib;
    unsigned char bytes[];
};

size_t body_length(const struct body_piece *pieces, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].length > SIZE_MAX - length)
            return SIZE_MAX;
        length += pieces[i].length;
    }
    return length;
}

struct body *body_new(const struct body_piece *pieces, size_t count, bool gzip, size_t *held)
{
    size_t length = body_length(pieces, count);
    if (length > SIZE_MAX - sizeof(struct body))
        return NULL;
    struct body *body = malloc(sizeof *body + length);
    if (body == NULL)
        return NULL;
    *body = (struct body){ 0 };
    if (gzip && deflateInit2(&body->zlib, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEM_LEVEL,
                             Z_DEFAULT_STRATEGY) != Z_OK) {
        free(body);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].length > 0)
            memcpy(body->bytes + body->length, pieces[i].bytes, pieces[i].length);
        body->length += pieces[i].length;
    }
    body->gzip = gzip;
    body->held = held;
    *held += length;
    return body;
}

static ssize_t read_plain(struct body *body, char *out, size_t room)
{
    size_t count = body->length - body->at;
    if (count > room)
        count = room;
    memcpy(out, body->bytes + body->at, count);
    body->at += count;
    return (ssize_t)count;
}

/* Gives zlib the next piece once it has taken the one before. */
static void feed(struct body *body)
{
    size_t left = body->length - body->at;
    size_t piece = left < PIECE ? left : PIECE;

    if (body->zlib.avail_in > 0)
        return;
    body->zlib.next_in = body->bytes + body->at;
    body->zlib.avail_in = (uInt)piece;
    body->at += piece;
}

static ssize_t read_gzip(struct body *body, char *out, size_t room)
{
    uInt size = room < UINT_MAX ? (uInt)room : UINT_MAX;
    body->zlib.next_out = (Bytef *)out;
    body->zlib.avail_out = size;
    /* Each turn takes input, writes output or ends. */
    while (!body->ended && body->zlib.avail_out == size) {
        feed(body);
        int status = deflate(&body->zlib, body->at == body->length ? Z_FINISH : Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            body->ended = true;
        else if (status != Z_OK)
            return -1;
    }
    return (ssize_t)(size - body->zlib.avail_out);
}

ssize_t body_read(struct body *body, char *out, size_t room)
{
    assert(body->at <= body->length);
    if (room > SSIZE_MAX)
        room = SSIZE_MAX;
    return body->gzip ? read_gzip(body, out, room) : read_plain(body, out, room);
}

void body_free(struct body *body)
{
    if (body == NULL)
        return;
    if (body->gzip)
        deflateEnd(&body->zlib);
    *body->held -= body->length;
    free(body);
}

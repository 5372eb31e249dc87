/* SPDX-License-Identifier: BSD-2-Clause */
/* The body of an answer: bytes handed out piece by piece, as they are or compressed by gzip on the
 * way, so that no large page is compressed at once while other work waits. */
#ifndef MTR_HTTPD_BODY_H
#define MTR_HTTPD_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct body;

struct body_piece {
    const void *bytes;
    size_t length;
};

/* The bytes of all pieces; SIZE_MAX where they cannot be counted. */
size_t body_length(const struct body_piece *pieces, size_t count);

/* A copy of the pieces, one behind the other; NULL without memory. `held`, which must outlive the
 * body, is raised by what the copy takes until it is freed. */
struct body *body_new(const struct body_piece *pieces, size_t count, bool gzip, size_t *held);

/* Writes at most `room` bytes of what follows; 0 at the end, -1 on failure. */
ssize_t body_read(struct body *body, char *out, size_t room);
void body_free(struct body *body);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* An error is a code, a name and one sentence a user can act on. The caller owns the struct. */
#ifndef MTR_BASE_ERR_H
#define MTR_BASE_ERR_H

enum err_code {
    ERR_NONE,
    ERR_PERMISSION, /* raw sockets or capture refused */
    ERR_NOROUTE,    /* no route to the target */
    ERR_NODEVICE,   /* no such interface */
    ERR_TOOBIG,     /* probe larger than the link's MTU */
    ERR_BADADDRESS, /* not a numeric address, or of the wrong family */
    ERR_BADSIZE,    /* probe smaller than its headers */
    ERR_NOMEM,
    ERR_SYSTEM, /* anything else the system refused */
    ERR_CODE_COUNT
};

struct err {
    enum err_code code;
    char text[256];
};

/* Fills *err (which may be NULL) and returns -1, so that a caller can `return err_set(...)`. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The code's name for programs, e.g. "NOROUTE". */
const char *err_name(enum err_code code);

#endif

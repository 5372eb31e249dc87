/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks that libcurl uses one OpenSSL. A program that contains and exports an OpenSSL, such as a
 * statically linked Nmap, takes precedence over libcurl's libraries when the dynamic linker binds
 * libcurl's calls. If the program provides all functions, nothing is wrong. If the program provides
 * some of them, two versions of the library are mixed, which may crash. */
#ifndef MTR_HTTP_SSL_H
#define MTR_HTTP_SSL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Returns -1 with *err set if libcurl's calls are bound to more than one OpenSSL. */
int httpssl_check(struct err *err);

/* A function of OpenSSL, and the offset of its pointer in a struct. */
struct httpssl_function {
    const char *name;
    size_t at;
};

/* Looks up functions of the OpenSSL that libcurl uses, without linking to it. The first function
 * should be one that libcurl calls. Returns false if a function is missing or in another library
 * than the first. */
bool httpssl_find(const struct httpssl_function *functions, size_t count, void *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that carries an OpenSSL of its own and exports it, as a statically linked Nmap does,
 * is asked before libcurl's libraries when libcurl's calls are bound. All of them bound to it is
 * fine; some of them would mix two libraries and may crash. */
#ifndef MTR_HTTP_SSL_H
#define MTR_HTTP_SSL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* -1 with *err where libcurl's calls are bound to more than one OpenSSL. */
int httpssl_check(struct err *err);

/* A function of OpenSSL, and where its pointer goes. */
struct httpssl_function {
    const char *name;
    size_t at;
};

/* Looks functions up, which are not linked: those that serve libcurl, wherever they are. False
 * where one is missing or not in one place with the first, which should be one that libcurl
 * calls. */
bool httpssl_find(const struct httpssl_function *functions, size_t count, void *out);

#endif

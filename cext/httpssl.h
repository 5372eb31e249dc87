/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that carries an OpenSSL of its own and exports it, as a statically linked Nmap does,
 * is asked before libcurl's libraries when libcurl's calls are bound. All of them bound to it is
 * fine; some of them would mix two libraries and may crash. */
#ifndef MTR_HTTPSSL_H
#define MTR_HTTPSSL_H

#include "err.h"

/* -1 with *err where libcurl's calls are bound to more than one OpenSSL. */
int httpssl_check(struct err *err);

#endif

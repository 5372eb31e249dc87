/* SPDX-License-Identifier: BSD-2-Clause */
/* The CA certificates, read once for a program and before the clock of a request runs: a system's
 * 150 are some 30 ms of CPU, which libcurl spends anew in each handshake. Where that cannot be
 * done libcurl reads them itself: trust is the same, the time is longer. */
#ifndef MTR_HTTP_TRUST_H
#define MTR_HTTP_TRUST_H

#include <curl/curl.h>
#include <stdbool.h>

struct httptrust;

struct httptrust *httptrust_new(void); /* NULL without memory */

/* Not while a request may use it; bears NULL. */
void httptrust_free(struct httptrust *trust);

/* Lets the handle, which verifies, trust by the certificates of `file` and `dir` (NULL: libcurl's
 * own), to be called from any thread. Whoever is the first waits until they are read, the others
 * for it. False where libcurl is to read them itself: bears NULL. */
bool httptrust_use(struct httptrust *trust, CURL *easy, const char *file, const char *dir);

#endif

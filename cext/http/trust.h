/* SPDX-License-Identifier: BSD-2-Clause */
/* The CA certificates, read once per program and before a request is timed. A system's 150
 * certificates take about 30 ms of CPU time, which libcurl otherwise spends in each handshake. If
 * the certificates cannot be read here, libcurl reads them: requests trust the same certificates
 * but take longer. */
#ifndef MTR_HTTP_TRUST_H
#define MTR_HTTP_TRUST_H

#include <curl/curl.h>
#include <stdbool.h>

struct httptrust;

struct httptrust *httptrust_new(void); /* NULL if out of memory */

/* Requires that no request uses `trust`. Accepts NULL. */
void httptrust_free(struct httptrust *trust);

/* Makes the handle trust the certificates of `file` and `dir` (NULL: libcurl's defaults). May be
 * called on any thread; the first call reads the certificates, and others wait for it. Returns
 * false if libcurl has to read the certificates itself, as it has for a `trust` of NULL. */
bool httptrust_use(struct httptrust *trust, CURL *easy, const char *file, const char *dir);

#endif

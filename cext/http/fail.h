/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps errors of libcurl to failures of a request, and names phases and failures. */
#ifndef MTR_HTTP_FAIL_H
#define MTR_HTTP_FAIL_H

#include "http/outcome.h"

#include <curl/curl.h>

/* The failure of a request that ended with `code` in `phase`. */
enum http_failure httpfail_of(CURL *easy, CURLcode code, enum http_phase phase);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What libcurl and its TLS library do at their first use is done before the clock runs: a
 * warm-up of the request over a socket inside this host. Sends nothing to anybody. */
#ifndef MTR_HTTP_WARM_H
#define MTR_HTTP_WARM_H

#include <curl/curl.h>
#include <stdbool.h>

/* Rehearses what the configured handle would do, which is left as it is and not yet in the multi
 * handle. Without the CA certificates: those are read for each request. Returns whether it came to
 * its end; where not, the request is just slower. */
bool httpwarm_run(CURLM *multi, CURL *easy, bool tls);

#endif

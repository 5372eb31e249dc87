/* SPDX-License-Identifier: BSD-2-Clause */
/* The payloads from files that traces of this process send. Each different payload is kept once
 * until the prober is closed, because reports and searches refer to it. */
#ifndef MTR_PROBER_FILES_H
#define MTR_PROBER_FILES_H

#include "base/err.h"
#include "wire/payload.h"

enum { FILES_MOST = 1000 }; /* different payloads */

struct files;

/* Replaces the template in *its, unless NULL, by the list's copy; -1 with *err set on failure. */
int files_keep(struct files **list, const struct payload_template **its, struct err *err);
void files_free(struct files *list); /* accepts NULL */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The payloads of files that traces of this process send, each kept once until the prober ends: so
 * what a report or a search still names is never freed. */
#ifndef MTR_PROBER_FILES_H
#define MTR_PROBER_FILES_H

#include "base/err.h"
#include "wire/payload.h"

enum { FILES_MOST = 1000 }; /* different ones */

struct files;

/* The list's own copy of the template in *its, if that is one, in its place; -1 with *err set. */
int files_keep(struct files **list, const struct payload_template **its, struct err *err);
void files_free(struct files *list); /* accepts NULL */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Privileges, standard streams and limits of the process. For programs of this project, before they
 * read any untrusted input and while they have one thread. Never called inside Nmap. */
#ifndef MTR_PROBER_PROCESS_H
#define MTR_PROBER_PROCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Changes from root to this user with the user's groups and keeps the capabilities. *became is
 * false if the process is not root, which changes nothing. Returns -1 with *err set on failure. */
int process_become(uid_t uid, gid_t gid, bool *became, struct err *err);

/* Finds the account "nobody"; false if there is none. */
bool process_nobody(uid_t *uid, gid_t *gid);

/* Drops all capabilities but CAP_NET_RAW, for this process and for the programs that it executes.
 * Keeps CAP_NET_ADMIN, too, if packets get a mark and the kernel (before 5.17) requires it. */
int process_limit(uint32_t mark, struct err *err);

enum { PROCESS_STDIN = 1, PROCESS_STDOUT = 2, PROCESS_STDERR = 4 };

/* Opens standard streams that are closed on /dev/null, so that no socket gets their descriptors and
 * receives the program's output. Returns which streams were closed. */
unsigned process_streams(void);

/* Raises the limit of open files to the hard limit, 65,536 at most. */
void process_raise_files(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What this process may do, and the streams it was given: for a program of ours, before it reads
 * anything from outside. Never called inside Nmap. Called while the process has one thread. */
#ifndef MTR_PROBER_PROCESS_H
#define MTR_PROBER_PROCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Root becomes this user with the user's groups, and keeps its capabilities; *became says whether:
 * whoever is not root stays what he is. -1 with *err set on failure. */
int process_become(uid_t uid, gid_t gid, bool *became, struct err *err);

/* The system's user without rights of its own; false where there is none. */
bool process_nobody(uid_t *uid, gid_t *gid);

/* Keeps CAP_NET_RAW, if it is there, and nothing else, now and for what is executed; CAP_NET_ADMIN
 * too where packets are to bear a mark and the kernel (before 5.17) asks for it. */
int process_limit(uint32_t mark, struct err *err);

enum { PROCESS_STDIN = 1, PROCESS_STDOUT = 2, PROCESS_STDERR = 4 };

/* Which of the three standard streams were closed. They are opened on /dev/null, so that no socket
 * takes their place and is written to. */
unsigned process_streams(void);

/* As many open files as the hard limit allows, up to 65,536. */
void process_raise_files(void);

#endif

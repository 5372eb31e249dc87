/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces libFuzzer in unit tests: runs a harness of tests/fuzz with its corpus. */
#ifndef MTR_REPLAY_H
#define MTR_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The entry point for libFuzzer, which a harness defines. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Ends the program if a promise is broken. */
void replay_require(bool holds, const char *promise);

/* Runs the harness with every file of the folder: whole, cut at every length, and with changed
 * bytes, the same in every run. Returns the program's exit status. */
int replay_corpus(int (*harness)(const uint8_t *bytes, size_t size), const char *folder);

/* Runs the harness with every unchanged file of the folder, for a harness that takes long. */
int replay_files(int (*harness)(const uint8_t *bytes, size_t size), const char *folder);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for libFuzzer where tests run: a harness of tests/fuzz over its corpus. */
#ifndef MTR_REPLAY_H
#define MTR_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry, which a harness defines. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Ends the program where a promise about the parsed bytes is broken. */
void replay_require(bool holds, const char *promise);

/* Feeds every file of the folder to the harness: whole, cut off everywhere, and with bytes changed,
 * the same ones in every run. Returns the program's exit status. */
int replay_corpus(int (*harness)(const uint8_t *bytes, size_t size), const char *folder);

/* The same, each file as it is: where one run takes long, and a fuzzer changes bytes better. */
int replay_files(int (*harness)(const uint8_t *bytes, size_t size), const char *folder);

#endif

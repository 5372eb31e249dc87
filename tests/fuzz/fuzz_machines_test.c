/* SPDX-License-Identifier: BSD-2-Clause */
/* Any choices and any packets into all state machines. `make check` replays the corpus and fuzzes
 * for a minute where clang is there; `make fuzz` for longer. */
#include "machines.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct source source = { .bytes = bytes, .size = size };
    struct machines_counts counts = { 0 };

    machines_run(&source, false, &counts);
    return 0;
}

#ifndef FUZZING
int main(void)
{
    return replay_files(LLVMFuzzerTestOneInput, "tests/fuzz/corpus/machines");
}
#endif

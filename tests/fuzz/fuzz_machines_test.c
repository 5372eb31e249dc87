/* SPDX-License-Identifier: BSD-2-Clause */
/* Any choices and any packets into all state machines. `make check` replays the corpus and fuzzes
 * for a minute where clang is there; `make fuzz` for longer. */
#include "machines.h"
#include "replay.h"

#include <stdlib.h>

#ifdef FUZZING
#define IS_FUZZING true
#else
#define IS_FUZZING false
#endif

enum { LONG_RUNS = 250 /* first bytes from here on: as the schedules */ };

/* Set where a fuzzer is to try runs as long as the schedules', some hundred times slower. */
static bool allows_long_runs(void)
{
    static int allows = -1;

    if (allows < 0)
        allows = !IS_FUZZING || getenv("FUZZ_LONG") != NULL;
    return allows;
}

/* The first byte says what is run: as a rule short runs, of all machines or of one kind alone. */
static struct machines_plan plan_of(uint8_t byte)
{
    return (struct machines_plan){ .brief = byte < LONG_RUNS || !allows_long_runs(),
                                   .only = (enum machine)(byte % 5) };
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    const struct machines_plan plan = plan_of(bytes[0]);
    struct source source = { .bytes = bytes + 1, .size = size - 1 };
    struct machines_counts counts = { 0 };

    machines_run(&source, &plan, &counts);
    return 0;
}

#ifndef FUZZING
int main(void)
{
    return replay_files(LLVMFuzzerTestOneInput, "tests/fuzz/corpus/machines");
}
#endif

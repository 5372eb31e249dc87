/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay.h"

#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 4096, CHANGES = 2000 };

void replay_require(bool holds, const char *promise)
{
    if (!holds) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static size_t read_file(const char *folder, const char *name, uint8_t bytes[INPUT_MAX])
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t size = fread(bytes, 1, INPUT_MAX, file);
    fclose(file);
    return size;
}

static void feed(int (*harness)(const uint8_t *, size_t), const uint8_t *bytes, size_t size)
{
    uint8_t bent[INPUT_MAX];
    uint64_t seed = size;
    int changes = check_quick() ? CHANGES / 50 : CHANGES;

    for (size_t cut = 0; cut <= size; cut++)
        harness(bytes, cut);
    for (int i = 0; i < changes && size > 0; i++) {
        memcpy(bent, bytes, size);
        for (int n = i % 4; n >= 0; n--)
            bent[check_random(&seed) % size] = (uint8_t)check_random(&seed);
        harness(bent, size);
    }
}

typedef int harness_fn(const uint8_t *bytes, size_t size);

static void feed_whole(harness_fn *harness, const uint8_t *bytes, size_t size)
{
    harness(bytes, size);
}

static int replay(harness_fn *harness, const char *folder,
                  void (*feeder)(harness_fn *, const uint8_t *, size_t))
{
    struct dirent **names;
    int count = scandir(folder, &names, NULL, alphasort), files = 0;
    uint8_t bytes[INPUT_MAX];

    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.') {
            printf("# %s\n", names[i]->d_name); /* names the input that crashes the process */
            fflush(stdout);
            feeder(harness, bytes, read_file(folder, names[i]->d_name, bytes));
            files++;
        }
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    check_case("%s_is_survived", folder);
    check_that(files > 0, "no file in %s (run from the top folder)", folder);
    return check_done();
}

int replay_corpus(harness_fn *harness, const char *folder)
{
    return replay(harness, folder, feed);
}

int replay_files(harness_fn *harness, const char *folder)
{
    return replay(harness, folder, feed_whole);
}

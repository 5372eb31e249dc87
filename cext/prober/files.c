/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober/files.h"

#include <stdlib.h>
#include <string.h>

struct files {
    struct files *next;
    struct payload_template its;
    uint8_t bytes[];
};

static bool is_same(const struct payload_template *a, const struct payload_template *b)
{
    return a->length == b->length && memcmp(a->fields, b->fields, sizeof a->fields) == 0 &&
           memcmp(a->bytes, b->bytes, a->length) == 0;
}

int files_keep(struct files **list, const struct payload_template **its, struct err *err)
{
    const struct payload_template *wanted = *its;
    unsigned count = 0;

    if (wanted == NULL)
        return 0;
    for (struct files *f = *list; f != NULL; f = f->next, count++) {
        if (is_same(&f->its, wanted)) {
            *its = &f->its;
            return 0;
        }
    }
    if (count == FILES_MOST)
        return err_set(err, ERR_NOMEM, "more than %d different payload files in one process",
                       FILES_MOST);
    struct files *f = malloc(sizeof *f + wanted->length);
    if (f == NULL)
        return err_set(err, ERR_NOMEM, "no memory for a payload file");
    memcpy(f->bytes, wanted->bytes, wanted->length);
    f->its = *wanted;
    f->its.bytes = f->bytes;
    f->next = *list;
    *list = f;
    *its = &f->its;
    return 0;
}

void files_free(struct files *list)
{
    while (list != NULL) {
        struct files *next = list->next;
        free(list);
        list = next;
    }
}

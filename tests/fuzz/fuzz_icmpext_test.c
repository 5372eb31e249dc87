/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes into the parser of extensions: family, type and second word of an error, then its body.
 * `make check` replays the corpus, which icmpext_test writes (see there); `make fuzz` builds this
 * with libFuzzer, which brings a main of its own. */
#include "wire/icmpext.h"
#include "replay.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 6 };

static void read_object(const struct icmpext_object *object)
{
    struct icmpext_interface interface;
    uint32_t labels = 0;

    if (icmpext_is_stack(object))
        for (size_t n = 0; n < object->length / 4; n++)
            labels |= icmpext_label(object, n).label;
    replay_require(labels < 1u << 20, "a label has 20 bits");
    if (icmpext_interface(object, &interface))
        replay_require(memchr(interface.name, '\0', sizeof interface.name) != NULL,
                       "a name has an end");
}

static void read_all(const struct icmpext *found, const uint8_t *body, size_t length)
{
    struct cur objects = icmpext_objects(found->bytes, found->length);
    struct icmpext_object object;
    size_t used = 4;

    replay_require(found->bytes == body + found->quote_length, "it is behind the quote");
    replay_require(found->length == length - found->quote_length, "it goes on to the end");
    replay_require(found->compliant || found->checksum != ICMPEXT_WRONG, "legacy is proved");
    while (icmpext_next(&objects, &object)) {
        used += 4 + object.length;
        read_object(&object);
    }
    replay_require(used <= found->length, "objects are within it");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < HEAD)
        return 0;
    uint32_t rest =
        (uint32_t)bytes[2] << 24 | (uint32_t)bytes[3] << 16 | (uint32_t)bytes[4] << 8 | bytes[5];
    size_t length = size - HEAD;
    /* of its own exact size, so that ASan sees a read behind the end under the replay too */
    uint8_t *body = calloc(1, length > 0 ? length : 1);

    if (body == NULL)
        abort();
    if (length > 0)
        memcpy(body, bytes + HEAD, length);
    struct icmpext found = icmpext_find(bytes[0], bytes[1], rest, body, length);
    if (found.bytes != NULL)
        read_all(&found, body, length);
    else
        replay_require(found.quote_length == length, "all of it is quote");
    free(body);
    return 0;
}

#ifndef FUZZING
int main(void)
{
    return replay_corpus(LLVMFuzzerTestOneInput, "tests/fuzz/corpus/icmpext");
}
#endif

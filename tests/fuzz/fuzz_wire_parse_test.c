/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes into the parser. `make check` replays the corpus, which wire_parse_test writes (see
 * there); `make fuzz` builds this with libFuzzer, which brings a main of its own. */
#include "replay.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

enum { UNTOUCHED = 0x5a };

/* What must hold of every result that is called OK, whatever the bytes were. */
static void assert_consistent(const uint8_t *bytes, size_t size, const struct wire_packet *read)
{
    const struct ipaddr_family *family = ipaddr_family(read->from.version);
    const struct wire_ids *ids = &read->probe;
    size_t there = size < read->length ? size : read->length;

    replay_require(read->from.version == bytes[0] >> 4, "the responder is of the packet's family");
    replay_require(read->kind < WIRE_KIND_COUNT, "the kind is one of the known");
    replay_require(ids->protocol < WIRE_PROTOCOL_COUNT, "the protocol is one of the known");
    replay_require(read->length >= family->header_length + 8u, "a header and 8 bytes are stated");
    replay_require(there >= family->header_length + 8u, "a header and 8 bytes are there");
    replay_require((size_t)read->quote.at + read->quote.length <= there,
                   "the quote is part of the packet");
    replay_require(ids->source.version == read->from.version &&
                       ids->target.version == read->from.version,
                   "the probe is of the packet's family");
    replay_require(read->mtu == 0 || read->kind == WIRE_TOO_BIG, "an MTU comes with TOO_BIG");
    bool error = read->kind == WIRE_TIME_EXCEEDED || read->kind == WIRE_UNREACHABLE ||
                 read->kind == WIRE_TOO_BIG;
    replay_require(!error || read->quote.length >= family->header_length + 8u,
                   "8 bytes are quoted");
    replay_require(error || read->quote.length == 0, "only an error quotes");
    replay_require(ids->protocol != WIRE_TCP || (ids->index == 0 && ids->cookie_bytes == 0),
                   "TCP has no index and no cookie");
    replay_require(ids->protocol == WIRE_TCP || ids->tcp_seq == 0, "others have no sequence");
    replay_require(ids->protocol == WIRE_ICMP || ids->ident == 0, "others have no identifier");
}

static void assert_untouched(const struct wire_packet *read)
{
    const uint8_t *bytes = (const uint8_t *)read;

    for (size_t i = 0; i < sizeof *read; i++)
        replay_require(bytes[i] == UNTOUCHED, "written for OK only");
}

static void parse(const uint8_t *bytes, size_t size)
{
    struct wire_packet read;

    memset(&read, UNTOUCHED, sizeof read);
    if (wire_parse(bytes, size, &read) == WIRE_OK)
        assert_consistent(bytes, size, &read);
    else
        assert_untouched(&read);
}

/* As it is, and with checksums made right, behind which most of the parser lies. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    /* of its own exact size, so that ASan sees a read behind the end under the replay too */
    uint8_t *copy = calloc(1, size > 0 ? size : 1);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, bytes, size);
    parse(copy, size);
    vector_seal(copy, size);
    parse(copy, size);
    free(copy);
    return 0;
}

#ifndef FUZZING
int main(void)
{
    return replay_corpus(LLVMFuzzerTestOneInput, "tests/fuzz/corpus/wire");
}
#endif

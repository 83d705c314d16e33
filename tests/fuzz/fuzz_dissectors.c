/* All dissectors, one message at a time. The first byte chooses the dissector (its place in dissectors[], modulo their
 * number), bit 0 of the second the direction (1: to the client), bit 1 whether the message was cut: then the wire had
 * 64 KiB more than there is. The rest is the message.
 *
 * With meson: -Dfuzz=true looks for new faults, an ordinary build replays corpus/dissectors. By hand:
 *
 *     clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -Iinclude -o fuzz_dissectors \
 *         tests/fuzz/fuzz_dissectors.c dissectors/[a-z]*.c src/base/arena.c src/base/names.c
 *     ./fuzz_dissectors -max_len=65536 found tests/fuzz/corpus/dissectors
 */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../unit/touch.h"

enum { CHOICE_SIZE = 2, ARENA_SIZE = 64 * 1024, CUT = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    unsigned outer; /* pdus of depth 0: the message's own */
    enum verdict verdict;
    unsigned commands; /* of SMB1 */
    bool last;
};

static void see_smb1(struct seen *seen, const struct pdu *pdu) {
    assert(!seen->last && pdu->smb1.chain_index == seen->commands);
    seen->commands++;
    seen->last = pdu->smb1.chain_last;
    seen->verdict = pdu->verdict > seen->verdict ? pdu->verdict : seen->verdict;
}

static void deliver(void *arg, const struct pdu *pdu) {
    struct seen *seen = arg;
    assert(pdu->verdict < VERDICTS && pdu->verdict != V_NOT_MINE);
    touch_pdu(pdu);
    if (pdu->kind == PDU_SMB2) {
        seen->outer++;
        seen->verdict = pdu->verdict;
    } else if (pdu->kind == PDU_SMB1) {
        see_smb1(seen, pdu);
    }
}

/* What a dissector of SMB2 owes: one pdu for each header, with the verdict that it returns. */
static void check_smb2(const struct seen *seen, enum verdict verdict, struct view message) {
    if (verdict == V_NOT_MINE || message.n < SMB2_HEADER_SIZE) {
        assert(seen->outer == 0);
        assert(verdict == V_NOT_MINE || verdict == V_SHORT);
    } else {
        assert(seen->outer == 1);
        assert(seen->verdict == verdict);
    }
}

/* What that of SMB1 owes: a pdu for each command of the chain, the last one marked, and the heaviest of their verdicts. */
static void check_smb1(const struct seen *seen, enum verdict verdict, struct view message) {
    bool there = verdict != V_NOT_MINE && message.n >= SMB1_HEADER_SIZE;
    assert(seen->commands > 0 ? there : !there);
    assert(seen->last == there);
    assert(!there || seen->verdict == verdict);
}

static const struct dissector *choose(uint8_t choice) {
    size_t count = 0;
    while (dissectors[count]) {
        count++;
    }
    return dissectors[choice % count];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < CHOICE_SIZE) {
        return 0;
    }
    /* Memory of its own, so that a read beyond the message is one beyond the memory. */
    size_t n = size - CHOICE_SIZE;
    uint8_t *copy = malloc(n ? n : 1);
    unsigned char *memory = malloc(ARENA_SIZE);
    assert(copy && memory);
    memcpy(copy, data + CHOICE_SIZE, n);
    struct view message = {copy, n};
    struct arena arena = {memory, ARENA_SIZE, 0, false};
    struct seen seen = {0};
    struct dissection d = {
        .mem = &arena,
        .dir = data[1] & 1 ? TO_CLIENT : TO_SERVER,
        .wire_length = (uint32_t)(n + (data[1] & 2 ? CUT : 0)),
        .missing = data[1] & 2 ? CUT : 0,
        .deliver = deliver,
        .arg = &seen,
    };
    const struct dissector *dissector = choose(data[0]);
    enum verdict verdict = dissector->dissect(&d, message);
    assert(verdict < VERDICTS);
    assert(d.depth == 0);
    if (dissector == &dissector_smb2) {
        check_smb2(&seen, verdict, message);
    } else if (dissector == &dissector_smb1) {
        check_smb1(&seen, verdict, message);
    }
    free(memory);
    free(copy);
    return 0;
}

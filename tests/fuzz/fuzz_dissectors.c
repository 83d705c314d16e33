/* Dissectors, one message at a time: all of them, or with -DONLY=dissector_smb2 that one, so that each is searched with its own
 * weight.
 *
 * The first byte chooses the dissector (its place in dissectors[], modulo their number; not looked at with ONLY). Of the second,
 * bit 0 is the direction (1: to the client); bit 1 whether the message was cut: then the wire had 64 KiB more than there is; bit 2
 * whether a good header of SMB1 or SMB2 is put before it, from two bytes more: the command, and its MADE_ variety; bit 3 whether
 * there is little memory for lists; bit 4 whether it is nested as deep as may be. The rest is the message, or its body. */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "constants.h"
#include "../unit/touch.h"

enum { CHOICE_SIZE = 2, ARENA_SIZE = 64 * 1024, LITTLE_ARENA = 64, CUT = 64 * 1024 };
enum { HOW_TO_CLIENT = 1, HOW_CUT = 2, HOW_MADE = 4, HOW_LITTLE_MEMORY = 8, HOW_DEEP = 16 };
/* Of a header that is made, the second byte: which of the statuses, and for SMB1 what is in Flags2. */
enum { MADE_STATUS = 3, MADE_UNICODE = 4, MADE_NT_STATUS = 8, MADE_EXTENDED_SECURITY = 16 };

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
#ifdef ONLY
    (void)choice;
    return &ONLY;
#else
    size_t count = 0;
    while (dissectors[count]) {
        count++;
    }
    return dissectors[choice % count];
#endif
}

static void put(uint8_t *to, uint64_t value, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (uint8_t)(value >> 8 * i);
    }
}

/* MS-SMB2 2.2.1.2, and the StructureSize behind it. */
static size_t made_smb2(uint8_t *to, uint8_t command, bool response, uint32_t status) {
    static const uint16_t sizes[SMB2_COMMANDS][2] = {
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) \
    [number] = {request_size, response_size},
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
    };
    command %= SMB2_COMMANDS;
    memset(to, 0, SMB2_HEADER_SIZE);
    put(to, 0x424D53FE, 4);
    put(to + 4, SMB2_HEADER_SIZE, 2);
    put(to + 8, response ? status : 0, 4);
    put(to + 12, command, 2);
    put(to + 16, response ? SMB2_FLAGS_SERVER_TO_REDIR : 0, 4);
    put(to + SMB2_HEADER_SIZE, sizes[command][response], 2);
    return SMB2_HEADER_SIZE + 2;
}

/* MS-CIFS 2.2.3.1. */
static size_t made_smb1(uint8_t *to, uint8_t command, bool response, uint32_t status, uint8_t how) {
    memset(to, 0, SMB1_HEADER_SIZE);
    put(to, 0x424D53FF, 4);
    to[4] = command;
    put(to + 5, response ? status : 0, 4);
    to[9] = response ? SMB_FLAGS_REPLY : 0;
    put(to + 10,
        (how & MADE_UNICODE ? SMB_FLAGS2_UNICODE : 0U) | (how & MADE_NT_STATUS ? SMB_FLAGS2_NT_STATUS : 0U) |
            (how & MADE_EXTENDED_SECURITY ? SMB_FLAGS2_EXTENDED_SECURITY : 0U),
        2);
    return SMB1_HEADER_SIZE;
}

/* What is put before the body. */
static size_t made_header(uint8_t *to, const struct dissector *dissector, const uint8_t *choice, bool response) {
    static const uint32_t statuses[MADE_STATUS + 1] = {STATUS_SUCCESS, STATUS_MORE_PROCESSING_REQUIRED,
                                                       STATUS_BUFFER_OVERFLOW, STATUS_ACCESS_DENIED};
    uint32_t status = statuses[choice[1] & MADE_STATUS];
    if (dissector == &dissector_smb2) {
        return made_smb2(to, choice[0], response, status);
    }
    return dissector == &dissector_smb1 ? made_smb1(to, choice[0], response, status, choice[1]) : 0;
}

/* The message, in memory of its own, so that a read beyond it is one beyond the memory. The caller frees it. */
static struct view message_of(const uint8_t *data, size_t size, const struct dissector *dissector) {
    uint8_t header[SMB2_HEADER_SIZE + 2];
    size_t at = CHOICE_SIZE, made = 0;
    if (data[1] & HOW_MADE && size >= CHOICE_SIZE + 2) {
        made = made_header(header, dissector, data + at, data[1] & HOW_TO_CLIENT);
        at += 2;
    }
    size_t n = made + size - at;
    uint8_t *copy = malloc(n ? n : 1);
    assert(copy);
    memcpy(copy, header, made);
    memcpy(copy + made, data + at, size - at);
    return (struct view){copy, n};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < CHOICE_SIZE) {
        return 0;
    }
    const struct dissector *dissector = choose(data[0]);
    struct view message = message_of(data, size, dissector);
    size_t arena_size = data[1] & HOW_LITTLE_MEMORY ? LITTLE_ARENA : ARENA_SIZE;
    unsigned char *memory = malloc(arena_size);
    assert(memory);
    struct arena arena = {memory, arena_size, 0, false};
    struct seen seen = {0};
    uint32_t lost = data[1] & HOW_CUT ? CUT : 0;
    struct dissection d = {
        .mem = &arena,
        .dir = data[1] & HOW_TO_CLIENT ? TO_CLIENT : TO_SERVER,
        .depth = data[1] & HOW_DEEP ? DISSECTION_DEPTH_MAX : 0,
        .wire_length = (uint32_t)message.n + lost,
        .missing = lost,
        .deliver = deliver,
        .arg = &seen,
    };
    enum verdict verdict = dissector->dissect(&d, message);
    assert(verdict < VERDICTS);
    assert(d.depth == (data[1] & HOW_DEEP ? DISSECTION_DEPTH_MAX : 0));
    if (dissector == &dissector_smb2) {
        check_smb2(&seen, verdict, message);
    } else if (dissector == &dissector_smb1) {
        check_smb1(&seen, verdict, message);
    }
    free(memory);
    free((uint8_t *)(uintptr_t)message.p);
    return 0;
}

/* Every command of tables/smb1_command.def has a request and a response in the corpus of the dissectors, and all their beginnings are
 * dissected: those of a message that was cut, and those of one that was never longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "smb1_wire.h"

#include <cmocka.h>

enum { CHOICE_SIZE = 2, FLAGS_AT = 9, COMMAND_AT = 4 }; /* see fuzz_dissectors.c; MS-CIFS 2.2.3.1 */

static void read_message(const char *name, const char *way, struct octets *o) {
    char path[128];
    int n = snprintf(path, sizeof path, "tests/fuzz/corpus/dissectors/smb1_%s_%s", name, way);
    for (int i = n - 1; path[i] != '/'; i--) {
        path[i] = (char)tolower((unsigned char)path[i]);
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail_msg("%s is missing", path);
        return;
    }
    o->n = fread(o->b, 1, sizeof o->b, file);
    fclose(file);
    assert_true(o->n > CHOICE_SIZE + SMB1_HEADER_SIZE && o->n < sizeof o->b);
    o->n -= CHOICE_SIZE;
    memmove(o->b, o->b + CHOICE_SIZE, o->n);
}

/* In memory of its own, so that a sanitizer sees a read behind it. */
static const struct smb1_outcome *dissect_front(const struct octets *o, size_t n, uint32_t wire_length) {
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, o->b, n);
    enum direction dir = o->b[FLAGS_AT] & SMB_FLAGS_REPLY ? TO_CLIENT : TO_SERVER;
    const struct smb1_outcome *out = dissect_smb1_towards((struct view){copy, n}, wire_length, dir);
    free(copy);
    assert_true(n >= SMB1_HEADER_SIZE ? out->count > 0 : out->count == 0);
    assert_true(out->count == 0 || out->pdus[out->count - 1].smb1.chain_last);
    return out;
}

/* Of a good message that was cut nothing is said to be wrong, and no command is there that the whole one does not have. */
static void truncate_message(const char *name, uint8_t command, const char *way, bool response) {
    struct octets o;
    read_message(name, way, &o);
    assert_int_equal(o.b[COMMAND_AT], command);
    assert_true(response == ((o.b[FLAGS_AT] & SMB_FLAGS_REPLY) != 0));
    const struct smb1_outcome *out = dissect_front(&o, o.n, (uint32_t)o.n);
    bool good = out->verdict == V_OK;
    unsigned count = out->count;
    for (size_t n = 0; n < o.n; n++) {
        out = dissect_front(&o, n, (uint32_t)o.n);
        assert_true(!good || out->verdict == V_OK || out->verdict == V_SHORT);
        assert_true(out->count <= count);
        out = dissect_front(&o, n, n ? (uint32_t)n : 1);
        assert_true(out->count <= count);
    }
}

static const struct {
    uint8_t number;
    const char *name;
} commands[] = {
#define SMB1_COMMAND(number, name, request, request_words, response, response_words, andx, section) {number, #name},
#include "tables/smb1_command.def"
#undef SMB1_COMMAND
};

static void requests(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        truncate_message(commands[i].name, commands[i].number, "request", false);
    }
}

static void responses(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        truncate_message(commands[i].name, commands[i].number, "response", true);
    }
}

/* What has no layout is told by its raw words and bytes, and its chain is followed. */
static void without_a_layout(void **state) {
    (void)state;
    static const uint8_t undefined[] = {SMB1_READ_MPX_SECONDARY,  SMB1_WRITE_MPX_SECONDARY,
                                        SMB1_IOCTL_SECONDARY,     SMB1_NEW_FILE_SIZE,
                                        SMB1_CLOSE_AND_TREE_DISC, SMB1_FIND_NOTIFY_CLOSE,
                                        SMB1_READ_BULK,           SMB1_WRITE_BULK,
                                        SMB1_WRITE_BULK_DATA,     SMB1_INVALID,
                                        SMB1_NO_ANDX_COMMAND,     SMB1_SECURITY_PACKAGE_ANDX};
    struct octets o;
    for (size_t i = 0; i < 2 * sizeof undefined; i++) {
        (i % 2 ? smb1_response(&o, undefined[i / 2], TEST_OEM, 0) : smb1_request(&o, undefined[i / 2], TEST_OEM));
        put8(&o, 3);
        put_andx_end(&o);
        put16(&o, 7);
        put16(&o, 2);
        put16(&o, 0x5678);
        struct smb1_message m = smb1_whole(&o);
        assert_true(m.empty);
        assert_int_equal(m.words.n, 6);
        assert_int_equal(m.bytes.n, 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(responses),
        cmocka_unit_test(without_a_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

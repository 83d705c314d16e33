/* The header of encrypted messages, MS-SMB2 2.2.41. */
#include "dissector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dissecting.h"

/* OriginalMessageSize 100, Flags 1, SessionId 0x0000040000000051 */
static const uint8_t good[52] = {0xfd, 'S', 'M', 'B', [36] = 100, [42] = 1, [44] = 0x51, [49] = 0x04};

static void test_good(void **state) {
    (void)state;
    struct dissecting d;
    dissecting_run(&d, &dissector_smb2_transform, TO_SERVER, good, sizeof good, 152);
    assert_int_equal(d.verdict, V_OK);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.pdus[0].kind, PDU_SMB2_TRANSFORM);
    assert_int_equal(d.pdus[0].transform.session_id, 0x0000040000000051);
    assert_int_equal(d.pdus[0].transform.original_size, 100);
    assert_int_equal(d.pdus[0].transform.flags, 1);
    assert_int_equal(d.pdus[0].transform.length, 152);
    dissecting_free(&d);
}

static void test_size_lies(void **state) {
    (void)state;
    static const uint32_t lengths[] = {151, 52, 51, 1};
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct dissecting d;
        dissecting_run(&d, &dissector_smb2_transform, TO_SERVER, good, sizeof good, lengths[i]);
        assert_int_equal(d.verdict, V_BAD);
        assert_int_equal(d.count, 1); /* the session is certain */
        dissecting_free(&d);
    }
}

static void check_cut(const struct dissecting *d, size_t n) {
    assert_int_equal(d->verdict, n < 4 ? V_NOT_MINE : V_SHORT);
    assert_int_equal(d->count, 0);
}

static void test_truncations(void **state) {
    (void)state;
    dissecting_truncations(&dissector_smb2_transform, TO_SERVER, good, sizeof good, check_cut);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_size_lies),
        cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

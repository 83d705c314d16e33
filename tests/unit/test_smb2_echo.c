/* ECHO and CANCEL, MS-SMB2 2.2.28 to 2.2.30; also the other bodies with nothing in them. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

static void nothing_but_a_reserved_field(void **state) {
    (void)state;
    static const struct {
        uint16_t command;
        bool request, response;
    } bodies[] = {
        {SMB2_ECHO, true, true},    {SMB2_LOGOFF, true, true}, {SMB2_TREE_DISCONNECT, true, true},
        {SMB2_CANCEL, true, false}, {SMB2_FLUSH, false, true}, {SMB2_LOCK, false, true},
    };
    struct octets o;
    for (unsigned i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (bodies[i].request) {
            smb2_request(&o, bodies[i].command);
            put32(&o, 4);
            truncate_all(&o, o.n);
        }
        if (bodies[i].response) {
            smb2_response(&o, bodies[i].command, STATUS_SUCCESS);
            put32(&o, 4);
            truncate_all(&o, o.n);
        }
    }
}

static void cancel_has_no_response(void **state) {
    (void)state;
    struct octets o;
    smb2_response(&o, SMB2_CANCEL, STATUS_SUCCESS);
    put32(&o, 4);
    assert_true(dissect_as(&o, V_BAD).empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_a_reserved_field),
        cmocka_unit_test(cancel_has_no_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

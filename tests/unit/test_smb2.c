/* The header, MS-SMB2 2.2.1, and which parser a body goes to. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

/* Something with a body that is always good. */
static void echo_request(struct octets *o) {
    smb2_request(o, SMB2_ECHO);
    put16(o, 4);
    put16(o, 0);
}

static void header_of_a_synchronous_message(void **state) {
    (void)state;
    struct octets o;
    echo_request(&o);
    set_le(&o, 16, 4, SMB2_FLAGS_SIGNED | SMB2_FLAGS_RELATED_OPERATIONS);
    set_le(&o, 20, 4, 72);
    struct smb2_message m = dissect_good(&o);
    assert_int_equal(m.header.credit_charge, TEST_CREDIT_CHARGE);
    assert_int_equal(m.header.credits, TEST_CREDITS);
    assert_int_equal(m.header.command, SMB2_ECHO);
    assert_int_equal(m.header.flags, SMB2_FLAGS_SIGNED | SMB2_FLAGS_RELATED_OPERATIONS);
    assert_int_equal(m.header.next_command, 72);
    assert_int_equal(m.header.message_id, TEST_MESSAGE_ID);
    assert_int_equal(m.header.process_id, 0xFEFF);
    assert_int_equal(m.header.tree_id, TEST_TREE_ID);
    assert_int_equal(m.header.session_id, TEST_SESSION_ID);
    assert_int_equal(m.header.async_id, 0);
    assert_false(m.response);
    assert_false(m.empty);
}

static void header_of_an_asynchronous_message(void **state) {
    (void)state;
    struct octets o;
    echo_request(&o);
    set_le(&o, 16, 4, SMB2_FLAGS_ASYNC_COMMAND);
    set_le(&o, 32, 8, UINT64_C(0x8877665544332211));
    struct smb2_message m = dissect_good(&o);
    assert_int_equal(m.header.async_id, UINT64_C(0x8877665544332211));
    assert_int_equal(m.header.tree_id, 0);
    assert_int_equal(m.header.process_id, 0);
    assert_int_equal(m.header.session_id, TEST_SESSION_ID);
}

static void other_protocols_are_not_mine(void **state) {
    (void)state;
    struct octets o;
    static const uint8_t first[] = {0xFF, 0xFD, 0xFC, 0x00};
    for (unsigned i = 0; i < sizeof first; i++) {
        echo_request(&o);
        o.b[0] = first[i];
        struct outcome out = dissect_smb2(octets_view(&o), 0);
        assert_int_equal(out.verdict, V_NOT_MINE);
        assert_int_equal(out.smb2, 0);
    }
    struct outcome out = dissect_smb2((struct view){(const uint8_t *)"\xFESMC", 4}, 0);
    assert_int_equal(out.verdict, V_NOT_MINE);
}

static void a_header_of_another_size_is_bad_and_delivered(void **state) {
    (void)state;
    struct octets o;
    echo_request(&o);
    set_le(&o, 4, 2, 63);
    struct smb2_message m = dissect_as(&o, V_BAD);
    assert_true(m.empty);
    assert_int_equal(m.header.message_id, TEST_MESSAGE_ID);
}

static void an_unknown_command_is_bad_and_delivered(void **state) {
    (void)state;
    struct octets o;
    static const uint16_t commands[] = {SMB2_COMMANDS, 0x00FF, 0xFFFF};
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++) {
        echo_request(&o);
        set_le(&o, 12, 2, commands[i]);
        struct smb2_message m = dissect_as(&o, V_BAD);
        assert_true(m.empty);
        assert_int_equal(m.header.command, commands[i]);
    }
}

/* Every command, in both directions, with every StructureSize that is not its own. */
static void another_structure_size_is_bad(void **state) {
    (void)state;
    static const struct {
        uint16_t request, response;
    } sizes[] = {
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) \
    [number] = {request_size, response_size},
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
    };
    struct octets o;
    for (uint16_t command = 0; command < SMB2_COMMANDS; command++) {
        for (uint16_t size = 0; size < 128 && command != SMB2_SERVER_TO_CLIENT_NOTIFICATION; size++) {
            bool lease = command == SMB2_OPLOCK_BREAK && (size == 36 || size == 44);
            smb2_request(&o, command);
            put16(&o, size);
            put_zeros(&o, 256);
            if (size != sizes[command].request && !lease) {
                assert_true(dissect_as(&o, V_BAD).empty);
            }
            smb2_response(&o, command, STATUS_SUCCESS);
            put16(&o, size);
            put_zeros(&o, 256);
            if (size != sizes[command].response && !lease) {
                assert_true(dissect_as(&o, V_BAD).empty);
            }
        }
    }
}

static void take(void *arg, const struct pdu *pdu) {
    *(struct smb2_message *)arg = pdu->smb2;
}

static void a_response_that_goes_to_the_server_is_bad_and_read(void **state) {
    (void)state;
    struct octets o;
    static _Alignas(16) unsigned char memory[64];
    smb2_response(&o, SMB2_WRITE, STATUS_SUCCESS);
    put16(&o, 17);
    put16(&o, 0);
    put32(&o, 4096);
    put_zeros(&o, 8);
    assert_int_equal(dissect_good(&o).write_response.count, 4096);
    struct arena arena = {memory, sizeof memory, 0, false};
    struct smb2_message m = {0};
    struct dissection d = {.mem = &arena, .dir = TO_SERVER, .wire_length = (uint32_t)o.n, .deliver = take, .arg = &m};
    assert_int_equal(dissector_smb2.dissect(&d, octets_view(&o)), V_BAD);
    assert_true(m.response);
    assert_int_equal(m.write_response.count, 4096);
}

static void a_message_inside_another_was_compressed(void **state) {
    (void)state;
    struct octets o;
    struct smb2_message m = {0};
    echo_request(&o);
    assert_false(dissect_good(&o).compressed);
    struct dissection d = {.dir = TO_SERVER, .depth = 1, .wire_length = (uint32_t)o.n, .deliver = take, .arg = &m};
    assert_int_equal(dissector_smb2.dissect(&d, octets_view(&o)), V_OK);
    assert_true(m.compressed);
}

/* A response with StructureSize 9 and zeros behind it: an error body, or the command's own? MS-SMB2 3.3.4.4. */
static bool taken_for_error(uint16_t command, uint32_t status) {
    struct octets o;
    smb2_response(&o, command, status);
    put16(&o, 9);
    put_zeros(&o, 7);
    return dissect_good(&o).is_error;
}

static void statuses_that_come_with_the_commands_own_body(void **state) {
    (void)state;
    assert_false(taken_for_error(SMB2_SESSION_SETUP, STATUS_SUCCESS));
    assert_false(taken_for_error(SMB2_SESSION_SETUP, STATUS_MORE_PROCESSING_REQUIRED));
    assert_true(taken_for_error(SMB2_SESSION_SETUP, STATUS_LOGON_FAILURE));
    assert_false(taken_for_error(SMB2_QUERY_INFO, STATUS_SUCCESS));
    assert_false(taken_for_error(SMB2_QUERY_INFO, STATUS_BUFFER_OVERFLOW));
    assert_true(taken_for_error(SMB2_QUERY_INFO, STATUS_INFO_LENGTH_MISMATCH));
    assert_false(taken_for_error(SMB2_CHANGE_NOTIFY, STATUS_SUCCESS));
    assert_false(taken_for_error(SMB2_CHANGE_NOTIFY, STATUS_NOTIFY_ENUM_DIR));
    assert_true(taken_for_error(SMB2_CHANGE_NOTIFY, STATUS_PENDING));
    assert_true(taken_for_error(SMB2_CHANGE_NOTIFY, STATUS_CANCELLED));
    assert_false(taken_for_error(SMB2_QUERY_DIRECTORY, STATUS_SUCCESS));
    assert_true(taken_for_error(SMB2_QUERY_DIRECTORY, STATUS_NO_MORE_FILES));
    assert_true(taken_for_error(SMB2_CREATE, STATUS_OBJECT_NAME_NOT_FOUND));
    assert_true(taken_for_error(SMB2_READ, STATUS_END_OF_FILE));
    assert_true(taken_for_error(SMB2_CANCEL, STATUS_CANCELLED));
}

static void a_warning_comes_with_a_body_of_its_own_size(void **state) {
    (void)state;
    struct octets o;
    smb2_response(&o, SMB2_READ, STATUS_BUFFER_OVERFLOW);
    put16(&o, 17);
    put8(&o, 80);
    put8(&o, 0);
    put32(&o, 16);
    put_zeros(&o, 8);
    put_series(&o, 1, 16);
    struct smb2_message m = dissect_good(&o);
    assert_false(m.is_error);
    assert_int_equal(m.read_response.data_length, 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_of_a_synchronous_message),
        cmocka_unit_test(header_of_an_asynchronous_message),
        cmocka_unit_test(other_protocols_are_not_mine),
        cmocka_unit_test(a_header_of_another_size_is_bad_and_delivered),
        cmocka_unit_test(an_unknown_command_is_bad_and_delivered),
        cmocka_unit_test(another_structure_size_is_bad),
        cmocka_unit_test(a_response_that_goes_to_the_server_is_bad_and_read),
        cmocka_unit_test(a_message_inside_another_was_compressed),
        cmocka_unit_test(statuses_that_come_with_the_commands_own_body),
        cmocka_unit_test(a_warning_comes_with_a_body_of_its_own_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

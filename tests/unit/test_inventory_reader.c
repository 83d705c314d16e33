#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "inventory/reader.h"

#define BEGIN                                                                                                        \
    "{\"object\":\"flow\",\"time\":\"2026-11-20T09:02:03.000000001Z\",\"src_ip\":\"192.0.2.20\",\"dest_ip\":\"2001:" \
    "db8::1\","                                                                                                      \
    "\"flow_id\":\"00000000000000aa\","
#define NO_ADDRESS                                                                                                   \
    "{\"object\":\"flow\",\"action\":\"end\",\"time\":\"2026-11-20T09:02:03.000000001Z\",\"src_ip\":\"\\u001b[2J\"," \
    "\"dest_ip\":\"192.0.2.1\",\"flow_id\":\"a\"}"
#define SETUP                                                                                                    \
    BEGIN "\"action\":\"message\",\"end_time\":\"2026-11-20T09:02:04.000000000Z\",\"hostname\":\"FS01\","        \
          "\"proto_info\":{\"version\":1,\"command\":\"SMB1_SESSION_SETUP_ANDX\",\"status\":\"STATUS_SUCCESS\"," \
          "\"native_os\":\"Unix\",\"native_os_client\":\"Windows 5.1\",\"dialect\":\"NT LM 0.12\"}}"

static const volatile sig_atomic_t never;

/* What reader_file says of the lines, and the line it prints. */
static int read_lines(struct inventory *v, const char *lines, size_t n, char *printed, size_t size) {
    FILE *file = fmemopen((void *)(uintptr_t)lines, n, "r");
    FILE *caught = tmpfile();
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
    int error = reader_file(v, file, "r.jsonl", &never);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(caught);
    printed[fread(printed, 1, size - 1, caught)] = '\0';
    fclose(caught);
    fclose(file);
    return error;
}

static void a_record(void **state) {
    (void)state;
    size_t n;
    struct inventory *v = inventory_new(0, NULL);
    assert_true(reader_record(v, SETUP, strlen(SETUP)));
    const struct inventory_row *r = inventory_rows(v, &n);
    assert_int_equal(n, 1);
    assert_string_equal(r->server, "2001:db8::1");
    assert_string_equal(r->server_name, "FS01");
    assert_int_equal(r->outcome, OUTCOME_ANSWERED);
    assert_int_equal(r->first_ns, UINT64_C(1795165323000000001));
    assert_int_equal(r->last_ns, UINT64_C(1795165324000000000));
    assert_int_equal(r->sessions, 1);
    assert_string_equal(r->dialects.items[0], "NT LM 0.12");
    assert_string_equal(r->server_systems.items[0], "Unix");
    assert_string_equal(r->client_systems.items[0], "Windows 5.1");
    inventory_free(v);
}

static void what_is_none(void **state) {
    (void)state;
    static const char *const lines[] = {
        "",
        "nonsense",
        "[]",
        "3",
        "{}",
        "{\"object\":\"flow\",\"action\":\"end\"}",
        "{\"object\":\"flow\",\"action\":\"end\",\"time\":\"2026-11-20T09:02:03Z\"}",
        "{\"object\":\"flow\",\"action\":\"end\",\"time\":\"2026-11-20T09:02:03.000000001Z\"}",
        "{\"object\":1,\"action\":\"end\",\"time\":\"2026-11-20T09:02:03.000000001Z\"}",
        "{\"object\":\"sensor\",\"action\":\"stop\",\"time\":\"2026-11-20T09:02:03.00000000xZ\"}",
        BEGIN "\"action\":\"message\"}}",
        NO_ADDRESS,
    };
    struct inventory *v = inventory_new(0, NULL);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_false(reader_record(v, lines[i], strlen(lines[i])));
    }
    static const char *const others[] = {
        "{\"object\":\"sensor\",\"action\":\"stop\",\"time\":\"2026-11-20T09:02:03.000000001Z\"}",
        BEGIN "\"action\":\"message\",\"proto_info\":7}",
        BEGIN "\"action\":\"message\",\"proto_info\":{\"version\":\"1\",\"command\":[],\"status\":{},\"offered_"
              "dialects\":[1]}}",
        BEGIN "\"action\":\"start\",\"unheard_of\":true}",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_true(reader_record(v, others[i], strlen(others[i])));
    }
    size_t n;
    inventory_rows(v, &n);
    assert_int_equal(n, 0);
    inventory_free(v);
}

/* A record that is cut at any byte is none, and is no harm. */
static void every_cut(void **state) {
    (void)state;
    struct inventory *v = inventory_new(0, NULL);
    for (size_t n = 0; n < strlen(SETUP); n++) {
        char *exact = malloc(n ? n : 1);
        memcpy(exact, SETUP, n);
        assert_false(reader_record(v, exact, n));
        free(exact);
    }
    inventory_free(v);
}

static void the_rest_is_read(void **state) {
    (void)state;
    char printed[512];
    size_t n;
    static const char one[] = "\n" SETUP "\r\n" BEGIN "\n" SETUP;
    struct inventory *v = inventory_new(0, NULL);
    assert_int_equal(read_lines(v, one, sizeof one - 1, printed, sizeof printed), -EBADMSG);
    assert_string_equal(printed, "smbtap: r.jsonl: line 3: not a record of smbtap, or cut; the others were read\n");
    assert_int_equal(inventory_rows(v, &n)->sessions, 2);
    inventory_free(v);
    size_t size = READER_LINE_MAX + 200 + 2 * sizeof SETUP;
    char *long_line = malloc(size);
    memset(long_line, 'x', size);
    memcpy(long_line + READER_LINE_MAX + 100, "\n" SETUP "\n", sizeof SETUP + 1);
    v = inventory_new(0, NULL);
    assert_int_equal(read_lines(v, long_line, size, printed, sizeof printed), -EBADMSG);
    assert_non_null(strstr(printed, "line 1: not a record of smbtap, or cut, and 1 more like it"));
    assert_int_equal(inventory_rows(v, &n)->sessions, 1);
    inventory_free(v);
    free(long_line);
    v = inventory_new(0, NULL);
    assert_int_equal(read_lines(v, SETUP "\n", sizeof SETUP, printed, sizeof printed), 0);
    assert_string_equal(printed, "");
    inventory_free(v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(the_rest_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "inventory/report.h"

static char *written(enum report_format format, const struct inventory_row *rows, size_t count) {
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    report_write(to, format, rows, count);
    fclose(to);
    return text;
}

static void is_written(enum report_format format, const struct inventory_row *rows, size_t count, const char *wanted) {
    char *text = written(format, rows, count);
    assert_string_equal(text, wanted);
    free(text);
}

/* Rows hold names that are theirs to free, and so not constant. */
#define OWN(s) ((char[]){s})

static char server[] = "192.0.2.10", client[] = "192.0.2.20";
static char *dialects[] = {OWN("NT LM 0.12")};
static char *systems[] = {OWN("Windows 5.1")};
static char *shares[] = {OWN("data"), OWN("=cmd|' /C calc'!A0"), OWN("\033[2J\"quoted\", \r\n")};

static struct inventory_row a_row(void) {
    return (struct inventory_row){.server = server,
                                  .client = client,
                                  .outcome = OUTCOME_ANSWERED,
                                  .first_ns = UINT64_C(1795165323000000001),
                                  .last_ns = UINT64_C(1795165324000000000),
                                  .connections = 3,
                                  .sessions = 2,
                                  .dialects = {dialects, 1, false, 0},
                                  .client_systems = {systems, 1, false, 0},
                                  .shares = {shares, 1, false, 0}};
}

static void nothing(void **state) {
    (void)state;
    is_written(REPORT_TABLE, NULL, 0, "SMB1 was neither spoken nor asked for.\n");
    is_written(REPORT_JSON, NULL, 0, "[]\n");
    is_written(REPORT_CSV, NULL, 0,
               "server,server_name,client,outcome,first_seen,last_seen,connections,sessions,dialects,native_os,"
               "native_os_client,shares\r\n");
}

static void a_table(void **state) {
    (void)state;
    struct inventory_row rows[] = {a_row(), a_row(), a_row()};
    rows[0].server_name = rows[1].server_name = OWN("FS01");
    rows[1].outcome = OUTCOME_REFUSED;
    rows[1].dialects.count = rows[1].client_systems.count = rows[1].shares.count = 0;
    rows[2].server = OWN("2001:db8::1");
    rows[2].shares.more = true;
    is_written(REPORT_TABLE, rows, 3,
               "  client      outcome     first seen (UTC)     last seen (UTC)      sessions\n"
               "server 192.0.2.10 (FS01)\n"
               "  192.0.2.20  answered    2026-11-20 09:02:03  2026-11-20 09:02:04         2\n"
               "    NT LM 0.12; client Windows 5.1; shares data\n"
               "  192.0.2.20  refused     2026-11-20 09:02:03  2026-11-20 09:02:04         2\n"
               "server 2001:db8::1\n"
               "  192.0.2.20  answered    2026-11-20 09:02:03  2026-11-20 09:02:04         2\n"
               "    NT LM 0.12; client Windows 5.1; shares data, \u2026\n");
}

/* The shares are what the reader wants: they are not the part that is cut. */
static void shares_on_a_line_of_their_own(void **state) {
    (void)state;
    char *many[] = {OWN("Accounting of the year before last"), OWN("Engineering"), OWN("IPC$"), OWN("Backups")};
    struct inventory_row row = a_row();
    row.shares = (struct name_list){many, 4, false, 0};
    is_written(REPORT_TABLE, &row, 1,
               "  client      outcome     first seen (UTC)     last seen (UTC)      sessions\n"
               "server 192.0.2.10\n"
               "  192.0.2.20  answered    2026-11-20 09:02:03  2026-11-20 09:02:04         2\n"
               "    NT LM 0.12; client Windows 5.1\n"
               "    shares Accounting of the year before last, Engineering, IPC$, Backups\n");
}

/* Whatever the names, no line has more than 100 columns or a control character. */
static void a_table_that_fits(void **state) {
    (void)state;
    char *many[] = {OWN("a share with quite a long name"), OWN("and another one \u65e5\u672c\u8a9e\u65e5\u672c\u8a9e"),
                    OWN("a third"), OWN("\033]0;title\007"), OWN("and the fifth, whose end cannot be seen")};
    struct inventory_row row = a_row();
    row.server = row.client = OWN("2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff");
    row.server_name = OWN("a-server-whose-name-is-as-long-as-somebody-could-make-it-without-being-ashamed.example");
    row.sessions = 12345678;
    row.shares = (struct name_list){many, 5, true, 0};
    char *text = written(REPORT_TABLE, &row, 1);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t columns = 0;
        for (const char *c = line; *c; c++) {
            assert_true((unsigned char)*c >= ' ');
            columns += ((unsigned char)*c & 0xC0) != 0x80;
        }
        assert_true(columns <= REPORT_WIDTH);
    }
    free(text);
}

static void a_csv(void **state) {
    (void)state;
    struct inventory_row rows[] = {a_row(), a_row()};
    rows[0].server_name = OWN("+name");
    rows[0].shares = (struct name_list){shares + 1, 2, false, 0};
    rows[1].shares = (struct name_list){shares, 2, false, 0};
    char *text = written(REPORT_CSV, rows, 2);
    assert_string_equal(text + strcspn(text, "\n") + 1,
                        "192.0.2.10,'+name,192.0.2.20,answered,2026-11-20T09:02:03.000000001Z,2026-11-20T09:02:04."
                        "000000000Z,3,2,NT LM 0.12,,Windows 5.1,\"'=cmd|' /C calc'!A0; \uFFFD[2J\"\"quoted\"\", "
                        "\uFFFD\uFFFD\"\r\n"
                        "192.0.2.10,,192.0.2.20,answered,2026-11-20T09:02:03.000000001Z,2026-11-20T09:02:04.000000000Z,"
                        "3,2,NT LM 0.12,,Windows 5.1,data; =cmd|' /C calc'!A0\r\n");
    free(text);
}

static void a_json(void **state) {
    (void)state;
    struct inventory_row row = a_row();
    row.shares.count = 3;
    row.shares.more = true;
    char *text = written(REPORT_JSON, &row, 1);
    for (const char *c = text; *c; c++) {
        assert_true((*c >= ' ' && *c <= '~') || *c == '\n');
    }
    json_t *array = json_loads(text, 0, NULL);
    const json_t *o = json_array_get(array, 0);
    assert_string_equal(json_string_value(json_object_get(o, "outcome")), "answered");
    assert_string_equal(json_string_value(json_object_get(o, "last_seen")), "2026-11-20T09:02:04.000000000Z");
    assert_string_equal(json_string_value(json_array_get(json_object_get(o, "shares"), 2)), shares[2]);
    assert_true(json_is_true(json_object_get(o, "truncated")));
    assert_null(json_object_get(o, "server_name"));
    json_decref(array);
    free(text);
    static char del[] = "del\x7f";
    row.server_name = del;
    text = written(REPORT_JSON, &row, 1);
    assert_non_null(strstr(text, "\"del\\u007f\""));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),           cmocka_unit_test(a_table), cmocka_unit_test(shares_on_a_line_of_their_own),
        cmocka_unit_test(a_table_that_fits), cmocka_unit_test(a_csv),   cmocka_unit_test(a_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

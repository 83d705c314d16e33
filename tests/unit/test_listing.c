#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "events/listing.h"
#include "windows_event.h"

static char *written(enum report_format format) {
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    listing_write(to, format);
    fclose(to);
    return text;
}

/* Each event that no other row says the same of is found under its condition, and no other is. */
static void the_index(void **state) {
    (void)state;
    struct windows_index index;
    unsigned found = 0, same = 0;
    windows_index_make(&index);
    for (size_t i = 0; i < windows_event_count; i++) {
        same += windows_events[i].same;
        assert_int_equal(strlen(windows_events[i].json), windows_events[i].json_length);
    }
    for (unsigned c = 0; c < WINDOWS_CONDITIONS; c++) {
        for (unsigned i = index.first[c]; i < index.first[c + 1]; i++, found++) {
            assert_int_equal(windows_events[index.rows[i]].condition, c);
        }
    }
    assert_int_equal(found, windows_event_count - same);
}

/* No two of them have the same text: each says one thing. */
static void each_text_once(void **state) {
    (void)state;
    for (size_t i = 0; i < windows_event_count; i++) {
        for (size_t k = i + 1; k < windows_event_count; k++) {
            bool one = windows_events[i].same || windows_events[k].same;
            assert_true(one || strcmp(windows_events[i].text, windows_events[k].text) != 0);
        }
    }
}

static void as_json(void **state) {
    (void)state;
    char *text = written(REPORT_JSON);
    json_t *all = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(all), windows_event_count);
    json_t *first = json_array_get(all, 0);
    assert_string_equal(json_string_value(json_object_get(first, "event")),
                        "Microsoft-Windows-SMBClient/Operational 30803 (eid-quick-reference)");
    assert_string_equal(json_string_value(json_object_get(first, "seen")), "partly");
    json_t *fields = json_object_get(first, "fields"), *server = json_object_get(fields, "ServerName");
    assert_int_equal(json_array_size(server), 2);
    assert_string_equal(json_string_value(json_array_get(server, 1)), "hostname");
    for (size_t i = 0; i < windows_event_count; i++) {
        json_t *e = json_array_get(all, i);
        bool no = strcmp(json_string_value(json_object_get(e, "seen")), "no") == 0;
        assert_true(no == (json_array_size(json_object_get(e, "records")) == 0));
        assert_true(no == (json_object_get(e, "why_not") != NULL));
    }
    json_decref(all);
    free(text);
}

static void as_csv(void **state) {
    (void)state;
    char *text = written(REPORT_CSV);
    unsigned lines = 0;
    for (const char *p = text; (p = strstr(p, "\r\n")) != NULL; p += 2) {
        lines++;
    }
    assert_int_equal(lines, windows_event_count + 1);
    assert_non_null(strstr(text,
                           "\nMicrosoft-Windows-SMBServer/Performance 200,smbserver-provider,"
                           "Microsoft-Windows-SMBServer/Performance,200,SMB2 Work Item Component Transition,host,no,"));
    free(text);
}

static void as_a_table(void **state) {
    (void)state;
    char *text = written(REPORT_TABLE);
    assert_non_null(strstr(text, "Microsoft-Windows-SMBServer/Analytic, by smbserver-provider\n"
                                 "     500  yes     SMB2 Connection accepted\n    when TCP handshake completed"));
    assert_non_null(strstr(text, "\n    with Address: src_ip, src_port; TransportName: dest_port\n"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index), cmocka_unit_test(each_text_once), cmocka_unit_test(as_json),
        cmocka_unit_test(as_csv),    cmocka_unit_test(as_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/output/quantity.h"
#include "../../src/output/summary.h"
#include "../../src/output/tally.h"

static struct text ascii(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_ASCII};
}

static void an_operation(struct summary *s, const char *operation, const char *user, const char *file) {
    struct event e = {.object = OBJECT_FLOW, .action = ACTION_MESSAGE};
    struct text path[] = {ascii("\\\\FS01\\C$"), ascii("\\"), ascii(file)};
    event_name(&e, FIELD_OPERATION, operation);
    event_text(&e, FIELD_SHARE_PATH, path[0]);
    event_text(&e, FIELD_USER, ascii(user));
    event_joined(&e, FIELD_FILE_PATH, path, 3);
    summary_event(s, &e);
}

static char *printed(const struct summary *s, const struct stats *stats) {
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    summary_print(s, stats, to);
    fclose(to);
    return text;
}

static void what_was_found(void **state) {
    (void)state;
    struct summary *s = summary_new();
    struct stats stats = {.captures = 1,
                          .packets = 12345,
                          .bytes = 2500000,
                          .flows_started = 2,
                          .records = 1500,
                          .files_opened = 2,
                          .bytes_read = 999,
                          .gaps = 1,
                          .missed_bytes = 1460,
                          .flows_evicted = 3,
                          .names_lost = 1};
    stats.messages[MESSAGE_SMB2] = 3000;
    stats.verdicts[V_BAD] = 2;
    an_operation(s, "create", "CORP\\alice", "a.txt");
    an_operation(s, "close", "CORP\\alice", "a.txt");
    an_operation(s, "create", "CORP\\bob", "b\033[2J.txt");
    struct event flow_end = {.object = OBJECT_FLOW, .action = ACTION_END};
    event_text(&flow_end, FIELD_USER, ascii("nobody"));
    summary_event(s, &flow_end);
    char *text = printed(s, &stats);
    assert_string_equal(text, "summary\n"
                              "  read        1 capture, 12,345 packets, 2.5 MB\n"
                              "  flows       2 flows\n"
                              "  messages    3,000 of SMB2 and SMB3\n"
                              "  files       2 opened, 999 B read, 0 B written\n"
                              "  records     1,500 records\n"
                              "  operations  2 create, 1 close\n"
                              "  shares: 1\n"
                              "           3  \\\\FS01\\C$\n"
                              "  users: 2\n"
                              "           2  CORP\\alice\n"
                              "           1  CORP\\bob\n"
                              "  files: 2\n"
                              "           2  \\\\FS01\\C$\\a.txt\n"
                              "           1  \\\\FS01\\C$\\b\xef\xbf\xbd[2J.txt\n"
                              "  gaps        1 gap, 1,460 bytes missed\n"
                              "  damage      2 messages that contradict themselves\n"
                              "  limits      3 connections given up, 1 name not kept\n");
    free(text);
    summary_free(s);
    summary_free(NULL);
}

static void no_smb(void **state) {
    (void)state;
    struct summary *s = summary_new();
    struct stats stats = {.captures = 2, .packets = 1};
    char *text = printed(s, &stats);
    assert_string_equal(text, "summary\n  read        2 captures, 1 packet\n  flows       none\n  No SMB was found.\n"
                              "  gaps        none\n  damage      none\n  limits      none\n");
    free(text);
    summary_free(s);
}

/* However many names there are, memory has an end, and what found no place is told. */
static void many_names(void **state) {
    (void)state;
    struct summary *s = summary_new();
    struct stats stats = {.messages = {[MESSAGE_SMB2] = 1}};
    for (unsigned i = 0; i < 3 * SUMMARY_FILES_MAX; i++) {
        char name[32];
        snprintf(name, sizeof(name), "file %u", i);
        an_operation(s, "create", "u", name);
    }
    char *text = printed(s, &stats);
    assert_non_null(strstr(text, "  files: more than 8,192; those seen most often\n"));
    free(text);
    summary_free(s);
}

static void tally_counts(void **state) {
    (void)state;
    struct tally t;
    const struct tally_entry *top[3];
    char longest[TALLY_NAME_MAX * 8];
    assert_int_equal(tally_init(&t, 4), 0);
    assert_int_equal(tally_top(&t, top, 3), 0);
    static const char *const names[] = {"b", "a", "c", "c", "", "d", "e", "e", "e"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        tally_add(&t, names[i], strlen(names[i]));
    }
    assert_int_equal(t.used, 4);
    assert_int_equal(t.others, 4); /* d and three times e */
    assert_int_equal(tally_top(&t, top, 3), 3);
    assert_string_equal(top[0]->name, "c");
    assert_string_equal(top[1]->name, "");
    assert_string_equal(top[2]->name, "a");
    assert_int_equal(tally_top(&t, top, 0), 0);
    tally_release(&t);
    assert_int_equal(tally_init(&t, 1), 0);
    memset(longest, 0xBF, sizeof(longest));
    memcpy(longest + sizeof(longest) - 4, ".txt", 4);
    tally_add(&t, longest, sizeof(longest));
    assert_int_equal(tally_top(&t, top, 3), 1);
    assert_string_equal(top[0]->name, ".txt");
    tally_release(&t);
}

/* The program's peak counts what they fill, and there may be thousands. */
static void names_take_their_length(void **state) {
    (void)state;
    struct tally t;
    const struct tally_entry *top[3];
    char longest[TALLY_NAME_MAX + 1];
    assert_int_equal(tally_init(&t, 3), 0);
    tally_add(&t, "ab", 2);
    tally_add(&t, "a", 1);
    tally_add(&t, "ab", 2);
    tally_add(&t, "abc", 3);
    assert_int_equal(t.names_used, 3 + 2 + 4);
    assert_int_equal(tally_top(&t, top, 3), 3);
    assert_string_equal(top[0]->name, "ab");
    assert_int_equal(top[0]->count, 2);
    assert_string_equal(top[1]->name, "a");
    assert_string_equal(top[2]->name, "abc");
    tally_release(&t);
    assert_int_equal(tally_init(&t, 3), 0);
    memset(longest, 'x', sizeof(longest));
    for (unsigned i = 0; i < 4; i++) { /* the fourth finds no place */
        longest[TALLY_NAME_MAX] = (char)('a' + i);
        tally_add(&t, longest, sizeof(longest));
    }
    assert_int_equal(t.names_used, 3 * (TALLY_NAME_MAX + 1));
    assert_int_equal(t.others, 1);
    assert_int_equal(tally_top(&t, top, 3), 3);
    assert_string_equal(top[2]->name + TALLY_NAME_MAX - 1, "c");
    tally_release(&t);
}

static void quantities(void **state) {
    (void)state;
    assert_string_equal(quantity_count(0).text, "0");
    assert_string_equal(quantity_count(999).text, "999");
    assert_string_equal(quantity_count(1000).text, "1,000");
    assert_string_equal(quantity_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
    assert_string_equal(quantity_bytes(999).text, "999 B");
    assert_string_equal(quantity_bytes(1000).text, "1.0 kB");
    assert_string_equal(quantity_bytes(999949).text, "999.9 kB");
    assert_string_equal(quantity_bytes(999950).text, "1.0 MB");
    assert_string_equal(quantity_bytes(UINT64_MAX).text, "18.4 EB");
    assert_string_equal(quantity_time(0).text, "0:00");
    assert_string_equal(quantity_time(3599).text, "59:59");
    assert_string_equal(quantity_time(3600 * 100 + 61).text, "100:01:01");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_found),
        cmocka_unit_test(no_smb),
        cmocka_unit_test(many_names),
        cmocka_unit_test(tally_counts),
        cmocka_unit_test(names_take_their_length),
        cmocka_unit_test(quantities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

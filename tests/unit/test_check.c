/* Which lines are records of the share that is waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "canary/check.h"

#define RECORD(info) "{\"record_id\":\"abc-7\",\"time\":\"2026-11-20T09:02:03.500000000Z\",\"proto_info\":{" info "}}"

static bool of_mark(struct check *c, const char *line) {
    c->found[0] = 0;
    return check_line(c, line, strlen(line));
}

static void lines(void **state) {
    (void)state;
    struct check *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->mark = "canary-1";
    assert_true(of_mark(c, RECORD("\"share\":\"canary-1\"")));
    assert_non_null(strstr(c->found, "record abc-7, "));
    assert_true(of_mark(c, RECORD("\"share_path\":\"\\\\\\\\canary\\\\canary-1\"")));
    assert_false(of_mark(c, RECORD("\"share\":\"canary-12\"")));
    assert_false(of_mark(c, RECORD("\"share\":\"data\",\"file_name\":\"canary-1\"")));
    assert_false(of_mark(c, RECORD("\"share_path\":\"\\\\\\\\canary-1\\\\data\"")));
    assert_false(of_mark(c, RECORD("\"share\":[\"canary-1\"]")));
    assert_false(of_mark(c, "{\"record_id\":\"abc-7\",\"proto_info\":{\"share\":\"canary-1\"}}")); /* of no time */
    assert_false(of_mark(c, "{\"time\":\"2026-11-20T09:02:03Z\",\"proto_info\":{\"share\":\"canary-1\"}}"));
    assert_false(of_mark(c, RECORD("\"share\":\"canary-1\"") "x"));
    assert_false(of_mark(c, "canary-1"));
    assert_false(of_mark(c, "[\"canary-1\"]"));
    assert_false(of_mark(c, ""));
    free(c);
}

/* What this run sent needs no time of the record's. */
static void since_sent(void **state) {
    (void)state;
    struct check *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->mark = "canary-1";
    c->interface = "eth1";
    c->sent_ns = check_clock() - UINT64_C(2000000000);
    assert_true(of_mark(c, "{\"record_id\":\"abc-7\",\"proto_info\":{\"share\":\"canary-1\"}}"));
    double delay = strtod(strchr(c->found, ',') + 1, NULL);
    assert_true(delay >= 2.0 && delay < 3.0);
    free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(since_sent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../../src/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

/* An empty capture, RFC draft-ietf-opsawg-pcap: the file header alone. */
static const uint8_t header[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0};

static char folder[64];

static const char *in_folder(const char *name) {
    static char paths[8][128];
    static unsigned next;
    char *to = paths[next++ % 8];
    snprintf(to, sizeof paths[0], "%s/%s", folder, name);
    return to;
}

static void put(const char *name, const void *bytes, size_t n) {
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

static int set_up(void **state) {
    (void)state;
    log_set_level(LOG_ERRORS);
    strcpy(folder, "/tmp/smbtap-inputs-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static int open_path(void *arg, size_t which) {
    const struct inputs *in = arg;
    for (size_t i = 0; i < in->count; i++) {
        if (inputs_opens(&in->list[i]) && in->list[i].which == which) {
            int fd = open(in->list[i].path, O_RDONLY);
            return fd >= 0 ? fd : -errno;
        }
    }
    fail_msg("there is no number %zu", which);
    return -EINVAL;
}

static bool find(struct inputs *in, const char *const *names, size_t count) {
    return inputs_find(in, names, count) && inputs_check(in, open_path, in);
}

/* By bytes, whatever the locale; hidden ones, folders and what is no capture are passed over. */
static void a_folder(void **state) {
    (void)state;
    static const char *const names[] = {"b.pcap", "B.pcap", "a.pcap", "a-1.pcap", "10.pcap", "9.pcap"};
    static const char *const sorted[] = {"10.pcap", "9.pcap", "B.pcap", "a-1.pcap", "a.pcap", "b.pcap"};
    for (size_t i = 0; i < 6; i++) {
        put(names[i], header, sizeof header);
    }
    put(".hidden.pcap", header, sizeof header);
    put("notes.txt", "these are no packets", 20);
    put("empty", "", 0);
    assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    struct inputs in;
    const char *name = folder;
    assert_true(find(&in, &name, 1));
    assert_int_equal(in.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(in.list[i].path, in_folder(sorted[i]));
    }
    assert_int_equal(in.total, 6 * sizeof header);
    assert_false(in.unreadable);
    inputs_free(&in);
    assert_int_equal(in.count, 0);
    char slash[80];
    snprintf(slash, sizeof slash, "%s/", folder);
    name = slash;
    assert_true(find(&in, &name, 1));
    assert_string_equal(in.list[0].path, in_folder("10.pcap"));
    inputs_free(&in);
}

/* The names keep the order they were given in; one may be given twice. */
static void several_names(void **state) {
    (void)state;
    put("b.pcap", header, sizeof header);
    put("a.pcap", header, sizeof header);
    const char *names[] = {in_folder("b.pcap"), in_folder("a.pcap"), in_folder("b.pcap"), folder};
    struct inputs in;
    assert_true(find(&in, names, 4));
    assert_int_equal(in.count, 5);
    assert_string_equal(in.list[0].path, names[0]);
    assert_string_equal(in.list[1].path, names[1]);
    assert_string_equal(in.list[2].path, names[0]);
    assert_string_equal(in.list[3].path, names[1]);
    assert_int_equal(in.total, 5 * sizeof header);
    inputs_free(&in);
}

/* A pipe is not opened before its turn, and has no size. */
static void pipes(void **state) {
    (void)state;
    put("a.pcap", header, sizeof header);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    const char *names[] = {in_folder("a.pcap"), in_folder("pipe"), "-"};
    struct inputs in;
    assert_true(find(&in, names, 3));
    assert_int_equal(in.count, 3);
    assert_int_equal(in.total, 0);
    inputs_free(&in);
}

static void nothing_to_read(void **state) {
    (void)state;
    struct inputs in;
    const char *name = in_folder("missing.pcap");
    assert_false(find(&in, &name, 1));
    assert_int_equal(in.count, 0);
    name = folder; /* empty */
    assert_false(find(&in, &name, 1));
    put("notes.txt", "these are no packets", 20);
    assert_false(find(&in, &name, 1));
    name = in_folder("notes.txt");
    assert_false(find(&in, &name, 1));
    name = "";
    assert_false(find(&in, &name, 1));
    put("a.pcap", header, sizeof header);
    const char *names[] = {in_folder("a.pcap"), in_folder("missing.pcap")};
    assert_false(find(&in, names, 2)); /* all or nothing */
    assert_null(in.list);
    inputs_free(&in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pipes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_to_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../../src/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_broker.XXXXXX";

static int write_parameter(void *arg, uint64_t parameter, int fd) {
    if (parameter == 0) {
        return -EDOM;
    }
    return dprintf(fd, "%s %llu", (const char *)arg, (unsigned long long)parameter) > 0 ? 0 : -EIO;
}

enum {
    INPUT,
    MISSING,
    FIFO,
    STANDARD_IN,
    REPLACED,
    AN_INPUT,
    BY_ANOTHER_PATH,
    BY_A_HARD_LINK,
    APPENDED,
    READERLESS,
    TEMPORARY,
    MADE,
    STANDARD_OUT,
    NOWHERE,
    COUNT
};
static struct broker_file files[COUNT] = {
    [INPUT] = {"input", BROKER_READ, NULL, NULL},
    [MISSING] = {"missing", BROKER_READ, NULL, NULL},
    [FIFO] = {"fifo", BROKER_READ, NULL, NULL},
    [STANDARD_IN] = {"-", BROKER_READ, NULL, NULL},
    [REPLACED] = {"replaced", BROKER_REPLACE, NULL, NULL},
    [AN_INPUT] = {"link", BROKER_REPLACE, NULL, NULL},
    [BY_ANOTHER_PATH] = {"./input", BROKER_REPLACE, NULL, NULL},
    [BY_A_HARD_LINK] = {"hard", BROKER_REPLACE, NULL, NULL},
    [APPENDED] = {"appended", BROKER_APPEND, NULL, NULL},
    [READERLESS] = {"fifo", BROKER_APPEND, NULL, NULL},
    [TEMPORARY] = {"metrics", BROKER_TEMPORARY, NULL, NULL},
    [MADE] = {NULL, BROKER_MADE, write_parameter, (void *)(uintptr_t) "made"},
    [STANDARD_OUT] = {"-", BROKER_REPLACE, NULL, NULL},
    [NOWHERE] = {"no/such/folder", BROKER_REPLACE, NULL, NULL},
};

static const struct sandbox_settings replay = {.enabled = true}, apart = {.enabled = false},
                                     live = {.user = "nobody", .enabled = true, .live = true};

static void put(const char *name, const char *text) {
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void holds(const char *name, const char *expected) {
    char text[256];
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    assert_string_equal(text, expected);
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0 || chmod(folder, 0777) != 0) {
        return -1;
    }
    put("input", "packets");
    return mkfifo("fifo", 0666) != 0 || symlink("input", "link") != 0;
}

static int remove_folder(void **state) {
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return chdir("/") != 0 || system(command) != 0;
}

static struct broker *start(const struct sandbox_settings *s) {
    char why[SANDBOX_WHY_SIZE] = "";
    struct broker *b = NULL;
    if (broker_start(&b, files, COUNT, s, why, sizeof why) != 0) {
        fail_msg("%s", why);
    }
    return b;
}

static void reads(int fd, const char *expected) {
    char text[64];
    assert_true(fd > STDERR_FILENO);
    ssize_t n = read(fd, text, sizeof text - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    assert_string_equal(text, expected);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void writes(int fd, const char *text) {
    assert_true(fd > STDERR_FILENO);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void opens(const struct sandbox_settings *s) {
    struct broker *b = start(s);
    put("replaced", "older and longer");
    put("appended", "older,");
    reads(broker_open(b, INPUT), "packets");
    reads(broker_open(b, INPUT), "packets");
    assert_int_equal(broker_open(b, MISSING), -ENOENT);
    assert_int_equal(broker_open(b, NOWHERE), -ENOENT);
    assert_int_equal(broker_open(b, STANDARD_IN), STDIN_FILENO);
    assert_int_equal(broker_open(b, STANDARD_OUT), STDOUT_FILENO);
    writes(broker_open(b, REPLACED), "new");
    holds("replaced", "new");
    writes(broker_open(b, APPENDED), "new");
    holds("appended", "older,new");
    assert_int_equal(broker_open(b, READERLESS), -ENXIO);
    assert_int_equal(broker_open(b, COUNT), -EINVAL);
    assert_int_equal(broker_commit(b, INPUT), -EINVAL);
    reads(broker_make(b, MADE, 7), "made 7");
    assert_int_equal(broker_make(b, MADE, 0), -EDOM);
    broker_stop(b);
    unlink("replaced");
    unlink("appended");
}

static void through_a_process(void **state) {
    (void)state;
    opens(&replay);
}

static void without_one(void **state) {
    (void)state;
    opens(&apart);
}

static void spares_what_is_to_be_read(void **state) {
    (void)state;
    struct broker *b = start(&replay);
    assert_int_equal(link("input", "hard"), 0);
    for (size_t i = AN_INPUT; i <= BY_A_HARD_LINK; i++) {
        assert_int_equal(broker_open(b, i), -EEXIST);
        holds("input", "packets");
    }
    broker_stop(b);
}

/* Whoever reads it sees all or nothing; a link that somebody put there is not written through. */
static void puts_a_file_in_its_place(void **state) {
    (void)state;
    struct broker *b = start(&replay);
    put("metrics", "old");
    assert_int_equal(symlink("input", "metrics.tmp"), 0);
    int fd = broker_open(b, TEMPORARY);
    holds("metrics", "old");
    writes(fd, "new");
    holds("metrics", "old");
    assert_int_equal(broker_commit(b, TEMPORARY), 0);
    holds("metrics", "new");
    holds("input", "packets");
    assert_int_equal(access("metrics.tmp", F_OK), -1);
    assert_int_equal(broker_commit(b, TEMPORARY), -ENOENT);
    broker_stop(b);
    unlink("metrics");
}

/* Where a standard stream is closed, no file takes its place. */
static void leaves_standard_streams_alone(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        int kept = dup(STDIN_FILENO);
        close(STDIN_FILENO);
        struct broker *b = start(i ? &replay : &apart);
        int fd = broker_open(b, INPUT), standard = fcntl(STDIN_FILENO, F_GETFD);
        dup2(kept, STDIN_FILENO);
        close(kept);
        reads(fd, "packets");
        assert_int_equal(standard, -1);
        broker_stop(b);
    }
}

static void a_sensor_s_files_are_its_user_s(void **state) {
    (void)state;
    struct stat st;
    struct broker *b;
    if (geteuid() != 0) {
        skip();
    }
    put("appended", "closed");
    assert_int_equal(chmod("appended", 0600), 0);
    b = start(&live);
    assert_int_equal(broker_open(b, APPENDED), -EACCES);
    writes(broker_open(b, REPLACED), "x");
    assert_int_equal(stat("replaced", &st), 0);
    assert_int_not_equal(st.st_uid, 0);
    broker_stop(b);
    unlink("replaced");
    unlink("appended");
}

static void no_such_user(void **state) {
    (void)state;
    char why[SANDBOX_WHY_SIZE] = "";
    struct broker *b = NULL;
    const struct sandbox_settings s = {.user = "no-such-user", .enabled = true, .live = true};
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(broker_start(&b, files, COUNT, &s, why, sizeof why), -ENOENT);
    assert_null(b);
    assert_non_null(strstr(why, "no-such-user"));
}

static void on_alarm(int number) {
    (void)number;
}

/* What the program under test does: a signal ends its wait for a FIFO, and it ends without that of the broker. */
_Noreturn static void give_up(bool sandboxed) {
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval soon = {.it_value = {.tv_usec = 100000}};
    char why[SANDBOX_WHY_SIZE];
    struct broker *b = start(&replay);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    if (sandboxed && sandbox_enter(&replay, why, sizeof why) != 0) {
        _exit(2);
    }
    _exit(broker_open(b, FIFO) == -EINTR ? 0 : 1);
}

/* The broker hangs there still, and ends with the program, though that may be another user by then. */
static void gives_a_fifo_up(void **state) {
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    for (int sandboxed = 0; sandboxed < 2; sandboxed++) {
        int status;
        pid_t broker = 0;
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            give_up(sandboxed);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        for (int i = 0; i < 500 && broker == 0; i++) {
            usleep(10000);
            broker = waitpid(-1, &status, WNOHANG);
        }
        if (broker <= 0) {
            close(open("fifo", O_RDWR)); /* frees it */
            fail_msg("the broker outlived the program");
        }
        assert_int_equal(status, 0);
    }
}

/* The signal was for another reason: what is there is opened all the same. */
static void a_signal_costs_no_file(void **state) {
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    struct itimerval often = {.it_interval = {.tv_usec = 50}, .it_value = {.tv_usec = 50}}, never = {0};
    struct broker *b = start(&replay);
    sigaction(SIGALRM, &action, &before);
    int opened = 0, failed = 0;
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 2000; i++) {
        int fd = broker_open(b, INPUT);
        opened += fd > STDERR_FILENO;
        failed += fd < 0 && fd != -EINTR;
        if (fd >= 0) {
            close(fd);
        }
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_true(opened > 0);
    assert_int_equal(failed, 0);
    reads(broker_open(b, INPUT), "packets"); /* and answers keep to their requests */
    assert_int_equal(broker_open(b, MISSING), -ENOENT);
    broker_stop(b);
}

/* A descriptor that finds no place here is lost on the way: that is no other descriptor, and no standard stream is taken for it. */
static void no_room_for_a_descriptor(void **state) {
    (void)state;
    struct broker *b = start(&replay);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(STDERR_FILENO);
    assert_true(next > STDERR_FILENO);
    close(next);
    const struct rlimit none = {(rlim_t)next, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int got = broker_open(b, INPUT);
    int made = broker_make(b, MADE, 7);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(got, -EMFILE);
    assert_int_equal(made, -EMFILE);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
    reads(broker_open(b, INPUT), "packets");
    broker_stop(b);
}

static void one_that_died(void **state) {
    (void)state;
    struct broker *b = start(&replay);
    char path[64];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "r");
    if (!children) { /* a kernel without CONFIG_PROC_CHILDREN */
        broker_stop(b);
        skip();
    }
    assert_int_equal(fscanf(children, "%d", &pid), 1);
    fclose(children);
    kill(pid, SIGTERM); /* this one is ignored: it is for the program */
    reads(broker_open(b, INPUT), "packets");
    kill(pid, SIGKILL);
    int got;
    while ((got = broker_open(b, INPUT)) >= 0) {
        close(got);
    }
    assert_true(got == -EOWNERDEAD || got == -EPIPE || got == -ECONNRESET);
    broker_stop(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_a_process),
        cmocka_unit_test(without_one),
        cmocka_unit_test(spares_what_is_to_be_read),
        cmocka_unit_test(puts_a_file_in_its_place),
        cmocka_unit_test(leaves_standard_streams_alone),
        cmocka_unit_test(a_sensor_s_files_are_its_user_s),
        cmocka_unit_test(no_such_user),
        cmocka_unit_test(gives_a_fifo_up),
        cmocka_unit_test(a_signal_costs_no_file),
        cmocka_unit_test(no_room_for_a_descriptor),
        cmocka_unit_test(one_that_died),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* Processes that enter the sandbox and then try what it forbids. */
#include "../../src/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { DID_IT = 0, REFUSED = 9, ROOT_ANEW = 10 };

static const struct sandbox_settings replay = {.enabled = true},
                                     live = {.user = "nobody", .enabled = true, .live = true};

/* Which of them is entered: of what decodes, or, one after the other, of an output's two processes. */
static int (*entered)(const struct sandbox_settings *, char *why, size_t size) = sandbox_enter;

static int enter_both(const struct sandbox_settings *s, char *why, size_t size) {
    int error = sandbox_enter_keeper(s, why, size);
    return error ? error : sandbox_enter_deliverer(s, why, size);
}

/* How a process ends that enters the sandbox and does something. */
static int in_sandbox(const struct sandbox_settings *s, void (*what)(void)) {
    char why[SANDBOX_WHY_SIZE] = "";
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (entered(s, why, sizeof why) != 0) {
            fprintf(stderr, "%s\n", why);
            _exit(REFUSED);
        }
        what();
        _exit(DID_IT);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void assert_killed(const struct sandbox_settings *s, const char *name, void (*what)(void)) {
    int status = in_sandbox(s, what);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
        fail_msg("%s: status %x, not killed by SIGSYS", name, (unsigned)status);
    }
}

static void assert_done(const struct sandbox_settings *s, const char *name, void (*what)(void)) {
    int status = in_sandbox(s, what);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != DID_IT) {
        fail_msg("%s: status %x", name, (unsigned)status);
    }
}

/* ---- what is forbidden */

static void opens(void) {
    (void)!open("/dev/null", O_RDONLY);
}

static void opens_at(void) {
    (void)!openat(AT_FDCWD, "/dev/null", O_RDONLY);
}

static void creates(void) {
    (void)!creat("/tmp/test_sandbox.made", 0600);
}

static void executes(void) {
    execl("/bin/true", "true", (char *)NULL);
}

static void executes_at(void) {
    static char *const none[] = {NULL};
    syscall(SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0);
}

static void forks(void) {
    if (fork() == 0) {
        _exit(0);
    }
}

static void forks_as_the_kernel_has_it(void) {
#ifdef SYS_fork
    if (syscall(SYS_fork) == 0) {
        _exit(0);
    }
#else
    raise(SIGSYS);
#endif
}

static void makes_a_socket(void) {
    (void)!socket(AF_INET, SOCK_STREAM, 0);
}

static void connects(void) {
    const struct sockaddr nowhere = {.sa_family = AF_UNIX};
    (void)!connect(0, &nowhere, sizeof nowhere);
}

static void makes_code(void) {
    (void)!mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void makes_memory_code(void) {
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)!mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static void signals_another(void) {
    syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static void unlinks(void) {
    unlink("/tmp/test_sandbox.made");
}

static void changes_user(void) {
    (void)!setuid(0);
}

static void has_another_namespace(void) {
    syscall(SYS_unshare, 0x10000000);
}

static void traces(void) {
    syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void enters_the_ring(void) {
    syscall(425, 1, NULL); /* io_uring_setup */
}

struct deed {
    const char *name;
    void (*what)(void);
    bool runtime; /* the runtime of the sanitizers does it too */
};
#define DEED(name) \
    { #name, name, false }
#define RUNTIME(name) \
    { #name, name, true }

static const struct deed forbidden[] = {
    RUNTIME(opens),
    RUNTIME(opens_at),
    RUNTIME(creates),
    DEED(executes),
    DEED(executes_at),
    DEED(forks),
    DEED(forks_as_the_kernel_has_it),
    DEED(makes_a_socket),
    DEED(connects),
    RUNTIME(makes_code),
    DEED(makes_memory_code),
    DEED(signals_another),
    DEED(unlinks),
    DEED(changes_user),
    DEED(has_another_namespace),
    RUNTIME(traces),
    DEED(enters_the_ring),
};

static void kills(const struct sandbox_settings *s) {
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
#ifdef SANITIZED
        if (forbidden[i].runtime) {
            continue;
        }
#endif
        assert_killed(s, forbidden[i].name, forbidden[i].what);
    }
}

static void a_replay_is_killed(void **state) {
    (void)state;
    kills(&replay);
}

static void a_sensor_is_killed(void **state) {
    (void)state;
    kills(&live);
}

static void *idle(void *arg) {
    return arg;
}

static void starts_a_thread(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, idle, NULL) != 0 || pthread_join(thread, NULL) != 0) {
        _exit(REFUSED);
    }
}

/* Memory of threads grows and goes back, more threads than malloc has heaps for. */
static void *allocates(void *arg) {
    enum { PIECE = 70000, PIECES = 300 };
    void *pieces[PIECES];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PIECES; i++) {
            pieces[i] = malloc(PIECE);
            memset(pieces[i], 1, 100);
        }
        for (int i = PIECES; i-- > 0;) {
            free(pieces[i]);
        }
    }
    return arg;
}

static void threads_allocate(void) {
    enum { THREADS = 40 };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, allocates, NULL) != 0) {
            _exit(REFUSED);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    allocates(NULL);
}

static void threads_are_a_sensor_s(void **state) {
    (void)state;
    assert_done(&live, "a thread", starts_a_thread);
    assert_done(&live, "memory of threads", threads_allocate);
#ifndef SANITIZED
    assert_killed(&replay, "a thread", starts_a_thread);
#endif
}

/* ---- what is allowed */

static void works(void) {
    enum { BYTES = 1 << 22 };
    struct tm tm;
    time_t now = time(NULL);
    for (size_t n = 1; n < BYTES; n *= 2) {
        char *p = malloc(n);
        memset(p, 1, n);
        p = realloc(p, n * 3);
        free(p);
    }
    if (!gmtime_r(&now, &tm) || fprintf(stderr, "%s", "") < 0) {
        _exit(REFUSED);
    }
}

/* ---- an output's processes */

static void waits_for_a_child(void) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(DID_IT);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        _exit(REFUSED);
    }
}

static void writes_a_file(void) {
    static const char path[] = "/tmp/test_sandbox.output", other[] = "/tmp/test_sandbox.rotated";
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "{}\n", 3) != 3 || posix_fallocate(fd, 0, 4096) != 0 || fdatasync(fd) != 0 ||
        rename(path, other) != 0 || unlink(other) != 0 || close(fd) != 0) {
        _exit(REFUSED);
    }
}

static void talks(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 || close(fd) != 0) {
        _exit(REFUSED);
    }
}

/* Files, networks and threads, and nothing that starts a program or reaches into another. */
static void a_deliverer_delivers(void **state) {
    (void)state;
    static const struct deed bad[] = {
        DEED(executes),        DEED(executes_at),       DEED(forks),           DEED(forks_as_the_kernel_has_it),
        RUNTIME(makes_code),   DEED(makes_memory_code), DEED(changes_user),    DEED(has_another_namespace),
        DEED(signals_another), RUNTIME(traces),         DEED(enters_the_ring),
    };
    entered = enter_both;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
#ifdef SANITIZED
        if (bad[i].runtime) {
            continue;
        }
#endif
        assert_killed(&replay, bad[i].name, bad[i].what);
        assert_killed(&live, bad[i].name, bad[i].what);
    }
    assert_done(&live, "a file", writes_a_file);
    assert_done(&live, "a socket", talks);
    assert_done(&live, "a thread", starts_a_thread);
    assert_done(&replay, "work", works);
    entered = sandbox_enter_keeper;
    assert_done(&live, "a child", waits_for_a_child);
    assert_killed(&live, "a program", executes);
    entered = sandbox_enter;
}

/* ---- the end */

static void aborts(void) {
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void ordinary_work_goes_on(void **state) {
    (void)state;
    assert_done(&replay, "work", works);
    assert_done(&live, "work", works);
    int status = in_sandbox(&replay, aborts);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- who it is */

static char status_text[8192];
static int status_fd;

static void tells(void) {
    ssize_t n = pread(status_fd, status_text, sizeof status_text - 1, 0);
    status_text[n > 0 ? n : 0] = '\0';
    static const char *const wanted[] = {"\nCapInh:\t0000000000000000\n",
                                         "\nCapPrm:\t0000000000000000\n",
                                         "\nCapEff:\t0000000000000000\n",
                                         "\nCapAmb:\t0000000000000000\n",
                                         "\nNoNewPrivs:\t1\n",
                                         "\nSeccomp:\t2\n"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (!strstr(status_text, wanted[i])) {
            _exit(REFUSED);
        }
    }
    if (strstr(status_text, "\nUid:\t0")) {
        _exit(ROOT_ANEW);
    }
}

/* Opened by each process for itself. */
static void tells_of_itself(const struct sandbox_settings *s) {
    char why[SANDBOX_WHY_SIZE];
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        status_fd = open("/proc/self/status", O_RDONLY);
        int error = sandbox_enter(s, why, sizeof why);
        if (error == 0) {
            tells();
        }
        _exit(error ? REFUSED : DID_IT);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), DID_IT);
}

static void nothing_is_left(void **state) {
    (void)state;
    tells_of_itself(&replay);
    tells_of_itself(&live);
}

/* Only a sensor insists on its user, and only root has one to become. */
static void a_user_that_is_missing(void **state) {
    (void)state;
    char why[SANDBOX_WHY_SIZE] = "";
    struct sandbox_settings s = {.user = "no-such-user", .enabled = true, .live = true};
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(sandbox_enter(&s, why, sizeof why), -ENOENT);
    assert_non_null(strstr(why, "no-such-user"));
    assert_non_null(strstr(why, "useradd"));
    s.live = false; /* it was asked for by name */
    assert_int_equal(sandbox_enter(&s, why, sizeof why), -ENOENT);
    assert_int_equal(geteuid(), 0);
}

static void without(void) {
    (void)!open("/dev/null", O_RDONLY);
}

static void not_at_all(void **state) {
    (void)state;
    const struct sandbox_settings s = {.enabled = false};
    int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO); /* it says so */
    int status = in_sandbox(&s, without);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(null);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == DID_IT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replay_is_killed),     cmocka_unit_test(a_sensor_is_killed),
        cmocka_unit_test(threads_are_a_sensor_s), cmocka_unit_test(a_deliverer_delivers),
        cmocka_unit_test(ordinary_work_goes_on),  cmocka_unit_test(nothing_is_left),
        cmocka_unit_test(a_user_that_is_missing), cmocka_unit_test(not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

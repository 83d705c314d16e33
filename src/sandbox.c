#include "sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

enum {
    NOBODY = 65534,          /* where not even a user of that name is known */
    ARENAS_PER_PROCESSOR = 8 /* as malloc has it; it would look the processors up by itself, but late */
};

__attribute__((format(printf, 4, 5))) static int refuse(int error, char *why, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
    return error;
}

/* ---- who it becomes */

struct identity {
    const char *name;
    uid_t user;
    gid_t group;
};

/* The user to become; name NULL: it stays who it is. */
static int find_identity(const struct sandbox_settings *s, struct identity *out, char *why, size_t size) {
    const char *name = s->user ? s->user : SANDBOX_USER;
    *out = (struct identity){NULL, geteuid(), getegid()};
    if (geteuid() != 0) {
        return 0;
    }
    const struct passwd *found = getpwnam(name);
    if (!found && !s->live && strcmp(name, SANDBOX_USER) == 0) {
        name = "nobody";
        found = getpwnam(name);
        *out = (struct identity){name, NOBODY, NOBODY};
    } else if (!found) {
        return refuse(-ENOENT, why, size,
                      "there is no user %s to go on as; make it with systemd-sysusers, or with "
                      "useradd --system --shell /usr/sbin/nologin %s, or name another with --user",
                      name, name);
    }
    if (found) {
        *out = (struct identity){name, found->pw_uid, found->pw_gid};
    }
    return 0;
}

/* Inside some containers root may not become another: then a replay goes on as it is, without capabilities. */
static int become(const struct sandbox_settings *s, const struct identity *i, bool with_groups, char *why,
                  size_t size) {
    if (!i->name) {
        return 0;
    }
    int groups = with_groups ? initgroups(i->name, i->group) : setgroups(0, NULL);
    if ((groups != 0 || setresgid(i->group, i->group, i->group) != 0 || setresuid(i->user, i->user, i->user) != 0) &&
        s->live) {
        return refuse(-errno, why, size,
                      "cannot become the user %s: %s; start it as that user, or name root with --user", i->name,
                      strerror(errno));
    }
    return 0;
}

/* ---- capabilities */

enum { KEPT = 2 };

/* All go but those to keep, and of these none comes that was not there. */
static int drop_capabilities(const unsigned *keep, size_t count, char *why, size_t size) {
    bool held[KEPT] = {false};
    capng_get_caps_process();
    for (size_t i = 0; i < count; i++) {
        held[i] = capng_have_capability(CAPNG_EFFECTIVE, keep[i]);
    }
    bool bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
    capng_clear(CAPNG_SELECT_ALL);
    /* The bounding set can be made smaller only with that, and libcap-ng complains by itself; it is of no use without exec. */
    if (bounds) {
        (void)!capng_apply(CAPNG_SELECT_BOUNDS);
    }
    for (size_t i = 0; i < count; i++) {
        if (held[i]) {
            capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, keep[i]);
        }
    }
    if (capng_apply(CAPNG_SELECT_CAPS) != 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
        return refuse(-EPERM, why, size, "cannot drop the capabilities; --no-sandbox runs with them");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return refuse(-errno, why, size, "cannot renounce new privileges: %s; --no-sandbox runs without that",
                      strerror(errno));
    }
    return 0;
}

/* ---- system calls */

/* A call, and what one of its arguments must be: (argument & mask) == value. mask 0: whatever it is. */
struct rule {
    int call;
    unsigned argument;
    uint64_t mask, value;
};

struct rules {
    const struct rule *list;
    size_t count;
};

#define ANY(name) \
    { SCMP_SYS(name), 0, 0, 0 }
#define IS(name, argument, value) \
    { SCMP_SYS(name), argument, UINT32_MAX, value }
#define LACKS(name, argument, bits) \
    { SCMP_SYS(name), argument, bits, 0 }
#define RULES(array) \
    { array, sizeof(array) / sizeof(array)[0] }

/* Of every process: memory, time, the descriptors it has, its end. */
static const struct rule of_all[] = {
    ANY(brk),
    ANY(clock_gettime),
    ANY(close),
    ANY(exit),
    ANY(exit_group),
    ANY(fstat),
    ANY(futex),
    ANY(getpid),
    ANY(getrandom),
    ANY(gettid),
    ANY(gettimeofday),
    ANY(lseek),
    ANY(madvise),
    ANY(mremap),
    ANY(munmap),
    ANY(poll),
    ANY(ppoll),
    ANY(pread64),
    ANY(read),
    ANY(readv),
    ANY(recvmsg),
    ANY(restart_syscall),
    ANY(rt_sigaction),
    ANY(rt_sigprocmask),
    ANY(rt_sigreturn),
    ANY(sched_yield),
    ANY(sendmsg),
    ANY(sysinfo), /* qsort */
    ANY(time),
    ANY(wait4), /* for the broker */
    ANY(write),
    ANY(writev),
    IS(fcntl, 1, F_DUPFD_CLOEXEC),
    IS(fcntl, 1, F_GETFD),
    IS(fcntl, 1, F_SETPIPE_SZ),
    IS(fcntl, 1, F_GETFL),
    IS(fcntl, 1, F_SETFD),
    IS(fcntl, 1, F_SETFL),
    IS(ioctl, 1, TCGETS),
    IS(ioctl, 1, TIOCGWINSZ),
    IS(newfstatat, 3, AT_EMPTY_PATH), /* fstat, as the C library does it */
    LACKS(mmap, 2, PROT_EXEC),
    LACKS(mprotect, 2, PROT_EXEC),
};

enum { THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD };
static const uint64_t namespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/* Of a sensor: threads, the sockets it has, the clients of its metrics. */
static const struct rule of_live[] = {
    ANY(accept),
    ANY(accept4),
    ANY(bind), /* a capture's socket to an interface that came back */
    ANY(clock_nanosleep),
    ANY(epoll_create1),
    ANY(epoll_ctl),
    ANY(epoll_pwait),
    ANY(epoll_wait),
    ANY(eventfd2),
    ANY(getpeername),
    ANY(getsockname),
    ANY(getsockopt),
    ANY(nanosleep),
    ANY(recvfrom),
    ANY(rseq),
    ANY(sched_getaffinity),
    ANY(sendfile),
    ANY(sendto),
    ANY(set_robust_list),
    ANY(setsockopt),
    ANY(shutdown),
    ANY(signalfd4),
    IS(ioctl, 1, FIONBIO),
    IS(ioctl, 1, SIOCGIFFLAGS), /* libpcap, of an interface that went down */
    IS(prctl, 0, PR_SET_NAME),
    {SCMP_SYS(clone), 0, THREAD | namespaces, THREAD},
};

/* Of the broker. */
static const struct rule of_broker[] = {
    ANY(ftruncate), ANY(getppid),  ANY(newfstatat), ANY(open),   ANY(openat),
    ANY(rename),    ANY(renameat), ANY(stat),       ANY(unlink),
};

/* Of a process that delivers: files, networks, threads of libraries, the resolver. */
static const struct rule of_deliverer[] = {
    ANY(access),
    ANY(connect),
    ANY(dup),
    ANY(faccessat),
    ANY(faccessat2),
    ANY(fallocate),
    ANY(fchmod),
    ANY(fdatasync),
    ANY(flock),
    ANY(fstatfs),
    ANY(fsync),
    ANY(getcwd), /* a path that does not begin with a slash */
    ANY(getdents64),
    ANY(getegid),
    ANY(geteuid),
    ANY(getgid),
    ANY(getpriority),
    ANY(getrlimit),
    ANY(getrusage),
    ANY(getuid),
    ANY(ioprio_set),
    ANY(lstat),
    ANY(membarrier),
    ANY(mincore),
    ANY(mkdir),
    ANY(mkdirat),
    ANY(msync),
    ANY(pipe2),
    ANY(prlimit64),
    ANY(pwrite64),
    ANY(readlink),
    ANY(recvmmsg),
    ANY(rename),
    ANY(renameat2),
    ANY(sched_setscheduler),
    ANY(select),
    ANY(sendmmsg),
    ANY(setpriority),
    ANY(sigaltstack),
    ANY(socketpair),
    ANY(statfs),
    ANY(statx),
    ANY(uname),
    ANY(unlinkat),
    ANY(utimensat),
    IS(ioctl, 1, FIONREAD),
    IS(ioctl, 1, SIOCOUTQ),
    IS(socket, 0, AF_INET),
    IS(socket, 0, AF_INET6),
    IS(socket, 0, AF_NETLINK), /* the resolver asks which addresses this machine has */
    IS(socket, 0, AF_UNIX),
};

/* Of the process that starts it, again where it crashed, and whose filter it has beside its own. */
static const struct rule of_keeper[] = {
    ANY(seccomp),
    ANY(tgkill), /* the other may only itself */
    IS(clone, 0, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD),
    IS(prctl, 0, PR_SET_NO_NEW_PRIVS),
    IS(prctl, 0, PR_SET_PDEATHSIG),
    IS(prctl, 0, PR_SET_SECCOMP),
};

/* The runtime of a build with sanitizers looks into its own process, with a helper that shares its memory, when it looks for
 * leaks; and it writes reports. Nothing that executes is among it. */
#ifdef SANITIZED
static const struct rule of_sanitizers[] = {
    ANY(access),
    ANY(dup),
    ANY(getdents),
    ANY(getdents64),
    ANY(getppid),
    ANY(getrlimit),
    ANY(getrusage),
    ANY(kill),
    ANY(newfstatat),
    ANY(open),
    ANY(openat),
    ANY(pipe2),
    ANY(prctl),
    ANY(prlimit64),
    ANY(process_vm_readv),
    ANY(ptrace),
    ANY(readlink),
    ANY(readlinkat),
    ANY(sched_getaffinity),
    ANY(sigaltstack),
    ANY(stat),
    ANY(uname),
    IS(clone, 0, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED),
};
#endif

static int add_rules(scmp_filter_ctx filter, const struct rules *rules) {
    int error = 0;
    for (size_t i = 0; i < rules->count && error == 0; i++) {
        const struct rule *r = &rules->list[i];
        struct scmp_arg_cmp test = {r->argument, SCMP_CMP_MASKED_EQ, r->mask, r->value};
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, r->call, r->mask ? 1 : 0, &test);
    }
    return error;
}

/* A signal to itself alone: abort, and what ends a program by the signal it got. */
static int add_own(scmp_filter_ctx filter, bool threads) {
    struct rule own[] = {
        {SCMP_SYS(tgkill), 0, UINT32_MAX, (uint32_t)getpid()},
    };
    struct rules rules = RULES(own);
    int error = add_rules(filter, &rules);
    /* Its flags are out of sight; without it the C library takes clone. */
    return error != 0 || !threads ? error : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

enum { RULE_KINDS = 4 }; /* of rules of one kind of process */

/* All rules of one kind of process, or an error and nothing in force. threads: it may make some. */
static int confine(const struct rules *more, size_t count, bool threads, char *why, size_t size) {
    struct rules rules[RULE_KINDS + 2] = {
        RULES(of_all),
#ifdef SANITIZED
        RULES(of_sanitizers),
#endif
    };
    size_t first = 0;
    while (rules[first].list) {
        first++;
    }
    memcpy(rules + first, more, count * sizeof *more);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int error = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) : -ENOMEM;
    for (size_t i = 0; i < first + count && error == 0; i++) {
        error = add_rules(filter, &rules[i]);
    }
    error = error ? error : add_own(filter, threads);
    error = error ? error : seccomp_load(filter);
    seccomp_release(filter);
    if (error != 0) {
        return refuse(error, why, size,
                      "the kernel takes no filter of system calls (seccomp): %s; --no-sandbox runs without",
                      strerror(-error));
    }
    return 0;
}

/* ---- the whole */

/* malloc asks the kernel once, by /proc/sys/vm/overcommit_memory, whether the heap of a thread may shrink: when it does for the first
 * time. More than it is let grow before it is made smaller, in pieces that come from it and are joined at once. */
static void *shrink_a_heap(void *unused) {
    enum { PIECE = 96 << 10, PIECES = 600 };
    void *pieces[PIECES];
    size_t count = 0;
    while (count < PIECES && (pieces[count] = malloc(PIECE))) {
        count++;
    }
    while (count > 0) {
        free(pieces[--count]);
    }
    return unused;
}

/* What libraries do once, with files that are out of reach later. */
static int use_libraries(bool threads) {
    pthread_t thread;
    tzset();
    json_object_seed(0);
    EVP_MD_free(EVP_MD_fetch(NULL, "SHA1", NULL));
    mallopt(M_ARENA_MAX, get_nprocs() * ARENAS_PER_PROCESSOR);
    int error = threads ? pthread_create(&thread, NULL, shrink_a_heap, NULL) : 0;
    return error || !threads ? -error : -pthread_join(thread, NULL);
}

int sandbox_enter(const struct sandbox_settings *s, char *why, size_t size) {
    static const struct rules live = RULES(of_live);
    struct identity identity;
    if (!s->enabled) {
        log_error("--no-sandbox: what strangers sent is read with all rights of who started this; leave it away where "
                  "you can");
        return 0;
    }
    int error = find_identity(s, &identity, why, size);
    if (error == 0 && (error = use_libraries(s->live)) != 0) {
        return refuse(error, why, size, "cannot start a thread: %s; raise the limits (ulimit -u, -v)",
                      strerror(-error));
    }
    error = error ? error : become(s, &identity, false, why, size);
    error = error ? error : drop_capabilities(NULL, 0, why, size);
    return error ? error : confine(&live, s->live ? 1 : 0, s->live, why, size);
}

/* Of one that opens files: live it becomes the user; for a replay it stays who started it, and keeps what of root's rights opens files. */
static int drop(const struct sandbox_settings *s, char *why, size_t size) {
    static const unsigned opening[] = {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH};
    _Static_assert(sizeof opening / sizeof opening[0] <= KEPT, "held has room for all");
    struct identity identity;
    int error = 0;
    if (s->live) {
        error = find_identity(s, &identity, why, size);
        error = error ? error : become(s, &identity, true, why, size);
    }
    return error ? error : drop_capabilities(opening, s->live ? 0 : sizeof opening / sizeof opening[0], why, size);
}

int sandbox_enter_broker(const struct sandbox_settings *s, bool makes, char *why, size_t size) {
    static const struct rules broker = RULES(of_broker);
    int error = drop(s, why, size);
    return error || makes ? error : confine(&broker, 1, false, why, size);
}

bool sandbox_identity(const struct sandbox_settings *s, uid_t *user, gid_t *group) {
    struct identity identity;
    char why[SANDBOX_WHY_SIZE];
    if (!s->enabled || !s->live || find_identity(s, &identity, why, sizeof why) != 0 || !identity.name) {
        return false;
    }
    *user = identity.user;
    *group = identity.group;
    return true;
}

static const struct rules of_delivery[] = {RULES(of_live), RULES(of_broker), RULES(of_deliverer), RULES(of_keeper)};
_Static_assert(sizeof of_delivery / sizeof of_delivery[0] <= RULE_KINDS, "confine has room for all");
enum { OF_KEEPER = sizeof of_delivery / sizeof of_delivery[0], OF_DELIVERER = OF_KEEPER - 1 };

int sandbox_enter_keeper(const struct sandbox_settings *s, char *why, size_t size) {
    int error = s->enabled ? drop(s, why, size) : 0;
    return error || !s->enabled ? error : confine(of_delivery, OF_KEEPER, true, why, size);
}

int sandbox_enter_deliverer(const struct sandbox_settings *s, char *why, size_t size) {
    return s->enabled ? confine(of_delivery, OF_DELIVERER, true, why, size) : 0;
}

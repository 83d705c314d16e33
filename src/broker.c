#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "delivery/appender.h"

enum {
    FIRST_FREE = STDERR_FILENO + 1, /* a closed standard stream must not become a file */
    GRACE_MS = 200,                 /* for an answer that was on its way when a signal came */
};

enum operation { OPEN, COMMIT };

struct broker {
    const struct broker_file *files;
    size_t count;
    int socket; /* -1: no process */
    pid_t pid;
    uint32_t serial; /* of the last request */
};

struct request {
    uint64_t parameter;
    uint32_t serial, which, operation;
};

struct reply {
    uint32_t serial;
    int32_t error;
};

/* ---- opening */

static int above_standard(int fd) {
    if (fd < 0 || fd >= FIRST_FREE) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    int error = errno;
    close(fd);
    errno = error;
    return moved;
}

static bool is_input(const struct broker *b, const struct stat *output) {
    struct stat input;
    for (size_t i = 0; i < b->count; i++) {
        const struct broker_file *f = &b->files[i];
        if (f->mode == BROKER_READ && stat(f->path, &input) == 0 && input.st_dev == output->st_dev &&
            input.st_ino == output->st_ino) {
            return true;
        }
    }
    return false;
}

/* Emptied only after it was compared: O_TRUNC would have been the end of an input already. */
static int open_replace(const struct broker *b, const char *path) {
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0) {
        return -errno;
    }
    int error = fstat(fd, &st) != 0 ? -errno : is_input(b, &st) ? -EEXIST : 0;
    if (error == 0 && S_ISREG(st.st_mode) && ftruncate(fd, 0) != 0) {
        error = -errno;
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

static int temporary_name(const char *path, char to[PATH_MAX]) {
    return snprintf(to, PATH_MAX, "%s.tmp", path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* One that was left by a run that was killed goes first; a link that somebody put there is not followed. */
static int open_temporary(const char *path) {
    char name[PATH_MAX];
    int error = temporary_name(path, name);
    if (error != 0) {
        return error;
    }
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(name, flags, 0666);
    if (fd < 0 && errno == EEXIST && unlink(name) == 0) {
        fd = open(name, flags, 0666);
    }
    return fd >= 0 ? fd : -errno;
}

static int make(const struct broker_file *f, uint64_t parameter) {
    int fd = memfd_create("made", MFD_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = f->make(f->arg, parameter, fd);
    if (error == 0 && lseek(fd, 0, SEEK_SET) != 0) {
        error = -errno;
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

static int open_one(const struct broker *b, const struct broker_file *f, uint64_t parameter) {
    int fd;
    switch (f->mode) {
    case BROKER_READ:
        fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        return fd >= 0 ? fd : -errno;
    case BROKER_REPLACE:
        return open_replace(b, f->path);
    case BROKER_APPEND:
        return appender_open(AT_FDCWD, f->path);
    case BROKER_TEMPORARY:
        return open_temporary(f->path);
    case BROKER_MADE:
        return make(f, parameter);
    }
    return -EINVAL;
}

static int commit(const struct broker_file *f) {
    char name[PATH_MAX];
    int error = f->mode == BROKER_TEMPORARY ? temporary_name(f->path, name) : -EINVAL;
    return error == 0 && rename(name, f->path) != 0 ? -errno : error;
}

/* A descriptor, 0 for what gives none, or a negative errno. */
static int perform(const struct broker *b, const struct request *r) {
    if (r->which >= b->count) {
        return -EINVAL;
    }
    const struct broker_file *f = &b->files[r->which];
    switch ((enum operation)r->operation) {
    case OPEN:
        return open_one(b, f, r->parameter);
    case COMMIT:
        return commit(f);
    }
    return -EINVAL;
}

/* ---- the other process */

/* A message, with a descriptor unless it is negative. */
static int send_message(int socket, const void *bytes, size_t n, int fd) {
    union {
        char space[CMSG_SPACE(sizeof fd)];
        struct cmsghdr align;
    } control = {.space = {0}};
    struct iovec part = {(void *)(uintptr_t)bytes, n};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

/* What recvmsg gives; *fd is -1 where none came. */
static ssize_t receive_message(int socket, void *bytes, size_t n, int *fd) {
    union {
        char space[CMSG_SPACE(sizeof *fd)];
        struct cmsghdr align;
    } control = {.space = {0}};
    struct iovec part = {bytes, n};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    *fd = -1;
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof *fd)) {
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
    }
    return got;
}

/* The end of the process that asks is seen also while an open waits for the other side of a FIFO. */
static void on_socket(int number, siginfo_t *about, void *context) {
    (void)number;
    (void)context;
    int error = errno;
    struct pollfd p = {.fd = about->si_fd};
    if (poll(&p, 1, 0) > 0 && p.revents & POLLHUP) {
        _exit(EXIT_SUCCESS);
    }
    errno = error;
}

/* Those from outside are for the process that asks: it ends when it wants to, and this one after it. */
static void set_signals(int socket) {
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};
    const struct sigaction of_socket = {.sa_sigaction = on_socket, .sa_flags = SA_RESTART | SA_SIGINFO};
    sigset_t io;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        signal(ignored[i], SIG_IGN);
    }
    sigaction(SIGIO, &of_socket, NULL);
    sigemptyset(&io);
    sigaddset(&io, SIGIO);
    sigprocmask(SIG_UNBLOCK, &io, NULL);
    fcntl(socket, F_SETSIG, SIGIO); /* with the descriptor */
    fcntl(socket, F_SETOWN, getpid());
    fcntl(socket, F_SETFL, O_ASYNC);
}

_Noreturn static void serve(const struct broker *b, int socket) {
    struct request request;
    int fd;
    ssize_t got;
    while ((got = receive_message(socket, &request, sizeof request, &fd)) > 0 || (got < 0 && errno == EINTR)) {
        if (fd >= 0) {
            close(fd); /* nobody should send one */
        }
        if (got != sizeof request) {
            continue;
        }
        int done = perform(b, &request);
        bool opened = request.operation == OPEN && done >= 0;
        struct reply reply = {request.serial, done < 0 ? done : 0};
        int error = send_message(socket, &reply, sizeof reply, opened ? done : -1);
        if (opened) {
            close(done);
        }
        if (error != 0) {
            break;
        }
    }
    _exit(EXIT_SUCCESS);
}

/* What the child says first: that it is ready, or why not. */
struct ready {
    int32_t error;
    char why[SANDBOX_WHY_SIZE];
};

_Noreturn static void run(const struct broker *b, int socket, const struct sandbox_settings *s) {
    struct ready ready = {0};
    bool makes = false;
    for (size_t i = 0; i < b->count; i++) {
        makes = makes || b->files[i].mode == BROKER_MADE;
    }
    set_signals(socket);
    prctl(PR_SET_NAME, "smbtap-broker");
    ready.error = sandbox_enter_broker(s, makes, ready.why, sizeof ready.why);
    if (send_message(socket, &ready, sizeof ready, -1) != 0 || ready.error != 0) {
        _exit(EXIT_FAILURE);
    }
    serve(b, socket);
}

/* ---- asking */

/* False where none will come soon: a signal came, and what is asked for takes long. */
static bool answer_soon(const struct broker *b) {
    struct pollfd ready = {.fd = b->socket, .events = POLLIN};
    return poll(&ready, 1, GRACE_MS) > 0;
}

/* The kernel keeps back a descriptor for which there is no room here, and says nothing of it that tells why. */
static int result(const struct reply *reply, enum operation operation, int fd) {
    if (reply->error) {
        return reply->error;
    }
    return operation != OPEN ? 0 : fd >= 0 ? fd : -EMFILE;
}

static int wait_for_answer(struct broker *b, enum operation operation) {
    struct reply reply;
    for (;;) {
        int fd;
        ssize_t got = receive_message(b->socket, &reply, sizeof reply, &fd);
        if (got < 0 && errno == EINTR && answer_soon(b)) {
            continue;
        }
        if (got != sizeof reply) {
            return got < 0 ? -errno : -EOWNERDEAD;
        }
        if (reply.serial == b->serial) {
            return result(&reply, operation, fd);
        }
        if (fd >= 0) { /* of a request that was given up */
            close(fd);
        }
    }
}

static int ask(struct broker *b, size_t which, enum operation operation, uint64_t parameter) {
    struct request request = {parameter, ++b->serial, (uint32_t)which, operation};
    if (b->socket < 0) {
        return perform(b, &request);
    }
    int error = send_message(b->socket, &request, sizeof request, -1);
    return error ? error : wait_for_answer(b, operation);
}

static int ask_descriptor(struct broker *b, size_t which, uint64_t parameter) {
    int fd = ask(b, which, OPEN, parameter);
    if (fd < 0) {
        return fd;
    }
    fd = above_standard(fd);
    return fd >= 0 ? fd : -errno;
}

int broker_open(struct broker *b, size_t which) {
    if (which < b->count && b->files[which].mode != BROKER_MADE && strcmp(b->files[which].path, "-") == 0) {
        return b->files[which].mode == BROKER_READ ? STDIN_FILENO : STDOUT_FILENO;
    }
    return ask_descriptor(b, which, 0);
}

int broker_make(struct broker *b, size_t which, uint64_t parameter) {
    return ask_descriptor(b, which, parameter);
}

int broker_commit(struct broker *b, size_t which) {
    return ask(b, which, COMMIT, 0);
}

/* ---- start and end */

static int fork_one(struct broker *b, const struct sandbox_settings *s, struct ready *ready) {
    int ends[2], fd;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return -errno;
    }
    ends[0] = above_standard(ends[0]);
    ends[1] = above_standard(ends[1]);
    b->pid = ends[0] >= 0 && ends[1] >= 0 ? fork() : -1;
    if (b->pid == 0) {
        close(ends[0]);
        run(b, ends[1], s);
    }
    int error = b->pid < 0 ? -errno : 0;
    close(ends[1]);
    b->socket = ends[0];
    if (error == 0 && receive_message(b->socket, ready, sizeof *ready, &fd) != sizeof *ready) {
        error = -EOWNERDEAD;
    }
    return error;
}

int broker_start(struct broker **out, const struct broker_file *files, size_t count, const struct sandbox_settings *s,
                 char *why, size_t why_size) {
    struct ready ready = {0};
    struct broker *b = malloc(sizeof *b);
    if (!b) {
        snprintf(why, why_size, "out of memory; close other programs and run it again");
        return -ENOMEM;
    }
    *b = (struct broker){.files = files, .count = count, .socket = -1};
    int error = s->enabled ? fork_one(b, s, &ready) : 0;
    if (error != 0) {
        snprintf(
            why, why_size,
            "cannot start the process that opens files: %s; raise the limits (ulimit -u, -n), or run with --no-sandbox",
            strerror(-error));
    } else if (ready.error != 0) {
        error = ready.error;
        snprintf(why, why_size, "%.*s", (int)sizeof ready.why, ready.why);
    }
    if (error != 0) {
        broker_stop(b);
        return error;
    }
    *out = b;
    return 0;
}

/* The process ends when it sees that nobody asks any more. */
void broker_stop(struct broker *b) {
    if (!b) {
        return;
    }
    if (b->socket >= 0) {
        close(b->socket);
    }
    while (b->pid > 0 && waitpid(b->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    free(b);
}

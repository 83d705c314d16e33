#include "output_process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "delivery/deliverer.h"
#include "delivery/preload.h"
#include "log.h"

enum { RESTART_SECONDS = 1, DIRECTORY_MODE = 0700 };

struct output_process {
    struct output_process_settings settings;
    struct channel *channel;
    int life; /* hangs up at the other side when this process is gone */
    pid_t pid;
    bool ended;
    int status;
};

/* What the second process says first. */
struct ready {
    int32_t error;
    char why[OUTPUT_PROCESS_WHY_SIZE];
};

/* Those from outside are for the process that makes records: it tells this one to stop when it does. */
static void set_signals(void) {
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};
    sigset_t none;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        signal(ignored[i], SIG_IGN);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- the second process */

static void say(int life, int error, const char *why) {
    struct ready ready = {.error = error};
    snprintf(ready.why, sizeof ready.why, "%s", why);
    (void)!send(life, &ready, sizeof ready, MSG_NOSIGNAL);
}

/* The output is open, or cannot be. Which of several is told by its name; of a file by its path, which is in it already. */
static void say_opened(const struct output_process *p, int life, int error, const char *why) {
    char named[OUTPUT_PROCESS_WHY_SIZE];
    snprintf(named, sizeof named, "%s: %s", p->settings.output->name, why);
    atomic_store(&channel_figures_of(p->channel)->opened, true);
    say(life, error, output_settings_network(p->settings.output) ? named : why);
}

/* again: nobody waits for word any more. */
_Noreturn static void deliver(const struct output_process *p, int life, bool again) {
    char why[OUTPUT_PROCESS_WHY_SIZE] = "";
    struct deliverer *d = NULL;
    const struct deliverer_settings settings = {.output = p->settings.output,
                                                .channel = p->channel,
                                                .run_id = p->settings.run_id,
                                                .life = life,
                                                .live = p->settings.live};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "smbtap-output");
    int error = sandbox_enter_deliverer(p->settings.sandbox, why, sizeof why);
    error = error ? error : deliverer_new(&d, &settings, why);
    if (!again) {
        say_opened(p, life, error, why);
    } else if (error != 0) {
        log_error("%s: %s", p->settings.output->name, why);
    }
    if (error != 0) {
        _exit(EXIT_FAILURE);
    }
    log_waits(false);
    int status = deliverer_run(d);
    deliverer_free(d);
    _exit(status);
}

/* ---- the first */

/* A fault of before the output was open would come again, and its maker waits for word. */
static bool is_hopeless(const struct output_process *p, int life, int signal) {
    char why[OUTPUT_PROCESS_WHY_SIZE];
    if (atomic_load(&channel_figures_of(p->channel)->opened)) {
        return false;
    }
    snprintf(why, sizeof why,
             "%s: its process was ended by signal %d (%s) before the output was open; try it with fewer settings, and "
             "report what you see",
             p->settings.output->name, signal, strsignal(signal));
    say(life, -ENOTRECOVERABLE, why);
    return true;
}

/* True: it came to its end by itself, or would not get on a second time. */
static bool wait_for(const struct output_process *p, int life, pid_t pid, int *status) {
    int how;
    while (waitpid(pid, &how, 0) < 0) {
        if (errno != EINTR) {
            return true;
        }
    }
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : EXIT_FAILURE;
    if (!WIFSIGNALED(how) || is_hopeless(p, life, WTERMSIG(how))) {
        return true;
    }
    log_error("%s: its process was ended by signal %d (%s); it is started again", p->settings.output->name,
              WTERMSIG(how), strsignal(WTERMSIG(how)));
    return false;
}

/* Root makes the folder of the spool, for whoever it becomes. */
static void make_directory(const struct output_process *p) {
    const char *path = p->settings.output->spool.directory;
    uid_t user;
    gid_t group;
    if (path && geteuid() == 0 && sandbox_identity(p->settings.sandbox, &user, &group) &&
        mkdir(path, DIRECTORY_MODE) == 0 && chown(path, user, group) != 0) {
        (void)rmdir(path); /* opening it says what is wrong */
    }
}

/* What this process has from its maker and does not need: above all the ends of other outputs, which would not see that their maker is gone. */
static void close_others(const struct output_process *p, int life) {
    unsigned kept[] = {(unsigned)life, (unsigned)channel_bell(p->channel), (unsigned)channel_news(p->channel)};
    const size_t count = sizeof kept / sizeof kept[0];
    unsigned from = STDERR_FILENO + 1;
    for (size_t n = 0; n <= count; n++) {
        unsigned next = UINT_MAX;
        for (size_t i = 0; i < count; i++) {
            next = kept[i] >= from && kept[i] < next ? kept[i] : next;
        }
        if (from < next) {
            (void)close_range(from, next == UINT_MAX ? next : next - 1, 0);
        }
        if (next == UINT_MAX) {
            return;
        }
        from = next + 1;
    }
}

_Noreturn static void supervise(const struct output_process *p, int life) {
    char why[OUTPUT_PROCESS_WHY_SIZE];
    int status = EXIT_FAILURE;
    prctl(PR_SET_NAME, "smbtap-keeper");
    set_signals();
    close_others(p, life);
    make_directory(p);
    preload(p->settings.output);
    int error = sandbox_enter_keeper(p->settings.sandbox, why, sizeof why);
    if (error != 0) {
        say(life, error, why);
        _exit(EXIT_FAILURE);
    }
    for (bool again = false;; again = true) {
        pid_t pid = fork();
        if (pid == 0) {
            deliver(p, life, again);
        }
        if (pid > 0 && wait_for(p, life, pid, &status)) {
            _exit(status);
        }
        sleep(RESTART_SECONDS);
    }
}

/* ---- the maker of records */

static int fork_one(struct output_process *p, struct ready *ready) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return -errno;
    }
    p->pid = fork();
    if (p->pid == 0) {
        close(ends[0]);
        supervise(p, ends[1]);
    }
    int error = p->pid < 0 ? -errno : 0;
    close(ends[1]);
    p->life = ends[0];
    if (error != 0) {
        return error;
    }
    ssize_t got;
    do {
        got = recv(p->life, ready, sizeof *ready, 0);
    } while (got < 0 && errno == EINTR);
    return got == sizeof *ready ? 0 : -EOWNERDEAD;
}

int output_process_start(struct output_process **out, const struct output_process_settings *settings,
                         char why[OUTPUT_PROCESS_WHY_SIZE]) {
    struct ready ready = {0};
    struct output_process *p = calloc(1, sizeof *p);
    if (p) {
        p->life = -1;
        p->settings = *settings;
        p->channel = channel_new(CHANNEL_BYTES);
    }
    int error = p && p->channel ? fork_one(p, &ready) : -ENOMEM;
    if (error != 0 || ready.error != 0) {
        if (error != 0) {
            snprintf(why, OUTPUT_PROCESS_WHY_SIZE,
                     "%s: its process cannot be started: %s; raise the limits (ulimit -u, -n, -v)",
                     settings->output->name, strerror(-error));
        } else {
            memcpy(why, ready.why, OUTPUT_PROCESS_WHY_SIZE);
        }
        if (p && p->pid > 0) {
            waitpid(p->pid, NULL, 0);
        }
        output_process_free(p);
        return error ? error : ready.error;
    }
    *out = p;
    return 0;
}

struct channel *output_process_channel(const struct output_process *p) {
    return p->channel;
}

int output_process_life(const struct output_process *p) {
    return p->life;
}

bool output_process_runs(struct output_process *p, int *status) {
    int how;
    if (!p->ended && waitpid(p->pid, &how, WNOHANG) == p->pid) {
        p->ended = true;
        p->status = WIFEXITED(how) ? WEXITSTATUS(how) : EXIT_FAILURE;
    }
    *status = p->status;
    return !p->ended;
}

void output_process_free(struct output_process *p) {
    if (!p) {
        return;
    }
    if (p->life >= 0) {
        close(p->life);
    }
    channel_free(p->channel);
    free(p);
}

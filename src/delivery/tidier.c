#include "tidier.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    RETRY_S = 60, /* what failed is tried again after */
    NICEST = 19,
    /* linux/ioprio.h: best effort, the last of it. Idle might never have its turn on a disk that is busy for days. */
    IOPRIO_WHO_PROCESS = 1,
    IOPRIO_LAST = 2 << 13 | 7,
};

struct tidier {
    pthread_t thread;
    pthread_mutex_t lock; /* for all below; held also while the folder is read */
    pthread_cond_t wake;
    atomic_bool stop;
    bool told, busy;
    int folder;
    char name[NAME_MAX + 1];
    struct rotated_settings settings;
    struct rotated_busy open;
    uint64_t now;
    int trouble;
    char about[NAME_MAX + 1];
};

/* With the lock; until it is told to, or what failed is tried again. */
static void wait_for_work(struct tidier *t) {
    struct timespec until;
    int error = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RETRY_S;
    while (!t->told && !atomic_load(&t->stop) && error != ETIMEDOUT) {
        error = t->trouble != 0 ? pthread_cond_timedwait(&t->wake, &t->lock, &until)
                                : pthread_cond_wait(&t->wake, &t->lock);
    }
    t->busy = true;
}

/* With the lock, which it gives back while files are removed and compressed. */
static void tidy(struct tidier *t) {
    char about[NAME_MAX + 1] = "";
    int done;
    do {
        t->told = false;
        int error = 0;
        struct rotated_list *list = rotated_list_new(t->folder, &t->settings, t->open, t->now, &error);
        pthread_mutex_unlock(&t->lock);
        done = list ? rotated_tidy(list, &t->stop, about) : error;
        rotated_list_free(list);
        pthread_mutex_lock(&t->lock);
    } while (done == 1 && !atomic_load(&t->stop));
    t->busy = false;
    if (done != -ECANCELED) {
        t->trouble = done < 0 ? done : 0;
        memcpy(t->about, about, sizeof t->about);
    }
}

static void *run(void *tidier) {
    struct tidier *t = tidier;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICEST);
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_LAST);
    pthread_mutex_lock(&t->lock);
    while (!atomic_load(&t->stop)) {
        wait_for_work(t);
        tidy(t);
    }
    tidy(t); /* what was rotated meanwhile: the oldest go, for compressing there is no time */
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* Signals are for the thread that delivers. */
static int start(struct tidier *t) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&t->thread, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

static void drop(struct tidier *t) {
    if (t->folder >= 0) {
        close(t->folder);
    }
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

int tidier_new(struct tidier **out, int folder, const struct rotated_settings *settings, struct rotated_busy open,
               uint64_t now) {
    struct tidier *t = calloc(1, sizeof *t);
    if (!t) {
        return -ENOMEM;
    }
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, &clock);
    pthread_condattr_destroy(&clock);
    snprintf(t->name, sizeof t->name, "%s", settings->name);
    t->settings = *settings;
    t->settings.name = t->name;
    t->open = open;
    t->now = now;
    t->told = true;
    t->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    int error = t->folder < 0 ? -errno : start(t);
    if (error != 0) {
        drop(t);
        return error;
    }
    *out = t;
    return 0;
}

void tidier_hold(struct tidier *t) {
    pthread_mutex_lock(&t->lock);
}

void tidier_resume(struct tidier *t, struct rotated_busy open, uint64_t now) {
    t->open = open;
    t->now = now;
    t->told = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

int tidier_trouble(struct tidier *t, char about[NAME_MAX + 1]) {
    pthread_mutex_lock(&t->lock);
    int trouble = t->trouble;
    memcpy(about, t->about, sizeof t->about);
    pthread_mutex_unlock(&t->lock);
    return trouble;
}

bool tidier_idle(struct tidier *t) {
    pthread_mutex_lock(&t->lock);
    bool idle = !t->told && !t->busy;
    pthread_mutex_unlock(&t->lock);
    return idle;
}

void tidier_free(struct tidier *t) {
    if (!t) {
        return;
    }
    atomic_store(&t->stop, true);
    pthread_mutex_lock(&t->lock);
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    drop(t);
}

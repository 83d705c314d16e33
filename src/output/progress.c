#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "quantity.h"

enum { REDRAW_NS = 100000000, WIDTH_DEFAULT = 80, LINE_SIZE = 512 };

struct progress {
    int fd;
    uint64_t total, started, drawn; /* ns of the monotonic clock */
};

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct progress *progress_new(int fd, uint64_t total) {
    struct progress *p = malloc(sizeof(*p));
    if (p != NULL) {
        *p = (struct progress){.fd = fd, .total = total, .started = now()};
        p->drawn = p->started; /* what is done within the first tenth needs no bar */
    }
    return p;
}

/* One write each, for half a bar is ugly; that a terminal went away is no reason to stop. */
static void emit(int fd, const char *text, size_t n) {
    if (write(fd, text, n) < 0) {
        return;
    }
}

static unsigned terminal_width(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : WIDTH_DEFAULT;
}

void progress_update(struct progress *p, uint64_t done) {
    uint64_t time = p != NULL ? now() : 0;
    if (p == NULL || time - p->drawn < REDRAW_NS) {
        return;
    }
    char line[LINE_SIZE + 8] = "\r";
    progress_line(line + 1, LINE_SIZE, terminal_width(p->fd), done, p->total, time - p->started);
    strcat(line, "\033[K");
    emit(p->fd, line, strlen(line));
    log_bar(true);
    p->drawn = time;
}

void progress_free(struct progress *p) {
    static const char erase[] = "\r\033[K";
    if (p != NULL && p->drawn != p->started) {
        emit(p->fd, erase, sizeof(erase) - 1);
        log_bar(false);
    }
    free(p);
}

/* [=====>    ] in width columns, 0 to 1000 thousandths; nothing where there is no room for one worth looking at. */
static size_t put_bar(char *to, unsigned width, unsigned thousandths) {
    if (width < 12) {
        to[0] = '\0';
        return 0;
    }
    unsigned inner = width - 3, filled = inner * thousandths / 1000;
    to[0] = '[';
    for (unsigned i = 0; i < inner; i++) {
        to[1 + i] = i < filled ? '=' : i == filled ? '>' : ' ';
    }
    memcpy(to + 1 + inner, "] ", 3);
    return inner + 3;
}

void progress_line(char *to, size_t size, unsigned width, uint64_t done, uint64_t total, uint64_t elapsed) {
    char facts[160];
    double seconds = (double)elapsed / 1e9;
    uint64_t rate = seconds > 0 ? (uint64_t)((double)done / seconds) : 0;
    unsigned thousandths = 0;
    if (total == 0) {
        snprintf(facts, sizeof(facts), "%s, %s/s", quantity_bytes(done).text, quantity_bytes(rate).text);
    } else {
        uint64_t left = done < total && rate != 0 ? (total - done) / rate : 0;
        thousandths = done < total ? (unsigned)((double)done / (double)total * 1000) : 1000;
        /* In columns, or the bar would change its length with every digit. */
        snprintf(facts, sizeof(facts), "%3u%% %8s of %s, %8s/s, %5s left", thousandths / 10, quantity_bytes(done).text,
                 quantity_bytes(total).text, quantity_bytes(rate).text, quantity_time(left).text);
    }
    size_t columns = width == 0 ? 0 : width - 1u, used = 0;
    if (columns > size - 1) {
        columns = size - 1;
    }
    size_t length = strlen(facts);
    if (total != 0 && columns > length) {
        used = put_bar(to, (unsigned)(columns - length), thousandths);
    }
    snprintf(to + used, columns + 1 - used, "%s", facts);
}

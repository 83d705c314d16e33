#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level shown = LOG_NOTES;
static bool bar_drawn;
static bool never_waits;
static unsigned left_out;

void log_set_level(enum log_level level) {
    shown = level;
}

void log_bar(bool drawn) {
    bar_drawn = drawn;
}

void log_waits(bool waits) {
    never_waits = !waits;
}

/* A name of a file or from the wire must not steer the terminal. Bytes of UTF-8 pass. */
static void make_one_line(char *s) {
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = '?';
        }
    }
}

static void write_all(const char *p, size_t n) {
    while (n > 0) {
        ssize_t written = write(STDERR_FILENO, p, n);
        if (written < 0 && errno != EINTR) {
            return; /* nowhere is left to say so */
        }
        p += written > 0 ? written : 0;
        n -= written > 0 ? (size_t)written : 0;
    }
}

/* A pipe takes a line as a whole where poll(2) says that it can be written (pipe(7)). */
static bool has_room(void) {
    struct pollfd error = {.fd = STDERR_FILENO, .events = POLLOUT};
    return !never_waits || poll(&error, 1, 0) != 0;
}

static void tell_left_out(void) {
    char line[64];
    int n = snprintf(line, sizeof line, "smbtap: %u lines found no room here\n", left_out);
    left_out = 0;
    write_all(line, (size_t)n);
}

void log_line(enum log_level level, const char *format, ...) {
    static const char erase[] = "\r\033[K", name[] = "smbtap: ";
    char line[1024];
    if (level > shown) {
        return;
    }
    size_t start = 0;
    if (bar_drawn) {
        memcpy(line, erase, sizeof(erase) - 1);
        start = sizeof(erase) - 1;
    }
    memcpy(line + start, name, sizeof(name) - 1);
    start += sizeof(name) - 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + start, sizeof(line) - 1 - start, format, arguments);
    va_end(arguments);
    make_one_line(line + start);
    size_t n = start + strlen(line + start);
    line[n] = '\n';
    if (left_out != 0 && has_room()) {
        tell_left_out();
    }
    if (has_room()) {
        write_all(line, n + 1);
    } else {
        left_out++;
    }
}

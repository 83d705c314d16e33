/* A configuration: the input is what an editor, or half a copy, may leave of one.
 *
 * It is read as a running sensor reads it. What is refused is refused in one line; what is taken is printed, and that is read again
 * and printed the same. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned errors; /* lines */

/* In place of those of src/base/log.c: nothing is shown. */
void log_set_level(enum log_level level) {
    (void)level;
}

void log_bar(bool drawn) {
    (void)drawn;
}

void log_line(enum log_level level, const char *format, ...) {
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert(n > 0);
    errors += level == LOG_ERRORS;
}

static struct options running, fresh, again;

static char *print(const struct options *o, size_t *n) {
    char *text = NULL;
    FILE *to = open_memstream(&text, n);
    assert(to);
    int status = options_print(o, to);
    assert(status == 0);
    fclose(to);
    return text;
}

static void check_print(void) {
    size_t n, m;
    char *text = print(&fresh, &n);
    bool good = options_reload(&again, &running, text, n);
    assert(good && errors == 0);
    char *second = print(&again, &m);
    assert(n == m && memcmp(text, second, n) == 0);
    free(text);
    free(second);
    options_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char name[] = "smbtap", i[] = "-i", lo[] = "lo", c[] = "-c", nothing[] = "/dev/null";
    char *words[] = {name, i, lo, c, nothing};
    if (!running.given) {
        int status = options_parse(&running, sizeof words / sizeof words[0], words);
        assert(status == 0);
    }
    char *copy = malloc(size ? size : 1); /* so that a sanitizer sees a read behind it */
    assert(copy);
    memcpy(copy, data, size);
    errors = 0;
    bool good = options_reload(&fresh, &running, copy, size);
    free(copy);
    assert(errors == !good);
    if (good) {
        check_print();
        options_free(&fresh);
    }
    return 0;
}

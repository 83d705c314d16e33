/* Where records go. */
#include "settings_outputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/output_url.h"
#include "log.h"
#include "options.h"
#include "settings.h"

enum { URL_SHOWN = 200 }; /* bytes of one that is none */

static bool file(const struct output_settings *o) {
    return o->kind == OUTPUT_PATH || o->kind == OUTPUT_FILE;
}

/* A slash, or several, and "./" behind one are left out. */
static const char *plain(const char *path) {
    while (path[0] == '/' || (path[0] == '.' && path[1] == '/')) {
        path++;
    }
    return path;
}

static bool same_path(const char *a, const char *b) {
    if ((*a == '/') != (*b == '/')) {
        return false;
    }
    while (*(a = plain(a)) && *(b = plain(b))) {
        size_t n = strcspn(a, "/");
        if (n != strcspn(b, "/") || memcmp(a, b, n) != 0) {
            return false;
        }
        a += n;
        b += n;
    }
    return *a == *plain(b);
}

/* What the two cannot be at once; 0: nothing. */
static int refuse_pair(const char *place, const struct output_settings *a, const struct output_settings *b) {
    if (a->kind == OUTPUT_STANDARD && b->kind == OUTPUT_STANDARD) {
        return settings_refuse(place, a->url, "given twice; standard output is one");
    }
    if (file(a) && file(b) && same_path(a->path, b->path)) {
        return settings_refuse(place, a->url, "another output writes to that file; name another one");
    }
    if (strcmp(a->name, b->name) == 0) {
        return settings_refuse(place, a->url,
                               "another output has the name %s as well; give each one of its own, as name=%s", a->name,
                               "siem1");
    }
    return 0;
}

int settings_take_output(struct options *o, const char *place, struct output_settings *output) {
    int status = 0;
    if (o->output_count == FIGURES_OUTPUTS_MAX) {
        status = settings_refuse(place, output->url, "more than %d outputs; give fewer", FIGURES_OUTPUTS_MAX);
    }
    for (size_t i = 0; status == 0 && i < o->output_count; i++) {
        status = refuse_pair(place, output, &o->outputs[i]);
    }
    if (status == 0) {
        o->outputs[o->output_count++] = *output;
    } else {
        output_settings_free(output);
    }
    return status;
}

int settings_refuse_output(const char *place, const char *url, int error, const char *why) {
    if (error == -ENOMEM) {
        log_error("%s", why);
        return EXIT_FAILURE;
    }
    log_error("%s %.*s%s%s", place, url && output_url_queried(url) ? (int)strcspn(url, "?") : URL_SHOWN, url ? url : "",
              url ? ": " : "", why);
    return error == -EINVAL ? OPTIONS_USAGE : EXIT_FAILURE;
}

void settings_clear_outputs(struct options *o) {
    while (o->output_count != 0) {
        output_settings_free(&o->outputs[--o->output_count]);
    }
}

static bool values_differ(const struct output_settings *a, const struct output_settings *b,
                          const struct output_setting *s) {
    char of_a[VALUE_TEXT_SIZE], of_b[VALUE_TEXT_SIZE];
    for (size_t i = 0;; i++) {
        const char *in_a = output_settings_show(a, s, i, of_a), *in_b = output_settings_show(b, s, i, of_b);
        if (!in_a || !in_b) {
            return in_a || in_b;
        }
        if (strcmp(in_a, in_b) != 0) {
            return true;
        }
    }
}

bool settings_outputs_differ(const struct options *a, const struct options *b) {
    bool differ = a->output_count != b->output_count;
    for (size_t i = 0; !differ && i < a->output_count; i++) {
        const struct output_setting *s;
        for (size_t k = 0; !differ && (s = output_setting_at(k)) != NULL; k++) {
            differ = values_differ(&a->outputs[i], &b->outputs[i], s);
        }
    }
    return differ;
}

static int settle(struct output_settings *output, enum output_run run) {
    char why[OUTPUT_WHY_SIZE], place[OUTPUT_NAME_MAX + 16];
    int error = output_settings_settle(output, run, why);
    snprintf(place, sizeof place, "output %s:", output->name);
    return error ? settings_refuse_output(place, NULL, error, why) : 0;
}

int settings_settle_outputs(struct options *o, enum output_run run) {
    char why[OUTPUT_WHY_SIZE];
    struct output_settings standard;
    int status = 0;
    if (o->output_count == 0) {
        int error = output_settings_parse(&standard, "-", why);
        status = error ? settings_refuse_output("-o", "-", error, why) : settings_take_output(o, "-o", &standard);
    }
    for (size_t i = 0; status == 0 && i < o->output_count; i++) {
        status = settle(&o->outputs[i], run);
    }
    return status;
}

static bool inventory(const struct options *o) {
    return o->action == DO_INVENTORY || o->action == DO_INVENTORY_HELP;
}

static int add_output(struct options *o, const char *place, const char *text) {
    char why[OUTPUT_WHY_SIZE];
    struct output_settings output;
    int error = output_settings_parse(&output, text, why);
    if (error != 0) {
        return settings_refuse_output(place, text, error, why);
    }
    if (inventory(o) && (output.kind > OUTPUT_PATH || o->output_count != 0)) {
        output_settings_free(&output);
        return settings_refuse(place, text, "the answer goes to one file, or with - to standard output; name one");
    }
    return settings_take_output(o, place, &output);
}

/* It is told among the outputs. */
static const char *show_output(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)o, (void)i, (void)to;
    return NULL;
}

static const struct setting rows[] = {
    {
        .letter = 'o',
        .commands = OF_BOTH,
        .key = "output",
        .or_key = "outputs",
        .set = add_output,
        .show = show_output,
        .clear = settings_clear_outputs,
    },
    {
        .commands = OF_SMBTAP,
        .kind = SETTING_OUTPUTS,
        .key = "outputs",
        .or_key = "output",
    },
};

const struct settings_rows settings_outputs = {rows, sizeof rows / sizeof rows[0]};

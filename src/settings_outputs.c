/* Where records go. */
#include "settings_outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "options.h"
#include "settings.h"

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

int settings_refuse_output(const char *place, const char *text, int error, const char *why) {
    if (error == -ENOMEM) {
        log_error("%s", why);
        return EXIT_FAILURE;
    }
    return settings_refuse(place, text, "%s", why);
}

void settings_clear_outputs(struct options *o) {
    while (o->output_count != 0) {
        output_settings_free(&o->outputs[--o->output_count]);
    }
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

static const char *show_output(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)to;
    return i < o->output_count ? o->outputs[i].url : NULL;
}

static const struct setting rows[] = {
    {
        .letter = 'o',
        .commands = OF_BOTH,
        .key = "output",
        .set = add_output,
        .show = show_output,
        .clear = settings_clear_outputs,
    },
};

const struct settings_rows settings_outputs = {rows, sizeof rows / sizeof rows[0]};

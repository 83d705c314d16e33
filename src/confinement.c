#include "confinement.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/code_page.h"
#include "base/resident.h"
#include "capture/filter_program.h"
#include "delivery/file_sink.h"
#include "log.h"

/* Inputs come first, each under its number. */
static size_t list_inputs(struct confinement *c, const struct options *o) {
    size_t count = o->inventory.records ? o->input_count : 0;
    for (size_t i = 0; i < count; i++) {
        c->files[i] = (struct broker_file){.path = o->inputs[i], .mode = BROKER_READ};
    }
    for (size_t i = 0; i < c->inputs.count; i++) {
        const struct input *in = &c->inputs.list[i];
        if (inputs_opens(in)) {
            c->files[in->which] = (struct broker_file){.path = in->path, .mode = BROKER_READ};
            count++;
        }
    }
    return count;
}

/* Each under a number, those with a process of their own too, which is never asked for. */
static size_t list_outputs(struct confinement *c, const struct options *o, size_t first) {
    c->output = first;
    for (size_t i = 0; i < o->output_count; i++) {
        const struct output_settings *s = &o->outputs[i];
        c->files[first + i] =
            (struct broker_file){.path = s->kind == OUTPUT_PATH ? s->path : "-", .mode = BROKER_REPLACE};
    }
    return first + o->output_count;
}

/* What is appended to is no capture that is read. */
static bool is_input(const struct confinement *c, const char *path) {
    struct stat file, input;
    for (size_t i = 0; stat(path, &file) == 0 && i < c->inputs.count; i++) {
        if (stat(c->inputs.list[i].path, &input) == 0 && input.st_dev == file.st_dev && input.st_ino == file.st_ino) {
            return true;
        }
    }
    return false;
}

static bool start_outputs(struct confinement *c, const struct options *o, const struct sandbox_settings *sandbox,
                          const volatile sig_atomic_t *stop) {
    char why[OUTPUTS_WHY_SIZE];
    const struct outputs_settings settings = {
        .list = o->outputs, .count = o->output_count, .sandbox = sandbox, .stop = stop};
    for (size_t i = 0; i < o->output_count; i++) {
        if (o->outputs[i].kind == OUTPUT_FILE && is_input(c, o->outputs[i].path)) {
            file_sink_explain(o->outputs[i].path, -EEXIST, why, sizeof why);
            log_error("%s", why);
            return false;
        }
    }
    if (outputs_start(&c->outputs, &settings, why) != 0) {
        log_error("%s", why);
        return false;
    }
    return true;
}

static bool start(struct confinement *c, const struct options *o, const struct sandbox_settings *s) {
    char why[SANDBOX_WHY_SIZE];
    size_t count = list_outputs(c, o, list_inputs(c, o));
    if (o->filter) {
        c->filter = count++;
        c->files[c->filter] =
            (struct broker_file){.mode = BROKER_MADE, .make = filter_program_make, .arg = (void *)(uintptr_t)o->filter};
    }
    if (broker_start(&c->broker, c->files, count, s, why, sizeof why) != 0 || sandbox_enter(s, why, sizeof why) != 0) {
        log_error("%s", why);
        return false;
    }
    return true;
}

bool confinement_enter(struct confinement *c, const struct options *o, const volatile sig_atomic_t *stop) {
    const char *code_page = o->pipeline.code_page ? o->pipeline.code_page : CODE_PAGE_DEFAULT;
    const struct sandbox_settings settings = {.user = o->live.user, .enabled = o->live.sandbox};
    *c = (struct confinement){.statm = -1};
    if (!o->inventory.records && !inputs_find(&c->inputs, o->inputs, o->input_count)) {
        return false;
    }
    size_t most = c->inputs.count + o->input_count + o->output_count + 1; /* the filter */
    c->files = calloc(most, sizeof *c->files);
    c->code_page = code_page_open(code_page);
    c->statm = resident_open();
    if (!c->files || !c->code_page) {
        log_error("out of memory; close other programs and run it again");
    }
    if (!c->files || !c->code_page || (o->action == DO_REPLAY && !start_outputs(c, o, &settings, stop)) ||
        !start(c, o, &settings)) {
        confinement_end(c);
        return false;
    }
    return true;
}

int confinement_input(void *confinement, size_t which) {
    struct confinement *c = confinement;
    return broker_open(c->broker, which);
}

int confinement_output(struct confinement *c, size_t which) {
    return broker_open(c->broker, c->output + which);
}

int confinement_filter(struct confinement *c, uint64_t kind) {
    return broker_make(c->broker, c->filter, kind);
}

void confinement_end(struct confinement *c) {
    outputs_free(c->outputs);
    broker_stop(c->broker);
    code_page_close(c->code_page);
    inputs_free(&c->inputs);
    free(c->files);
    if (c->statm >= 0) {
        close(c->statm);
    }
    *c = (struct confinement){.statm = -1};
}

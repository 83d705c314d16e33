#include "confinement.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/code_page.h"
#include "base/resident.h"
#include "capture/filter_program.h"
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

static bool start(struct confinement *c, const struct options *o, const struct sandbox_settings *s) {
    char why[SANDBOX_WHY_SIZE];
    size_t count = list_inputs(c, o);
    c->output = count++;
    c->files[c->output] = (struct broker_file){.path = options_file(o), .mode = BROKER_REPLACE};
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

bool confinement_enter(struct confinement *c, const struct options *o) {
    const char *code_page = o->pipeline.code_page ? o->pipeline.code_page : CODE_PAGE_DEFAULT;
    const struct sandbox_settings settings = {.user = o->live.user, .enabled = o->live.sandbox};
    *c = (struct confinement){.statm = -1};
    if (!o->inventory.records && !inputs_find(&c->inputs, o->inputs, o->input_count)) {
        return false;
    }
    size_t most = c->inputs.count + o->input_count + 2; /* the output and the filter */
    c->files = calloc(most, sizeof *c->files);
    c->code_page = code_page_open(code_page);
    c->statm = resident_open();
    if (!c->files || !c->code_page) {
        log_error("out of memory; close other programs and run it again");
    }
    if (!c->files || !c->code_page || !start(c, o, &settings)) {
        confinement_end(c);
        return false;
    }
    return true;
}

int confinement_input(void *confinement, size_t which) {
    struct confinement *c = confinement;
    return broker_open(c->broker, which);
}

int confinement_output(struct confinement *c) {
    return broker_open(c->broker, c->output);
}

int confinement_filter(struct confinement *c, uint64_t kind) {
    return broker_make(c->broker, c->filter, kind);
}

void confinement_end(struct confinement *c) {
    broker_stop(c->broker);
    code_page_close(c->code_page);
    inputs_free(&c->inputs);
    free(c->files);
    if (c->statm >= 0) {
        close(c->statm);
    }
    *c = (struct confinement){.statm = -1};
}

#include "contradiction.h"

#include <stdlib.h>

static bool kept(struct flow_context *c, struct flow *f) {
    if (f->facts.contradictions) {
        return true;
    }
    if (!budget_charge(c->budget, sizeof *f->facts.contradictions)) {
        return false;
    }
    f->facts.contradictions = calloc(1, sizeof *f->facts.contradictions);
    if (!f->facts.contradictions) {
        budget_release(c->budget, sizeof *f->facts.contradictions);
    }
    return f->facts.contradictions != NULL;
}

void contradiction_note(struct flow_context *c, struct flow *f, enum contradiction_kind kind, struct moment at) {
    if (!kept(c, f)) {
        return;
    }
    struct contradiction *one = &f->facts.contradictions->of[kind];
    if (one->count == 0) {
        one->first = at;
    }
    one->count += one->count != UINT32_MAX;
    if (at.time_ns > one->last_ns) {
        one->last_ns = at.time_ns;
    }
}

void contradiction_drop(struct flow_context *c, struct flow *f) {
    if (f->facts.contradictions) {
        budget_release(c->budget, sizeof *f->facts.contradictions);
        free(f->facts.contradictions);
        f->facts.contradictions = NULL;
    }
}

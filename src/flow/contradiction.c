#include "contradiction.h"

static bool kept(struct flow_context *c, struct flow *f) {
    if (f->facts.contradictions) {
        return true;
    }
    f->facts.contradictions = budget_take(c->budget, sizeof *f->facts.contradictions);
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
    budget_give(c->budget, f->facts.contradictions, sizeof *f->facts.contradictions);
    f->facts.contradictions = NULL;
}

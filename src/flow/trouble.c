#include "trouble.h"

struct flow_trouble *trouble_of(struct flow_context *c, struct flow *f) {
    if (!f->facts.trouble) {
        f->facts.trouble = budget_take(c->budget, sizeof *f->facts.trouble);
    }
    return f->facts.trouble;
}

void trouble_drop(struct flow_context *c, struct flow *f) {
    budget_give(c->budget, f->facts.trouble, sizeof *f->facts.trouble);
    f->facts.trouble = NULL;
}

#include "contradiction.h"

#include "trouble.h"

void contradiction_note(struct flow_context *c, struct flow *f, enum contradiction_kind kind, struct moment at) {
    struct flow_trouble *t = trouble_of(c, f);
    if (!t) {
        return;
    }
    struct contradiction *one = &t->of[kind];
    if (one->count == 0) {
        one->first = at;
    }
    one->count += one->count != UINT32_MAX;
    if (at.time_ns > one->last_ns) {
        one->last_ns = at.time_ns;
    }
}

#include "event/packed.h"

#include <stddef.h>
#include <string.h>

/* Every function gives up quietly where the arena overflowed: packed_event looks once, at the end. */

static const void *copy(struct arena *mem, const void *from, size_t n) {
    void *to = n != 0 ? arena_take(mem, n) : NULL;
    return to ? memcpy(to, from, n) : NULL;
}

static struct view copy_view(struct arena *mem, struct view v) {
    return (struct view){copy(mem, v.p, v.n), v.n};
}

static const struct text *copy_texts(struct arena *mem, const struct text *from, size_t count) {
    struct text *to = arena_array(mem, count, sizeof *to);
    for (size_t i = 0; to && i < count; i++) {
        to[i] = (struct text){copy_view(mem, from[i].bytes), from[i].encoding};
    }
    return to;
}

static const struct fact_rows *copy_rows(struct arena *mem, const struct fact_rows *from) {
    struct fact_rows *to = arena_take(mem, sizeof *to);
    if (to) {
        *to = *from; /* its columns live as long as the program */
        to->names = copy_texts(mem, from->names, from->count);
        to->cells = copy(mem, from->cells, (size_t)from->count * from->column_count * sizeof from->cells[0]);
    }
    return to;
}

static void copy_fact(struct arena *mem, struct fact *f) {
    switch ((enum fact_form)f->form) {
    case FACT_BOOL:
    case FACT_UINT:
    case FACT_TIME:
    case FACT_FILETIME:
    case FACT_HEX:
    case FACT_NAME:
    case FACT_NAMED:
    case FACT_BITS:
    case FACT_FILE_ID:
        return;
    case FACT_ROWS:
        f->rows = copy_rows(mem, f->rows);
        return;
    case FACT_NAMES16:
        f->u16s.items = copy(mem, f->u16s.items, f->u16s.count * sizeof f->u16s.items[0]);
        return;
    case FACT_TEXT:
        f->text.bytes = copy_view(mem, f->text.bytes);
        return;
    case FACT_JOINED:
        f->joined = copy_texts(mem, f->joined, f->parts);
        return;
    case FACT_TEXTS:
        f->texts.items = copy_texts(mem, f->texts.items, f->texts.count);
        return;
    case FACT_GUID:
        f->guid = copy(mem, f->guid, sizeof *f->guid);
        return;
    case FACT_ADDRESSES:
        f->interfaces.items = copy(mem, f->interfaces.items, f->interfaces.count * sizeof f->interfaces.items[0]);
        return;
    case FACT_WINDOWS: /* rows of a table */
        f->windows.items = copy(mem, f->windows.items, f->windows.count * sizeof(const struct windows_event *));
        f->windows.json = NULL; /* which the maker writes over */
        return;
    case FACT_COUNTS: /* its names live as long as the program */
        f->counts.values = copy(mem, f->counts.values, f->counts.count * sizeof f->counts.values[0]);
        return;
    }
}

static const struct flow_facts *copy_flow(struct arena *mem, const struct flow_facts *from) {
    struct flow_facts *to = from ? arena_take(mem, sizeof *to) : NULL;
    if (!to) {
        return NULL;
    }
    *to = *from;
    if (from->wrapping) {
        to->wrapping = copy(mem, from->wrapping, sizeof *from->wrapping);
    }
    struct flow_trouble *c = from->trouble ? arena_take(mem, sizeof *c) : NULL;
    if (c) {
        *c = *from->trouble;
    }
    to->trouble = c;
    return to;
}

const struct event *packed_event(const struct event *e, struct arena *mem) {
    size_t n = offsetof(struct event, facts) + e->count * sizeof e->facts[0];
    struct event *to = arena_take(mem, n);
    if (!to) {
        return NULL;
    }
    memcpy(to, e, n);
    to->flow = copy_flow(mem, e->flow);
    to->flow_json = copy_view(mem, e->flow_json);
    for (unsigned i = 0; i < to->count; i++) {
        copy_fact(mem, &to->facts[i]);
    }
    return mem->overflowed ? NULL : to;
}

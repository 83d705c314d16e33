#include "shared_text.h"

#include <stdlib.h>
#include <string.h>

struct shared_text {
    uint32_t holders;
    uint32_t length; /* bytes */
    uint8_t encoding;
    uint8_t size_class; /* SHARED_TEXT_SIZES: on its own */
    bool common;        /* in its slot of the store */
    _Alignas(uint32_t) uint8_t bytes[];
};

static const size_t class_bytes[SHARED_TEXT_SIZES] = {56, 120, 248, 568}; /* with what the pool adds: 64 to 576 */

void text_store_init(struct text_store *s, struct budget *budget) {
    *s = (struct text_store){.budget = budget};
    for (unsigned i = 0; i < SHARED_TEXT_SIZES; i++) {
        pool_init(&s->sizes[i], class_bytes[i], budget);
    }
}

void text_store_free(struct text_store *s) {
    for (unsigned i = 0; i < SHARED_TEXT_SIZES; i++) {
        pool_free(&s->sizes[i]);
    }
}

static struct shared_text *take(struct text_store *s, size_t size, uint8_t *size_class) {
    for (uint8_t i = 0; i < SHARED_TEXT_SIZES; i++) {
        if (size <= class_bytes[i]) {
            *size_class = i;
            return pool_take_raw(&s->sizes[i]);
        }
    }
    *size_class = SHARED_TEXT_SIZES;
    return budget_take(s->budget, size);
}

struct shared_text *text_keep(struct text_store *s, struct text text) {
    if (text.bytes.n == 0 || text.bytes.n > UINT32_MAX) {
        return NULL;
    }
    uint8_t size_class;
    struct shared_text *t = take(s, sizeof *t + text.bytes.n, &size_class);
    if (!t) {
        return NULL;
    }
    t->holders = 1;
    t->length = (uint32_t)text.bytes.n;
    t->encoding = (uint8_t)text.encoding;
    t->size_class = size_class;
    t->common = false;
    memcpy(t->bytes, text.bytes.p, text.bytes.n);
    return t;
}

/* Whoever finds two texts with one slot makes a copy of each necessary, and no more. */
static struct shared_text **slot_of(struct text_store *s, struct text text) {
    uint32_t sum = (uint32_t)text.bytes.n;
    for (size_t i = 0; i < text.bytes.n; i++) {
        sum = (sum ^ text.bytes.p[i]) * 16777619u;
    }
    return &s->common[(sum ^ sum >> 16) % TEXT_COMMON_SLOTS];
}

struct shared_text *text_keep_common(struct text_store *s, struct text text) {
    if (text.bytes.n > TEXT_COMMON_LENGTH) {
        return text_keep(s, text);
    }
    struct shared_text **slot = slot_of(s, text);
    if (*slot && text_same(text_of(*slot), text)) {
        return text_share(*slot);
    }
    struct shared_text *t = text_keep(s, text);
    if (t) {
        if (*slot) {
            (*slot)->common = false;
        }
        t->common = true;
        *slot = t;
    }
    return t;
}

struct shared_text *text_share(struct shared_text *t) {
    if (t) {
        t->holders++;
    }
    return t;
}

static void text_free(struct text_store *s, struct shared_text *t) {
    if (t->common) {
        *slot_of(s, text_of(t)) = NULL;
    }
    if (t->size_class < SHARED_TEXT_SIZES) {
        pool_give(&s->sizes[t->size_class], t);
        return;
    }
    budget_give(s->budget, t, sizeof *t + t->length);
}

void text_drop(struct text_store *s, struct shared_text *t) {
    if (t && --t->holders == 0) {
        text_free(s, t);
    }
}

struct text text_of(const struct shared_text *t) {
    return t ? (struct text){{t->bytes, t->length}, (enum encoding)t->encoding} : (struct text){{NULL, 0}, ENC_UTF16LE};
}

bool text_same(struct text a, struct text b) {
    return a.encoding == b.encoding && a.bytes.n == b.bytes.n &&
           (a.bytes.n == 0 || memcmp(a.bytes.p, b.bytes.p, a.bytes.n) == 0);
}

#include "output_texts.h"

#include <stdlib.h>
#include <string.h>

#include "output_settings.h"

/* Texts in the order in which they came, the last one first. */
struct output_texts {
    struct output_texts *next;
    const char *written; /* another one, which it stands for; NULL: it is as it was written */
    char text[];
};

char *output_texts_keep(struct output_settings *o, const char *text, size_t n) {
    struct output_texts *t = malloc(sizeof *t + n + 1);
    if (!t) {
        return NULL;
    }
    memcpy(t->text, text, n);
    t->text[n] = 0;
    t->written = NULL;
    t->next = o->texts;
    o->texts = t;
    return t->text;
}

const char *output_texts_replace(struct output_settings *o, const char *old, const char *text) {
    const char *written = output_texts_written(o, old), *kept = output_texts_keep(o, text, strlen(text));
    if (kept) {
        o->texts->written = written;
    }
    return kept;
}

const char *output_texts_written(const struct output_settings *o, const char *text) {
    for (const struct output_texts *t = o->texts; t; t = t->next) {
        if (t->text == text) {
            return t->written ? t->written : text;
        }
    }
    return text;
}

void output_texts_free(struct output_settings *o) {
    while (o->texts) {
        struct output_texts *t = o->texts;
        o->texts = t->next;
        free(t);
    }
}

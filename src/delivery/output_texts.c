#include "output_texts.h"

#include <stdlib.h>
#include <string.h>

#include "output_settings.h"

/* Texts in the order in which they came, the last one first. */
struct output_texts {
    struct output_texts *next;
    char text[];
};

char *output_texts_keep(struct output_settings *o, const char *text, size_t n) {
    struct output_texts *t = malloc(sizeof *t + n + 1);
    if (!t) {
        return NULL;
    }
    memcpy(t->text, text, n);
    t->text[n] = 0;
    t->next = o->texts;
    o->texts = t;
    return t->text;
}

void output_texts_free(struct output_settings *o) {
    while (o->texts) {
        struct output_texts *t = o->texts;
        o->texts = t->next;
        free(t);
    }
}

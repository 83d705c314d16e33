/* The memory of what an output was told; it goes with the output. */
#ifndef OUTPUT_TEXTS_H
#define OUTPUT_TEXTS_H

#include <stddef.h>

struct output_settings;

/* A copy of n bytes, ended by a NUL; NULL: no memory. */
char *output_texts_keep(struct output_settings *, const char *text, size_t n);
/* A copy of new text, which stands for one that was kept; NULL: no memory. */
const char *output_texts_replace(struct output_settings *, const char *old, const char *text);
/* What it stands for, or itself. */
const char *output_texts_written(const struct output_settings *, const char *text);
void output_texts_free(struct output_settings *);

#endif

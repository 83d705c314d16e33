/* The memory of what an output was told; it goes with the output. */
#ifndef OUTPUT_TEXTS_H
#define OUTPUT_TEXTS_H

#include <stddef.h>

struct output_settings;

/* A copy of n bytes, ended by a NUL; NULL: no memory. */
char *output_texts_keep(struct output_settings *, const char *text, size_t n);
void output_texts_free(struct output_settings *);

#endif

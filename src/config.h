/* The configuration: a YAML mapping from keys of settings.h to values, one text or a list of texts each.
 *
 * What is wrong is said in one line on standard error, "FILE:LINE: key: what is wrong; the remedy". libcyaml loads and saves the
 * values by a schema made from the settings; the lines, which it does not always know, are libyaml's (config_lines.h). */
#ifndef CONFIG_H
#define CONFIG_H

#include <stddef.h>
#include <stdio.h>

struct config;
struct options;

enum {
    CONFIG_BYTES_MAX = 1 << 18,
    CONFIG_ENTRIES_MAX = 256, /* of a list */
    CONFIG_TEXT_MAX = 65536,  /* bytes of a value */
};

/* A file's text, for free(3). 0, or exit status 1. */
__attribute__((warn_unused_result)) int config_read(const char *path, char **text, size_t *n);

/* The name, for messages, is borrowed. 0, or the exit status. */
__attribute__((warn_unused_result)) int config_parse(const char *name, const char *yaml, size_t n, struct config **out);
void config_free(struct config *); /* NULL is fine */

/* Gives each value to its setting, whose options then borrow it. 0, or the exit status. */
__attribute__((warn_unused_result)) int config_apply(const struct config *, struct options *);

/* The options as a configuration that config_parse reads. 0, or exit status 1. */
__attribute__((warn_unused_result)) int config_print(const struct options *, FILE *);

#endif

/* All that smbtap can be told, once: what an option is called on the command line and in the configuration, what a value of it
 * means, and how it is told again. The rows are in settings_command.c, settings_outputs.c,
 * settings_live.c and settings_decoding.c. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/value.h"

struct options;

enum setting_kind { SETTING_VALUE, SETTING_SWITCH, SETTING_LIST, SETTING_OUTPUTS };
enum { OF_SMBTAP = 1, OF_INVENTORY = 2, OF_BOTH = OF_SMBTAP | OF_INVENTORY };

struct setting {
    const char *option; /* --option; NULL: none */
    char letter;        /* -l; 0: none */
    unsigned commands;  /* OF_...: whose it is */
    enum setting_kind kind;
    const char *means;  /* a switch: what giving it on the command line says, yes or no */
    const char *key;    /* in the configuration; NULL: it is of the command line alone */
    const char *or_key; /* another one, which cannot stand beside it; NULL: none */
    bool live;          /* of a live run alone */
    bool changes;       /* a running sensor takes it from a configuration that is read again */
    /* Place says where the text comes from, for the message: "--port", or "FILE:LINE: port:". Takes the text (which outlives the
     * options) and returns 0, or an exit status after one line on standard error. */
    /* Of outputs (settings_outputs.h) there is none of the three; each of them is a mapping of its own settings. */
    int (*set)(struct options *, const char *place, const char *text);
    /* The i-th value (of others than lists the one with i 0) as set takes it, in to or where it is kept; NULL: there is none. */
    const char *(*show)(const struct options *, size_t i, char to[VALUE_TEXT_SIZE]);
    void (*clear)(struct options *); /* of a list: what is in it goes */
};

struct settings_rows {
    const struct setting *rows;
    size_t count;
};
extern const struct settings_rows settings_command, settings_outputs, settings_live, settings_decoding;

enum { SETTINGS_ROWS = 64 }; /* rows of all four */

/* The i-th of all rows; NULL behind the last. */
const struct setting *settings_at(size_t i);

/* "PLACE TEXT: what is wrong; the remedy" on standard error, and the exit status of wrong usage. */
__attribute__((format(printf, 3, 4))) int settings_refuse(const char *place, const char *text, const char *format, ...);

/* How many a live run has that was told no number: the cores less one, at least one. */
unsigned settings_workers(void);

/* Of the expression, which is no option: as set of struct setting. */
int settings_set_filter(struct options *, const char *place, const char *text);

/* What all switches have in common. */
int settings_set_switch(bool *on, const char *place, const char *text);
const char *settings_show_switch(bool on);
#define SETTINGS_NO_SPAN "not a span of time; give it as 30m, 1h or 2d"

#endif

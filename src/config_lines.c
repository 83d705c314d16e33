#include "config_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "log.h"
#include "options.h"

enum { KEY_SHOWN = 64 }; /* bytes of a key that a message shows */

struct walk {
    yaml_parser_t parser;
    yaml_event_t event; /* the last one */
    const char *name, *yaml;
    struct config_lines *lines;
};

static uint32_t line_of(const struct walk *w) {
    return (uint32_t)w->event.start_mark.line + 1;
}

/* What is wrong with the value of a key, or, NULL, with what is no value. */
__attribute__((format(printf, 3, 4))) static int refuse(const struct walk *w, const char *key, const char *format,
                                                        ...) {
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    log_error("%s:%u: %.*s%s%s", w->name, line_of(w), KEY_SHOWN, key ? key : "", key ? ": " : "", why);
    return OPTIONS_USAGE;
}

/* libyaml knows the line of what it cannot parse, but only the place of what is no text. */
static int refuse_syntax(const struct walk *w) {
    const yaml_parser_t *p = &w->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        log_error("out of memory; close other programs and run it again");
        return EXIT_FAILURE;
    }
    size_t line = p->problem_mark.line + 1;
    if (p->error == YAML_READER_ERROR) {
        line = 1;
        for (size_t i = 0; i < p->problem_offset; i++) {
            line += w->yaml[i] == '\n';
        }
    }
    char begun[64] = "";
    if (p->context && p->context_mark.line + 1 < line) {
        snprintf(begun, sizeof begun, " %s of line %zu", p->context, p->context_mark.line + 1);
    }
    log_error("%s:%zu: this is no YAML (%s%s); write one \"key: value\" on each line", w->name, line,
              p->problem ? p->problem : "no reason is known", begun);
    return OPTIONS_USAGE;
}

/* Goes on to the next event. */
static int next(struct walk *w) {
    yaml_event_delete(&w->event);
    if (!yaml_parser_parse(&w->parser, &w->event)) {
        return refuse_syntax(w);
    }
    return 0;
}

/* The i-th setting has the key; SETTINGS_ROWS: none has. */
static size_t find(const char *key) {
    const struct setting *s;
    for (size_t i = 0; (s = settings_at(i)) != NULL; i++) {
        if (s->key && strcmp(s->key, key) == 0) {
            return i;
        }
    }
    return SETTINGS_ROWS;
}

/* The key is written as the option is, or the option's name is another: say what it is called here. */
static int refuse_key(const struct walk *w, const char *key) {
    const struct setting *s;
    for (size_t i = 0; (s = settings_at(i)) != NULL; i++) {
        if (s->key && s->option && strcmp(s->option, key) == 0) {
            return refuse(w, key, "there is no such setting; here it is called %s", s->key);
        }
    }
    return refuse(w, key, "there is no such setting; smbtap -T prints those there are");
}

/* A text, at most so long, with a meaning that is plain. Empty is only what stands in quotes. */
static int check_text(const struct walk *w, const char *key) {
    if (w->event.type == YAML_ALIAS_EVENT) {
        return refuse(w, key, "aliases are not followed; write the value out");
    }
    if (w->event.type != YAML_SCALAR_EVENT) {
        return refuse(w, key, "one value is wanted, neither a list nor a mapping; give one");
    }
    if (w->event.data.scalar.tag) {
        return refuse(w, key, "tags have no meaning here; leave it out");
    }
    if (w->event.data.scalar.length == 0 && w->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return refuse(w, key, "it has no value; give one, or leave the line out");
    }
    if (w->event.data.scalar.length > CONFIG_TEXT_MAX) {
        return refuse(w, key, "its value is longer than %d bytes; give a shorter one", CONFIG_TEXT_MAX);
    }
    if (memchr(w->event.data.scalar.value, 0, w->event.data.scalar.length)) {
        return refuse(w, key, "there is a NUL in its value; leave that out");
    }
    return 0;
}

/* The line of each entry goes to lines, which has room for so many; check goes to the end of what begins there. */
static int walk_list(struct walk *w, const char *key, uint32_t *lines, unsigned most,
                     int (*check)(struct walk *, const char *key, unsigned i)) {
    if (w->event.type != YAML_SEQUENCE_START_EVENT) {
        return refuse(w, key, "a list is wanted; write it as [one, two], or each on a line of its own behind \"- \"");
    }
    if (w->event.data.sequence_start.tag) {
        return refuse(w, key, "tags have no meaning here; leave it out");
    }
    int status = next(w);
    for (unsigned i = 0; status == 0 && w->event.type != YAML_SEQUENCE_END_EVENT; i++) {
        if (i == most) {
            return refuse(w, key, "the list has more than %u entries; give fewer", most);
        }
        lines[i] = line_of(w);
        status = check(w, key, i);
        status = status ? status : next(w);
    }
    return status;
}

static int check_entry(struct walk *w, const char *key, unsigned i) {
    (void)i;
    return check_text(w, key);
}

/* The text of a key; NULL: it is none. */
static const char *key_text(const struct walk *w) {
    const yaml_event_t *e = &w->event;
    bool text = e->type == YAML_SCALAR_EVENT && strlen((const char *)e->data.scalar.value) == e->data.scalar.length;
    return text ? (const char *)e->data.scalar.value : NULL;
}

/* ---- an output */

static size_t find_of_output(const char *key) {
    const struct output_setting *s;
    size_t i = 0;
    while ((s = output_setting_at(i)) != NULL && strcmp(s->name, key) != 0) {
        i++;
    }
    return s ? i : OUTPUT_SETTING_ROWS;
}

static int walk_output_value(struct walk *w, size_t row, uint32_t *lines) {
    const struct output_setting *s = output_setting_at(row);
    char key[KEY_SHOWN];
    snprintf(key, sizeof key, "outputs: %s", s->name);
    if (lines[0] != 0) {
        return refuse(w, key, "it stands there twice; leave one of the two out");
    }
    int status = next(w);
    if (status != 0) {
        return status;
    }
    if (!output_setting_is_list(s)) {
        lines[0] = line_of(w);
        return check_text(w, key);
    }
    status = walk_list(w, key, lines, OUTPUT_VALUES_MAX, check_entry);
    return status == 0 && lines[0] == 0 ? refuse(w, key, "the list is empty; name one, or leave the line out") : status;
}

/* From the start of an output's mapping to its end. */
static int walk_output(struct walk *w, const char *key, unsigned i) {
    uint32_t(*lines)[OUTPUT_VALUES_MAX] = w->lines->of_output[i];
    if (w->event.type != YAML_MAPPING_START_EVENT) {
        return refuse(w, key, "the settings of an output are wanted; write \"- to: URL\", and the others below \"to\"");
    }
    if (w->event.data.mapping_start.tag) {
        return refuse(w, key, "tags have no meaning here; leave it out");
    }
    int status = next(w);
    while (status == 0 && w->event.type != YAML_MAPPING_END_EVENT) {
        const char *name = key_text(w);
        size_t row = name ? find_of_output(name) : OUTPUT_SETTING_ROWS;
        if (row == OUTPUT_SETTING_ROWS) {
            return refuse(w, key, "%.*s: there is no such setting of an output; smbtap(8) lists those there are",
                          KEY_SHOWN, name ? name : "?");
        }
        status = walk_output_value(w, row, lines[row]);
        status = status ? status : next(w);
    }
    if (status == 0 && lines[find_of_output("to")][0] == 0) {
        log_error("%s:%u: outputs: one without \"to\"; say where it leads, as to: syslog+tcp://HOST:PORT", w->name,
                  w->lines->of[find(key)][i]);
        return OPTIONS_USAGE;
    }
    return status;
}

/* ---- the whole */

static int walk_value(struct walk *w, size_t row, const char *key) {
    int status = next(w);
    if (status != 0) {
        return status;
    }
    switch (settings_at(row)->kind) {
    case SETTING_LIST:
        return walk_list(w, key, w->lines->of[row], CONFIG_ENTRIES_MAX, check_entry);
    case SETTING_OUTPUTS:
        return walk_list(w, key, w->lines->of[row], FIGURES_OUTPUTS_MAX, walk_output);
    default:
        w->lines->of[row][0] = line_of(w);
        return check_text(w, key);
    }
}

static int check_twice(const struct walk *w, const bool seen[SETTINGS_ROWS], size_t row) {
    const struct setting *s = settings_at(row);
    if (seen[row]) {
        return refuse(w, s->key, "it stands there twice; leave one of the two out");
    }
    if (s->or_key && seen[find(s->or_key)]) {
        return refuse(w, s->key, "%s stands there as well; leave one of the two out", s->or_key);
    }
    return 0;
}

/* From behind the start of the mapping to its end. */
static int walk_mapping(struct walk *w) {
    bool seen[SETTINGS_ROWS] = {false};
    int status = next(w);
    while (status == 0 && w->event.type != YAML_MAPPING_END_EVENT) {
        if (w->event.type != YAML_SCALAR_EVENT) {
            return refuse(w, NULL, "the name of a setting is wanted; write \"key: value\"");
        }
        const char *key = (const char *)w->event.data.scalar.value;
        size_t row = find(key);
        if (row == SETTINGS_ROWS || strlen(key) != w->event.data.scalar.length) {
            return refuse_key(w, key);
        }
        status = check_twice(w, seen, row);
        seen[row] = true;
        status = status ? status : walk_value(w, row, settings_at(row)->key);
        status = status ? status : next(w);
    }
    return status;
}

static int walk_document(struct walk *w) {
    int status = next(w);
    if (status != 0) {
        return status;
    }
    if (w->event.type == YAML_SCALAR_EVENT && w->event.data.scalar.length == 0) {
        w->lines->nothing = true;
    } else if (w->event.type != YAML_MAPPING_START_EVENT) {
        return refuse(w, NULL, "settings are wanted; write one \"key: value\" on each line");
    } else {
        status = walk_mapping(w);
    }
    return status ? status : next(w); /* the document's end */
}

int config_lines_find(struct config_lines *lines, const char *name, const char *yaml, size_t n) {
    struct walk w = {.name = name, .yaml = yaml, .lines = lines};
    *lines = (struct config_lines){0};
    if (!yaml_parser_initialize(&w.parser)) {
        log_error("out of memory; close other programs and run it again");
        return EXIT_FAILURE;
    }
    yaml_parser_set_input_string(&w.parser, (const unsigned char *)yaml, n);
    int status = next(&w); /* the stream's start */
    status = status ? status : next(&w);
    if (status == 0 && w.event.type == YAML_STREAM_END_EVENT) {
        lines->nothing = true;
    } else if (status == 0) {
        status = walk_document(&w);
        status = status ? status : next(&w);
        if (status == 0 && w.event.type != YAML_STREAM_END_EVENT) {
            status = refuse(&w, NULL, "a second document begins; put all settings into one");
        }
    }
    yaml_event_delete(&w.event);
    yaml_parser_delete(&w.parser);
    return status;
}

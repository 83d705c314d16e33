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

static size_t line_of(const struct walk *w) {
    return w->event.start_mark.line + 1;
}

/* What is wrong with the value of a key, or, NULL, with what is no value. */
__attribute__((format(printf, 3, 4))) static int refuse(const struct walk *w, const char *key, const char *format,
                                                        ...) {
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    log_error("%s:%zu: %.*s%s%s", w->name, line_of(w), KEY_SHOWN, key ? key : "", key ? ": " : "", why);
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

static int walk_list(struct walk *w, size_t row, const char *key) {
    if (w->event.type != YAML_SEQUENCE_START_EVENT) {
        return refuse(w, key, "a list is wanted; write it as [one, two], or each on a line of its own behind \"- \"");
    }
    if (w->event.data.sequence_start.tag) {
        return refuse(w, key, "tags have no meaning here; leave it out");
    }
    int status = next(w);
    for (size_t i = 0; status == 0 && w->event.type != YAML_SEQUENCE_END_EVENT; i++) {
        if (i == CONFIG_ENTRIES_MAX) {
            return refuse(w, key, "the list has more than %d entries; give fewer", CONFIG_ENTRIES_MAX);
        }
        w->lines->of[row][i] = line_of(w);
        status = check_text(w, key);
        status = status ? status : next(w);
    }
    return status;
}

static int walk_value(struct walk *w, size_t row, const char *key) {
    int status = next(w);
    if (status != 0) {
        return status;
    }
    if (settings_at(row)->kind == SETTING_LIST) {
        return walk_list(w, row, key);
    }
    w->lines->of[row][0] = line_of(w);
    return check_text(w, key);
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
        if (seen[row]) {
            return refuse(w, key, "it stands there twice; leave one of the two out");
        }
        seen[row] = true;
        status = walk_value(w, row, settings_at(row)->key);
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

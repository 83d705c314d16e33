/* What there is to do, on what, and how much is said meanwhile. */
#include <string.h>

#include "options.h"
#include "settings.h"

static int add_input(struct options *o, const char *place, const char *path) {
    if (o->input_count == OPTIONS_INPUTS_MAX) {
        return settings_refuse(place, path, "more than %d files named; put captures in a folder and name that",
                               OPTIONS_INPUTS_MAX);
    }
    for (size_t i = 0; strcmp(path, "-") == 0 && i < o->input_count; i++) {
        if (strcmp(o->inputs[i], "-") == 0) {
            return settings_refuse(place, path, "given twice; standard input can be read once");
        }
    }
    o->inputs[o->input_count++] = path;
    return 0;
}

static int add_capture(struct options *o, const char *place, const char *path) {
    if (o->inventory.records) {
        return settings_refuse(place, path, "captures and records at once; read either -r or --records");
    }
    return add_input(o, place, path);
}

static int add_records(struct options *o, const char *place, const char *path) {
    if (!o->inventory.records && o->input_count != 0) {
        return settings_refuse(place, path, "captures and records at once; read either -r or --records");
    }
    o->inventory.records = true;
    return add_input(o, place, path);
}

static int set_since(struct options *o, const char *place, const char *text) {
    return value_span(text, &o->inventory.since_ns) ? 0 : settings_refuse(place, text, SETTINGS_NO_SPAN);
}

static int set_format(struct options *o, const char *place, const char *text) {
    static const char *const names[] = {[REPORT_TABLE] = "table", [REPORT_JSON] = "json", [REPORT_CSV] = "csv"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            o->inventory.format = (enum report_format)i;
            return 0;
        }
    }
    return settings_refuse(place, text, "there is no such format; give table, json or csv");
}

static int set_config(struct options *o, const char *place, const char *text) {
    if (*text == 0) {
        return settings_refuse(place, text, "not a file's name; give one");
    }
    o->live.config_file = text;
    return 0;
}

/* What is not asked for takes nothing back but itself. */
static int set_level(struct options *o, enum log_level level, const char *place, const char *text) {
    bool on;
    int status = settings_set_switch(&on, place, text);
    if (status == 0 && (on || o->level == level)) {
        o->level = on ? level : LOG_NOTES;
    }
    return status;
}

static int set_quiet(struct options *o, const char *place, const char *text) {
    return set_level(o, LOG_ERRORS, place, text);
}

static const char *show_quiet(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return settings_show_switch(o->level == LOG_ERRORS);
}

static int set_verbose(struct options *o, const char *place, const char *text) {
    return set_level(o, LOG_DETAILS, place, text);
}

static const char *show_verbose(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return settings_show_switch(o->level == LOG_DETAILS);
}

static int set_check(struct options *o, const char *place, const char *text) {
    (void)place, (void)text;
    o->action = DO_CHECK;
    return 0;
}

static int set_print_filter(struct options *o, const char *place, const char *text) {
    (void)place, (void)text;
    o->action = DO_PRINT_FILTER;
    return 0;
}

static int set_schema(struct options *o, const char *place, const char *text) {
    (void)place, (void)text;
    o->action = DO_SCHEMA;
    return 0;
}

static int set_version(struct options *o, const char *place, const char *text) {
    (void)place, (void)text;
    o->action = DO_VERSION;
    return 0;
}

static int set_help(struct options *o, const char *place, const char *text) {
    (void)place, (void)text;
    o->action = o->action == DO_INVENTORY ? DO_INVENTORY_HELP : DO_HELP;
    return 0;
}

static const struct setting rows[] = {
    {
        .letter = 'r',
        .commands = OF_BOTH,
        .kind = SETTING_LIST,
        .set = add_capture,
    },
    {
        .option = "records",
        .commands = OF_INVENTORY,
        .kind = SETTING_LIST,
        .set = add_records,
    },
    {
        .option = "since",
        .commands = OF_INVENTORY,
        .set = set_since,
    },
    {
        .option = "format",
        .commands = OF_INVENTORY,
        .set = set_format,
    },
    {
        .option = "config",
        .letter = 'c',
        .commands = OF_SMBTAP,
        .set = set_config,
    },
    {
        .letter = 'T',
        .commands = OF_SMBTAP,
        .kind = SETTING_SWITCH,
        .means = "yes",
        .set = set_check,
    },
    {
        .option = "quiet",
        .letter = 'q',
        .commands = OF_BOTH,
        .kind = SETTING_SWITCH,
        .means = "yes",
        .key = "quiet",
        .changes = true,
        .set = set_quiet,
        .show = show_quiet,
    },
    {
        .option = "verbose",
        .letter = 'v',
        .commands = OF_BOTH,
        .kind = SETTING_SWITCH,
        .means = "yes",
        .key = "verbose",
        .changes = true,
        .set = set_verbose,
        .show = show_verbose,
    },
    {
        .option = "print-filter",
        .commands = OF_SMBTAP,
        .kind = SETTING_SWITCH,
        .means = "yes",
        .set = set_print_filter,
    },
    {
        .option = "schema",
        .commands = OF_SMBTAP,
        .kind = SETTING_SWITCH,
        .means = "yes",
        .set = set_schema,
    },
    {
        .option = "version",
        .letter = 'V',
        .commands = OF_SMBTAP,
        .kind = SETTING_SWITCH,
        .means = "yes",
        .set = set_version,
    },
    {
        .option = "help",
        .letter = 'h',
        .commands = OF_BOTH,
        .kind = SETTING_SWITCH,
        .means = "yes",
        .set = set_help,
    },
};

const struct settings_rows settings_command = {rows, sizeof rows / sizeof rows[0]};

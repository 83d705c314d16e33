#include "config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_lines.h"
#include "log.h"
#include "options.h"
#include "settings.h"
#include "settings_outputs.h"

enum {
    WHY_SIZE = 256,   /* of what libcyaml says */
    PLACE_SIZE = 640, /* FILE:LINE: key: */
    NAME_SHOWN = 400, /* bytes of the file's name that are shown in it */
    KEYS_SIZE = 200,  /* of what is shown of an output's settings */
    OUTPUT_SHOWN = 100,
};

struct output_values;

/* What a setting has in the file. */
struct value {
    char *text;                    /* of one that is no list; NULL: nothing */
    char **entries;                /* of a list */
    struct output_values *outputs; /* of outputs */
    uint32_t count;                /* of either */
};

/* What an output has, by the rows of output_settings.h. */
struct output_values {
    struct value of[OUTPUT_SETTING_ROWS];
};

struct values {
    struct value of[SETTINGS_ROWS];
};

/* The settings as libcyaml knows them: a mapping of texts, lists of texts and a list of such mappings, each of which may be absent. */
struct schema {
    cyaml_schema_field_t fields[SETTINGS_ROWS + 1]; /* the last one without a key */
    cyaml_schema_field_t output_fields[OUTPUT_SETTING_ROWS + 1];
    cyaml_schema_value_t output;
    cyaml_schema_value_t top;
};

struct config {
    const char *name;
    struct schema schema;
    struct values *values; /* libcyaml's; NULL: none */
    struct config_lines lines;
};

static const cyaml_schema_value_t entry_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CONFIG_TEXT_MAX)};

/* One of the rows of a mapping, whose values lie one behind the other. */
static cyaml_schema_field_t field_of(const char *key, bool list, size_t row) {
    const enum cyaml_flag flags = (enum cyaml_flag)(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL);
    const uint32_t at = (uint32_t)(row * sizeof(struct value));
    cyaml_schema_field_t field = {.key = key};
    if (list) {
        field.data_offset = at + (uint32_t)offsetof(struct value, entries);
        field.count_offset = at + (uint32_t)offsetof(struct value, count);
        field.count_size = sizeof(uint32_t);
        field.value = (cyaml_schema_value_t){CYAML_VALUE_SEQUENCE(flags, char *, &entry_schema, 0, CONFIG_ENTRIES_MAX)};
    } else {
        field.data_offset = at + (uint32_t)offsetof(struct value, text);
        field.value = (cyaml_schema_value_t){CYAML_VALUE_STRING(flags, char, 0, CONFIG_TEXT_MAX)};
    }
    return field;
}

/* The list of outputs. */
static cyaml_schema_field_t outputs_of(struct schema *schema, const char *key, size_t row) {
    const enum cyaml_flag flags = (enum cyaml_flag)(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL);
    const struct output_setting *s;
    size_t count = 0;
    for (; (s = output_setting_at(count)) != NULL; count++) {
        schema->output_fields[count] = field_of(s->name, output_setting_is_list(s), count);
    }
    schema->output_fields[count] = (cyaml_schema_field_t)CYAML_FIELD_END;
    schema->output =
        (cyaml_schema_value_t){CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct output_values, schema->output_fields)};
    cyaml_schema_field_t field = field_of(key, true, row);
    field.data_offset = (uint32_t)(row * sizeof(struct value) + offsetof(struct value, outputs));
    field.value = (cyaml_schema_value_t){
        CYAML_VALUE_SEQUENCE(flags, struct output_values, &schema->output, 0, FIGURES_OUTPUTS_MAX)};
    return field;
}

static void write_schema(struct schema *schema) {
    size_t count = 0;
    const struct setting *s;
    for (size_t row = 0; (s = settings_at(row)) != NULL; row++) {
        if (s->key) {
            schema->fields[count++] = s->kind == SETTING_OUTPUTS ? outputs_of(schema, s->key, row)
                                                                 : field_of(s->key, s->kind == SETTING_LIST, row);
        }
    }
    schema->fields[count] = (cyaml_schema_field_t)CYAML_FIELD_END;
    schema->top = (cyaml_schema_value_t){CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct values, schema->fields)};
}

/* The first thing that libcyaml says is the reason, what follows is where. */
__attribute__((format(printf, 3, 0))) static void keep_first(cyaml_log_t level, void *arg, const char *format,
                                                             va_list arguments) {
    char *first = arg;
    if (level >= CYAML_LOG_ERROR && !*first) {
        vsnprintf(first, WHY_SIZE, format, arguments);
        first[strcspn(first, "\n")] = 0;
    }
}

static cyaml_config_t library(char first[WHY_SIZE]) {
    return (cyaml_config_t){.log_fn = keep_first,
                            .log_ctx = first,
                            .log_level = CYAML_LOG_ERROR,
                            .mem_fn = cyaml_mem,
                            .flags = CYAML_CFG_NO_ALIAS | CYAML_CFG_STYLE_BLOCK};
}

/* Up to a byte more than there may be. Negative errno. */
static ssize_t read_all(int fd, char *to) {
    size_t have = 0;
    ssize_t got = 1;
    while (got > 0 && have <= CONFIG_BYTES_MAX) {
        got = read(fd, to + have, CONFIG_BYTES_MAX + 1 - have);
        have += got > 0 ? (size_t)got : 0;
    }
    return got < 0 ? -errno : (ssize_t)have;
}

int config_read(const char *path, char **text, size_t *n) {
    char *bytes = malloc(CONFIG_BYTES_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t have = fd < 0 ? -errno : bytes ? read_all(fd, bytes) : -ENOMEM;
    if (fd >= 0) {
        close(fd);
    }
    if (have >= 0 && have <= CONFIG_BYTES_MAX) {
        *text = bytes;
        *n = (size_t)have;
        return 0;
    }
    free(bytes);
    if (have < 0) {
        log_error("%s: the configuration cannot be read: %s; name one that can be with -c", path, strerror((int)-have));
    } else {
        log_error("%s: more than %d KiB are no configuration; name one with -c", path, CONFIG_BYTES_MAX >> 10);
    }
    return EXIT_FAILURE;
}

static int load(struct config *c, const char *yaml, size_t n) {
    char first[WHY_SIZE] = "";
    cyaml_config_t cyaml = library(first);
    cyaml_data_t *data = NULL;
    cyaml_err_t error = cyaml_load_data((const uint8_t *)yaml, n, &cyaml, &c->schema.top, &data, NULL);
    c->values = data;
    if (error != CYAML_OK) {
        log_error("%s: cannot be taken for a configuration: %s; write one \"key: value\" on each line", c->name,
                  *first ? first : cyaml_strerror(error));
        return error == CYAML_ERR_OOM ? EXIT_FAILURE : OPTIONS_USAGE;
    }
    return 0;
}

int config_parse(const char *name, const char *yaml, size_t n, struct config **out) {
    struct config *c = calloc(1, sizeof *c);
    if (!c) {
        log_error("out of memory; close other programs and run it again");
        return EXIT_FAILURE;
    }
    c->name = name;
    write_schema(&c->schema);
    int status = config_lines_find(&c->lines, name, yaml, n);
    if (status == 0 && !c->lines.nothing) {
        status = load(c, yaml, n);
    }
    if (status != 0) {
        config_free(c);
        return status;
    }
    *out = c;
    return 0;
}

void config_free(struct config *c) {
    if (c) {
        char first[WHY_SIZE] = "";
        cyaml_config_t cyaml = library(first);
        cyaml_free(&cyaml, &c->schema.top, c->values, 0);
        free(c);
    }
}

/* The i-th text of a value; NULL: it has no more. */
static const char *text_of(const struct value *v, size_t i) {
    if (v->text) {
        return i == 0 ? v->text : NULL;
    }
    return i < v->count && v->entries ? v->entries[i] : NULL;
}

static void write_place(const struct config *c, uint32_t line, const char *key, char to[PLACE_SIZE]) {
    snprintf(to, PLACE_SIZE, "%.*s:%u: %s:", NAME_SHOWN, c->name, line, key);
}

/* ---- outputs */

static size_t row_of_output(const char *name) {
    size_t row = 0;
    while (strcmp(output_setting_at(row)->name, name) != 0) {
        row++;
    }
    return row;
}

/* Where a value of an output stands, and what the output is called, or where it leads. */
static void place_of_output(const struct config *c, const struct output_values *v, uint32_t line, const char *key,
                            char to[PLACE_SIZE]) {
    char keys[KEYS_SIZE];
    const char *name = text_of(&v->of[row_of_output("name")], 0), *url = text_of(&v->of[row_of_output("to")], 0);
    snprintf(keys, sizeof keys, "outputs: %.*s%s%s", OUTPUT_SHOWN,
             name && *name ? name
             : *url        ? url
                           : "\"\"",
             *key ? ": " : "", key);
    write_place(c, line, keys, to);
}

/* All of it but where it leads. */
static int tell_output(const struct config *c, size_t entry, const struct output_values *v,
                       struct output_settings *output) {
    char place[PLACE_SIZE], why[OUTPUT_WHY_SIZE];
    const struct output_setting *s;
    const size_t to = row_of_output("to");
    int error = 0;
    for (size_t row = 0; (s = output_setting_at(row)) != NULL; row++) {
        const char *text;
        for (size_t i = 0; row != to && (text = text_of(&v->of[row], i)) != NULL; i++) {
            error = output_settings_set(output, s, text, why);
            if (error != 0) {
                place_of_output(c, v, c->lines.of_output[entry][row][i], s->name, place);
                return settings_refuse_output(place, NULL, error, why);
            }
        }
    }
    error = output_settings_check(output, why);
    if (error != 0) {
        place_of_output(c, v, c->lines.of_output[entry][to][0], "", place);
        return settings_refuse_output(place, NULL, error, why);
    }
    return 0;
}

static int apply_output(const struct config *c, size_t entry, const struct output_values *v, struct options *o) {
    char place[PLACE_SIZE], why[OUTPUT_WHY_SIZE];
    struct output_settings output;
    const size_t to = row_of_output("to");
    int error = output_settings_begin(&output, text_of(&v->of[to], 0), why);
    if (error != 0) {
        place_of_output(c, v, c->lines.of_output[entry][to][0], "to", place);
        return settings_refuse_output(place, text_of(&v->of[to], 0), error, why);
    }
    int status = tell_output(c, entry, v, &output);
    if (status != 0) {
        output_settings_free(&output);
        return status;
    }
    write_place(c, c->lines.of_output[entry][to][0], "outputs", place);
    return settings_take_output(o, place, &output);
}

/* ---- all of them */

static int apply_setting(const struct config *c, size_t row, struct options *o) {
    const struct setting *s = settings_at(row);
    const struct value *v = &c->values->of[row];
    const char *text;
    int status = 0;
    for (size_t i = 0; s->kind == SETTING_OUTPUTS && i < v->count && status == 0; i++) {
        status = apply_output(c, i, &v->outputs[i], o);
    }
    for (size_t i = 0; status == 0 && (text = text_of(v, i)) != NULL; i++) {
        char place[PLACE_SIZE];
        write_place(c, c->lines.of[row][i], s->key, place);
        status = s->set(o, place, text);
    }
    return status;
}

int config_apply(const struct config *c, struct options *o) {
    int status = 0;
    for (size_t row = 0; status == 0 && c->values && settings_at(row); row++) {
        status = apply_setting(c, row, o);
    }
    return status;
}

/* ---- printing */

static bool copy(char **to, const char *text) {
    *to = strdup(text);
    return *to != NULL;
}

/* One more entry of a list that has room for it. */
static bool add(struct value *v, const char *text) {
    v->entries = v->entries ? v->entries : calloc(CONFIG_ENTRIES_MAX, sizeof *v->entries);
    if (!v->entries || !copy(&v->entries[v->count], text)) {
        return false;
    }
    v->count++;
    return true;
}

static bool write_output(struct output_values *v, const struct output_settings *output) {
    char scratch[VALUE_TEXT_SIZE];
    const struct output_setting *s;
    bool good = true;
    for (size_t row = 0; good && (s = output_setting_at(row)) != NULL; row++) {
        bool list = output_setting_is_list(s);
        const char *text;
        for (size_t i = 0; good && (text = output_settings_show(output, s, i, scratch)) != NULL; i++) {
            good = list ? add(&v->of[row], text) : copy(&v->of[row].text, text);
        }
    }
    return good;
}

static bool write_outputs(struct value *v, const struct options *o) {
    bool good = true;
    v->outputs = calloc(FIGURES_OUTPUTS_MAX, sizeof *v->outputs);
    for (; v->outputs && good && v->count < o->output_count; v->count++) {
        good = write_output(&v->outputs[v->count], &o->outputs[v->count]);
    }
    return v->outputs && good;
}

/* What a setting is; false: no memory. */
static bool write_value(struct value *v, const struct setting *s, const struct options *o) {
    char scratch[VALUE_TEXT_SIZE];
    if (s->kind == SETTING_OUTPUTS) {
        return write_outputs(v, o);
    }
    const char *text = s->show(o, 0, scratch);
    if (s->kind != SETTING_LIST) {
        return !text || copy(&v->text, text);
    }
    v->entries = calloc(CONFIG_ENTRIES_MAX, sizeof *v->entries);
    while (v->entries && v->count < CONFIG_ENTRIES_MAX && (text = s->show(o, v->count, scratch)) != NULL) {
        if (!add(v, text)) {
            return false;
        }
    }
    return v->entries != NULL;
}

static int save(const struct schema *schema, struct values *values, FILE *to) {
    char first[WHY_SIZE] = "";
    cyaml_config_t cyaml = library(first);
    char *text;
    size_t n;
    cyaml_err_t error = cyaml_save_data(&text, &n, &cyaml, &schema->top, values, 0);
    if (error != CYAML_OK) {
        log_error("the settings cannot be told as YAML: %s; give names in UTF-8",
                  *first ? first : cyaml_strerror(error));
        return EXIT_FAILURE;
    }
    fwrite(text, 1, n, to);
    cyaml_mem(NULL, text, 0);
    return 0;
}

int config_print(const struct options *o, FILE *to) {
    struct schema schema = {0};
    struct values *values = calloc(1, sizeof *values);
    char first[WHY_SIZE] = "";
    cyaml_config_t cyaml = library(first);
    bool good = values != NULL;
    write_schema(&schema);
    for (size_t row = 0; good && settings_at(row); row++) {
        good = !settings_at(row)->key || write_value(&values->of[row], settings_at(row), o);
    }
    int status = EXIT_FAILURE;
    if (good) {
        status = save(&schema, values, to);
    } else {
        log_error("out of memory; close other programs and run it again");
    }
    cyaml_free(&cyaml, &schema.top, values, 0);
    return status;
}

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

enum {
    WHY_SIZE = 256,   /* of what libcyaml says */
    PLACE_SIZE = 512, /* FILE:LINE: key: */
    NAME_SHOWN = 400, /* bytes of the file's name that are shown in it */
};

/* What a setting has in the file. */
struct value {
    char *text;     /* of one that is no list; NULL: nothing */
    char **entries; /* of a list */
    uint32_t count;
};

struct values {
    struct value of[SETTINGS_ROWS];
};

/* The settings as libcyaml knows them: a mapping of texts and lists of texts, each of which may be absent. */
struct schema {
    cyaml_schema_field_t fields[SETTINGS_ROWS + 1]; /* the last one without a key */
    cyaml_schema_value_t top;
};

struct config {
    const char *name;
    struct schema schema;
    struct values *values; /* libcyaml's; NULL: none */
    struct config_lines lines;
};

static const cyaml_schema_value_t entry_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CONFIG_TEXT_MAX)};

static uint32_t offset_of(size_t row, size_t member) {
    return (uint32_t)(offsetof(struct values, of) + row * sizeof(struct value) + member);
}

static cyaml_schema_field_t field_of(size_t row) {
    const struct setting *s = settings_at(row);
    const enum cyaml_flag flags = (enum cyaml_flag)(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL);
    cyaml_schema_field_t field = {.key = s->key};
    if (s->kind == SETTING_LIST) {
        field.data_offset = offset_of(row, offsetof(struct value, entries));
        field.count_offset = offset_of(row, offsetof(struct value, count));
        field.count_size = sizeof(uint32_t);
        field.value = (cyaml_schema_value_t){CYAML_VALUE_SEQUENCE(flags, char *, &entry_schema, 0, CONFIG_ENTRIES_MAX)};
    } else {
        field.data_offset = offset_of(row, offsetof(struct value, text));
        field.value = (cyaml_schema_value_t){CYAML_VALUE_STRING(flags, char, 0, CONFIG_TEXT_MAX)};
    }
    return field;
}

static void write_schema(struct schema *schema) {
    size_t count = 0;
    for (size_t row = 0; settings_at(row); row++) {
        if (settings_at(row)->key) {
            schema->fields[count++] = field_of(row);
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

/* The i-th value of a setting; NULL: it has no more. */
static const char *value_of(const struct config *c, size_t row, size_t i) {
    const struct value *v = &c->values->of[row];
    if (v->text) {
        return i == 0 ? v->text : NULL;
    }
    return i < v->count ? v->entries[i] : NULL;
}

int config_apply(const struct config *c, struct options *o) {
    const struct setting *s;
    for (size_t row = 0; c->values && (s = settings_at(row)) != NULL; row++) {
        const char *text;
        for (size_t i = 0; (text = value_of(c, row, i)) != NULL; i++) {
            char place[PLACE_SIZE];
            snprintf(place, sizeof place, "%.*s:%zu: %s:", NAME_SHOWN, c->name, c->lines.of[row][i], s->key);
            int status = s->set(o, place, text);
            if (status != 0) {
                return status;
            }
        }
    }
    return 0;
}

static bool copy(char **to, const char *text) {
    *to = strdup(text);
    return *to != NULL;
}

/* What a setting is; false: no memory. */
static bool write_value(struct value *v, const struct setting *s, const struct options *o) {
    char scratch[VALUE_TEXT_SIZE];
    const char *text = s->show(o, 0, scratch);
    if (s->kind != SETTING_LIST) {
        return !text || copy(&v->text, text);
    }
    v->entries = calloc(CONFIG_ENTRIES_MAX, sizeof *v->entries);
    while (v->entries && v->count < CONFIG_ENTRIES_MAX && (text = s->show(o, v->count, scratch)) != NULL) {
        if (!copy(&v->entries[v->count], text)) {
            return false;
        }
        v->count++;
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

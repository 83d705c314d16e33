#include "schema_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

/* One comparison, with room for the reason; path is the key or index looked at last. */
struct check {
    char *message;
    size_t size;
    const char *path;
};

static bool check_value(struct check *, const json_t *schema, const json_t *value);

__attribute__((format(printf, 2, 3))) static bool fail(struct check *c, const char *format, ...) {
    va_list arguments;
    int n = snprintf(c->message, c->size, "%s: ", c->path);
    va_start(arguments, format);
    vsnprintf(c->message + n, c->size - (size_t)n, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_type(const char *type, const json_t *value) {
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value));
}

static bool check_type(struct check *c, const json_t *types, const json_t *value) {
    if (json_is_string(types)) {
        return is_type(json_string_value(types), value) || fail(c, "is no %s", json_string_value(types));
    }
    for (size_t i = 0; i < json_array_size(types); i++) {
        if (is_type(json_string_value(json_array_get(types, i)), value)) {
            return true;
        }
    }
    return fail(c, "is of none of the types");
}

static bool check_enum(struct check *c, const json_t *values, const json_t *value) {
    for (size_t i = 0; i < json_array_size(values); i++) {
        if (json_equal(json_array_get(values, i), value)) {
            return true;
        }
    }
    return fail(c, "is none of the values");
}

static bool check_size(struct check *c, const char *keyword, const json_t *bound, const json_t *value) {
    json_int_t n = json_integer_value(bound);
    if (strcmp(keyword, "minimum") == 0 && json_is_integer(value)) {
        return json_integer_value(value) >= n || fail(c, "is below %lld", (long long)n);
    }
    if (strcmp(keyword, "maximum") == 0 && json_is_integer(value)) {
        return json_integer_value(value) <= n || fail(c, "is above %lld", (long long)n);
    }
    if ((strcmp(keyword, "minLength") == 0 && json_is_string(value) && json_string_length(value) < (size_t)n) ||
        (strcmp(keyword, "minItems") == 0 && json_is_array(value) && json_array_size(value) < (size_t)n) ||
        (strcmp(keyword, "minProperties") == 0 && json_is_object(value) && json_object_size(value) < (size_t)n)) {
        return fail(c, "has fewer than %s", keyword);
    }
    return true;
}

static bool check_members(struct check *c, const json_t *schema, const json_t *value) {
    const json_t *properties = json_object_get(schema, "properties"),
                 *others = json_object_get(schema, "additionalProperties");
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        const json_t *known = json_object_get(properties, key);
        c->path = key;
        if (known == NULL && json_is_false(others)) {
            return fail(c, "is not in the schema");
        }
        if ((known != NULL && !check_value(c, known, member)) ||
            (known == NULL && json_is_object(others) && !check_value(c, others, member))) {
            return false;
        }
    }
    return true;
}

static bool check_required(struct check *c, const json_t *names, const json_t *value) {
    for (size_t i = 0; i < json_array_size(names); i++) {
        c->path = json_string_value(json_array_get(names, i));
        if (json_object_get(value, c->path) == NULL) {
            return fail(c, "is missing");
        }
    }
    return true;
}

static bool check_items(struct check *c, const json_t *schema, const json_t *value) {
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!check_value(c, schema, json_array_get(value, i))) {
            return false;
        }
    }
    return true;
}

static bool check_all(struct check *c, const json_t *schemas, const json_t *value) {
    for (size_t i = 0; i < json_array_size(schemas); i++) {
        if (!check_value(c, json_array_get(schemas, i), value)) {
            return false;
        }
    }
    return true;
}

static bool check_if(struct check *c, const json_t *schema, const json_t *value) {
    char ignored[512];
    struct check condition = {ignored, sizeof(ignored), "if"};
    const json_t *then = json_object_get(schema, "then");
    return !check_value(&condition, json_object_get(schema, "if"), value) || check_value(c, then, value);
}

static bool one_of(const char *keyword, const char *const *of) {
    for (; *of != NULL; of++) {
        if (strcmp(keyword, *of) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_keyword(struct check *c, const char *keyword, const json_t *argument, const json_t *schema,
                          const json_t *value) {
    static const char *const sizes[] = {"minimum", "maximum", "minLength", "minItems", "minProperties", NULL};
    static const char *const words[] = {"$schema", "$id", "title", "description", "then", "additionalProperties", NULL};
    if (strcmp(keyword, "type") == 0) {
        return check_type(c, argument, value);
    }
    if (strcmp(keyword, "const") == 0) {
        return json_equal(argument, value) || fail(c, "is not the constant");
    }
    if (strcmp(keyword, "enum") == 0) {
        return check_enum(c, argument, value);
    }
    if (strcmp(keyword, "properties") == 0) {
        return check_members(c, schema, value);
    }
    if (strcmp(keyword, "required") == 0) {
        return check_required(c, argument, value);
    }
    if (strcmp(keyword, "items") == 0) {
        return check_items(c, argument, value);
    }
    if (strcmp(keyword, "allOf") == 0) {
        return check_all(c, argument, value);
    }
    if (strcmp(keyword, "if") == 0) {
        return check_if(c, schema, value);
    }
    if (one_of(keyword, sizes)) {
        return check_size(c, keyword, argument, value);
    }
    return one_of(keyword, words) || fail(c, "keyword %s is not known to the tests", keyword);
}

static bool check_value(struct check *c, const json_t *schema, const json_t *value) {
    const char *keyword, *path = c->path;
    json_t *argument;
    /* Objects without properties of their own constrain their members by additionalProperties alone. */
    if (json_object_get(schema, "properties") == NULL && !check_members(c, schema, value)) {
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)schema, keyword, argument) {
        c->path = path;
        if (!check_keyword(c, keyword, argument, schema, value)) {
            return false;
        }
    }
    return true;
}

bool schema_check(const json_t *schema, const json_t *value, char *message, size_t size) {
    struct check c = {message, size, "record"};
    message[0] = '\0';
    return check_value(&c, schema, value);
}

json_t *schema_load(void) {
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (to == NULL) {
        return NULL;
    }
    record_schema(to);
    fclose(to);
    json_t *schema = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    return schema;
}

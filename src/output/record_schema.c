#include "record.h"

#include "json_writer.h"

/* What a record of a kind must have: rows of required.def. An action of ANY holds for all of its object, OF_TRAFFIC for findings about
 * traffic. */
struct requirement {
    int object, action;
    enum field field;
};

enum { ANY = -1, OF_TRAFFIC = -2 };

static const struct requirement requirements[] = {
#define REQUIRED_ALWAYS(field) {ANY, ANY, FIELD_##field},
#define REQUIRED_OBJECT(object, field) {OBJECT_##object, ANY, FIELD_##field},
#define REQUIRED_ACTION(object, action, field) {OBJECT_##object, ACTION_##action, FIELD_##field},
#define REQUIRED_TRAFFIC(field) {OBJECT_FINDING, OF_TRAFFIC, FIELD_##field},
#include "tables/required.def"
#undef REQUIRED_ALWAYS
#undef REQUIRED_OBJECT
#undef REQUIRED_ACTION
#undef REQUIRED_TRAFFIC
};

enum { REQUIREMENTS = sizeof(requirements) / sizeof(requirements[0]) };

/* A condition of the schema: an object with the actions it may have, one action of it, or some of its rules. */
struct condition {
    int object, action;
    const char *object_name, *member; /* NULL: the rules about traffic */
};

static const char *const traffic_rules[] = {
#define ATTACK_VERSION(version)
#define RULE(rule, id, name, kind, severity) id,
#define SENSOR_RULE(rule, id, name, kind, severity)
#define RULE_TECHNIQUE(rule, technique)
#define RULE_EVENT(rule, when, event)
#define NOTICE_EVENT(rule, when, condition)
#include "tables/rule.def"
#undef ATTACK_VERSION
#undef RULE
#undef SENSOR_RULE
#undef RULE_TECHNIQUE
#undef RULE_EVENT
#undef NOTICE_EVENT
};

static const struct condition conditions[] = {
    {OBJECT_FLOW, ANY, "flow", "\"action\": {\"enum\": [\"start\", \"message\", \"end\"]}"},
    {OBJECT_FLOW, ACTION_START, "flow", "\"action\": {\"const\": \"start\"}"},
    {OBJECT_FLOW, ACTION_MESSAGE, "flow", "\"action\": {\"const\": \"message\"}"},
    {OBJECT_FLOW, ACTION_END, "flow", "\"action\": {\"const\": \"end\"}"},
    {OBJECT_FINDING, ANY, "finding", "\"action\": {\"const\": \"raise\"}"},
    {OBJECT_FINDING, OF_TRAFFIC, "finding", NULL},
    {OBJECT_SENSOR, ANY, "sensor", "\"action\": {\"enum\": [\"start\", \"stats\", \"gap\", \"stop\"]}"},
    {OBJECT_SENSOR, ACTION_START, "sensor", "\"action\": {\"const\": \"start\"}"},
    {OBJECT_SENSOR, ACTION_STATS, "sensor", "\"action\": {\"const\": \"stats\"}"},
    {OBJECT_SENSOR, ACTION_GAP, "sensor", "\"action\": {\"const\": \"gap\"}"},
    {OBJECT_SENSOR, ACTION_STOP, "sensor", "\"action\": {\"const\": \"stop\"}"},
};

/* Written by hand are only the fields whose values are the schema's own. */
static const char *known_values(enum field field) {
    switch (field) {
    case FIELD_SCHEMA_VERSION:
        return "\"const\": \"1.0\"";
    case FIELD_OBJECT:
        return "\"enum\": [\"flow\", \"finding\", \"sensor\"]";
    case FIELD_ACTION:
        return "\"enum\": [\"start\", \"message\", \"end\", \"raise\", \"stats\", \"gap\", \"stop\"]";
    case FIELD_MESSAGE_ID: /* as large as the wire has it: another number would be another message */
        return "\"type\": \"integer\", \"minimum\": 0";
    case FIELD_CAPTURE:
        return "\"type\": \"object\", \"properties\": {\"interface\": {\"type\": \"string\", \"minLength\": 1}, "
               "\"file\": {\"type\": \"string\", \"minLength\": 1}, \"frame\": {\"type\": \"integer\", \"minimum\": "
               "1}, \"encapsulation\": {\"type\": \"array\", \"items\": {\"type\": \"string\", \"minLength\": 1}, "
               "\"minItems\": 1}, \"tunnel_src_ip\": {\"type\": \"string\", \"minLength\": 1}, "
               "\"tunnel_dest_ip\": {\"type\": \"string\", \"minLength\": 1}}, "
               "\"minProperties\": 1, \"additionalProperties\": false";
    default:
        return NULL;
    }
}

#define ROWS_TYPE                                                                                        \
    "\"type\": \"array\", \"minItems\": 1, \"items\": {\"type\": \"object\", \"required\": [\"name\"], " \
    "\"properties\": {\"name\": {\"type\": \"string\", \"minLength\": 1}}, "                             \
    "\"additionalProperties\": {\"type\": [\"integer\", \"boolean\"]}}"
#define OBJECT_TYPE \
    "\"type\": \"object\", \"minProperties\": 1, \"additionalProperties\": {\"type\": [\"integer\", \"string\"]}"

/* Unknown is absent, never empty; and integers are those that every reader of JSON has exactly. */
static const char *type_of(enum field_type type) {
    static const char *const types[] = {
        [TYPE_STRING] = "\"type\": \"string\", \"minLength\": 1",
        [TYPE_INTEGER] = "\"type\": \"integer\", \"minimum\": 0, \"maximum\": 9007199254740991",
        [TYPE_BOOLEAN] = "\"type\": \"boolean\"",
        [TYPE_STRINGS] = "\"type\": \"array\", \"items\": {\"type\": \"string\", \"minLength\": 1}, \"minItems\": 1",
        [TYPE_INTEGERS] = "\"type\": \"array\", \"items\": {\"type\": \"integer\", \"minimum\": 0}, \"minItems\": 1",
        [TYPE_OBJECT] = OBJECT_TYPE,
        [TYPE_OBJECTS] = ROWS_TYPE,
    };
    return types[type];
}

static void print_property(FILE *to, const char *indent, enum field field) {
    const struct field_info *info = &fields[field];
    const char *constraint = known_values(field);
    char meaning[512 + JSON_SLACK];
    struct json_writer json = {.base = meaning, .size = sizeof(meaning) - JSON_SLACK};
    struct text text = {{(const uint8_t *)info->meaning, strlen(info->meaning)}, ENC_UTF8};
    json_text(&json, text, json.size, JSON_CUT_END);
    fprintf(to, "%s\"%s\": {%s, \"description\": \"%.*s\"}", indent, info->name,
            constraint != NULL ? constraint : type_of(info->type), (int)json.used, meaning);
}

static void print_properties(FILE *to, const char *indent, bool proto) {
    const char *before = "";
    for (unsigned field = 0; field < FIELDS; field++) {
        if ((fields[field].place == PLACE_PROTO) == proto) {
            fputs(before, to);
            print_property(to, indent, field);
            before = ",\n";
        }
    }
}

static bool is_required(const struct requirement *r, int object, int action, bool proto) {
    return r->object == object && r->action == action && (fields[r->field].place == PLACE_PROTO) == proto;
}

static bool needs_proto(int object, int action) {
    for (unsigned i = 0; i < REQUIREMENTS; i++) {
        if (is_required(&requirements[i], object, action, true)) {
            return true;
        }
    }
    return false;
}

/* "required": the names as an array; nothing where there are none. What needs a field of proto_info needs proto_info. */
static void print_required(FILE *to, const char *before, int object, int action, bool proto) {
    const char *separator = "\"required\": [";
    const char *end = "";
    for (unsigned i = 0; i < REQUIREMENTS; i++) {
        if (is_required(&requirements[i], object, action, proto)) {
            fprintf(to, "%s%s\"%s\"", before, separator, fields[requirements[i].field].name);
            separator = ", ";
            before = "";
            end = "]";
        }
    }
    if (!proto && needs_proto(object, action)) {
        fprintf(to, "%s%s\"proto_info\"", before, separator);
        end = "]";
    }
    fputs(end, to);
}

static void print_traffic_rules(FILE *to) {
    fputs(", \"rule_id\": {\"enum\": [", to);
    for (size_t i = 0; i < sizeof(traffic_rules) / sizeof(traffic_rules[0]); i++) {
        fprintf(to, "%s\"%s\"", i == 0 ? "" : ", ", traffic_rules[i]);
    }
    fputs("]}", to);
}

static void print_condition(FILE *to, const struct condition *c) {
    const char *separator = "";
    fprintf(to, "    {\n      \"if\": {\"properties\": {\"object\": {\"const\": \"%s\"}", c->object_name);
    if (c->member == NULL) {
        print_traffic_rules(to);
    } else if (c->action != ANY) {
        fprintf(to, ", %s", c->member);
    }
    fputs("}},\n      \"then\": {\n        ", to);
    if (c->action == ANY) {
        fprintf(to, "\"properties\": {%s}", c->member);
        separator = ",\n        ";
    } else if (needs_proto(c->object, c->action)) {
        fputs("\"properties\": {\"proto_info\": {", to);
        print_required(to, "", c->object, c->action, true);
        fputs("}}", to);
        separator = ",\n        ";
    }
    print_required(to, separator, c->object, c->action, false);
    fputs("\n      }\n    }", to);
}

void record_schema(FILE *to) {
    fputs("{\n"
          "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
          "  \"$id\": \"urn:smbtap:record:1.0\",\n"
          "  \"title\": \"A record of smbtap\",\n"
          "  \"type\": \"object\",\n"
          "  \"properties\": {\n",
          to);
    print_properties(to, "    ", false);
    fputs(
        ",\n    \"proto_info\": {\n      \"type\": \"object\", \"minProperties\": 1, \"additionalProperties\": false,\n"
        "      \"description\": \"What is SMB's own\",\n      \"properties\": {\n",
        to);
    print_properties(to, "        ", true);
    fputs("\n      }\n    }\n  }", to);
    print_required(to, ",\n  ", ANY, ANY, false);
    fputs(",\n  \"additionalProperties\": false,\n  \"allOf\": [\n", to);
    for (unsigned i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        fputs(i == 0 ? "" : ",\n", to);
        print_condition(to, &conditions[i]);
    }
    fputs("\n  ]\n}\n", to);
}

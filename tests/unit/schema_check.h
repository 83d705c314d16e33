/* Holds a JSON value against a JSON Schema, as far as smbtap's own schema goes: type, const, enum, minimum, maximum, minLength,
 * properties, required, additionalProperties, minProperties, items, minItems, allOf, if and then. A keyword it does not know is
 * an error, so that a constraint cannot be written and never be held. */
#ifndef SCHEMA_CHECK_H
#define SCHEMA_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* false, and where and why in message, when value does not fit. */
bool schema_check(const json_t *schema, const json_t *value, char *message, size_t size);

/* The schema of this program, read back; the caller decrefs it. NULL where it is no JSON. */
json_t *schema_load(void);

#endif

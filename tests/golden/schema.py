"""Holds records against the JSON Schema that smbtap prints, and against what a schema cannot say (records.md)."""
import re

TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}
TIME = re.compile(r"^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
RECORD_MAX = 4000


def _is(value, kind):
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def violations(value, schema, whole=None, at="record"):
    """What is wrong with value, as lines. Knows the words of JSON Schema that our schema uses, and no other."""
    whole = whole or schema
    if "$ref" in schema:
        node = whole
        for part in schema["$ref"].lstrip("#/").split("/"):
            node = node[part]
        return violations(value, node, whole, at)
    found = []
    kinds = schema.get("type")
    if kinds and not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return ["%s: %r is not of type %s" % (at, value, kinds)]
    if "const" in schema and value != schema["const"]:
        found.append("%s: %r is not %r" % (at, value, schema["const"]))
    if "enum" in schema and value not in schema["enum"]:
        found.append("%s: %r is none of %s" % (at, value, schema["enum"]))
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append("%s: %r does not match %s" % (at, value, schema["pattern"]))
        if len(value) < schema.get("minLength", 0):
            found.append("%s: %r is too short" % (at, value))
    if isinstance(value, int) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            found.append("%s: %r is out of range" % (at, value))
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append("%s: %d items" % (at, len(value)))
        for number, item in enumerate(value):
            found += violations(item, schema.get("items", {}), whole, "%s[%d]" % (at, number))
    if isinstance(value, dict):
        found += _object_violations(value, schema, whole, at)
    for word in ("allOf", "anyOf", "oneOf"):
        found += _choice_violations(value, word, schema.get(word), whole, at)
    if "if" in schema:
        branch = "else" if violations(value, schema["if"], whole, at) else "then"
        found += violations(value, schema.get(branch, {}), whole, at)
    return found


def _object_violations(value, schema, whole, at):
    found = ["%s: %s is missing" % (at, name) for name in schema.get("required", ()) if name not in value]
    for name, item in value.items():
        inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", True))
        if inner is False:
            found.append("%s: %s is not in the schema" % (at, name))
        elif inner is not True:
            found += violations(item, inner, whole, at + "." + name)
    return found


def _choice_violations(value, word, schemas, whole, at):
    if schemas is None:
        return []
    results = [violations(value, schema, whole, at) for schema in schemas]
    good = sum(not result for result in results)
    if word == "allOf":
        return [line for result in results for line in result]
    if good == 1 or (word == "anyOf" and good > 1):
        return []
    return ["%s: fits %d of the %d schemas of %s" % (at, good, len(schemas), word)] + min(results, key=len)


def _bad_values(value, at):
    if value is None or value in ("", "-") or (isinstance(value, (list, dict)) and not value):
        yield "%s: %r instead of nothing" % (at, value)
    if isinstance(value, float):
        yield "%s: %r is no integer" % (at, value)
    for name, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _bad_values(item, "%s.%s" % (at, name))


def line_violations(line, record, schema):
    """What is wrong with one line of output (bytes, without its end) that was read as record."""
    found = violations(record, schema) + list(_bad_values(record, "record"))
    if len(line) > RECORD_MAX:
        found.append("record: %d bytes" % len(line))
    for name in ("time", "start_time", "end_time"):
        if name in record and not TIME.match(record[name]):
            found.append("record.%s: %r is no time" % (name, record[name]))
    return found


def output_violations(out, records, schema):
    """The same for all lines of an output, and seq must count them."""
    found = []
    for number, (line, record) in enumerate(zip(out.split(b"\n"), records), 1):
        found += ["line %d: %s" % (number, what) for what in line_violations(line, record, schema)]
        if record.get("seq") != number:
            found.append("line %d: seq is %r" % (number, record.get("seq")))
    if len({record.get("record_id") for record in records}) != len(records):
        found.append("record_id is not unique")
    return found

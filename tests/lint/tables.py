#!/usr/bin/env python3
"""The tables of include/tables are in order: the rows of a file that have a number are strictly ascending by it, macro by macro,
and a file's rows all have as many columns as its first comment says."""
import re
import sys

import tree

ROW = re.compile(r"^([A-Z][A-Z0-9_]*)\((.*)\)\s*$")
NUMBER = re.compile(r"^(0[xX][0-9A-Fa-f]+|\d+)[uUlL]*$")


def columns(text):
    """The arguments of a row, split at commas outside literals and brackets."""
    parts, depth, quoted, part, escaped = [], 0, False, "", False
    for letter in text:
        if quoted:
            quoted = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "," and depth == 0:
            parts.append(part.strip())
            part = ""
            continue
        part += letter
    return parts + [part.strip()]


root = sys.argv[1]
paths = tree.files(root, ".def", below="include/tables")
rows = 0
for path in paths:
    text = tree.read(root, path)
    if not text.startswith("/* "):
        tree.complain(path, 1, "does not begin with a comment that says what it holds")
    last, widths = {}, {}
    for number, line in enumerate(tree.read(root, path).split("\n"), 1):
        row = ROW.match(line)
        if not row:
            continue
        rows += 1
        macro, values = row.group(1), columns(row.group(2))
        if widths.setdefault(macro, len(values)) != len(values):
            tree.complain(path, number, "%d columns, where the rows above have %d" % (len(values), widths[macro]))
        numbers = [int(value.rstrip("uUlL"), 0) for value in values if NUMBER.match(value)]
        if numbers and macro in last and numbers[0] <= last[macro]:
            tree.complain(path, number, "%s is not above the row before" % values[0])
        if numbers:
            last[macro] = numbers[0]
tree.finish("%d rows in %d tables are in order" % (rows, len(paths)))

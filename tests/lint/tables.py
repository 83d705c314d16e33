#!/usr/bin/env python3
"""The tables of include/tables are in order: each begins with a comment, the rows of a macro have equally many
columns, and where rows have a number they ascend strictly by it, or by a text in front of it and then by it."""
import re
import sys

import tree

ROW = re.compile(r"^([A-Z][A-Z0-9_]*)\((.*)\)$", re.S)
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


def rows(text):
    """(line, macro, columns) of each row; a row may go on in lines that are indented."""
    lines = re.sub(r"/\*.*?\*/", lambda found: "\n" * found.group().count("\n"), text, flags=re.S).split("\n")
    for number, line in enumerate(lines, 1):
        for more in lines[number:]:
            if not line.strip() or not more.startswith(" "):
                break
            line += more
        row = ROW.match(line.rstrip())
        if row and not line.startswith(" "):
            yield number, row.group(1), columns(row.group(2))


def order(values):
    """What a row is ordered by; None if it has no number."""
    key = []
    for value in values:
        if value.startswith('"'):
            key.append(value.strip('"').encode().decode("unicode_escape").encode("latin-1"))
        elif NUMBER.match(value):
            return tuple(key) + (int(value.rstrip("uUlL"), 0),)
    return None


def main():
    root = sys.argv[1]
    paths = tree.files(root, ".def", below="include/tables")
    count = 0
    for path in paths:
        text = tree.read(root, path)
        if not text.startswith("/* "):
            tree.complain(path, 1, "does not begin with a comment that says what it holds")
        last, widths = {}, {}
        for number, macro, values in rows(text):
            count += 1
            if widths.setdefault(macro, len(values)) != len(values):
                tree.complain(path, number, "%d columns, where the rows above have %d" % (len(values), widths[macro]))
            key = order(values)
            if key and macro in last and key <= last[macro]:
                tree.complain(path, number, "is not above the row before")
            last[macro] = key or last.get(macro)
    tree.finish("%d rows in %d tables are in order" % (count, len(paths)))


if __name__ == "__main__":
    main()

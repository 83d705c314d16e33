#!/usr/bin/env python3
"""The README's table of limits is true and whole: each is where it says, has that value, is told as it says, and is named by
the test that reaches it, or its counter is; and there is no limit in the sources that is not in it."""
import ast
import operator
import os
import re
import sys

import tree

ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| ([\d,]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.M)
DEFINED = re.compile(r"\b([A-Z][A-Z0-9_]*)\s*=\s*([0-9A-Z_()*+<\s-]+?)\s*(?=[,}\n/])")
NAMED_LIKE_ONE = re.compile(r"_(MAX|LIMIT|WINDOW|MARKS|SHARE|MOST)$")
COUNTED_IN = ("include/stats.h", "include/tables/counter.def", "include/framer.h", "include/dissector.h")
# What is called like a limit and is none: a size that something else has set.
OTHERS = {
    "ACKED_AHEAD_MAX": "arithmetic of sequence numbers", "BEHIND_MAX": "arithmetic of sequence numbers",
    "ALGORITHM_MAX": "a value of the protocol's", "WINDOW_SCALE_MAX": "a value of the protocol's",
    "UNBROKEN_MAX": "a size of the protocol's", "PADDING_MAX": "a size of the protocol's",
    "CAPTURE_WHY_MAX": "a line of ours", "LIVE_WHY_MAX": "a line of ours", "SENTENCE_MAX": "a line of ours", "SERVICE_TEXT_MAX": "a line of ours", "RECORD_ID_MAX": "a text of ours",
    "EXTENSION_MAX": "only so long is it one", "SENSOR_ID_MAX": "an option's error",
    "RECORD_PREFIX_MAX": "part of RECORD_MAX", "FLOW_JSON_MAX": "part of RECORD_MAX", "INPUT_MAX": "the size of a digest's input",
    "EVENT_FACTS_MAX": "fields that there are", "SMB1_TEXTS_MAX": "texts that a command has", "EVENTS_MAX": "rows of rule.def",
    "TECHNIQUES_MAX": "rows of rule.def", "DIALECTS_MAX": "the first of those offered are told", "PROBES_MAX": "part of SUMMARY_FILES_MAX",
    "LENGTH_BYTES_MAX": "a size of the encoding's", "MAGIC_MAX": "a size of the file's",
    "DATAGRAM_BYTES_MAX": "a size of the protocol's", "PSEUDOWIRE_TAGS_MAX": "looked through to tell what is in a pseudowire",
    "COST_MAX": "bytes of one character", "FIGURES_INTERFACES_MAX": "as many as options admit",
    "WINDOWS_EVENTS_MAX": "rows of windows_event.def",
    "WINDOWS_RECORD_MAX": "rows of windows_event.def that an operation may meet",
    "FIGURES_OUTPUTS_MAX": "as many as options admit", "RECORD_TEXT_NAME_MAX": "longer than any name of ours",
}
OPERATORS = {ast.Mult: operator.mul, ast.Add: operator.add, ast.Sub: operator.sub, ast.LShift: operator.lshift}


def value(text):
    """Of an expression of numbers; None of any other."""
    def of(node):
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](of(node.left), of(node.right))
        return node.value
    try:
        return of(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, KeyError, AttributeError, TypeError):
        return None


def definitions(text):
    return {name: value(expression) for name, expression in DEFINED.findall(tree.without_comments(text))}


def check_row(root, counted, row):
    name, number, _, where, told, reached = row
    if not os.path.exists(os.path.join(root, where)):
        tree.complain("README.md", 0, "%s: there is no %s" % (name, where))
        return
    have = definitions(tree.read(root, where)).get(name, "no value")
    if have != int(number.replace(",", "")):
        tree.complain(where, 0, "%s has %s, and %s in README.md" % (name, have, number))
    words = told.strip('`"')
    if re.fullmatch(r"`[A-Z_]+`|`[a-z]+_[a-z_]+`", told) and words != "left_out" and not re.search(r"\b%s\b" % words, counted):
        tree.complain("README.md", 0, "%s: %s is not counted" % (name, words))
    test = os.path.join("tests", reached)
    if not os.path.exists(os.path.join(root, test)):
        tree.complain("README.md", 0, "%s: there is no %s" % (name, test))
    elif not re.search(r"\b%s\b|\b%s\b" % (name, re.escape(words)), tree.read(root, test)):
        tree.complain(test, 0, "names neither %s nor %s" % (name, words))


def main():
    root = sys.argv[1]
    rows = ROW.findall(tree.read(root, "README.md"))
    counted = "".join(tree.read(root, path) for path in COUNTED_IN)
    for row in rows:
        check_row(root, counted, row)
    listed, defined = {row[0] for row in rows}, set()
    for folder in ("src", "dissectors", "include"):
        for path in tree.files(root, ".c", ".h", below=folder):
            names = definitions(tree.read(root, path))
            defined |= set(names)
            for name in names:
                if NAMED_LIKE_ONE.search(name) and name not in listed and name not in OTHERS:
                    tree.complain(path, 0, "%s is not in the table of limits of README.md" % name)
    for name in OTHERS:
        if name not in defined or name in listed:
            tree.complain("tests/lint/limits.py", 0, "%s is no longer what it is said to be" % name)
    if len(rows) < 40:
        tree.complain("README.md", 0, "the table of limits has %d rows that can be read" % len(rows))
    tree.finish("%d limits are where README.md says" % len(rows))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""No notes to ourselves and nothing of the machine it was written on."""
import re
import sys

import tree

NOTES = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
FOLDERS = "|".join(("ho" + "me", "ro" + "ot", "wo" + "rk", "Us" + "ers", "tmp/" + "wt"))
PATHS = re.compile(r"(?<![\w.])/(?:" + FOLDERS + r")/")
BINARY = (".pcap", ".pcapng", ".cap", ".gz", ".png")
root = sys.argv[1]
paths = [path for path in tree.files(root) if not path.endswith(BINARY) and "/corpus/" not in path]
for path in paths:
    try:
        text = tree.read(root, path)
    except UnicodeDecodeError:
        tree.complain(path, 0, "is neither text nor a capture")
        continue
    for number, line in enumerate(text.split("\n"), 1):
        if NOTES.search(line):
            tree.complain(path, number, "a note to ourselves: %s" % line.strip()[:100])
        if PATHS.search(line) and not path.endswith(".jsonl"):
            tree.complain(path, number, "a path of somebody's machine: %s" % line.strip()[:100])
        if line.endswith((" ", "\t")) and not path.endswith((".md", ".jsonl")):
            tree.complain(path, number, "white space at the end")
        if "\t" in line and path.endswith((".c", ".h", ".py", ".def", "meson.build")):
            tree.complain(path, number, "a tab")
    if text and not text.endswith("\n"):
        tree.complain(path, 0, "the last line does not end")
tree.finish("%d files hold nothing that was meant for us alone" % len(paths))

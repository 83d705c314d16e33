#!/usr/bin/env python3
"""The manual's pages are well-formed (mandoc), and its list of fields is that of include/tables/field.def.

usage: manual.py ROOT [--update]

--update writes the list between the manual's BEGIN FIELDS and END FIELDS anew.
"""
import os
import re
import shutil
import subprocess
import sys

import tree

PAGE, TABLE = "src/smbtap.8", "include/tables/field.def"
PAGES = (PAGE, "src/smbtap-outputs.7")
REASONS = "include/tables/gap_reason.def"
FIELD = re.compile(r'^FIELD\((\w+),\s*"(\w+)",\s*(\w+),\s*(\w+),\s*"((?:[^"\\]|\\.)*)"\)', re.M)
LIST = re.compile(r'(\.\\" BEGIN FIELDS\n).*?(\.\\" END FIELDS\n)', re.S)
PLACES = {"ENVELOPE": "All records", "FLOW": "Records of flows", "PROTO": "Inside proto_info"}
TYPES = {"STRING": "string", "INTEGER": "integer", "BOOLEAN": "boolean", "STRINGS": "array of strings",
         "INTEGERS": "array of integers", "OBJECT": "object", "OBJECTS": "array of objects"}


def meaning(literal):
    """A C literal as mdoc text."""
    text = re.sub(r"\\(.)", r"\1", literal).replace("\\", "\\e")
    return "\\&" + text if text[0] in ".'" else text


def field_list(table):
    lines = []
    for place, title in PLACES.items():
        lines += [".Ss " + title, ".Bl -tag -width Ds"]
        for _, name, where, kind, text in FIELD.findall(table):
            if where == place:
                lines += [".It Cm %s Pq %s" % (name, TYPES[kind]), meaning(text) + "."]
        lines.append(".El")
    return "\n".join(lines) + "\n"


def main():
    root = sys.argv[1]
    page, table = tree.read(root, PAGE), tree.read(root, TABLE)
    if len(FIELD.findall(table)) != len(re.findall(r"^FIELD\(", table, re.M)):
        tree.complain(TABLE, 0, "has rows that this lint cannot read")
    wanted = LIST.sub(lambda found: found.group(1) + field_list(table) + found.group(2), page)
    if "--update" in sys.argv[2:]:
        with open(os.path.join(root, PAGE), "w", encoding="utf-8") as file:
            file.write(wanted)
    elif page != wanted:
        tree.complain(PAGE, 0, "its list of fields is not that of %s; manual.py ROOT --update" % TABLE)
    for name, text in re.findall(r'^GAP_REASON\(\w+,\s*"(\w+)",\s*"([^"]*)"\)', tree.read(root, REASONS), re.M):
        if ".It Cm %s\n%s.\n" % (name, text) not in tree.read(root, PAGES[1]):
            tree.complain(PAGES[1], 0, "does not say of %s what %s says" % (name, REASONS))
    if not shutil.which("mandoc"):
        tree.skip("mandoc is not installed")
    for one in PAGES:
        run = subprocess.run(["mandoc", "-Tlint", "-Wwarning", one], cwd=root, capture_output=True, text=True)
        if run.returncode != 0:
            tree.complain(one, 0, "mandoc:\n" + run.stdout + run.stderr)
    tree.finish("%d fields in the manual" % len(FIELD.findall(table)))


if __name__ == "__main__":
    main()

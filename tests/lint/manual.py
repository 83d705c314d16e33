#!/usr/bin/env python3
"""The manual's pages are well-formed (mandoc), the list of fields is that of include/tables/field.def, and the list of what an output can be
told is that of output_setting.def beside it.

usage: manual.py ROOT [--update]

--update writes the lists between the manual's BEGIN and END anew.
"""
import os
import re
import shutil
import subprocess
import sys

import tree

PAGE = "src/smbtap.8"
PAGES = (PAGE, "src/smbtap-outputs.7")
REASONS = "include/tables/gap_reason.def"
TABLE, FIELD = "include/tables/field.def", re.compile(
    r'^FIELD\((\w+),\s*"(\w+)",\s*(\w+),\s*(\w+),\s*"((?:[^"\\]|\\.)*)"\)', re.M)
OUTPUT_TABLE, OUTPUT_SETTING = "include/tables/output_setting.def", re.compile(
    r'^OUTPUT_SETTING\((\w+), \w+, (\w+), [\w.]+,\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"\)', re.M)
PLACES = {"ENVELOPE": "All records", "FLOW": "Records of flows", "PROTO": "Inside proto_info"}
TYPES = {"STRING": "string", "INTEGER": "integer", "BOOLEAN": "boolean", "STRINGS": "array of strings",
         "INTEGERS": "array of integers", "OBJECT": "object", "OBJECTS": "array of objects"}
KINDS = {"ALL": "All outputs", "FILE": "A file that is named as file:", "SYSLOG": "Syslog and RELP", "STREAMS": "syslog+tcp and syslog+tls",
         "TLS": "syslog+tls and relp+tls", "NETWORK": "Syslog, RELP and Kafka", "KAFKA": "Kafka"}


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


def output_list(table):
    lines = []
    for kinds, title in KINDS.items():
        lines += [".Ss " + title, ".Bl -tag -width Ds"]
        for name, of, values, text in OUTPUT_SETTING.findall(table):
            if of == kinds:
                lines += [".It Cm " + name, meaning(text).replace(". ", ".\n") + ".", "Given as " + meaning(values) + "."]
        lines.append(".El")
    return "\n".join(lines) + "\n"


def with_list(page, name, text):
    """The page with that text between BEGIN name and END name."""
    between = re.compile(r'(\.\\" BEGIN %s\n).*?(\.\\" END %s\n)' % (name, name), re.S)
    return between.sub(lambda found: found.group(1) + text + found.group(2), page)


def check_rows(table, text, found, macro):
    if len(found) != len(re.findall(r"^%s\(" % macro, text, re.M)):
        tree.complain(table, 0, "has rows that this lint cannot read")


def main():
    root = sys.argv[1]
    page, table, of_outputs = (tree.read(root, path) for path in (PAGE, TABLE, OUTPUT_TABLE))
    check_rows(TABLE, table, FIELD.findall(table), "FIELD")
    check_rows(OUTPUT_TABLE, of_outputs, [row for row in OUTPUT_SETTING.findall(of_outputs) if row[1] in KINDS], "OUTPUT_SETTING")
    wanted = with_list(with_list(page, "FIELDS", field_list(table)), "OUTPUT SETTINGS", output_list(of_outputs))
    if "--update" in sys.argv[2:]:
        with open(os.path.join(root, PAGE), "w", encoding="utf-8") as file:
            file.write(wanted)
    elif page != wanted:
        tree.complain(PAGE, 0, "its lists are not those of %s and %s; manual.py ROOT --update" % (TABLE, OUTPUT_TABLE))
    for name, text in re.findall(r'^GAP_REASON\(\w+,\s*"(\w+)",\s*"([^"]*)"\)', tree.read(root, REASONS), re.M):
        if ".It Cm %s\n%s.\n" % (name, text) not in tree.read(root, PAGES[1]):
            tree.complain(PAGES[1], 0, "does not say of %s what %s says" % (name, REASONS))
    if not shutil.which("mandoc"):
        tree.skip("mandoc is not installed")
    for one in PAGES:
        run = subprocess.run(["mandoc", "-Tlint", "-Wwarning", one], cwd=root, capture_output=True, text=True)
        if run.returncode != 0:
            tree.complain(one, 0, "mandoc:\n" + run.stdout + run.stderr)
    tree.finish("%d fields and %d settings of outputs in the manual" %
                (len(FIELD.findall(table)), len(OUTPUT_SETTING.findall(of_outputs))))


if __name__ == "__main__":
    main()

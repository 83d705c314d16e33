#!/usr/bin/env python3
"""Who may include whom.

- A header in include/ includes headers in include/ only.
- A stage (a folder of src/) includes its own headers, those of src/base and those in include/: never another stage's. Only
  what stands directly in src/ sees several: pipeline.c, and main.c with its parts; src/canary, src/events
  and src/inventory, commands, are of these.
- src/base is below the stages and sees none.
- dissectors/ are pure functions of a message: of include/ they see neither flow, event, record, sink, stats and log nor
  the JSON writer, also not through another header, and nothing of src/. Of the system they see nothing that reads or
  writes.
"""
import os
import re
import sys

import tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)
NOT_FOR_DISSECTORS = {"flow.h", "event.h", "record.h", "sink.h", "stats.h", "log.h", "json_writer.h"}
SYSTEM_NOT_FOR_DISSECTORS = re.compile(
    r"^(stdio|unistd|fcntl|time|pthread|signal|netdb|syslog|jansson)\.h$|^(sys|net|pcap)[/.]")

COMMANDS = {"canary", "events", "inventory"}

root = sys.argv[1]
sources = [path for top in ("include", "src", "dissectors") for path in tree.files(root, ".h", ".c", ".def", below=top)]
known = set(sources)


def resolve(path, name):
    """The file that #include "name" in path means, as the compiler looks for it; None if there is none."""
    for folder in (os.path.dirname(path), "include", "src"):
        found = os.path.normpath(os.path.join(folder, name))
        if found in known:
            return found
    return None


def includes(path):
    """(line, file of ours or None, name) for each #include."""
    text = tree.read(root, path)
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1 if match.group(1) else 2)) + 1
        yield line, match.group(1) and resolve(path, match.group(1)), match.group(1) or match.group(2)


def reached(path, seen):
    """Headers of ours that path includes, also through others."""
    for _, found, _ in includes(path):
        if found and found not in seen:
            seen.add(found)
            reached(found, seen)
    return seen


def stage(path):
    """The folder of src/ that a file is in; None for what stands directly in src/ or is a command, or elsewhere."""
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 and parts[1] not in COMMANDS else None


def allowed(path, found):
    top = path.split("/")[0]
    if found.startswith("include/"):
        return True
    if top == "include":
        return False
    if top == "dissectors":
        return found.startswith("dissectors/")
    return stage(path) is None or stage(found) in (stage(path), "base")


for path in sources:
    if path.endswith(".def"):
        continue
    for line, found, name in includes(path):
        if found and not allowed(path, found):
            tree.complain(path, line, "may not include %s" % found)
        if path.startswith("dissectors/") and not found and SYSTEM_NOT_FOR_DISSECTORS.match(name):
            tree.complain(path, line, "a dissector may not include <%s>" % name)
    if path.startswith("dissectors/"):
        for found in sorted(reached(path, set())):
            if os.path.basename(found) in NOT_FOR_DISSECTORS:
                tree.complain(path, 0, "a dissector may not include %s, not even through another header" % found)
tree.finish("%d files keep to their layers" % len(sources))

#!/usr/bin/env python3
"""Nothing is left out of the build and nothing stands where it does not belong: the top level is as given, and the
lists of the meson.build files name every source beside them, sorted.

usage: sources.py ROOT [--fix]    --fix writes the lists anew
"""
import os
import re
import sys

import tree

TOP = {"meson.build", "meson_options.txt", "bootstrap", "src", "include", "dissectors", "tests", "pcaps", "systemd",
       "README.md", "LICENSE"}
root = sys.argv[1]


def pattern(opening):
    """The first list in a meson.build that begins with opening, one entry on a line."""
    return re.compile("(" + re.escape(opening) + r")(.*?)(\n[)\]])", re.S)


def fix(build, opening, present):
    text = tree.read(root, build)
    entries = "".join("\n  '%s'," % name for name in sorted(present))
    with open(os.path.join(root, build), "w", encoding="utf-8") as file:
        file.write(pattern(opening).sub(lambda found: found.group(1) + entries + found.group(3), text, count=1))


def hold(build, opening, present):
    if "--fix" in sys.argv[2:]:
        fix(build, opening, present)
    found = pattern(opening).search(tree.read(root, build))
    names = re.findall(r"^\s*'([^']+)',", found.group(2), re.M) if found else []
    for name in sorted(set(present) ^ set(names)):
        what = "missing in" if name in present else "gone but in"
        tree.complain(build, 0, "%s is %s the list %r" % (name, what, opening))
    for before, after in zip(names, names[1:]):
        if before >= after:
            tree.complain(build, 0, "%s stands before %s" % (before, after))


def names(folder, prefix, suffix):
    """Of each file in folder, what is between prefix and suffix."""
    return [os.path.basename(path)[len(prefix):-len(suffix)] for path in tree.files(root, suffix, below=folder)
            if os.path.basename(path).startswith(prefix)]


for name in sorted(os.listdir(root)):
    if name not in TOP and not name.startswith(".") and not name.startswith("build"):
        tree.complain(name, 0, "does not belong on the top level")
hold("src/meson.build", "smbtap_sources = files(",
     [os.path.relpath(path, "src") for path in tree.files(root, ".c", below="src") if path != "src/main.c"])
hold("dissectors/meson.build", "dissector_sources = files(",
     [os.path.relpath(path, "dissectors") for path in tree.files(root, ".c", below="dissectors")])
hold("tests/meson.build", "unit_tests = [", names("tests/unit", "test_", ".c"))
hold("tests/meson.build", "unit_shared_sources = files(",
     ["unit/%s.c" % name for name in names("tests/unit", "", ".c") if not name.startswith("test_")])
hold("tests/meson.build", "fuzz_targets = [", names("tests/fuzz", "fuzz_", ".c"))
hold("tests/meson.build", "foreach name : [", [name for name in names("tests/lint", "", ".py") if name != "tree"])
tree.finish("every source is built")

#!/usr/bin/env python3
"""The C sources look as clang-format leaves them.

usage: format.py ROOT [--fix]

Only the version that Debian 12 has is asked: others lay out the same rules differently.
"""
import difflib
import re
import shutil
import subprocess
import sys

import tree

VERSION = "14"
root = sys.argv[1]
program = shutil.which("clang-format-" + VERSION) or shutil.which("clang-format")
if not program:
    tree.skip("clang-format is not installed")
version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
if not re.search(r"version %s\." % VERSION, version):
    tree.skip("clang-format %s is wanted, and this is %s" % (VERSION, version.strip()))
paths = tree.files(root, ".c", ".h")
if "--fix" in sys.argv[2:]:
    subprocess.run([program, "-i"] + paths, cwd=root, check=True)
for path in paths:
    is_now = tree.read(root, path)
    wanted = subprocess.run([program, path], cwd=root, capture_output=True, text=True, check=True).stdout
    if is_now != wanted:
        diff = difflib.unified_diff(is_now.split("\n"), wanted.split("\n"), "is", "wanted", n=0, lineterm="")
        tree.complain(path, 0, "format.py ROOT --fix changes\n" + "\n".join(list(diff)[2:12]))
tree.finish("%d files are formatted" % len(paths))

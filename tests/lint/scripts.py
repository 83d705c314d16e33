#!/usr/bin/env python3
"""Shell scripts please shellcheck, Python scripts compile, and what begins with #! can be run."""
import os
import shutil
import subprocess
import sys

import tree

root = sys.argv[1]
shell = sorted(set(tree.scripts(root, "sh") + tree.scripts(root, "bash") + tree.files(root, ".sh", ".bash-completion")))
python = sorted(set(tree.scripts(root, "python") + tree.files(root, ".py")))
for path in python:
    try:
        compile(tree.read(root, path), path, "exec")
    except SyntaxError as error:
        tree.complain(path, error.lineno or 0, error.msg)
for path in sorted(set(tree.scripts(root, "sh") + tree.scripts(root, "bash") + tree.scripts(root, "python"))):
    if not os.access(os.path.join(root, path), os.X_OK):
        tree.complain(path, 0, "begins with #! and cannot be run")
if not shutil.which("shellcheck"):
    tree.skip("shellcheck is not installed")
for path in shell:
    options = ["--shell=bash"] if path.endswith(".bash-completion") else []
    run = subprocess.run(["shellcheck", "--format=gcc"] + options + [path], cwd=root, capture_output=True, text=True)
    if run.returncode != 0:
        tree.complain(path, 0, "shellcheck:\n" + run.stdout + run.stderr)
tree.finish("%d shell scripts, %d Python files" % (len(shell), len(python)))

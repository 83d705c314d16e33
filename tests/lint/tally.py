#!/usr/bin/env python3
"""tests/tally.py counts what meson's log holds, and names the cases that failed."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

import tree  # noqa: E402

TALLY = "tests/tally.py"
PROTOCOLS = {"good": "tap", "bad": "tap", "many": "tap", "dies": "tap", "plain": "exitcode", "away": "exitcode"}
MANY = "".join("not ok %d - many\n#   %s\n" % (n, "x" * 1000) for n in range(1, 31))
LOG = [
    {"name": "p:unit / good", "result": "OK", "returncode": 0, "stdout": "ok 1 - a\nok 2 - b # SKIP no root\n1..2\n"},
    {"name": "p:unit / bad", "result": "FAIL", "returncode": 1,
     "stdout": "ok 1 - fine\n# of what is fine\nnot ok 2 - the ceiling holds\n#   37.5\n#   2\n#   3\n#   4\n#   the fifth\nok 3 - c\n#   of c\n1..3\n"},
    {"name": "p:unit / many", "result": "FAIL", "returncode": 1, "stdout": MANY},
    {"name": "p:unit / dies", "result": "ERROR", "returncode": -6, "stdout": "ok 1 - a\n", "stderr": "early\n" * 50 + "asserted\n"},
    {"name": "p:lint / plain", "result": "FAIL", "returncode": 1, "stdout": "a complaint\n"},
    {"name": "p:lint / away", "result": "SKIP", "returncode": 77, "stdout": "it is not installed\n"},
]
WANTED = ["not ok 2 - the ceiling holds", "#   37.5", "#   4", "and 20 cases more", "ERROR, exit status -6", "asserted", "FAIL, exit status 1",
          "a complaint", "failed: p:unit / bad", "skipped: p:lint / away: it is not installed", "skipped: p:unit / good: no root"]
UNWANTED = ["of what is fine", "the fifth", "of c", "x" * 301]


def run(log, root):
    """What the tally says of a folder with the log; meson is one that knows the tests."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "meson-logs"))
        with open(os.path.join(folder, "meson-logs", "testlog.json"), "w", encoding="utf-8") as file:
            file.write("".join(json.dumps(test) + "\n" for test in log))
        meson = os.path.join(folder, "meson")
        with open(meson, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho '%s'\n" % json.dumps([{"name": n, "protocol": p} for n, p in PROTOCOLS.items()]))
        os.chmod(meson, 0o755)
        path = dict(os.environ, PATH=folder + os.pathsep + os.environ["PATH"])
        return subprocess.run([sys.executable, os.path.join(root, TALLY), folder], env=path, capture_output=True, text=True)


def main(root):
    done = run(LOG, root)
    lines = done.stdout.splitlines()
    if done.returncode != 1 or lines[-1:] != ["4 passed, 33 failed, 2 skipped"]:
        tree.complain(TALLY, 0, "exit status %d, %s%s" % (done.returncode, lines[-1:], done.stderr))
    for text in WANTED:
        if not any(text in line for line in lines):
            tree.complain(TALLY, 0, "does not say: %s" % text)
    for text in UNWANTED:
        if any(text in line for line in lines):
            tree.complain(TALLY, 0, "says: %s" % text[:50])
    if len(lines) > 70:
        tree.complain(TALLY, 0, "needs %d lines" % len(lines))
    good = run(LOG[:1], root)
    if good.returncode or good.stdout.splitlines()[-1:] != ["1 passed, 0 failed, 1 skipped"]:
        tree.complain(TALLY, 0, "of what is good: %s" % good)
    if run([], root).returncode != 1:
        tree.complain(TALLY, 0, "takes nothing for good")
    tree.finish("it names and counts what failed")


main(sys.argv[1])

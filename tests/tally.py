#!/usr/bin/env python3
"""Adds up what meson's test runs say.

usage: tally.py BUILD...

Each BUILD is a build folder in which `meson test` ran. A program that reports in TAP counts with each of its cases,
any other test counts as one. The last line is "N passed, N failed, N skipped"; the exit status is 1 if anything
failed, if a folder has no results, or if nothing was run at all.
"""
import collections
import json
import os
import re
import subprocess
import sys

CASE = re.compile(r"^(not )?ok\b(.*)$", re.M)
SKIPPED = re.compile(r"#\s*SKIP", re.I)
GOOD = {"OK", "EXPECTEDFAIL"}


def protocols(build):
    """{name of a test: its protocol}, with the names as the log has them."""
    run = subprocess.run(["meson", "introspect", "--tests", build], capture_output=True, text=True, check=True)
    return {test["name"]: test["protocol"] for test in json.loads(run.stdout)}


def cases(test, protocol):
    """The outcomes of one test of the log."""
    outcome = "passed" if test["result"] in GOOD else "skipped" if test["result"] == "SKIP" else "failed"
    count = collections.Counter()
    if protocol == "tap":
        for bad, rest in CASE.findall(test.get("stdout", "")):
            count["skipped" if SKIPPED.search(rest) else "failed" if bad else "passed"] += 1
    if not count or (outcome == "failed" and not count["failed"]):
        count[outcome] += 1
    return count


def tally(build):
    count = collections.Counter()
    with open(os.path.join(build, "meson-logs", "testlog.json"), encoding="utf-8") as log:
        tests = [json.loads(line) for line in log]
    known = protocols(build)
    for test in tests:
        found = cases(test, known.get(test["name"].split(" / ")[-1].split(":")[-1].strip(), "exitcode"))
        count.update(found)
        if found["failed"]:
            print("%s: failed: %s" % (build, test["name"]))
        if found["skipped"]:
            said = test.get("stdout", "")
            reason = re.search(r"#\s*SKIP\s*(.+)", said) or re.search(r"(\S.*)", said)
            print("%s: skipped: %s%s" % (build, test["name"], ": " + reason.group(1) if reason else ""))
    return count


def main():
    total = collections.Counter()
    for build in sys.argv[1:]:
        try:
            count = tally(build)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            print("%s: failed: no test results (%s)" % (build, error))
            count = collections.Counter(failed=1)
        print("%s: %d passed, %d failed, %d skipped" % (build, count["passed"], count["failed"], count["skipped"]))
        total.update(count)
    print("%d passed, %d failed, %d skipped" % (total["passed"], total["failed"], total["skipped"]))
    sys.exit(1 if total["failed"] or not total["passed"] else 0)


if __name__ == "__main__":
    main()

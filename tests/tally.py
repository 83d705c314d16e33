#!/usr/bin/env python3
"""Adds up what meson's test runs say.

usage: tally.py BUILD...

Each BUILD is a build folder in which `meson test` ran. A program that reports in TAP counts with each of its cases,
any other test counts as one. First comes what failed: the failing cases and what is said of each, of a program that did
not report one, the last it said. Of a long log the end is what is read, so the names of what failed or was skipped come behind that, and
the last line is "N passed, N failed, N skipped"; the exit status is 1 if anything failed, if a folder has no results,
or if nothing was run at all.
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
# What is shown of one test that failed; the whole is in the folder's testlog.txt.
CASES_MAX, DETAILS_MAX, LAST_MAX, WIDTH_MAX = 10, 4, 12, 300


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


def reported(said):
    """The cases that failed in what a program said in TAP, each with the first lines of what is said of it."""
    found, details = [], None
    for line in said.splitlines():
        case = CASE.match(line)
        if case:
            details = None
            if case.group(1) and not SKIPPED.search(case.group(2)):
                details = [line]
                found.append(details)
        elif details and line.startswith("#") and len(details) <= DETAILS_MAX:
            details.append(line)
    return found


def why(test, protocol):
    """What a test that failed says of it, in lines that are not too long nor too many."""
    found = reported(test.get("stdout", "")) if protocol == "tap" else []
    lines = [line for case in found[:CASES_MAX] for line in case]
    if len(found) > CASES_MAX:
        lines.append("and %d cases more" % (len(found) - CASES_MAX))
    if not found:
        said = [line for name in ("stdout", "stderr") for line in test.get(name, "").splitlines()[-LAST_MAX:] if line.strip()]
        lines = ["%s, exit status %s" % (test["result"], test.get("returncode"))] + said
    return [line if len(line) <= WIDTH_MAX else line[:WIDTH_MAX] + "..." for line in lines]


def tally(build):
    """What passed, failed and was skipped in a folder, and the lines that name what failed or was skipped."""
    count, lines = collections.Counter(), []
    with open(os.path.join(build, "meson-logs", "testlog.json"), encoding="utf-8") as log:
        tests = [json.loads(line) for line in log]
    known = protocols(build)
    for test in tests:
        protocol = known.get(test["name"].split(" / ")[-1].split(":")[-1].strip(), "exitcode")
        found = cases(test, protocol)
        count.update(found)
        if found["failed"]:
            print("%s: %s:" % (build, test["name"]))
            print("\n".join("    " + line for line in why(test, protocol)))
            lines.append("%s: failed: %s" % (build, test["name"]))
        if found["skipped"]:
            said = test.get("stdout", "")
            reason = re.search(r"#\s*SKIP\s*(.+)", said) or re.search(r"(\S.*)", said)
            lines.append("%s: skipped: %s%s" % (build, test["name"], ": " + reason.group(1) if reason else ""))
    return count, lines


def main():
    total, lines = collections.Counter(), []
    for build in sys.argv[1:]:
        try:
            count, named = tally(build)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            count, named = collections.Counter(failed=1), ["%s: failed: no test results (%s)" % (build, error)]
        lines += named + ["%s: %d passed, %d failed, %d skipped" % (build, count["passed"], count["failed"], count["skipped"])]
        total.update(count)
    print("\n".join(lines))
    print("%d passed, %d failed, %d skipped" % (total["passed"], total["failed"], total["skipped"]))
    sys.exit(1 if total["failed"] or not total["passed"] else 0)


if __name__ == "__main__":
    main()

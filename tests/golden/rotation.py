#!/usr/bin/env python3
"""A file that is rotated and compressed by the running program, in its sandbox: what is in all of its parts is what is in a file that
is not; also when the process that writes them is killed.

usage: rotation.py SMBTAP
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

BYTES = 64 << 10
LAST = "pcaps/dialect-3.1.1.pcap"
PART = re.compile(r"records\.(\d{8}T\d{6}Z)(?:-(\d+))?(\.zst)?$")
WRITER = "smbtap-output"


class Replay:
    """Of all captures; the last one is a pipe that does not end before it is told to."""

    def __init__(self, smbtap, folder, output):
        self.pipe, self.errors = os.path.join(folder, "pipe"), os.path.join(folder, "errors")
        if not os.path.exists(self.pipe):
            os.mkfifo(self.pipe)
        words = [word for name in tap.captures() for word in ("-r", name)]
        with open(self.errors, "w", encoding="utf-8") as errors:
            self.process = subprocess.Popen([os.path.abspath(smbtap), "-q"] + words + ["-r", self.pipe, "--detail", "operations", "-o", output],
                                            stdin=subprocess.DEVNULL, stderr=errors, cwd=tap.ROOT)
        self.end = open(self.pipe, "wb")  # pylint: disable=consider-using-with
        with open(os.path.join(tap.ROOT, LAST), "rb") as file:
            self.end.write(file.read())
        self.end.flush()

    def finish(self):
        """Its status and what it said."""
        self.end.close()
        status = self.process.wait(60)
        with open(self.errors, encoding="utf-8") as errors:
            return status, errors.read()


def soon(what):
    end = time.monotonic() + 20
    while not (got := what()) and time.monotonic() < end:
        time.sleep(0.02)
    return got


def parts(folder):
    """Names of the rotated files, oldest first."""
    found = [(match.group(1), int(match.group(2) or 0), match.group(0)) for match in map(PART.match, os.listdir(folder)) if match]
    return [name for _, _, name in sorted(found)]


def read(path):
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout
    with open(path, "rb") as file:
        return file.read()


def contents(folder):
    return [read(os.path.join(folder, name)) for name in parts(folder) + ["records"]]


def compressed(folder):
    names = parts(folder)
    return names and all(name.endswith(".zst") for name in names) and names


def settled(folder):
    """The same, once no more of them come."""
    before = None
    while (names := soon(lambda: compressed(folder))) != before:
        before = names
        time.sleep(0.5)
    return names


def made(top, name):
    folder = os.path.join(top, name)
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    return folder


def url(folder, **settings):
    return "file:" + os.path.join(folder, "records") + "?" + "&".join("%s=%s" % pair for pair in settings.items())


def rotated(smbtap, top, expected):
    folder = made(top, "rotated")
    replay = Replay(smbtap, top, url(folder, rotate_bytes="64K", compress="zstd"))
    soon(lambda: len(parts(folder)) > 5)
    names, there = settled(folder), sorted(os.listdir(folder))
    status, said = replay.finish()
    tap.check("rotated: it ends well and says nothing", status == 0 and said == "", status, said)
    tap.check("rotated: all parts were compressed, and nothing else is there",
              names and sorted(names + ["records"]) == there, there)
    found = contents(folder)
    tap.check("rotated: together they are what a file is that is not", b"".join(found) == expected, len(b"".join(found)), len(expected))
    tap.check("rotated: each as large as it may be", all(BYTES - 4001 < len(one) <= BYTES for one in found[:-1]), [len(one) for one in found])
    replay = Replay(smbtap, top, url(folder, rotate_bytes="64K", rotate_keep=3))
    status, said = replay.finish()
    tap.check("kept: so many parts as should be", status == 0 and said == "" and len(parts(folder)) == 3, status, said, parts(folder))
    found = b"".join(contents(folder))
    tap.check("kept: the newest", (expected + expected).endswith(found) and len(found) > 3 * (BYTES - 4001), len(found))


def writers(pid):
    """Processes below pid that write."""
    found = []
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            below = [int(word) for word in file.read().split()]
        for child in below:
            with open("/proc/%d/comm" % child, encoding="ascii") as file:
                found += [child] if file.read().strip() == WRITER else []
            found += writers(child)
    except OSError:
        pass
    return found


def killed(smbtap, top, expected):
    """What was on its way to the file may be there twice; nothing is missing."""
    folder = made(top, "killed")
    replay = Replay(smbtap, top, url(folder, rotate_bytes="64K", compress="zstd"))
    kills = set()
    for pause in (0.0, 0.005, 0.01):
        found = soon(lambda: [pid for pid in writers(replay.process.pid) if pid not in kills])
        time.sleep(pause)
        if found:
            os.kill(found[0], signal.SIGKILL)
            kills.add(found[0])
    soon(lambda: [pid for pid in writers(replay.process.pid) if pid not in kills])
    status, said = replay.finish()
    tap.check("killed: each time it is started again, and that is said", status == 0 and said.count("it is started again") == len(kills) == 3, status, said)
    lines = set(b"".join(contents(folder)).split(b"\n"))
    missing = [line for line in expected.split(b"\n") if line not in lines]
    tap.check("killed: no record is missing", not missing, len(missing), missing[:1])


def relative(smbtap, top, expected):
    """Of a path that does not begin with a slash, as whoever is in the folder types it."""
    folder = made(top, "relative")
    name = os.path.relpath(folder, tap.ROOT)
    status, said = Replay(smbtap, top, url(name, rotate_bytes="64K", compress="zstd")).finish()
    tap.check("relative: the same", status == 0 and not said and len(parts(folder)) > 5 and b"".join(contents(folder)) == expected, status,
              said, parts(folder)[:3])


def main():
    if not shutil.which("zstd"):
        tap.skip_all("not installed: zstd")
    with tempfile.TemporaryDirectory(prefix="smbtap-rotation-") as top:
        os.chmod(top, 0o755)
        plain = os.path.join(top, "plain")
        Replay(sys.argv[1], top, plain).finish()
        expected = read(plain)
        rotated(sys.argv[1], top, expected)
        relative(sys.argv[1], top, expected)
        killed(sys.argv[1], top, expected)
    tap.finish()


if __name__ == "__main__":
    main()

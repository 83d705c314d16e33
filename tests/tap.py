"""What the scripts that test the whole program share: running it, and reporting in TAP (Test Anything Protocol)."""
import collections
import json
import os
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PCAPS = os.path.join(ROOT, "pcaps")
Run = collections.namedtuple("Run", "status out err")
_one_at_a_time = threading.Lock()
_count = 0
_failed = 0

# Of meson's tests a script goes without memory that the C library fills (tests/meson.build), and all that it starts has it. By hand nothing
# is filled.
FILLED = os.environ.get("MALLOC_PERTURB_") == "0"
if FILLED:
    os.environ["MALLOC_PERTURB_"] = "165"

# What computes makes way for what is held to a time, which may run beside it.
if os.path.basename(os.path.dirname(os.path.abspath(sys.argv[0]))) in ("golden", "oracle"):
    os.nice(10)


def once_more(**more):
    """The environment of the script itself, where it starts itself elsewhere."""
    return dict(os.environ, **({"MALLOC_PERTURB_": "0"} if FILLED else {}), **more)


def _line(good, name, details=(), directive=""):
    global _count, _failed
    with _one_at_a_time:  # some scripts have threads
        _count += 1
        _failed += not good
        print("%sok %d - %s%s" % ("" if good else "not ", _count, name.replace("#", "_"), directive))
        for detail in details:
            for line in str(detail).split("\n"):
                print("#   " + line)
        sys.stdout.flush()


def check(name, good, *details):
    """One test case. The details are shown where it is not good."""
    _line(good, name, () if good else details)
    return good


def skip(name, why):
    _line(True, name, directive=" # SKIP " + why)


def skip_all(why):
    """Ends the program: none of it can be tested here."""
    print("1..0 # SKIP " + why)
    sys.exit(0)


def finish():
    print("1..%d" % _count)
    sys.exit(1 if _failed or not _count else 0)


def stem(path):
    """The name of a capture without folder and suffix."""
    return os.path.basename(path).rsplit(".", 1)[0]


def captures(*stems):
    """Our own captures, relative to the root, in name order; those with the stems if any are given."""
    names = sorted(os.listdir(PCAPS)) if os.path.isdir(PCAPS) else []
    return [os.path.join("pcaps", name) for name in names
            if name.endswith((".pcap", ".pcapng")) and (not stems or stem(name) in stems)]


def run(smbtap, *arguments, stdin=None, **more):
    """Runs smbtap in the root folder, so that captures have the same names everywhere. stdin: bytes, none without."""
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run([os.path.abspath(smbtap)] + list(arguments), cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300, **given, **more)
    return Run(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def records(out):
    """The records of an output, which must be lines of ASCII."""
    return [json.loads(line) for line in out.decode("ascii").split("\n") if line]

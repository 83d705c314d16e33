"""What the benchmarks share: the loads, and how a command is measured."""
import collections
import json
import os
import subprocess
import sys
import tempfile

Measure = collections.namedtuple("Measure", "seconds processor peak")  # seconds by the clock and of a processor; MiB


class Wrong(Exception):
    """What was run did not do what it should; told in one line."""


def pin():
    """All that is started from now on has one core, the last of those that we may use; returns its number."""
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def timed(bench, command, out=subprocess.DEVNULL, folder=None):
    """Runs a command with its output thrown away."""
    with tempfile.NamedTemporaryFile("r", encoding="ascii") as result:
        subprocess.run([os.path.join(bench, "measure"), result.name] + command, stdin=subprocess.DEVNULL, stdout=out,
                       stderr=subprocess.DEVNULL, cwd=folder, check=True)
        seconds, peak, status, processor = result.read().split()
    if status != "0":
        raise Wrong("%s: exit status %s" % (" ".join(command), status))
    return Measure(float(seconds), float(processor), int(peak) / 1024)


def make(bench, folder, kind, *numbers):
    """The capture of a kind and size, and what is in it; made where it is not there yet, or was made by another make_load."""
    maker = os.path.join(bench, "make_load")
    path = os.path.join(folder, "-".join([kind] + [str(number) for number in numbers]) + ".pcap")
    facts = path + ".json"
    if not os.path.exists(facts) or os.path.getmtime(facts) < os.path.getmtime(maker):
        done = subprocess.run([maker, kind, path] + [str(number) for number in numbers], stdout=subprocess.PIPE, check=True)
        with open(facts, "wb") as file:
            file.write(done.stdout)
    with open(facts, encoding="ascii") as file:
        return path, json.load(file)


def warm(path):
    """Into the page cache."""
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def note(text=""):
    print(text)
    sys.stdout.flush()

"""A sensor under load in the world of the live tests, with several outputs, and what its receivers got in the end."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))

import counting
import tap
import world

RATE = 3000  # packets a second; a record for two of them
PACKETS_MESSAGES = 25000 / 22000  # of bench/make_load


class Load:
    """Operations that go on until they are told to stop."""

    def __init__(self, build, seconds, rate=RATE):
        capture = world.path("load.pcap")
        world.command(os.path.join(build, "make_load"), "metadata", capture, str(int(seconds * rate / PACKETS_MESSAGES)))
        self.process = subprocess.Popen(world.wire(os.path.join(build, "live_send"), "-r", str(rate), "tx0", capture),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def over(self):
        return self.process.poll() is not None

    def wait(self, seconds=60):
        self.process.wait(seconds)

    def stop(self):
        if not self.over():
            self.process.send_signal(signal.SIGINT)
            self.process.wait()


class Sensor(world.Sensor):
    """With outputs beside its file, which has a record of all that was ever numbered and is not lost before the outputs."""

    def __init__(self, smbtap, name, urls, *arguments, prefix=("setsid",), **more):
        """setsid: a group of its own, that all its processes are in."""
        words = [word for url in urls for word in ("-o", url)]
        super().__init__(smbtap, name, "--detail", "operations", "--workers", "1", "--buffer", "64M", *words, *arguments,
                         prefix=prefix, **more)

    def kill_group(self):
        """With -9, all at once."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def lines(self):
        """A process that was killed may leave the beginning of a line behind, before the next one writes it anew."""
        return [line for line in super().lines() if counting.PLAIN.match(line) and line.endswith(b"}")]

    def torn(self):
        return [line for line in super().lines() if not (counting.PLAIN.match(line) and line.endswith(b"}"))]

    def figures(self):
        """{output: its figures}, as it says now."""
        return {one["name"]: one for one in self.stats()["outputs"]}

    def last(self):
        """{run: its last number}, as far as the file has it."""
        found = {}
        for line in self.lines():
            run, seq = counting.PLAIN.match(line).groups()[:2]
            found[run.decode()] = max(found.get(run.decode(), 0), int(seq))
        return found

    def trouble(self, word):
        """Lines of standard error with that word."""
        return [line for line in self.err().split("\n") if word in line]


def tip(file):
    """The last number in what a receiver or a sensor wrote, 0 without."""
    try:
        with open(file, "rb") as opened:
            opened.seek(0, os.SEEK_END)
            opened.seek(max(0, opened.tell() - 65536))
            tail = opened.read()
    except FileNotFoundError:
        return 0
    at = max(tail.rfind(b'"seq":'), tail.rfind(b'\\"seq\\":') + 1)
    digits = tail[at + 6:at + 30].lstrip(b'\\":')
    number = digits.split(b",")[0].split(b"}")[0]
    return int(number) if at >= 0 and number.strip().isdigit() else 0


def arrived(receiver, sensor, seconds):
    """Waits until all that the sensor's file has is there, or that time is over; returns the account."""
    end = time.monotonic() + seconds
    lines, last = sensor.lines(), sensor.last()
    while True:
        account = counting.Account(receiver.messages(), lines, receiver.name)
        if time.monotonic() > end or not account.silently(last):
            return account
        time.sleep(0.5)


def judge(title, receiver, sensor, seconds=15, doubles=True):
    """Nothing is lost without a gap, or altered; gaps tell the truth. doubles: records may have come more than once."""
    account, last = arrived(receiver, sensor, seconds), sensor.last()
    print("# %s: %s" % (title, account.line()))
    silently, wrong = account.silently(last), account.wrongly()
    tap.check(title + ": none is lost without a gap", account.arrived() and not silently, account.line(), silently[:5], silently[-5:],
              account.gaps, receiver.said()[-300:])
    tap.check(title + ": gaps tell what is lost, and no more; none was altered", not wrong and not account.strange, *wrong, *account.strange[:2])
    if not doubles:
        tap.check(title + ": none came twice", not account.doubled(), account.line())
    return account

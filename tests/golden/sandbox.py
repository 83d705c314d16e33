#!/usr/bin/env python3
"""What the running program has given up, and that it still reaches its files: a replay that waits in a pipe is looked at
from outside, and then goes on to its end.

usage: sandbox.py SMBTAP
"""
import os
import pwd
import resource
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402
import tap  # noqa: E402

CAPTURE, OEM = "pcaps/dialect-3.1.1.pcap", "pcaps/smb1-oem.pcap"
NOBODY = 65534
OPENING = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
FILES = 2000
KEEPER, OUTPUT = "smbtap-keeper", "smbtap-output"
BROKER = "smbtap-broker"


def status_of(pid):
    """{name: value} of /proc/PID/status; empty where there is no such process."""
    try:
        with open("/proc/%d/status" % pid, encoding="utf-8") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except OSError:
        return {}


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def soon(what):
    """What a function gives as soon as it is true; what it gives after ten seconds otherwise."""
    deadline = time.monotonic() + 10
    while not (got := what()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return got


def confined(pid):
    status = status_of(pid)
    return status if status.get("Seccomp", "0").strip() == "2" else None


def is_user(status, user):
    return set(status["Uid"].split()) == {str(user)}


class Checks:
    def __init__(self, smbtap, folder):
        self.smbtap, self.folder = os.path.abspath(smbtap), folder
        with open(os.path.join(tap.ROOT, CAPTURE), "rb") as file:
            self.content = file.read()
        self.expected = tap.run(self.smbtap, "-r", CAPTURE).out

    def path(self, name):
        return os.path.join(self.folder, name)

    def popen(self, *arguments, **more):
        return subprocess.Popen([self.smbtap] + list(arguments), cwd=tap.ROOT, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def users(self):
        """Who goes on, and who opens files, where this user starts it."""
        if os.getuid() != 0:
            return os.getuid(), os.getuid()
        names = [name for name in ("smbtap", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()}]
        return (pwd.getpwnam(names[0]).pw_uid if names else NOBODY), 0

    def running(self, name, *arguments, keeps=OPENING):
        """Looks at a program that waits for its input, and at its broker; then gives it a capture."""
        user, opener = self.users()
        process = self.popen(*arguments)
        status = soon(lambda: confined(process.pid))
        tap.check("%s: filter, no new privileges" % name, status and status["NoNewPrivs"] == "1",
                  status_of(process.pid))
        status = status or status_of(process.pid)
        held = [status.get(kind) for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb")]
        tap.check("%s: no capability" % name, set(held) == {"0" * 16}, *held)
        tap.check("%s: not root, and nobody's group" % name, is_user(status, user) and
                  (os.getuid() != 0 or not status["Groups"].split()), status.get("Uid"), status.get("Groups"))
        brokers = [status_of(pid) for pid in children(process.pid)]
        good = len(brokers) == 1 and brokers[0]["Name"] == BROKER and is_user(brokers[0], opener)
        tap.check("%s: one broker, who started it" % name, good, *brokers)
        tap.check("%s: the broker has what opens files" % name, brokers and all(
            broker["NoNewPrivs"] == "1" and not int(broker["CapEff"], 16) & ~keeps for broker in brokers), *brokers)
        out, err = process.communicate(self.content, timeout=60)
        tap.check("%s: to its end" % name, process.returncode == 0, process.returncode, err)
        tap.check("%s: the broker is gone" % name, all(not status_of(int(broker["Pid"])) for broker in brokers))
        return out

    def replay(self):
        out = self.running("a replay", "-r", "-")
        expected = tap.run(self.smbtap, "-r", "-", stdin=self.content).out
        tap.check("a replay: its records", out == expected, len(out), len(expected))
        self.running("a replay with a filter", "-r", "-", "tcp")

    def inventory(self):
        self.running("an inventory", "inventory", "-r", "-")

    def live(self):
        """A sensor: all its threads, and a broker that is the user's."""
        if os.getuid() != 0:
            tap.skip("a sensor", "only root can change user")
            return
        os.chmod(self.folder, 0o777)
        process = self.popen("-i", "lo", "--workers", "2", "--user", "nobody", "--metrics-file",
                             self.path("metrics.prom"), "-o", self.path("live.jsonl"))
        user = pwd.getpwnam("nobody").pw_uid
        if not soon(lambda: confined(process.pid)):
            process.kill()
            said = process.communicate(timeout=60)[1].decode()
            if "setcap" in said:
                tap.skip("a sensor", "no right to capture here")
            else:
                tap.check("a sensor starts", False, said)
            return
        time.sleep(0.2)
        threads = [status_of(int(task)) for task in os.listdir("/proc/%d/task" % process.pid)]
        others = [status_of(pid) for pid in children(process.pid)]
        keepers = [one["Pid"] for one in others if one["Name"] == KEEPER]
        others += [status_of(pid) for keeper in keepers for pid in children(int(keeper))]
        tap.check("a sensor: all its threads", len(threads) > 2 and all(
            thread["Seccomp"] == "2" and thread["NoNewPrivs"] == "1" and thread["CapEff"] == thread["CapPrm"] == "0" * 16 and
            is_user(thread, user) for thread in threads), *threads)
        tap.check("a sensor: its other processes", sorted(one["Name"] for one in others) == sorted((BROKER, KEEPER, OUTPUT)) and all(
            is_user(one, user) and one["Seccomp"] == "2" and one["CapEff"] == one["CapPrm"] == "0" * 16 for one in others), *others)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
            time.sleep(0.3)
            process.send_signal(number)
        _, err = process.communicate(timeout=60)
        tap.check("a sensor: to its end", process.returncode == 0, process.returncode, err)
        owner = os.stat(self.path("live.jsonl")).st_uid
        tap.check("a sensor: its output is its user's", owner == user, owner)
        with open(self.path("metrics.prom"), encoding="ascii") as file:
            text = file.read()
        tap.check("a sensor: its metrics file", "smbtap_" in text and not os.path.exists(self.path("metrics.prom.tmp")), text[:200])

    def without(self):
        """--no-sandbox: all in one process, and it says so."""
        process = self.popen("--no-sandbox", "-r", "-")
        line = process.stderr.readline().decode()
        tap.check("--no-sandbox: is loud", line.startswith("smbtap: ") and "--no-sandbox" in line, line)
        status = status_of(process.pid)
        tap.check("--no-sandbox: nothing is given up, no broker", status["Seccomp"] == status_of(os.getpid())["Seccomp"] and
                  is_user(status, os.getuid()) and not children(process.pid), status)
        out, _ = process.communicate(self.content, timeout=60)
        tap.check("--no-sandbox: its records", process.returncode == 0 and out.count(b"\n") == self.expected.count(b"\n"))
        run = tap.run(self.smbtap, "--no-sandbox", "-q", "-r", CAPTURE, "tcp")
        tap.check("--no-sandbox with a filter, -q", run.status == 0 and run.out.count(b"\n") == self.expected.count(b"\n") and
                  run.err.count("\n") == 1, run.err)

    def killed(self):
        """Whatever ends the program, its broker ends."""
        for number in (signal.SIGKILL, signal.SIGTERM):
            process = self.popen("-r", self.fifo("killed"))
            brokers = soon(lambda: confined(process.pid) and children(process.pid))
            time.sleep(0.1)  # now it waits for the FIFO; a signal that came before would not end that
            process.send_signal(number)
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.send_signal(number)  # the second one ends it at once
                process.wait(timeout=60)
            gone = soon(lambda: all(status_of(pid).get("State", "Z")[0] == "Z" for pid in brokers))
            tap.check("after %s: no broker is left over a FIFO" % number.name, brokers and gone, brokers)
            process.communicate(timeout=60)

    def fifo(self, name):
        if not os.path.exists(self.path(name)):
            os.mkfifo(self.path(name))
        return self.path(name)

    def closed_to_others(self):
        """Files that only who started it may read and write."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            os.chmod(folder, 0o700)
            capture, out = os.path.join(folder, "c.pcap"), os.path.join(folder, "out.jsonl")
            with open(capture, "wb") as file:
                file.write(self.content)
            os.chmod(capture, 0o400)
            run = tap.run(self.smbtap, "-r", folder, "-o", out)
            with open(out, "rb") as file:
                size = len(file.read())
            tap.check("files of who started it", run.status == 0 and size and os.stat(out).st_uid == os.getuid(), run.err)

    def descriptors(self):
        """Paths that are descriptors of the program, which the broker has as well."""
        script = '"$2" -r /dev/stdin -o /dev/stdout <"$1"'
        done = subprocess.run(["sh", "-c", script, "sh", CAPTURE, self.smbtap], cwd=tap.ROOT, capture_output=True,
                              timeout=60, check=False)
        wanted = tap.run(self.smbtap, "-r", CAPTURE).out.count(b"\n")
        tap.check("/dev/stdin and /dev/stdout", done.returncode == 0 and done.stdout.count(b"\n") == wanted, done.stderr)
        for name, closing in (("input", "<&-"), ("input and error", "<&- 2>&-")):
            done = subprocess.run(["sh", "-c", '"$2" -r "$1" ' + closing, "sh", CAPTURE, self.smbtap], cwd=tap.ROOT,
                                  capture_output=True, timeout=60, check=False)
            tap.check("standard %s closed" % name, done.returncode == 0 and done.stdout == self.expected, done.stderr)
        done = subprocess.run(["sh", "-c", '"$2" -r "$1" >&-', "sh", CAPTURE, self.smbtap], cwd=tap.ROOT,
                              capture_output=True, timeout=60, check=False)
        tap.check("standard output closed", done.returncode == 1 and b"standard output: is closed" in done.stderr,
                  done.returncode, done.stderr)

    def fifos(self):
        source, sink = self.fifo("source"), self.fifo("sink")
        process = self.popen("-r", source, "-o", sink)
        with open(source, "wb") as file:
            file.write(self.content)
        with open(sink, "rb") as file:
            out = file.read()
        _, err = process.communicate(timeout=60)
        tap.check("from FIFO to FIFO", process.returncode == 0 and out.count(b"\n") == self.expected.count(b"\n"), err)
        process = self.popen("-r", source)
        soon(lambda: confined(process.pid))
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        tap.check("interrupted while a FIFO is waited for", process.returncode == 1 and b"Interrupted" in err,
                  process.returncode, err)

    def libraries(self):
        """What opens files when it is first used."""
        for page in ("CP437", "IBM850", "GBK", "EUC-KR", "KOI8-R", "ISO-8859-15"):
            run = tap.run(self.smbtap, "-r", OEM, "-r", OEM, "-r", OEM, "-r", OEM, "--code-page", page, "--detail", "operations")
            tap.check("code page %s" % page, run.status == 0 and run.out, run.status, run.err)
        run = tap.run(self.smbtap, "-r", CAPTURE, "host localhost or tcp port microsoft-ds or tcp")
        tap.check("names in a filter", run.status == 0 and run.out.count(b"\n") == self.expected.count(b"\n"), run.status, run.err)
        run = tap.run(self.smbtap, "-r", CAPTURE, "tcp port no-such-service")
        tap.check("a wrong name in a filter", run.status == 1 and "no-such-service" in run.err, run.status, run.err)
        run = tap.run(self.smbtap, "-v", "-r", CAPTURE, "-o", self.path("v.jsonl"), env=dict(os.environ, TZ="Asia/Tokyo"))
        tap.check("a summary in another time zone", run.status == 0 and "packets" in run.err, run.status, run.err)

    def thousands(self):
        """Each file is opened three times; no descriptor stays."""
        folder = self.path("many")
        os.mkdir(folder)
        small = pcapfile.pcap([])
        for number in range(FILES):
            with open(os.path.join(folder, "%05d.pcap" % number), "wb") as file:
                file.write(small)
        with open(os.path.join(folder, "last.pcap"), "wb") as file:
            file.write(self.content)

        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
        run = tap.run(self.smbtap, "-r", folder, preexec_fn=few)
        tap.check("%d files with 32 descriptors" % FILES, run.status == 0 and
                  run.out.count(b"\n") == self.expected.count(b"\n"), run.status, run.err[:500])


def main():
    if not os.path.exists("/proc/self/status"):
        tap.skip_all("there is no /proc here")
    with tempfile.TemporaryDirectory(prefix="smbtap-sandbox-") as folder:
        checks = Checks(sys.argv[1], folder)
        for part in (checks.replay, checks.inventory, checks.live, checks.without, checks.killed, checks.closed_to_others, checks.descriptors,
                     checks.fifos, checks.libraries, checks.thousands):
            part()
    tap.finish()


if __name__ == "__main__":
    main()

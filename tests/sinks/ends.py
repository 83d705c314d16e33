#!/usr/bin/env python3
"""How a replay ends whose receivers lose records, go away or take nothing: each loss is told on that output, nothing waits for
ever, and nobody who wants the end waits long. The receiver is a RELP of our own.

usage: ends.py SMBTAP BUILD
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

CAPTURE = os.path.join(tap.PCAPS, "dialect-3.1.1.pcap")
SEQ = re.compile(rb'"seq":(\d+)')
GAP = re.compile(rb'"action":"gap".*"from_seq":(\d+)(?:,"to_seq":(\d+))?.*"reason":"(\w+)"')  # none: to the end of its run


class Receiver:
    """answer(number): the answer to that record; None: none ever."""

    def __init__(self, answer):
        self.answer, self.got, self.gaps = answer, [], []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = "relp://127.0.0.1:%d" % self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            connection, _ = self._socket.accept()
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while self._frame(connection, stream):
                    pass
            except (OSError, ValueError):
                pass

    def _frame(self, connection, stream):
        head = b""
        while head.count(b" ") < 3 and not head.endswith(b"\n"):
            byte = stream.read(1)
            if not byte:
                return False
            head += byte
        number, command, size = head.split()[:3]
        data = stream.read(int(size)) if int(size) else b""
        if int(size):
            stream.read(1)
        if command == b"syslog":
            text = self._take(data)
            if text is None:
                return True
        else:
            text = b"200 OK\nrelp_version=0\ncommands=syslog" if command == b"open" else b"200 OK"
        connection.sendall(b"%s rsp %d %s\n" % (number, len(text), text))
        return command != b"close"

    def _take(self, data):
        seq = int(SEQ.search(data).group(1))
        text = self.answer(seq)
        if text and text.startswith(b"200"):
            self.got.append(seq)
            self.gaps += [(int(first), int(last or 0), reason.decode()) for first, last, reason in GAP.findall(data)]
        return text

    def untold(self, last):
        return [seq for seq in range(1, last + 1) if seq not in self.got and not any(a <= seq <= b for a, b, _ in self.gaps)]


def start(smbtap, *outputs, capture=CAPTURE, more=()):
    words = [word for output in outputs for word in ("-o", output)]
    return subprocess.Popen([smbtap, "-r", capture, *more, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def end(process, seconds):
    """(exit status, what it said); None: it does not end."""
    try:
        _, said = process.communicate(timeout=seconds)
        return process.returncode, said
    except subprocess.TimeoutExpired:
        process.kill()
        return None, process.communicate()[1]


def deliverer(process):
    """The one that delivers, once it is there."""
    def children(pid):
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            return [int(word) for word in file.read().split()]

    until = time.monotonic() + 10
    while time.monotonic() < until:
        for pid in [grand for child in children(process.pid) for grand in children(child)]:
            with open("/proc/%d/comm" % pid, encoding="ascii") as file:
                if file.read().strip() == "smbtap-output":
                    return pid
        time.sleep(0.02)
    raise RuntimeError("no process that delivers")


def records(smbtap):
    process = subprocess.run([smbtap, "-r", CAPTURE, "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return process.stdout.count(b"\n")


def wait(seconds, what):
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.02)


def refused(smbtap, last):
    receiver = Receiver(lambda seq: b"500 no" if seq in (3, 4, 10, last) else b"200 OK")
    status, said = end(start(smbtap, receiver.url), 20)
    tap.check("refused in a replay: told on that output, and its numbers alone", status == 1 and not receiver.untold(last) and
              sorted(set(receiver.gaps)) == [(3, 4, "refused"), (10, 10, "refused"), (last, last, "refused")],
              status, said, receiver.gaps, receiver.untold(last))


def killed(smbtap, last):
    """At the end, when it was told already that no more comes."""
    silent = [True]
    receiver = Receiver(lambda seq: None if silent[0] and seq > 5 else b"200 OK")
    process = start(smbtap, receiver.url)
    wait(10, lambda: len(receiver.got) == 5)
    time.sleep(0.5)
    os.kill(deliverer(process), signal.SIGKILL)
    silent[0] = False
    status, said = end(process, 20)
    tap.check("killed at the end of a replay: what it had in memory is told, and it ends", status == 1 and
              not receiver.untold(last) and "killed" in {reason for _, _, reason in receiver.gaps},
              status, said, receiver.got, receiver.gaps)


def killed_twice(smbtap, last):
    """The record of a gap may be in the memory of the second."""
    silent = [True]
    receiver = Receiver(lambda seq: None if silent[0] else b"200 OK")
    process = start(smbtap, receiver.url)
    for _ in range(2):
        first = deliverer(process)
        time.sleep(1)
        os.kill(first, signal.SIGKILL)
        wait(5, lambda: not os.path.exists("/proc/%d" % first))
    silent[0] = False
    status, said = end(process, 20)
    tap.check("killed again with the gap in its memory: that is told as well", status == 1 and not receiver.untold(last),
              status, said, receiver.got, receiver.gaps)


def impatient(smbtap):
    for times, most in ((1, 4), (2, 3)):
        receiver = Receiver(lambda seq: None)
        process = start(smbtap, receiver.url)
        deliverer(process)
        time.sleep(0.5)
        began = time.monotonic()
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        status, said = end(process, 20)
        took = time.monotonic() - began
        tap.check("a receiver that takes nothing, and Ctrl-C %d times: all end soon, and it is said what is lost" % times,
                  took < most and status == (1 if times == 1 else -signal.SIGINT) and "could not be delivered" in said,
                  took, status, said)


def no_room(smbtap, build):
    """The spool has no room for all that was made: what it has comes with the next run, which tells of the rest."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        capture = os.path.join(folder, "metadata.pcap")
        subprocess.run([os.path.join(build, "make_load"), "metadata", capture, "30000"], stdout=subprocess.DEVNULL, check=True)
        taking = [False]
        receiver = Receiver(lambda seq: b"200 OK" if taking[0] else None)
        url = receiver.url + "?name=full&spool_max_bytes=16M&spool_directory=" + os.path.join(folder, "spool")
        process = start(smbtap, url, capture=capture, more=("--detail", "operations"))
        deliverer(process)
        wait(10, lambda: full(folder))
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        status, said = end(process, 20)
        kept = int(re.search(r"full: (\d+) records wait in the spool", said).group(1))
        tap.check("a replay whose spool is full, and Ctrl-C: it is said that the rest is lost, and it is no success", status == 1 and
                  "which are lost" in said, status, said)
        taking[0] = True
        status, said = end(start(smbtap, url), 60)
        ends = [(first, reason) for first, _, reason in receiver.gaps]
        tap.check("a replay whose spool was full: the next one delivers what it has, and tells what is lost", status == 0 and
                  ends == [(kept + 1, "killed")] and receiver.got[:kept] == list(range(1, kept + 1)), status, said, kept, ends)


def full(folder):
    """Has the spool all the segments that it may have?"""
    at = os.path.join(folder, "spool", "full")
    return os.path.isdir(at) and sum(name.startswith("segment") for name in os.listdir(at)) == 16


def main():
    smbtap, build = sys.argv[1:3]
    last = records(smbtap)
    refused(smbtap, last)
    killed(smbtap, last)
    killed_twice(smbtap, last)
    impatient(smbtap)
    no_room(smbtap, build)
    tap.finish()


main()

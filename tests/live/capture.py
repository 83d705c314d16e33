#!/usr/bin/env python3
"""The live capture on veth pairs in a network namespace of its own: capture.py PROBE."""
import collections
import ctypes
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import pcapfile
import tap

CLONE_NEWNET = 0x40000000


def ip(*arguments):
    subprocess.run(["ip"] + list(arguments), check=True, stdin=subprocess.DEVNULL)


def enter_namespace():
    """Into a network of our own, which goes with the process; skips everything where it cannot be had."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        tap.skip_all("no network namespace of our own: it needs root")
    for name in ("all", "default"):
        path = "/proc/sys/net/ipv6/conf/%s/disable_ipv6" % name
        if os.path.exists(path):
            with open(path, "w", encoding="ascii") as file:
                file.write("1")
    try:
        ip("link", "set", "lo", "up")
        pair("first")
        ip("link", "del", "first")
    except (OSError, subprocess.CalledProcessError):
        tap.skip_all("no veth pairs: it needs iproute2 and the kernel's module")


def pair(name, up=True):
    """A veth pair: what is sent into in-NAME comes out of NAME."""
    ip("link", "add", name, "type", "veth", "peer", "name", "in-" + name)
    ip("link", "set", "in-" + name, "up")
    if up:
        ip("link", "set", name, "up")


class Sender:
    def __init__(self, name):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind(("in-" + name, 0))

    def send(self, packets):
        for packet in packets:
            self.socket.send(packet.data)


class Probe:
    """capture_probe, running; what it says comes line by line."""

    def __init__(self, *arguments, env=None):
        self.process = subprocess.Popen([sys.argv[1]] + list(arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env)
        self.lines, self.seen = queue.Queue(), []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ready = self.until(lambda line: "ready" in line or "refused" in line)

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def until(self, wanted, seconds=10):
        """The first line from now on that is wanted; None when it ended or the time is up."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(end - time.monotonic(), 0.001))
            except queue.Empty:
                return None
            if line is None:
                return None
            self.seen.append(line)
            if wanted(line):
                return line

    def state(self, interface, state):
        return self.until(lambda line: line.get("interface") == interface and line.get("state") == state)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def stop(self):
        """Everything that it said, its exit status and what was on standard error."""
        if self.process.poll() is None:
            self.tell("stop")
        self.until(lambda line: False, 20)
        self.process.stdin.close()
        err = self.process.stderr.read()
        return Said(self.seen, self.process.wait(20), err)


class Said:
    def __init__(self, lines, status, err):
        self.lines, self.status, self.err = lines, status, err
        self.frames = [line for line in lines if "owner" in line]
        self.counters = [line for line in lines if "counters" in line]

    def data(self):
        return [bytes.fromhex(frame["bytes"]) for frame in self.frames]


def shown(packets):
    return [packet.data[:160] for packet in packets]


def plain(workers):
    packets = pcapfile.read(os.path.join(tap.PCAPS, "dialect-3.1.1.pcap"))
    pair("plain")
    probe = Probe("workers=%d" % workers, "plain")
    Sender("plain").send(packets)
    said = probe.stop()
    ip("link", "del", "plain")
    tap.check("%d workers see what was sent" % workers, sorted(said.data()) == sorted(shown(packets)), len(packets), len(said.frames), said.err)
    tap.check("%d workers: each frame at its owner" % workers,
              all(frame["owner"] == frame["worker"] for frame in said.frames),
              collections.Counter((frame["worker"], frame["owner"]) for frame in said.frames))
    counted = sum(line["received"] for line in said.counters)
    tap.check("%d workers count them" % workers, counted == len(packets), said.counters)


def main():
    enter_namespace()
    for workers in (1, 2, 4):
        plain(workers)
    tap.finish()


main()

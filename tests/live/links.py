#!/usr/bin/env python3
"""Interfaces that are not there yet, go down, come back, are removed and made again; several of them; `any`; and what does not let
the sensor start at all.

usage: links.py SMBTAP BUILD
"""
import json
import os
import re
import socket
import subprocess
import sys
import time

import world
import comparing  # noqa: E402
import pcapfile  # noqa: E402
import tap  # noqa: E402
import watch  # noqa: E402

CAPTURES = ["dialect-%s" % name for name in ("3.1.1", "3.0.2", "3.0", "2.1", "2.0.2")] + [
    "ipv6", "renames", "deletes", "information", "locks", "leases", "streams", "sessions", "compounds", "contexts", "unicode"]


class Traffic:
    """Sends another capture each time, since a connection that was told is not told again."""

    def __init__(self, smbtap, build):
        self.smbtap, self.build, self.left = smbtap, build, list(CAPTURES)

    def seen(self, sensor, number=0, leave=()):
        """Are the records of what is sent now those of a replay? But for ends, which come a while after."""
        capture = os.path.join(tap.PCAPS, self.left.pop(0) + ".pcap")
        before = len(sensor.lines())
        world.send(self.build, capture, interface="tx%d" % number, rate=2000)
        wanted = comparing.plain([one for one in watch.replay(self.smbtap, capture) if one["object"] == "flow" and one["action"] != "end"],
                                 times=False, leave=leave)
        end = time.monotonic() + 3
        while True:
            found = comparing.plain(sensor.records()[before:], times=False, leave=leave)
            if not wanted - found or time.monotonic() > end:
                return comparing.difference(wanted, found) if wanted - found else []
            time.sleep(0.05)


def told(sensor, said, word="span0"):
    """Lines about the interface since it had said so much."""
    return [line for line in sensor.err()[said:].split("\n") if word in line]


def absent(smbtap, build, traffic, how):
    """The one interface is not there at the start, or is down."""
    if how == "down":
        world.link(up=False)
    sensor = world.Sensor(smbtap, how + "-at-start", "--workers", "2", wait=False)
    time.sleep(2.2)
    lines = told(sensor, 0)
    tap.check("%s at the start: waits, and says so once" % how, sensor.process.poll() is None and len(lines) == 1 and
              b"READY" not in sensor.notes, sensor.err(), sensor.notes)
    tap.check("%s at the start: the service manager is told what is waited for" % how, b"span0" in sensor.notes, sensor.notes)
    if how == "down":
        world.command("ip", "link", "set", "span0", "up")
    else:
        world.link()
    world.wait_for("ready", 10, sensor.ready)
    lines = traffic.seen(sensor)
    tap.check("%s at the start: then it is captured from" % how, not lines, *lines)
    status, _ = sensor.stop()
    tap.check("%s at the start: ends with 0" % how, status == 0, status, sensor.err())
    world.command("ip", "link", "del", "span0")


def waiting_ends(smbtap):
    """TERM while it waits for an interface."""
    sensor = world.Sensor(smbtap, "waiting", wait=False, interfaces=("nothere",))
    time.sleep(1)
    status, seconds = sensor.stop()
    tap.check("TERM while it waits for an interface: ends with 0", status == 0 and seconds < 2, status, seconds, sensor.err())


def down_and_up(smbtap, build, traffic, workers):
    world.link()
    title = "down and up, %d %s" % (workers, "worker" if workers == 1 else "workers")
    sensor = world.Sensor(smbtap, "down-%d" % workers, "--workers", str(workers))
    lines = traffic.seen(sensor)
    tap.check(title + ": captured from before", not lines, *lines)
    said = len(sensor.err())
    for turn in range(2):
        world.command("ip", "link", "set", "span0", "down")
        time.sleep(1.2)
        up = sensor.stats()["capture_interfaces"][0]["up"]
        world.command("ip", "link", "set", "span0", "up")
        time.sleep(0.5)
    lines = told(sensor, said)
    tap.check(title + ": announced, each way once", len(lines) == 4 and up is False, up, *lines)
    lines = traffic.seen(sensor)
    tap.check(title + ": captured from again", not lines, *lines)
    stats = watch.settled(sensor)
    tap.check(title + ": nothing is lost", stats["packets_dropped_kernel"] == 0 and stats["capture_interfaces"][0]["up"], stats)
    status, _ = sensor.stop()
    tap.check(title + ": ends with 0", status == 0, status, sensor.err())
    watch.whole(sensor, title)
    world.command("ip", "link", "del", "span0")


def removed(smbtap, build, traffic, workers):
    """Removed and made again: it goes on, or ends so that the service manager starts it again, and then goes on."""
    world.link()
    title = "removed, %d %s" % (workers, "worker" if workers == 1 else "workers")
    sensor = world.Sensor(smbtap, "removed-%d" % workers, "--workers", str(workers))
    lines = traffic.seen(sensor)
    tap.check(title + ": captured from before", not lines, *lines)
    said = len(sensor.err())
    world.command("ip", "link", "del", "span0")
    time.sleep(1.5)
    ended = sensor.process.poll()
    tap.check(title + ": goes on, or ends with 1; and says so in one line", ended in (None, 1) and len(told(sensor, said)) == 1,
              ended, sensor.err())
    records = sensor.records()
    if ended is not None:
        tap.check(title + ": its records are whole", records[-1]["action"] == "stop", records[-1])
        sensor.start(wait=False)
        time.sleep(0.5)
    world.link()
    time.sleep(1.5)
    world.wait_for("ready", 10, sensor.ready)
    lines = traffic.seen(sensor)
    tap.check(title + ": captured from when it is there again", not lines, *lines)
    print("# %s: %s" % (title, "went on by itself" if ended is None else "was started again"))
    status, _ = sensor.stop()
    tap.check(title + ": ends with 0", status == 0, status, sensor.err())
    world.command("ip", "link", "del", "span0")


def one_of_two(smbtap, build, traffic):
    """With one interface up the other is waited for."""
    world.link(0)
    sensor = world.Sensor(smbtap, "one-of-two", "--workers", "2", interfaces=("span0", "span1"))
    said = told(sensor, 0, "span1")
    tap.check("one of two: starts, and says what is missing", len(said) == 1, sensor.err())
    lines = traffic.seen(sensor)
    tap.check("one of two: the one is captured from", not lines, *lines)
    world.link(1)
    time.sleep(0.5)
    lines = traffic.seen(sensor, 1)
    tap.check("one of two: the other as well, when it is there", not lines, *lines)
    records = [record for record in sensor.records() if record["object"] == "flow"]
    names = {record["capture"]["interface"] for record in records}
    tap.check("one of two: each record names its interface", names == {"span0", "span1"}, names)
    status, _ = sensor.stop()
    tap.check("one of two: ends with 0", status == 0, status, sensor.err())
    for number in (0, 1):
        world.command("ip", "link", "del", "span%d" % number)


def tap_of_two(smbtap, build):
    """A tap has the two directions of a link on two interfaces."""
    spans = [world.link(number) for number in (0, 1)]
    packets = [packet for name in ("dialect-3.1.1", "two-clients", "renames", "smb1-io") for packet in
               pcapfile.read(os.path.join(tap.PCAPS, name + ".pcap"))]
    beside = [world.Tcpdump(span, world.path(span + ".pcap")) for span in spans]
    sensors = [world.Sensor(smbtap, "tap-%d" % count, "--workers", str(count), "--detail", "operations", "--buffer", "64M",
                            interfaces=spans) for count in (1, 2)]
    out = [socket_of("tx%d" % number) for number in (0, 1)]
    for packet in packets:
        out[packet.data[11] == 0x10].send(packet.data)
        time.sleep(0.0002)
    both = sorted((packet for one in beside for packet in pcapfile.read(one.stop())), key=lambda packet: packet.time_ns)
    merged = world.path("merged.pcap")
    with open(merged, "wb") as file:
        file.write(pcapfile.pcap(both))
    time.sleep(0.5)
    wanted = comparing.plain(watch.replay(smbtap, merged, arguments=("--detail", "operations")))
    for sensor in sensors:
        status, _ = sensor.stop()
        records = watch.whole(sensor, sensor.name)
        lines = comparing.difference(wanted, comparing.plain(records))
        tap.check("%s: the records of a replay of both directions in one" % sensor.name, status == 0 and not lines, status, *lines)
    for span in spans:
        world.command("ip", "link", "del", span)


def socket_of(interface):
    """A socket that sends frames there, in the watched network."""
    parts = socket.socketpair(socket.AF_UNIX)
    pid = os.fork()
    if pid == 0:
        with open("/run/netns/wire", "rb") as wire:
            import ctypes
            if ctypes.CDLL(None, use_errno=True).setns(wire.fileno(), 0) == 0:
                made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                made.bind((interface, 0))
                socket.send_fds(parts[1], [b"."], [made.fileno()])
        os._exit(0)
    _, descriptors, _, _ = socket.recv_fds(parts[0], 1, 1)
    os.waitpid(pid, 0)
    if not descriptors:
        raise world.Failed("%s: no socket" % interface)
    return socket.socket(fileno=descriptors[0])


def any_interface(smbtap, build, traffic):
    """All interfaces there are, also one that comes later."""
    world.link(0)
    for workers in (1, 2):
        sensor = world.Sensor(smbtap, "any-%d" % workers, "--workers", str(workers), interfaces=("any",))
        lines = traffic.seen(sensor, leave={"src_mac", "dest_mac"})  # cooked frames have but the sender's
        tap.check("any, %d: an interface that is there" % workers, not lines, *lines)
        status, _ = sensor.stop()
        tap.check("any, %d: ends with 0" % workers, status == 0, status, sensor.err())
    world.command("ip", "link", "del", "span0")


def one_less(smbtap, build):
    """An interface that goes takes its figures with it: what `any` lost before is not lost a second time."""
    names = [world.link(number) for number in range(2)]
    useless = world.path("useless.pcap")  # of a type for local experiments, which nobody takes
    frames = [pcapfile.Packet(0, b"\xff" * 6 + b"\2\0\0\0\0\1\x88\xb5" + bytes(60), 74, pcapfile.ETHERNET)] * 100
    with open(useless, "wb") as file:
        file.write(pcapfile.pcap(frames))
    for number in range(2):
        world.send(build, useless, interface="tx%d" % number)
    before = json.loads(world.command("ip", "-j", "-s", "link", "show", names[1]))[0]["stats64"]["rx"]["dropped"]
    sensor = world.Sensor(smbtap, "one-less", "--workers", "1", interfaces=("any",))
    world.command("ip", "link", "del", names[1])
    time.sleep(1.5)
    told = sensor.stats()["packets_dropped_interface"]
    tap.check("any, one less: nothing is dropped by that", before >= 100 and told == 0, before, told)
    sensor.stop()
    world.command("ip", "link", "del", names[0])


def refused(smbtap, name, words, remedy, prefix=(), status=1):
    """It does not start: one line with the remedy."""
    run = subprocess.run(list(prefix) + [os.path.abspath(smbtap)] + words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, timeout=20)
    print("# " + run.stderr.strip().replace("\n", "\n# "))
    tap.check("refused: " + name, run.returncode == status and run.stderr.count("\n") == 1 and re.search(remedy, run.stderr) and
              not run.stdout, run.returncode, run.stderr, run.stdout)


def no_start(smbtap, build):
    world.link(0)
    out = ["-o", "/dev/null"]
    one = ["-i", "span0"] + out
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    refused(smbtap, "an interface that is not there", ["-i", "nosuch0"] + out, "nosuch0.*ip link")
    refused(smbtap, "an interface that is not there beside one that is", ["-i", "nosuch0"] + one, "nosuch0.*ip link")
    refused(smbtap, "no right to capture", one, "cap_net_raw", nobody)
    refused(smbtap, "more workers than the machine can have", one + ["--workers", "256"], r"give \d+ or fewer")
    refused(smbtap, "a buffer beyond the machine", one + ["--buffer", "4096G"], "buffer")
    refused(smbtap, "a user that is not there", one + ["--user", "nosuchuser"], "nosuchuser")
    refused(smbtap, "a filter that does not compile", one + ["tcp", "portt", "445"], "filter", status=1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 9145))
        taken.listen()
        refused(smbtap, "the port of the metrics is in use", one + ["--metrics", "9145"], "9145")
    refused(smbtap, "an output in a folder that is not there", ["-i", "span0", "-o", "/nosuchfolder/records"], "nosuchfolder")
    refused(smbtap, "an output where the user may not write", ["-i", "span0", "-o", "/records.jsonl"], "records.jsonl")
    if subprocess.run(["ip", "link", "add", "tun0", "type", "nlmon"], capture_output=True).returncode == 0:
        world.command("ip", "link", "set", "tun0", "up")
        refused(smbtap, "no Ethernet", ["-i", "tun0"] + out, "tun0")
    else:
        tap.skip("refused: no Ethernet", "this kernel has no interface of another kind")
    world.command("ip", "link", "del", "span0")


def rights(smbtap, traffic):
    """One capability is enough, and none is left of it."""
    world.link(0)
    few = ("setpriv", "--reuid", str(world.UID), "--regid", str(world.UID), "--clear-groups", "--inh-caps", "-all,+net_raw",
           "--ambient-caps", "-all,+net_raw", "--bounding-set", "-all,+net_raw")
    for name, prefix in (("root", ()), ("CAP_NET_RAW alone", few)):
        sensor = world.Sensor(smbtap, "rights-" + name.split()[0], "--metrics", "9145", prefix=prefix)
        wrong = []
        for thread in sensor.threads():
            now = {key: sensor.status(key, thread) for key in ("CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp", "Uid")}
            if (any(int(now[key], 16) for key in ("CapInh", "CapPrm", "CapEff", "CapAmb")) or now["NoNewPrivs"] != "1" or
                    now["Seccomp"] != "2" or set(now["Uid"].split()) != {str(world.UID)}):
                wrong.append(now)
        tap.check("started with the rights of %s: no thread has any" % name, len(sensor.threads()) >= 3 and not wrong, *wrong)
        lines = traffic.seen(sensor)
        tap.check("started with the rights of %s: captures" % name, not lines, *lines)
        status, _ = sensor.stop()
        tap.check("started with the rights of %s: ends with 0" % name, status == 0, status, sensor.err())
    world.command("ip", "link", "del", "span0")


def test():
    smbtap, build = sys.argv[1:3]
    traffic = Traffic(smbtap, build)
    no_start(smbtap, build)
    rights(smbtap, traffic)
    absent(smbtap, build, traffic, "absent")
    absent(smbtap, build, traffic, "down")
    waiting_ends(smbtap)
    for workers in (1, 2):
        down_and_up(smbtap, build, traffic, workers)
        removed(smbtap, build, traffic, workers)
    one_of_two(smbtap, build, traffic)
    tap_of_two(smbtap, build)
    any_interface(smbtap, build, traffic)
    one_less(smbtap, build)


world.enter()
world.main(test)

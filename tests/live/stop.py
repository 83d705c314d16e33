#!/usr/bin/env python3
"""What is under way when a sensor is told to stop: records that wait for an output which is late, gaps that are told late, packets that
were not read in time, an output's process that dies then. All of it arrives, or is told by a gap, or by a line and the exit status. They
wait more than they work, so most go side by side, each on a link of its own.

usage: stop.py SMBTAP BUILD
"""
import concurrent.futures
import fcntl
import json
import os
import re
import signal
import struct
import sys
import termios
import time

import world
import tap  # noqa: E402
import watch  # noqa: E402

LATE = 150000       # packets, of which more records are made than wait for an output
LATE_S = 60          # so long it may take until all is decoded, and some of them found no room
HANG_S = 7.5         # PATIENCE, and what outputs and those that hang may take behind it: src/sensor.c, src/outputs.c
PORT = 9150          # of metrics, and those behind it
FLOOD = 250000       # more packets than a worker reads before somebody stops it
AT_ONCE = 3
SOME = 26 << 20      # bytes, of 64 MiB: less than half of what waits
FULL = 32 << 10        # bytes of a pipe, of 64 KiB
PATIENCE = 3         # seconds that a worker may take for what is left


def state(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0]


def account(data):
    """(numbers that no gap tells of, the last number, gaps) of what arrived."""
    there, gaps = set(), []
    for line in data.split(b"\n"):
        if line:
            record = json.loads(line)
            there.add(record["seq"])
            if record["action"] == "gap":
                gaps.append(record["proto_info"])
    told = {seq for gap in gaps for seq in range(gap["from_seq"], gap["to_seq"] + 1)}
    last = max(there | told)
    return sorted(set(range(1, last + 1)) - there - told), last, gaps


def late(smbtap, build, capture, link, name):
    """A sensor one of whose outputs found no room for some records; it is waited for in vain, for less long beside another."""
    pipe = world.Pipe(name + "-pipe")
    sensor = world.Sensor(smbtap, name, "--workers", "1", "--detail", "operations", "--metrics", str(PORT + link), "-o",
                          "file:%s?objects=sensor" % os.path.join(world.folder(name + "-other"), "records"), output=pipe.path,
                          interfaces=("span%d" % link,))
    sent = world.send(build, capture, interface="tx%d" % link)["packets"]
    world.wait_for("all is decoded", LATE_S, lambda: watch.metric(PORT + link, "smbtap_packets_total") == sent)
    world.wait_for("records found no room", LATE_S, lambda: watch.metric(PORT + link, "smbtap_output_dropped_records_total") > 0)
    return sensor, pipe


def some_room(sensor, pipe):
    """The last records have some, and the gap waits for more."""
    pipe.some(SOME)
    sensor.tell(signal.SIGUSR1)
    time.sleep(0.7)


def no_room(sensor, _pipe):
    """Records come one by one, until there is none for a single one, and none for that of the stop."""
    for _ in range(120):
        sensor.tell(signal.SIGUSR1)
        time.sleep(0.005)


def told_late(smbtap, build, capture, link, prepare=some_room, seconds=0.7):
    """What is late is read while the sensor stops."""
    sensor, pipe = late(smbtap, build, capture, link, "late-%d" % link)
    prepare(sensor, pipe)
    sensor.tell(signal.SIGTERM)
    time.sleep(seconds)
    pipe.all(sensor.process)
    status, _ = sensor.ended()
    untold, last, gaps = account(pipe.data)
    name = "an output that is late at the stop, with %s, and %.1f s behind it" % (prepare.__name__.replace("_", " "), seconds)
    tap.check(name + ": what it lost is told by a gap", status == 0 and not untold and gaps, status, len(untold), last, gaps, sensor.err())
    if prepare == some_room:
        tap.check(name + ": the last record is there", b'"action":"stop"' in pipe.data, last, gaps, sensor.err())


def told_later(smbtap, build, capture, link):
    """It is read only when nobody waits for it any more."""
    told_late(smbtap, build, capture, link, seconds=1.9)


def told_late_without_room(smbtap, build, capture, link):
    told_late(smbtap, build, capture, link, no_room)


def standard_output_late(smbtap, build, capture, link):
    """It is read only after the last record, and what it had no room for is told all the same."""
    end, written = os.pipe()
    sensor = world.Sensor(smbtap, "standard", "--workers", "1", "--detail", "operations", "--metrics", str(PORT + link), "-o",
                          "file:%s?objects=sensor" % os.path.join(world.folder("standard-other"), "records"),
                          interfaces=("span%d" % link,), output="-", standard_output=written)
    os.close(written)
    world.send(build, capture, interface="tx%d" % link)
    world.wait_for("records found no room", LATE_S, lambda: watch.metric(PORT + link, "smbtap_output_dropped_records_total") > 0)
    sensor.tell(signal.SIGTERM)
    time.sleep(0.4)
    with open(end, "rb") as reader:
        data = reader.read()
    status, _ = sensor.ended()
    untold, last, gaps = account(data)
    tap.check("standard output that is late at the stop: what it lost is told by a gap", status == 0 and not untold and gaps, status,
              len(untold), last, gaps, sensor.err())


def told_too_late(smbtap, build, capture, link):
    """The one that has a gap to tell does not come to it before the output has all that was handed to it."""
    sensor, pipe = late(smbtap, build, capture, link, "too-late")
    some_room(sensor, pipe)
    delivering = watch.keepers(sensor)[0]
    sensor.tell(signal.SIGTERM)
    time.sleep(0.8)
    sensor.tell(signal.SIGSTOP)
    try:
        until = time.monotonic() + 2
        while state(delivering) != "Z" and time.monotonic() < until:
            pipe.some(1 << 30)
            time.sleep(0.01)
    finally:
        sensor.tell(signal.SIGCONT)
    pipe.all(sensor.process)
    status, _ = sensor.ended()
    untold, last, gaps = account(pipe.data)
    said = re.search(r"(\d+) records were lost of which no record tells", sensor.err())
    tap.check("an output that ended before a gap was told: by that gap, or a line and the status", (not untold and status == 0) or
              (status == 1 and said and int(said.group(1)) == len(untold)), status, len(untold), last, gaps, sensor.err())


def killed(smbtap, build, capture, link):
    """What delivers is killed while it is told to stop, and another goes on in its place."""
    sensor = world.Sensor(smbtap, "killed", "--workers", "1", "--detail", "operations", interfaces=("span%d" % link,))
    delivering = watch.deliverers(sensor)[0]
    os.kill(delivering, signal.SIGSTOP)
    requests = world.send(build, capture, interface="tx%d" % link)["packets"] // 4
    time.sleep(0.5)
    sensor.tell(signal.SIGTERM)
    time.sleep(0.7)
    os.kill(delivering, signal.SIGKILL)
    status, _ = sensor.ended()
    with open(sensor.output, "rb") as file:
        untold, last, gaps = account(file.read())
    tap.check("killed while it is told to stop: another writes what waited", status == 0 and not untold and last > requests,
              status, len(untold), last, gaps, sensor.err())


def hangs(smbtap, build, capture, link):
    """Outputs whose processes hang, and which are late one after the other, do not hold up the end."""
    other = os.path.join(world.folder("hangs-other"), "records")
    sensor = world.Sensor(smbtap, "hangs", "--workers", "1", "--detail", "operations", "-o", "file:%s?operations=create,close" % other,
                          interfaces=("span%d" % link,))
    hanging = watch.deliverers(sensor)
    for process in hanging:
        os.kill(process, signal.SIGSTOP)
    world.send(build, capture, interface="tx%d" % link)
    sensor.tell(signal.SIGTERM)
    status, seconds = sensor.ended(20)
    for process in hanging:
        os.kill(process, signal.SIGKILL)
    tap.check("outputs that hang do not hold up the end, and no worker is said to", status == 1 and seconds < HANG_S and
              sensor.err().count("does not come to its end") == len(hanging) and "a worker" not in sensor.err(), status, seconds, sensor.err())


def waiting(pipe):
    """Bytes that nobody read yet."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def reader_leaves(smbtap, build, _capture, link):
    """Standard output has a reader that did not read, and leaves when the sensor is told to stop: a little before, or behind it."""
    capture = world.path("some.pcap")
    world.command(os.path.join(build, "make_load"), "metadata", capture, "10000")
    for leaves_first in (False, True):
        end, written = os.pipe()
        sensor = world.Sensor(smbtap, "reader%d" % leaves_first, "--workers", "1", "--detail", "operations",
                              interfaces=("span%d" % link,), output="-", standard_output=written)
        os.close(written)
        world.send(build, capture, interface="tx%d" % link)
        world.wait_for("a full pipe", 20, lambda pipe=end: waiting(pipe) > FULL)
        if leaves_first:
            os.close(end)
            time.sleep(0.1)  # the sensor has begun to end by then
        sensor.tell(signal.SIGTERM)
        if not leaves_first:
            os.close(end)
        status, _ = sensor.ended()
        tap.check("a reader that leaves %s the stop: it is no success" % ("before" if leaves_first else "at"),
                  status == 1 and "the reader went away" in sensor.err(), status, sensor.err())


def unread(smbtap, build, _capture, link):
    """A worker has no time to read what the kernel kept for it."""
    capture = world.path("flood.pcap")
    world.command(os.path.join(build, "make_load"), "metadata", capture, str(FLOOD))
    sensor = world.Sensor(smbtap, "unread", "--workers", "1", interfaces=("span%d" % link,))
    sensor.tell(signal.SIGSTOP)
    sent = world.send(build, capture, interface="tx%d" % link)["packets"]
    sensor.tell(signal.SIGTERM)
    sensor.tell(signal.SIGCONT)
    while b"STOPPING=1" not in sensor.notes and sensor.process.poll() is None:
        time.sleep(0.001)
    sensor.tell(signal.SIGSTOP)
    time.sleep(PATIENCE + 0.2)
    sensor.tell(signal.SIGCONT)
    status, _ = sensor.ended()
    stop = sensor.sensor("stop")[0]["proto_info"]
    left = sent - stop["packets_decoded"] - stop["packets_dropped_kernel"]
    said = re.search(r"(\d+) packets", sensor.err())
    tap.check("packets that were not read in time are told, and it is no success", left > 0 and status == 1 and said and
              int(said.group(1)) == left, left, status, sensor.err(), stop)


def test():
    smbtap, build = sys.argv[1:3]
    capture = world.path("metadata.pcap")
    world.command(os.path.join(build, "make_load"), "metadata", capture, str(LATE))
    parts = (told_late, told_late_without_room, standard_output_late, told_too_late, killed, hangs, reader_leaves)
    alone = (unread, told_later)  # they have to be quick
    for link in range(len(parts) + len(alone)):
        world.link(link)
    for link, part in enumerate(alone):
        part(smbtap, build, capture, len(parts) + link)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for part in [pool.submit(part, smbtap, build, capture, link) for link, part in enumerate(parts)]:
            part.result()


world.enter()
world.main(test)

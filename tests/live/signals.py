#!/usr/bin/env python3
"""What an operator does to a running sensor, under load: HUP, USR1, TERM, TERM twice, KILL, a configuration broken and mended, a
full disk, an output that nobody reads. Nothing that was decoded is lost, or it is said.

usage: signals.py SMBTAP BUILD
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

import world
import comparing  # noqa: E402
import pcapfile  # noqa: E402
import tap  # noqa: E402
import watch  # noqa: E402

PORT = 9145             # of metrics
MESSAGES, RATE = 8000, 6000


class Load:
    """A sender of the capture, at work while the test goes on."""

    def __init__(self, build, capture, rate=RATE):
        self.process = subprocess.Popen(world.wire(os.path.join(build, "live_send"), "-r", str(rate), "tx0", capture),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def running(self):
        return self.process.poll() is None

    def done(self):
        said, _ = self.process.communicate(timeout=60)
        if self.process.returncode:
            raise world.Failed("send: " + said.decode())
        return json.loads(said)

    def stop(self):
        self.process.kill()
        self.process.wait()


def read(path):
    with open(path, "rb") as file:
        return file.read().split(b"\n")


def parsed(lines):
    """Records, and how many lines are none."""
    records, broken = [], 0
    for line in lines:
        try:
            records.append(json.loads(line))
        except ValueError:
            broken += line != b""
    return records, broken


def flows(records):
    return comparing.plain([record for record in records if record["object"] == "flow"], times=False)


def hang_up(smbtap, build, capture, workers):
    """The output is moved away, and HUP sent, again and again."""
    title = "HUP under load, %d %s" % (workers, "worker" if workers == 1 else "workers")
    sensor = world.Sensor(smbtap, "hup-%d" % workers, "--workers", str(workers))
    load, moved = Load(build, capture), []
    while load.running():
        time.sleep(0.2)
        world.wait_for("records, or the end of the load", 10, lambda: os.path.getsize(sensor.output) > 0 or not load.running())
        if os.path.getsize(sensor.output) == 0:
            break
        away = sensor.output + ".%d" % len(moved)
        os.rename(sensor.output, away)
        moved.append(away)
        sensor.tell(signal.SIGHUP)
        world.wait_for("a new output", 5, lambda: os.path.exists(sensor.output))
    load.done()
    stats = watch.settled(sensor)
    status, seconds = sensor.stop(seconds=10)
    tap.check(title + ": ends with 0 within 5 s", status == 0 and seconds < 5, status, seconds, sensor.err())
    files = moved + [sensor.output]
    everything = [parsed(read(name)) for name in files]
    tap.check(title + ": no line is broken", not any(broken for _, broken in everything), [broken for _, broken in everything])
    tap.check(title + ": each file has its part", len(moved) > 3 and all(len(records) > 0 for records, _ in everything),
              [len(records) for records, _ in everything])
    records = [record for part, _ in everything for record in part]
    tap.check(title + ": one number follows the other over all files", [record["seq"] for record in records] ==
              list(range(1, len(records) + 1)), [records[k]["seq"] for k in range(1, len(records))
                                               if records[k]["seq"] != records[k - 1]["seq"] + 1][:10])
    lines = comparing.difference(flows(watch.replay(smbtap, capture)), flows(records))
    tap.check(title + ": the records of the capture", not lines and stats["packets_dropped_kernel"] == 0, *lines)


def terminate(smbtap, build, capture, workers, number=signal.SIGTERM):
    """Whatever was received up to TERM is decoded and told."""
    title = "%s under load, %d %s" % (number.name, workers, "worker" if workers == 1 else "workers")
    sensor = world.Sensor(smbtap, "%s-%d" % (number.name, workers), "--workers", str(workers))
    load = Load(build, capture, rate=RATE // 3)  # so that it is not over before the end
    time.sleep(0.7)
    status, seconds = sensor.stop(number, seconds=10)
    running = load.running()
    load.stop()
    tap.check(title + ": ends with 0 within 5 s", running and status == 0 and seconds < 5, running, status, seconds, sensor.err())
    records = watch.whole(sensor, title)
    stop = records[-1]["proto_info"]
    tap.check(title + ": nothing is dropped", stop["packets_dropped_kernel"] == 0 == stop["records_dropped"], stop)
    packets = pcapfile.read(capture)
    seen = stop["packets_decoded"]
    first = world.path("first.pcap")
    with open(first, "wb") as file:
        file.write(pcapfile.pcap(packets[:seen]))
    lines = comparing.difference(flows(watch.replay(smbtap, first)), flows(records))
    tap.check(title + ": the records of the first packets, as many as it decoded", 0 < seen < len(packets) and not lines, seen, *lines)


def kill(smbtap, build, capture):
    """The next run goes on behind what the one that was killed left."""
    sensor = world.Sensor(smbtap, "kill", "--workers", "1")
    load = Load(build, capture)
    time.sleep(0.8)
    sensor.kill()
    left = os.path.getsize(sensor.output)
    load.stop()
    with open(sensor.output, "ab") as file:
        file.write(b'{"schema_version":"1.0","record_id":"a line that was not fini')  # as a write that was cut
    sensor.start()
    world.send(build, os.path.join(tap.PCAPS, "dialect-3.1.1.pcap"), rate=2000)
    time.sleep(1)
    status, _ = sensor.stop(seconds=10)
    with open(sensor.output, "rb") as file:
        whole = file.read()
    _, broken_before = parsed(whole[:left].split(b"\n"))
    after, broken = parsed(whole[left:].split(b"\n"))
    tap.check("KILL: what was written before stays, but for the last line", left > 0 and broken_before <= 1, left, broken_before)
    tap.check("KILL: the next run spoils no record", status == 0 and broken == 1 and after and
              [record["seq"] for record in after] == list(range(1, len(after) + 1)), status, broken, after[:1])
    tap.check("KILL: the next run is another one", len({record["record_id"].split("-")[0] for record in after}) == 1 and
              not {record["record_id"] for record in after} & {record["record_id"] for record in parsed(whole[:left].split(b"\n"))[0]})


def configure(smbtap, build):
    """Home networks are what can change while it runs."""
    name = world.path("smbtap.yaml")

    def write(text):
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)

    write("home_net: [10.0.0.0/8]\n")
    sensor = world.Sensor(smbtap, "configured", "--workers", "2", "-c", name)
    captures = [os.path.join(tap.PCAPS, "dialect-%s.pcap" % name) for name in ("3.1.1", "3.0.2", "3.0", "2.1")]

    def directions():
        before = len(sensor.lines())
        world.send(build, captures.pop(), rate=2000)
        time.sleep(0.4)
        return {json.loads(line).get("network_direction") for line in sensor.lines()[before:]
                if b'"object":"flow"' in line}

    tap.check("configuration: as it was at the start", directions() == {"external"})
    write("home_net: [192.0.2.0/33]\n")
    said = len(sensor.err())
    sensor.tell(signal.SIGHUP)
    time.sleep(0.4)
    error = sensor.err()[said:]
    print("# " + error.strip())
    tap.check("configuration: a broken one is refused in one line with its place", error.count("\n") == 1 and "smbtap.yaml:1" in error,
              error)
    tap.check("configuration: and the old one goes on", sensor.process.poll() is None and directions() == {"external"})
    write("home_net: [192.0.2.0/24]\n")
    sensor.tell(signal.SIGHUP)
    time.sleep(0.4)
    got = directions()
    tap.check("configuration: mended, it holds", got == {"internal"}, got)
    os.unlink(name)
    said = len(sensor.err())
    sensor.tell(signal.SIGHUP)
    time.sleep(0.4)
    tap.check("configuration: one that is gone is refused", sensor.err()[said:].count("\n") == 1 and directions() == {"internal"},
              sensor.err()[said:])
    status, _ = sensor.stop()
    tap.check("configuration: ends with 0", status == 0, status, sensor.err())


def full_disk(smbtap, build, capture):
    """No room for records for a while; then there is."""
    disk = world.folder("disk")
    world.command("mount", "-t", "tmpfs", "-o", "size=2m,uid=%d" % world.UID, "tmpfs", disk)
    ballast = os.path.join(disk, "ballast")
    with open(ballast, "wb") as file:
        file.write(bytes(1800 << 10))
    sensor = world.Sensor(smbtap, "full", "--workers", "1", output=os.path.join(disk, "records.jsonl"))
    Load(build, capture).done()
    world.wait_for("the disk is full", 10, lambda: os.statvfs(disk).f_bfree == 0)
    time.sleep(1.5)
    said = [line for line in sensor.err().split("\n") if "records.jsonl" in line]
    tap.check("disk full: told in one line, and the sensor goes on", len(said) == 1 and sensor.process.poll() is None, sensor.err())
    os.unlink(ballast)
    world.command("mount", "-o", "remount,size=256m", disk)
    clean = os.path.join(tap.PCAPS, "dialect-3.1.1.pcap")
    time.sleep(1.5)
    world.send(build, clean, rate=2000)
    time.sleep(1.5)
    status, _ = sensor.stop(seconds=10)
    records, broken = parsed(read(sensor.output))
    tap.check("disk full: ends with 0, and no line is broken", status == 0 and broken == 0, status, broken, sensor.err())
    missing = set(range(1, records[-1]["seq"] + 1)) - {record["seq"] for record in records}
    told = [record["proto_info"] for record in records if record["action"] == "gap"]
    lost = {seq for gap in told for seq in range(gap.get("from_seq", 0), gap.get("to_seq", -1) + 1)}
    tap.check("disk full: what is missing is told in gaps", missing == lost and
              len(missing) == sum(gap["records_lost"] for gap in told), len(missing), told)
    wanted, found = flows(watch.replay(smbtap, clean)), flows(records)
    tap.check("disk full: with room again, records are written again", not wanted - found, *comparing.difference(wanted, found))


def received():
    return watch.metric(PORT, "smbtap_interface_received_packets_total")


def unread(smbtap, build):
    """An output that nobody reads holds nothing up, and another none the more: what finds no room is dropped, counted and told, and TERM still
    ends it."""
    capture = world.path("unread.pcap")  # more than waits for an output
    world.command(os.path.join(build, "make_load"), "metadata", capture, "160000")
    pipe = world.Pipe("pipe")
    sensor = world.Sensor(smbtap, "unread", "--workers", "1", "--detail", "operations", "--memory", "16M", "--metrics", str(PORT), "-o",
                          "file:%s?objects=sensor" % os.path.join(world.folder("others"), "records"), output=pipe.path)
    sent = Load(build, capture, rate=80000).done()["packets"]
    try:
        world.wait_for("all are received", 10, lambda: received() == sent)
    except world.Failed:
        pass
    tap.check("unread output: every packet is taken all the same", received() == sent, received(), sent)
    status, seconds = sensor.stop(seconds=10)
    tap.check("unread output: TERM ends it within 5 s, and it is no success", seconds < 5 and status == 1, status, seconds, sensor.err())
    found_no_room = re.search(r"(\d+) records were lost of which no record tells: an output had no room", sensor.err())
    unwritten = re.search(r"(\d+) records and those behind them could not be written before the end", sensor.err())
    tap.check("unread output: what is lost is told, since no record can", found_no_room and int(found_no_room.group(1)) > 0 and
              unwritten and int(unwritten.group(1)) > 0, sensor.err())


def twice(smbtap, build, capture):
    """The first TERM waits for an output that takes nothing; the second one ends it at once."""
    pipe = world.Pipe("twice-pipe")
    sensor = world.Sensor(smbtap, "twice", "--workers", "1", "--detail", "operations", "--memory", "16M", output=pipe.path)
    Load(build, capture, rate=40000).done()
    time.sleep(0.5)
    sensor.tell(signal.SIGTERM)
    time.sleep(0.3)
    alive = sensor.process.poll() is None
    status, seconds = sensor.stop(seconds=10)
    tap.check("TERM twice: the second one ends it at once", alive and status == -signal.SIGTERM and seconds < 0.5, alive, status, seconds)


def deaf(smbtap, build, capture):
    """A service manager that is busy, and does not listen, holds nothing up."""
    sensor = world.Sensor(smbtap, "deaf", "--workers", "1", deaf=True)
    for _ in range(8):  # so many more words as wait for who does not listen
        sensor.tell(signal.SIGHUP)
        time.sleep(0.05)
    load, waits = Load(build, capture), []
    known = time.monotonic()
    size = os.path.getsize(sensor.output)
    while load.running():
        if os.path.getsize(sensor.output) != size:
            size, known = os.path.getsize(sensor.output), time.monotonic()
        waits.append(time.monotonic() - known)
        time.sleep(0.01)
    load.done()
    tap.check("a service manager that does not listen: lines are written all the while", max(waits[50:]) < 0.5, max(waits))
    status, seconds = sensor.stop(seconds=10)
    tap.check("a service manager that does not listen: ends with 0 within 5 s", status == 0 and seconds < 5, status, seconds, sensor.err())


def figures(smbtap, build):
    sensor = world.Sensor(smbtap, "usr1", "--workers", "2")
    wanted, told = [], []
    for name in ("dialect-3.1.1", "dialect-3.0.2", "dialect-3.0"):
        capture = os.path.join(tap.PCAPS, name + ".pcap")
        wanted.append((wanted[-1] if wanted else 0) + len(pcapfile.read(capture)))
        world.send(build, capture, rate=2000)
        time.sleep(0.25)  # more than the kernel keeps them
        told.append(sensor.stats()["packets_decoded"])
    tap.check("USR1: the figures of now", told == wanted, told, wanted)
    sensor.stop()


def test():
    smbtap, build = sys.argv[1:3]
    world.link()
    capture = world.path("metadata.pcap")
    world.command(os.path.join(build, "make_load"), "metadata", capture, str(MESSAGES))
    figures(smbtap, build)
    for workers in (1, 2):
        hang_up(smbtap, build, capture, workers)
        terminate(smbtap, build, capture, workers)
    terminate(smbtap, build, capture, 1, signal.SIGINT)
    kill(smbtap, build, capture)
    configure(smbtap, build)
    full_disk(smbtap, build, capture)
    unread(smbtap, build)
    twice(smbtap, build, capture)
    deaf(smbtap, build, capture)


world.enter()
world.main(test)

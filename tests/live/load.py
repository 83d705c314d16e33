#!/usr/bin/env python3
"""The sensor under load: tcpreplay sends as fast as it can, with one core for each of the two. Nothing may be lost, and what is
said of loss when there is too much must be the truth.

usage: load.py SMBTAP BUILD [--long]

The rate that the sender reached is told. With --long the captures are larger than any buffer, so that the sensor must keep up: the
highest rate at which it loses nothing is looked for.
"""
import os
import subprocess
import sys
import time

import world
import comparing  # noqa: E402
import tap  # noqa: E402
import watch  # noqa: E402

SHORT = {"bulk": 64 << 20, "metadata": 30000}
LONG = {"bulk": 2 << 30, "metadata": 1500000}
RATE_STEPS = 8


def note(text):
    print("# " + text)


def topspeed(smbtap, build, kind, capture, cores):
    """Once as fast as it goes: the sensor with its defaults."""
    sensor = world.Sensor(smbtap, "topspeed-" + kind, "--workers", "1", prefix=("taskset", "-c", str(cores[0])))
    sent, pps, mbps = world.tcpreplay(capture, cores[-1], "--topspeed")
    stats = watch.settled(sensor, 60)
    status, seconds = sensor.stop(seconds=10)
    note("%s: %d packets at %.0f a second, %.0f Mbit/s; %d dropped" % (kind, sent, pps, mbps, stats["packets_dropped_kernel"]))
    tap.check("%s at top speed: every packet came, and none was dropped" % kind, stats["packets_received"] == sent and
              stats["packets_decoded"] == sent and stats["packets_dropped_kernel"] == 0 == stats["packets_dropped_interface"],
              sent, stats)
    tap.check("%s at top speed: ends with 0 within 5 s" % kind, status == 0 and seconds < 5, status, seconds, sensor.err())
    records = watch.whole(sensor, "%s at top speed" % kind)
    lines = comparing.difference(comparing.plain(watch.replay(smbtap, capture), times=False), comparing.plain(records, times=False))
    tap.check("%s at top speed: the records of the capture" % kind, not lines, *lines)


def overload(smbtap, build, capture, workers):
    """The sensor stands still while more comes than its buffer holds; then it goes on."""
    title = "overload, %d %s" % (workers, "worker" if workers == 1 else "workers")
    sensor = world.Sensor(smbtap, "overload-%d" % workers, "--workers", str(workers), "--buffer", "4M", "--stats-interval", "1s")
    sensor.tell(world.signal.SIGSTOP)
    sent, _, _ = world.tcpreplay(capture, 0, "--topspeed")
    sensor.tell(world.signal.SIGCONT)
    stats = watch.settled(sensor)
    dropped = stats["packets_dropped_kernel"]
    note("%s: %d sent, %d dropped" % (title, sent, dropped))
    tap.check(title + ": what was dropped is what was sent and not seen",
              dropped > 0 and stats["packets_received"] == sent and stats["packets_decoded"] == sent - dropped, sent, stats)
    clean = os.path.join(tap.PCAPS, "dialect-3.1.1.pcap")
    before = len(sensor.records())
    world.send(build, clean, rate=2000)
    watch.settled(sensor)
    time.sleep(1.5)  # the next figures
    status, seconds = sensor.stop(seconds=10)
    tap.check(title + ": ends with 0 within 5 s", status == 0 and seconds < 5, status, seconds, sensor.err())
    watch.whole(sensor, title)
    wanted = comparing.plain([one for one in watch.replay(smbtap, clean) if one["object"] == "flow"], times=False)
    found = comparing.plain(sensor.records()[before:], times=False)
    tap.check(title + ": then the sensor sees everything again", not wanted - found, *comparing.difference(wanted, found))
    loss = [record for record in sensor.records() if record["object"] == "finding" and "loss" in record["rule_id"]]
    tap.check(title + ": the loss is a finding", len(loss) == 1, [record["rule_id"] for record in sensor.records()
                                                                 if record["object"] == "finding"])


def one_tunnel(smbtap, build, capture, workers):
    """A switch that mirrors through one tunnel: the kernel gives everything to one worker, which hands on what is the others'."""
    title = "one tunnel, %d workers" % workers
    sensor = world.Sensor(smbtap, "tunnel-%d" % workers, "--workers", str(workers))
    told = world.send(build, capture, "erspan:4")
    stats = watch.settled(sensor)
    note("%s: %d packets at %.0f a second; %d handed on" % (title, told["frames"], told["frames"] / told["seconds"],
                                                        stats["segments_dispatched"]))
    tap.check(title + ": every packet came, and every segment to its worker", stats["packets_decoded"] == told["frames"] and
              stats["segments_dispatch_dropped"] == 0 and stats["segments_dispatched"] > 0, told, stats)
    status, seconds = sensor.stop(seconds=10)
    tap.check(title + ": ends with 0 within 5 s", status == 0 and seconds < 5, status, seconds, sensor.err())
    leave = {"capture", "src_mac", "dest_mac"}
    lines = comparing.difference(comparing.plain(watch.replay(smbtap, capture), times=False, leave=leave),
                                 comparing.plain(watch.whole(sensor, title), times=False, leave=leave))
    tap.check(title + ": the records of the capture", not lines, *lines)


def lossless(smbtap, build, kind, capture, cores):
    """Looks for the highest rate without loss, in Mbit/s, by halving."""
    low, high, best = 0.0, None, None
    for step in range(RATE_STEPS):
        rate = None if high is None else (low + high) / 2
        sensor = world.Sensor(smbtap, "rate-%s-%d" % (kind, step), "--workers", "1", "--quiet", prefix=("taskset", "-c", str(cores[0])))
        sent, pps, mbps = world.tcpreplay(capture, cores[-1], *(("--topspeed",) if rate is None else ("--mbps=%.1f" % rate,)))
        stats = watch.settled(sensor, 120)
        sensor.stop(seconds=10)
        os.unlink(sensor.output)
        dropped = stats["packets_dropped_kernel"]
        note("%s: %d packets at %.0f a second, %.0f Mbit/s: %d dropped" % (kind, sent, pps, mbps, dropped))
        tap.check("%s at %.0f Mbit/s: none is lost unsaid" % (kind, mbps), stats["packets_received"] == sent and
                  stats["packets_decoded"] == sent - dropped, sent, stats)
        if dropped == 0:
            low, best = mbps, (pps, mbps)
            if rate is None:
                break
        else:
            high = mbps
    tap.check("%s: without loss at some rate" % kind, best)
    note("%s: without loss up to %.0f packets a second, %.0f Mbit/s" % ((kind,) + (best or (0, 0))))


def test():
    smbtap, build = sys.argv[1:3]
    long = "--long" in sys.argv
    world.link()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        tap.skip("top speed", "there is one core alone")
    for kind, size in (LONG if long else SHORT).items():
        capture, facts = world.made(build, kind, size)
        if len(cores) >= 2:
            (lossless if long else topspeed)(smbtap, build, kind, capture, cores)
        if kind == "metadata":
            for workers in (1, 2):
                overload(smbtap, build, capture, workers)
            one_tunnel(smbtap, build, capture, 2)
        os.unlink(capture)


world.enter("tcpreplay", "taskset")
world.main(test)

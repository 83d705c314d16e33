#!/usr/bin/env python3
"""An output that stands still for a while, under load: for as long as a moment takes frames wait in the kernel's ring, and nothing is lost. One
that stands still for good holds up no other.

usage: stalls.py SMBTAP BUILD
"""
import os
import signal
import sys
import time

import world
import tap  # noqa: E402
import watch  # noqa: E402

PACKETS = 300000   # their records are more than waits between the workers and an output
STALL_S = 1.2
FOR_GOOD_S = 4     # more than an output is waited for: src/outputs.h, OUTPUTS_PATIENCE_NS, OUTPUTS_LATE
BACK_S = 10        # memory is given back in so long
KEPT = 24 << 20    # bytes of memory shared with outputs that a sensor has without a stall, and more


def shared(sensor):
    """Bytes of memory that it shares with its outputs, without the kernel's ring."""
    with open("/proc/%d/status" % sensor.process.pid, encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("RssShmem:"))


def written(sensor):
    """Bytes of its output, which has all by then."""
    size = -1
    while size != os.path.getsize(sensor.output):
        size = os.path.getsize(sensor.output)
        time.sleep(0.3)
    return size


def seen(sensor):
    """Numbers of its records, how many are of requests, and its gaps."""
    numbers, messages, gaps = set(), 0, []
    for record in sensor.records():
        numbers.add(record["seq"])
        messages += record["object"] == "flow" and record["action"] == "message"
        if record["action"] == "gap":
            gaps.append(record["proto_info"])
    return numbers, messages, gaps


def for_a_moment(smbtap, build, capture, facts):
    sensor = world.Sensor(smbtap, "moment", "--workers", "1", "--detail", "operations")
    delivering = watch.deliverers(sensor)[0]
    os.kill(delivering, signal.SIGSTOP)
    begun = time.monotonic()
    world.send(build, capture)
    time.sleep(max(0, begun + STALL_S - time.monotonic()))
    most = shared(sensor)
    os.kill(delivering, signal.SIGCONT)
    stats = watch.settled(sensor, 60)
    tap.check("a moment: no packet is dropped", stats["packets_received"] == facts["packets"] == stats["packets_decoded"], facts, stats)
    try:
        world.wait_for("the memory of the stall is given back", BACK_S, lambda: shared(sensor) < KEPT)
    except world.Failed:
        pass
    tap.check("a moment: the memory that it took is given back", shared(sensor) < KEPT, most, shared(sensor))
    status, _ = sensor.stop(seconds=10)
    numbers, messages, gaps = seen(sensor)
    tap.check("a moment: each request has its record, and none is lost", status == 0 and messages == facts["requests"] and not gaps and
              len(numbers) == max(numbers), status, messages, facts, gaps, sensor.err())
    os.unlink(sensor.output)


def for_good(smbtap, build, capture, facts):
    """Beside another one, to which everything goes on."""
    pipe = os.path.join(world.folder("good-pipe"), "records")
    os.mkfifo(pipe)
    os.chown(pipe, world.UID, world.UID)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    sensor = world.Sensor(smbtap, "good", "--workers", "1", "--detail", "operations", "-o", pipe)
    world.send(build, capture)
    time.sleep(FOR_GOOD_S)
    stats = watch.settled(sensor, 60)
    tap.check("for good: no packet is dropped", stats["packets_received"] == facts["packets"] == stats["packets_decoded"], facts, stats)
    lost = {os.path.basename(one["name"]): one["dropped"] for one in stats["outputs"]}
    size = written(sensor)
    begun = time.monotonic()
    world.send(build, os.path.join(tap.PCAPS, "dialect-3.1.1.pcap"))
    world.wait_for("the other goes on", 5, lambda: os.path.getsize(sensor.output) > size)
    tap.check("for good: then the other does not wait for it", time.monotonic() - begun < 1, time.monotonic() - begun)
    status, _ = sensor.stop(seconds=10)
    os.close(end)
    numbers, messages, _ = seen(sensor)
    tap.check("for good: the other has each record", messages >= facts["requests"] and len(numbers) == max(numbers), messages, facts,
              len(numbers), max(numbers))
    tap.check("for good: what the one lost is counted, and it is no success", status == 1 and sum(lost.values()) > 0, status, lost, stats)


def test():
    smbtap, build = sys.argv[1:3]
    world.link()
    capture, facts = world.made(build, "metadata", PACKETS)
    for_a_moment(smbtap, build, capture, facts)
    for_good(smbtap, build, capture, facts)


world.enter()
world.main(test)

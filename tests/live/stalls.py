#!/usr/bin/env python3
"""An output that stands still for a while under load, or is slow beside another: frames wait in the kernel's ring, and nothing is lost; and
while one stands still figures are of now. One that stands still for good holds up no other, and of what one that is too slow for good does
not get gaps tell meanwhile.

usage: stalls.py SMBTAP BUILD
"""
import os
import signal
import sys
import threading
import time

import world
import tap  # noqa: E402
import watch  # noqa: E402

PACKETS = 160000   # their records are more than waits between the workers and an output
STALL_S = 4        # longer than beside another output
SLOW_S = 4         # the same; and then all at once
SLOW_BYTES = 64 << 10  # in a hundredth of a second
FOR_GOOD_S = 4     # more than an output is waited for beside another: src/patience.h
BACK_S = 10        # memory is given back in so long
MESSAGE = b'"object":"flow","action":"message"'
PORT = 9149
STEADY = 400000    # packets
STEADY_RATE = 50000  # a second: more than twice what is read
STEADY_BYTES = 20 << 20  # that are read in a second
STEADY_MOST_S = 20
FULL = b'"reason":"output_full"'
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


def for_seconds(smbtap, build, capture, facts):
    sensor = world.Sensor(smbtap, "seconds", "--workers", "1", "--detail", "operations", "--metrics", str(PORT))
    delivering = watch.deliverers(sensor)[0]
    os.kill(delivering, signal.SIGSTOP)
    begun = time.monotonic()
    world.send(build, capture)
    time.sleep(max(0, begun + STALL_S - time.monotonic()))
    most = shared(sensor)
    try:
        world.wait_for("figures of what came", 10,
                       lambda: watch.metric(PORT, "smbtap_interface_received_packets_total") == facts["packets"])
    except world.Failed:
        pass
    received = watch.metric(PORT, "smbtap_interface_received_packets_total")
    os.kill(delivering, signal.SIGCONT)
    stats = watch.settled(sensor, 60)
    tap.check("seconds: meanwhile figures tell of what came", received == facts["packets"], received, facts)
    tap.check("seconds: no packet is dropped", stats["packets_received"] == facts["packets"] == stats["packets_decoded"], facts, stats)
    try:
        world.wait_for("the memory of the stall is given back", BACK_S, lambda: shared(sensor) < KEPT)
    except world.Failed:
        pass
    tap.check("seconds: the memory that it took is given back", shared(sensor) < KEPT, most, shared(sensor))
    status, _ = sensor.stop(seconds=10)
    numbers, messages, gaps = seen(sensor)
    tap.check("seconds: each request has its record, and none is lost", status == 0 and messages == facts["requests"] and not gaps and
              len(numbers) == max(numbers), status, messages, facts, gaps, sensor.err())
    os.unlink(sensor.output)


def slowly(smbtap, build, capture, facts):
    """Beside another one."""
    pipe = world.Pipe("slowly-pipe")
    sensor = world.Sensor(smbtap, "slowly", "--workers", "1", "--detail", "operations", "-o", pipe.path)
    world.send(build, capture)
    until = time.monotonic() + SLOW_S
    while time.monotonic() < until:
        pipe.some(SLOW_BYTES)
        time.sleep(0.01)
    slow = len(pipe.data)
    world.wait_for("each request has its record", 60, lambda: pipe.some(1 << 30) or pipe.data.count(MESSAGE) >= facts["requests"])
    stats = watch.settled(sensor, 60)
    sensor.tell(signal.SIGTERM)
    pipe.all(sensor.process)
    status, _ = sensor.ended()
    numbers, others, gaps = seen(sensor)
    messages, lines = pipe.data.count(MESSAGE), pipe.data.count(b"\n")
    tap.check("slowly: it was slow", 0 < slow < len(pipe.data) / 2, slow, len(pipe.data))
    tap.check("slowly: no packet is dropped", stats["packets_received"] == facts["packets"] == stats["packets_decoded"], facts, stats)
    tap.check("slowly: each request has its record, at both outputs", status == 0 and messages == others == facts["requests"] and
              not gaps and len(numbers) == lines, status, messages, others, facts, gaps, len(numbers), lines, sensor.err())
    os.unlink(sensor.output)


def for_good(smbtap, build, capture, facts):
    """Beside another one, to which everything goes on."""
    pipe = world.Pipe("good-pipe")
    sensor = world.Sensor(smbtap, "good", "--workers", "1", "--detail", "operations", "-o", pipe.path)
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
    numbers, messages, _ = seen(sensor)
    tap.check("for good: the other has each record", messages >= facts["requests"] and len(numbers) == max(numbers), messages, facts,
              len(numbers), max(numbers))
    tap.check("for good: what the one lost is counted, and it is no success", status == 1 and sum(lost.values()) > 0, status, lost, stats)


def too_slow(smbtap, build):
    """For good, and gaps are told as it goes on."""
    capture = world.path("steady.pcap")
    world.command(os.path.join(build, "make_load"), "metadata", capture, str(STEADY))
    pipe = world.Pipe("too-slow-pipe")
    sensor = world.Sensor(smbtap, "too-slow", "--workers", "1", "--detail", "operations", "--buffer", "4M", output=pipe.path)
    load = threading.Thread(target=world.send, args=(build, capture), kwargs={"rate": STEADY_RATE})
    begun = time.monotonic()
    load.start()
    while load.is_alive() or (FULL not in pipe.data and time.monotonic() < begun + STEADY_MOST_S):
        pipe.some(max(0, int(STEADY_BYTES * (time.monotonic() - begun)) - len(pipe.data)))
        time.sleep(0.02)
    load.join()
    early = bytes(pipe.data[:pipe.data.rfind(b"\n")])
    sensor.tell(signal.SIGTERM)
    pipe.all(sensor.process)
    status, _ = sensor.ended()
    numbers = [record["seq"] for record in tap.records(early)]
    holes = sum(then != before + 1 for before, then in zip(numbers, numbers[1:]))
    told = early.count(FULL)
    tap.check("too slow: gaps tell of what was lost, as it goes on", 0 < told <= holes <= told + 2, holes, told)
    there = tap.records(bytes(pipe.data))
    missing = set(range(1, there[-1]["seq"] + 1)) - {record["seq"] for record in there}
    gaps = [record["proto_info"] for record in there if record["action"] == "gap"]
    lost = sum(gap["records_lost"] for gap in gaps)
    tap.check("too slow: all that is missing is told", there[-1]["action"] == "stop" and len(missing) == lost and
              all(seq in missing for gap in gaps for seq in (gap["from_seq"], gap["to_seq"])), status, len(missing), lost, gaps[:3],
              sensor.err())


def test():
    smbtap, build = sys.argv[1:3]
    world.link()
    capture, facts = world.made(build, "metadata", PACKETS)
    for_seconds(smbtap, build, capture, facts)
    slowly(smbtap, build, capture, facts)
    for_good(smbtap, build, capture, facts)
    too_slow(smbtap, build)


world.enter()
world.main(test)

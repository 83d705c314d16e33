#!/usr/bin/env python3
"""On a quiet link a line is there soon after the packet that completes it: at the median within 200 ms.

usage: latency.py SMBTAP BUILD
"""
import datetime
import json
import os
import statistics
import subprocess
import sys
import time

import world
import tap  # noqa: E402

CAPTURE = "dialect-3.1.1"
RATE = 40  # packets in a second
MEDIAN_MAX, MOST_MAX = 0.2, 1.0


def moment(text):
    """Seconds since 1970 of an RFC 3339 time with nanoseconds."""
    whole, fraction = text.rstrip("Z").split(".")
    at = datetime.datetime.strptime(whole + "+0000", "%Y-%m-%dT%H:%M:%S%z")
    return at.timestamp() + float("0." + fraction)


def waits(sensor, sender):
    """Of each operation, from its last packet to its line."""
    known, found = 0, []
    while sender.poll() is None or time.time() - last < 1:
        now = time.time()
        lines = sensor.lines()
        for line in lines[known:]:
            record = json.loads(line)
            if record["object"] == "flow" and record["action"] == "message":
                found.append(now - moment(record.get("end_time") or record["time"]))
        known = len(lines)
        if sender.poll() is None:
            last = now
        time.sleep(0.002)
    return found


def test():
    smbtap, build = sys.argv[1:3]
    world.link()
    for workers in (1, 2):
        title = "%d %s" % (workers, "worker" if workers == 1 else "workers")
        sensor = world.Sensor(smbtap, "latency-%d" % workers, "--workers", str(workers), "--detail", "operations")
        capture = os.path.join(tap.PCAPS, CAPTURE + ".pcap")
        sender = subprocess.Popen(world.wire(os.path.join(build, "live_send"), "-r", str(RATE), "tx0", capture),
                                  stdout=subprocess.DEVNULL)
        found = waits(sensor, sender)
        median, most = statistics.median(found), max(found)
        print("# %s: %d operations, median %.0f ms, at most %.0f ms" % (title, len(found), median * 1e3, most * 1e3))
        tap.check("%s: half of the lines within %.0f ms" % (title, MEDIAN_MAX * 1e3), len(found) > 20 and median < MEDIAN_MAX,
                  len(found), median)
        tap.check("%s: all within %.0f ms" % (title, MOST_MAX * 1e3), most < MOST_MAX, sorted(found)[-5:])
        sensor.stop()


world.enter()
world.main(test)

#!/usr/bin/env python3
"""The sensor for a while with mixed traffic, HUP, USR1 and scrapes now and then: memory stays flat, no descriptor is leaked, nothing
is lost, and on a link that has become quiet connections still end.

usage: soak.py SMBTAP BUILD [SECONDS]

An hour: soak.py SMBTAP BUILD 3600
"""
import os
import random
import signal
import sys
import time
import urllib.request

import world
import pcapfile  # noqa: E402
import tap  # noqa: E402
import watch  # noqa: E402

SECONDS, RATE = 8, 6000
LINGER = 13  # a connection that was closed ends within so many seconds
GROWTH_MAX = 3 << 20
STACKS = ("", "", "vlan:7", "fragment:64", "gre:4:99", "vxlan:6:77 fragment:128", "/ fragment:64 / gre:4:99 / vxlan:4:77")


def renumbered(packets, rng):
    """The same conversations of other clients."""
    clients, out = {}, []
    for segment in filter(None, map(pcapfile.segment, packets)):
        source, source_port, dest, dest_port = segment.flow
        ours = source_port > dest_port  # a client's port is the higher one
        client = (source, source_port) if ours else (dest, dest_port)
        port, host = clients.setdefault(client, (rng.randrange(20000, 60000), rng.randrange(1, 250)))
        data = bytearray(segment.packet.data)
        size = len(source)
        address = segment.network + (12 if segment.version == 4 else 8) + (0 if ours else size)
        data[address + size - 2] ^= host
        at = segment.transport + (0 if ours else 2)
        data[at:at + 2] = port.to_bytes(2, "big")
        changed = pcapfile.segment(segment.packet._replace(data=bytes(data)))
        out.append(changed.with_payload(changed.seq, changed.flags, changed.payload))
    return out


def scrape():
    with urllib.request.urlopen("http://127.0.0.1:9145/metrics", timeout=5) as answer:
        return answer.read()


def mixes(rng, count):
    """Captures of all that we have, each time of other clients."""
    names, made = tap.captures(), []
    for number in range(count):
        packets = []
        for name in rng.sample(names, 20):
            packets += renumbered(pcapfile.read(os.path.join(tap.ROOT, name)), rng)
        path = world.path("mix-%d.pcap" % number)
        with open(path, "wb") as file:
            file.write(pcapfile.pcap([packet._replace(time_ns=at * 1000) for at, packet in enumerate(packets)]))
        made.append(path)
    return made


def run(build, sensor, seconds, captures, rng):
    """Returns samples of (seconds, resident bytes, descriptors, threads), and the frames that were sent."""
    samples, sent, start = [], 0, time.monotonic()
    while time.monotonic() - start < seconds:
        told = world.send(build, rng.choice(captures), *rng.choice(STACKS).split(), rate=RATE)
        sent += told["frames"]
        samples.append((time.monotonic() - start, sensor.resident(), sensor.descriptors(), len(sensor.threads()), kinds(sensor)))
        what = len(samples) % 5
        if what == 0:
            os.replace(sensor.output, sensor.output + ".old")  # the one before it goes
            sensor.tell(signal.SIGHUP)
            world.wait_for("a new output", 5, lambda: os.path.exists(sensor.output))
        elif what in (1, 3):
            scrape()
        elif what == 2:
            sensor.tell(signal.SIGUSR1)
    return samples, sent


def kinds(sensor):
    """What its resident memory is: its own, its files' (program and libraries), the ring."""
    return ", ".join("%s %s" % (kind, sensor.status(kind).split()[0]) for kind in ("RssAnon", "RssFile", "RssShmem"))


def third(samples, which):
    """The first third (0) or the last (-1)."""
    size = max(len(samples) // 3, 1)
    return samples[-size:] if which else samples[:size]


def most(samples, which):
    """The most descriptors, and threads: a scrape that is not over has a descriptor of its own."""
    return max(sample[2] for sample in third(samples, which)), max(sample[3] for sample in third(samples, which))


def test():
    smbtap, build = sys.argv[1:3]
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else SECONDS
    rng = random.Random(11)
    world.link()
    captures = mixes(rng, 12)
    sensor = world.Sensor(smbtap, "soak", "--workers", "2", "--detail", "operations", "--memory", "128M", "--buffer", "32M", "--stats-interval", "5s",
                          "--metrics", "9145", "--metrics-file", os.path.join(world.folder("metrics"), "smbtap.prom"))
    scrape()
    for capture in captures:  # what is kept of each connection for a while is there
        world.send(build, capture, rate=RATE * 3)
    samples, sent = run(build, sensor, seconds, captures, rng)
    first, last = (max(sample[1] for sample in third(samples, which)) for which in (0, -1))
    print("# %d s, %d frames, resident %.1f MiB in the first third, %.1f MiB in the last" %
          (samples[-1][0], sent, first / 2**20, last / 2**20))
    for sample in samples[::max(len(samples) // 12, 1)]:
        print("# %5.0f s: %d KiB (%s), %d descriptors, %d threads" % (sample[0], sample[1] >> 10, sample[4], sample[2], sample[3]))
    tap.check("memory is flat", last - first < GROWTH_MAX, first, last)
    tap.check("descriptors and threads are as many as at the start", most(samples, -1) <= most(samples, 0), most(samples, 0),
              most(samples, -1))
    stats = watch.settled(sensor)
    tap.check("nothing is lost", stats["packets_dropped_kernel"] == 0 == stats["records_dropped"] and
              stats["segments_dispatch_dropped"] == 0, stats)
    open_ = stats["flows_active"]
    world.wait_for("closed connections end", LINGER + 3, lambda: sensor.stats()["flows_active"] < max(open_ // 4, 30))
    tap.check("on a quiet link closed connections end", True)
    status, took = sensor.stop(seconds=10)
    tap.check("ends with 0 within 5 s", status == 0 and took < 5, status, took, sensor.err())


world.enter()
world.main(test)

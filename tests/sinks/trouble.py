#!/usr/bin/env python3
"""What is around an output breaks: a disk that is full, a spool that is, a network, a resolver. The other outputs, and the capture,
see nothing of it. And filters.

usage: trouble.py SMBTAP BUILD
"""
import json
import os
import sys
import time

import certificates
import counting
import receivers
import sensing
import tap  # noqa: E402
import world  # noqa: E402

SPOOL_MIN = 16 << 20
LATE = 1.0  # seconds that a record may take to a receiver that is well


def rsyslog(name, kind, **more):
    return receivers.Rsyslog(world.path(name), kind, **more)


def in_time(title, sensor, healthy):
    """While the others are in trouble, this one has all but the newest."""
    file, there = [], []
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        number = sensing.tip(sensor.output)
        start = time.monotonic()
        while sensing.tip(healthy.written) < number and time.monotonic() < start + 5:
            time.sleep(0.01)
        file.append(number)
        there.append(time.monotonic() - start)
    tap.check(title + ": an output that is well gets all in time", file[-1] > file[0] and max(there) < LATE, file, there)


def whole(title, sensor, receiver, seconds=15):
    return sensing.judge(title, receiver, sensor, seconds)


def stopped(title, sensor):
    status, seconds = sensor.stop(seconds=8)
    tap.check(title + ": the sensor ends with 0 within 5 s", status == 0 and seconds < 6, status, seconds, sensor.err())


def bounded(smbtap, build, policy):
    """More than the spool holds: the oldest or the newest are dropped, and told to the record."""
    title = "spool bounded, drop_%s" % policy
    dead, healthy = rsyslog("bounded-" + policy, "tcp"), rsyslog("healthy-" + policy, "relp").start()
    spool = world.folder("spool-" + policy)
    sensor = sensing.Sensor(smbtap, "sensor-" + policy, [
        dead.url(name="dead", spool_directory=spool, spool_max_bytes=SPOOL_MIN, spool_policy="drop_" + policy),
        healthy.url(name="healthy", spool_directory=spool)])
    load = sensing.Load(build, 4, rate=14000)
    time.sleep(1)
    in_time(title, sensor, healthy)
    load.wait()
    time.sleep(1.5)
    figures = sensor.figures()["dead"]
    tap.check(title + ": what is dropped is counted", figures["dropped"] > 0 and figures["spooled"] > 0, figures)
    used = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(os.path.join(spool, "dead")) for name in names)
    tap.check(title + ": the spool stays within its bound", 0 < used < SPOOL_MIN * 1.15, used)
    dead.start()
    world.wait_for("the receiver gets what is left", 20, lambda: sensing.tip(dead.written) >= sensing.tip(sensor.output) - 2)
    stopped(title, sensor)
    account = whole(title, sensor, dead)
    lost = [seq for _, seq in account.lost(sensor.last())]
    first = min(min(counts) for counts in account.runs.values())
    tap.check(title + ": those that were to go went", lost and (first > 1 if policy == "oldest" else first == 1), first, lost[:3])
    gaps = [gap for gaps in account.gaps.values() for gap in gaps]
    tap.check(title + ": gaps have from, to, the count and the reason", gaps and all(
        gap[1] is not None and gap[2] == len([seq for seq in lost if gap[0] <= seq <= gap[1]]) and gap[3] == "spool_full"
        for gap in gaps) and sum(gap[2] for gap in gaps) == len(lost), gaps, len(lost))
    account = whole(title + ": the healthy one", sensor, healthy)
    tap.check(title + ": the healthy one lost none", not account.lost(), account.line())
    for one in (dead, healthy):
        one.stop()


def disk_full(smbtap, build):
    title = "disk of the spool full"
    spool = world.folder("small-disk")
    world.command("mount", "-t", "tmpfs", "-o", "size=12M,uid=%d,gid=%d" % (world.UID, world.UID), "tmpfs", spool)
    dead, healthy = rsyslog("disk-dead", "relp"), rsyslog("disk-healthy", "tcp").start()
    sensor = sensing.Sensor(smbtap, "disk-sensor", [
        dead.url(name="dead", spool_directory=spool), healthy.url(name="healthy", spool_directory=world.folder("large-disk"))])
    load = sensing.Load(build, 3.5, rate=14000)
    time.sleep(1.5)
    in_time(title, sensor, healthy)
    load.wait()
    time.sleep(1)
    lines = [line for line in sensor.trouble("dead") if "spool" in line or "space" in line]
    tap.check(title + ": one line says so", len(lines) == 1, *sensor.trouble(""))
    dead.start()
    world.wait_for("the receiver gets what is left", 20, lambda: sensing.tip(dead.written) >= sensing.tip(sensor.output) - 2)
    stopped(title, sensor)
    whole(title, sensor, dead)
    account = whole(title + ": the healthy one", sensor, healthy)
    tap.check(title + ": the healthy one lost none", not account.lost(), account.line())
    for one in (dead, healthy):
        one.stop()


def network(smbtap, build):
    """The receivers are on another machine, and the cable is pulled."""
    title = "network broken"
    world.command("ip", "netns", "add", "siem")
    world.command("ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", "siem")
    for prefix, name, address in (((), "near0", "10.77.0.1/24"), (("ip", "netns", "exec", "siem"), "far0", "10.77.0.2/24")):
        world.command(*prefix, "ip", "address", "add", address, "dev", name)
        world.command(*prefix, "ip", "link", "set", name, "up")
    keys = certificates.Certificates(world.path("network-keys"))
    far = {kind: rsyslog("far-" + kind.replace("+", "-"), kind, address="10.77.0.2", prefix=("ip", "netns", "exec", "siem"),
                         certificates=keys).start() for kind in ("tcp", "tls", "relp")}
    healthy = rsyslog("network-healthy", "tcp").start()
    spool = world.folder("network-spool")
    sensor = sensing.Sensor(smbtap, "network-sensor", [
        one.url(name=kind, spool_directory=spool, server_name=certificates.NAME if kind == "tls" else None)
        for kind, one in far.items()] + [healthy.url(name="healthy", spool_directory=spool)])
    load = sensing.Load(build, 4)
    time.sleep(0.7)
    world.command("ip", "link", "set", "near0", "down")
    time.sleep(0.5)
    in_time(title, sensor, healthy)
    time.sleep(0.7)
    world.command("ip", "link", "set", "near0", "up")
    load.wait()
    for one in far.values():
        world.wait_for("%s gets the rest" % one.folder, 20, lambda at=one: sensing.tip(at.written) >= sensing.tip(sensor.output) - 2)
    stopped(title, sensor)
    for kind, one in far.items():
        account = whole("%s: %s" % (title, kind), sensor, one)
        tap.check("%s: %s: none is lost at all" % (title, kind), not account.lost(sensor.last()), account.line())
    for one in list(far.values()) + [healthy]:
        one.stop()
    world.command("ip", "link", "del", "near0")


def resolver(smbtap, build):
    """A name server that does not answer: neither start, nor others, nor stop wait for it."""
    title = "no answer from the name server"
    with open(world.path("resolv.conf"), "w", encoding="ascii") as file:
        file.write("nameserver 10.78.0.53\noptions timeout:5 attempts:5\n")
    real = os.path.realpath("/etc/resolv.conf")
    if not os.path.exists(real):
        tap.skip(title, "this machine has no /etc/resolv.conf")
        return
    world.command("mount", "--bind", world.path("resolv.conf"), real)
    world.command("ip", "link", "add", "void0", "type", "dummy")
    world.command("ip", "address", "add", "10.78.0.1/24", "dev", "void0")
    world.command("ip", "link", "set", "void0", "up")
    healthy = rsyslog("resolver-healthy", "tcp").start()
    start = time.monotonic()
    spool = world.folder("resolver-spool")
    sensor = sensing.Sensor(smbtap, "resolver-sensor", [
        "syslog+tcp://collector.example:514?name=nowhere&spool_directory=" + spool, healthy.url(name="healthy", spool_directory=spool)])
    tap.check(title + ": the sensor starts all the same", time.monotonic() - start < 4, time.monotonic() - start)
    load = sensing.Load(build, 2)
    time.sleep(0.5)
    in_time(title, sensor, healthy)
    load.wait()
    world.wait_for("all is there", 5, lambda: sensing.tip(healthy.written) >= sensing.tip(sensor.output) - 1)
    stopped(title, sensor)
    account = whole(title + ": the healthy one", sensor, healthy)
    tap.check(title + ": the healthy one lost none", not account.lost(), account.line())
    healthy.stop()
    world.command("umount", real)


def filters(smbtap):
    """An output gets what it was told to take, several at once."""
    words = ["-q"] + [word for capture in tap.captures() for word in ("-r", capture)]
    wanted = tap.run(smbtap, *words).out.split(b"\n")[:-1]
    them = {
        "findings": ({"objects": "finding"}, lambda one: one["object"] == "finding"),
        "writes": ({"objects": "flow", "operations": "create,write,delete"}, lambda one: one["object"] == "flow" and (
            one["action"] != "message" or one["proto_info"]["operation"] in ("create", "write", "delete"))),
        "renames": ({"operations": "rename"}, lambda one: one["object"] != "flow" or one["action"] != "message" or
                    one["proto_info"]["operation"] == "rename"),
        "all": ({}, lambda one: True)}
    running = {name: rsyslog("filter-" + name, "tcp").start() for name in them}
    run = tap.run(smbtap, *words, *(word for name, one in running.items() for word in ("-o", one.url(name=name, **them[name][0]))))
    tap.check("filters: ends with 0, silently", run.status == 0 and not run.err, run.status, run.err)
    for name, one in running.items():
        chosen = [line for line in wanted if them[name][1](json.loads(line))]
        one.wait(len(chosen), 5)
        one.quiet(0.1)
        lines = counting.difference(chosen, one.messages())
        tap.check("filters: %s: %s" % (name, json.dumps(them[name][0])), chosen and not lines, len(chosen), *lines)
        one.stop()


def test():
    smbtap, build = sys.argv[1:3]
    world.link()
    filters(smbtap)
    for policy in ("oldest", "newest"):
        bounded(smbtap, build, policy)
    disk_full(smbtap, build)
    network(smbtap, build)
    resolver(smbtap, build)


receivers.need(receivers.Rsyslog)
world.enter()
world.main(test)

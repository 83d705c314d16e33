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
FAR = ("ip", "netns", "exec", "siem")
LATE = 1.0  # seconds that a record may take to a receiver that is well


def rsyslog(name, kind, **more):
    return receivers.Rsyslog(world.path(name), kind, **more)


def in_time(title, sensor, healthy):
    """While the others are in trouble, this one has all but the newest."""
    file, there = [], []
    begin = time.monotonic()
    while time.monotonic() < begin + 0.8 or (file[-1] == file[0] and time.monotonic() < begin + 5):
        number = sensing.tip(sensor.output)
        start = time.monotonic()
        while sensing.tip(healthy.written) < number and time.monotonic() < start + 5:
            time.sleep(0.01)
        file.append(number)
        there.append(time.monotonic() - start)
    tap.check(title + ": an output that is well gets all in time", file[-1] > file[0] and max(there) < LATE, file, there)


def stopped(title, sensor):
    status, seconds = sensor.stop(seconds=8)
    tap.check(title + ": the sensor ends with 0 within 5 s", status == 0 and seconds < 6, status, seconds, sensor.err())


def spools(smbtap, build):
    """More than spools and disks hold, beside an output that is well: the oldest or the newest are dropped, and told to the record."""
    small = world.folder("small-disk")
    world.command("mount", "-t", "tmpfs", "-o", "size=12M,uid=%d,gid=%d" % (world.UID, world.UID), "tmpfs", small)
    spool = world.folder("spool")
    them = {"oldest": rsyslog("oldest", "tcp"), "newest": rsyslog("newest", "relp"), "disk": rsyslog("disk", "relp"),
            "healthy": rsyslog("healthy", "relp").start()}
    sensor = sensing.Sensor(smbtap, "spools", [
        them["oldest"].url(name="oldest", spool_directory=spool, spool_max_bytes=SPOOL_MIN, spool_policy="drop_oldest"),
        them["newest"].url(name="newest", spool_directory=spool, spool_max_bytes=SPOOL_MIN, spool_policy="drop_newest"),
        them["disk"].url(name="disk", spool_directory=small), them["healthy"].url(name="healthy", spool_directory=spool)])
    load = sensing.Load(build, 3, rate=14000)
    time.sleep(1.5)
    in_time("spools full", sensor, them["healthy"])
    load.wait()
    world.wait_for("all is decoded", 10, lambda: sensor.figures()["healthy"]["spooled"] < 50)
    figures = sensor.figures()
    for policy in ("oldest", "newest"):
        tap.check("spool bounded, drop_%s: what is dropped is counted" % policy, figures[policy]["dropped"] > 0 and
                  figures[policy]["spooled"] > 0, figures[policy])
        used = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(os.path.join(spool, policy)) for name in names)
        tap.check("spool bounded, drop_%s: it stays within its bound" % policy, 0 < used < SPOOL_MIN * 1.15, used)
    lines = sensor.trouble("cannot be written")
    tap.check("disk of the spool full: one line says so", len(lines) == 1 and "disk" in lines[0] and "No space" in lines[0], sensor.err())
    for name in ("oldest", "newest", "disk"):
        them[name].start()
    for name, one in them.items():
        world.wait_for("%s gets what is left" % name, 20, lambda at=one: sensing.tip(at.written) >= sensing.tip(sensor.output) - 6)
    stopped("spools full", sensor)
    account = {name: sensing.judge(title, them[name], sensor, doubles=False) for name, title in (
        ("oldest", "spool bounded, drop_oldest"), ("newest", "spool bounded, drop_newest"), ("disk", "disk of the spool full"),
        ("healthy", "the healthy one beside them"))}
    for policy in ("oldest", "newest"):
        gaps_exact("spool bounded, drop_" + policy, policy, account[policy], sensor)
    tap.check("the healthy one beside them lost none", not account["healthy"].lost(), account["healthy"].line())
    for one in them.values():
        one.stop()


def gaps_exact(title, policy, account, sensor):
    lost = [seq for _, seq in account.lost(sensor.last())]
    first = min(min(counts) for counts in account.runs.values())
    tap.check(title + ": those that were to go went", lost and (first > 1 if policy == "oldest" else first == 1), first, lost[:3])
    gaps = [gap for gaps in account.gaps.values() for gap in gaps]
    tap.check(title + ": gaps have from, to, the count and the reason", gaps and all(
        gap[1] is not None and gap[2] == len([seq for seq in lost if gap[0] <= seq <= gap[1]]) and gap[3] == "spool_full"
        for gap in gaps) and sum(gap[2] for gap in gaps) == len(lost), gaps, len(lost))


def far_away():
    """A network that is another machine's, with its end near0 here."""
    world.command("ip", "netns", "add", "siem")
    world.command("ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", "siem")
    for prefix, name, address in (((), "near0", "10.77.0.1/24"), (FAR, "far0", "10.77.0.2/24")):
        world.command(*prefix, "ip", "address", "add", address, "dev", name)
        world.command(*prefix, "ip", "link", "set", name, "up")


def silent_resolver():
    """A name server that is there, for all that the network knows, and answers nothing. False: this machine asks none."""
    real = os.path.realpath("/etc/resolv.conf")
    if not os.path.exists(real):
        return False
    with open(world.path("resolv.conf"), "w", encoding="ascii") as file:
        file.write("nameserver 10.77.0.53\noptions timeout:5 attempts:5\n")
    world.command("mount", "--bind", world.path("resolv.conf"), real)
    world.command("ip", "neighbour", "add", "10.77.0.53", "lladdr", "02:00:00:00:00:53", "dev", "near0")
    return True


def network(smbtap, build):
    """The receivers are on another machine, and the cable is pulled. Beside them one whose name nobody resolves: neither start, nor
    others, nor stop wait for that."""
    title = "network broken"
    far_away()
    keys = certificates.Certificates(world.path("network-keys"))
    far = {kind: rsyslog("far-" + kind, kind, address="10.77.0.2", prefix=FAR, certificates=keys).start()
           for kind in ("tcp", "tls", "relp")}
    healthy = rsyslog("network-healthy", "tcp").start()
    spool = world.folder("network-spool")
    urls = [one.url(name=kind, spool_directory=spool, server_name=certificates.NAME if kind == "tls" else None)
            for kind, one in far.items()] + [healthy.url(name="healthy", spool_directory=spool)]
    silent = silent_resolver()
    if silent:
        urls.append("syslog+tcp://collector.example:514?name=nowhere&spool_directory=" + spool)
    start = time.monotonic()
    sensor = sensing.Sensor(smbtap, "network-sensor", urls)
    tap.check("no answer from the name server: the sensor starts all the same", time.monotonic() - start < 4, time.monotonic() - start)
    load = sensing.Load(build, 3)
    time.sleep(0.7)
    world.command("ip", "link", "set", "near0", "down")
    in_time(title, sensor, healthy)
    time.sleep(0.5)
    world.command("ip", "link", "set", "near0", "up")
    load.wait()
    for one in [healthy, *far.values()]:
        world.wait_for("%s gets the rest" % one.folder, 20, lambda at=one: sensing.tip(at.written) >= sensing.tip(sensor.output) - 2)
    stopped(title, sensor)
    for kind, one in [("healthy", healthy), *far.items()]:
        account = sensing.judge("%s: %s" % (title, kind), one, sensor)
        tap.check("%s: %s: none is lost at all" % (title, kind), not account.lost(sensor.last()), account.line())
        one.stop()
    if not silent:
        tap.skip("no answer from the name server", "this machine has no /etc/resolv.conf")


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
    spools(smbtap, build)
    network(smbtap, build)


receivers.need(receivers.Rsyslog)
world.enter()
world.main(test)

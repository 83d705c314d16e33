#!/usr/bin/env python3
"""A real Samba server and its clients, and the sensor at the server's link: it says what a replay of the same packets says, for 1, 2
and 4 workers, and what the clients know that they did.

usage: samba.py SMBTAP BUILD [--all | SCENARIO...]

The scenarios are those that pcaps/record records: by default some, with --all all of them.
"""
import importlib.machinery
import importlib.util
import os
import sys
import time

import world
import pcapfile  # noqa: E402
import tap  # noqa: E402
import watch  # noqa: E402

SOME = ("dialect-3.1.1", "ipv6", "leases", "durable-v2", "smb1-extended", "two-clients")


def recorder():
    """pcaps/record, as a module."""
    sys.path.insert(0, tap.PCAPS)
    loader = importlib.machinery.SourceFileLoader("record", os.path.join(tap.PCAPS, "record"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("record", loader))
    loader.exec_module(module)
    module.FILES["passwd"] += "smbtap:x:%d:%d::/:/bin/false\n" % (world.UID, world.UID)
    module.FILES["group"] += "smbtap:x:%d:\n" % world.UID
    return module


def play(record, name):
    """Server and clients of a scenario; returns what they did."""
    stage = record.Stage(record.scenarios.ALL[name], os.path.join(record.WORLD, name))
    os.makedirs(stage.dir, mode=0o755)
    try:
        stage.start_server()
        stage.scenario.act(stage)
        time.sleep(0.2)  # the last connections end
    finally:
        stage.stop()
    return stage.operations


def told(truth, records):
    """Operations of the truth that no record tells of, by those facts that the truth has."""
    left = [{**record, **record["proto_info"]} for record in records if record["action"] == "message"]
    missing = []
    for operation in truth:
        facts = {key: value for key, value in operation.items() if key in ("operation", "file_name", "rename_to", "status", "share")}
        found = next((one for one in left if all(one.get(key) == value for key, value in facts.items())), None)
        if found is None:
            missing.append(facts)
        else:
            left.remove(found)
    return missing


def large_frames(smbtap, build, record):
    """On the host itself, as its cards do it: frames of up to 64 KiB, checksums that are not there yet. Each who captures has a time
    of his own."""
    for prefix in ((), record.in_server()):
        world.command(*prefix, "ethtool", "-K", "eth0", "tx", "on", "tso", "on", "gso", "on", "gro", "on")
    beside = watch.Watch(smbtap, build, "large frames", "--detail", "operations", interfaces=("eth0",), workers=(1, 2))
    for name in ("large", "smb1-large"):
        play(record, name)
    capture = beside.compare(times=False)
    largest = max(packet.length for packet in pcapfile.read(capture))
    tap.check("large frames: there were some", largest > 20000, largest)


def test():
    smbtap, build = sys.argv[1:3]
    record = recorder()
    names = sys.argv[3:] or SOME
    if names == ["--all"]:
        names = list(record.scenarios.ALL)
    record.make_world(world.path("samba"))
    world.ipv6(True)
    record.make_network()
    world.command("ip", "link", "add", "mirror", "mtu", "9000", "type", "veth", "peer", "name", "span0", "mtu", "9000")
    for interface in ("mirror", "span0"):
        world.ipv6(False, interface=interface)
        world.command("ip", "link", "set", interface, "up")
    world.mirror("eth0", "mirror")
    beside = watch.Watch(smbtap, build, "samba", "--detail", "operations")
    truth = []
    for name in names:
        did = play(record, name)
        truth += [one for one in did if one["operation"] in ("rename", "delete") and not one.get("hidden")]
        tap.check("samba: %s was played" % name, did)
    beside.compare()
    for count, sensor in beside.sensors.items():
        missing = told(truth, sensor.records())
        tap.check("samba, %d workers: what the clients renamed and deleted is told" % count, truth and not missing, *missing[:5])
    large_frames(smbtap, build, record)


world.enter("smbd", "smbclient", "smbpasswd", "net", "ethtool", sender=False)
world.main(test)

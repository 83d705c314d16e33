#!/usr/bin/env python3
"""The sender of the live tests against tcpdump: what it puts on the wire decodes to the records of the capture it sends.

usage: sender.py SMBTAP BUILD
"""
import os
import sys

import world
import comparing  # noqa: E402
import pcapfile  # noqa: E402
import tap  # noqa: E402

CAPTURES = ("dialect-3.1.1", "ipv6", "smb1-extended")
LINK = {"src_mac", "dest_mac", "vlan"}
# layers, what capture.encapsulation must tell, vlan, and how many frames there are at least for one packet
LAYERS = (
    ((), None, None, 1),
    (("vlan:7",), None, [7], 1),
    (("vlan:7", "vlan:100:88a8"), None, [100, 7], 1),
    (("mpls:16",), ["mpls:16"], None, 1),
    (("fragment:64",), None, None, 3),
    (("fragment:64", "vlan:9"), None, [9], 3),
    (("ipip:4",), ["ipip", "6in4"], None, 1),
    (("ipip:6",), ["4in6", "6in6"], None, 1),
    (("gre:4:99",), ["gre:99"], None, 1),
    (("gre:6:99", "vlan:5"), ["gre:99"], [5], 1),
    (("erspan:4",), ["erspan2:9"], None, 1),
    (("vxlan:4:77",), ["vxlan:77"], None, 1),
    (("vxlan:6:77", "fragment:128"), ["vxlan:77"], None, 2),
)


def one_behind_the_other(captures):
    """They are sent so, and what two machines said before counts: to SMB1 after SMB2."""
    packets = []
    for capture in captures:
        found = pcapfile.read(capture)
        later = packets[-1].time_ns + 10**9 - found[0].time_ns if packets else 0
        packets += [packet._replace(time_ns=packet.time_ns + later) for packet in found]
    path = world.path("original.pcap")
    with open(path, "wb") as file:
        file.write(pcapfile.pcap(packets))
    return path


def replayed(smbtap, capture):
    run = tap.run(smbtap, "-q", "-r", capture, "--detail", "operations")
    if run.status:
        raise world.Failed("replay: " + run.err)
    return tap.records(run.out)


def right(records, encapsulation, vlan):
    """Records that do not tell of the layers as they should."""
    wrong = []
    for record in records:
        told = record["capture"].get("encapsulation")
        good = told is None if encapsulation is None else told is not None and told[-1] in encapsulation
        if "src_ip" in record and not (good and record.get("vlan") == vlan):
            wrong.append({"encapsulation": told, "vlan": record.get("vlan")})
    return wrong


def test():
    smbtap, build = sys.argv[1:3]
    span = world.link()
    captures = [os.path.join(tap.PCAPS, name + ".pcap") for name in CAPTURES]
    packets = sum(len(pcapfile.read(capture)) for capture in captures)
    original = replayed(smbtap, one_behind_the_other(captures))
    for layers, encapsulation, vlan, least in LAYERS:
        beside = world.Tcpdump(span, world.path("sent.pcap"))
        told = [world.send(build, capture, *layers) for capture in captures]
        frames = len(pcapfile.read(beside.stop()))
        title = " ".join(layers) or "as it is"
        tap.check(title + ": every frame is sent", sum(one["packets"] for one in told) == packets and
                  sum(one["frames"] for one in told) == frames >= packets * least, told, packets, frames)
        leave = LINK | {"capture"} | ({"packet_count"} if "fragment" in title else set())
        found = replayed(smbtap, beside.file)
        lines = comparing.difference(comparing.plain(original, times=False, leave=leave),
                                     comparing.plain(found, times=False, leave=leave))
        tap.check(title + ": the records of the capture", not lines, *lines)
        wrong = right(found, encapsulation, vlan)
        tap.check(title + ": the layers are told", not wrong, *wrong[:2])


world.enter()
world.main(test)

#!/usr/bin/env python3
"""What the sensor says is what a replay of the same packets says, for 1, 2 and 4 workers: packets of all our captures, and some
of them in tags, tunnels and fragments, and mixed.

usage: wire.py SMBTAP BUILD
"""
import os
import sys

import world
import pcapfile  # noqa: E402
import tap  # noqa: E402
import watch  # noqa: E402

RATE = 12000
SANITIZED, SANITIZED_RATE = b"__asan_init", 6000  # it is twice as slow, and all seven workers have to keep up
LAYERS = ("vlan:7", "vlan:7 vlan:100:88a8", "vlan:1 vlan:2 vlan:3", "mpls:16", "fragment:64", "fragment:64 vlan:9", "ipip:4", "ipip:6",
          "gre:4:99", "erspan:4", "vxlan:4:77", "vxlan:6:77 fragment:128")
# Each packet in something else than the one before, as where there are several ways through a network. With several workers some of a
# flow's packets would come to its owner at once and others by way of the queues, later: README says so.
MIX = "/ fragment:64 / vlan:7 / gre:4:99 / vxlan:4:77 / fragment:24 vlan:3"
MIXED = ("dialect-3.1.1", "ipv6", "two-clients", "smb1-extended")


# Their server has several addresses, and so several owners where there are several workers: README says so.
SEVERAL_ADDRESSES = ("multichannel-3.0", "multichannel-3.1.1")


def all_of_them(stems=()):
    """One capture of all, or of some, one behind the other."""
    packets, at = [], 0
    for name in tap.captures(*stems):
        if not stems and tap.stem(name) in SEVERAL_ADDRESSES:
            continue
        for packet in pcapfile.read(os.path.join(tap.ROOT, name)):
            packets.append(packet._replace(time_ns=at))
            at += 1000
    path = world.path("all.pcap")
    with open(path, "wb") as file:
        file.write(pcapfile.pcap(packets))
    return path


def test():
    smbtap, build = sys.argv[1:3]
    with open(smbtap, "rb") as file:
        rate = SANITIZED_RATE if SANITIZED in file.read() else RATE
    world.link()
    detail = ("--detail", "operations")
    plain = watch.Watch(smbtap, build, "plain", *detail)
    world.send(build, all_of_them(), rate=rate)
    plain.compare()

    wrapped = watch.Watch(smbtap, build, "wrapped", *detail)
    for number, layers in enumerate(LAYERS):
        names = [stem for stem in map(tap.stem, tap.captures()) if stem not in SEVERAL_ADDRESSES][number::len(LAYERS)]
        world.send(build, all_of_them(names), *layers.split(), rate=rate)
    wrapped.compare()

    mixed = watch.Watch(smbtap, build, "mixed", *detail, workers=(1,))
    world.send(build, all_of_them(MIXED), *MIX.split(), rate=rate)
    world.send(build, all_of_them(SEVERAL_ADDRESSES), rate=rate)
    mixed.compare()


world.enter()
world.main(test)

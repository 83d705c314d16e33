#!/usr/bin/env python3
"""A capture says the same in every file format and behind every link header.

usage: formats.py SMBTAP

One capture of pcaps/ is written as pcap and pcapng, in either byte order, with micro- and nanoseconds, with several
interfaces and several link types in one file, and with VLAN tags. The records must be the same but for what tells of
the link.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402
import tap  # noqa: E402

CAPTURE = "pcaps/dialect-3.1.1.pcap"
OF_LINK = {"record_id", "capture", "src_mac", "dest_mac", "vlan", "evidence"}


def families(packet):
    """EtherType and BSD address family of an Ethernet packet's content."""
    return (b"\x08\x00", 2) if packet.data[12:14] == b"\x08\x00" else (b"\x86\xdd", 30)


def relinked(packet, link, header, strip=14):
    data = header + packet.data[strip:]
    return packet._replace(data=data, length=packet.length - len(packet.data) + len(data), link=link)


def link_variants(packets):
    """{name: packets behind another link header}."""
    def null(packet, order):
        return struct.pack(order + "I", families(packet)[1])

    def tagged(packet, tags):
        return packet.data[:12] + tags + packet.data[12:14]

    address = b"\0\6\x00\x00\x5e\x00\x53\x01\0\0"
    dot1q, dot1ad = b"\x81\x00\x20\x07", b"\x88\xa8\x00\x64"
    return {
        "raw IP": [relinked(p, pcapfile.RAW, b"") for p in packets],
        "BSD null, little-endian": [relinked(p, pcapfile.NULL, null(p, "<")) for p in packets],
        "BSD null, big-endian": [relinked(p, pcapfile.NULL, null(p, ">")) for p in packets],
        "BSD loop": [relinked(p, pcapfile.LOOP, null(p, ">")) for p in packets],
        "Linux cooked v1": [relinked(p, pcapfile.LINUX_SLL, b"\0\0\0\1" + address + families(p)[0]) for p in packets],
        "Linux cooked v2": [relinked(p, pcapfile.LINUX_SLL2, families(p)[0] + b"\0\0\0\0\0\2\0\1\0" + address[1:])
                            for p in packets],
        "802.1Q": [relinked(p, pcapfile.ETHERNET, tagged(p, dot1q)) for p in packets],
        "802.1ad and 802.1Q": [relinked(p, pcapfile.ETHERNET, tagged(p, dot1ad + dot1q)) for p in packets],
    }


def without(value, names):
    if isinstance(value, dict):
        return {name: without(item, names) for name, item in value.items() if name not in names}
    return value


def main():
    smbtap = sys.argv[1]
    packets = pcapfile.read(os.path.join(tap.ROOT, CAPTURE))
    packets = [packet._replace(time_ns=packet.time_ns // 1000 * 1000) for packet in packets]
    expected = None
    files = {"pcap": pcapfile.pcap(packets)}
    for order, order_name in (("<", "little-endian"), (">", "big-endian")):
        files["pcap, %s, microseconds" % order_name] = pcapfile.pcap(packets, order, False)
        files["pcap, %s, nanoseconds" % order_name] = pcapfile.pcap(packets, order, True)
        files["pcapng, %s" % order_name] = pcapfile.pcapng(packets, order)
        files["pcapng, %s, three interfaces" % order_name] = pcapfile.pcapng(packets, order, 3)
    for name, changed in link_variants(packets).items():
        files[name] = pcapfile.pcap(changed)
    for name, content in files.items():
        run = tap.run(smbtap, "-r", "-", "--detail", "operations", stdin=content)
        found = [without(record, OF_LINK) for record in tap.records(run.out)]
        expected = expected or found
        different = [(a, b) for a, b in zip(expected, found) if a != b]
        tap.check(name, run.status == 0 and found == expected and found, run.err,
                  "%d records, %d expected" % (len(found), len(expected)), *different[:1])
        if name.startswith("802.1"):
            tags = [100, 7] if "ad" in name else [7]
            wrong = [record for record in tap.records(run.out) if record["object"] == "flow" and record.get("vlan") != tags]
            tap.check(name + ": vlan", not wrong, *wrong[:1])
    # libpcap reads a pcapng with several link types only as far as they are the same; what it refuses must be said.
    mixed = packets[:10] + link_variants(packets)["raw IP"][10:]
    run = tap.run(smbtap, "-r", "-", stdin=pcapfile.pcapng(mixed))
    tap.check("pcapng with two link types is told", run.status in (1, 3) and run.err.count("\n") == 1, run.status,
              run.err)
    tap.finish()


if __name__ == "__main__":
    main()

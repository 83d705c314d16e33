#!/usr/bin/env python3
"""What a capture says does not depend on what its packets are wrapped in, nor on how IP cut them.

usage: wrap.py SMBTAP [NAME...]

Captures of pcaps/ are written anew in each encapsulation, in stacks of them and in fragments. The records must be those
of the plain capture, to the nanosecond, but for frames, what tells of the link, and capture, which names the layers. The
default capture filter (--print-filter) must let all of it through, and what is no SMB not.
"""
import os
import random
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402
import tap  # noqa: E402
import wrapping  # noqa: E402
from wrapping import (TEB, Fragments, erspan, ethernet, geneve, gre, ip_in, mpls, mpls_in, over, pppoe, snap,  # noqa: E402
                      tag, vxlan, vxlan_gpe)

CAPTURES = ("dialect-3.1.1", "ipv6", "compounds")
OF_LINK = {"record_id", "capture", "src_mac", "dest_mac", "vlan", "evidence"}
EVIL_MACS = (b"\x45\0\0\x3c\0\1" + wrapping.MAC_B, b"\x60\0\0\0\0\x14" + wrapping.MAC_B, b"\0\0\0\0\0\0" + wrapping.MAC_B)


def stacks():
    """name: (layers from the inside out, the names that records must have, versions of the outermost IP, or 0)."""
    options = b"\x01\x02\x80\x01abcd" + b"\x01\x02\0\0"
    frame = ethernet(pad=60)
    yield "802.1Q", (tag(0x8100, 7, 3),), [], 0
    yield "802.1Q, priority alone", (tag(0x8100, 0, 5),), [], 0
    for tpid in (0x88A8, 0x9100, 0x9200, 0x9300):
        yield "tags, TPID %04x outside" % tpid, (tag(0x8100, 7), tag(tpid, 100)), [], 0
    yield "five tags", tuple(tag(0x8100, vid) for vid in range(1, 6)), [], 0
    yield "SNAP behind a tag", (snap, tag(0x8100, 7)), [], 0
    yield "MPLS", (mpls(16),), ["mpls:16"], 0
    yield "MPLS, three labels behind a tag", (mpls(1048575, 3, 17), tag(0x8100, 9)), ["mpls:1048575", "mpls:3", "mpls:17"], 0
    for word in (None, 0, 0x1234):
        yield "MPLS pseudowire, control word %s" % word, (frame, mpls(18, control_word=word)), ["mpls:18"], 0
        for macs in EVIL_MACS:
            yield ("MPLS pseudowire, control word %s, to %s" % (word, macs[:6].hex()),
                   (tag(0x8100, 5), ethernet(macs, 60), mpls(18, control_word=word)), ["mpls:18"], 0)
    yield "PPPoE", (pppoe(17),), ["pppoe:17"], 0
    yield "PPPoE, short protocol", (pppoe(65535, True), tag(0x88A8, 4)), ["pppoe:65535"], 0
    yield "PPPoE with MPLS", (mpls(19), pppoe(17)), ["pppoe:17", "mpls:19"], 0
    for version in (4, 6):
        name = " over IPv%d" % version
        yield "GRE" + name, (over(version, gre()),), ["gre"], version
        yield "GRE, key" + name, (over(version, gre(key=4294967295)),), ["gre:4294967295"], version
        yield ("GRE, all fields" + name, (over(version, gre(5, 6, True, [(0x800, 0, b"routing0"), (0x800, 4, b"")])),),
               ["gre:5"], version)
        yield "GRE, checksum" + name, (over(version, gre(check=True)),), ["gre"], version
        yield "GRE, TEB" + name, (frame, over(version, gre(key=9))), ["gre:9"], version
        yield "GRE, TEB, tag inside" + name, (tag(0x8100, 3), frame, over(version, gre())), ["gre"], version
        yield "GRE, MPLS" + name, (mpls(20), over(version, gre())), ["gre", "mpls:20"], version
        yield "ERSPAN I" + name, (frame, over(version, erspan(1))), ["erspan1"], version
        yield "ERSPAN II" + name, (tag(0x8100, 3), frame, over(version, erspan(2, 1023))), ["erspan2:1023"], version
        yield "ERSPAN III" + name, (frame, over(version, erspan(3, 5))), ["erspan3:5"], version
        yield "ERSPAN III, subheader" + name, (frame, over(version, erspan(3, 5, True))), ["erspan3:5"], version
        yield "ERSPAN III, IP" + name, (over(version, erspan(3, 5, True, True)),), ["erspan3:5"], version
        yield "VXLAN" + name, (frame, over(version, vxlan(16777215))), ["vxlan:16777215"], version
        yield "VXLAN, Linux" + name, (frame, over(version, vxlan(1, 8472))), ["vxlan:1"], version
        yield "VXLAN, group" + name, (frame, over(version, vxlan(1, policy=77))), ["vxlan:1"], version
        yield "VXLAN, QinQ inside" + name, (tag(0x8100, 3), tag(0x88A8, 4), frame, over(version, vxlan(2))), ["vxlan:2"], version
        yield "VXLAN-GPE, IP" + name, (over(version, vxlan_gpe(3)),), ["vxlan-gpe:3"], version
        yield "VXLAN-GPE, Ethernet" + name, (frame, over(version, vxlan_gpe(3))), ["vxlan-gpe:3"], version
        yield "GENEVE" + name, (frame, over(version, geneve(4))), ["geneve:4"], version
        yield "GENEVE, options, C" + name, (frame, over(version, geneve(4, options, 0x40))), ["geneve:4"], version
        yield "GENEVE, IP, O" + name, (over(version, geneve(4, options, 0x80)),), ["geneve:4"], version
        yield "IP in IP" + name, (over(version, ip_in),), ["in%d" % version], version
        yield "MPLS in IP" + name, (mpls(21), over(version, mpls_in)), ["mpls:21"], version
    yield "IPv4 options outside", (over(4, ip_in, options=b"\x94\4\0\0"),), ["in4"], 4
    yield ("a deep stack", (tag(0x8100, 3), ethernet(pad=60), over(4, vxlan(2)), over(6, gre(key=1)), mpls(22, 23), pppoe(24),
                            tag(0x8100, 5), tag(0x88A8, 6)),
           ["pppoe:24", "mpls:22", "mpls:23", "gre:1", "vxlan:2"], 6)
    yield ("a mirrored tunnel", (ethernet(pad=60), over(4, geneve(2)), ethernet(), over(4, erspan(2, 9))),
           ["erspan2:9", "geneve:2"], 4)


def named(names, record):
    """The names with those of IP in IP, which depend on the flow's own version."""
    inner = 6 if ":" in record["src_ip"] else 4
    words = {"in4": "ipip" if inner == 4 else "6in4", "in6": "4in6" if inner == 4 else "6in6"}
    return [words.get(name, name) for name in names]


class Checks:
    def __init__(self, smbtap, capture):
        self.smbtap, self.capture = smbtap, capture
        self.packets = pcapfile.read(os.path.join(tap.ROOT, capture))
        ports = [part for port in (445, 139, 4455) for part in ("--port", str(port))]
        self.filter = tap.run(smbtap, "--print-filter", *ports).out.decode().strip()
        self.expected = self.records(self.packets)
        self.rng = random.Random(7)

    def run(self, packets, *arguments):
        return tap.run(self.smbtap, "-r", "-", "--detail", "operations", *arguments, stdin=pcapfile.pcap(packets))

    def records(self, packets, *arguments):
        run = self.run(packets, *arguments)
        return tap.records(run.out) if run.status == 0 else [run.err]

    def same(self, name, packets, names=(), version=0, expected=None, ignore=(), arguments=(), but=None):
        """The records, but for findings of one rule, are the expected ones, and name the layers; also behind the default filter."""
        found = [record for record in self.records(packets, *arguments) if but is None or record.get("rule_id") != but]
        expected = self.expected if expected is None else expected
        strip = OF_LINK | set(ignore)
        wrong = ["%d records, %d expected" % (len(found), len(expected))] if len(found) != len(expected) else []
        for was, now in zip(expected, found):
            if without(was, strip, was, now) != without(now, strip, was, now):
                wrong += [was, now]
            elif now["object"] == "flow" or "src_ip" in now:
                wrong += self.layers(now, names, version)
        tap.check("%s: %s" % (tap.stem(self.capture), name), expected and not wrong, *wrong[:4])
        link = packets[0].link
        if link == pcapfile.ETHERNET:
            filtered = [record for record in self.records(packets, *arguments, self.filter)
                        if but is None or record.get("rule_id") != but]
            numbers = {"record_id", "evidence"} | ({"seq"} if but else set())  # records that were left out had some
            differing = [pair for pair in zip(found, filtered) if without(pair[0], numbers) != without(pair[1], numbers)]
            tap.check("%s: %s, through the filter" % (tap.stem(self.capture), name),
                      len(filtered) == len(found) and not differing, len(found), len(filtered), *differing[:1])
        return found

    @staticmethod
    def layers(record, names, version):
        capture = record["capture"]
        if "capture" in record.get("proto_info", {}).get("truncated", ()):
            return [] if "encapsulation" not in capture else [capture]
        if capture.get("encapsulation", []) != named(names, record):
            return [capture, named(names, record)]
        if not version:
            return [capture] if "tunnel_src_ip" in capture or "tunnel_dest_ip" in capture else []
        side = int(record["src_ip"].split(":")[-1], 16) if ":" in record["src_ip"] else int(record["src_ip"].split(".")[-1])
        addresses = [wrapping.tunnel_address(version, side), wrapping.tunnel_address(version, side ^ 0x80)]
        return [] if [capture.get("tunnel_src_ip"), capture.get("tunnel_dest_ip")] == addresses else [capture, addresses]

    def wrapped(self):
        for name, layers, names, version in stacks():
            self.same(name, wrapping.wrap(self.packets, *layers), names, version)

    def links(self):
        for link, name in ((pcapfile.LINUX_SLL, "cooked v1"), (pcapfile.LINUX_SLL2, "cooked v2"), (pcapfile.RAW, "raw")):
            wrap = lambda *layers: wrapping.wrap(self.packets, *layers, link=link)  # noqa: E731
            if link != pcapfile.RAW:
                self.same("tags on " + name, wrap(tag(0x8100, 7), tag(0x9100, 8)))
                self.same("MPLS on " + name, wrap(mpls(16)), ["mpls:16"])
            self.same("VXLAN on " + name, wrap(ethernet(pad=60), over(4, vxlan(2))), ["vxlan:2"], 4)

    def orders(self):
        rng = self.rng

        def equal(pieces):
            """Each piece again with a part of the next one."""
            whole = b"".join(piece for _, piece, _ in pieces)
            return [(at, whole[at:at + len(piece) + 64] if more else piece, more and at + len(piece) + 64 < len(whole))
                    for at, piece, more in pieces]

        def differing(pieces):
            """What came first is right; a piece that comes again, longer or not, is not."""
            junk = [(at, bytes(byte ^ 0xFF for byte in piece), more) for at, piece, more in pieces]
            return [other for pair in zip(pieces[:-1], junk[:-1]) for other in pair] + [pieces[-1]]

        yield "in order", lambda pieces: pieces
        yield "reversed", lambda pieces: pieces[::-1]
        yield "in random order", lambda pieces: rng.sample(pieces, len(pieces))
        yield "each twice", lambda pieces: [piece for piece in pieces for _ in range(2)]
        yield "all of them twice", lambda pieces: pieces + pieces
        yield "overlapping, equal", equal
        yield "overlapping, equal, reversed", lambda pieces: equal(pieces)[::-1]
        yield "overlapping, different", differing

    def in_fragments(self, name, fragments, counts):
        """The same, and a finding for each connection where fragments contradict each other. The filter sees the ports of a first
        fragment and no others: a false one of another port does not pass it, and contradicts nothing then."""
        packets = fragments.frames(self.packets)
        raised, passed = ([record for record in self.records(packets, *also) if record.get("rule_id") == "ip_overlap_differs"]
                          for also in ((), (self.filter,)))
        flows = {record["flow_id"] for record in self.expected if record["action"] == "end"}
        told = {record["flow_id"] for record in raised}
        good = told <= flows and (told == flows or fragments.size > 104) if "different" in name else not told
        tap.check("%s: %s, findings" % (tap.stem(self.capture), name), good and len(raised) == len(told), *raised[:2])
        behind = {record["flow_id"] for record in passed}
        tap.check("%s: %s, findings behind the filter" % (tap.stem(self.capture), name),
                  behind <= told and (behind == told or fragments.size > 104), *passed[:2])
        self.same(name, packets, but="ip_overlap_differs", ignore=counts["ignore"] + ["seq"])

    def fragmented(self):
        counts = {"ignore": ["packet_count"]}
        for size in (8, 24, 104, 552):
            for name, order in self.orders():
                if size > 8 or name == "in random order":
                    self.in_fragments("fragments of %d, %s" % (size, name), Fragments(size, order), counts)
        frame, shuffle = ethernet(pad=60), lambda pieces: self.rng.sample(pieces, len(pieces))
        cut = Fragments(64, shuffle)
        self.same("fragments behind tags", cut.frames(self.packets, (), (tag(0x8100, 3), tag(0x88A8, 4))))
        self.same("fragments in VXLAN", cut.frames(self.packets, (), (frame, over(4, vxlan(2)))), ["vxlan:2"], 4)
        self.same("a fragmented tunnel", cut.frames(self.packets, (frame, over(4, vxlan(2)))), ["vxlan:2"], 4)
        self.same("a fragmented tunnel over IPv6", cut.frames(self.packets, (over(6, gre(key=3)),)), ["gre:3"], 6)
        self.same("fragments in a fragmented tunnel", self.twice(cut), ["gre"], 4)
        self.same("fragments with trailers", cut.frames(self.packets, (), (ethernet(pad=60, trailer=b"trailer!"),)))
        found = self.records(cut.frames(self.packets))
        tap.check("%s: fragments are in no record" % tap.stem(self.capture),
                  not any("encapsulation" in record.get("capture", {}) for record in found))

    def twice(self, cut):
        """Fragments, each in a tunnel that is cut as well."""
        result = []
        for packet in cut.frames(self.packets, (), (over(4, gre()),)):
            outer = wrapping.pdu(packet)
            for piece in cut.layer(outer) if outer else ():
                data = packet.data[:14] + piece.data
                result.append(packet._replace(data=data, length=len(data)))
        return result

    def lost(self):
        """A fragment that is missing is a segment that is missing."""
        big = [at for at, packet in enumerate(self.packets)
               if (segment := pcapfile.segment(packet)) and len(segment.payload) > 200]
        for victim in self.rng.sample(big, min(3, len(big))):
            fragments = Fragments(64)
            lossy = Fragments(64, lambda pieces: pieces[:1] + pieces[2:])
            packets = []
            for at, packet in enumerate(self.packets):
                lossy.number = fragments.number = at
                packets += (lossy if at == victim else fragments).frames([packet])
            expected = self.records(self.packets[:victim] + self.packets[victim + 1:])
            self.same("a fragment of packet %d is missing" % (victim + 1), packets, expected=expected)
        if not big:
            return
        run = tap.run(self.smbtap, "-v", "-r", "-", "-o", "/dev/null", stdin=pcapfile.pcap(packets))
        tap.check("%s: and is counted" % tap.stem(self.capture), "without its datagram" in run.err or
                  "without their datagram" in run.err, run.err)

    def cut(self):
        """What the snap length took of fragments is missing as it is of whole packets."""
        if any(wrapping.pdu(packet).type != wrapping.IPV4 for packet in self.packets if wrapping.pdu(packet)):
            return
        for snap_length in (90, 140):
            plain = [packet._replace(data=packet.data[:snap_length]) for packet in self.packets]
            pieces = [packet._replace(data=packet.data[:snap_length]) for packet in Fragments(200).frames(self.packets)]
            expected = self.records(plain)
            if expected:  # of a port that is not SMB's, so little shows nothing
                self.same("fragments cut at %d" % snap_length, pieces, expected=expected)

    def lengths(self):
        """IP that states no length, padding, trailers, wrong checksums."""
        zero = []
        for packet in self.packets:
            p, at = wrapping.pdu(packet), 16 if packet.data[12:14] == b"\x08\0" else 18
            data = packet.data[:14] + p.data if p else packet.data
            data = data[:at] + b"\0\0" + data[at + 2:] if p else data
            data += b"\0" * (60 - len(data)) if at == 16 else b""
            zero.append(packet._replace(data=data, length=len(data)))
        self.same("IP of length 0", zero)
        trailed = [packet._replace(data=packet.data + b"\xfeSMBtrailer", length=packet.length + 11) for packet in self.packets]
        self.same("trailers", trailed)
        jumbo = []
        for packet in self.packets:
            p = wrapping.pdu(packet)
            if p and p.type == wrapping.IPV6:
                hop = struct.pack("!BBBBI", p.data[6], 0, 0xC2, 4, len(p.data) - 40 + 8)
                data = packet.data[:14] + p.data[:4] + b"\0\0\0" + p.data[7:40] + hop + p.data[40:] + b"trailer"
                packet = packet._replace(data=data, length=len(data))
            jumbo.append(packet)
        self.same("jumbograms", jumbo)

    def checksums(self):
        self.same("checksums verified", self.repaired(), arguments=["--verify-checksums"])
        bad = []
        for at, packet in enumerate(self.repaired()):
            segment = pcapfile.segment(packet)
            bad.append(packet)
            if segment and segment.payload and at % 3 == 0:  # the same segment before it, with other bytes
                data = bytearray(packet.data)
                data[-1] ^= 0x55
                if at % 2 and segment.version == 4:
                    data = bytearray(segment.packet.data)
                    data[segment.network + 10] ^= 0x55
                bad.insert(-1, packet._replace(data=bytes(data)))
        self.same("wrong checksums are left alone", bad, arguments=["--verify-checksums"])
        damaged = []
        for packet in self.packets:
            segment = pcapfile.segment(packet)
            if segment:
                data = bytearray(packet.data)
                data[segment.transport + 16:segment.transport + 18] = b"\x12\x34"
                if segment.version == 4:
                    data[segment.network + 10:segment.network + 12] = b"\x56\x78"
                packet = packet._replace(data=bytes(data))
            damaged.append(packet)
        self.same("wrong checksums do not matter otherwise", damaged)

    def repaired(self):
        """Captured on the sending host, the packets have no checksums of their own."""
        result = []
        for packet in self.packets:
            segment = pcapfile.segment(packet)
            result.append(segment.with_payload(segment.seq, segment.flags, segment.payload) if segment else packet)
        return result

    def keys(self):
        """Two VLANs, or two tunnels, with the same addresses and ports in them."""
        for key, low, high in (("vlan", (tag(0x8100, 1),), (tag(0x8100, 2),)),
                               ("tunnel", (ethernet(pad=60), over(4, vxlan(1))), (ethernet(pad=60), over(4, vxlan(2))))):
            first, second = wrapping.wrap(self.packets, *low), wrapping.wrap(self.packets, *high)
            mixed = [packet for pair in zip(first, second) for packet in pair]
            found = self.records(mixed, "--flow-key", key)
            tap.check("%s: --flow-key %s" % (tap.stem(self.capture), key),
                      sorted(self.by_flow(found)) == sorted(self.by_flow(self.expected) * 2), self.by_flow(found))

    @staticmethod
    def by_flow(records):
        """How many records each flow has."""
        ids = [record["flow_id"] for record in records if record["object"] == "flow"]
        return [ids.count(one) for one in sorted(set(ids))]

    def directions(self):
        """A trunk may tag the two directions differently."""
        sides = {}
        packets = []
        for packet in self.packets:
            p = wrapping.pdu(packet)
            vid = sides.setdefault(p.side, 10 + len(sides)) if p else 1
            packets += wrapping.wrap([packet], tag(0x8100, vid))
        self.same("each direction in its VLAN", packets)


def without(record, names, *pair):
    """A record without these members, nor those that one of a pair was cut in: what is left of them depends on the room."""
    cut = {"truncated"} if any("truncated" in other.get("proto_info", {}) for other in pair) else set()
    for other in pair:
        cut |= set(other.get("proto_info", {}).get("truncated", ()))
    return {name: without(value, cut) if name == "proto_info" else value
            for name, value in record.items() if name not in names | cut}


def other_traffic(smbtap, packets):
    """What must not pass the default filter: packets of the same shapes with other ports and protocols."""
    flt = tap.run(smbtap, "--print-filter").out.decode().strip()
    segments = [segment for segment in map(pcapfile.segment, packets) if segment][:20]
    http = []
    for segment in segments:
        data = bytearray(segment.packet.data)
        ports = segment.transport
        for at in (ports, ports + 2):
            if data[at:at + 2] in (b"\x01\xbd", b"\0\x8b"):
                data[at:at + 2] = b"\0\x50"
        http.append(segment.packet._replace(data=bytes(data)))
    dns = []
    for segment in segments:
        kind = wrapping.pdu(segment.packet)
        data = struct.pack("!HHHH", 40000, 53, 8 + 17, 0) + b"\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\0\0\1"
        ip = wrapping.ipv4(17, data, kind.side) if kind.type == wrapping.IPV4 else wrapping.ipv6(17, data, kind.side)
        dns.append(segment.packet._replace(data=segment.packet.data[:14] + ip, length=14 + len(ip)))
    arp = [packets[0]._replace(data=b"\xff" * 6 + wrapping.MAC_A + b"\x08\x06" + b"\0\1\x08\0\6\4\0\1" + b"\0" * 38, length=60)]
    for name, frames in (("HTTP", http), ("DNS", dns), ("ARP", arp)):
        for tags in range(4):
            tagged = [frame._replace(data=frame.data[:12] + b"".join(b"\x81\0\0" + bytes((vid,)) for vid in range(tags)) +
                                     frame.data[12:], length=frame.length + 4 * tags) for frame in frames]
            run = tap.run(smbtap, "-v", "-r", "-", flt, stdin=pcapfile.pcap(tagged))
            passed = re.search(r"([\d,]+) packets?", run.err)
            tap.check("%s behind %d tags does not pass the filter" % (name, tags), run.status == 0 and not passed, run.err)
    unlike = [(over(4, vxlan(1)), 0x04), (over(4, geneve(1)), 0x40)]
    for layer, flags in unlike:  # a port alone makes no tunnel
        frames = []
        for packet in wrapping.wrap(packets, ethernet(pad=60), layer):
            data = bytearray(packet.data)
            data[14 + 20 + 8] = flags
            frames.append(packet._replace(data=bytes(data)))
        run = tap.run(smbtap, "-r", "-", stdin=pcapfile.pcap(frames))
        tap.check("a port alone makes no tunnel", run.status == 0 and not run.out, run.err, run.out[:400])


def main():
    smbtap, names = sys.argv[1], sys.argv[2:] or CAPTURES
    for capture in tap.captures(*names):
        checks = Checks(smbtap, capture)
        for part in (checks.wrapped, checks.links, checks.fragmented, checks.lost, checks.cut, checks.lengths,
                     checks.checksums, checks.keys, checks.directions):
            part()
    other_traffic(smbtap, pcapfile.read(os.path.join(tap.ROOT, tap.captures(*names)[0])))
    tap.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What networks, hosts and capture cards do to a capture does not change what is told of it.

usage: derive.py SMBTAP [--all] [--count N] [--only TEXT] [NAME...]

Of some captures of pcaps/ (those with the names; --all: of all, and each in both levels of detail) others are derived, each
with one nasty of nasty.py. Where no byte is lost the records must be those of the capture itself but for what tells of packets:
frames, times, counts, what is made of them, and what the nasty itself must change, which is named with it. Records of one
connection come in the same order; those of several may mix otherwise where packets were moved.

Where bytes are lost, their number must be right, each operation both of whose messages are whole must be there, and nothing
may be invented (drop.py says what that means). --count: how many random mixtures of cuts, order, copies and
overlaps are tried of each capture. --only: the nasties with the text in their name.
"""
import argparse
import collections
import ipaddress
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import drop  # noqa: E402
import nasty  # noqa: E402
import pcapfile  # noqa: E402
import recut  # noqa: E402
import tap  # noqa: E402

# SMB2; its port 139; two connections of one session; large reads and writes; SMB1; SMB1 on 139; IPv6.
NAMES = ("compounds", "port-139", "multichannel-3.1.1", "large", "smb1-io", "smb1-139", "ipv6")
LOSSY = ("compounds", "smb1-139", "multichannel-3.1.1") # in which bytes are lost as well
BOTH_DETAILS = ("port-139",) # the others with every operation alone
RAW = ("SMB1_READ_RAW",) # its response has no header to be found by
PORT_139 = (139).to_bytes(2, "big")
STANDARD_PORTS = {(445).to_bytes(2, "big"), PORT_139}
DETAILS = ("handles", "operations")
FIN, SYN, RST, ACK, URG = nasty.FIN, nasty.SYN, nasty.RST, nasty.ACK, nasty.URG
SECOND, HOUR, DAY = 10**9, 3600 * 10**9, 86400 * 10**9
IGNORED = recut.OF_PACKETS | {"seq"}
# How a connection began and ended is said in these words as well.
OF_ENDS, SAID_AGAIN = {"start_seen", "end_reason", "closed_by"}, {"windows_events", "stages"}
NEVER = "1000d" # no clock makes an answer so late
LATE_SYN = ("start_seen",) # a SYN behind data that has passed is too late to be told of in the record of the start

# A derived capture, whose records are those of the capture but for the names in but. differing: how many segments brought other bytes
# for what was there. parts: captures whose records they are, one after the other, where it is not the capture.
# any_order: packets moved; what does not wait for each other by what it acknowledges may be told in another order.
Same = collections.namedtuple("Same", "name packets but differing parts any_order")
# One where bytes are lost. wholes: its packets before a snap length cut them.
Lossy = collections.namedtuple("Lossy", "name packets wholes")


def same(name, packets, but=(), differing=0, parts=None, any_order=False):
    but = frozenset(but)
    return Same(name, packets, but | SAID_AGAIN if but & OF_ENDS else but, differing, parts, any_order)


def moved(name, packets, but=()):
    return same(name, packets, but, any_order=True)


def lossy(name, packets, wholes=None):
    return Lossy(name, packets, wholes or packets)


# --- no byte is lost: one generator for each kind, of (the capture's packets) -> cases


def orders(packets):
    """Within what is allowed for: 128 packets, 2 s; a SYN may come 16 packets behind the data that it begins."""
    for places in (1, 2, 5, 20, 60):
        for every in (2, 7):
            yield moved("order: each %d. packet %d places later" % (every, places), nasty.moved(packets, every, places, 1))
    # In a connection of few packets a FIN would come before all else.
    for window in [size for size in (2, 4, 10, 16) if 3 * size <= len(packets)]:
        for seed in range(3):
            yield moved("order: shuffled within %d, seed %d" % (window, seed), nasty.shuffled(packets, window, seed), LATE_SYN)
    begun = [packet for packet, segment in zip(packets, nasty.segments(packets)) if not segment.flags & SYN]
    for seed in range(3):
        yield moved("order: shuffled within 60 behind the handshake, seed %d" % seed,
                   packets[:-len(begun)] + nasty.shuffled(begun, 60, seed))
    for size in [size for size in (2, 3, 8) if 3 * size <= len(packets)]:
        yield moved("order: groups of %d reversed" % size, nasty.turned_groups(packets, size), LATE_SYN)
    for places in (1, 2, 3, 10, 40):
        for side in (True, False):
            yield moved("order: the %s %d places behind" % ("client" if side else "server", places),
                       nasty.one_way_behind(packets, side, places))
    for ms in (1, 10, 100):
        for side in (True, False):
            yield moved("order: the %s %d ms late" % ("client" if side else "server", ms),
                       nasty.one_way_late(packets, side, ms * 10**6))
    yield moved("order: each 5. packet 3 places later, and the clock jumps",
               nasty.clocked(nasty.moved(packets, 5, 3), lambda k, time: time + k // 10 * HOUR))


def copies(packets):
    ethernet = ("src_mac", "dest_mac", "vlan")
    for places in (0, 1, 3, 10, 50):
        yield same("copies: %d places later" % places, nasty.doubled(packets, places))
    yield same("copies: with another TTL and other MACs", nasty.doubled(packets, 0, nasty.as_routed))
    yield same("copies: with another TTL and other MACs, 4 later", nasty.doubled(packets, 4, nasty.as_routed))
    yield same("copies: routed ones first", nasty.doubled(packets, 0, nasty.as_routed, first=True), ethernet)
    yield same("copies: tagged", nasty.doubled(packets, 1, nasty.as_tagged))
    yield same("copies: tagged ones first", nasty.doubled(packets, 0, nasty.as_tagged, first=True), ethernet)
    yield same("copies: four of each", nasty.doubled(nasty.doubled(packets, 2), 5))


def retransmissions(packets):
    for how in (nasty.again_equal, nasty.again_front, nasty.again_back, nasty.again_middle, nasty.again_longer,
                nasty.again_straddling):
        for places in (0, 3, 30):
            again, _ = nasty.sent_again(packets, how, places)
            yield same("%s: %d places later" % (how.__name__.replace("again_", "sent again, "), places), again)
    for how in (nasty.differing_equal, nasty.differing_byte, nasty.differing_shorter, nasty.differing_longer):
        for places in (0, 1, 4):
            again, count = nasty.sent_again(packets, how, places)
            yield same("%s: %d places later" % (how.__name__.replace("differing_", "sent again with other bytes, "), places),
                       again, differing=count)


def probes(packets):
    for payload in (b"", b"\0", b"\xfe"):
        for every in (1, 5):
            yield same("keep-alives: %r at each %d. packet" % (payload, every), nasty.keep_alives(packets, payload, every))
    yield same("zero-window probes", nasty.window_probes(packets))
    yield same("acknowledgments again", nasty.acks_again(packets, 3))
    yield same("acknowledgments left out", nasty.without_acks_between(packets))


def numbers(packets):
    for side in (True, False):
        who = "client" if side else "server"
        for offset in (-1, 0, 1, 3, 4, 8, 36, 300, 1000, 2001):
            yield same("wrap: the %s's byte %d has number 0" % (who, offset), nasty.wrapping(packets, side, offset))
        size = sum(len(segment.payload) for segment in nasty.segments(packets) if nasty.to_server(segment) == side)
        yield same("wrap: the %s's FIN has number 0" % who, nasty.wrapping(packets, side, size))
        yield same("wrap: the %s's numbers turn signed" % who, nasty.shifted(nasty.wrapping(packets, side, 100), side, 1 << 31))
    both = nasty.wrapping(nasty.wrapping(packets, True, 50), False, 70)
    yield same("wrap: both sides", both)
    yield same("wrap: both sides, doubled", nasty.doubled(both, 3))


def segment_sizes(packets):
    for most in (2000, 9000, 65000, 1 << 20):
        yield same("segments: joined up to %d" % most, nasty.joined(packets, most))
        yield same("segments: joined up to %d, without acknowledgments" % most,
                   nasty.joined(nasty.without_acks_between(packets), most))
    yield same("segments: IP length 0", nasty.without_ip_length(packets))
    yield same("segments: joined, IP length 0", nasty.without_ip_length(nasty.joined(packets, 65000)))
    for size in (536, 100, 7, 1):
        if len(packets) * size > 100 or sum(len(packet.data) for packet in packets) < 10000: # single bytes of small captures
            yield same("segments: of %d bytes" % size, nasty.divided(packets, size))
    yield same("segments: IP options", nasty.with_ip_options(packets))
    for tail in (b"\0", b"\xff", b"\xfeSMB\0\0\0\x40"):
        yield same("segments: padding of %r" % tail, nasty.padded(packets, tail, 60))
    yield same("segments: urgent", nasty.flagged(packets, URG), ("tcp_flags",))
    yield same("segments: congestion", nasty.flagged(packets, 0xC0), ("tcp_flags",))


def forgeries(packets):
    """A RST is believed inside the window alone. Where it is, and its sender goes on, it was not the sender's own."""
    found = nasty.segments(packets)
    fins = {nasty.connection(one) for one in found if one.flags & FIN} == {nasty.connection(one) for one in found}
    for flags in (RST, RST | ACK):
        for distance in (1 << 31, 1 << 30, -(1 << 30), -(1 << 24), 1 << 25):
            for side in (True, False):
                yield same("forged RST of the %s, %d off, flags %d" % ("client" if side else "server", distance, flags),
                           nasty.forged(packets, flags, side, distance))
        for side in (True, False):
            yield same("forged RST of the %s, in place, flags %d" % ("client" if side else "server", flags),
                       nasty.forged(packets, flags, side, 0, every=11), () if fins else ("closed_by",))
    yield same("forged FINs of both", nasty.forged(nasty.forged(packets, FIN | ACK, True, 0, 13), FIN | ACK, False, 0, 7),
               ("closed_by", "tcp_flags"))
    for side in (True, False):
        who = "client" if side else "server"
        yield same("forged FIN of the %s" % who, nasty.forged(packets, FIN | ACK, side, 0, 13), ("closed_by",) if fins else ("closed_by", "tcp_flags"))
        yield same("forged SYN of the %s" % who, nasty.forged(packets, SYN, side, 123456))
        yield same("forged SYN and ACK of the %s" % who, nasty.forged(packets, SYN | ACK, side, 123456))
        for distance in (1 << 20, 1 << 27, -(1 << 27))[not fins:]: # before a FIN it is told to be none of the stream's
            yield same("forged data of the %s, %d off" % (who, distance),
                       nasty.forged(packets, ACK, side, distance, 13, b"\0\0\0\x40\xfeSMB"))


def beginnings_and_ends(packets):
    yield same("end: FIN with the last data", nasty.fin_with_data(packets), ("closed_by",))
    yield same("end: FINs at once", nasty.fins_at_once(packets))
    for side in (True, False):
        who = "client" if side else "server"
        yield same("end: the %s half closed" % who, nasty.fin_early(packets, side, False), ("closed_by",))
        yield same("end: the %s's FIN in front of its last data" % who, nasty.fin_early(packets, side, True), ("closed_by",))
    for keep in (False, True):
        yield same("begin: data in the SYN, keep %d" % keep, nasty.data_with_syn(packets, True, keep))
    found = nasty.segments(packets)

    def without(wanted):
        return [packet for packet, segment in zip(packets, found) if not wanted(segment)]

    def third(segment):
        return not segment.payload and segment.flags == ACK and segment.seq in firsts.get(segment.flow, ())

    firsts = {segment.flow: (segment.seq + 1,) for segment in found if segment.flags & (SYN | ACK) == SYN}
    yield same("begin: without the SYN", without(lambda one: one.flags & (SYN | ACK) == SYN))
    yield same("begin: without the server's SYN", without(lambda one: one.flags & (SYN | ACK) == SYN | ACK))
    yield same("begin: without the handshake's last", without(third))
    # Without its beginning NetBIOS's session request is not found, which has the two names.
    picked_up = ("start_seen", "midstream", "tcp_flags") + (
        ("netbios_session", "src_hostname", "hostname", "dest_hostname", "parse_faults") if found[0].flow[3] == PORT_139 else ())
    yield same("begin: without any SYN", without(lambda one: one.flags & SYN), picked_up)
    yield same("begin: without a handshake", without(lambda one: one.flags & SYN or third(one)), picked_up)
    yield same("end: without FINs", without(lambda one: one.flags & FIN), ("tcp_flags", "end_reason", "closed_by"))


def clocks(packets):
    start, n = packets[0].time_ns, len(packets)
    for delta, name in ((HOUR, "an hour"), (30 * DAY, "30 days"), (-HOUR, "an hour back"), (-2 * SECOND, "2 s back")):
        for place in (n // 5, n // 2, n - 4):
            yield same("clock: jumps %s at packet %d" % (name, place),
                       nasty.clocked(packets, lambda k, time, place=place, delta=delta: time + (delta if k >= place else 0)))
        yield same("clock: %s for one packet in 7" % name,
                   nasty.clocked(packets, lambda k, time, delta=delta: time + (delta if k % 7 == 3 else 0)))
    yield same("clock: stands", nasty.clocked(packets, lambda k, time: start))
    yield same("clock: runs backwards", nasty.clocked(packets, lambda k, time: 2 * start - time))
    yield same("clock: runs backwards by seconds", nasty.clocked(packets, lambda k, time: start - k * SECOND))
    yield same("clock: at 0", nasty.clocked(packets, lambda k, time: time - start))
    yield same("clock: is 0", nasty.clocked(packets, lambda k, time: 0))
    yield same("clock: far in the future", nasty.clocked(packets, lambda k, time: time + (200 * 365 * DAY)))
    yield same("clock: forward and back each packet", nasty.clocked(packets, lambda k, time: time + (k % 2) * DAY))


# Of the second connection they are known from the first.
OF_MACHINES = ("src_hostname", "src_fqdn", "hostname", "fqdn", "dest_hostname", "dest_fqdn")


def used_again(packets):
    """Another connection on the same addresses and ports, whose records come behind those of the first."""
    def without_syns(some, flags):
        return [one for one in some if not pcapfile.segment(one).flags & (SYN | ACK) in flags]

    def named(title, made, ignored=(), parts=None):
        return same(title, made, (*ignored, *OF_MACHINES), parts=parts)

    again = nasty.shifted(nasty.shifted(packets, True, 777000), False, 5000000)
    for delta in (300, 1 << 20, 1 << 30, 1 << 31, -300, -70000, -(1 << 20), -(1 << 30)):
        second = nasty.shifted(nasty.shifted(packets, True, delta), False, -delta)
        yield named("used again: numbers %d on" % delta, nasty.after(packets, second), parts=(packets, second))
    for pause in (0, 60 * SECOND, 5 * HOUR):
        yield named("used again: %d s later" % (pause // SECOND), nasty.after(packets, again, pause), parts=(packets, again))
    yield named("used again: three times", nasty.after(nasty.after(packets, again), nasty.shifted(again, True, 99999)),
               parts=(packets, again, again))
    yield named("used again: without the SYN", nasty.after(packets, without_syns(again, (SYN,))), parts=(packets, again))
    yield named("used again: without the server's SYN", nasty.after(packets, without_syns(again, (SYN | ACK,))), parts=(packets, again))
    bare = without_syns(again, (SYN, SYN | ACK))
    yield named("used again: without any SYN", nasty.after(packets, bare), parts=(packets, bare))
    for cut in range(4, len(packets) - 3, max(1, len(packets) // 9)):
        yield named("used again: abruptly after packet %d" % cut, nasty.after(packets[:cut], again), ("end_reason",),
                   parts=(packets[:cut], again))
    cut = packets[:len(packets) // 2]
    yield named("used again: abruptly, without the SYN", nasty.after(cut, without_syns(again, (SYN,))), ("end_reason",),
               parts=(cut, again))
    yield named("used again: abruptly, without the server's SYN", nasty.after(cut, without_syns(again, (SYN | ACK,))), ("end_reason",),
               parts=(cut, again))
    yield named("used again: abruptly, doubled", nasty.doubled(nasty.after(cut, again), 1), ("end_reason",), parts=(cut, again))


KINDS = (copies, retransmissions, probes, numbers, segment_sizes, forgeries, clocks)
# Where connections of one session depend on each other, what happens first matters: these are tried with each connection alone.
LONE_KINDS = (orders, beginnings_and_ends, used_again)


# --- any mixture


def mixture(packets, seed):
    """Cut anew, some of it again and overlapping, some of it twice, and out of order."""
    generator = random.Random(seed)
    if generator.random() < 0.7:
        packets = nasty.stamped(recut.recut(packets, seed))
    if len(packets) > 4000:
        return packets
    if generator.random() < 0.5:
        packets = nasty.wrapping(packets, generator.random() < 0.5, generator.randint(0, 3000))
    for how in (nasty.again_front, nasty.again_middle, nasty.again_longer, nasty.again_straddling):
        if generator.random() < 0.5:
            packets, _ = nasty.sent_again(packets, how, generator.randint(0, 10), 0.2, generator.random())
    if generator.random() < 0.3:
        packets = nasty.doubled(packets, generator.randint(0, 5))
    if generator.random() < 0.8:
        packets = nasty.shuffled(packets, generator.choice((2, 5, 20, 60)), generator.random())
    return packets


def mixtures(packets, count):
    for seed in range(count):
        yield moved("mixture %d" % seed, mixture(packets, seed))


# --- bytes are lost


def later_starts(packets):
    """The capture begins at each packet, and in the middle of messages."""
    for n in range(1, len(packets)):
        yield lossy("begins at packet %d" % (n + 1), packets[n:])
    alive = nasty.keep_alives(packets, b"\0", 1)
    for n in range(5, len(alive), max(1, len(alive) // 40)):
        yield lossy("begins at packet %d, with keep-alives" % (n + 1), alive[n:])
    # On other ports a connection under way is found by a header that a segment begins with.
    pieces = 61 if nasty.connection(pcapfile.segment(packets[0]))[3] in STANDARD_PORTS else 400
    small = nasty.divided(packets, pieces)
    for n in range(5, len(small), max(1, len(small) // 25)):
        yield lossy("begins at piece %d" % (n + 1), small[n:])


def earlier_ends(packets):
    for n in range(2, len(packets), 3):
        yield lossy("ends behind packet %d" % n, packets[:n])


def one_sides(packets):
    for side in (True, False):
        who = "client" if side else "server"
        found = nasty.segments(packets)
        yield lossy("the %s alone" % who, [one.packet for one in found if nasty.to_server(one) == side])
        yield lossy("the %s alone, but for SYNs" % who, [one.packet for one in found if nasty.to_server(one) == side or one.flags & SYN])


def losses(packets):
    for n in range(len(packets)):
        yield lossy("without packet %d" % (n + 1), packets[:n] + packets[n + 1:])
    for seed, rate in enumerate((0.02, 0.1, 0.3)):
        generator = random.Random(seed)
        yield lossy("%d %% lost" % (rate * 100), [packet for packet in packets if generator.random() >= rate])
    small = nasty.divided(packets, 100)
    for seed in range(3):
        generator = random.Random(seed)
        some = [packet for packet in small if generator.random() >= 0.05]
        yield lossy("5 %% lost of small pieces, seed %d" % seed, some)
        yield lossy("5 %% lost of small pieces, shuffled, seed %d" % seed, nasty.shuffled(some, 6, seed))


def snap_lengths(packets):
    known = nasty.connection(pcapfile.segment(packets[0]))[3] in STANDARD_PORTS
    for length in (54, 66, 68, 96, 128, 200, 256, 400, 600, 1000, 1500)[0 if known else 5:]: # else there is no header to find it by
        yield lossy("cut at %d bytes" % length, nasty.snapped(packets, length), packets)


LOSSES = (later_starts, earlier_ends, one_sides, losses, snap_lengths)


# --- running and comparing


def is_differing(record):
    return record.get("rule_id") == "tcp_overlap_differs"


def by_connection(records):
    """Records by connection; what was found comes by the pair of hosts, since it is told of the connection that was first, by its time."""
    found = collections.defaultdict(list)
    for record in records:
        if record["object"] == "flow":
            found[drop.place(record)].append(record)
        elif not is_differing(record):
            kept = {name: record.get(name) for name in ("object", "action", "src_ip", "dest_ip", "rule_id", "severity")}
            rules = found[kept["src_ip"], 0, kept["dest_ip"], 0]
            rules += [] if kept in rules else [kept] # once in an interval of time
    return {place: sorted(some, key=lambda record: record.get("rule_id", "")) for place, some in found.items()}


def as_text(record, but):
    return json.dumps(recut.without(record, IGNORED | but | recut.truncated(record)), sort_keys=True)


def differences(old, new, but, any_order):
    """What differs between records, connection by connection, in lines."""
    old, new, lines = by_connection(old), by_connection(new), []
    for place in sorted(set(old) | set(new)):
        one, other = old.get(place, ()), new.get(place, ())
        if any_order and sorted(as_text(record, but) for record in one) == sorted(as_text(record, but) for record in other):
            continue
        if len(one) != len(other):
            lines.append("%s: %d records, and %d" % (place, len(one), len(other)))
        for before, after in zip(one, other):
            ignored = IGNORED | but | recut.truncated(before) | recut.truncated(after)
            before, after = recut.without(before, ignored), recut.without(after, ignored)
            if before != after and len(lines) < 2:
                lines += differing_fields(before, after)
    return lines


def differing_fields(before, after):
    flat = [dict(record, **{"proto_info." + name: value for name, value in record.get("proto_info", {}).items()})
            for record in (before, after)]
    names = [name for name in list(flat[0]) + list(flat[1]) if name != "proto_info" and flat[0].get(name) != flat[1].get(name)]
    return ["%s: %s" % (before.get("content", before.get("rule_id", before["action"])),
                        ", ".join("%s is %s, was %s" % (name, flat[1].get(name), flat[0].get(name))
                                  for name in dict.fromkeys(names))[:400])]


class Messages:
    """Where the messages of a capture are that has all of them."""

    def __init__(self, packets):
        self.where = collections.defaultdict(list) # (client's and server's address and port, message id): (flow, start, end)
        streams, first = {}, {}
        for segment in nasty.segments(packets):
            start = segment.seq + bool(segment.flags & SYN)
            first.setdefault(segment.flow, start)
            at = nasty.near(start - first[segment.flow])
            if segment.payload:
                assert at == len(streams.setdefault(segment.flow, bytearray()))
                streams[segment.flow] += segment.payload
        for flow, stream in streams.items():
            self._divide(flow, first[flow], stream)

    def _divide(self, flow, first, stream):
        name = flow if flow[3] in nasty.SERVER_PORTS else nasty.turned(flow)
        at = 0
        while at + 4 <= len(stream):
            end = at + 4 + int.from_bytes(stream[at + 1:at + 4], "big")
            for message_id in message_ids(stream[at + 4:end]):
                self.where[name, message_id].append((flow, first + at, first + end))
            at = end

    def whole(self, packets, wholes):
        """The messages all of whose parts, both ways, are in the packets."""
        there = {}
        for packet, segment in zip(packets, nasty.segments(wholes)):
            seen = max(0, min(len(packet.data) - len(segment.headers), len(segment.payload)))
            start = segment.seq + bool(segment.flags & SYN)
            there.setdefault(segment.flow, []).append((start, start + seen))
        return {key for key, spans in self.where.items()
                if len({flow for flow, _, _ in spans}) == 2 and all(covered(there.get(flow, ()), start, end)
                                                                   for flow, start, end in spans)}


def covered(parts, start, end):
    at = start
    for low, high in sorted((nasty.near(low - start), nasty.near(high - start)) for low, high in parts):
        if low <= nasty.near(at - start) < high:
            at = start + high
    return nasty.near(at - end) >= 0


def message_ids(message):
    """The ids of an SMB2 chain, or the id of an SMB1 message."""
    if message[:4] == b"\xffSMB" and len(message) >= 32:
        yield int.from_bytes(message[30:32], "little")
    at = 0
    while message[at:at + 4] == b"\xfeSMB" and len(message) >= at + 64:
        yield int.from_bytes(message[at + 24:at + 32], "little")
        step = int.from_bytes(message[at + 20:at + 24], "little")
        at += step or len(message)


def named(record):
    """The connection of a record as nasty.py names it."""
    pair = []
    for address, port in ((record["src_ip"], record["src_port"]), (record["dest_ip"], record["dest_port"])):
        pair += [ipaddress.ip_address(address).packed, port.to_bytes(2, "big")]
    return tuple(pair)


def told(records):
    """How often each operation is told, by what it is known by and how it went."""
    found = collections.Counter()
    for record in records:
        info = record.get("proto_info", {})
        if record["action"] == "message" and "message_id" in info and "command" in info:
            found[named(record), info["message_id"], info["command"], info.get("status"), info.get("request_seen", True),
                  info.get("response_seen", True)] += 1
    return found


def unfound(case, messages, whole, records):
    """Operations that are whole in the packets and have no record that says so."""
    there, found = messages.whole(case.packets, case.wholes), told(records)
    unbelieved = told(drop.after_smb2(whole))
    for key, count in told(whole).items():
        if key[:2] in there and key[2] not in RAW and key not in unbelieved and found[key] < count:
            yield "%s %s of message %d is there %d times, and was found %d times" % (key[2:4] + (key[1], count, found[key]))


def without_renamed(whole, records):
    """The records without deletions that are known by a name which the file had before it was renamed."""
    renamed = {record["proto_info"].get("file_id") for record in whole if "rename_to" in record.get("proto_info", {})}
    return [record for record in records if record["action"] != "message" or "command" in record["proto_info"] or
            record["proto_info"].get("file_id") not in renamed]


def miscounted(case, records):
    """Connections whose missing bytes are another number."""
    expected = nasty.missing(case.packets, case.wholes)
    found = collections.Counter()
    for record in records:
        if record["object"] == "flow" and record["action"] == "end":
            found[named(record)] += record["missed_bytes"]
    for name, bytes_lost in expected.items():
        if found[name] != bytes_lost:
            yield "%d bytes are missing, and %d were counted" % (bytes_lost, found[name])


class Tester:
    def __init__(self, smbtap, args):
        self.smbtap, self.args = smbtap, args
        self.wholes = {}

    def run(self, packets, detail):
        return tap.run(self.smbtap, "-q", "-r", "-", "--slow", NEVER, "--detail", detail, stdin=pcapfile.pcapng(packets))

    def records(self, packets, detail):
        """The records of a capture, which is remembered for the next time."""
        key = hash(tuple(packets)), detail
        if key not in self.wholes:
            self.wholes[key] = tap.records(self.run(packets, detail).out)
        return self.wholes[key]

    def same(self, packets, case, detail, records):
        old = [record for part in case.parts or (packets,) for record in self.records(part, detail)]
        if case.parts: # what is found is told once for a pair of hosts, however many connections they have
            old, records = ([record for record in some if record["object"] == "flow"] for some in (old, records))
        yield from differences(old, records, case.but, case.any_order)
        differing = sum(record["count"] for record in records if is_differing(record))
        if differing != case.differing:
            yield "%d segments differ, and %d were found to" % (case.differing, differing)

    def lossy(self, packets, case, detail, records):
        whole = self.records(packets, detail)
        yield from miscounted(case, records)
        if detail == "operations":
            yield from drop.Whole(whole).invented(without_renamed(whole, records))[:6]
            yield from list(unfound(case, Messages(packets), whole, records))[:3]

    def try_case(self, packets, case, detail):
        done = self.run(case.packets, detail)
        if done.status:
            return ["status %d" % done.status, done.err]
        judge = self.same if isinstance(case, Same) else self.lossy
        return judge(packets, case, detail, tap.records(done.out))

    def try_cases(self, name, packets, title, cases):
        lines, count = [], 0
        for case in cases:
            if self.args.only in case.name:
                count += 1
                for detail in DETAILS if self.args.all or name in BOTH_DETAILS else DETAILS[1:]:
                    lines += ["%s, %s: %s" % (case.name, detail, line) for line in self.try_case(packets, case, detail)]
        if count:
            tap.check("%s: %s, %d captures" % (name, title.replace("_", " "), count), not lines, *lines[:60])

    def try_capture(self, name, packets):
        for kind in KINDS:
            self.try_cases(name, packets, kind.__name__, kind(packets))
        if name in LOSSY or self.args.all or self.args.names:
            for kind in LOSSES:
                self.try_cases(name, packets, kind.__name__, kind(packets))
        connections = list(dict.fromkeys(map(nasty.connection, nasty.segments(packets))))
        for n in range(len(connections)):
            alone = nasty.of_connection(packets, n)
            if not any(segment.flags & SYN for segment in nasty.segments(alone)):
                continue # one that was under way has no beginning to put in order
            lone_name = "%s, connection %d" % (name, n + 1) if len(connections) > 1 else name
            for kind in LONE_KINDS:
                if kind is used_again and "durable" in name:
                    continue # what the first leaves open is what the second opens again
                self.try_cases(lone_name, alone, kind.__name__, kind(alone))
            self.try_cases(lone_name, alone, "mixtures", mixtures(alone, self.args.count))


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2][7:])
    parser.add_argument("smbtap")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--only", default="")
    args = parser.parse_intermixed_args()
    tester = Tester(args.smbtap, args)
    names = args.names or ([tap.stem(path) for path in tap.captures()] if args.all else NAMES)
    for name in names:
        tester.try_capture(name, pcapfile.read(os.path.join(tap.ROOT, tap.captures(name)[0])))
    tap.finish()


if __name__ == "__main__":
    main()

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
SMALL = ("port-139", "smb1-io") # for what takes long
DETAILS = ("handles", "operations")
FIN, SYN, RST, ACK, URG = nasty.FIN, nasty.SYN, nasty.RST, nasty.ACK, nasty.URG
SECOND, HOUR, DAY = 10**9, 3600 * 10**9, 86400 * 10**9
IGNORED = recut.OF_PACKETS | {"seq"}

# A derived capture. same: the records are the capture's, but for the names in but; missed: bytes lost in each connection, or None;
# differing: how many segments brought other bytes for what was there.
Case = collections.namedtuple("Case", "name packets but differing")


def same(name, packets, but=(), differing=0):
    return Case(name, packets, frozenset(but), differing)


# --- no byte is lost: one generator for each kind, of (the capture's packets) -> cases


def orders(packets):
    """Within what is allowed for: 128 packets, 2 s."""
    for places in (1, 2, 5, 20, 60):
        for every in (2, 7):
            yield same("order: each %d. packet %d places later" % (every, places), nasty.moved(packets, every, places, 1))
    for window in (2, 4, 10, 50):
        yield same("order: shuffled within %d" % window, nasty.shuffled(packets, window, window), ("closed_by", "start_seen"))
    for size in (2, 3, 8):
        yield same("order: groups of %d reversed" % size, nasty.turned_groups(packets, size), ("closed_by", "start_seen"))
    for places in (1, 2, 3, 10, 40):
        for side in (True, False):
            yield same("order: the %s %d places behind" % ("client" if side else "server", places),
                       nasty.one_way_behind(packets, side, places), ("closed_by",))
    for ms in (1, 10, 100):
        for side in (True, False):
            yield same("order: the %s %d ms late" % ("client" if side else "server", ms),
                       nasty.one_way_late(packets, side, ms * 10**6), ("closed_by",))


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
    yield same("wrap: both sides, shuffled", nasty.shuffled(both, 8, 1), ("closed_by", "start_seen"))
    yield same("wrap: both sides, doubled", nasty.doubled(both, 3))


def segment_sizes(packets):
    for most in (2000, 9000, 65000, 1 << 20):
        yield same("segments: joined up to %d" % most, nasty.joined(packets, most))
        yield same("segments: joined up to %d, without acknowledgments" % most,
                   nasty.joined(nasty.without_acks_between(packets), most))
    yield same("segments: IP length 0", nasty.without_ip_length(packets))
    yield same("segments: joined, IP length 0", nasty.without_ip_length(nasty.joined(packets, 65000)))
    for size in (536, 100, 7):
        yield same("segments: of %d bytes" % size, nasty.divided(packets, size))
    yield same("segments: IP options", nasty.with_ip_options(packets))
    for tail in (b"\0", b"\xff", b"\xfeSMB\0\0\0\x40"):
        yield same("segments: padding of %r" % tail, nasty.padded(packets, tail, 60))
    yield same("segments: urgent", nasty.flagged(packets, URG), ("tcp_flags",))
    yield same("segments: congestion", nasty.flagged(packets, 0xC0), ("tcp_flags",))


def forgeries(packets):
    """A RST is believed inside the window alone. Where it is, and its sender goes on, it was not the sender's own."""
    for flags in (RST, RST | ACK):
        for distance in (1 << 31, 1 << 30, -(1 << 30), -(1 << 24), 1 << 25):
            for side in (True, False):
                yield same("forged RST of the %s, %d off, flags %d" % ("client" if side else "server", distance, flags),
                           nasty.forged(packets, flags, side, distance))
        for side in (True, False):
            yield same("forged RST of the %s, in place, flags %d" % ("client" if side else "server", flags),
                       nasty.forged(packets, flags, side, 0, every=11), ("tcp_flags", "closed_by"))
    for side in (True, False):
        who = "client" if side else "server"
        yield same("forged SYN of the %s" % who, nasty.forged(packets, SYN, side, 123456))
        yield same("forged SYN and ACK of the %s" % who, nasty.forged(packets, SYN | ACK, side, 123456))
        yield same("forged data far off of the %s" % who, nasty.forged(packets, ACK, side, 1 << 27, payload=b"\0\0\0\x40\xfeSMB"))


def beginnings_and_ends(packets):
    yield same("end: FIN with the last data", nasty.fin_with_data(packets))
    yield same("end: FINs at once", nasty.fins_at_once(packets))
    for side in (True, False):
        who = "client" if side else "server"
        yield same("end: the %s half closed" % who, nasty.fin_early(packets, side, False), ("closed_by",))
        yield same("end: the %s's FIN in front of its last data" % who, nasty.fin_early(packets, side, True), ("closed_by",))
        for keep in (False, True):
            yield same("begin: the %s's data in its SYN, keep %d" % (who, keep), nasty.data_with_syn(packets, side, keep))
    found = nasty.segments(packets)

    def without(wanted):
        return [packet for packet, segment in zip(packets, found) if not wanted(segment)]

    def third(segment):
        return not segment.payload and segment.flags == ACK and segment.seq in firsts.get(segment.flow, ())

    firsts = {segment.flow: (segment.seq + 1,) for segment in found if segment.flags & (SYN | ACK) == SYN}
    yield same("begin: without the SYN", without(lambda one: one.flags & (SYN | ACK) == SYN))
    yield same("begin: without the server's SYN", without(lambda one: one.flags & (SYN | ACK) == SYN | ACK))
    yield same("begin: without the handshake's last", without(third))
    picked_up = ("start_seen", "midstream", "tcp_flags")
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
    shuffled = nasty.moved(packets, 5, 3)
    yield same("clock: jumps while packets are out of order",
               nasty.clocked(shuffled, lambda k, time: time + k // 10 * HOUR))


KINDS = (orders, copies, retransmissions, probes, numbers, segment_sizes, forgeries, beginnings_and_ends, clocks)


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
        yield same("mixture %d" % seed, mixture(packets, seed), ("closed_by", "start_seen"))


# --- running and comparing


def by_connection(text):
    found = collections.defaultdict(list)
    for record in tap.records(text):
        found[drop.place(record)].append(record)
    return found


def differences(old, new, but):
    """What differs between records, connection by connection, in lines."""
    old, new, lines = by_connection(old), by_connection(new), []
    for place in sorted(set(old) | set(new)):
        one, other = old[place], new[place]
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
    return ["%s: %s" % (before.get("content", before["action"]),
                        ", ".join("%s is %s, was %s" % (name, flat[1].get(name), flat[0].get(name))
                                  for name in dict.fromkeys(names))[:400])]


def counted(err, what):
    """A number of the summary on standard error."""
    words = err.split()
    for n in range(len(words) - 1):
        if " ".join(words[n + 1:]).startswith(what):
            return int(words[n].replace(",", "").replace(" ", ""))
    return 0


class Tester:
    def __init__(self, smbtap, args):
        self.smbtap, self.args = smbtap, args
        self.details = DETAILS if args.all else DETAILS[1:]
        self.wholes, self.packets = {}, {}

    def run(self, packets, detail):
        return tap.run(self.smbtap, "-v", "-r", "-", "--detail", detail, stdin=pcapfile.pcapng(packets))

    def capture(self, name):
        if name not in self.packets:
            self.packets[name] = pcapfile.read(os.path.join(tap.ROOT, tap.captures(name)[0]))
            for detail in DETAILS:
                self.wholes[name, detail] = self.run(self.packets[name], detail).out
        return self.packets[name]

    def wants(self, case):
        return not self.args.only or self.args.only in case.name

    def try_case(self, name, case, detail):
        done = self.run(case.packets, detail)
        lines = differences(self.wholes[name, detail], done.out, case.but)
        differing = counted(done.err, "retransmission")
        if differing != case.differing:
            lines.append("%d retransmissions differ, and %d were found to" % (case.differing, differing))
        if done.status:
            lines += ["status %d" % done.status, done.err]
        return ["%s, %s: %s" % (case.name, detail, line) for line in lines]

    def try_cases(self, name, title, cases):
        lines, count = [], 0
        for case in cases:
            if self.wants(case):
                count += 1
                for detail in self.details:
                    lines += self.try_case(name, case, detail)
        if count:
            tap.check("%s: %s, %d captures" % (name, title, count), not lines, *lines[:60])


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2][7:])
    parser.add_argument("smbtap")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    tester = Tester(args.smbtap, args)
    names = args.names or ([tap.stem(path) for path in tap.captures()] if args.all else NAMES)
    for name in names:
        packets = tester.capture(name)
        for kind in KINDS:
            tester.try_cases(name, kind.__name__.replace("_", " "), kind(packets))
        tester.try_cases(name, "mixtures", mixtures(packets, args.count))
    tap.finish()


if __name__ == "__main__":
    main()

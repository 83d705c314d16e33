#!/usr/bin/env python3
"""The live capture on veth pairs in a network namespace of its own: capture.py PROBE."""
import collections
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import queue
import random
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import pcapfile
import tap
import wrapping

CLONE_NEWNET = 0x40000000


def ip(*arguments):
    subprocess.run(["ip"] + list(arguments), check=True, stdin=subprocess.DEVNULL)


def enter_namespace():
    """Into a network of our own, which goes with the process; skips everything where it cannot be had."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        tap.skip_all("no network namespace of our own: it needs root")
    for name in ("all", "default"):
        path = "/proc/sys/net/ipv6/conf/%s/disable_ipv6" % name
        if os.path.exists(path):
            with open(path, "w", encoding="ascii") as file:
                file.write("1")
    try:
        ip("link", "set", "lo", "up")
        pair("first")
        ip("link", "del", "first")
    except (OSError, subprocess.CalledProcessError):
        tap.skip_all("no veth pairs: it needs iproute2 and the kernel's module")


def pair(name, up=True):
    """A veth pair: what is sent into in-NAME comes out of NAME."""
    ip("link", "add", name, "type", "veth", "peer", "name", "in-" + name)
    ip("link", "set", "in-" + name, "up")
    if up:
        ip("link", "set", name, "up")
        wait_for_carrier("in-" + name)


def wait_for_carrier(name):
    """Until then the kernel throws away what is sent."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        out = subprocess.run(["ip", "-br", "link", "show", name], check=True, stdout=subprocess.PIPE, text=True).stdout
        if out.split()[1] == "UP":
            return
        time.sleep(0.005)


class Sender:
    def __init__(self, name):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind(("in-" + name, 0))

    def send(self, packets):
        for packet in packets:
            self.socket.send(packet.data)


class Probe:
    """capture_probe, running; what it says comes line by line."""

    def __init__(self, *arguments, program=None, user=None, memory=None):
        def limit():
            if memory is not None:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

        self.process = subprocess.Popen([program or sys.argv[1]] + list(arguments), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, user=user,
                                        extra_groups=None if user is None else [], preexec_fn=limit)
        self.lines, self.seen = queue.Queue(), []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ready = self.until(lambda line: "ready" in line or "refused" in line)

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def until(self, wanted, seconds=10):
        """The first line from now on that is wanted; None when it ended or the time is up."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(end - time.monotonic(), 0.001))
            except queue.Empty:
                return None
            if line is None:
                return None
            self.seen.append(line)
            if wanted(line):
                return line

    def state(self, interface, state):
        """Waits for it; the kernel tells that an interface is up a moment before its packet sockets hear of it."""
        found = self.until(lambda line: line.get("interface") == interface and line.get("state") == state)
        time.sleep(0.3)
        return found

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def stop(self):
        """Everything that it said, its exit status and what was on standard error."""
        with contextlib.suppress(BrokenPipeError):  # it ended by itself
            self.tell("stop")
        self.until(lambda line: False, 20)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        err = self.process.stderr.read()
        return Said(self.seen, self.process.wait(20), err)


class Said:
    def __init__(self, lines, status, err):
        self.lines, self.status, self.err = lines, status, err
        self.frames = [line for line in lines if "owner" in line]
        self.counters = [line for line in lines if "counters" in line]

    def data(self):
        return [bytes.fromhex(frame["bytes"]) for frame in self.frames]


def shown(packets):
    return [packet.data[:160] for packet in packets]


def plain(workers):
    packets = pcapfile.read(os.path.join(tap.PCAPS, "dialect-3.1.1.pcap"))
    pair("plain")
    probe = Probe("workers=%d" % workers, "plain")
    Sender("plain").send(packets)
    said = probe.stop()
    ip("link", "del", "plain")
    tap.check("%d workers see what was sent" % workers, sorted(said.data()) == sorted(shown(packets)), len(packets), len(said.frames), said.err)
    tap.check("%d workers: each frame at its owner" % workers,
              all(frame["owner"] == frame["worker"] for frame in said.frames),
              collections.Counter((frame["worker"], frame["owner"]) for frame in said.frames))
    counted = sum(line["received"] for line in said.counters)
    tap.check("%d workers count them" % workers, counted == len(packets), said.counters)


TPIDS = (0x8100, 0x88A8, 0x9100)


def contents():
    """One of each kind of content that the filter judges: (EtherType, bytes)."""
    tcp = struct.pack("!HHIIBBHHH", 50000, 445, 1, 1, 0x50, 0x10, 0, 0, 0)
    other = struct.pack("!HH", 50000, 80) + tcp[4:]
    for protocol in (1, 4, 6, 17, 41, 47, 50, 51, 132, 137):
        for port in (445, 139, 80, 53, 4789, 4790, 6081, 8472):
            for fragment in (0, 0x2000, 0x2001, 1, 0x4000):
                ports = struct.pack("!HH", 50000, port)
                back = struct.pack("!HH", port, 50000)
                for body in (ports + tcp[4:], back + tcp[4:]):
                    for options in (b"", b"\1\1\1\1" * 3):
                        yield 0x0800, wrapping.ipv4(protocol, body, 7, options=options, fragment=fragment)
    for protocol in (0, 1, 4, 6, 17, 41, 43, 44, 47, 51, 58, 60, 137):
        for port in (445, 139, 80, 53, 4789, 4790, 6081, 8472):
            yield 0x86DD, wrapping.ipv6(protocol, struct.pack("!HH", 50000, port) + tcp[4:], 7)
            yield 0x86DD, wrapping.ipv6(protocol, struct.pack("!HH", port, 50000) + tcp[4:], 7)
    for kind in (0x0806, 0x8847, 0x8848, 0x8863, 0x8864, 0x88CC, 0x9200, 0x9300):
        yield kind, other
    inner = wrapping.ipv4(6, tcp, 7)
    yield 34, b"\xaa\xaa\x03\0\0\0\x08\0" + inner
    yield 34, b"\x42\x42\x03\0\0\0\x08\0" + inner


def tagged():
    """Each content behind no tag and up to five, as frames that can be told apart."""
    number = 0
    for kind, data in contents():
        for tags in range(6):
            for first in range(3 if tags else 1):
                tpids = [TPIDS[(first + k) % 3] for k in range(tags)]
                head = b"".join(struct.pack("!HH", tpid, 100 + k) for k, tpid in enumerate(tpids))
                mac = struct.pack("!HI", 0x0200, number)
                number += 1
                yield pcapfile.Packet(0, b"\2\0\0\0\0\1" + mac + head + struct.pack("!H", kind) + data, 0, 1)


def default_filter(side):
    """The default filter in the kernel, where a tag may be taken off, against the same over whole frames."""
    packets = list(tagged())
    pair("filter")
    everything, filtered = Probe("filter=", side), Probe(side)
    Sender("filter").send(packets)
    everything, filtered = everything.stop(), filtered.stop()
    ip("link", "del", "filter")
    tap.check("%s: frames behind any number of tags are seen as they were sent" % side, everything.data() == shown(packets),
              len(packets), len(everything.frames))
    wanted = [bytes.fromhex(frame["bytes"]) for frame in everything.frames if frame["passes"]]
    got = filtered.data()
    missing, more = sorted(set(wanted) - set(got)), sorted(set(got) - set(wanted))
    tap.check("%s: the default filter lets through what it lets through in a file" % side, got == wanted and len(got) > 1000,
              len(wanted), len(got), "missing %d" % len(missing), *[data.hex() for data in missing[:10]],
              "more %d" % len(more), *[data.hex() for data in more[:10]])


class Flow:
    """One of TCP, either direction of it a packet; the inner addresses are those of a flow in a tunnel."""

    def __init__(self, random, version):
        self.version, size = version, 4 if version == 4 else 16
        self.ends = [(random.randbytes(size), random.randrange(1, 65536)) for _ in range(2)]

    def tcp(self, back, data=b"some data"):
        (_, source), (_, destination) = reversed(self.ends) if back else self.ends
        return struct.pack("!HHIIBBHHH", source, destination, 1, 1, 0x50, 0x10, 0, 0, 0) + data

    def ip(self, back, protocol, data, options=b"", fragment=0, number=1):
        (source, _), (destination, _) = reversed(self.ends) if back else self.ends
        if self.version == 4:
            head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(data), number, fragment,
                               64, protocol, 0)
            return 0x0800, head + source + destination + options + data
        return 0x86DD, struct.pack("!IHBB", 6 << 28, len(data), protocol, 64) + source + destination + data

    def segment(self, back, options=b""):
        return self.ip(back, 6, self.tcp(back), options if self.version == 4 else b"")

    def fragments(self, back):
        """Three of a datagram."""
        data = self.tcp(back, b"x" * 60)
        pieces = [(0, data[:32], 1), (32, data[32:64], 1), (64, data[64:], 0)]
        if self.version == 4:
            return [self.ip(back, 6, piece, fragment=more << 13 | at // 8) for at, piece, more in pieces]
        return [self.ip(back, 44, struct.pack("!BBHI", 6, 0, at | more, 9) + piece) for at, piece, more in pieces]

    def others(self, back):
        """What has the same addresses and is not TCP, or not at once."""
        yield self.ip(back, 17, struct.pack("!HHHH", 4789, 4789, 40, 0) + b"x" * 32)
        yield self.ip(back, 47, b"\0\0\x88\xbe" + b"x" * 32)
        yield self.ip(back, 1, b"x" * 32)
        if self.version == 6:
            yield self.ip(back, 60, b"\6\0\1\4\0\0\0\0" + self.tcp(back))


def framed(content, tags, back=False):
    kind, data = content
    macs = wrapping.MAC_A + wrapping.MAC_B if back else wrapping.MAC_B + wrapping.MAC_A
    head = b"".join(struct.pack("!HH", TPIDS[k % 3], 100 + k) for k in range(tags))
    data = macs + head + struct.pack("!H", kind) + data
    return pcapfile.Packet(0, data, len(data), 1)


def spread(side, tags_max):
    """How the kernel spreads frames over workers, against fanout_hash; at the side that receives, and at the one that sends. tags_max:
    FANOUT_TAGS_MAX, and one more where one was taken off."""
    chance = random.Random(5)
    pair("spread")
    probe = Probe("workers=7", "buffer=16777216", "filter=", side)
    alone, groups = set(), []  # what must come to its owner; what must come to one worker
    flows = [Flow(chance, version) for version in (4, 6) for _ in range(40)]
    for flow in flows[::20]:
        flow.ends = [(address, 445) for address, _ in flow.ends]
    for flow in flows:
        segments = [(back, flow.segment(back, options)) for back in (False, True) for options in (b"", b"\1" * 8)]
        others = [(back, content) for back in (False, True) for content in flow.fragments(back) + list(flow.others(back))]
        for contents in (segments, others):
            groups.append([framed(content, tags, back) for tags in range(tags_max + 1) for back, content in contents])
        alone.update(shown(groups[-2]))
    groups.append([framed((0x8847, b"\0\1\1\x40" + b"x" * 40), 0, back) for back in (False, True)])
    groups.append([framed(content, tags_max + 1, back) for back, content in segments + others])
    sender = Sender("spread")
    for packets in groups:
        sender.send(packets)
    said = probe.stop()
    ip("link", "del", "spread")
    tap.check("%s: all that was sent came" % side, len(said.frames) == sum(len(packets) for packets in groups),
              len(said.frames), said.err)
    where = collections.defaultdict(set)
    for frame in said.frames:
        where[bytes.fromhex(frame["bytes"])].add(frame["worker"])
    workers = [set().union(*(where[data] for data in shown(packets))) for packets in groups]
    tap.check("%s: either direction of a connection, and all fragments of a datagram, at one worker" % side,
              all(len(numbers) == 1 for numbers in workers), workers)
    wrong = [frame for frame in said.frames
             if bytes.fromhex(frame["bytes"]) in alone and frame["worker"] != frame["owner"]]
    tap.check("%s: segments of TCP at their owner" % side, not wrong and len(alone) > 500, len(alone), *wrong[:5])
    used = collections.Counter(number for numbers in workers[:160:2] for number in numbers)
    tap.check("%s: every worker has its share" % side, len(used) == 7 and min(used.values()) >= 5, used)


def numbered(number, size=60):
    """A frame for the default filter that says which one it is."""
    data = wrapping.ipv4(6, struct.pack("!HHIIBBHHH", 50000, 445, number, 0, 0x50, 0x10, 0, 0, 0) + b"x" * size, 7)
    return pcapfile.Packet(0, wrapping.MAC_A + wrapping.MAC_B + b"\x08\0" + data, 54 + size, 1)


def numbers(frames):
    """Which ones of numbered() these are."""
    return [struct.unpack_from("!I", bytes.fromhex(frame["bytes"]), 38)[0] for frame in frames]


def median(values):
    return sorted(values)[len(values) // 2]


def one_order(workers):
    """The two directions of a tap, on two interfaces, come in one order."""
    pair("left")
    pair("right")
    probe = Probe("workers=%d" % workers, "left", "right")
    senders = [Sender("left"), Sender("right")]
    chance, sent = random.Random(6), 0
    for burst in range(60):
        length, mean = chance.choice(((400, 2), (300, 50), (10, 1), (100, 99)))
        for _ in range(length):
            senders[chance.randrange(mean) == 0].send([numbered(sent)])
            sent += 1
        time.sleep(chance.choice((0, 0, 0.003, 0.05)))
        del burst
    said = probe.stop()
    got = numbers(said.frames)
    used = collections.Counter(frame["interface"] for frame in said.frames)
    tap.check("%d workers: two interfaces in one order" % workers, got == list(range(sent)) and len(used) == 2, sent, len(got), used,
              [at for at in range(1, len(got)) if got[at] < got[at - 1]][:10])
    probe = Probe("workers=%d" % workers, "left", "right")
    for number in range(30):
        senders[0].send([numbered(number)])
        time.sleep(0.02)
    said = probe.stop()
    late = [frame["late"] / 1e6 for frame in said.frames]
    tap.check("%d workers: beside an interface that is silent nothing waits long" % workers,
              numbers(said.frames) == list(range(30)) and median(late) < 200 and max(late) < 500, sorted(late))
    ip("link", "set", "right", "down")
    probe = Probe("workers=%d" % workers, "left", "right")
    for number in range(30):
        senders[0].send([numbered(number)])
        time.sleep(0.02)
    said = probe.stop()
    late = [frame["late"] / 1e6 for frame in said.frames]
    tap.check("%d workers: nothing waits for an interface that is down" % workers,
              numbers(said.frames) == list(range(30)) and median(late) < 120, sorted(late))
    ip("link", "del", "left")
    ip("link", "del", "right")


def latency():
    """A quiet link: one frame now and then."""
    pair("quiet")
    probe = Probe("quiet")
    sender = Sender("quiet")
    for number in range(30):
        sender.send([numbered(number)])
        time.sleep(0.033)
    said = probe.stop()
    ip("link", "del", "quiet")
    late = [frame["late"] / 1e6 for frame in said.frames]
    tap.check("a quiet link: handed on within the ring's timeout", len(late) == 30 and median(late) < 120, sorted(late))


def down_and_up(workers):
    pair("swing")
    sender = Sender("swing")
    probe = Probe("workers=%d" % workers, "swing")
    good = []
    for turn in range(3):
        sender.send([numbered(2 * turn)])
        ip("link", "set", "swing", "down")
        good.append(probe.state(0, "down"))
        ip("link", "set", "swing", "up")
        good.append(probe.state(0, "up"))
        sender.send([numbered(2 * turn + 1)])
        time.sleep(0.15)
    said = probe.stop()
    ip("link", "del", "swing")
    tap.check("%d workers: an interface goes down and comes back" % workers, all(good) and numbers(said.frames) == list(range(6)) and
              said.status == 0 and all(frame["owner"] == frame["worker"] for frame in said.frames), good, numbers(said.frames), said.lines, said.err)


def made_again(workers):
    pair("again")
    probe = Probe("workers=%d" % workers, "again")
    Sender("again").send([numbered(0)])
    time.sleep(0.2)
    ip("link", "del", "again")
    gone = probe.state(0, "absent")
    pair("again")
    back = probe.state(0, "up") if workers == 1 else None
    Sender("again").send([numbered(1)])
    said = probe.stop()
    ip("link", "del", "again")
    wanted = [0, 1] if workers == 1 else [0]
    tap.check("%d workers: an interface is removed and made again" % workers, gone and (back or workers > 1) and
              numbers(said.frames) == wanted and said.status == 0 and (back or "up" not in [line.get("state") for line in said.lines[2:]]),
              gone, back, numbers(said.frames), said.err)


def not_there_yet(workers):
    """One that is up, one that is down, one that does not exist."""
    pair("here")
    pair("low", up=False)
    probe = Probe("workers=%d" % workers, "low", "here", "nowhere")
    first = [line["state"] for line in probe.seen if "state" in line]
    Sender("here").send([numbered(0)])
    ip("link", "set", "low", "up")
    states = [probe.state(0, "up")]
    Sender("low").send([numbered(1)])
    pair("nowhere")
    states.append(probe.state(2, "up"))
    Sender("nowhere").send([numbered(2)])
    Sender("here").send([numbered(3)])
    said = probe.stop()
    for name in ("here", "low", "nowhere"):
        ip("link", "del", name)
    tap.check("%d workers: interfaces that are not up yet are waited for" % workers,
              first == ["down", "up", "absent"] and all(states) and numbers(said.frames) == [0, 1, 2, 3] and
              [frame["interface"] for frame in said.frames] == [1, 0, 2, 1] and
              all(frame["owner"] == frame["worker"] for frame in said.frames),
              first, states, said.frames, said.err)


def renamed():
    pair("old")
    probe = Probe("old")
    ip("link", "set", "old", "name", "new")
    Sender("old").send([numbered(0)])
    time.sleep(0.3)
    said = probe.stop()
    ip("link", "del", "new")
    states = [line["state"] for line in said.lines if "state" in line]
    tap.check("an interface that is renamed is the same", numbers(said.frames) == [0] and states == ["up"], states, said.lines)


def without_carrier():
    pair("cable")
    probe = Probe("cable")
    ip("link", "set", "in-cable", "down")
    down = probe.state(0, "down")
    ip("link", "set", "in-cable", "up")
    up = probe.state(0, "up")
    probe.stop()
    ip("link", "del", "cable")
    tap.check("a cable that is pulled is told", down and up, down, up)


def refused(name, error, words, *arguments, **more):
    """What cannot be opened: the error, and one line with the remedy."""
    said = Probe(*arguments, **more).stop()
    if "memory" in more and "Sanitizer" in said.err:
        tap.skip(name, "the sanitizers need that memory for themselves")
        return
    good = said.lines == [{"refused": -error}] and said.err.count("\n") == 1 and all(word in said.err for word in words)
    tap.check(name, good and said.status == 1, said.lines, said.err)


class Tun:
    """An interface without Ethernet; a link type (ARPHRD_ number) other than its own."""

    def __init__(self, name, link=None):
        self.fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self.fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 1))  # TUNSETIFF, IFF_TUN
        if link is not None:
            fcntl.ioctl(self.fd, 0x400454CD, link)  # TUNSETLINK
        ip("link", "set", name, "up")

    def send(self, packets):
        """The IP packets of Ethernet frames."""
        for packet in packets:
            os.write(self.fd, b"\0\0" + packet.data[12:])

    def close(self):
        os.close(self.fd)


def no_right():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(sys.argv[1], folder)
        refused("no right to capture", errno.EPERM, ["no right to capture", "setcap cap_net_raw=ep " + program], "lo",
                program=program, user=65534)


def refusals():
    pair("good")
    pair("low", up=False)
    refused("no such interface", errno.ENODEV, ["nowhere: there is no such interface", "ip link"], "nowhere")
    refused("none of two is up", errno.ENETDOWN, ["nowhere and the others: none is up", "ip link set"], "nowhere", "low")
    refused("an interface that is down", errno.ENETDOWN, ["low: is down", "ip link set low up"], "low")
    refused("an interface named twice", errno.EINVAL, ["good: is named twice"], "good", "good")
    refused("any beside others", errno.EINVAL, ["any: has the other interfaces' packets"], "any", "good")
    refused("a filter that does not compile", errno.EINVAL, ['filter "tcp prot 445": ', "pcap-filter(7)"], "filter=tcp prot 445", "good")
    long = "filter=" + " or ".join("ether[%d] = %d" % (number % 1400, number % 255) for number in range(2000))
    refused("a filter that is too long", errno.EFBIG, ["too long for the kernel", "shorter"], long, "good")
    refused("a buffer that is too small", errno.EINVAL, ["too small", "at least 4 MiB", "--buffer"], "buffer=4000000", "workers=4", "good")
    refused("a buffer that is too large", errno.EFBIG, ["too large", "at most 2047 MiB", "--workers"], "buffer=%d" % (5 << 30), "good")
    refused("a buffer that there is no room for", errno.ENOMEM, ["no room for a buffer of 512 MiB", "--buffer"], "buffer=%d" % (512 << 20),
            "good", memory=200 << 20)
    no_right()
    ip("link", "del", "good")
    ip("link", "del", "low")


def other_links():
    """Frames without Ethernet: raw IP, cooked, of a type that is not read, and of all interfaces."""
    try:
        raw, cooked, strange = Tun("raw"), Tun("cooked", 512), Tun("strange", 804)  # ARPHRD_PPP, ARPHRD_IEEE802154
    except OSError:
        tap.skip("links without Ethernet", "there is no /dev/net/tun")
        return
    refused("a link type that is not read", errno.EPROTONOSUPPORT, ["strange: frames of link type", "interface of another type"], "strange")
    packets = [numbered(number) for number in range(4)] + [numbered(4)._replace(data=numbered(4).data.replace(b"\x01\xbd", b"\0\x50"))]
    for name, sender, link, head in (("raw", raw, 12, 0), ("cooked", cooked, 113, 16)):
        probe = Probe("workers=2", name)
        sender.send(packets)
        said = probe.stop()
        tap.check("%s: the default filter and the workers" % name, [data[head:] for data in said.data()] == [data[14:] for data in shown(packets[:4])]
                  and all(frame["link"] == link and frame["owner"] == frame["worker"] for frame in said.frames), said.lines, said.err)
    for tun in (raw, cooked, strange):
        tun.close()


def all_interfaces():
    """"any": each frame twice here, where it goes out and where it comes in; an interface that comes later is there as well."""
    pair("one")
    probe = Probe("workers=3", "any")
    sender = Sender("one")
    flow = Flow(random.Random(3), 4)
    flow.ends[1] = (flow.ends[1][0], 445)
    sent = [framed(flow.segment(back), tags, back) for tags in range(4) for back in (False, True)]
    sender.send(sent)
    time.sleep(0.2)
    pair("two")
    Sender("two").send(sent[:1])
    said = probe.stop()
    ip("link", "del", "one")
    ip("link", "del", "two")
    tap.check("any: all interfaces, at one worker", len(said.frames) == 18 and said.frames[0]["link"] == 113 and
              len({frame["worker"] for frame in said.frames}) == 1, *said.lines)
    tap.check("any: a tag is put back", [data[14:] for data in said.data()[:8:2]] == [packet.data[12:] for packet in sent[:4]],
              *said.lines)
    tap.check("any: all tags are seen through", all(frame["owner"] == frame["worker"] for frame in said.frames), *said.lines)


def overload():
    """A worker that cannot follow: what was dropped is what was sent less what was seen; afterwards nothing is lost."""
    pair("flood")
    sender = Sender("flood")
    probe = Probe("buffer=1048576", "frames=0", "slow=100", "flood")
    many = [numbered(number, 1400) for number in range(8000)]
    sender.send(many)
    time.sleep(1.5)
    probe.tell("count")
    first = probe.until(lambda line: "counters" in line)
    sender.send(many[:100])
    said = probe.stop()
    ip("link", "del", "flood")
    last = said.counters[-1]
    tap.check("overload: dropped is sent less seen", first["received"] == len(many) and first["dropped"] > 0 and
              first["frames"] == len(many) - first["dropped"], said.counters, said.err)
    tap.check("overload: afterwards all is seen", last["frames"] - first["frames"] == 100 and last["dropped"] == first["dropped"],
              said.counters)


RING, BLOCK, BLOCK_S = 8 << 20, 256 << 10, 0.1     # of a handle; of the ring; after which one is closed that is not full
EACH = 400 + 42 + 96                                 # bytes of a frame: headers; the ring's own


def lake(hold, buffer=RING):
    """Something that sends, and a probe that reads nothing any more after so many frames; what it tells then."""
    pair("lake")
    probe = Probe("buffer=%d" % buffer, "frames=0", "hold=%d" % hold, "lake")

    def told(seconds=0.5):
        time.sleep(seconds)
        probe.tell("count")
        line = probe.until(lambda line: "counters" in line)
        return line["filled"], line["dropped"]

    return Sender("lake"), probe, told


def percent(frames, size, seconds, buffer=RING):
    """Of a ring with so many frames that was not read for so long."""
    return 100 * (frames * size + seconds / BLOCK_S * BLOCK) / buffer


def filled():
    """How full the ring is, as frames wait in it; full is what drops, whatever their size was held to be."""
    sender, probe, told = lake(2000)
    sender.send([numbered(number, 400) for number in range(2000)])
    begun = time.monotonic()
    empty = told()
    sender.send([numbered(number, 400) for number in range(6000)])
    some = told()
    about = percent(6000, EACH, time.monotonic() - begun)
    sender.send([numbered(number, 1400) for number in range(8000)])
    full = told()
    after = told()
    said = probe.stop()
    ip("link", "del", "lake")
    tap.check("filled: an empty ring is", empty == (0, 0), empty)
    tap.check("filled: in percent", about - 10 < some[0] < about + 5 and some[1] == 0, some, about)
    tap.check("filled: what drops is full, and stays so with frames that were larger", full[0] == 100 and full[1] > 0 and after[0] > 90, full, after)
    tap.check("filled: all that was kept is read", said.counters[-1]["frames"] == said.counters[-1]["received"] - said.counters[-1]["dropped"],
              said.counters)


def filled_at_first():
    """Before anything was read."""
    sender, probe, told = lake(0)
    begun = time.monotonic()
    sender.send([numbered(number, 400) for number in range(2000)])
    got = told()
    most = percent(2000, EACH, time.monotonic() - begun + 1)
    probe.stop()
    ip("link", "del", "lake")
    tap.check("filled: before anything was read", 0 < got[0] < most + 5 and got[1] == 0, got, most)


def filled_by_larger():
    """The frames that came last say how large those are that wait, and not the many small ones before them."""
    sender, probe, told = lake(26000)
    sender.send([numbered(number, 40) for number in range(20000)])
    time.sleep(0.5)
    sender.send([numbered(number, 1400) for number in range(6000)])  # more than are read at once
    time.sleep(0.5)
    sender.send([numbered(number, 1400) for number in range(4000)])
    got = told(0.1)
    probe.stop()
    ip("link", "del", "lake")
    least = percent(4000, 1400 + 42 + 96, 0)
    tap.check("filled: as large as those that came last", least - 5 < got[0] and got[1] == 0, got, least)


def filled_by_time():
    """Few frames, and each of them has a block of a small ring for itself: it is full before it drops some."""
    sender, probe, told = lake(10, buffer=4 * BLOCK)
    sender.send([numbered(number) for number in range(10)])
    time.sleep(0.3)
    seen = []
    while len(seen) < 20 and (not seen or seen[-1][1] == 0):
        sender.send([numbered(1)])
        seen.append(told(0.05))
    probe.stop()
    ip("link", "del", "lake")
    kept = [filled for filled, dropped in seen if dropped == 0]
    tap.check("filled: full before a ring drops that few frames come to", seen[-1][1] > 0 and kept[-1] == 100, seen)


def loopback():
    """What comes in there went out before, and is one frame: seen once, and counted once."""
    probe = Probe("buffer=%d" % RING, "frames=0", "lo")
    with socket.create_server(("127.0.0.1", 445)) as server, socket.create_connection(("127.0.0.1", 445)) as client:
        end = server.accept()[0]
        for _ in range(1000):
            client.send(b"x" * 100)
            end.recv(1000)
        end.close()
    time.sleep(0.5)
    probe.tell("count")
    line = probe.until(lambda line: "counters" in line)
    probe.stop()
    tap.check("loopback: each frame is counted once, and none waits", line["frames"] >= 1000 and line["received"] == line["frames"] and
              line["filled"] == 0, line)


def stopped_under_load():
    pair("busy")
    probe = Probe("workers=2", "frames=0", "busy")
    end = threading.Event()

    def send():
        sender, packets = Sender("busy"), [numbered(number) for number in range(100)]
        while not end.is_set():
            sender.send(packets)

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(0.5)
    begin = time.monotonic()
    said = probe.stop()
    took = time.monotonic() - begin
    end.set()
    thread.join()
    ip("link", "del", "busy")
    last = said.counters[-2:]
    tap.check("stopped while frames come: all that was received is handed on, at once", took < 5 and said.status == 0 and
              sum(line["frames"] for line in last) == sum(line["received"] - line["dropped"] for line in last) > 0, took, last)


def snap_length():
    pair("snap")
    probe = Probe("snap=96", "snap")
    Sender("snap").send([numbered(0, 400)])
    said = probe.stop()
    ip("link", "del", "snap")
    tap.check("a snap length cuts", [(frame["caught"], frame["length"]) for frame in said.frames] == [(96, 454)], said.lines)


def dropped_by_interface():
    """What the kernel has no use for behind a tag is no loss: it was seen. What it counts all the same is told."""
    pair("trunk")
    probe = Probe("filter=", "trunk")
    types = (0x0800, 0x86DD, 0x8847, 0x8864)
    frames = [framed((kind, b"x" * 60), tags) for kind in types for tags in range(5)]
    Sender("trunk").send(frames)
    time.sleep(0.2)
    probe.tell("count")
    before = probe.until(lambda line: "interface_dropped" in line)["interface_dropped"]
    Sender("trunk").send([framed((0x88B5, b"x" * 60), 1)] * 3)  # for local experiments
    said = probe.stop()
    ip("link", "del", "trunk")
    tap.check("what was seen is not called dropped by the interface", before == 0 and len(said.frames) == len(frames) + 3 and
              said.lines[-1]["interface_dropped"] == 3, before, said.lines[-1], len(said.frames))


def promiscuous():
    """Whether the interface was asked for what is not its own; also when it was made again."""
    def asked():
        out = subprocess.run(["ip", "-d", "link", "show", "prom"], check=True, stdout=subprocess.PIPE, text=True).stdout
        return out.split("promiscuity ")[1].split()[0] == "1"

    pair("prom")
    seen = []
    probe = Probe("promiscuous=0", "prom")
    seen.append(asked())
    probe.stop()
    probe = Probe("prom")
    seen.append(asked())
    ip("link", "del", "prom")
    probe.state(0, "absent")
    pair("prom")
    probe.state(0, "up")
    seen.append(asked())
    probe.stop()
    seen.append(asked())
    ip("link", "del", "prom")
    tap.check("promiscuous where it is asked for, and no longer than that", seen == [False, True, True, False], seen)


def main():
    enter_namespace()
    default_filter("filter")
    default_filter("in-filter")
    spread("spread", 4)
    spread("in-spread", 3)
    refusals()
    other_links()
    all_interfaces()
    overload()
    filled()
    filled_at_first()
    filled_by_larger()
    filled_by_time()
    loopback()
    stopped_under_load()
    snap_length()
    dropped_by_interface()
    promiscuous()
    latency()
    without_carrier()
    renamed()
    for workers in (1, 2):
        one_order(workers)
        down_and_up(workers)
        made_again(workers)
        not_there_yet(workers)
    for workers in (1, 2, 4):
        plain(workers)
    tap.finish()


main()

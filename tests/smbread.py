"""A second, small reader of captures, for tests that must know what a capture holds without asking smbtap: TCP streams as lists of
pieces, NetBIOS framing (RFC 1002 4.3.1), and of each SMB message its header and where its payload lies.

It reads captures that lack nothing; what a loss takes away is then asked of the pieces that are left.
"""
import bisect
import collections
import struct

import pcapfile

TO_SERVER, TO_CLIENT = 0, 1
SYN, ACK, FIN, RST = 0x02, 0x10, 0x01, 0x04
SERVER_PORTS = (445, 139, 4455)
ALL_ONES = 0xFFFFFFFFFFFFFFFF
PENDING = 0x103

# begin: offset of the NetBIOS header of its frame; start, head, end: of the message, of its payload, behind it.
# packet: the number of the packet with its first byte; headers: the ranges that lead to it; parts: the ids that tell it.
Message = collections.namedtuple("Message", "flow dir kind begin start head end first packet id command status headers fits")


class Side:
    """One direction: pieces of the stream as the packets carried them. Offsets count from the first byte."""

    def __init__(self):
        self.origin = None  # sequence number of offset 0
        self.pieces = []    # (start, end, packet)
        self.stream = b""

    def add(self, seq, payload, number):
        if self.origin is None:
            self.origin = seq
        start = self.offset(seq)
        end = start + len(payload)
        if start > len(self.stream):
            raise ValueError("packet %d: bytes are missing before it" % (number + 1))
        if start < 0 or end <= len(self.stream):
            self.pieces.append((start, end, number))
            return
        self.stream += payload[len(self.stream) - start:]
        self.pieces.append((start, end, number))

    def offset(self, seq):
        return (seq - self.origin + 0x80000000 & 0xFFFFFFFF) - 0x80000000

    def packet_at(self, offset):
        """The first packet that carried the byte."""
        return next(number for start, end, number in self.pieces if start <= offset < end)


class Flow:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.sides = (Side(), Side())
        self.packets = []  # (number, direction, segment)
        self.messages = []

    @property
    def place(self):
        return self.client + self.server


def _address(raw):
    if len(raw) == 4:
        return ".".join(str(byte) for byte in raw)
    import ipaddress
    return str(ipaddress.IPv6Address(raw))


def flows_of(packets):
    """The connections of a capture, in the order of their first packets."""
    flows = {}
    for number, packet in enumerate(packets):
        segment = pcapfile.segment(packet)
        if segment is None:
            continue
        source = (_address(segment.flow[0]), int.from_bytes(segment.flow[1], "big"))
        target = (_address(segment.flow[2]), int.from_bytes(segment.flow[3], "big"))
        if (source, target) not in flows and (target, source) not in flows:
            to_server = segment.flags & (SYN | ACK) == SYN or target[1] in SERVER_PORTS
            client, server = (source, target) if to_server else (target, source)
            flows[client, server] = Flow(client, server)
        direction = TO_SERVER if (source, target) in flows else TO_CLIENT
        flow = flows[(source, target) if direction == TO_SERVER else (target, source)]
        flow.packets.append((number, direction, segment))
        side = flow.sides[direction]
        if segment.flags & SYN:
            side.origin = segment.seq + 1 & 0xFFFFFFFF
        elif segment.payload and not segment.flags & RST:
            keep_alive = side.origin is not None and len(segment.payload) == 1 and side.offset(segment.seq) < len(side.stream)
            if not keep_alive:
                side.add(segment.seq, segment.payload, number)
    for flow in flows.values():
        for direction in (TO_SERVER, TO_CLIENT):
            flow.messages += messages_of(flow, direction)
    return list(flows.values())


# ---- messages

# MS-CIFS 2.2.4: commands whose data is passed over, with where among the words its length and offset stand (2.2.4.42.2, 2.2.4.43.1).
_SMB1_DATA = {(0x2E, True): (10, 12), (0x2F, False): (20, 22)}


def _smb2(data):
    """Of an element: length, end of head, id, command, status; None where it cannot be."""
    command, = struct.unpack_from("<H", data, 12)
    status, = struct.unpack_from("<I", data, 8)
    flags, next_command, message_id = struct.unpack_from("<IIQ", data, 16)
    length = next_command or len(data)
    head, size = length, struct.unpack_from("<H", data, 64)[0] if len(data) >= 66 else 0
    if command == 8 and flags & 1 and size == 17:
        offset, count = data[66], struct.unpack_from("<I", data, 68)[0]
        head = max(80, offset) if count else length
    elif command == 9 and not flags & 1 and size == 49:
        offset, count = struct.unpack_from("<HI", data, 66)
        head = max(112, offset) if count else length
    return length, min(head, length), message_id, command, status


def _smb1_head(data):
    command, reply = data[4], bool(data[9] & 0x80)
    at = _SMB1_DATA.get((command, reply))
    words = data[32] if len(data) > 32 else 0
    if at and words >= 10 and data[33] == 0xFF:
        length, = struct.unpack_from("<H", data, 33 + at[0])
        offset, = struct.unpack_from("<H", data, 33 + at[1])
        return min(offset, len(data)) if length else len(data)
    return len(data)


def _frame(flow, direction, at, data):
    """The messages of one frame."""
    side = flow.sides[direction]
    packet = side.packet_at(at)
    magic = data[:4]
    if magic == b"\xffSMB" and len(data) >= 32:
        head = at + 4 + _smb1_head(data)
        command, status = data[4], struct.unpack_from("<I", data, 5)[0]
        yield Message(flow, direction, 1, at, at + 4, head, at + 4 + len(data), True, packet,
                      struct.unpack_from("<H", data, 30)[0], command, status, ((at, at + 4),), True)
    elif magic == b"\xfdSMB":
        yield Message(flow, direction, "transform", at, at + 4, at + 56, at + 4 + len(data), True, packet, None, None, None,
                      ((at, at + 4),), True)
    elif magic == b"\xfeSMB":
        start, headers = 0, [(at, at + 4)]
        while start + 64 <= len(data):
            length, head, message_id, command, status = _smb2(data[start:])
            begin = at + 4 + start
            yield Message(flow, direction, 2, at, begin, begin + head, begin + length, start == 0,
                          packet if start == 0 else side.packet_at(begin), message_id, command, status, tuple(headers), True)
            headers.append((begin, begin + 64))
            start += length


def messages_of(flow, direction):
    """All messages of a direction; the capture may begin in the middle, but not in the middle of a message."""
    stream, at = flow.sides[direction].stream, 0
    while at + 4 <= len(stream):
        kind, length = stream[at], int.from_bytes(stream[at + 1:at + 4], "big")
        if kind == 0:
            yield from _frame(flow, direction, at, stream[at + 4:at + 4 + length])
        at += 4 + length


# ---- what a loss leaves

class Left:
    """What is left of one direction: the captured ranges, joined, and the end of what is known to have been sent."""

    def __init__(self, ranges):
        self.ranges = []
        for start, end in sorted(ranges):
            if self.ranges and start <= self.ranges[-1][1]:
                self.ranges[-1][1] = max(end, self.ranges[-1][1])
            else:
                self.ranges.append([start, end])
        self.starts = [start for start, _ in self.ranges]

    def missing(self, start, end):
        """How many bytes of a range are not there."""
        at = max(bisect.bisect_right(self.starts, start) - 1, 0)
        there = 0
        for low, high in self.ranges[at:]:
            if low >= end:
                break
            there += max(0, min(high, end) - max(low, start))
        return end - start - there

    def holes(self, start, end):
        """How many holes a range has."""
        count = 0
        for low, high in self.ranges:
            if high <= start or low >= end:
                continue
            count += low > start
            start = high
        return count + (start < end)


WHOLE, NO_PAYLOAD, BROKEN, LOST, UNLED = "whole", "no payload", "broken", "lost", "unled"


def state_of(message, left):
    """What is left of a message: all; all but bytes of its payload; parts; nothing. UNLED: an element of a chain that is whole,
    where the headers that lead to it are not."""
    missing = left.missing(message.start, message.end)
    unled = any(left.missing(start, end) for start, end in message.headers)
    if missing == message.end - message.start:
        return LOST
    if left.missing(message.start, message.head):
        return BROKEN
    if unled:
        return BROKEN if message.first else UNLED
    return NO_PAYLOAD if missing else WHOLE

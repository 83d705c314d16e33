"""What networks, hosts and capture cards do to a capture, one function for each: a list of packets in, another out.

All packets must be whole TCP segments (pcapfile.segment), as those of our own captures are. Times are those at which a card
would have seen the packets: they never fall, but for the functions that are about times.
"""
import random
import struct

import pcapfile

FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
WRAP = 1 << 32
SERVER_PORTS = {port.to_bytes(2, "big") for port in (445, 139, 4455)}
SECOND = 10**9


def near(number):
    """A difference of sequence numbers, as a signed one."""
    return (number + WRAP // 2) % WRAP - WRAP // 2


def to_server(segment):
    return segment.flow[3] in SERVER_PORTS


def turned(flow):
    return flow[2:] + flow[:2]


def connection(segment):
    """The client's and the server's address and port."""
    return segment.flow if to_server(segment) else turned(segment.flow)


def segments(packets):
    found = [pcapfile.segment(packet) for packet in packets]
    assert all(found)
    return found


def end_of(segment):
    """The sequence number behind the segment's data."""
    return segment.seq + bool(segment.flags & SYN) + len(segment.payload)


def stamped(packets):
    """The same in this order, with times that fit it."""
    result, last = [], 0
    for packet in packets:
        last = max(last, packet.time_ns)
        result.append(packet._replace(time_ns=last))
    return result


# --- order


def moved(packets, every, places, first=0):
    """Each every-th packet comes that many places later."""
    keyed = [(n + (places + 0.5 if n % every == first else 0), packet) for n, packet in enumerate(packets)]
    return restamped([packet for _, packet in sorted(keyed, key=lambda pair: pair[0])], packets)


def restamped(packets, before):
    """Packets in another order, with the times of the old one."""
    return [packet._replace(time_ns=old.time_ns) for packet, old in zip(packets, before)]


def shuffled(packets, window, seed):
    """No packet is farther from its place than window."""
    generator = random.Random(seed)
    keyed = [(n + generator.random() * window, packet) for n, packet in enumerate(packets)]
    return restamped([packet for _, packet in sorted(keyed, key=lambda pair: pair[0])], packets)


def turned_groups(packets, size):
    result = []
    for at in range(0, len(packets), size):
        result += packets[at:at + size][::-1]
    return restamped(result, packets)


def one_way_behind(packets, behind_is_client, places):
    """One direction comes later than the other, as two ports of a switch that are mirrored into one."""
    keyed = [(n + (places + 0.5 if to_server(segment) == behind_is_client else 0), packet)
             for n, (packet, segment) in enumerate(zip(packets, segments(packets)))]
    return restamped([packet for _, packet in sorted(keyed, key=lambda pair: pair[0])], packets)


def one_way_late(packets, late_is_client, ns):
    """The same with times: two captures merged whose clocks differ."""
    late = [packet._replace(time_ns=packet.time_ns + (ns if to_server(segment) == late_is_client else 0))
            for packet, segment in zip(packets, segments(packets))]
    return sorted(late, key=lambda packet: packet.time_ns)


# --- copies


def as_routed(packet):
    """The packet behind a router: one hop less, other MAC addresses."""
    segment = pcapfile.segment(packet)
    headers = bytearray(packet.data)
    headers[0:12] = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
    headers[segment.network + (8 if segment.version == 4 else 7)] -= 1
    changed = pcapfile.segment(packet._replace(data=bytes(headers)))
    return changed.with_payload(segment.seq, segment.flags, segment.payload)


def as_tagged(packet):
    """The packet on a trunk: with a VLAN tag."""
    data = packet.data[:12] + b"\x81\x00\x00\x2a" + packet.data[12:]
    return packet._replace(data=data, length=len(data))


def doubled(packets, places=0, change=None, first=False):
    """Each packet is there twice, the copy that many places later, or in front of it."""
    keyed = []
    for n, packet in enumerate(packets):
        copy = change(packet) if change else packet
        keyed += [(n, packet), (n - 0.5 if first else n + places + 0.25, copy)]
    return stamped([packet for _, packet in sorted(keyed, key=lambda pair: pair[0])])


# --- sent again


def flipped(data):
    return bytes(byte ^ 0xA5 for byte in data)


def previous(found):
    """[the segment with data just before each one with data, in its direction and without a hole]"""
    last, result = {}, []
    for segment in found:
        before = last.get(segment.flow)
        follows = before and segment.payload and end_of(before) % WRAP == segment.seq and not segment.flags & SYN
        result.append(before if follows else None)
        if segment.payload:
            last[segment.flow] = segment
    return result


def again_equal(segment, _before, _generator):
    return None, segment.with_payload(segment.seq, segment.flags, segment.payload)


def again_front(segment, _before, generator):
    n = generator.randint(1, len(segment.payload))
    return None, segment.with_payload(segment.seq, segment.flags & ~FIN, segment.payload[:n])


def again_back(segment, _before, generator):
    n = generator.randint(0, len(segment.payload) - 1)
    return None, segment.with_payload(segment.seq + n, segment.flags, segment.payload[n:])


def again_middle(segment, _before, generator):
    n = generator.randint(0, len(segment.payload) - 1)
    m = generator.randint(n + 1, len(segment.payload))
    return None, segment.with_payload(segment.seq + n, segment.flags & ~FIN, segment.payload[n:m])


def again_longer(segment, before, generator):
    """What was sent before comes again, with the front of what is new behind it: that is new then."""
    if not before:
        return None, None
    n = generator.randint(1, len(segment.payload))
    return segment.with_payload(before.seq, segment.flags & ~FIN, before.payload + segment.payload[:n]), None


def again_straddling(segment, before, generator):
    """The back of the one before, and a part of the new one or all."""
    if not before:
        return None, None
    cut, n = generator.randint(0, len(before.payload) - 1), generator.randint(1, len(segment.payload))
    both = segment.with_payload(before.seq + cut, segment.flags & ~FIN, before.payload[cut:] + segment.payload[:n])
    return (both, None) if generator.random() < 0.5 else (None, both)


def differing_equal(segment, _before, _generator):
    return None, segment.with_payload(segment.seq, segment.flags, flipped(segment.payload))


def differing_byte(segment, _before, generator):
    """One byte is another."""
    data, n = bytearray(segment.payload), generator.randint(0, len(segment.payload) - 1)
    data[n] ^= 1
    return None, segment.with_payload(segment.seq, segment.flags, bytes(data))


def differing_shorter(segment, _before, generator):
    n = generator.randint(0, len(segment.payload) - 1)
    m = generator.randint(n + 1, len(segment.payload))
    if m - n == 1 and m == len(segment.payload):
        return None, None # one byte that was there already is a keep-alive, and may be anything
    return None, segment.with_payload(segment.seq + n, segment.flags & ~FIN, flipped(segment.payload[n:m]))


def differing_longer(segment, before, generator):
    """What was there already is another, what is new is right."""
    if not before:
        return None, None
    n = generator.randint(1, len(segment.payload))
    return segment.with_payload(before.seq, segment.flags & ~FIN, flipped(before.payload) + segment.payload[:n]), None


def sent_again(packets, how, places=0, share=0.5, seed=1):
    """how: one of those above, (segment, the one before it) -> what comes in front of the segment, and what comes behind it
    or places later. Gives the packets and how many came in so."""
    generator, keyed, count = random.Random(seed), [], 0
    found = segments(packets)
    for n, (packet, segment, before) in enumerate(zip(packets, found, previous(found))):
        front, back = how(segment, before, generator) if segment.payload and generator.random() < share else (None, None)
        if front:
            keyed.append((n - 0.25, front))
        keyed.append((n, packet))
        if back:
            keyed.append((n + places + 0.25, back))
        count += bool(front) + bool(back)
    return stamped([packet for _, packet in sorted(keyed, key=lambda pair: pair[0])]), count


# --- what comes between


class Ends:
    """What each direction sent last and has sent so far, as the packets go by."""

    def __init__(self):
        self.last, self.next = {}, {}

    def see(self, segment):
        self.last[segment.flow] = segment
        after = end_of(segment) + bool(segment.flags & FIN)
        if segment.flow not in self.next or near(after - self.next[segment.flow]) > 0:
            self.next[segment.flow] = after % WRAP

    def both(self, flow):
        return flow in self.last and turned(flow) in self.last

    def make(self, flow, seq, flags, payload=b"", **more):
        """A packet of the direction; more: ack and window of Segment.with_payload."""
        more.setdefault("ack", self.next[turned(flow)])
        return self.last[flow].with_payload(seq, flags, payload, **more)


def _established(segment):
    return not segment.flags & (SYN | FIN | RST)


def keep_alives(packets, payload, every=2):
    """Either side asks now and then whether the other is there, with no byte or with one that was sent before or is
    garbage (RFC 9293 3.8.4), and is answered."""
    ends, result, closing = Ends(), [], set()
    for n, (packet, segment) in enumerate(zip(packets, segments(packets))):
        result.append(packet)
        ends.see(segment)
        if not _established(segment):
            closing.add(connection(segment)) if not segment.flags & SYN else None
        if n % every or not ends.both(segment.flow) or not _established(segment) or connection(segment) in closing:
            continue
        for flow in (segment.flow, turned(segment.flow)):
            last = ends.last[flow].packet.time_ns
            asks = ends.make(flow, ends.next[flow] - 1, ACK, payload)
            answer = ends.make(turned(flow), ends.next[turned(flow)], ACK)
            result += [asks._replace(time_ns=max(last, packet.time_ns)), answer]
    return stamped(result)


def window_probes(packets):
    """The receiver closed its window: the sender tries with the next byte until it is taken (RFC 9293 3.8.6.1)."""
    ends, result = Ends(), []
    for packet, segment in zip(packets, segments(packets)):
        if segment.payload and ends.both(segment.flow) and _established(segment):
            other = turned(segment.flow)
            shut = ends.make(other, ends.next[other], ACK, ack=segment.seq, window=0)
            probe = segment.with_payload(segment.seq, ACK, segment.payload[:1])
            result += [probe, shut, probe, shut, ends.make(other, ends.next[other], ACK, ack=segment.seq)]
        result.append(packet)
        ends.see(segment)
    return stamped(result)


def acks_again(packets, times):
    """Each acknowledgment comes again and again, as it does when segments before it are missing."""
    result = []
    for packet, segment in zip(packets, segments(packets)):
        again = segment.with_payload(segment.seq + len(segment.payload), ACK, b"")
        result += [packet] + [again._replace(time_ns=packet.time_ns)] * (times if _established(segment) else 0)
    return result


def forged(packets, flags, from_client, distance, every=5, payload=b""):
    """A packet that the side did not send, that far from what it sends next."""
    ends, result = Ends(), []
    for n, (packet, segment) in enumerate(zip(packets, segments(packets))):
        result.append(packet)
        ends.see(segment)
        flow = segment.flow if to_server(segment) == from_client else turned(segment.flow)
        if n % every == 0 and ends.both(flow) and not any(ends.last[one].flags & (FIN | SYN) for one in (flow, turned(flow))):
            result.append(ends.make(flow, ends.next[flow] + distance, flags, payload)._replace(time_ns=packet.time_ns))
    return stamped(result)


# --- other numbers, other addresses


def shifted(packets, of_client, delta):
    """All sequence numbers of one side are higher by delta."""
    result = []
    for segment in segments(packets):
        mine = to_server(segment) == of_client
        ack = segment.ack if mine or not segment.flags & ACK else segment.ack + delta
        result.append(segment.with_payload(segment.seq + (delta if mine else 0), segment.flags, segment.payload, ack=ack))
    return result


def wrapping(packets, of_client, offset):
    """Sequence numbers are such that the byte of the stream at offset has number 0, in the first connection."""
    for segment in segments(packets):
        if to_server(segment) == of_client:
            return shifted(packets, of_client, -(segment.seq + 1 + offset))
    return packets


def on_addresses_of(packets, model):
    """The connection of packets on the addresses and ports of model's first."""
    models = {}
    for segment in segments(model):
        if connection(segment) == connection(pcapfile.segment(model[0])):
            models.setdefault(to_server(segment), segment)
    return [segment.with_payload(segment.seq, segment.flags, segment.payload,
                                 addresses=models[to_server(segment)].headers) for segment in segments(packets)]


def of_connection(packets, number):
    """The packets of one connection, by the order of their beginnings."""
    found = segments(packets)
    names = list(dict.fromkeys(connection(segment) for segment in found))
    return [segment.packet for segment in found if connection(segment) == names[number]]


def after(first, second, pause_ns=SECOND // 100):
    """One capture behind the other."""
    delta = first[-1].time_ns + pause_ns - second[0].time_ns
    return first + [packet._replace(time_ns=packet.time_ns + delta) for packet in second]


# --- other segments


def joined(packets, most):
    """Neighbours of one direction with nothing between them become one segment of up to most bytes; above what IP can state
    its length is 0."""
    result, run = [], []

    def flush():
        if run:
            flags = run[-1].flags
            result.append(run[-1].with_payload(run[0].seq, flags, b"".join(one.payload for one in run)))
        run.clear()

    for packet, segment in zip(packets, segments(packets)):
        plain = segment.payload and not segment.flags & ~(PSH | ACK | FIN)
        follows = plain and run and segment.flow == run[-1].flow and end_of(run[-1]) % WRAP == segment.seq
        if run and not (follows and not run[-1].flags & FIN and sum(len(one.payload) for one in run) + len(segment.payload) <= most):
            flush()
        if plain:
            run.append(segment)
        else:
            result.append(packet)
    flush()
    return result


def without_acks_between(packets):
    """Acknowledgments that carry nothing are left out."""
    return [segment.packet for segment in segments(packets)
            if segment.payload or segment.flags & (SYN | FIN | RST)]


def divided(packets, size):
    """No segment has more than size bytes."""
    result = []
    for packet, segment in zip(packets, segments(packets)):
        if len(segment.payload) <= size or segment.flags & (SYN | RST):
            result.append(packet)
            continue
        for at in range(0, len(segment.payload), size):
            last = at + size >= len(segment.payload)
            flags = segment.flags if last else segment.flags & ~(FIN | PSH)
            result.append(segment.with_payload(segment.seq + at, flags, segment.payload[at:at + size]))
    return result


def without_ip_length(packets):
    result = []
    for segment in segments(packets):
        data = bytearray(segment.headers + segment.payload)
        at = segment.network + (2 if segment.version == 4 else 4)
        data[at:at + 2] = b"\0\0"
        result.append(segment.packet._replace(data=bytes(data), length=len(data)))
    return result


def padded(packets, tail, least):
    """Ethernet's padding to the least size, and a tail on each frame."""
    result = []
    for packet in packets:
        data = packet.data + (tail * least)[:max(0, least - len(packet.data))] + tail
        result.append(packet._replace(data=data, length=packet.length + len(data) - len(packet.data)))
    return result


def data_with_syn(packets, of_client=True, keep=False):
    """The first data of one side is in its SYN (RFC 7413), and the other side acknowledges it; keep: it is sent again."""
    found, result = segments(packets), []
    first = {}
    for segment in found:
        if segment.payload and to_server(segment) == of_client:
            first.setdefault(segment.flow, segment)
    for packet, segment in zip(packets, found):
        if segment.flags & SYN and segment.flow in first:
            packet = segment.with_payload(segment.seq, segment.flags, first[segment.flow].payload)
        elif segment.flags & SYN and turned(segment.flow) in first and segment.flags & ACK:
            packet = segment.with_payload(segment.seq, segment.flags, segment.payload,
                                          ack=segment.ack + len(first[turned(segment.flow)].payload))
        elif segment is first.get(segment.flow) and not keep:
            continue
        result.append(packet)
    return result


def fin_with_data(packets):
    """The FIN that came by itself is in the last segment with data."""
    found, result, last, fins = segments(packets), [], {}, set()
    for segment in found:
        if segment.payload:
            last[segment.flow] = segment
        if segment.flags & FIN and not segment.payload:
            fins.add(segment.flow)
    for packet, segment in zip(packets, found):
        if segment is last.get(segment.flow) and segment.flow in fins:
            result.append(segment.with_payload(segment.seq, segment.flags | FIN, segment.payload))
        elif not (segment.flags & FIN and not segment.payload and segment.flow in last):
            result.append(packet)
    return result


def fin_early(packets, of_client, to_front):
    """One side's FIN comes right behind its last data (half-closed for a while), or in front of it (overtaken)."""
    found = segments(packets)
    last = {segment.flow: n for n, segment in enumerate(found) if segment.payload and to_server(segment) == of_client}
    keyed = []
    for n, segment in enumerate(found):
        early = segment.flags & FIN and not segment.payload and segment.flow in last
        place = last[segment.flow] + (-0.5 if to_front else 0.5) if early else n
        ack = min(found[last[segment.flow]].ack, segment.ack) if early else segment.ack
        keyed.append((place, segment.with_payload(segment.seq, segment.flags, segment.payload, ack=ack)))
    return restamped([packet for _, packet in sorted(keyed, key=lambda pair: pair[0])], packets)


def fins_at_once(packets):
    """Neither FIN acknowledges the other (RFC 9293 3.6, case 3)."""
    fins, result = {}, []
    for segment in segments(packets):
        ack = segment.ack
        if segment.flags & FIN:
            other = fins.get(turned(segment.flow))
            if other is not None and segment.ack == (other + 1) % WRAP:
                ack = other
            fins[segment.flow] = end_of(segment)
        result.append(segment.with_payload(segment.seq, segment.flags, segment.payload, ack=ack))
    return result


def flagged(packets, flag):
    return [segment.with_payload(segment.seq, segment.flags | (flag if segment.payload else 0), segment.payload)
            for segment in segments(packets)]


def with_ip_options(packets):
    """Four bytes of options in IPv4's header, a hop-by-hop header in IPv6's."""
    result = []
    for segment in segments(packets):
        data, at = segment.packet.data, segment.network
        if segment.version == 4:
            headers = data[:at] + bytes((data[at] + 1,)) + data[at + 1:at + 20] + b"\x01\x01\x01\x00" + data[at + 20:]
            stated = at + 2
        else:
            extension = bytes((data[at + 6], 0, 1, 4, 0, 0, 0, 0))
            headers = data[:at + 6] + b"\0" + data[at + 7:at + 40] + extension + data[at + 40:]
            stated = at + 4
        changed = bytearray(headers)
        more = len(changed) - len(data)
        struct.pack_into("!H", changed, stated, struct.unpack_from("!H", changed, stated)[0] + more)
        result.append(segment.packet._replace(data=bytes(changed), length=segment.packet.length + more))
    return result


# --- clocks


def clocked(packets, clock):
    """clock: (number, time) -> time"""
    return [packet._replace(time_ns=max(0, clock(n, packet.time_ns))) for n, packet in enumerate(packets)]


# --- what is lost


def snapped(packets, length):
    return [packet._replace(data=packet.data[:length]) for packet in packets]


class Sent:
    """What one side of a connection sent, by the packets of a capture."""

    def __init__(self):
        self.low = self.fin = self.acked = None
        self.parts, self.packets = [], 0

    def missing(self):
        """Bytes that are known to have been sent and are not there: below what is there, what was acknowledged, or the FIN."""
        if not self.packets or self.low is None and not self.parts:
            return 0
        low = self.low if self.low is not None else self.parts[0][0]
        spans = sorted((near(start - low), near(end - low)) for start, end in self.parts)
        if self.low is None and spans:
            low, spans = low + spans[0][0], [(a - spans[0][0], b - spans[0][0]) for a, b in spans]
        high, there, at = 0, 0, 0
        for start, end in spans:
            high = max(high, end)
            there += max(0, end - max(at, start))
            at = max(at, end)
        ends = [near(self.fin - low)] if self.fin is not None else []
        if self.acked is not None:
            past = near(self.acked - low)
            # One more than there is may be a FIN that is not in the capture.
            ends.append(min(past, ends[0]) if ends else (past if past > high + 1 else high))
        return max([high] + ends) - there


def missing(packets, wholes):
    """{(client's address and port, server's): bytes lost}; wholes: the packets before the snap length cut them."""
    sides = {}
    for packet, segment in zip(packets, segments(wholes)):
        if len(packet.data) < segment.transport + 20:
            continue # nothing of it is known
        mine = sides.setdefault(segment.flow, Sent())
        other = sides.setdefault(turned(segment.flow), Sent())
        mine.packets += 1
        first = segment.seq + bool(segment.flags & SYN)
        if segment.flags & SYN:
            mine.low = first
            if segment.flags & ACK and other.low is None:
                other.low = segment.ack
        elif segment.flags & ACK and other.low is None and mine.low is not None:
            other.low = segment.ack # the answer to its SYN is lost
        if segment.payload:
            seen = max(0, len(packet.data) - len(segment.headers))
            mine.parts.append((first, first + min(len(segment.payload), seen)))
            if seen < len(segment.payload): # that it was sent is known
                mine.parts.append((first + len(segment.payload), first + len(segment.payload)))
        if segment.flags & FIN:
            mine.fin = first + len(segment.payload)
        if segment.flags & ACK: # a RST's too: what it acknowledges was received
            other.acked = segment.ack if other.acked is None or near(segment.ack - other.acked) > 0 else other.acked
    result = {}
    for flow, side in sides.items():
        name = flow if flow[3] in SERVER_PORTS else turned(flow)
        result[name] = result.get(name, 0) + side.missing()
    return result

"""Captures as lists of packets, for tests that change them: reads pcap and pcapng, writes both in every variant."""
import collections
import struct

Packet = collections.namedtuple("Packet", "time_ns data length link")  # length: on the wire; link: a LINKTYPE_ number
ETHERNET, RAW, LINUX_SLL, LINUX_SLL2, NULL, LOOP = 1, 101, 113, 276, 0, 108


def _read_pcap(data):
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    magic, _, _, _, _, _, link = struct.unpack_from(order + "IHHIIII", data)
    unit = 1 if magic == 0xA1B23C4D else 1000
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, captured, length = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if at + captured > len(data):
            return
        yield Packet(seconds * 10**9 + fraction * unit, data[at:at + captured], length, link & 0xFFFF)
        at += captured


def _resolution(options, order):
    """Nanoseconds in one unit of an interface's time stamps, as a fraction: option if_tsresol."""
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from(order + "HH", options, at)
        if code == 9 and size == 1:
            value = options[at + 4]
            return (10**9, 2**(value & 0x7F)) if value & 0x80 else (10**9, 10**value)
        at += 4 + (size + 3 & ~3)
    return 10**9, 10**6


def _read_pcapng(data):
    order, interfaces, at = "<", [], 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, size = struct.unpack_from(order + "II", data, at)
        body = data[at + 8:at + size - 4]
        if kind == 1:
            interfaces.append((struct.unpack_from(order + "H", body)[0], _resolution(body[8:], order)))
        elif kind == 6:
            interface, high, low, captured, length = struct.unpack_from(order + "IIIII", body)
            link, (numerator, denominator) = interfaces[interface]
            yield Packet((high << 32 | low) * numerator // denominator, body[20:20 + captured], length, link)
        at += size


def read(path):
    """The packets of a capture; one that is cut ends before the cut."""
    with open(path, "rb") as file:
        data = file.read()
    return list(_read_pcapng(data) if data[:4] == b"\x0a\x0d\x0d\x0a" else _read_pcap(data))


def pcap(packets, order="<", nanoseconds=True):
    """The bytes of a pcap file; all packets must be of one link type."""
    link = packets[0].link if packets else ETHERNET
    assert all(packet.link == link for packet in packets)
    parts = [struct.pack(order + "IHHIIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)]
    for packet in packets:
        fraction = packet.time_ns % 10**9 // (1 if nanoseconds else 1000)
        parts.append(struct.pack(order + "IIII", packet.time_ns // 10**9, fraction, len(packet.data), packet.length))
        parts.append(packet.data)
    return b"".join(parts)


def _block(order, kind, body):
    size = 12 + len(body)
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


def pcapng(packets, order="<", interfaces=1):
    """The bytes of a pcapng file with nanoseconds; the packets are dealt in turn to that many interfaces of each type."""
    links = sorted({packet.link for packet in packets})
    parts = [_block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))]
    for link in links * interfaces:
        options = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)
        parts.append(_block(order, 1, struct.pack(order + "HHI", link, 0, 262144) + options))
    for number, packet in enumerate(packets):
        interface = links.index(packet.link) + len(links) * (number % interfaces)
        head = struct.pack(order + "IIIII", interface, packet.time_ns >> 32, packet.time_ns & 0xFFFFFFFF,
                           len(packet.data), packet.length)
        parts.append(_block(order, 6, head + packet.data + b"\0" * (-len(packet.data) % 4)))
    return b"".join(parts)


def network_offset(packet):
    """Where the IP header of a packet begins; None if there is none."""
    data, link = packet.data, packet.link
    if link == RAW:
        return 0
    if link in (NULL, LOOP):
        return 4
    if link == LINUX_SLL2:
        return 20 if data[0:2] in (b"\x08\x00", b"\x86\xdd") else None
    at = {ETHERNET: 12, LINUX_SLL: 14}.get(link)
    if at is None:
        return None
    while data[at:at + 2] in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"):
        at += 4
    return at + 2 if data[at:at + 2] in (b"\x08\x00", b"\x86\xdd") else None


def _checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Segment:
    """A packet that is one whole TCP segment over IPv4 or IPv6. with_payload() makes a packet of it again, with lengths and
    checksums that fit what was changed."""

    def __init__(self, packet, network, transport):
        data = packet.data
        self.packet, self.network, self.transport = packet, network, transport
        self.version = data[network] >> 4
        size = data[transport + 12] >> 4 << 2
        stated = struct.unpack_from("!H", data, network + (2 if self.version == 4 else 4))[0]
        total = stated + (40 if self.version == 6 else 0) if stated else len(data) - network
        self.seq, self.ack = struct.unpack_from("!II", data, transport + 4)
        self.flags = data[transport + 13]
        self.payload = data[transport + size:network + total]
        self.headers = data[:transport + size]
        addresses = data[network + 12:network + 20] if self.version == 4 else data[network + 8:network + 40]
        half = len(addresses) // 2
        ports = data[transport:transport + 4]
        self.flow = (addresses[:half], ports[:2], addresses[half:], ports[2:])

    def with_payload(self, seq, flags, payload, ack=None, window=None, addresses=None):
        """addresses: (headers up to TCP's sequence number) of another Segment with headers of the same form."""
        headers = bytearray(self.headers)
        network, transport = self.network, self.transport
        if addresses:
            headers[:transport + 4] = addresses[:transport + 4]
        struct.pack_into("!I", headers, transport + 4, seq & 0xFFFFFFFF)
        if ack is not None:
            struct.pack_into("!I", headers, transport + 8, ack & 0xFFFFFFFF)
        if window is not None:
            struct.pack_into("!H", headers, transport + 14, window)
        headers[transport + 13] = flags
        segment_length = len(headers) - transport + len(payload)
        if self.version == 4: # a length that has no room is 0, as it is before a network card cut the segment
            total = len(headers) - network + len(payload)
            struct.pack_into("!H", headers, network + 2, total if total <= 0xFFFF else 0)
            struct.pack_into("!H", headers, network + 10, 0)
            struct.pack_into("!H", headers, network + 10, _checksum(bytes(headers[network:transport])))
            pseudo = bytes(headers[network + 12:network + 20]) + struct.pack("!BBH", 0, 6, segment_length & 0xFFFF)
        else:
            total = len(headers) - network - 40 + len(payload)
            struct.pack_into("!H", headers, network + 4, total if total <= 0xFFFF else 0)
            pseudo = bytes(headers[network + 8:network + 40]) + struct.pack("!II", segment_length, 6)
        struct.pack_into("!H", headers, transport + 16, 0)
        struct.pack_into("!H", headers, transport + 16, _checksum(pseudo + bytes(headers[transport:]) + payload))
        data = bytes(headers) + payload
        return self.packet._replace(data=data, length=len(data))


def segment(packet):
    """The packet as a Segment; None where it is something else, a fragment, or cut by the snap length."""
    network = network_offset(packet)
    data = packet.data
    if network is None or len(data) < network + 20 or len(data) < packet.length:
        return None
    if data[network] >> 4 == 4:
        transport = network + (data[network] & 15) * 4
        fragment = struct.unpack_from("!H", data, network + 6)[0] & 0x3FFF
        protocol = data[network + 9] if not fragment else 0
    else:
        transport, protocol = network + 40, data[network + 6]
    if protocol != 6 or len(data) < transport + 20:
        return None
    found = Segment(packet, network, transport)
    total = len(found.headers) + len(found.payload)
    return found if total <= len(data) else None

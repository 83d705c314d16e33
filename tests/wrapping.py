"""Packets in tunnels, behind tags and labels, and in fragments: written here byte by byte after the specifications, for
tests that hold a wrapped capture against the plain one.

What is wrapped is a Pdu: an EtherType and what stands behind it; a whole Ethernet frame has the type TEB. A layer is a
function from Pdu to Pdu; wrap() applies layers from the inside out.
"""
import collections
import struct

import pcapfile

Pdu = collections.namedtuple("Pdu", "type data side")  # side: a byte that tells the two directions apart
IPV4, IPV6, TEB, MPLS, PPPOE = 0x0800, 0x86DD, 0x6558, 0x8847, 0x8864
TCP, UDP, GRE = 6, 17, 47
MAC_A, MAC_B = b"\x02\0\x5e\0\x53\x01", b"\x02\0\x5e\0\x53\x02"


def pdu(packet):
    """The IP packet in an Ethernet frame, without the frame's padding; None where there is none."""
    kind = struct.unpack_from("!H", packet.data, 12)[0]
    data = packet.data[14:]
    if kind == IPV4:
        return Pdu(kind, data[:struct.unpack_from("!H", data, 2)[0]], data[15])
    return Pdu(kind, data[:struct.unpack_from("!H", data, 4)[0] + 40], data[23]) if kind == IPV6 else None


def checksum(data):
    return struct.pack("!H", pcapfile._checksum(data))  # pylint: disable=protected-access


# --- links ---

def ethernet(macs=MAC_A + MAC_B, pad=0, trailer=b""):
    def layer(p):
        data = macs + struct.pack("!H", p.type) + p.data
        return Pdu(TEB, data + b"\0" * (pad - len(data)) + trailer, p.side)
    return layer


def snap(p):
    """RFC 1042; the length is Ethernet's."""
    data = b"\xaa\xaa\x03\0\0\0" + struct.pack("!H", p.type) + p.data
    return Pdu(len(data), data, p.side)


def tag(tpid, vid, priority=0):
    return lambda p: Pdu(tpid, struct.pack("!HH", priority << 13 | vid, p.type) + p.data, p.side)


def mpls(*labels, control_word=None):
    """RFC 3032; with an Ethernet frame inside a pseudowire, RFC 4448."""
    def layer(p):
        stack = b"".join(struct.pack("!I", label << 12 | 5 << 9 | (at + 1 == len(labels)) << 8 | 63)
                         for at, label in enumerate(labels))
        word = b"" if control_word is None else struct.pack("!I", control_word)
        return Pdu(MPLS, stack + word + p.data, p.side)
    return layer


def pppoe(session, compressed=False):
    """RFC 2516 4; PPP's numbers are those of RFC 1332 and RFC 5072."""
    def layer(p):
        number = {IPV4: 0x21, IPV6: 0x57, MPLS: 0x281}[p.type]
        protocol = struct.pack("!B" if compressed else "!H", number)
        return Pdu(PPPOE, struct.pack("!BBHH", 0x11, 0, session, len(protocol + p.data)) + protocol + p.data, p.side)
    return layer


# --- over IP: a pair of protocol number and bytes, which ip() takes ---

def ipv4(protocol, data, side, number=0, options=b"", fragment=0):
    total = 20 + len(options) + len(data)
    total = total if total < 65536 else 0  # as of a frame that the card cuts
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, total, number, fragment, 64, protocol, 0,
                       bytes((198, 51, 100, side)), bytes((198, 51, 100, side ^ 0x80))) + options
    return head[:10] + checksum(head) + head[12:] + data


def ipv6(protocol, data, side):
    length = len(data) if len(data) < 65536 else 0
    prefix = b"\x20\x01\x0d\xb8" + b"\0" * 11
    return struct.pack("!IHBB", 6 << 28, length, protocol, 64) + prefix + bytes((side,)) + prefix + bytes((side ^ 0x80,)) + data


def over(version, inner, **more):
    """IP around what inner(p) gives: a protocol number and bytes."""
    def layer(p):
        protocol, data = inner(p)
        data = (ipv4 if version == 4 else ipv6)(protocol, data, p.side, **more)
        return Pdu(IPV4 if version == 4 else IPV6, data, p.side)
    return layer


def tunnel_address(version, side):
    return "198.51.100.%d" % side if version == 4 else "2001:db8::%x" % side


def ip_in(p):
    """RFC 2003, RFC 4213, RFC 2473."""
    return (4 if p.type == IPV4 else 41), p.data


def mpls_in(p):
    return 137, p.data


def gre(key=None, sequence=None, check=False, routing=None, kind=None):
    """RFC 2784, RFC 2890; routing: the source route entries of RFC 1701, as (family, offset, bytes)."""
    def inner(p):
        flags = (0x8000 * check | 0x4000 * (routing is not None) | 0x2000 * (key is not None) |
                 0x1000 * (sequence is not None))
        head = struct.pack("!HH", flags, kind or p.type)
        tail = b"".join(struct.pack("!I", value) for value in (key, sequence) if value is not None)
        if routing is not None:
            tail += b"".join(struct.pack("!HBB", family, at, len(data)) + data for family, at, data in routing)
            tail += b"\0\0\0\0"
        if check or routing is not None:
            summed = checksum(head + b"\0\0\0\0" + tail + p.data) if check else b"\0\0"
            head += summed + b"\0\0"
        return GRE, head + tail + p.data
    return inner


def erspan(version, session=0, subheader=False, ip=False):
    """draft-foschiano-erspan: type I, II or III."""
    def inner(p):
        if version == 1:
            return gre(kind=0x88BE)(p)
        first = struct.pack("!HH", (version - 1) << 12 | 0x123, 5 << 13 | 3 << 11 | session)
        if version == 2:
            return gre(sequence=7, kind=0x88BE)(p._replace(data=first + struct.pack("!I", 0x98765) + p.data))
        last = (2 << 10 if ip else 0) | 0x8000 * (not ip) | 0x1f << 4 | subheader
        head = first + struct.pack("!IHH", 0x01020304, 99, last) + (b"\x4c\0\0\x07subh" if subheader else b"")
        return gre(sequence=7, kind=0x22EB)(p._replace(data=head + p.data))
    return inner


def udp(port, head):
    """head(p): the tunnel's header."""
    def inner(p):
        data = head(p) + p.data
        length = len(data) + 8 if len(data) + 8 < 65536 else 0
        return UDP, struct.pack("!HHHH", 49152 + p.side, port, length, 0) + data
    return inner


def vxlan(vni, port=4789, policy=None):
    """RFC 7348 5; policy: the group of draft-smith-vxlan-group-policy."""
    flags = 0x08000000 if policy is None else 0x88480000 | policy
    return udp(port, lambda p: struct.pack("!II", flags, vni << 8))


def vxlan_gpe(vni):
    """draft-ietf-nvo3-vxlan-gpe 3."""
    return udp(4790, lambda p: struct.pack("!II", 0x0C000000 | {IPV4: 1, IPV6: 2, TEB: 3, MPLS: 5}[p.type], vni << 8))


def geneve(vni, options=b"", flags=0):
    """RFC 8926 3.4."""
    return udp(6081, lambda p: struct.pack("!BBHI", len(options) // 4, flags, p.type, vni << 8) + options)


# --- packets ---

def wrap(packets, *layers, link=pcapfile.ETHERNET, macs=None):
    """The packets with their IP in these layers; those without IP stay as they are, and are left out on another link."""
    result = []
    for packet in packets:
        p = pdu(packet)
        if p is None:
            result += [packet] if link == pcapfile.ETHERNET else []
            continue
        for layer in layers:
            p = layer(p)
        if p.type != TEB or link != pcapfile.ETHERNET:
            p = LINKS[link](p, macs or packet.data[:12])
        result.append(packet._replace(data=p.data, length=len(p.data), link=link))
    return result


LINKS = {
    pcapfile.ETHERNET: lambda p, macs: Pdu(TEB, macs + struct.pack("!H", p.type) + p.data, p.side),
    pcapfile.LINUX_SLL: lambda p, macs: p._replace(data=b"\0\0\0\1\0\6" + macs[6:] + b"\0\0" +
                                                   struct.pack("!H", p.type) + p.data),
    pcapfile.LINUX_SLL2: lambda p, macs: p._replace(data=struct.pack("!HHIHBB", p.type, 0, 2, 1, 0, 6) + macs[6:] +
                                                    b"\0\0" + p.data),
    pcapfile.RAW: lambda p, macs: p,
}


# --- fragments ---

class Fragments:
    """Cuts the outermost IP packet of Ethernet frames: size bytes of payload in each fragment, numbered so that none
    meets another. order(pieces) gives them in the order of the capture; a piece is (offset, bytes, more)."""

    def __init__(self, size, order=lambda pieces: pieces):
        self.size, self.order, self.number = size // 8 * 8, order, 0

    def ip(self, kind, data):
        """The fragments of an IP packet, or itself where it is small."""
        if kind == IPV4:
            at = (data[0] & 15) * 4
        else:
            at = 40 + (data[41] * 8 + 8 if data[6] == 0 else 0)
        payload = data[at:]
        if len(payload) <= self.size:
            return [data]
        self.number += 1
        pieces = [(offset, payload[offset:offset + self.size], offset + self.size < len(payload))
                  for offset in range(0, len(payload), self.size)]
        head = self.ipv4 if kind == IPV4 else self.ipv6
        return [head(data[:at], offset, piece, more) for offset, piece, more in self.order(pieces)]

    def ipv4(self, header, offset, piece, more):
        fields = struct.pack("!HHH", len(header) + len(piece), self.number & 0xFFFF, more << 13 | offset // 8)
        header = header[:2] + fields + header[8:10] + b"\0\0" + header[12:]
        return header[:10] + checksum(header) + header[12:] + piece

    def ipv6(self, header, offset, piece, more):
        """RFC 8200 4.5: behind a hop-by-hop header, if there is one."""
        at = 40 if header[6] == 0 else 6
        fragment = struct.pack("!BBHI", header[at], 0, offset | more, self.number)
        header = header[:at] + b"\x2c" + header[at + 1:]
        return header[:4] + struct.pack("!H", len(header) - 40 + len(fragment + piece)) + header[6:] + fragment + piece

    def layer(self, p):
        """As a layer of wrap() it gives several: only for frames()."""
        return [p._replace(data=data) for data in self.ip(p.type, p.data)]

    def frames(self, packets, inside=(), outside=()):
        """The packets in the layers of inside, cut, and each piece in the layers of outside."""
        result = []
        for packet in packets:
            p = pdu(packet)
            if p is None:
                result.append(packet)
                continue
            for layer in inside:
                p = layer(p)
            for piece in self.layer(p):
                for layer in outside:
                    piece = layer(piece)
                if piece.type != TEB:
                    piece = LINKS[pcapfile.ETHERNET](piece, packet.data[:12])
                result.append(packet._replace(data=piece.data, length=len(piece.data)))
        return result

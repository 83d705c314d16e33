#!/usr/bin/env python3
"""Makes inputs of the fuzz targets from captures.

usage: harvest.py FOLDER CAPTURE...

Writes, into folders of FOLDER named after the targets: each different message and each security token in it (dissectors), each connection as what was said in turn
(conversation), and each direction of it as a stream (framing). What of it is worth keeping, libFuzzer tells:

    build-fuzz/tests/fuzz_smb2 -merge=1 tests/fuzz/corpus/smb2 FOLDER/smb2
"""
import collections
import hashlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402

TURN_TO_CLIENT, HOW_TO_CLIENT = 1, 1  # fuzz_conversation.c, fuzz_dissectors.c
WITH_EVERY_OPERATION, WITH_NETBIOS = 1, 8
# By the protocol id: the target for one dissector, and its place in dissectors[] of dissectors/registry.c.
DISSECTORS = {b"\xffSMB": ("smb1", 0), b"\xfeSMB": ("smb2", 1), b"\xfdSMB": ("smb2_transform", 2),
              b"\xfcSMB": ("smb2_compression", 3)}
SPNEGO_PLACE, NTLMSSP_PLACE, KERBEROS_PLACE = 4, 5, 6
# Tokens by how they begin: SPNEGO of both sides, NTLMSSP, and Kerberos behind its object identifier.
NTLMSSP, KERBEROS = b"NTLMSSP\0", b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
SESSION_SETUP, TOKEN_AT = 1, {False: 12, True: 4} # MS-SMB2 2.2.5 and 2.2.6: where the body has the offset of the token
MESSAGE_MAX, CONVERSATION_MAX, STREAM_MAX = 4096, 24000, 12000


class Stream:
    """One direction of a connection: its bytes in order, and its packets as session service messages."""

    def __init__(self):
        self.next, self.bytes, self.told = None, bytearray(), 0

    def take(self, segment):
        """The messages that a segment makes whole."""
        start = segment.seq + (1 if segment.flags & 2 else 0) & 0xFFFFFFFF
        self.next = start if self.next is None else self.next
        known = (self.next - start) & 0xFFFFFFFF
        if known < len(segment.payload):
            self.bytes += segment.payload[known:]
            self.next = start + len(segment.payload) & 0xFFFFFFFF
        while len(self.bytes) >= self.told + 4:
            size = int.from_bytes(self.bytes[self.told + 1:self.told + 4], "big")
            if len(self.bytes) < self.told + 4 + size:
                return
            yield bytes(self.bytes[self.told:self.told + 4 + size])
            self.told += 4 + size


class Flow:
    def __init__(self, client, server_port):
        self.client, self.server_port = client, server_port
        self.streams = (Stream(), Stream())
        self.turns = []

    def take(self, segment):
        to_client = segment.flow[:2] != self.client
        for packet in self.streams[to_client].take(segment):
            self.turns.append((to_client, packet))


def flows(path):
    """The connections of a capture to a port that looks like a server's."""
    found = collections.OrderedDict()
    for packet in pcapfile.read(path):
        segment = pcapfile.segment(packet)
        if segment is None:
            continue
        key = frozenset((segment.flow[:2], segment.flow[2:]))
        if key not in found:
            client, server = sorted((segment.flow[:2], segment.flow[2:]), key=lambda end: end[1], reverse=True)
            found[key] = Flow(client, int.from_bytes(server[1], "big"))
        found[key].take(segment)
    return found.values()


def write(folder, target, data):
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    with open(os.path.join(folder, target, hashlib.sha1(data).hexdigest()), "wb") as file:
        file.write(data)


def messages(folder, flow):
    for to_client, packet in flow.turns:
        name, place = DISSECTORS.get(packet[4:8], (None, 0))
        if name and len(packet) < MESSAGE_MAX:
            write(folder, name, bytes([place, HOW_TO_CLIENT if to_client else 0]) + packet[4:])


def token_of(message, to_client):
    """The security token of an SMB2 SESSION_SETUP."""
    if message[:4] != b"\xfeSMB" or message[12] != SESSION_SETUP or len(message) < 64 + 24:
        return b""
    at = 64 + TOKEN_AT[to_client]
    offset, length = (int.from_bytes(message[at + i:at + i + 2], "little") for i in (0, 2))
    return message[offset:offset + length]


def tokens(folder, flow):
    for to_client, packet in flow.turns:
        token, how = token_of(packet[4:], to_client), HOW_TO_CLIENT if to_client else 0
        if token[:1] in (b"\x60", b"\xa1"):
            write(folder, "spnego", bytes([SPNEGO_PLACE, how]) + token)
        if NTLMSSP in token:
            write(folder, "ntlmssp", bytes([NTLMSSP_PLACE, how]) + token[token.index(NTLMSSP):])
        if token.count(KERBEROS) and NTLMSSP not in token:
            write(folder, "kerberos", bytes([KERBEROS_PLACE, how]) + token[token.rindex(KERBEROS) + len(KERBEROS):])


def conversation(folder, flow):
    said = b""
    for to_client, packet in flow.turns:
        raw = packet[0] != 0  # of the session service itself
        if len(packet) < MESSAGE_MAX and len(said) + len(packet) < CONVERSATION_MAX:
            content = packet if raw else packet[4:]
            said += bytes([(TURN_TO_CLIENT if to_client else 0) | (2 if raw else 0)])
            said += len(content).to_bytes(2, "little") + content
    if said:
        with_ = WITH_NETBIOS if flow.server_port == 139 else 0
        write(folder, "conversation", bytes([with_ | WITH_EVERY_OPERATION]) + said)
        write(folder, "conversation", bytes([with_]) + said)


def streams(folder, flow):
    for stream in flow.streams:
        if stream.bytes:
            write(folder, "framing", bytes([0, 4, 100, 0, 7, 0, 1, 0, 200, 5]) + bytes(stream.bytes[:STREAM_MAX]))


def main():
    folder = sys.argv[1]
    for path in sys.argv[2:]:
        for flow in flows(path):
            messages(folder, flow)
            tokens(folder, flow)
            conversation(folder, flow)
            streams(folder, flow)


if __name__ == "__main__":
    main()

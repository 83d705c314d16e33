#!/usr/bin/env python3
"""Makes inputs of the fuzz targets from captures.

usage: harvest.py FOLDER CAPTURE...

Writes, into folders of FOLDER named after the targets: each different message (dissectors), each connection as what was said in turn
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
            conversation(folder, flow)
            streams(folder, flow)


if __name__ == "__main__":
    main()

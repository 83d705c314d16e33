"""Captures for loss.py that are made, not recorded: many messages in flight, and file data full of false SMB headers."""
import os
import random
import struct

import pcapfile
import smbread
import smbwire
import talk
import tap
from talk import TO_CLIENT, TO_SERVER

MSS = 1448
WRITE_HEAD, READ_HEAD = 4 + 112, 4 + 80  # bytes of a frame before its data


def content(seed, length):
    """File data without anything in it."""
    return random.Random(seed).randbytes(length)


def small_ones(client, file, count):
    """Pairs of all kinds, none of them large."""
    for number in range(count):
        kind = number % 5
        if kind == 0:
            yield client.pair(talk.READ, talk.read_request(file, number, 100 + number), talk.read_response(content(number, 100 + number)))
        elif kind == 1:
            yield client.pair(talk.WRITE, talk.write_request(file, number, content(number, 70 + number)), talk.write_response(70 + number))
        elif kind == 2:
            opened, client.next_file = client.next_file, client.next_file + 1
            yield client.pair(talk.CREATE, talk.create_request("small %d.txt" % number), talk.create_response(opened))
        elif kind == 3:
            yield client.pair(talk.CLOSE, talk.close_request(opened), talk.close_response())
        else:
            yield client.pair(talk.ECHO, talk.echo(), talk.echo())


def finished(conversation):
    conversation.close()
    return conversation.packets


def in_flight(mss):
    """Messages that begin and end anywhere in segments, some of them over several."""
    conversation = talk.Talk(mss)
    client = talk.Client(conversation)
    file = client.open("pipelined.dat")
    pairs = list(small_ones(client, file, 120))
    conversation.batches(pairs, 12)
    return finished(conversation)


def bulk():
    """Large reads and writes without a pause, small ones between them."""
    conversation = talk.Talk()
    client = talk.Client(conversation)
    file = client.open("bulk.dat")
    pairs = []
    for number in range(6):
        length = 9000 + 1111 * number
        pairs.append(client.pair(talk.WRITE, talk.write_request(file, 0, content(number, length)), talk.write_response(length)))
        pairs.append(client.pair(talk.READ, talk.read_request(file, 0, length), talk.read_response(content(number, length))))
        pairs += small_ones(client, file, 2)
    conversation.batches(pairs, 6)
    return finished(conversation)


def chains():
    """Chains of several segments."""
    conversation = talk.Talk(536)
    client = talk.Client(conversation)
    for number in range(8):
        file = 100 + number
        ids = range(client.id, client.id + 3)
        client.id += 3
        data = content(number, 900 + 100 * number)
        bodies = ((talk.CREATE, talk.create_request("chain %d.txt" % number), talk.create_response(file)),
                  (talk.WRITE, talk.write_request(file, 0, data), talk.write_response(len(data))),
                  (talk.CLOSE, talk.close_request(file), talk.close_response()))
        asked = talk.frame(*(talk.smb2(body[0], at, body[1], session=client.session) for at, body in zip(ids, bodies)))
        answered = talk.frame(*(talk.smb2(body[0], at, body[2], talk.RESPONSE, session=client.session)
                                for at, body in zip(ids, bodies)))
        conversation.ask(asked, answered)
        client.both(talk.ECHO, talk.echo(), talk.echo())
    return finished(conversation)


def pauses():
    """A message now and then, between keep-alives of both kinds and hours of nothing."""
    conversation = talk.Talk()
    client = talk.Client(conversation)
    file = client.open("slow.dat")
    for number, pair in enumerate(small_ones(client, file, 40)):
        conversation.ask(*pair)
        if number % 4 == 0:
            conversation.wait(3600)
        if number % 3 == 0:
            conversation.ask(b"\x85\0\0\0", b"")
    return finished(conversation)


# ---- false headers

def transfer(data, mss=MSS):
    """Writes the data and reads it back, in pieces, with small operations around; the last thing on the wire is small."""
    conversation = talk.Talk(mss)
    client = talk.Client(conversation)
    file = client.open("copy of it.pcap")
    for pair in small_ones(client, file, 5):
        conversation.ask(*pair)
    if callable(data):
        data = data(client)
    size = 30000
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        client.both(talk.WRITE, talk.write_request(file, at, piece), talk.write_response(len(piece)))
        client.both(talk.ECHO, talk.echo(), talk.echo())
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        client.both(talk.READ, talk.read_request(file, at, len(piece)), talk.read_response(piece))
        client.both(talk.CLOSE, talk.close_request(777 + at), talk.close_response())
    client.both(talk.CLOSE, talk.close_request(file), talk.close_response())
    return finished(conversation)


def capture_file(name):
    with open(os.path.join(tap.PCAPS, name), "rb") as file:
        return file.read()


def stream_file(name):
    """What `follow stream` saves of a capture: both directions in turn."""
    flow = smbread.flows_of(pcapfile.read(os.path.join(tap.PCAPS, name)))[0]
    sides = [flow.sides[direction].stream for direction in (TO_SERVER, TO_CLIENT)]
    return sides[0] + sides[1] + sides[0]


def own(client):
    """All that was said on the very connection, again and again."""
    return (b"".join(client.said[0]) + b"".join(client.said[1])) * 12


def foreign(session, base=0):
    """Frames of another connection, or of another session or with other ids on the same: requests and responses in turn."""
    other = talk.Client(talk.Talk(), session, first=False)
    other.id = base
    file = 5
    return [frame for pair in small_ones(other, file, 40) for frame in pair]


def aligned(frames, head):
    """Each frame at the start of a segment, zeros behind it; in a write or read whose frame begins a segment."""
    data = bytes(MSS - head)
    for frame in frames:
        data += frame + bytes(-len(frame) % MSS)
    return data


def filling(session, base=0):
    """Frames that each fill a segment: writes and reads of just that length."""
    other = talk.Client(talk.Talk(), session, first=False)
    other.id = base
    frames = []
    for number in range(16):
        asked, _ = other.pair(talk.WRITE, talk.write_request(5, 0, content(number, MSS - WRITE_HEAD)), b"")
        _, answered = other.pair(talk.READ, b"", talk.read_response(content(number, MSS - READ_HEAD)))
        frames += [asked, answered]
    return frames


def aligned_transfer(frames):
    """Writes and reads of 20 segments, in which frames lie where segments begin."""
    conversation = talk.Talk(MSS)
    client = talk.Client(conversation)
    file = client.open("aligned.dat")
    for pair in small_ones(client, file, 5):
        conversation.ask(*pair)
    if callable(frames):
        frames = frames(client)
    for at in range(0, len(frames), 20):
        piece = aligned(frames[at:at + 20], WRITE_HEAD)
        client.both(talk.WRITE, talk.write_request(file, at, piece), talk.write_response(len(piece)))
        client.both(talk.ECHO, talk.echo(), talk.echo())
        piece = aligned(frames[at:at + 20], READ_HEAD)
        client.both(talk.READ, talk.read_request(file, at, len(piece)), talk.read_response(piece))
        client.both(talk.ECHO, talk.echo(), talk.echo())
    return finished(conversation)


def own_frames(client):
    return [frame for pair in zip(*client.said) for frame in pair] * 2


def nested():
    """A stream with a write, in whose data is a stream with a write, and so on."""
    data = b"".join(foreign(0x33))
    for depth in range(4):
        other = talk.Client(talk.Talk(), 0x40 + depth, first=False)
        asked, answered = other.pair(talk.WRITE, talk.write_request(5, 0, data), talk.write_response(len(data)))
        _, read = other.pair(talk.READ, b"", talk.read_response(data))
        data = (asked + answered + read)[:60000]
    return data


# ---- SMB1

class Client1:
    """A client of SMB1; ids that grow, or are the same all the time."""

    def __init__(self, conversation, same_mid=False):
        self.talk, self.mid, self.uid, self.step = conversation, 64, 100, 0 if same_mid else 64
        self.said = [[], []]
        setup = struct.pack("<BBHHHHIHHII", 0xFF, 0, 0, 60000, 2, 1, 0, 1, 0, 0, 0)
        self.both(0x73, setup, b"\0a\0\0\0", struct.pack("<BBHH", 0xFF, 0, 0, 0), b"\0\0")
        self.both(0x75, struct.pack("<BBHHH", 0xFF, 0, 0, 0, 1), b"\0\\\\FS01\\data\0?????\0", struct.pack("<BBHH", 0xFF, 0, 0, 1), b"A:\0\0")

    def pair(self, command, words, data, answer_words, answer_data):
        self.mid += self.step
        ids = {"uid": self.uid, "flags2": smbwire.NT_STATUS | smbwire.LONG}
        asked = talk.frame(smbwire.smb1(command, self.mid, words, data, **ids))
        answered = talk.frame(smbwire.smb1(command, self.mid, answer_words, answer_data, reply=True, **ids))
        self.said[0].append(asked)
        self.said[1].append(answered)
        return asked, answered

    def both(self, *parts):
        self.talk.ask(*self.pair(*parts))

    def write(self, data):
        words = struct.pack("<BBHHIIHHHHHI", 0xFF, 0, 0, 7, 0, 0, 0, 0, 0, len(data), 64, 0)
        return 0x2F, words, b"\0" + data, struct.pack("<BBHHHI", 0xFF, 0, 0, len(data), 0, 0), b""

    def read(self, data):
        words = struct.pack("<BBHHIHHIHI", 0xFF, 0, 0, 7, 0, len(data), len(data), 0, 0, 0)
        answer = struct.pack("<BBHHHHHHHQ", 0xFF, 0, 0, 0, 0, 0, len(data), 60, 0, 0)
        return 0x2E, words, b"", answer, b"\0" + data

    def small(self, count):
        for number in range(count):
            kind = number % 3
            if kind == 0:
                yield self.pair(0x10, b"", b"\4\\dir %d\0" % number, b"", b"")
            elif kind == 1:
                yield self.pair(0x2B, struct.pack("<H", 1), b"hello", struct.pack("<H", 1), b"hello")
            else:
                yield self.pair(0x04, struct.pack("<HI", 9, 0), b"", b"", b"")


def transfer1(data, same_mid=False, read_back=True, mss=MSS):
    conversation = talk.Talk(mss)
    client = Client1(conversation, same_mid)
    for pair in client.small(9):
        conversation.ask(*pair)
    if callable(data):
        data = data(client)
    size = 16000
    for at in range(0, len(data), size):
        client.both(*client.write(data[at:at + size]))
        for pair in client.small(2):
            conversation.ask(*pair)
        if read_back:
            client.both(*client.read(data[at:at + size]))
        for pair in client.small(2):
            conversation.ask(*pair)
    return finished(conversation)


def in_flight1(mss):
    conversation = talk.Talk(mss)
    client = Client1(conversation)
    pairs = []
    for _ in range(8):
        pairs += [client.pair(*client.write(content(mss, 900))), client.pair(*client.read(content(mss, 2900)))]
        pairs += client.small(9)
    conversation.batches(pairs, 11)
    return finished(conversation)


SESSION = 0x5000000011  # of talk.Client
MADE = {
    "in flight": lambda: in_flight(MSS),
    "in flight, small segments": lambda: in_flight(200),
    "bulk": bulk,
    "chains": chains,
    "pauses": pauses,
    "a capture file": lambda: transfer(capture_file("compounds.pcap") * 4),
    "a capture file of large transfers": lambda: transfer(capture_file("large.pcap")),
    "a stream's content": lambda: transfer(stream_file("dialect-3.1.1.pcap")),
    "the connection's own stream": lambda: transfer(own),
    "streams in streams": lambda: transfer(nested()),
    "aligned, another session": lambda: aligned_transfer(foreign(0x77)),
    "aligned, another session, filling": lambda: aligned_transfer(filling(0x77)),
    "aligned, this session, old ids": lambda: aligned_transfer(own_frames),
    "aligned, this session, ids far ahead": lambda: aligned_transfer(foreign(SESSION, 1000)),
    "aligned, this session, ids far ahead, filling": lambda: aligned_transfer(filling(SESSION, 1000)),
    "back to back, this session, ids far ahead": lambda: transfer(b"".join(foreign(SESSION, 1000)) * 8),
    "SMB1 in flight": lambda: in_flight1(MSS),
    "SMB1 in flight, small segments": lambda: in_flight1(200),
    "SMB1, a capture file": lambda: transfer1(capture_file("smb1-io.pcap") * 4),
    "SMB1, a capture file of transactions in parts": lambda: transfer1(capture_file("smb1-secondary.pcap") * 8),
    "SMB1, the connection's own stream": lambda: transfer1(own),
    "SMB1, all with one MID": lambda: transfer1(own, True, False),
    "SMB1, a capture file of SMB2": lambda: transfer1(capture_file("dialect-3.1.1.pcap")),
}

# Where file data copies this very connection, or frames of it lie where segments begin, nothing but what was seen before tells
# them apart; and on another port a connection is known by its first message. So many packets at the beginning are not lost.
KNOWN_FIRST = {
    "port-4455": 12,
    "the connection's own stream": 34,
    "aligned, another session": 34,
    "aligned, another session, filling": 34,
    "aligned, this session, old ids": 34,
    "aligned, this session, ids far ahead": 34,
    "aligned, this session, ids far ahead, filling": 34,
    "SMB1, the connection's own stream": 47,
    "SMB1, all with one MID": 47,
}


def behind(ways, first):
    """The same ways, with the packets before first left."""
    for name, dropped, snap in ways:
        yield name, [number for number in dropped if number >= first], snap

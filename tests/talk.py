"""Captures that a test makes by itself: SMB messages, and a TCP connection that carries them with segments, acknowledgments and
times as the test wants them. Fields as in MS-SMB2 2.2 and MS-CIFS 2.2.3; what no test looks at is zero."""
import struct

import pcapfile

RESPONSE, ASYNC, RELATED = 1, 2, 4
NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, TREE_DISCONNECT, CREATE, CLOSE, FLUSH, READ, WRITE = range(10)
LOCK, IOCTL, CANCEL, ECHO, QUERY_DIRECTORY, CHANGE_NOTIFY, QUERY_INFO, SET_INFO, OPLOCK_BREAK = range(10, 19)
TO_SERVER, TO_CLIENT = 0, 1


# ---- SMB2

def smb2(command, message_id, session, body, tree=1, flags=0, status=0, following=0, charge=1):
    return struct.pack("<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, charge, status, command, 1, flags, following, message_id, 0xFEFF,
                       tree, session, bytes(16)) + body


def file_id(number):
    return struct.pack("<QQ", number, 0x4000000000 + number)


def create_request(name):
    text = name.encode("utf-16-le")
    return struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, 0x120089, 0x80, 7, 1, 0x40, 120, len(text), 0, 0) + (text or b"\0")


def create_response(number, size=0):
    return struct.pack("<HBBIQQQQQQII", 89, 0, 0, 1, 0, 0, 0, 0, 0, size, 0x80, 0) + file_id(number) + bytes(8)


def close_request(number):
    return struct.pack("<HHI", 24, 0, 0) + file_id(number)


def close_response():
    return struct.pack("<HHI", 60, 0, 0) + bytes(52)


def read_request(number, offset, length):
    return struct.pack("<HBBIQ", 49, 80, 0, length, offset) + file_id(number) + bytes(16) + b"\0"


def read_response(data):
    return struct.pack("<HBBIII", 17, 80, 0, len(data), 0, 0) + data


def write_request(number, offset, data):
    return struct.pack("<HHIQ", 49, 112, len(data), offset) + file_id(number) + bytes(16) + data


def write_response(count):
    return struct.pack("<HHIII", 17, 0, count, 0, 0)


def setup_request():
    return struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, 1, 0) + b"\0"


def setup_response():
    return struct.pack("<HHHH", 9, 0, 72, 1) + b"\0"


def tree_request(path):
    text = path.encode("utf-16-le")
    return struct.pack("<HHHH", 9, 0, 72, len(text)) + text


def tree_response():
    return struct.pack("<HBBIII", 16, 1, 0, 0, 0, 0x1F01FF)


def echo():
    return struct.pack("<HH", 4, 0)


# ---- SMB1

def smb1(command, mid, uid, words, data, tid=1, reply=False, pid=0x1234, status=0):
    return struct.pack("<4sBIBHH8sHHHHH", b"\xffSMB", command, status, 0x98 if reply else 0x18, 0x4001, 0, bytes(8), 0, tid, pid,
                       uid, mid) + bytes([len(words) // 2]) + words + struct.pack("<H", len(data) & 0xFFFF) + data


# ---- the connection

def frame(*messages):
    """One frame: a message, or a chain of elements that are told where the next one is."""
    parts = []
    for number, message in enumerate(messages):
        if number + 1 < len(messages):
            message += bytes(-len(message) % 8)
            message = message[:20] + struct.pack("<I", len(message)) + message[24:]
        parts.append(message)
    data = b"".join(parts)
    return struct.pack(">I", len(data)) + data


class Talk:
    """A connection. say() puts bytes into a stream; flush() sends what is there in segments."""

    def __init__(self, mss=1448, port=40000, client="192.0.2.20", server="192.0.2.10", start=1_800_000_000 * 10**9, hello=True):
        self.mss, self.now = mss, start
        self.ends = ((client, port), (server, 445))
        self.seq = [1000, 5000000]
        self.waiting = [b"", b""]
        self.packets = []
        if hello:
            self.packet(TO_SERVER, 0x02, b"")
            self.seq[0] += 1
            self.packet(TO_CLIENT, 0x12, b"")
            self.seq[1] += 1
            self.packet(TO_SERVER, 0x10, b"")

    def packet(self, direction, flags, payload):
        source, target = self.ends if direction == TO_SERVER else self.ends[::-1]
        address = b"".join(bytes(int(part) for part in end[0].split(".")) for end in (source, target))
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(payload), 1, 0x4000, 64, 6, 0) + address
        ack = self.seq[1 - direction] if flags & 0x10 else 0
        tcp = struct.pack(">HHIIBBHHH", source[1], target[1], self.seq[direction], ack, 0x50, flags, 65000, 0, 0)
        data = bytes(12) + b"\x08\x00" + ip + tcp + payload
        self.now += 20_000
        self.packets.append(pcapfile.Packet(self.now, data, len(data), pcapfile.ETHERNET))

    def say(self, direction, data):
        self.waiting[direction] += data

    def flush(self, direction, keep=False):
        """keep: what does not fill a segment waits for more, as it does where a sender has much to send."""
        data, count = self.waiting[direction], 0
        while len(data) >= self.mss or (data and not keep):
            piece, data = data[:self.mss], data[self.mss:]
            self.packet(direction, 0x18 if not data else 0x10, piece)
            self.seq[direction] += len(piece)
            count += 1
            if count % 2 == 0:
                self.packet(1 - direction, 0x10, b"")
        self.waiting[direction] = data
        if not data:
            self.packet(1 - direction, 0x10, b"")

    def ask(self, request, response):
        self.say(TO_SERVER, request)
        self.flush(TO_SERVER)
        self.say(TO_CLIENT, response)
        self.flush(TO_CLIENT)

    def batches(self, pairs, count):
        """Count requests on the wire one behind the other, and so the responses, while the next requests are under way: a
        segment ends with a message by chance alone."""
        for at in range(0, len(pairs) + count, count):
            for request, _ in pairs[at:at + count]:
                self.say(TO_SERVER, request)
            self.flush(TO_SERVER, keep=at + count < len(pairs))
            for _, response in pairs[max(at - count, 0):at]:
                self.say(TO_CLIENT, response)
            self.flush(TO_CLIENT, keep=at < len(pairs))

    def wait(self, seconds):
        self.now += int(seconds * 10**9)

    def close(self):
        for direction in (TO_SERVER, TO_CLIENT):
            self.flush(direction)
            self.packet(direction, 0x11, b"")
            self.seq[direction] += 1
        self.packet(TO_SERVER, 0x10, b"")


class Client:
    """A client of SMB2 on a Talk, that says what it does with correct ids."""

    def __init__(self, talk, session=0x5000000011, first=True):
        self.talk, self.session, self.id, self.next_file = talk, session, 0, 1
        self.said = [[], []]  # frames of each direction
        if first:
            self.both(SESSION_SETUP, setup_request(), setup_response(), tree=0)
            self.both(TREE_CONNECT, tree_request("\\\\FS01\\data"), tree_response())

    def pair(self, command, request, response, **more):
        number, self.id = self.id, self.id + 1
        asked = frame(smb2(command, number, self.session if command != SESSION_SETUP else 0, request, **more))
        answered = frame(smb2(command, number, self.session, response, flags=RESPONSE, **more))
        self.said[0].append(asked)
        self.said[1].append(answered)
        return asked, answered

    def both(self, command, request, response, **more):
        self.talk.ask(*self.pair(command, request, response, **more))

    def open(self, name):
        number, self.next_file = self.next_file, self.next_file + 1
        self.both(CREATE, create_request(name), create_response(number))
        return number


"""Connections that a test makes by itself, in which requests and responses are under way at the same time: segments, acknowledgments
and times as the test wants them. Fields as in MS-SMB2 2.2; what no test looks at is zero."""
import struct

import smbwire
from smbwire import ACK, CLOSE, CREATE, ECHO, FIN, PSH, READ, RESPONSE, SESSION_SETUP, TREE_CONNECT, WRITE, smb2  # noqa: F401

TO_SERVER, TO_CLIENT = 0, 1


# ---- bodies

def file_id(number):
    return struct.pack("<QQ", number, 0x4000000000 + number)


def create_request(name):
    return smbwire.create_request(smbwire.utf16(name))


def create_response(number):
    return smbwire.create_response(file_id(number))


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


class Talk(smbwire.Talk):
    """A connection. say() puts bytes into a stream; flush() sends what is there in segments."""

    def __init__(self, mss=1448):
        super().__init__(40000)
        self.mss, self.waiting = mss, [b"", b""]

    def say(self, direction, data):
        self.waiting[direction] += data

    def flush(self, direction, keep=False):
        """keep: what does not fill a segment waits for more, as it does where a sender has much to send."""
        data, count = self.waiting[direction], 0
        while len(data) >= self.mss or (data and not keep):
            piece, data = data[:self.mss], data[self.mss:]
            self.packet(direction, ACK if data else ACK | PSH, piece)
            count += 1
            if count % 2 == 0:
                self.packet(1 - direction, ACK)
        self.waiting[direction] = data
        if not data:
            self.packet(1 - direction, ACK)

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
        self.time += int(seconds * 10**9)

    def close(self):
        for direction in (TO_SERVER, TO_CLIENT):
            self.flush(direction)
            self.packet(direction, FIN | ACK)
        self.packet(TO_SERVER, ACK)


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
        asked = frame(smb2(command, number, request, session=self.session if command != SESSION_SETUP else 0, **more))
        answered = frame(smb2(command, number, response, RESPONSE, session=self.session, **more))
        self.said[0].append(asked)
        self.said[1].append(answered)
        return asked, answered

    def both(self, command, request, response, **more):
        self.talk.ask(*self.pair(command, request, response, **more))

    def open(self, name):
        number, self.next_file = self.next_file, self.next_file + 1
        self.both(CREATE, create_request(name), create_response(number))
        return number


"""Messages of SMB1 and SMB2 made by hand, and connections that carry them: for tests of what no good implementation sends."""
import struct

import pcapfile

CLIENT, SERVER = b"\xc0\x00\x02\x14", b"\xc0\x00\x02\x0a"  # 192.0.2.20, 192.0.2.10
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SEGMENT = 1460
# SMB2 commands, MS-SMB2 2.2.1
(NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, TREE_DISCONNECT, CREATE, CLOSE, FLUSH, READ, WRITE, LOCK, IOCTL, CANCEL, ECHO,
 QUERY_DIRECTORY, CHANGE_NOTIFY, QUERY_INFO, SET_INFO, OPLOCK_BREAK) = range(19)
RESPONSE, ASYNC, RELATED = 1, 2, 4  # SMB2 flags
SESSION, TREE = 0x5500000001, 7
PENDING, MORE_PROCESSING, ACCESS_DENIED, OVERFLOW = 0x103, 0xC0000016, 0xC0000022, 0x80000005


def utf16(text):
    return text.encode("utf-16-le", "surrogatepass")


def nbss(message, kind=0):
    """A message with the header of the session service, RFC 1002 4.3.1 (direct TCP: 24 bits of length)."""
    return bytes([kind]) + len(message).to_bytes(3, "big") + message


class Talk:
    """One connection: what both sides send, packet by packet."""

    def __init__(self, client_port, time_ns=10**18, server_port=445, handshake=True, client=CLIENT):
        self.ports, self.client = (client_port, server_port), client
        self.time, self.packets = time_ns, []
        self.seq = [1000, 900000]
        if handshake:
            self.packet(0, SYN)
            self.packet(1, SYN | ACK)
            self.packet(0, ACK)

    def packet(self, to_client, flags, payload=b"", seq=None, window=65535):
        src, dst = (SERVER, self.client) if to_client else (self.client, SERVER)
        ports = self.ports[::-1] if to_client else self.ports
        at = self.seq[to_client] if seq is None else seq
        tcp = struct.pack("!HHIIBBHHH", *ports, at & 0xFFFFFFFF, self.seq[1 - to_client] & 0xFFFFFFFF if flags & ACK else 0,
                          0x50, flags, window, 0, 0)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0, 64, 6, 0, src, dst)
        data = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\x00" + ip + tcp + payload
        self.packets.append(pcapfile.Packet(self.time, data, len(data), pcapfile.ETHERNET))
        self.time += 1000
        if seq is None:
            self.seq[to_client] += len(payload) + (1 if flags & (SYN | FIN) else 0)

    def raw(self, to_client, stream, segment=SEGMENT):
        """Bytes of the stream as they are."""
        for at in range(0, len(stream), segment):
            self.packet(to_client, ACK | PSH, stream[at:at + segment])

    def send(self, to_client, message, segment=SEGMENT):
        """A message with its session service header."""
        self.raw(to_client, nbss(message), segment)

    def end(self):
        self.packet(0, FIN | ACK)
        self.packet(1, FIN | ACK)


def smb2(command, message_id, body, flags=0, status=0, session=SESSION, tree=TREE, next_command=0, size=64):
    """A message of SMB2, MS-SMB2 2.2.1.2."""
    return struct.pack("<4sHHIHHIIQIIQ16s", b"\xfeSMB", size, 1, status, command, 1, flags, next_command, message_id,
                       0xFEFF, tree, session, b"") + body


def smb2_error(command, message_id, status, data=b"\0", count=0, byte_count=0, flags=RESPONSE):
    return smb2(command, message_id, struct.pack("<HBBI", 9, count, 0, byte_count) + data, flags, status)


class Client2:
    """A client and a server that speak SMB 2.1 without fault; message ids are given out in order."""

    def __init__(self, talk):
        self.talk, self.id = talk, 0

    def next_id(self):
        self.id += 1
        return self.id - 1

    def exchange(self, command, request, response, status=0, **more):
        number = self.next_id()
        self.talk.send(0, smb2(command, number, request, **more))
        self.talk.send(1, smb2(command, number, response, RESPONSE, status, **more))

    def begin(self):
        guid = bytes(range(16))
        self.exchange(NEGOTIATE, struct.pack("<HHHHI16sQHH", 36, 2, 1, 0, 0, guid, 0, 0x202, 0x210),
                      struct.pack("<HHHH16sIIIIQQHHI", 65, 1, 0x210, 0, guid[::-1], 0, 65536, 65536, 65536, 0, 0, 128, 0, 0),
                      session=0, tree=0)
        self.exchange(SESSION_SETUP, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, 0, 0), struct.pack("<HHHH", 9, 1, 72, 0),
                      tree=0)
        path = utf16("\\\\FS01\\data")
        self.exchange(TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(path)) + path,
                      struct.pack("<HBBIII", 16, 1, 0, 0, 0, 0x1F01FF))

    def file(self, name, volatile):
        """Opens a file, writes to it, reads it, and closes it."""
        file_id = struct.pack("<QQ", volatile, volatile)
        self.exchange(CREATE, create_request(utf16(name)), create_response(file_id))
        self.exchange(WRITE, struct.pack("<HHIQ16sIIHHI", 49, 112, 5, 0, file_id, 0, 0, 0, 0, 0) + b"hello",
                      struct.pack("<HHIIHH", 17, 0, 5, 0, 0, 0))
        self.exchange(READ, struct.pack("<HBBIQ16sIIIHH", 49, 0, 0, 5, 0, file_id, 0, 0, 0, 0, 0) + b"\0",
                      struct.pack("<HBBIII", 17, 80, 0, 5, 0, 0) + b"hello")
        self.exchange(CLOSE, struct.pack("<HHI16s", 24, 0, 0, file_id), struct.pack("<HHI", 60, 0, 0) + b"\0" * 52)


def create_request(name, name_offset=120, name_length=None, contexts=b"", contexts_offset=None, contexts_length=None):
    """MS-SMB2 2.2.13; name: bytes. The contexts stand behind the name, on the grid."""
    length = len(name) if name_length is None else name_length
    padded = name + b"\0" * (-len(name) % 8) if contexts else name
    at = (120 + len(padded) if contexts else 0) if contexts_offset is None else contexts_offset
    size = len(contexts) if contexts_length is None else contexts_length
    return struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, 0x12019F, 0, 7, 3, 0x40, name_offset, length, at, size) + \
        (padded + contexts or b"\0")


def create_response(file_id, contexts=b"", contexts_offset=0, contexts_length=0):
    """MS-SMB2 2.2.14."""
    return struct.pack("<HBBIQQQQQQII16sII", 89, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x20, 0, file_id, contexts_offset,
                       contexts_length) + (contexts or b"\0")


def create_context(name, data, next_=0, name_offset=16, name_length=None, data_offset=None, data_length=None):
    """MS-SMB2 2.2.13.2."""
    data_at = 16 + len(name) + -len(name) % 8 if data_offset is None else data_offset
    return struct.pack("<IHHHHI", next_, name_offset, len(name) if name_length is None else name_length, 0, data_at,
                       len(data) if data_length is None else data_length) + name + b"\0" * (-len(name) % 8) + data


# ---- SMB1

UNICODE, NT_STATUS, EXTENDED, LONG = 0x8000, 0x4000, 0x0800, 0x0001  # Flags2, MS-CIFS 2.2.3.1
REPLY = 0x80
NO_ANDX = b"\xff\0\0\0"


def smb1(command, mid, words=b"", data=b"", reply=False, status=0, flags2=UNICODE | NT_STATUS | LONG, tid=3, uid=4, pid=5,
         word_count=None, byte_count=None):
    """A message of SMB1 with one command, MS-CIFS 2.2.3; words: bytes, two for each."""
    return struct.pack("<4sBIBHH8sHHHHH", b"\xffSMB", command, status, REPLY if reply else 0, flags2, 0, b"", 0, tid, pid, uid,
                       mid) + block1(words, data, word_count, byte_count)


def block1(words, data, word_count=None, byte_count=None):
    return bytes([len(words) // 2 if word_count is None else word_count]) + words + \
        struct.pack("<H", len(data) & 0xFFFF if byte_count is None else byte_count) + data


class Client1:
    """A client and a server that speak NT LM 0.12 without fault."""

    def __init__(self, talk):
        self.talk, self.id = talk, 0

    def next_id(self):
        self.id += 1
        return self.id

    def exchange(self, command, words, data, answer_words=b"", answer_data=b"", status=0, **more):
        number = self.next_id()
        self.talk.send(0, smb1(command, number, words, data, **more))
        self.talk.send(1, smb1(command, number, answer_words, answer_data, reply=True, status=status, **more))

    def begin(self):
        self.exchange(0x72, b"", b"\x02NT LM 0.12\0",
                      struct.pack("<HBHHIIIIQhB", 0, 3, 50, 1, 16644, 65536, 0, 0x8000E3FC & ~0x80000000, 0, 0, 0), b"",
                      tid=0, uid=0)
        self.exchange(0x73, NO_ANDX + struct.pack("<HHHIHHII", 16644, 50, 0, 0, 0, 0, 0, 0xD4),
                      b"\0" + utf16("alice\0EXAMPLE\0Test\0Test\0"), NO_ANDX + b"\0\0", b"\0" + utf16("Test\0Test\0EXAMPLE\0"),
                      tid=0)
        self.exchange(0x75, NO_ANDX + struct.pack("<HH", 0, 1), b"\0" + utf16("\\\\FS01\\data\0") + b"?????\0",
                      NO_ANDX + struct.pack("<H", 1), b"A:\0\0" + utf16("NTFS\0"))

    def file(self, name, fid):
        """Opens a file, writes to it, reads it, and closes it."""
        self.exchange(0xA2, nt_create1(utf16(name)), b"\0" + utf16(name) + b"\0\0", nt_created1(fid))
        self.exchange(0x2F, write1(fid, 5), b"\0hello", NO_ANDX + struct.pack("<HHHH", 5, 0xFFFF, 0, 0))
        self.exchange(0x2E, NO_ANDX + struct.pack("<HIHHIHI", fid, 0, 5, 5, 0, 0, 0), b"",
                      NO_ANDX + struct.pack("<HHHHHHHHHH", 0, 0, 0, 5, 60, 0, 0, 0, 0, 0)[:20], b"\0hello")
        self.exchange(0x04, struct.pack("<HI", fid, 0xFFFFFFFF), b"")


def nt_create1(name, name_length=None):
    """The words of NT_CREATE_ANDX, MS-CIFS 2.2.4.64.1."""
    return NO_ANDX + struct.pack("<BHIIIQIIIIIB", 0, len(name) if name_length is None else name_length, 0, 0, 0x12019F, 0, 0, 7,
                                 3, 0x40, 2, 0)


def nt_created1(fid):
    return NO_ANDX + struct.pack("<BHIQQQQIQQHHB", 0, fid, 1, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0)


def write1(fid, length, offset=64, high=0):
    """The words of WRITE_ANDX with 14 words, MS-CIFS 2.2.4.43.1."""
    return NO_ANDX + struct.pack("<HIIHHHHHI", fid, 0, 0, 0, 0, high, length, offset, 0)

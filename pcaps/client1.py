"""A small SMB1 client for what smbclient cannot be made to send: old commands, AndX chains, reused MIDs, DOS errors.

Python's standard library only. Section numbers are those of MS-CIFS where nothing else is said. Builders of requests
return a Request, whose texts the Client encodes as the dialect and its flags demand (UTF-16 or CP850); a Client sends
one Request or a chain of them, and matches the answers by their MID. It trusts the server: nothing is verified, and
nothing is signed.
"""
import hashlib
import hmac
import os
import socket
import struct
import time

import client as smb2

CREATE_DIRECTORY, DELETE_DIRECTORY, OPEN, CREATE, CLOSE, FLUSH, DELETE, RENAME, QUERY_INFORMATION, SET_INFORMATION, \
    READ, WRITE, LOCK_BYTE_RANGE, UNLOCK_BYTE_RANGE, CREATE_TEMPORARY, CREATE_NEW, CHECK_DIRECTORY, PROCESS_EXIT, \
    SEEK, LOCK_AND_READ, WRITE_AND_UNLOCK = range(0x15)                       # 2.2.2.1
READ_RAW, READ_MPX, WRITE_RAW, WRITE_MPX, WRITE_COMPLETE = 0x1A, 0x1B, 0x1D, 0x1E, 0x20
SET_INFORMATION2, QUERY_INFORMATION2, LOCKING_ANDX, TRANSACTION, TRANSACTION_SECONDARY, IOCTL = range(0x22, 0x28)
COPY, MOVE, ECHO, WRITE_AND_CLOSE, OPEN_ANDX, READ_ANDX, WRITE_ANDX = range(0x29, 0x30)
CLOSE_AND_TREE_DISC, TRANSACTION2, TRANSACTION2_SECONDARY, FIND_CLOSE2 = range(0x31, 0x35)
TREE_CONNECT, TREE_DISCONNECT, NEGOTIATE, SESSION_SETUP_ANDX, LOGOFF_ANDX, TREE_CONNECT_ANDX = range(0x70, 0x76)
QUERY_INFORMATION_DISK, SEARCH, FIND, FIND_UNIQUE, FIND_CLOSE = range(0x80, 0x85)
NT_TRANSACT, NT_TRANSACT_SECONDARY, NT_CREATE_ANDX = 0xA0, 0xA1, 0xA2
NT_CANCEL, NT_RENAME = 0xA4, 0xA5
OPEN_PRINT_FILE, WRITE_PRINT_FILE, CLOSE_PRINT_FILE, GET_PRINT_QUEUE = range(0xC0, 0xC4)
NAMES = {value: name for name, value in dict(globals()).items() if name.isupper() and isinstance(value, int)}
ANDX = (LOCKING_ANDX, OPEN_ANDX, READ_ANDX, WRITE_ANDX, SESSION_SETUP_ANDX, LOGOFF_ANDX, TREE_CONNECT_ANDX,
        NT_CREATE_ANDX)
NO_MORE = 0xFF                                                          # AndXCommand of a chain's last, 2.2.3.4

LONG_NAMES, EXTENDED_SECURITY, NT_STATUS, UNICODE = 0x0001, 0x0800, 0x4000, 0x8000     # Flags2: 2.2.3.1, MS-SMB 2.2.3.1
UNASKED = 0xFFFF                                                        # MID of an oplock break, 3.3.4.2
CHAINED = 0xFFFF                                                        # the FID that this chain opens, 2.2.3.4.1
NT1 = "NT LM 0.12"
MORE_PROCESSING = 0xC0000016

HIDDEN_TOO = 0x06                                                 # SearchAttributes: hidden and system files, 2.2.1.2.4
FOLDERS_TOO = 0x16
OPEN_IT, CREATE_IT, OPEN_OR_CREATE, TRUNCATE_OR_CREATE = 0x01, 0x10, 0x11, 0x12         # OpenMode, 2.2.4.41.1
READ_WRITE = 0x42                                                       # AccessMode: both, denying nobody
BATCH_OPLOCK = 0x06                                                     # Flags of NT_CREATE_ANDX: oplock, batch
SHARED_LOCK, OPLOCK_RELEASE, CANCEL_LOCK, LARGE_FILES = 0x01, 0x02, 0x08, 0x10          # TypeOfLock, 2.2.4.32.1

ERRORS = {                                                              # 2.2.2.4, those met here: (class, code)
    (1, 1): "ERRDOS/ERRbadfunc", (1, 2): "ERRDOS/ERRbadfile", (1, 3): "ERRDOS/ERRbadpath", (1, 5): "ERRDOS/ERRnoaccess",
    (1, 6): "ERRDOS/ERRbadfid", (1, 16): "ERRDOS/ERRremcd", (1, 18): "ERRDOS/ERRnofiles", (1, 32): "ERRDOS/ERRbadshare",
    (1, 33): "ERRDOS/ERRlock", (1, 50): "ERRDOS/ERRunsup", (1, 80): "ERRDOS/ERRfilexists",
    (1, 87): "ERRDOS/ERRinvalidparam", (1, 124): "ERRDOS/ERRunknownlevel", (1, 158): "ERRDOS/ERROR_NOT_LOCKED",
    (2, 1): "ERRSRV/ERRerror", (2, 2): "ERRSRV/ERRbadpw", (2, 4): "ERRSRV/ERRaccess", (2, 5): "ERRSRV/ERRinvtid",
    (2, 6): "ERRSRV/ERRinvnetname", (2, 7): "ERRSRV/ERRinvdevice", (2, 22): "ERRSRV/ERRbadcmd",
    (2, 91): "ERRSRV/ERRbaduid", (2, 250): "ERRSRV/ERRusempx", (2, 251): "ERRSRV/ERRusestd",
    (2, 0xFFFF): "ERRSRV/ERRnosupport",
}


class Request:
    """words and parts of one command. Of the parts a str is a text that ends with NUL, encoded and aligned as the
    message demands; bytes are taken as they are. marks: (place in words, form, number of the part whose offset
    goes there)."""

    def __init__(self, command, words=b"", parts=(), marks=()):
        self.command, self.parts, self.marks = command, list(parts), list(marks)
        self.words = struct.pack("<BBH", NO_MORE, 0, 0) + words if command in ANDX else words
        if command in ANDX:
            self.marks = [(place + 4, form, part) for place, form, part in marks]

    def pack(self, start, encode):
        """WordCount, words, ByteCount and data of a command that starts this many bytes behind the header's first."""
        words, data, offsets = bytearray(self.words), b"", []
        base = start + 1 + len(words) + 2
        for part in self.parts:
            if isinstance(part, str):
                aligned = (base + len(data)) % 2 and len(encode("x")) == 2
                data += (b"\0" if aligned else b"") + encode(part + "\0")
                offsets.append(None)
            else:
                offsets.append(base + len(data))
                data += part
        for place, form, part in self.marks:
            struct.pack_into(form, words, place, offsets[part])
        count = struct.pack("<H", len(data) & 0xFFFF)                  # of a large write the low part, MS-SMB 2.2.4.3.1
        return struct.pack("<B", len(words) // 2) + bytes(words) + count + data


# ---- requests --------------------------------------------------------------------------------------------------------

def named(command, words=b"", *names):
    """The commands whose data are texts behind format byte 4 (2.2.2.5)."""
    return Request(command, words, [part for name in names for part in (b"\4", name)])


def of_fid(command, fid, form="", *values):
    return Request(command, struct.pack("<H" + form, fid, *values))


def open_core(name, mode=READ_WRITE, attributes=HIDDEN_TOO):
    return named(OPEN, struct.pack("<HH", mode, attributes), name)                                     # 2.2.4.3


def create_core(name, command=CREATE, attributes=0):
    return named(command, struct.pack("<HI", attributes, 0), name)                                   # 2.2.4.4, .15, .16


def delete(pattern, attributes=HIDDEN_TOO):
    return named(DELETE, struct.pack("<H", attributes), pattern)                                       # 2.2.4.7


def rename(name, to, attributes=FOLDERS_TOO):
    return named(RENAME, struct.pack("<H", attributes), name, to)                                      # 2.2.4.8


RENAME_FILE, HARD_LINK = 0x0104, 0x0103


def nt_rename(name, to, level=RENAME_FILE, attributes=FOLDERS_TOO):
    return named(NT_RENAME, struct.pack("<HHI", attributes, level, 0), name, to)                       # 2.2.4.66


def set_information(name, attributes, modified=0):
    return named(SET_INFORMATION, struct.pack("<HI10x", attributes, modified), name)                   # 2.2.4.10


def copy(name, to, command=COPY, function=TRUNCATE_OR_CREATE):
    return named(command, struct.pack("<HHH", 0xFFFF, function, 0), name, to)                          # 2.2.4.37


def close(fid=CHAINED, modified=0xFFFFFFFF):
    return of_fid(CLOSE, fid, "I", modified)                                                           # 2.2.4.5


def read_core(fid, count, offset=0, command=READ):
    return of_fid(command, fid, "HIH", count, offset, 0)                                               # 2.2.4.11


def write_core(fid, data, offset=0, command=WRITE):
    return Request(command, struct.pack("<HHIH", fid, len(data), offset, 0),
                   [struct.pack("<BH", 1, len(data)) + data])                                          # 2.2.4.12


def write_and_close(fid, data, offset=0):
    return Request(WRITE_AND_CLOSE, struct.pack("<HHII", fid, len(data), offset, 0), [b"\0" + data])   # 2.2.4.40


def read_raw(fid, count, offset=0):
    return of_fid(READ_RAW, fid, "IHHIH", offset, count, 0, 0, 0)                                      # 2.2.4.22


def write_raw(fid, total, data=b"", offset=0, through=True):
    """2.2.4.25; the rest of the data follows alone when the server agrees."""
    return Request(WRITE_RAW, struct.pack("<HHHIIHIHH", fid, total, 0, offset, 0, int(through), 0, len(data), 0),
                   [data], [(22, "<H", 0)])


def read_mpx(fid, count, offset=0):
    return of_fid(READ_MPX, fid, "IHHIH", offset, count, 0, 0, 0)                                      # 2.2.4.23


def read_andx(fid, count, offset=0, large=False):
    """2.2.4.42, MS-SMB 2.2.4.2.1: the length may have a high part, and the offset another four bytes."""
    words = struct.pack("<HIHHHHH", fid, offset & 0xFFFFFFFF, count & 0xFFFF, 0, count >> 16, 0, 0)
    return Request(READ_ANDX, words + (struct.pack("<I", offset >> 32) if large else b""))


def write_andx(fid, data, offset=0, large=False, pad=b""):
    """2.2.4.43, MS-SMB 2.2.4.3.1"""
    words = struct.pack("<HIIHHHHH", fid, offset & 0xFFFFFFFF, 0, 0, 0, len(data) >> 16, len(data) & 0xFFFF, 0)
    return Request(WRITE_ANDX, words + (struct.pack("<I", offset >> 32) if large else b""), [b"\0" + pad, data],
                   [(18, "<H", 1)])


def open_andx(name, open_mode=OPEN_IT, access=READ_WRITE, flags=0, attributes=0):
    return Request(OPEN_ANDX, struct.pack("<HHHHIHIII", flags, access, HIDDEN_TOO, attributes, 0, open_mode, 0, 0, 0),
                   [name])                                                                             # 2.2.4.41


def nt_create(name, access=smb2.WRITE_DATA, share=7, disposition=smb2.OPEN, options=0, flags=0, attributes=0,
              unicode=True):
    """2.2.4.64; NameLength does not count the NUL."""
    length = len(name.encode("utf-16-le")) if unicode else len(name)
    words = struct.pack("<BHIIIQIIIIIB", 0, length, flags, 0, access, 0, attributes, share, disposition, options, 2, 3)
    return Request(NT_CREATE_ANDX, words, [name])


def locking(fid, kind=0, locks=(), unlocks=(), oplock=0, timeout=0, pid=0):
    """2.2.4.32; ranges are pairs of offset and length."""
    if kind & LARGE_FILES:
        ranges = b"".join(struct.pack("<HHIIII", pid, 0, offset >> 32, offset & 0xFFFFFFFF, length >> 32,
                                      length & 0xFFFFFFFF)
                          for offset, length in (*unlocks, *locks))
    else:
        ranges = b"".join(struct.pack("<HII", pid, offset, length) for offset, length in (*unlocks, *locks))
    return Request(LOCKING_ANDX, struct.pack("<HBBIHH", fid, kind, oplock, timeout, len(unlocks), len(locks)), [ranges])


def search(pattern, count=10, attributes=FOLDERS_TOO, key=b"", command=SEARCH):
    """2.2.4.58; key is the 21 bytes with which a search goes on."""
    return Request(command, struct.pack("<HH", count, attributes),
                   [b"\4", pattern, struct.pack("<BH", 5, len(key)) + key])


def tree_connect(path, service="?????", password=b"\0", flags=0):
    """2.2.4.55; the service is never Unicode."""
    return Request(TREE_CONNECT_ANDX, struct.pack("<HH", flags, len(password)),
                   [password, path, service.encode() + b"\0"])


def echo(count, data):
    return Request(ECHO, struct.pack("<H", count), [data])                                             # 2.2.4.39


def transaction(command, setup, parameters=b"", data=b"", name=None, total=None, room=(1024, 4096)):
    """2.2.4.33 and 2.2.4.46; total: of parameters and data, when more requests follow; TRANSACTION2 has no name."""
    totals = total or (len(parameters), len(data))
    words = struct.pack("<HHHHBBHIHHHHHBB", *totals, *room, 10, 0, 0, 0, 0, len(parameters), 0, len(data), 0,
                        len(setup), 0)
    return Request(command, words + struct.pack("<%dH" % len(setup), *setup),
                   [name if name is not None else b"\0\0\0", parameters, data], [(20, "<H", 1), (24, "<H", 2)])


def secondary(command, totals, parameters=b"", data=b"", at=(0, 0)):
    """2.2.4.34 and 2.2.4.47; at: displacement of parameters and of data."""
    words = struct.pack("<8H", *totals, len(parameters), 0, at[0], len(data), 0, at[1])
    words += struct.pack("<H", 0) if command == TRANSACTION2_SECONDARY else b""
    return Request(command, words, [b"\0", parameters, data], [(6, "<H", 1), (12, "<H", 2)])


def nt_transact(function, setup=b"", parameters=b"", data=b"", totals=None, room=(1024, 4096)):
    totals = totals or (len(parameters), len(data))                                                    # 2.2.4.62
    words = struct.pack("<BHIIIIIIIIBH", 4, 0, *totals, *room, len(parameters), 0, len(data), 0, len(setup) // 2,
                        function)
    return Request(NT_TRANSACT, words + setup, [b"\0\0\0", parameters, data], [(23, "<I", 1), (31, "<I", 2)])


def nt_secondary(totals, parameters=b"", data=b"", at=(0, 0)):
    words = struct.pack("<3xIIIIIIIIx", *totals, len(parameters), 0, at[0], len(data), 0, at[1])       # 2.2.4.63
    return Request(NT_TRANSACT_SECONDARY, words, [b"\0\0\0", parameters, data], [(15, "<I", 1), (27, "<I", 2)])


# ---- the session service ---------------------------------------------------------------------------------------------

def netbios_name(name, kind):
    """RFC 1001 14.1: sixteen bytes, each as two letters, in one label."""
    padded = name.upper().encode().ljust(15)[:15] + bytes((kind,))
    return b"\x20" + b"".join(bytes((0x41 + (c >> 4), 0x41 + (c & 15))) for c in padded) + b"\0"


def session_message(kind, data):
    return struct.pack(">BBH", kind, len(data) >> 16, len(data) & 0xFFFF) + data                       # RFC 1002 4.3.1


# ---- the client ------------------------------------------------------------------------------------------------------

class Block:
    """One command of an answer."""

    def __init__(self, command, words, data, at):
        self.command, self.words, self.data, self.at = command, words, data, at


class Answer:
    """One message of the server: the header's fields, and a Block for each command of the chain."""

    def __init__(self, whole):
        self.whole, self.status = whole, struct.unpack_from("<I", whole, 5)[0]
        self.flags, self.flags2 = struct.unpack_from("<BH", whole, 9)
        self.tid, self.pid, self.uid, self.mid = struct.unpack_from("<4H", whole, 24)
        self.blocks, command, at = [], whole[4], 32
        while command != NO_MORE:
            count = whole[at]
            words = whole[at + 1:at + 1 + 2 * count]
            data_at = at + 3 + 2 * count
            length, = struct.unpack_from("<H", whole, data_at - 2)
            self.blocks.append(Block(command, words, whole[data_at:data_at + length], data_at))
            if command not in ANDX or count < 2:
                break
            command, at = words[0], struct.unpack_from("<H", words, 2)[0]

    @property
    def name(self):
        if self.flags2 & NT_STATUS or self.status == 0:
            return smb2.name_of(self.status)
        return ERRORS.get((self.status & 0xFF, self.status >> 16))       # None: a code that 2.2.2.4 does not name

    def word(self, index, form="<H", block=0):
        return struct.unpack_from(form, self.blocks[block].words, 2 * index)[0]

    def fid(self, block=0):
        """Of the answer to a command that opens: at the front, or behind the AndX block, or an oplock level too."""
        command = self.blocks[block].command
        if command == NT_CREATE_ANDX:
            return struct.unpack_from("<H", self.blocks[block].words, 5)[0]
        return self.word(2 if command == OPEN_ANDX else 0, block=block)

    def transaction(self):
        """(parameters, data) of an answer to a transaction that came in one piece, 2.2.4.33.2 and 2.2.4.62.2."""
        if self.blocks[0].command == NT_TRANSACT:
            p_size, p_at, _, d_size, d_at = struct.unpack_from("<5I", self.blocks[0].words, 11)
        else:
            p_size, p_at, _, d_size, d_at = struct.unpack_from("<5H", self.blocks[0].words, 6)
        return self.whole[p_at:p_at + p_size], self.whole[d_at:d_at + d_size]


class Client:
    """One connection. unicode, nt_status, uid, tid, pid and mid go into the next header; the caller may set them."""

    def __init__(self, server, port=445, source=None, timeout=10):
        self.socket = socket.create_connection((server, port), timeout, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unicode = self.nt_status = self.extended = False
        self.uid = self.tid = self.mid = 0
        self.pid, self.same_mid, self.dialect = 0x1234, False, None
        self.answers = []                                               # whoever asks for a MID gets the first with it

    # -- the wire

    def encode(self, text):
        return text.encode("utf-16-le" if self.unicode else "cp850")

    def session_request(self, called, calling, called_kind=0x20, calling_kind=0):
        """RFC 1002 4.3.2; returns the type of the answer, and what is behind it."""
        names = netbios_name(called, called_kind) + netbios_name(calling, calling_kind)
        self.socket.sendall(session_message(0x81, names))
        return self.receive_session_message()

    def keep_alive(self):
        self.socket.sendall(session_message(0x85, b""))                 # RFC 1002 4.3.7

    def receive_session_message(self):
        def exactly(n):
            data = b""
            while len(data) < n:
                more = self.socket.recv(n - len(data))
                if not more:
                    raise ConnectionError("the server closed the connection")
                data += more
            return data
        head, = struct.unpack(">I", exactly(4))
        return head >> 24, exactly(head & 0xFFFFFF)

    def message(self, *requests, flags=0x18):
        """The header, 2.2.3.1, and a chain of commands; each starts at an even place, so that its texts are aligned."""
        flags2 = LONG_NAMES | (EXTENDED_SECURITY if self.extended else 0) | (NT_STATUS if self.nt_status else 0) \
            | (UNICODE if self.unicode else 0)
        head = struct.pack("<4sBIBHH8xHHHHH", b"\xffSMB", requests[0].command, 0, flags, flags2, 0, 0, self.tid,
                           self.pid, self.uid, self.mid)
        for request, following in zip(requests, [*requests[1:], None]):
            block = request.pack(len(head), self.encode)
            if following:
                block += bytes(len(head + block) % 2)
                block = block[:1] + struct.pack("<BBH", following.command, 0, len(head + block)) + block[5:]
            head += block
        return head

    def send(self, *requests, mid=None):
        """Returns the MID; one that is given is that of an earlier request which this one belongs to."""
        self.mid = mid if mid is not None else self.mid if self.same_mid else self.mid + 1
        self.socket.sendall(session_message(0, self.message(*requests)))
        return self.mid

    def send_raw(self, data):
        self.socket.sendall(session_message(0, data))

    def wait(self, mid, command=None):
        """The next answer with this MID (and command, where the same MID is under way more than once)."""
        while True:
            for i, answer in enumerate(self.answers):
                if answer.mid == mid and (command is None or answer.blocks[0].command == command):
                    return self.answers.pop(i)
            kind, data = self.receive_session_message()
            if kind == 0:
                self.answers.append(Answer(data))

    def call(self, *requests):
        return self.wait(self.send(*requests))

    # -- getting in

    def negotiate(self, *dialects, unicode=True, nt_status=True, extended=True):
        """2.2.4.52; what is switched on here is also what later messages say, if the dialect and the server have it."""
        self.nt_status, self.extended = nt_status, extended
        answer = self.call(Request(NEGOTIATE, b"", [b"".join(b"\2" + name.encode() + b"\0" for name in dialects)]))
        index = answer.word(0) if answer.blocks[0].words else 0xFFFF
        self.dialect = dialects[index] if index < len(dialects) else None
        if self.dialect == NT1:
            self.capabilities, = struct.unpack_from("<I", answer.blocks[0].words, 19)
            self.session_key, = struct.unpack_from("<I", answer.blocks[0].words, 15)
            self.unicode = unicode and bool(self.capabilities & 0x4)
            self.extended = extended and bool(self.capabilities & 0x80000000)
        else:
            self.session_key, self.extended = (answer.word(6, "<I") if len(answer.blocks[0].words) > 16 else 0), False
            self.nt_status = False
        self.challenge = answer.blocks[0].data[:8]
        return answer

    def ours(self):
        """The capabilities of a SESSION_SETUP_ANDX: large files, NT SMBs, level II oplocks, large reads and writes."""
        flags = (0x4 if self.unicode else 0) | (0x40 if self.nt_status else 0)
        return 0xC098 | flags | (0x80000000 if self.extended else 0)

    def setup_extended(self, token, *domain):
        """MS-SMB 2.2.4.6.1"""
        words = struct.pack("<HHHIHII", 16644, 50, 1, self.session_key, len(token), 0, self.ours())
        return Request(SESSION_SETUP_ANDX, words, [token, "Unix", "client1", *domain])

    def setup_plain(self, user, domain, lm=b"", nt=b""):
        """2.2.4.53.1, for NT LM 0.12, and its older form, for the LAN Manager dialects."""
        if self.dialect == NT1:
            words = struct.pack("<HHHIHHII", 16644, 50, 1, self.session_key, len(lm), len(nt), 0, self.ours())
        else:
            words = struct.pack("<HHHIHI", 16644, 50, 1, self.session_key, len(lm), 0)
        return Request(SESSION_SETUP_ANDX, words, [lm + nt, user, domain, "Unix", "client1"])

    def ntlmv2(self, user, password, domain):
        """MS-NLMP 3.3.2, with the challenge of the NEGOTIATE and target information of our own."""
        name = (user.upper() + domain).encode("utf-16-le")
        owf = hmac.new(smb2.md4(password.encode("utf-16-le")), name, hashlib.md5).digest()
        name = domain.encode("utf-16-le")
        target = struct.pack("<HH", 2, len(name)) + name + bytes(4)
        now = struct.pack("<Q", int(time.time() * 10**7) + 116444736000000000)
        temp = b"\1\1" + bytes(6) + now + os.urandom(8) + bytes(4) + target + bytes(4)
        return hmac.new(owf, self.challenge + temp, hashlib.md5).digest() + temp

    def login(self, user, password, domain="EXAMPLE", workstation="WS01"):
        """3.2.4.2.4, and with extended security MS-SMB 3.2.4.2.4: an NTLMSSP token without SPNEGO around it."""
        if not self.extended:
            nt = self.ntlmv2(user, password, domain) if user else b""
            answer = self.call(self.setup_plain(user, domain if user else "", bytes(24) if user else b"\0", nt))
        else:
            answer = self.call(self.setup_extended(smb2.ntlm_negotiate()))
            if answer.status == MORE_PROCESSING:
                self.uid = answer.uid
                token = answer.blocks[0].data[:answer.word(3)]
                token, _ = smb2.ntlm_authenticate(token, user, password, domain, workstation)
                answer = self.call(self.setup_extended(token))
        if answer.status == 0:
            self.uid = answer.uid
        return answer

    def close(self):
        self.socket.close()

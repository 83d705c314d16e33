"""A small SMB2/3 client for what smbclient cannot be made to send: compounds, cancels, oplock breaks, bindings.

Python's standard library only. Section numbers are those of MS-SMB2; MS-NLMP, RFC 1320 (MD4), RFC 4493 (AES-CMAC) and
FIPS 197 (AES) are named where they are meant. Builders of requests are functions that return (command, body); a Client
sends one or a chain of them, signs, and matches the answers by MessageId. It trusts the server: nothing is verified.
"""
import hashlib
import hmac
import os
import socket
import struct
import time

NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, TREE_DISCONNECT, CREATE, CLOSE, FLUSH, READ, WRITE, LOCK, IOCTL, CANCEL, \
    ECHO, QUERY_DIRECTORY, CHANGE_NOTIFY, QUERY_INFO, SET_INFO, OPLOCK_BREAK = range(19)

RESPONSE, ASYNC, RELATED, SIGNED = 0x1, 0x2, 0x4, 0x8                    # 2.2.1, Flags
PENDING, MORE_PROCESSING, SUCCESS = 0x00000103, 0xC0000016, 0
LAST = b"\xff" * 16                                                      # the FileId of the request before, 3.3.5.2.7.2
UNASKED = 0xFFFFFFFFFFFFFFFF                                             # MessageId of an oplock break, 2.2.23
DIALECTS = {0x0202: "2.0.2", 0x0210: "2.1", 0x0300: "3.0", 0x0302: "3.0.2", 0x0311: "3.1.1"}

READ_DATA, WRITE_DATA, DELETE, READ_ATTRIBUTES, ALL = 0x120089, 0x12019F, 0x00010000, 0x00000080, 0x001F01FF    # 2.2.13.1
SUPERSEDE, OPEN, CREATE_NEW, OPEN_IF, OVERWRITE, OVERWRITE_IF = range(6)                                        # 2.2.13
DIRECTORY, NOT_DIRECTORY, DELETE_ON_CLOSE = 0x1, 0x40, 0x1000

STATUS = {                                                               # MS-ERREF 2.3, those met here
    0x00000000: "STATUS_SUCCESS", 0x00000103: "STATUS_PENDING", 0x0000010B: "STATUS_NOTIFY_CLEANUP",
    0x0000010C: "STATUS_NOTIFY_ENUM_DIR", 0x80000005: "STATUS_BUFFER_OVERFLOW", 0x80000006: "STATUS_NO_MORE_FILES",
    0x8000002D: "STATUS_STOPPED_ON_SYMLINK",
    0xC0000002: "STATUS_NOT_IMPLEMENTED", 0xC0000003: "STATUS_INVALID_INFO_CLASS",
    0xC0000004: "STATUS_INFO_LENGTH_MISMATCH", 0xC0000008: "STATUS_INVALID_HANDLE",
    0xC000000D: "STATUS_INVALID_PARAMETER", 0xC000000F: "STATUS_NO_SUCH_FILE",
    0xC0000010: "STATUS_INVALID_DEVICE_REQUEST", 0xC0000011: "STATUS_END_OF_FILE",
    0xC0000016: "STATUS_MORE_PROCESSING_REQUIRED", 0xC0000022: "STATUS_ACCESS_DENIED",
    0xC0000023: "STATUS_BUFFER_TOO_SMALL",
    0xC0000033: "STATUS_OBJECT_NAME_INVALID", 0xC0000034: "STATUS_OBJECT_NAME_NOT_FOUND",
    0xC0000035: "STATUS_OBJECT_NAME_COLLISION", 0xC000003A: "STATUS_OBJECT_PATH_NOT_FOUND",
    0xC000003B: "STATUS_OBJECT_PATH_SYNTAX_BAD", 0xC0000043: "STATUS_SHARING_VIOLATION",
    0xC0000054: "STATUS_FILE_LOCK_CONFLICT", 0xC0000055: "STATUS_LOCK_NOT_GRANTED",
    0xC0000056: "STATUS_DELETE_PENDING", 0xC000006D: "STATUS_LOGON_FAILURE", 0xC000007E: "STATUS_RANGE_NOT_LOCKED",
    0xC00000BA: "STATUS_FILE_IS_A_DIRECTORY", 0xC00000BB: "STATUS_NOT_SUPPORTED", 0xC00000C9: "STATUS_NETWORK_NAME_DELETED",
    0xC00000CC: "STATUS_BAD_NETWORK_NAME", 0xC0000101: "STATUS_DIRECTORY_NOT_EMPTY",
    0xC0000103: "STATUS_NOT_A_DIRECTORY", 0xC0000120: "STATUS_CANCELLED", 0xC0000121: "STATUS_CANNOT_DELETE",
    0xC0000128: "STATUS_FILE_CLOSED", 0xC0000148: "STATUS_INVALID_LEVEL", 0xC0000203: "STATUS_USER_SESSION_DELETED",
    0xC0000161: "STATUS_ILLEGAL_CHARACTER", 0xC0000225: "STATUS_NOT_FOUND",
    0xC0000257: "STATUS_PATH_NOT_COVERED", 0xC0000275: "STATUS_NOT_A_REPARSE_POINT",
}


def name_of(status):
    return STATUS.get(status, "0x%08x" % status)


# ---- what hashlib may lack -------------------------------------------------------------------------------------------

def md4(data):
    """RFC 1320; current OpenSSL keeps MD4 in its legacy provider."""
    def turn(x, n):
        x &= 0xFFFFFFFF
        return (x << n | x >> (32 - n)) & 0xFFFFFFFF
    rounds = (
        (lambda x, y, z: x & y | ~x & z, 0, list(range(16)), (3, 7, 11, 19)),
        (lambda x, y, z: x & y | x & z | y & z, 0x5A827999, [i % 4 * 4 + i // 4 for i in range(16)], (3, 5, 9, 13)),
        (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1, [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15], (3, 9, 11, 15)))
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    padded = data + b"\x80" + b"\0" * ((55 - len(data)) % 64) + struct.pack("<Q", len(data) * 8)
    for at in range(0, len(padded), 64):
        words = struct.unpack("<16I", padded[at:at + 64])
        a, b, c, d = state
        for mix, constant, order, turns in rounds:
            for i, k in enumerate(order):
                a, b, c, d = d, turn(a + mix(b, c, d) + words[k] + constant, turns[i % 4]), b, c
        state = [(x + y) & 0xFFFFFFFF for x, y in zip(state, (a, b, c, d))]
    return struct.pack("<4I", *state)


def double(x):
    return (x << 1 ^ (0x11B if x & 0x80 else 0)) & 0xFF


def make_sbox():
    """FIPS 197 5.1.1, by walking the powers of 3 and of its inverse."""
    box, p, q = [0x63] * 256, 1, 1
    while True:
        p ^= double(p)
        for shift in (1, 2, 4):
            q = (q ^ q << shift) & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        box[p] = 0x63 ^ q ^ (q << 1 | q >> 7) & 0xFF ^ (q << 2 | q >> 6) & 0xFF ^ (q << 3 | q >> 5) & 0xFF ^ (q << 4 | q >> 4) & 0xFF
        if p == 1:
            return box


SBOX = make_sbox()


def aes128(key, block):
    """One block, encrypted (FIPS 197)."""
    words = [key[i:i + 4] for i in range(0, 16, 4)]
    rcon = 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = bytes([SBOX[word[1]] ^ rcon, SBOX[word[2]], SBOX[word[3]], SBOX[word[0]]])
            rcon = double(rcon)
        words.append(bytes(x ^ y for x, y in zip(words[-4], word)))
    keys = [b"".join(words[i:i + 4]) for i in range(0, 44, 4)]
    state = [x ^ y for x, y in zip(block, keys[0])]
    for turn in range(1, 11):
        state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]         # SubBytes and ShiftRows
        if turn < 10:
            state = [double(state[i]) ^ double(state[i & ~3 | i + 1 & 3]) ^ state[i & ~3 | i + 1 & 3]
                     ^ state[i & ~3 | i + 2 & 3] ^ state[i & ~3 | i + 3 & 3] for i in range(16)]
        state = [x ^ y for x, y in zip(state, keys[turn])]
    return bytes(state)


def aes_cmac(key, data):
    """RFC 4493."""
    def halve(block):
        n = int.from_bytes(block, "big") << 1
        return (n & (1 << 128) - 1 ^ (0x87 if n >> 128 else 0)).to_bytes(16, "big")
    k1 = halve(aes128(key, bytes(16)))
    whole = len(data) > 0 and len(data) % 16 == 0
    last = k1 if whole else halve(k1)
    data = data if whole else data + b"\x80" + b"\0" * (-(len(data) + 1) % 16)
    mac = bytes(16)
    for at in range(0, len(data), 16):
        block = data[at:at + 16]
        if at + 16 == len(data):
            block = bytes(x ^ y for x, y in zip(block, last))
        mac = aes128(key, bytes(x ^ y for x, y in zip(mac, block)))
    return mac


def derive(key, label, context):
    """3.1.4.2: SP 800-108 in counter mode with HMAC-SHA256, 128 bits."""
    text = struct.pack(">I", 1) + label + b"\0" + context + struct.pack(">I", 128)
    return hmac.new(key, text, hashlib.sha256).digest()[:16]


# ---- NTLM (MS-NLMP) --------------------------------------------------------------------------------------------------

NTLM_FLAGS = 0xA2088215          # 56 128 VERSION TARGET_INFO EXTENDED_SESSIONSECURITY ALWAYS_SIGN NTLM SIGN REQUEST_TARGET UNICODE
NTLM_ANONYMOUS = 0x00000800
NTLM_VERSION = bytes((10, 0, 0x61, 0x4A, 0, 0, 0, 15))


def ntlm_negotiate():
    return b"NTLMSSP\0" + struct.pack("<II16x", 1, NTLM_FLAGS) + NTLM_VERSION                    # MS-NLMP 2.2.1.1


def ntlm_authenticate(challenge, user, password, domain, workstation):
    """MS-NLMP 3.3.2 (NTLMv2) and 2.2.1.3, without key exchange: the session key is the base key."""
    length, offset = struct.unpack_from("<HxxI", challenge, 40)
    target = challenge[offset:offset + length]
    if not user:
        nt, lm, flags, key, domain = b"", b"\0", NTLM_FLAGS | NTLM_ANONYMOUS, bytes(16), ""
    else:
        owf = hmac.new(md4(password.encode("utf-16-le")), (user.upper() + domain).encode("utf-16-le"), hashlib.md5).digest()
        now = struct.pack("<Q", int(time.time() * 10**7) + 116444736000000000)
        temp = b"\1\1" + bytes(6) + now + os.urandom(8) + bytes(4) + target + bytes(4)
        proof = hmac.new(owf, challenge[24:32] + temp, hashlib.md5).digest()
        nt, lm, flags = proof + temp, bytes(24), NTLM_FLAGS
        key = hmac.new(owf, proof, hashlib.md5).digest()
    parts = [lm, nt] + [text.encode("utf-16-le") for text in (domain, user, workstation)] + [b""]
    fields, payload = {}, b""
    for i in (2, 3, 4, 1, 0, 5):                                         # the texts first, so that they stay aligned
        fields[i] = struct.pack("<HHI", len(parts[i]), len(parts[i]), 72 + len(payload))
        payload += parts[i]
    head = b"".join(fields[i] for i in range(6)) + struct.pack("<I", flags) + NTLM_VERSION
    return b"NTLMSSP\0" + struct.pack("<I", 3) + head + payload, key


# ---- requests: (command, body) ---------------------------------------------------------------------------------------

def negotiate(dialects, guid, salt=None):
    """2.2.3; with 3.1.1 among the dialects the contexts of 2.2.3.1: preauth integrity, encryption, signing, an unknown one."""
    fixed = struct.pack("<HHHHI16s", 36, len(dialects), 1, 0, 0x7F if max(dialects) >= 0x0300 else 0, guid)
    offers = struct.pack("<%dH" % len(dialects), *dialects)
    if max(dialects) < 0x0311:
        return NEGOTIATE, fixed + bytes(8) + offers
    contexts = [(1, struct.pack("<HHH", 1, 32, 1) + (salt or os.urandom(32))),          # SHA-512
                (2, struct.pack("<HHH", 2, 2, 1)),                                      # AES-128-GCM, AES-128-CCM
                (8, struct.pack("<HH", 1, 1)),                                          # AES-CMAC
                (5, "FS01".encode("utf-16-le")),                                        # netname
                (0x7FFF, b"unknown")]
    blob = b""
    for kind, data in contexts:
        blob += bytes(-len(blob) % 8) + struct.pack("<HHI", kind, len(data), 0) + data
    pad = bytes(-(100 + len(offers)) % 8)
    return NEGOTIATE, fixed + struct.pack("<IHH", 100 + len(offers) + len(pad), len(contexts), 0) + offers + pad + blob


def session_setup(token, flags=0, previous=0):
    return SESSION_SETUP, struct.pack("<HBBIIHHQ", 25, flags, 1, 1, 0, 88, len(token), previous) + token       # 2.2.5


def logoff():
    return LOGOFF, struct.pack("<HH", 4, 0)


def tree_connect(path):
    name = path.encode("utf-16-le")
    return TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(name)) + name                                      # 2.2.9


def tree_disconnect():
    return TREE_DISCONNECT, struct.pack("<HH", 4, 0)


def context(name, data=b""):
    """One create context, 2.2.13.2, without its Next; the data begins at a multiple of eight."""
    head = struct.pack("<HHHHI", 16, len(name), 0, 16 + len(name) + (-len(name) % 8) if data else 0, len(data))
    return head + name + (bytes(-len(name) % 8) + data if data else b"")


def create(name, access=WRITE_DATA, share=7, disposition=OPEN, options=0, oplock=0, contexts=(), attributes=0):
    """2.2.13; the name as text, or as bytes that are already UTF-16."""
    name = name if isinstance(name, bytes) else name.encode("utf-16-le")
    chain = b""
    for i, item in enumerate(contexts):
        item += b"" if i == len(contexts) - 1 else bytes(-(4 + len(item)) % 8)
        chain += struct.pack("<I", 0 if i == len(contexts) - 1 else 4 + len(item)) + item
    pad = bytes(-len(name) % 8) if contexts else b""
    body = struct.pack("<HBBIQQIIIIIHHII", 57, 0, oplock, 2, 0, 0, access, attributes, share, disposition, options, 120,
                       len(name), 120 + len(name + pad) if contexts else 0, len(chain))
    return CREATE, body + ((name + pad + chain) or b"\0")


def close(fid=LAST, flags=0):
    return CLOSE, struct.pack("<HHI16s", 24, flags, 0, fid)                                                    # 2.2.15


def flush(fid=LAST):
    return FLUSH, struct.pack("<HHI16s", 24, 0, 0, fid)


def read(fid, length, offset=0):
    return READ, struct.pack("<HBBIQ16sIIIHHx", 49, 0x50, 0, length, offset, fid, 0, 0, 0, 0, 0)               # 2.2.19


def write(fid, data, offset=0):
    return WRITE, struct.pack("<HHIQ16sIIHHI", 49, 112, len(data), offset, fid, 0, 0, 0, 0, 0) + data          # 2.2.21


LOCK_SHARED, LOCK_EXCLUSIVE, UNLOCK, FAIL_AT_ONCE = 1, 2, 4, 16                                                # 2.2.26.1


def lock(fid, offset, length, flags):
    return LOCK, struct.pack("<HHI16sQQII", 48, 1, 0, fid, offset, length, flags, 0)


def ioctl(code, fid=LAST, data=b"", room=65536):
    return IOCTL, struct.pack("<HHI16sIIIIIIII", 57, 0, code, fid, 120, len(data), 0, 0, 0, room, 1, 0) + (data or b"\0")


def echo():
    return ECHO, struct.pack("<HH", 4, 0)


def query_directory(fid=LAST, pattern="*", info_class=37, flags=0, room=65536):
    name = pattern.encode("utf-16-le")
    return QUERY_DIRECTORY, struct.pack("<HBBI16sHHI", 33, info_class, flags, 0, fid, 96, len(name), room) + name


def notify(fid, completion=0x17F, tree=False, room=4096):
    return CHANGE_NOTIFY, struct.pack("<HHI16sII", 32, int(tree), room, fid, completion, 0)                    # 2.2.35


def query_info(fid, info_type=1, info_class=18, additional=0, data=b"", room=4096):
    return QUERY_INFO, struct.pack("<HBBIHHIII16s", 41, info_type, info_class, room, 104 if data else 0, 0, len(data),
                                   additional, 0, fid) + (data or b"\0")                                       # 2.2.37


def set_info(fid, info_class, data, info_type=1, additional=0):
    return SET_INFO, struct.pack("<HBBIHHI16s", 33, info_type, info_class, len(data), 96, 0, additional, fid) + data


def rename(fid, to, replace=False, info_class=10):
    """MS-FSCC 2.4.42.2; class 11 (link) has the same form, class 65 flags where this has a boolean."""
    name = to.encode("utf-16-le")
    return set_info(fid, info_class, struct.pack("<B7xQI", int(replace), 0, len(name)) + name)


def disposition(fid=LAST, delete=True):
    return set_info(fid, 13, struct.pack("<B", int(delete)))                                                   # MS-FSCC 2.4.11


def oplock_acknowledge(fid, level):
    return OPLOCK_BREAK, struct.pack("<HBBI16s", 24, level, 0, 0, fid)                                         # 2.2.24.1


def lease_acknowledge(key, state):
    return OPLOCK_BREAK, struct.pack("<HHI16sIQ", 36, 0, 0, key, state, 0)                                     # 2.2.24.2


# ---- the client ------------------------------------------------------------------------------------------------------

class Answer:
    """One response of a chain: the header's fields and the body behind it; whole is the message with its header."""

    def __init__(self, whole):
        (self.status, self.command, self.flags, self.message_id) = struct.unpack_from("<IHxxIxxxxQ", whole, 8)
        self.async_id, = struct.unpack_from("<Q", whole, 32)
        self.tree_id, self.session_id = struct.unpack_from("<IQ", whole, 36)
        self.whole, self.body = whole, whole[64:]

    @property
    def name(self):
        return name_of(self.status)

    @property
    def fid(self):
        return self.body[64:80]                                          # CREATE, 2.2.14

    def buffer(self, at, form):
        """What the pair of offset and length at this place in the body points to."""
        offset, length = struct.unpack_from(form, self.body, at)
        return self.whole[offset:offset + length]


class Client:
    """One connection; session and tree are those of the last login and tree connect, and may be put back by the caller."""

    def __init__(self, server, port=445, source=None, guid=None, timeout=10):
        self.socket = socket.create_connection((server, port), timeout, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.guid = guid or os.urandom(16)
        self.next_id, self.session, self.tree, self.dialect = 0, 0, 0, 0
        self.key = self.session_signing = None                             # the signing key; unsigned while it is None
        self.preauth = bytes(64)
        self.answers, self.unasked, self.pending = {}, [], {}

    # -- the wire

    def _send_bytes(self, message):
        self.socket.sendall(struct.pack(">I", len(message)) + message)

    def _receive_bytes(self):
        def exactly(n):
            data = b""
            while len(data) < n:
                more = self.socket.recv(n - len(data))
                if not more:
                    raise ConnectionError("the server closed the connection")
                data += more
            return data
        return exactly(struct.unpack(">I", exactly(4))[0] & 0xFFFFFF)

    def _header(self, command, message_id, flags, charge, async_id=None):
        tree = 0 if command in (NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, ECHO) else self.tree     # 2.2.1.2
        place = struct.pack("<Q", async_id) if async_id is not None else struct.pack("<II", 0xFEFF, tree)
        return (struct.pack("<4sHHIHHIIQ", b"\xfeSMB", 64, charge, 0, command, 64, flags, 0, message_id) + place
                + struct.pack("<Q16x", self.session))

    def _sign(self, message):
        """3.1.4.1"""
        message = message[:48] + bytes(16) + message[64:]
        if self.dialect >= 0x0300:
            mac = aes_cmac(self.key, message)
        else:
            mac = hmac.new(self.key, message, hashlib.sha256).digest()[:16]
        return message[:48] + mac + message[64:]

    def _charge(self, command, body):
        """3.1.5.2, for what here can be large"""
        if self.dialect <= 0x0202 or command not in (READ, WRITE):
            return 1 if self.dialect > 0x0202 else 0
        return 1 + (struct.unpack_from("<I", body, 4)[0] - 1) // 65536

    def send(self, *requests, related=False):
        """One request, or a chain of them in one message (3.2.4.1.4); returns their MessageIds."""
        ids, packed = [], []
        for i, (command, body) in enumerate(requests):
            charge = self._charge(command, body)
            flags = (RELATED if related and i else 0) | (SIGNED if self.key else 0)
            message = self._header(command, self.next_id, flags, charge) + body
            if i < len(requests) - 1:
                message += bytes(-len(message) % 8)
                message = message[:20] + struct.pack("<I", len(message)) + message[24:]
            packed.append(self._sign(message) if self.key else message)
            ids.append(self.next_id)
            self.next_id += max(charge, 1)
        self._send_bytes(b"".join(packed))
        self.sent = b"".join(packed)
        return ids

    def cancel(self, message_id):
        """2.2.30: the MessageId of the request, and its AsyncId if there has been an interim answer"""
        async_id = self.pending.get(message_id)
        flags = (SIGNED if self.key else 0) | (ASYNC if async_id is not None else 0)
        message = self._header(CANCEL, message_id, flags, 0, async_id) + struct.pack("<HH", 4, 0)
        self._send_bytes(self._sign(message) if self.key else message)

    def _receive(self):
        rest = self.received = self._receive_bytes()
        while rest:
            following, = struct.unpack_from("<I", rest, 20)
            answer = Answer(rest[:following] if following else rest)
            rest = rest[following:] if following else b""
            if answer.message_id == UNASKED:
                self.unasked.append(answer)
            elif answer.status == PENDING and answer.flags & ASYNC:
                self.pending[answer.message_id] = answer.async_id
            else:
                self.answers[answer.message_id] = answer

    def wait(self, message_id):
        """The final answer to one request."""
        while message_id not in self.answers:
            self._receive()
        return self.answers.pop(message_id)

    def wait_pending(self, message_id):
        while message_id not in self.pending:
            self._receive()

    def wait_unasked(self):
        while not self.unasked:
            self._receive()
        return self.unasked.pop(0)

    def call(self, request):
        return self.wait(self.send(request)[0])

    def chain(self, *requests, related=True):
        return [self.wait(i) for i in self.send(*requests, related=related)]

    # -- getting in

    def _absorb(self, digest, message):
        return hashlib.sha512(digest + message).digest()                 # 3.1.1: preauthentication integrity, 3.2.5.2

    def negotiate(self, *dialects):
        ids = self.send(negotiate(dialects, self.guid))
        sent, answer = self.sent, self.wait(ids[0])
        self.dialect, = struct.unpack_from("<H", answer.body, 4)
        self.preauth = self._absorb(self._absorb(bytes(64), sent), self.received)
        return answer

    def multi_protocol(self, *names):
        """An SMB1 NEGOTIATE that offers SMB2 (3.2.4.2.2.1); the answer is SMB2's."""
        offers = b"".join(b"\2" + name.encode() + b"\0" for name in names)
        self._send_bytes(b"\xffSMB\x72" + bytes(4) + b"\x18" + struct.pack("<H", 0xC843) + bytes(12)
                         + struct.pack("<HHHH", 0xFFFF, 0xFEFF, 0, 0) + b"\0" + struct.pack("<H", len(offers)) + offers)
        answer = self.wait(0)
        self.dialect, = struct.unpack_from("<H", answer.body, 4)
        self.next_id = 1
        return answer

    def login(self, user, password, domain="EXAMPLE", workstation="WS01", bind=None, previous=0):
        """3.2.4.2.3 with NTLMv2; bind is the client whose session this connection joins (3.2.4.2.3, channels)."""
        flags, digest = (1 if bind else 0), self.preauth
        self.session, self.key = (bind.session, bind.session_signing) if bind else (0, None)
        ids = self.send(session_setup(ntlm_negotiate(), flags, previous))
        sent, answer = self.sent, self.wait(ids[0])
        if answer.status != MORE_PROCESSING:
            return answer
        digest = self._absorb(self._absorb(digest, sent), self.received)
        self.session = answer.session_id
        token, key = ntlm_authenticate(answer.buffer(4, "<HH"), user, password, domain, workstation)
        ids = self.send(session_setup(token, flags, previous))
        sent, answer = self.sent, self.wait(ids[0])
        if answer.status == SUCCESS:
            self._keys(key, self._absorb(digest, sent))                                  # a channel's own, also when bound
            if not user or struct.unpack_from("<H", answer.body, 2)[0] & 3:              # guest and anonymous are not signed
                self.key = None
        return answer

    def _keys(self, key, digest):
        if self.dialect >= 0x0311:
            self.key = derive(key, b"SMBSigningKey\0", digest)
        elif self.dialect >= 0x0300:
            self.key = derive(key, b"SMB2AESCMAC\0", b"SmbSign\0")
        else:
            self.key = key
        self.session_signing = self.key

    def tree_connect(self, path):
        answer = self.call(tree_connect(path))
        if answer.status == SUCCESS:
            self.tree = answer.tree_id
        return answer

    def close(self, reset=False):
        """Ends the connection, with a FIN or, as a crashed client's kernel does, with a RST."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

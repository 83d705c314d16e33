"""Conversations that show events which none of our captures does: what a Windows server or a broken client would do, made by hand.
Each is named by what it shows."""
import struct

import smbread
import smbwire
from smbwire import (ACCESS_DENIED, ACK, CLOSE, CREATE, FLUSH, IOCTL, LOGOFF, MORE_PROCESSING, NEGOTIATE, QUERY_DIRECTORY, QUERY_INFO, READ, RESPONSE, RST, SESSION, SESSION_SETUP, SYN,
                     TREE_CONNECT, WRITE, utf16)

NOT_SUPPORTED = 0xC00000BB
SIGNED = 8
GUID, SERVER_GUID = bytes(range(16)), bytes(range(16, 32))
OTHER_CLIENT = bytes((192, 0, 2, 21))
DH2Q = b"DH2Q"
PERSISTENT, CONTINUOUS, ENUMERATION = 2, 0x10, 0x800
NAME_NOT_FOUND, FILE_CLOSED, BAD_CLUSTER_DIALECT = 0xC0000034, 0xC0000128, 0xC05D0001
SESSION_DELETED, NOTIFICATION = 0xC0000203, 0x13
APP_INSTANCE = bytes.fromhex("45BCA66AEFA7F74A9008FA462E144D74")
RESILIENCY, INTERFACES = 0x001401D4, 0x001401FC
VALIDATE, FSCTL_SET_SPARSE = 0x00140204, 0x000900C4
SECONDS = 10**9


def context(kind, data):
    """A negotiate context, MS-SMB2 2.2.3.1."""
    return struct.pack("<HHI", kind, len(data), 0) + data + bytes(-len(data) % 8)


INTEGRITY = context(1, struct.pack("<HHH", 1, 4, 1) + b"salt")
CIPHERS = context(2, struct.pack("<HHH", 2, 2, 1))


def ntlm(nt_response, user="", flags=0x00088201):
    """An AUTHENTICATE without a SPNEGO around it, MS-NLMP 2.2.1.3; of nobody where it has no user."""
    name, lm = utf16(user), b"\0" if not user else bytes(24)
    at, fields = 64, b""
    for part in (lm, nt_response, b"", name, b"", b""):
        fields += struct.pack("<HHI", len(part), len(part), at)
        at += len(part)
    return b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", flags) + lm + nt_response + name


def challenge(computer):
    """A CHALLENGE whose target information names the server, MS-NLMP 2.2.1.2."""
    info = pair(1, utf16(computer)) + pair(0, b"")
    return b"NTLMSSP\0" + struct.pack("<IHHIIQQHHI", 2, 0, 0, 48, 0x00888205, 1, 0, len(info), len(info), 48) + info


def pair(kind, value):
    """AV_PAIR, MS-NLMP 2.2.2.1."""
    return struct.pack("<HH", kind, len(value)) + value


def ntlmv2(*pairs):
    """NTLMv2_RESPONSE, 2.2.2.8."""
    return bytes(range(16)) + struct.pack("<BB6xQ8s4x", 1, 1, 0x01D0000000000000, b"12345678") + b"".join(pairs) + pair(0, b"") + bytes(4)


class Made(smbwire.Client2):
    """A client and a server of which each says what the test wants."""

    def __init__(self, port, after=None, guid=GUID, pause=0, client=smbwire.CLIENT):
        """After another one: so long after what that one said last."""
        super().__init__(smbwire.Talk(port, client=client, **({"time_ns": after.talk.time + pause} if after else {})))
        self.guid = guid
        self.session = 0  # of a SESSION_SETUP: that of its first leg

    def refuse(self, command, request, status, **more):
        self.exchange(command, request, struct.pack("<HBBIB", 9, 0, 0, 0, 0), status, **more)

    def negotiate_request(self, dialects, mode=1, capabilities=0, contexts=()):
        listed = struct.pack("<%dH" % len(dialects), *dialects)
        head = 64 + 36 + len(listed)
        gap = bytes(-head % 8) if contexts else b""
        offset = struct.pack("<IHH", head + len(gap), len(contexts), 0) if contexts else bytes(8)
        return struct.pack("<HHHHI16s", 36, len(dialects), mode, 0, capabilities, self.guid) + offset + listed + gap + b"".join(contexts)

    def negotiate_response(self, dialect, mode=1, capabilities=2, contexts=()):
        return struct.pack("<HHHH16sIIIIQQHHI", 65, mode, dialect, len(contexts), SERVER_GUID, capabilities, 65536, 65536, 65536, 0, 0, 128, 0,
                           128 if contexts else 0) + b"".join(contexts)

    def negotiate(self, dialect=0x302, **more):
        dialects = [0x202, 0x210, 0x300, 0x302]
        self.exchange(NEGOTIATE, self.negotiate_request(dialects, mode=more.pop("client_mode", 1), capabilities=0x40),
                      self.negotiate_response(dialect, **more), session=0, tree=0)

    def say(self, command, request, response, flags=0, response_flags=0):
        """With flags in both headers."""
        number = self.next_id()
        self.talk.send(0, smbwire.smb2(command, number, request, flags=flags))
        self.talk.send(1, smbwire.smb2(command, number, response, RESPONSE | response_flags))

    def setup(self, token=None, flags=0, mode=1, status=0):
        """Of alice, unless there is a token."""
        token = ntlm(bytes(24), "alice") if token is None else token
        request = struct.pack("<HBBIIHHQ", 25, 0, mode, 0, 0, 88, len(token), 0) + token
        number = self.next_id()
        self.talk.send(0, smbwire.smb2(SESSION_SETUP, number, request, session=self.session, tree=0))
        if status:
            self.talk.send(1, smbwire.smb2_error(SESSION_SETUP, number, status))
        else:
            self.talk.send(1, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HHHH", 9, flags, 72, 0), RESPONSE, tree=0))

    def share(self, flags=0, capabilities=0, name="data"):
        path = utf16("\\\\FS01\\" + name)
        self.exchange(TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(path)) + path,
                      struct.pack("<HBBIII", 16, 1, 0, flags, capabilities, 0x1F01FF))

    def validate(self, mode, answered=True):
        asked = struct.pack("<I16sHH4H", 0x40, self.guid, mode, 4, 0x202, 0x210, 0x300, 0x302)
        said = struct.pack("<I16sHH", 2, SERVER_GUID, 1, 0x302)
        ones = b"\xff" * 16
        request = struct.pack("<HHI16sIIIIIIII", 57, 0, VALIDATE, ones, 120, len(asked), 0, 120, 0, len(said), 1, 0) + asked
        response = struct.pack("<HHI16sIIIIII", 49, 0, VALIDATE, ones, 112, 0, 112, len(said), 0, 0) + said
        if answered:
            self.exchange(IOCTL, request, response)
        else:
            self.talk.send(0, smbwire.smb2(IOCTL, self.next_id(), request))

    def begin(self, **more):
        self.negotiate(**more)
        self.setup()
        self.share()

    def create(self, name, file_id, asked=b"", said=b"", status=0):
        """With contexts in either; refused where there is a status."""
        request = smbwire.create_request(utf16(name), contexts=asked)
        if status:
            self.refuse(CREATE, request, status)
        else:
            self.exchange(CREATE, request, smbwire.create_response(file_id, contexts=said, contexts_offset=152 if said else 0, contexts_length=len(said)))

    def ioctl(self, code, file_id, asked=b"", said=b""):
        request = struct.pack("<HHI16sIIIIIIII", 57, 0, code, file_id, 120, len(asked), 0, 120, 0, 4096, 1, 0) + (asked or b"\0")
        self.exchange(IOCTL, request, struct.pack("<HHI16sIIIIII", 49, 0, code, file_id, 112, 0, 112, len(said), 0, 0) + (said or b"\0"))

    def hang_up(self):
        """The server closes first."""
        self.talk.packet(1, smbwire.FIN | ACK)
        self.talk.packet(0, smbwire.FIN | ACK)
        self.talk.packet(1, ACK)


def attempts():
    """A port that is closed, and one that does not answer."""
    refused, silent = smbwire.Talk(41000, handshake=False), smbwire.Talk(41001, handshake=False)
    refused.packet(0, SYN)
    refused.packet(1, RST | ACK)
    silent.packet(0, SYN)
    return refused.packets + silent.packets


def flags():
    """Commands and flags that our captures do not have."""
    c = Made(41010)
    c.negotiate()
    c.setup()
    c.share()
    file_id = struct.pack("<QQ", 1, 2)
    c.exchange(CREATE, smbwire.create_request(utf16("a")), smbwire.create_response(file_id))
    c.say(FLUSH, struct.pack("<HHI16s", 24, 0, 0, file_id), struct.pack("<HH", 4, 0), SIGNED, SIGNED)
    c.say(WRITE, struct.pack("<HHIQ16sIIHHI", 49, 112, 5, 0, file_id, 0, 0, 0, 0, 1) + b"hello", struct.pack("<HHIIHH", 17, 0, 5, 0, 0, 0))
    c.say(QUERY_DIRECTORY, struct.pack("<HBBI16sHHI", 33, 3, 1, 0, file_id, 96, 2, 4096) + utf16("*"),
          struct.pack("<HHI", 9, 72, 0) + b"\0")
    c.say(QUERY_INFO, struct.pack("<HBBIHHIII16s", 41, 1, 15, 64, 0, 0, 0, 0, 1, file_id) + b"\0", struct.pack("<HHI", 9, 72, 0) + b"\0")
    c.talk.end()
    return c.talk.packets


def no_signing_no_cipher():
    """A client without either bit of SecurityMode, and a server that has none of its ciphers and gives no leases."""
    c = Made(41020)
    c.exchange(NEGOTIATE, c.negotiate_request([0x311], mode=0, contexts=(INTEGRITY, CIPHERS)),
               c.negotiate_response(0x311, mode=3, capabilities=0, contexts=(INTEGRITY, context(2, struct.pack("<HH", 1, 0)))),
               session=0, tree=0)
    c.setup(mode=0)
    c.talk.end()
    return c.talk.packets


def dialect_refused():
    c = Made(41030)
    c.refuse(NEGOTIATE, c.negotiate_request([0x202]), NOT_SUPPORTED, session=0, tree=0)
    c.hang_up()
    return c.talk.packets


def smb2_off():
    """SMB2 offered beside SMB1, and SMB1 chosen."""
    c = smbwire.Client1(smbwire.Talk(41040))
    c.exchange(0x72, b"", b"\x02NT LM 0.12\0\x02SMB 2.002\0", struct.pack("<HBHHIIIIQhB", 0, 3, 50, 1, 16644, 65536, 0, 0x0000E3FC, 0, 0, 0),
               b"", tid=0, uid=0)
    c.talk.end()
    return c.talk.packets


def anonymous_refused():
    c = Made(41050)
    c.negotiate()
    c.setup(ntlm(b"", flags=0x00088A01), status=ACCESS_DENIED)
    c.talk.end()
    return c.talk.packets


def service_names():
    """No service name where there could be one, an empty one, and one of another server."""
    packets = []
    for port, pairs in ((41140, ()), (41141, (pair(9, b""),)), (41142, (pair(9, utf16("cifs/OTHER")),)), (41143, (pair(9, utf16("http/FS01")),))):
        c = Made(port)
        c.negotiate()
        token = challenge("FS01")
        request = b"NTLMSSP\0" + struct.pack("<II16x", 1, 0x00888205)
        number = c.next_id()
        c.talk.send(0, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(request), 0) + request,
                                    session=0, tree=0))
        c.talk.send(1, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HHHH", 9, 0, 72, len(token)) + token, RESPONSE, MORE_PROCESSING,
                                    tree=0))
        c.session = SESSION
        c.setup(ntlm(ntlmv2(*pairs), "alice"))
        c.talk.end()
        packets += c.talk.packets
    return packets


def encryption_missing():
    """Somebody, on a dialect that has no encryption."""
    c = Made(41060)
    c.negotiate(0x210)
    c.setup(ntlm(bytes(24), "alice"), status=ACCESS_DENIED)
    c.talk.end()
    return c.talk.packets


def negotiate_altered():
    """Another SecurityMode in FSCTL_VALIDATE_NEGOTIATE_INFO, which is answered; and one that the server closes on."""
    c, d = Made(41070), Made(41071)
    for one in (c, d):
        one.negotiate()
        one.setup()
        one.share()
    c.validate(3)
    c.talk.end()
    d.validate(1, answered=False)
    d.hang_up()
    return c.talk.packets + d.talk.packets


def rules_broken():
    """A plain message on a session that is encrypted, and a signed LOGOFF that is refused."""
    c = Made(41080)
    c.negotiate()
    c.setup(flags=4)
    path = utf16("\\\\FS01\\data")
    c.refuse(TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(path)) + path, ACCESS_DENIED)
    d = Made(41081)
    d.negotiate()
    d.setup()
    number = d.next_id()
    d.talk.send(0, smbwire.smb2(LOGOFF, number, struct.pack("<HH", 4, 0), flags=SIGNED))
    d.talk.send(1, smbwire.smb2_error(LOGOFF, number, ACCESS_DENIED))
    c.talk.end()
    d.talk.end()
    return c.talk.packets + d.talk.packets


def undecryptable():
    """An encrypted message of a session that its connection does not have, and the server closes."""
    c = Made(41090)
    c.negotiate()
    c.setup()
    c.talk.send(0, b"\xfdSMB" + bytes(32) + struct.pack("<IHHQ", 64, 0, 1, SESSION + 5) + bytes(64))
    c.hang_up()
    return c.talk.packets


def persistence_refused():
    c = Made(41100)
    c.negotiate()
    c.setup()
    c.share(capabilities=CONTINUOUS, flags=ENUMERATION)
    wanted = smbwire.create_context(DH2Q, struct.pack("<IIQ16s", 0, PERSISTENT, 0, GUID))
    c.exchange(CREATE, smbwire.create_request(utf16("a"), contexts=wanted), smbwire.create_response(struct.pack("<QQ", 1, 2)))
    c.talk.end()
    return c.talk.packets


def preserved():
    """The connection of a durable handle is cut off."""
    c = Made(41130)
    c.negotiate()
    c.setup()
    c.share()
    name, granted = utf16("lasting"), smbwire.create_context(b"DHnQ", bytes(8))
    response = bytearray(smbwire.create_response(struct.pack("<QQ", 1, 2), contexts=granted, contexts_offset=152, contexts_length=len(granted)))
    response[2] = 9  # a batch oplock
    c.exchange(CREATE, smbwire.create_request(name, contexts=smbwire.create_context(b"DHnQ", bytes(16))), bytes(response))
    c.talk.packet(0, RST | ACK)
    return c.talk.packets


def slow():
    c = Made(41110)
    c.negotiate()
    c.setup()
    c.share()
    number = c.next_id()
    c.talk.send(0, smbwire.smb2(CREATE, number, smbwire.create_request(utf16("late"))))
    c.talk.time += 16 * SECONDS
    c.talk.send(1, smbwire.smb2(CREATE, number, smbwire.create_response(struct.pack("<QQ", 1, 2)), RESPONSE))
    number, control = c.next_id(), struct.pack("<I16sI", FSCTL_SET_SPARSE, struct.pack("<QQ", 1, 2), 0)
    c.talk.send(0, smbwire.smb2(IOCTL, number, struct.pack("<HH", 57, 0) + control + bytes(28) + b"\0"))
    c.talk.time += 16 * SECONDS
    c.talk.send(1, smbwire.smb2(IOCTL, number, struct.pack("<HH", 49, 0) + control + bytes(24) + b"\0", RESPONSE))
    c.talk.end()
    return c.talk.packets


def share_refused():
    """A connection that ends without any share."""
    c = Made(41120)
    c.negotiate()
    c.setup()
    c.share()
    path = utf16("\\\\FS01\\other")
    c.refuse(TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(path)) + path, ACCESS_DENIED)
    c.hang_up()
    return c.talk.packets


def kerberos(kind, *fields):
    """A message of Kerberos in a GSS-API token without SPNEGO, RFC 4121 4.1 and RFC 4120 5; fields: number and value."""
    body = der(0x60 | kind, der(0x30, b"".join(der(0xA0 | number, value) for number, value in ((0, number_der(5)), (1, number_der(kind))) + fields)))
    return der(0x60, b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" + struct.pack(">H", {14: 0x0100, 15: 0x0200}[kind]) + body)


def der(tag, data):
    length = bytes((len(data),)) if len(data) < 0x80 else b"\x82" + struct.pack(">H", len(data))
    return bytes((tag,)) + length + data


def number_der(value):
    return der(2, bytes((value,)))


def encrypted(kind):
    """EncryptedData, RFC 4120 5.2.9."""
    return der(0x30, der(0xA0, number_der(kind)) + der(0xA2, der(4, bytes(40))))


def key_too_short():
    """Kerberos with RC4, which the server proves and refuses then; and NTLM in SMB1, whose last token says so with the error."""
    c = Made(41150)
    c.negotiate()
    name = der(0x30, der(0xA0, number_der(2)) + der(0xA1, der(0x30, der(0x1B, b"cifs") + der(0x1B, b"fs01"))))
    ticket = der(0x61, der(0x30, der(0xA0, number_der(5)) + der(0xA1, der(0x1B, b"EXAMPLE.COM")) + der(0xA2, name) + der(0xA3, encrypted(23))))
    asked = kerberos(14, (2, der(3, bytes(5))), (3, ticket), (4, encrypted(23)))
    proved, number = kerberos(15, (2, encrypted(23))), c.next_id()
    c.talk.send(0, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(asked), 0) + asked, session=0, tree=0))
    c.talk.send(1, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HHHH", 9, 0, 72, len(proved)) + proved, RESPONSE, MORE_PROCESSING, tree=0))
    c.session = SESSION
    c.setup(b"", status=ACCESS_DENIED)
    c.talk.end()
    d, flags2 = smbwire.Client1(smbwire.Talk(41151)), smbwire.UNICODE | smbwire.NT_STATUS | smbwire.LONG | smbwire.EXTENDED
    d.exchange(0x72, b"", b"\x02NT LM 0.12\0", struct.pack("<HBHHIIIIQhB", 0, 3, 50, 1, 16644, 65536, 0, 0x8000E3FC, 0, 0, 0), bytes(16),
               tid=0, uid=0, flags2=flags2)
    said, done = ntlm(ntlmv2(pair(9, utf16("cifs/FS01"))), "alice"), der(0xA1, der(0x30, der(0xA0, der(0x0A, b"\0"))))
    d.exchange(0x73, smbwire.NO_ANDX + struct.pack("<HHHIHII", 16644, 50, 0, 0, len(said), 0, 0x800000D4), said + bytes(len(said) % 2),
               smbwire.NO_ANDX + struct.pack("<HH", 0, len(done)), done + bytes(1 + len(done) % 2), status=ACCESS_DENIED, tid=0, flags2=flags2)
    d.talk.end()
    return c.talk.packets + d.talk.packets


def at_other_address(packets, later):
    """The same with another server, so many nanoseconds later."""
    other = smbwire.SERVER[:3] + b"\x0b"
    return [packet._replace(time_ns=packet.time_ns + later, data=packet.data[:26] + packet.data[26:34].replace(smbwire.SERVER, other) +
                            packet.data[34:]) for packet in packets]


def forced_away():
    """A file on a continuously available share is not there any more, and the client has the share from another node."""
    packets = []
    for number, later in ((0, 0), (1, 5 * SECONDS)):
        c = Made(41160 + number)
        c.negotiate()
        c.setup()
        c.share(capabilities=CONTINUOUS)
        if number == 0:
            c.refuse(CREATE, smbwire.create_request(utf16("a")), 0xC0000467)
        c.talk.end()
        packets += at_other_address(c.talk.packets, later) if later else c.talk.packets
    return packets


def taken_over():
    """A file is open by an instance of an application at one client, and the same instance opens it at another; the first is told that its file
    was closed."""
    instance = smbwire.create_context(APP_INSTANCE, struct.pack("<HH16s", 20, 0, b"virtual machine!"))
    first, ids = Made(41150), [struct.pack("<QQ", n, n) for n in (1, 2)]
    first.begin()
    first.create("disk.vhdx", ids[0], instance)
    second = Made(41151, first, guid=SERVER_GUID, client=OTHER_CLIENT)
    second.begin()
    second.create("DISK.vhdx", ids[1], instance)
    told = len(first.talk.packets)
    first.talk.time = second.talk.time
    first.refuse(FLUSH, struct.pack("<HHI16s", 24, 0, 0, ids[0]), FILE_CLOSED)
    first.talk.end()
    second.talk.time = first.talk.time
    second.talk.end()
    return first.talk.packets[:told] + second.talk.packets[:-2] + first.talk.packets[told:] + second.talk.packets[-2:]


def scavenged():
    """A durable handle with a Timeout, and a resilient one, whose connections are cut off, and that somebody wants back when it is too late."""
    packets = []
    for port, kind in ((41160, "durable"), (41162, "resilient")):
        c, file_id = Made(port), struct.pack("<QQ", port, 2)
        c.begin()
        if kind == "durable":
            c.create("lasting", file_id, smbwire.create_context(DH2Q, struct.pack("<IIQ16s", 60000, 0, 0, GUID)),
                     smbwire.create_context(DH2Q, struct.pack("<II", 60000, 0)))
            again = smbwire.create_context(b"DH2C", file_id + GUID + struct.pack("<I", PERSISTENT))
        else:
            c.create("lasting", file_id)
            c.ioctl(RESILIENCY, file_id, struct.pack("<II", 60000, 0))
            again = smbwire.create_context(b"DHnC", file_id)
        c.talk.packet(0, RST | ACK)
        d = Made(port + 1, c, pause=61 * SECONDS)
        d.begin()
        d.create("lasting", file_id, again, status=NAME_NOT_FOUND)
        d.talk.end()
        packets += c.talk.packets + d.talk.packets
    return packets


def interface(last, speed=10**10, capability=1, next_=152):
    """NETWORK_INTERFACE_INFO, MS-SMB2 2.2.32.5, of 198.51.100.last."""
    return struct.pack("<IIIIQHH4s120x", next_, last, capability, 0, speed, 2, 0, bytes((198, 51, 100, last)))


def interfaces_changed():
    """One interface becomes faster, one goes, one comes."""
    c, ones = Made(41170), b"\xff" * 16
    c.negotiate()
    c.setup()
    c.share(name="IPC$")
    c.ioctl(INTERFACES, ones, said=interface(1) + interface(2, next_=0))
    c.ioctl(INTERFACES, ones, said=interface(2) + interface(1, next_=0))
    c.ioctl(INTERFACES, ones, said=interface(2, 25 * 10**9) + interface(3, capability=2, next_=0))
    c.talk.end()
    return c.talk.packets


def cluster_dialect():
    """A cluster's share that takes 3.0.2 at most, and later 3.0: the one told as 3.1.1 does, the other as before that."""
    c, path = Made(41180), utf16("\\\\CLUSTER\\data")
    c.negotiate(0x311)
    c.setup()
    for data, count in ((struct.pack("<IIH", 2, 0, 0x302), 1), (struct.pack("<H", 0x300), 0)):
        number = c.next_id()
        c.talk.send(0, smbwire.smb2(TREE_CONNECT, number, struct.pack("<HHHH", 9, 0, 72, len(path)) + path))
        c.talk.send(1, smbwire.smb2_error(TREE_CONNECT, number, BAD_CLUSTER_DIALECT, data, count, len(data)))
    c.talk.end()
    return c.talk.packets


def dialect_limit():
    """The same offer, answered with 3.0.2, with 2.1, and not at all."""
    packets, c = [], None
    for port, dialect in ((41190, 0x302), (41191, 0x210), (41192, 0)):
        c = Made(port, c)
        if dialect:
            c.negotiate(dialect)
        else:
            c.refuse(NEGOTIATE, c.negotiate_request([0x202, 0x210, 0x300, 0x302], capabilities=0x40), NOT_SUPPORTED, session=0, tree=0)
        c.talk.end()
        packets += c.talk.packets
    return packets


def slow_network():
    """A WRITE behind a closed window of the server, a WRITE whose end comes again, and a READ of which a piece came last; an IOCTL whose client takes no answer."""
    c, file_id = Made(41200), struct.pack("<QQ", 1, 2)
    c.begin()
    c.create("far away", file_id)
    written = struct.pack("<HHIIHH", 17, 0, 5, 0, 0, 0)
    request = struct.pack("<HHIQ16sIIHHI", 49, 112, 5, 0, file_id, 0, 0, 0, 0, 0) + b"hello"
    number = c.next_id()
    stream = smbwire.nbss(smbwire.smb2(WRITE, number, request))
    c.talk.raw(0, stream[:80])
    c.talk.packet(1, ACK, window=0)
    c.talk.time += 16 * SECONDS
    c.talk.packet(1, ACK)
    c.talk.raw(0, stream[80:])
    c.talk.send(1, smbwire.smb2(WRITE, number, written, RESPONSE))
    number = c.next_id()
    c.talk.send(0, smbwire.smb2(WRITE, number, request))
    again = c.talk.packets[-1]
    c.talk.time += 20 * SECONDS
    c.talk.packets.append(again._replace(time_ns=c.talk.time))
    c.talk.time += 1000
    c.talk.send(1, smbwire.smb2(WRITE, number, written, RESPONSE))
    number = c.next_id()
    c.talk.send(0, smbwire.smb2(READ, number, struct.pack("<HBBIQ16sIIIHH", 49, 0, 0, 200, 0, file_id, 0, 0, 0, 0, 0) + b"\0"))
    c.talk.send(1, smbwire.smb2(READ, number, struct.pack("<HBBIII", 17, 80, 0, 200, 0, 0) + bytes(200), RESPONSE), segment=100)
    late = c.talk.packets.pop(-2)
    c.talk.time += 17 * SECONDS
    c.talk.packets.append(late._replace(time_ns=c.talk.time))
    c.talk.time += 1000
    number, control = c.next_id(), struct.pack("<I16sI", FSCTL_SET_SPARSE, file_id, 0)
    c.talk.send(0, smbwire.smb2(IOCTL, number, struct.pack("<HH", 57, 0) + control + bytes(28) + b"\0"))
    c.talk.packet(0, ACK, window=0)
    c.talk.time += 16 * SECONDS
    c.talk.packet(0, ACK)
    c.talk.send(1, smbwire.smb2(IOCTL, number, struct.pack("<HH", 49, 0) + control + bytes(24) + b"\0", RESPONSE))
    c.talk.end()
    return c.talk.packets


def smb1_unused():
    """SMB1 spoken once, and 21 minutes later SMB2 alone."""
    old = smbwire.Client1(smbwire.Talk(41210))
    old.begin()
    old.talk.end()
    new = Made(41211, old, pause=21 * 60 * SECONDS)
    new.begin()
    new.talk.end()
    return old.talk.packets + new.talk.packets


def cleaned_up():
    """Four sessions without an open file, silent for 15 minutes: of one the server closes the connection, of one it gives notice, of one
    it says so to the next request, and one had a file open."""
    packets = []
    for number, port in enumerate(range(41220, 41224)):
        c, file_id = Made(port), struct.pack("<QQ", 1, 2)
        c.begin()
        c.create("for a while", file_id)
        if number < 3:
            c.exchange(CLOSE, struct.pack("<HHI16s", 24, 0, 0, file_id), struct.pack("<HHI", 60, 0, 0) + bytes(52))
        c.talk.time += (15 * 60 + 1) * SECONDS
        if number == 1:
            c.talk.send(1, smbwire.smb2(NOTIFICATION, smbread.ALL_ONES, struct.pack("<HHI4x", 4, 0, 0), RESPONSE, tree=0))
        elif number >= 2:
            c.refuse(CREATE, smbwire.create_request(utf16("too late")), SESSION_DELETED)
        c.talk.packet(1, smbwire.FIN | ACK)
        c.talk.packet(0, smbwire.FIN | ACK)
        packets += c.talk.packets
    return packets


MADE = (attempts, flags, no_signing_no_cipher, dialect_refused, smb2_off, anonymous_refused, service_names, encryption_missing, negotiate_altered,
        rules_broken, undecryptable, persistence_refused, preserved, slow, share_refused, taken_over, scavenged, interfaces_changed,
        cluster_dialect, dialect_limit, slow_network, smb1_unused, key_too_short, forced_away, cleaned_up)

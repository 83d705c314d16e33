"""The cases of hostile.py: each is something hostile that is said between good operations.

A case says what must be told of it: the commands, the facts (and no name beside them), and whether parse_faults counts it.
"""
import struct

import smbwire as w

UNKNOWN_FILE = struct.pack("<QQ", 0x77, 0x77)
PROTOCOL_ERROR = 0xC000000D  # STATUS_INVALID_PARAMETER


class Case:
    """play(client) says it. commands: those of its records, in order, or None where only the good ones are looked at. faulty: True,
    False, or None where either may be. behind: the operations behind it must be told as well."""

    def __init__(self, name, version, play, commands=(), facts=None, faulty=True, behind=True, lossy=(), truncated=()):
        self.name, self.version, self.play, self.behind = "SMB%d %s" % (version, name), version, play, behind
        self.commands, self.facts, self.faulty = commands, facts or {}, faulty
        self.lossy, self.truncated = lossy, truncated


def put(body, at, width, value):
    return body[:at] + (value & (1 << 8 * width) - 1).to_bytes(width, "little") + body[at + width:]


def lies(offset_width, length_width, length, message_size, fixed_end):
    """(what, offset, length) of a pair that points where it may not. Sizes and offsets from the header on."""
    most, longest = (1 << 8 * offset_width) - 1, (1 << 8 * length_width) - 1
    yield "behind the message", min(message_size + 8, most), length
    yield "in the header", 4, length
    yield "at 0", 0, length
    yield "in the fixed part", fixed_end - 8, length
    yield "longer than the message", None, min(message_size, longest)
    yield "of the greatest length", None, longest
    if offset_width > 1:
        yield "at the end of the numbers", most, length
        yield "wrapping to the front", most - 7, min(longest, length + 16)
        yield "where both are the greatest", most, longest


# ---- SMB2: requests and responses with offset and length; (label, command, body, fixed end, (offset at, width), (length at, width))

TEXT = w.utf16("\\name.txt")


def requests2():
    create = w.create_request(w.utf16("evil.txt"))
    context = w.create_context(b"MxAc", b"\0" * 8)
    with_context = w.create_request(w.utf16("evil.txt"), contexts=context)
    rename = struct.pack("<B7sQI", 0, b"", 0, len(TEXT)) + TEXT
    yield "CREATE name", w.CREATE, create, 56, (44, 2), (46, 2)
    yield "CREATE contexts", w.CREATE, with_context, 56, (48, 4), (52, 4)
    yield "TREE_CONNECT path", w.TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(TEXT)) + TEXT, 8, (4, 2), (6, 2)
    yield "SESSION_SETUP token", w.SESSION_SETUP, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, 16, 0) + b"NTLMSSP\0" + b"\1" + \
        b"\0" * 7, 24, (12, 2), (14, 2)
    yield "QUERY_DIRECTORY pattern", w.QUERY_DIRECTORY, struct.pack("<HBBI16sHHI", 33, 1, 0, 0, UNKNOWN_FILE, 96, len(TEXT),
                                                                   65536) + TEXT, 32, (24, 2), (26, 2)
    yield "SET_INFO buffer", w.SET_INFO, struct.pack("<HBBIHHI16s", 33, 1, 10, len(rename), 96, 0, 0, UNKNOWN_FILE) + rename, 32, \
        (8, 2), (4, 4)
    yield "QUERY_INFO buffer", w.QUERY_INFO, struct.pack("<HBBIHHIII16s", 41, 1, 15, 4096, 104, 0, 8, 0, 0, UNKNOWN_FILE) + \
        b"\0" * 8, 40, (8, 2), (12, 4)
    dfs = struct.pack("<H", 3) + w.utf16("\\FS01\\data\0")
    yield "IOCTL input", w.IOCTL, struct.pack("<HHI16sIIIIIIII", 57, 0, 0x60194, b"\xff" * 16, 120, len(dfs), 0, 0, 0, 4096, 1, 0) + \
        dfs, 56, (24, 4), (28, 4)
    yield "WRITE data", w.WRITE, struct.pack("<HHIQ16sIIHHI", 49, 112, 16, 0, UNKNOWN_FILE, 0, 0, 0, 0, 0) + b"x" * 16, 48, (2, 2), (4, 4)


def responses2():
    """(label, command, the good request, body of the response, ...)"""
    requests = {command: body for _, command, body, _, _, _ in requests2()}
    context = w.create_context(b"MxAc", b"\0" * 8)
    created = w.create_response(UNKNOWN_FILE, context, 152, len(context))
    yield "CREATE contexts", w.CREATE, requests[w.CREATE], created, 88, (80, 4), (84, 4)
    yield "SESSION_SETUP token", w.SESSION_SETUP, requests[w.SESSION_SETUP], struct.pack("<HHHH", 9, 0, 72, 16) + b"NTLMSSP\0" + \
        b"\2" + b"\0" * 7, 8, (4, 2), (6, 2)
    yield "QUERY_DIRECTORY entries", w.QUERY_DIRECTORY, requests[w.QUERY_DIRECTORY], struct.pack("<HHI", 9, 72, 96) + b"\0" * 96, 8, \
        (2, 2), (4, 4)
    yield "QUERY_INFO buffer", w.QUERY_INFO, requests[w.QUERY_INFO], struct.pack("<HHI", 9, 72, 8) + b"\0" * 8, 8, (2, 2), (4, 4)
    yield "IOCTL output", w.IOCTL, requests[w.IOCTL], struct.pack("<HHI16sIIIIII", 49, 0, 0x60194, b"\xff" * 16, 112, 0, 112, 8, 0, 0) + \
        b"\0" * 8, 48, (32, 4), (36, 4)
    notify = struct.pack("<HHI16sII", 32, 0, 4096, UNKNOWN_FILE, 1, 0)
    yield "CHANGE_NOTIFY changes", w.CHANGE_NOTIFY, notify, struct.pack("<HHI", 9, 72, 16) + struct.pack("<III", 0, 1, 4) + w.utf16("ab"), \
        8, (2, 2), (4, 4)
    ask = struct.pack("<HHHHI16sQH", 36, 1, 1, 0, 0, bytes(range(16)), 0, 0x210)
    yield "NEGOTIATE token", w.NEGOTIATE, ask, struct.pack("<HHHH16sIIIIQQHHI", 65, 1, 0x210, 0, bytes(range(15, -1, -1)), 0, 65536, 65536,
                                                          65536, 0, 0, 128, 8, 0) + b"\x60\x06\x06\x04\x2b\x06\x01\x05", 64, (56, 2), (58, 2)
    read = struct.pack("<HBBIQ16sIIIHH", 49, 0, 0, 16, 0, UNKNOWN_FILE, 0, 0, 0, 0, 0) + b"\0"
    yield "READ data", w.READ, read, struct.pack("<HBBIII", 17, 80, 0, 16, 0, 0) + b"x" * 16, 16, (2, 1), (4, 4)


def changed(body, offset_at, length_at, offset, length):
    body = body if offset is None else put(body, *offset_at, offset)
    return put(body, *length_at, length)


def field(body, at):
    return int.from_bytes(body[at[0]:at[0] + at[1]], "little")


NAMES2 = ("NEGOTIATE SESSION_SETUP LOGOFF TREE_CONNECT TREE_DISCONNECT CREATE CLOSE FLUSH READ WRITE LOCK IOCTL CANCEL ECHO "
          "QUERY_DIRECTORY CHANGE_NOTIFY QUERY_INFO SET_INFO OPLOCK_BREAK").split()
# What of the good message stays certain where a pair lies.
KEPT2 = {"CREATE contexts": {"file_name": "evil.txt", "extension": "txt"}}


def refused(command, body):
    """A request that the server refuses."""
    def play(client):
        number = client.next_id()
        tree = 0 if command in (w.TREE_CONNECT, w.SESSION_SETUP) else w.TREE
        client.talk.send(0, w.smb2(command, number, body, tree=tree))
        client.talk.send(1, w.smb2(command, number, struct.pack("<HBBI", 9, 0, 0, 0) + b"\0", w.RESPONSE, PROTOCOL_ERROR, tree=tree))
    return play


def answered(command, request, response, status=0):
    def play(client):
        client.exchange(command, request, response, status)
    return play


def pairs2():
    for label, command, body, fixed, offset_at, length_at in requests2():
        for what, offset, length in lies(offset_at[1], length_at[1], field(body, length_at), 64 + len(body), 64 + fixed):
            wrong = changed(body, offset_at, length_at, offset, length)
            yield Case("%s %s" % (label, what), 2, refused(command, wrong), ["SMB2_" + NAMES2[command]], KEPT2.get(label))
    good = {"CREATE contexts": KEPT2["CREATE contexts"], "QUERY_DIRECTORY entries": {"search_pattern": "\\name.txt"},
            "IOCTL output": {"dfs_path": "\\FS01\\data"}, "NEGOTIATE token": {"offered_dialects": ["2.1"]}}
    for label, command, request, body, fixed, offset_at, length_at in responses2():
        for what, offset, length in lies(offset_at[1], length_at[1], field(body, length_at), 64 + len(body), 64 + fixed):
            wrong = changed(body, offset_at, length_at, offset, length)
            yield Case("%s answered %s" % (label, what), 2, answered(command, request, wrong), ["SMB2_" + NAMES2[command]],
                       good.get(label))


def contexts2():
    """Lists of contexts that do not end, of CREATE and NEGOTIATE, and what stands in them."""
    def create(label, contexts, facts=KEPT2["CREATE contexts"], faulty=True):
        body = w.create_request(w.utf16("evil.txt"), contexts=contexts)
        return Case("CREATE context " + label, 2, refused(w.CREATE, body), ["SMB2_CREATE"], facts, faulty)

    yield create("that points to itself", w.create_context(b"MxAc", b"\0" * 8, next_=1))
    yield create("that points backwards", w.create_context(b"MxAc", b"\0" * 8, next_=32) + w.create_context(b"MxAc", b"", next_=0xFFFFFFE0))
    yield create("that points behind the list", w.create_context(b"MxAc", b"\0" * 8, next_=4096))
    yield create("of length 0", b"\0" * 16, faulty=None)
    yield create("without a name", w.create_context(b"", b"", 0), faulty=None)
    yield create("whose name lies behind", w.create_context(b"MxAc", b"", name_offset=200))
    yield create("whose data wraps", w.create_context(b"MxAc", b"", data_offset=0xFFF8, data_length=0xFFFFFFFF))
    yield create("with 4,000 others", (w.create_context(b"MxAc", b"", next_=24) * 4000)[:-24] + w.create_context(b"MxAc", b""),
                 faulty=None)
    for label, next_ in (("step by step", 16), ("on the name", 20)):
        yield create("list that overlaps itself " + label, w.create_context(b"\x10\0\0\0", b"", next_=next_) * 300, faulty=None)


def negotiate2(label, contexts, count, offset=None, faulty=True):
    at = 64 + 36 + 4
    body = struct.pack("<HHHHI16sIHHHH", 36, 2, 1, 0, 0, b"g" * 16, at if offset is None else offset, count, 0, 0x302, 0x311) + contexts
    return Case("NEGOTIATE context " + label, 2, refused(w.NEGOTIATE, body), ["SMB2_NEGOTIATE"], {"offered_dialects": ["3.0.2", "3.1.1"], "netname": None}, faulty)


def negotiations2():
    netname = w.utf16("FS")
    context = struct.pack("<HHI", 5, 4, 0) + netname
    yield negotiate2("whose length lies", struct.pack("<HHI", 5, 400, 0) + netname, 1)
    yield negotiate2("of length 0", struct.pack("<HHI", 1, 0, 0), 1)
    yield negotiate2("of length 0, 65,535 times announced", struct.pack("<HHI", 1, 0, 0), 65535)
    yield negotiate2("65,535 times announced, 3 there", (context + b"\0" * 4) * 2 + context, 65535)
    yield negotiate2("list behind the message", context, 1, 4096)
    yield negotiate2("list in the header", context, 1, 8)
    yield negotiate2("list that wraps", context, 1, 0xFFFFFFF8)
    yield negotiate2("with a count that lies", struct.pack("<HHIHH", 2, 4, 0, 65535, 1), 1)
    body = struct.pack("<HHHHI16sQ", 36, 65535, 1, 0, 0, b"g" * 16, 0) + struct.pack("<HH", 0x202, 0x210)
    yield Case("NEGOTIATE of 65,535 dialects", 2, refused(w.NEGOTIATE, body), ["SMB2_NEGOTIATE"])


def chains2():
    """NextCommand: to itself, backwards, off the grid, outside; and what never ends."""
    def chained(label, next_command, faulty=True, count=1):
        def play(client):
            number = client.next_id()
            message = w.smb2(w.ECHO, number, struct.pack("<HH", 4, 0), next_command=next_command) + b"\0" * 12
            client.talk.send(0, message)
            client.talk.send(1, w.smb2(w.ECHO, number, struct.pack("<HH", 4, 0), w.RESPONSE))
        return Case("NextCommand " + label, 2, play, ["SMB2_ECHO"] * count, {}, faulty)

    yield chained("to itself", 1)
    yield chained("off the grid", 69)
    yield chained("in its own header", 8)
    yield chained("behind the message", 4096)
    yield chained("backwards", 0xFFFFFFC0)
    yield chained("the greatest", 0xFFFFFFFF)
    yield chained("where no header has room", 72)

    def long_chain(client):
        numbers = [client.next_id() for _ in range(800)]
        for to_client in (0, 1):
            parts = []
            for number in numbers:
                flags = (w.RESPONSE if to_client else 0) | (w.RELATED if number != numbers[0] else 0)
                parts.append(w.smb2(w.ECHO, number, struct.pack("<HHI", 4, 0, 0), flags,
                                    next_command=0 if number == numbers[-1] else 72))
            client.talk.raw(to_client, w.nbss(b"".join(parts)), 60000)
    yield Case("chain of 800", 2, long_chain, ["SMB2_ECHO"] * 800, faulty=False)


def heads2():
    """What is wrong with headers and fixed parts."""
    def sent(label, message, commands, faulty=True):
        def play(client):
            client.talk.send(0, message(client.next_id()))
        return Case(label, 2, play, commands, {}, faulty)

    echo = struct.pack("<HH", 4, 0)
    yield sent("header of another size", lambda number: w.smb2(w.ECHO, number, echo, size=65), ["SMB2_ECHO"])
    yield sent("body of another size", lambda number: w.smb2(w.ECHO, number, struct.pack("<HH", 5, 0)), ["SMB2_ECHO"])
    yield sent("body that is missing", lambda number: w.smb2(w.CREATE, number, b""), ["SMB2_CREATE"])
    yield sent("fixed part that is cut", lambda number: w.smb2(w.CREATE, number, struct.pack("<HBBI", 57, 0, 0, 2)), ["SMB2_CREATE"])
    yield sent("no such command", lambda number: w.smb2(0x4242, number, echo), None)
    yield sent("answer that the client sends", lambda number: w.smb2(w.ECHO, number, echo, w.RESPONSE), None)
    yield sent("no locks", lambda number: w.smb2(w.LOCK, number, struct.pack("<HHI16s", 48, 0, 0, UNKNOWN_FILE) + b"\0" * 24),
               ["SMB2_LOCK"], None)
    yield sent("65,535 locks announced", lambda number: w.smb2(w.LOCK, number, struct.pack(
        "<HHI16s", 48, 65535, 0, UNKNOWN_FILE) + b"\0" * 24), ["SMB2_LOCK"])
    context = struct.pack("<II", 0xFFFFFFFF, 0)

    def bad_error(client):
        number = client.next_id()
        client.talk.send(0, w.smb2(w.CREATE, number, w.create_request(w.utf16("evil.txt"))))
        client.talk.send(1, w.smb2_error(w.CREATE, number, 0x8000002D, context, 255, 0xFFFFFFFF))
    yield Case("error whose contexts lie", 2, bad_error, ["SMB2_CREATE"], KEPT2["CREATE contexts"])
    symlink = struct.pack("<II", 0xFFFF, 0x4C4D5953) + struct.pack("<IHHHHHHI", 0xA000000C, 8, 0, 400, 400, 400, 400, 0) + b"\0" * 8

    def bad_symlink(client):
        number = client.next_id()
        client.talk.send(0, w.smb2(w.CREATE, number, w.create_request(w.utf16("evil.txt"))))
        client.talk.send(1, w.smb2_error(w.CREATE, number, 0x8000002D, symlink, 0, len(symlink)))
    yield Case("symbolic link whose names lie", 2, bad_symlink, ["SMB2_CREATE"], KEPT2["CREATE contexts"])


def insides2():
    """Lengths inside buffers: new names, reparse points, chunks, SPNEGO and NTLMSSP."""
    def set_info(label, kind, data):
        body = struct.pack("<HBBIHHI16s", 33, 1, kind, len(data), 96, 0, 0, UNKNOWN_FILE) + data
        return Case("SET_INFO " + label, 2, refused(w.SET_INFO, body), ["SMB2_SET_INFO"])

    for label, length in (("the greatest", 0xFFFFFFFF), ("behind", len(TEXT) + 2), ("wrapping", 0xFFFFFFEE), ("odd", 3)):
        yield set_info("rename, length " + label, 10, struct.pack("<B7sQI", 0, b"", 0, length) + TEXT)
        yield set_info("link, length " + label, 11, struct.pack("<B7sQI", 0, b"", 0, length) + TEXT)
    yield set_info("rename that is cut", 10, b"\0" * 12)

    def ioctl(label, code, data, faulty=True):
        body = struct.pack("<HHI16sIIIIIIII", 57, 0, code, UNKNOWN_FILE, 120, len(data), 0, 0, 0, 4096, 1, 0) + data
        return Case("IOCTL " + label, 2, refused(w.IOCTL, body), ["SMB2_IOCTL"], {}, faulty)

    yield ioctl("copy of 4,294,967,295 chunks", 0x1440F2, b"k" * 24 + struct.pack("<II", 0xFFFFFFFF, 0))
    yield ioctl("reparse point whose names lie", 0x900A4, struct.pack("<IHHHHHHI", 0xA000000C, 20, 0, 0xFFFE, 0xFFFF, 0xFFFE, 0xFFFF, 0) +
                b"\0" * 8)
    yield ioctl("reparse point whose length lies", 0x900A4, struct.pack("<IHH", 0xA000000C, 0xFFFF, 0))
    yield ioctl("pipe wait whose name lies", 0x110018, struct.pack("<QIBB", 0, 0xFFFFFFFF, 0, 0) + b"ab")
    yield ioctl("referral without an end", 0x60194, struct.pack("<H", 3) + b"a\0" * 40, None)
    yield ioctl("65,535 dialects to be validated", 0x140204, struct.pack("<I16sHH", 0, b"", 0, 0xFFFF))
    for label, token, faulty in tokens():
        body = struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(token), 0) + token
        yield Case("SESSION_SETUP, " + label, 2, refused(w.SESSION_SETUP, body), ["SMB2_SESSION_SETUP"], {}, faulty)


def ntlm3(fields, flags=1):
    """AUTHENTICATE_MESSAGE, MS-NLMP 2.2.1.3; fields: six pairs of length and offset."""
    return b"NTLMSSP\0" + struct.pack("<I", 3) + b"".join(struct.pack("<HHI", n, n, at) for n, at in fields) + \
        struct.pack("<I", flags) + b"\0" * 24


def tokens():
    """Tokens with lengths that lie, and whether that is where we look."""
    for label, length, offset in (("behind", 8, 4096), ("wrapping", 16, 0xFFFFFFF8), ("the greatest", 0xFFFF, 0xFFFFFFFF),
                                  ("too long", 0xFFFF, 64)):
        for number, name in enumerate(("domain", "user", "workstation")):
            fields = [(0, 88)] * 6
            fields[2 + number] = (length, offset)
            yield "NTLMSSP %s %s" % (name, label), ntlm3(fields), True
    challenge = b"NTLMSSP\0" + struct.pack("<IHHII8s8sHHI", 2, 0, 0, 56, 0x00800001, b"", b"", 8, 8, 56) + b"\0" * 8
    yield "NTLMSSP challenge from the client, whose targets lie", challenge + struct.pack("<HH", 1, 0xFFFF), None
    yield "NTLMSSP that is cut", b"NTLMSSP\0\3\0\0\0\x18", True
    yield "SPNEGO of a length that lies", b"\x60\x84\xff\xff\xff\xff\x06\x06\x2b\x06\x01\x05\x05\x02", True
    yield "SPNEGO without an end", b"\x60\x80\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x80\x30\x80", True
    yield "SPNEGO of 9 bytes of length", b"\x60\x89" + b"\1" * 9, True
    nested = b"\x04\x04NTLM"
    for _ in range(200):
        nested = b"\x30\x82" + len(nested).to_bytes(2, "big") + nested
    yield "SPNEGO 200 deep", b"\xa1\x82" + len(nested).to_bytes(2, "big") + nested, None


def envelopes2():
    """Transform and compression headers, MS-SMB2 2.2.41 and 2.2.42."""
    def sent(label, message, faulty=True):
        def play(client):
            client.talk.send(0, message)
        return Case(label, 2, play, None, {}, faulty)

    transform = struct.pack("<4s16s16sIHHQ", b"\xfdSMB", b"s" * 16, b"n" * 16, 0xFFFFFFFF, 0, 1, w.SESSION)
    yield sent("transform of 4 GiB", transform + b"x" * 40)
    yield sent("transform with nothing in it", transform, None)
    for label, chained, offset in (("offset behind", 0, 4096), ("offset the greatest", 0, 0xFFFFFFFF),
                                   ("chained, length behind", 1, 4096), ("chained, length the greatest", 1, 0xFFFFFFFF)):
        yield sent("compressed, " + label, struct.pack("<4sIHHI", b"\xfcSMB", 0xFFFFFFFF, 0 if chained else 1, chained, offset) + b"x" * 64)
    inner = struct.pack("<4sIHHI", b"\xfcSMB", 100, 1, 0, 16)
    yield sent("compressed in itself, 60 deep", inner * 60, None)


def streams2():
    """What is wrong between messages: RFC 1002 4.3."""
    def sent(label, stream, faulty=True, commands=None, to_client=0):
        def play(client):
            client.talk.raw(to_client, stream, 60000)
        return Case(label, 2, play, commands, {}, faulty)

    yield sent("packet of length 0", b"\0\0\0\0")
    yield sent("packet of 3 bytes", b"\0\0\0\3abc")
    yield sent("packet of an unknown type", b"\x77\0\0\x04abcd")
    yield sent("10,000 keep-alives in a segment", b"\x85\0\0\0" * 10000, False, [])
    yield sent("session message of another protocol", w.nbss(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
    yield sent("zeros", b"\0" * 5000)
    yield sent("0xff", w.nbss(b"\xff" * 5000))
    yield sent("SMB2 without a header around it", w.smb2(w.ECHO, 900, struct.pack("<HH", 4, 0)), None)

    def crowd(client):
        numbers = [client.next_id() for _ in range(850)]
        for to_client in (0, 1):
            client.talk.raw(to_client, b"".join(w.nbss(w.smb2(w.ECHO, number, struct.pack("<HH", 4, 0), to_client))
                                                for number in numbers), 65000)
    yield Case("850 messages in a segment", 2, crowd, ["SMB2_ECHO"] * 850, faulty=False)

    def bytewise(client):
        number = client.next_id()
        client.talk.send(0, w.smb2(w.CREATE, number, w.create_request(w.utf16("evil.txt"))), 1)
        client.talk.send(1, w.smb2(w.CREATE, number, w.create_response(UNKNOWN_FILE), w.RESPONSE), 1)
    yield Case("one byte a segment", 2, bytewise, ["SMB2_CREATE"], KEPT2["CREATE contexts"], faulty=False)


# ---- SMB1

NAMES1 = {0x72: "NEGOTIATE", 0x73: "SESSION_SETUP_ANDX", 0x75: "TREE_CONNECT_ANDX", 0xA2: "NT_CREATE_ANDX", 0x2F: "WRITE_ANDX",
          0x2E: "READ_ANDX", 0x32: "TRANSACTION2", 0x25: "TRANSACTION", 0xA0: "NT_TRANSACT", 0x24: "LOCKING_ANDX",
          0x06: "DELETE", 0x07: "RENAME", 0x2D: "OPEN_ANDX", 0x2B: "ECHO", 0x33: "TRANSACTION2_SECONDARY"}


def command1(command):
    return "SMB1_" + NAMES1[command]


def refused1(command, words=b"", data=b"", **more):
    """A request that the server refuses."""
    def play(client):
        number = client.next_id()
        client.talk.send(0, w.smb1(command, number, words, data, **more))
        client.talk.send(1, w.smb1(command, number, reply=True, status=PROTOCOL_ERROR))
    return play


def case1(label, command, words=b"", data=b"", facts=None, faulty=True, **more):
    return Case(label, 1, refused1(command, words, data, **more), [command1(command)], facts, faulty)


def blocks1():
    """Counts of words and bytes, and the chain."""
    create = w.nt_create1(TEXT)
    yield case1("words that are not there", 0xA2, b"", b"", word_count=255)
    yield case1("fewer words than the command has", 0xA2, create[:20], TEXT)
    yield case1("bytes that are not there", 0xA2, create, TEXT, byte_count=0xFFFF, facts={"file_name": None})
    yield case1("no bytes where there must be", 0xA2, create, b"")
    for label, length in (("the greatest", 0xFFFF), ("odd", 3), ("one more", len(TEXT) + 2)):
        yield case1("name of a length " + label, 0xA2, w.nt_create1(TEXT, length), b"\0" + TEXT, {"file_name": None, "extension": None}, None)
    locking = struct.pack("<HBBIHH", 9, 0, 0, 0, 0, 0)
    for label, offset in (("to itself", 32), ("in the header", 8), ("at 0", 0), ("to its own words", 34), ("behind", 4000),
                          ("the greatest", 0xFFFF)):
        words = struct.pack("<BBH", 0x2E, 0, offset) + locking
        yield Case("AndX " + label, 1, refused1(0x24, words, b""), [command1(0x24)])

    def long_chain(client):
        number, blocks = client.next_id(), b""
        for index in range(200):
            at = 32 + len(blocks)
            blocks += w.block1(struct.pack("<BBH", 0x24, 0, at + 1 + 16 + 2) + locking, b"")
        client.talk.send(0, w.smb1(0x24, number)[:32] + blocks)
        client.talk.send(1, w.smb1(0x24, number, reply=True, status=PROTOCOL_ERROR))
    yield Case("chain of 200", 1, long_chain, None, behind=True)
    yield case1("locks that are not there", 0x24, w.NO_ANDX + struct.pack("<HBBIHH", 9, 0, 0, 0, 0xFFFF, 0xFFFF))
    yield case1("no such command", 0x25, b"", b"", faulty=None)


def transactions1():
    """Offsets, counts and totals of transactions, MS-CIFS 2.2.4.46, 2.2.4.33, 2.2.4.62."""
    path = struct.pack("<HI", 0x107, 0) + w.utf16("evil.txt\0")

    def trans2(label, totals=None, parameters=None, data=None, setup_count=1, faulty=True, facts=None):
        total = (len(path), 0) if totals is None else totals
        count, at = (len(path), 68) if parameters is None else parameters
        data_count, data_at = (0, 0) if data is None else data
        words = struct.pack("<HHHHBBHIHHHHHBBH", *total, 2, 40, 0, 0, 0, 0, 0, count, at, data_count, data_at, setup_count, 0, 5)
        return case1("TRANSACTION2 " + label, 0x32, words, b"\0\0\0" + path, facts, faulty)

    size = len(path)
    yield trans2("parameters behind", parameters=(size, 4000))
    yield trans2("parameters in the header", parameters=(size, 8))
    yield trans2("parameters at 0", parameters=(size, 0))
    yield trans2("parameters longer than the message", parameters=(4000, 68), totals=(4000, 0))
    yield trans2("parameters of the greatest length", parameters=(0xFFFF, 0xFFFF), totals=(0xFFFF, 0))
    yield trans2("more parameters than in all", totals=(4, 0), facts={"file_name": None, "extension": None})
    yield trans2("data behind", data=(16, 4000), totals=(size, 16))
    yield trans2("data of the greatest length", data=(0xFFFF, 0xFFF0), totals=(size, 0xFFFF))
    yield trans2("data in the header", data=(16, 4), totals=(size, 16), facts={"file_name": None})
    yield trans2("setup of 255 words", setup_count=255, facts={"file_name": "evil.txt", "extension": "txt"})
    yield trans2("setup of none", setup_count=0)

    def secondary(label, displacement, count, offset, faulty=True):
        def play(client):
            number = client.next_id()
            words = struct.pack("<HHHHBBHIHHHHHBBH", 2000, 0, 2, 40, 0, 0, 0, 0, 0, size, 68, 0, 0, 1, 0, 5)
            client.talk.send(0, w.smb1(0x32, number, words, b"\0\0\0" + path))
            client.talk.send(1, w.smb1(0x32, number, reply=True))
            words = struct.pack("<HHHHHHHHH", 2000, 0, count, offset, displacement, 0, 0, 0, 0xFFFF)
            client.talk.send(0, w.smb1(0x33, number, words, b"\0" * 16))
            client.talk.send(1, w.smb1(0x32, number, reply=True, status=PROTOCOL_ERROR))
        return Case("TRANSACTION2_SECONDARY " + label, 1, play, None, {"file_name": None}, faulty)

    yield secondary("beyond the total", 1995, 16, 55)
    yield secondary("of the greatest displacement", 0xFFFF, 16, 55)
    yield secondary("over what is there", 0, 16, 55, None)
    yield secondary("that points behind", 32, 16, 4000)
    yield secondary("of none", 32, 0, 0, None)
    nt = struct.pack("<BHIIIIIIIIBH", 0, 0, 53, 0, 2, 0, 53, 76, 0, 0, 0, 1)
    yield case1("NT_TRANSACT create that is cut", 0xA0, nt, b"\0\0\0" + b"\0" * 20)
    for at, label in ((19, "count"), (23, "offset"), (27, "data count"), (31, "data offset")):
        words = put(nt, at, 4, 0xFFFFFFF0)
        words = put(words, 27, 4, 8) if at == 31 else words
        facts = {"file_name": "\\"} if at > 23 else {}  # of no length: the root
        yield case1("NT_TRANSACT %s the greatest" % label, 0xA0, words, b"\0\0\0" + b"\0" * 60, facts)
    body = struct.pack("<IIIQIIIIIIIIB", 0, 0, 0, 0, 0, 7, 1, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0)
    words = struct.pack("<BHIIIIIIIIBH", 0, 0, len(body), 0, 2, 0, len(body), 76, 0, 0, 0, 1)
    yield case1("NT_TRANSACT create whose lengths lie", 0xA0, words, b"\0" * 3 + body)


def bodies1():
    """Data, names and blobs of other commands."""
    for label, offset, length, high in (("behind", 4000, 16, 0), ("in the header", 8, 16, 0), ("at 0", 0, 16, 0),
                                        ("longer than the message", 64, 0xFFFF, 0), ("of 4 GiB", 64, 0xFFFF, 0xFFFF)):
        yield case1("WRITE_ANDX data " + label, 0x2F, w.write1(0x77, length, offset, high), b"\0" + b"x" * 16)

    def read(label, offset, length, high=0):
        def play(client):
            number = client.next_id()
            client.talk.send(0, w.smb1(0x2E, number, w.NO_ANDX + struct.pack("<HIHHIHI", 0x77, 0, 16, 16, 0, 0, 0)))
            words = w.NO_ANDX + struct.pack("<HHHHHHHHHH", 0, 0, 0, length, offset, high, 0, 0, 0, 0)
            client.talk.send(1, w.smb1(0x2E, number, words, b"\0" + b"x" * 16, reply=True))
        return Case("READ_ANDX data " + label, 1, play, [command1(0x2E)])

    yield read("behind", 4000, 16)
    yield read("in the header", 8, 16)
    yield read("longer than the message", 60, 0xFFFF)
    yield read("of 4 GiB", 60, 0xFFFF, 0xFFFF)
    for label, token, faulty in tokens():
        words = w.NO_ANDX + struct.pack("<HHHIHII", 16644, 50, 0, 0, len(token), 0, 0x80000000 | 0xD4)
        yield case1("SESSION_SETUP_ANDX, " + label, 0x73, words, token + b"\0\0\0\0", None, faulty, flags2=w.UNICODE | w.NT_STATUS | w.EXTENDED)
    for label, oem, unicode in (("passwords of the greatest length", 0xFFFF, 0xFFFF), ("a password too long", 0, 300)):
        words = w.NO_ANDX + struct.pack("<HHHIHHII", 16644, 50, 0, 0, oem, unicode, 0, 0xD4)
        yield case1("SESSION_SETUP_ANDX, " + label, 0x73, words, b"\0" + w.utf16("alice\0EXAMPLE\0"))
    words = w.NO_ANDX + struct.pack("<HHHIHII", 16644, 50, 0, 0, 0xFFFF, 0, 0x80000000 | 0xD4)
    yield case1("SESSION_SETUP_ANDX, a blob too long", 0x73, words, b"\x60\x82", flags2=w.UNICODE | w.NT_STATUS | w.EXTENDED)
    yield case1("TREE_CONNECT_ANDX, a password too long", 0x75, w.NO_ANDX + struct.pack("<HH", 0, 0xFFFF), b"\0" + TEXT, tid=0)
    yield case1("NEGOTIATE without an end", 0x72, b"", b"\x02NT LM 0.12", {"offered_dialects": None}, tid=0, uid=0)
    yield case1("NEGOTIATE of 10,000 dialects", 0x72, b"", b"\x02\0" * 10000, {"offered_dialects": None}, None, tid=0, uid=0)
    yield case1("NEGOTIATE of another format", 0x72, b"", b"\x07NT LM 0.12\0", {"offered_dialects": None}, tid=0, uid=0)
    yield case1("DELETE of another format", 0x06, struct.pack("<H", 6), b"\x09" + w.utf16("evil.txt\0"))
    yield case1("DELETE without an end", 0x06, struct.pack("<H", 6), b"\x04" + w.utf16("evil"), {"file_name": None}, None)
    yield case1("DELETE with nothing behind the format", 0x06, struct.pack("<H", 6), b"\x04", faulty=None)
    yield case1("DELETE without a name", 0x06, struct.pack("<H", 6), b"")
    yield case1("RENAME without a new name", 0x07, struct.pack("<H", 6), b"\x04" + w.utf16("evil.txt\0"), {"file_name": None, "extension": None}, None)
    yield case1("OPEN_ANDX with an odd end", 0x2D, w.NO_ANDX + struct.pack("<HHHHIHIIHI", 0, 2, 6, 0, 0, 1, 0, 0, 0, 0)[:26],
                b"\0" + w.utf16("evil") + b"x", {"file_name": None}, None)


# ---- names

def units(*values):
    return struct.pack("<%dH" % len(values), *values)


def names2():
    """(label, bytes of the name, what it is told as, lossy)"""
    high, low, fffd = 0xD800, 0xDC00, "\ufffd"
    yield "lone high surrogate", units(0x61, high, 0x62), "a" + fffd + "b", True
    yield "lone low surrogate", units(0x61, low, 0x62), "a" + fffd + "b", True
    yield "surrogates in the wrong order", units(low, high), fffd * 2, True
    yield "high surrogate at the end", units(0x61, high), "a" + fffd, True
    yield "high surrogates before a pair", units(high, high, low), fffd + "\U00010000", True
    yield "pairs", w.utf16("\U0001F600.txt"), "\U0001F600.txt", False
    yield "last character", w.utf16("\U0010FFFF"), "\U0010FFFF", False
    yield "noncharacters", units(0xFFFE, 0xFFFF, 0xFDD0), "\ufffe\uffff\ufdd0", False
    yield "byte order mark", units(0xFEFF, 0x61), "\ufeffa", False
    yield "NUL in it", units(0x61, 0, 0x62), "a" + fffd + "b", True
    yield "NUL alone", units(0), fffd, True
    yield "control characters", units(*range(1, 32), 0x7F, 0x85), "".join(map(chr, [*range(1, 32), 0x7F, 0x85])), False
    yield "right-to-left override", w.utf16("exe\u202egpj.scr"), "exe\u202egpj.scr", False
    yield "line separators", w.utf16("a\u2028b\u2029c"), "a\u2028b\u2029c", False
    yield "quotes and backslashes", w.utf16('a"b\\c/d\'e'), 'a"b\\c/d\'e', False
    yield "terminal sequences", w.utf16("\x1b[2J\x1b]0;x\x07"), "\x1b[2J\x1b]0;x\x07", False
    yield "markup", w.utf16("<script>&amp;${x}%s%n{}"), "<script>&amp;${x}%s%n{}", False


def named():
    for label, name, told, lossy in names2():
        facts = {"file_name": told}
        body = w.create_request(name)
        yield Case("name: " + label, 2, refused(w.CREATE, body), ["SMB2_CREATE"], {**facts, "extension": None, "stream": None}, False, True,
                   ("file_name",) if lossy else ())
    for label, name in (("of 64 KiB", w.utf16("x" * 32700 + ".txt")), ("of 64 KiB in pairs", w.utf16("\U0001F600" * 16300 + ".txt")),
                        ("of 64 KiB of quotes", w.utf16('"' * 32700 + ".txt")), ("of 64 KiB of controls", w.utf16("\x01" * 32700 + ".txt")),
                        ("of 64 KiB of backslashes", w.utf16("\\" * 32700 + "x.txt")),
                        ("of 64 KiB of lone surrogates", b"\x00\xd8" * 32700 + w.utf16(".txt"))):
        yield Case("name " + label, 2, refused(w.CREATE, w.create_request(name)), ["SMB2_CREATE"],
                   {"file_name": None, "extension": "txt"}, False, True, None, ("file_name",))
        yield Case("name " + label, 1, refused1(0xA2, w.nt_create1(name), b"\0" + name), [command1(0xA2)],
                   {"file_name": None, "extension": "txt"}, False, True, None, ("file_name",))
    yield Case("name: odd length", 2, refused(w.CREATE, w.create_request(b"a\0b\0c")), ["SMB2_CREATE"], {"file_name": None}, True)
    oem = bytes(value for value in range(1, 256) if value not in b"\\/")
    yield Case("name of all OEM bytes", 1, refused1(0xA2, w.nt_create1(oem), oem + b"\0", flags2=w.NT_STATUS | w.LONG), [command1(0xA2)],
               {"file_name": oem.decode("cp850"), "extension": None, "stream": None}, False, True, None, None)


def all_cases():
    for cases in (pairs2, contexts2, negotiations2, chains2, heads2, insides2, envelopes2, streams2, blocks1, transactions1, bodies1, named):
        yield from cases()

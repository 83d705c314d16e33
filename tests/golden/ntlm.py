#!/usr/bin/env python3
"""AUTHENTICATE messages whose fields are where they should not be, or come in any order, in whole conversations.

usage: ntlm.py SMBTAP

MS-NLMP 2.2.1.3 says of each field its length and where it is; nothing says in which order the fields come, nor that there is
nothing between them. Each layout is sent in SMB2 as it is, in SMB2 within SPNEGO, and in SMB1, and accepted. What it says
is written down here where it is made: user, domain and workstation stand in the record of the SESSION_SETUP, and the user in that of
the share behind it; a name that leads outside of the message or into its fixed part is not there, and nothing else is missing for it. A
message that lies is counted, one that is merely odd is not.
"""
import itertools
import os
import random
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import events_made  # noqa: E402
import pcapfile  # noqa: E402
import smbwire  # noqa: E402
import tap  # noqa: E402
from smbwire import utf16  # noqa: E402

LM, NT, DOMAIN, USER, WORKSTATION, KEY = range(6)  # in the order of the fixed part
FIXED, VERSION, MIC = 64, 8, 16
UNICODE, HAS_VERSION = 1, 0x02000000
FLAGS = 0xA0088204 | UNICODE | HAS_VERSION
BEHIND = FIXED + VERSION + MIC
NAMES = {DOMAIN: "EXAMPLE", USER: "alice", WORKSTATION: "WS01"}
OUTCOMES = {DOMAIN: "domain", USER: "user_name", WORKSTATION: "workstation"}
RESPONSE = events_made.ntlmv2(events_made.pair(6, struct.pack("<I", 2)), events_made.pair(9, utf16("cifs/FS01")))
# length and offset that a field states in place of its own: what it then says, and whether that is a lie
OTHERS = (
    ("at the end of all numbers", lambda size, _: (size, 0xFFFFFFFF), None, True),
    ("over the end of all numbers", lambda size, _: (0xFFFF, 0xFFFFFFFE), None, True),
    ("behind the end", lambda size, end: (size, end), None, True),
    ("over the end", lambda size, end: (size, end - size + 1), None, True),
    ("in the fixed part", lambda size, _: (size, 12), None, True),
    ("partly in the fixed part", lambda size, _: (size, FIXED - 2), None, True),
    ("at 0", lambda size, _: (size, 0), None, True),
    ("as long as can be", lambda size, end: (0xFFFF, BEHIND), None, True),
    ("empty, at 0", lambda size, _: (0, 0), None, False),
    ("empty, at the end", lambda size, end: (0, end), None, False),
    ("empty, far outside", lambda size, _: (0, 0xFFFFFFFF), None, False),
    ("empty, in the fixed part", lambda size, _: (0, 20), None, False),
)


class Layout:
    """An AUTHENTICATE, and what it says: expected has the names, lies whether it contradicts itself."""

    def __init__(self, name, order=range(6), gaps=None, parts=None, flags=FLAGS, behind=BEHIND, names=None):
        names = {**NAMES, **(names or {})}
        encoded = utf16 if flags & UNICODE else lambda text: text.encode("latin-1")
        self.name, self.lies, self.flags, self.domain_lost = name, False, flags, False
        self.parts = {LM: bytes(24), NT: RESPONSE, KEY: bytes(range(16))}
        self.parts.update({at: encoded(text) for at, text in names.items()})
        self.parts.update(parts or {})
        self.payload, self.fields, self.behind = b"", {}, behind
        for at, part in enumerate(order):
            self.payload += (gaps or {}).get(at, b"")
            self.fields[part] = len(self.parts[part]), behind + len(self.payload)
            self.payload += self.parts[part]
        self.expected = {OUTCOMES[at]: text for at, text in names.items() if text and self.parts[at]}

    def state(self, part, length, offset, said=None, lies=True):
        """That field says something else of where it is."""
        self.fields[part], self.lies = (length, offset), lies
        self.domain_lost = part == DOMAIN and length and not said
        if part in OUTCOMES:
            self.expected.pop(OUTCOMES[part], None)
            self.expected.update({OUTCOMES[part]: said} if said else {})
        return self

    @property
    def end(self):
        return self.behind + len(self.payload)

    def token(self):
        fields = b"".join(struct.pack("<HHI", self.fields[at][0], self.fields[at][0], self.fields[at][1]) for at in range(6))
        fixed = b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", self.flags)
        return (fixed + b"\x0a\0\x61\x4a\0\0\0\x0f" + bytes(16))[:self.behind] + self.payload

    @property
    def user(self):
        """The user of the session; a name whose domain is not known is that of anybody."""
        name, domain = self.expected.get("user_name"), self.expected.get("domain")
        return None if not name or self.domain_lost else "%s\\%s" % (domain, name) if domain else name


def layouts():
    for order in itertools.permutations(range(6)):
        yield Layout("order %s" % "".join(map(str, order)), order)
    rng = random.Random(7)
    for number in range(24):
        gaps = {at: rng.randbytes(rng.randrange(9)) for at in range(6)}
        yield Layout("gaps %d" % number, rng.sample(range(6), 6), gaps)
    for some in itertools.product((False, True), repeat=4):
        parts = {part: b"" for part, empty in zip((LM, DOMAIN, WORKSTATION, KEY), some) if empty}
        yield Layout("empty %s" % sorted(parts), parts=parts)
    for part in (DOMAIN, USER, WORKSTATION):
        for name, place, said, lies in OTHERS:
            one = Layout("%s %s" % (OUTCOMES[part], name))
            yield one.state(part, *place(len(one.parts[part]), one.end), said, lies)
    for part in (LM, NT, KEY):
        one = Layout("field %d behind the end" % part)
        yield one.state(part, len(one.parts[part]), one.end)
    yield from shared()
    yield from others()


def shared():
    """Fields that have bytes in common still say what they say."""
    for part in (DOMAIN, WORKSTATION):
        one = Layout("%s where the user is" % OUTCOMES[part])
        yield one.state(part, *one.fields[USER], NAMES[USER])
        one = Layout("%s within the user" % OUTCOMES[part])
        yield one.state(part, 4, one.fields[USER][1] + 2, "li")
    one = Layout("the user across two fields", (DOMAIN, USER, WORKSTATION, LM, NT, KEY))
    yield one.state(USER, 8, one.fields[USER][1] + 6, "ceWS")
    one = Layout("the user within the response", parts={NT: RESPONSE + utf16("mallory")})
    yield one.state(USER, 14, one.fields[NT][1] + len(RESPONSE), "mallory")


def others():
    yield Layout("names in 8 bits", flags=FLAGS & ~UNICODE)
    yield Layout("no version and no MIC", behind=FIXED, flags=FLAGS & ~HAS_VERSION)
    yield Layout("no MIC", behind=FIXED + VERSION)
    yield Layout("names that end in half a unit", parts={WORKSTATION: utf16("WS01") + b"\0"})
    yield Layout("nobody", parts={LM: b"\0", NT: b"", DOMAIN: b"", USER: b"", WORKSTATION: b"", KEY: b""}, names=dict.fromkeys(NAMES, ""))
    yield Layout("a machine", names={USER: "WS01$"})
    yield Layout("beyond ASCII", names={USER: "J\u00f6rg\U0001f600", DOMAIN: "\u65e5\u672c"})


# ---- connections

def der(tag, data):
    length = bytes((len(data),)) if len(data) < 0x80 else b"\x82" + struct.pack(">H", len(data))
    return bytes((tag,)) + length + data


def in_spnego(token):
    """A NegTokenResp, RFC 4178 4.2.2."""
    return der(0xA1, der(0x30, der(0xA2, der(4, token))))


def smb2(port, token):
    c = events_made.Made(port)
    c.negotiate()
    c.setup(token)
    c.share()
    c.talk.end()
    return c.talk.packets


def smb1(port, token):
    c, flags2 = smbwire.Client1(smbwire.Talk(port)), smbwire.UNICODE | smbwire.NT_STATUS | smbwire.LONG | smbwire.EXTENDED
    c.exchange(0x72, b"", b"\x02NT LM 0.12\0", struct.pack("<HBHHIIIIQhB", 0, 3, 50, 1, 16644, 65536, 0, 0x8000E3FC, 0, 0, 0), bytes(16),
               tid=0, uid=0, flags2=flags2)
    c.exchange(0x73, smbwire.NO_ANDX + struct.pack("<HHHIHII", 16644, 50, 0, 0, len(token), 0, 0x800000D4),
               token + bytes(len(token) % 2) + utf16("Test\0Test\0"), smbwire.NO_ANDX + struct.pack("<HH", 0, 0), b"\0" + utf16("Test\0Test\0"),
               tid=0, flags2=flags2)
    c.exchange(0x75, smbwire.NO_ANDX + struct.pack("<HH", 0, 1), b"\0" + utf16("\\\\FS01\\data\0") + b"?????\0",
               smbwire.NO_ANDX + struct.pack("<H", 1), b"A:\0\0" + utf16("NTFS\0"), flags2=flags2)
    c.talk.end()
    return c.talk.packets


WAYS = (("SMB2", smb2), ("SMB2, SPNEGO", lambda port, token: smb2(port, in_spnego(token))), ("SMB1", smb1))


def differences(layout, records):
    """Lines about what the records of one connection say, and should not."""
    setup, share, end = None, None, None
    for record in records:
        operation = record.get("proto_info", {}).get("operation")
        setup = record if operation == "session_setup" else setup
        share = record if operation == "tree_connect" else share
        end = record if record["action"] == "end" else end
    if not (setup and share and end):
        return ["not all records are there"]
    info = setup["proto_info"]
    lines = ["%s: %s, and not %s" % (name, info.get(name), layout.expected.get(name)) for name in OUTCOMES.values()
             if info.get(name) != layout.expected.get(name)]
    for record in (setup, share):
        found = record.get("user")
        lines += ["user of %s: %s, and not %s" % (record["content"], found, layout.user)] if found != layout.user else []
    if ("parse_faults" in end) != layout.lies:
        lines.append("faults: %s, and it %s" % (end.get("parse_faults"), "lies" if layout.lies else "does not lie"))
    return lines


def main():
    smbtap, all_layouts = sys.argv[1], list(layouts())
    for way, connection in WAYS:
        packets, ports = [], {}
        for number, layout in enumerate(all_layouts):
            packets += connection(20000 + number, layout.token())
            ports[20000 + number] = layout
        for detail in ("handles", "operations"):
            run = tap.run(smbtap, "-q", "-r", "-", "--detail", detail, stdin=pcapfile.pcap(packets))
            by_port = {}
            for record in tap.records(run.out):
                by_port.setdefault(record.get("src_port"), []).append(record)
            wrong = []
            for port, layout in ports.items():
                lines = differences(layout, by_port.get(port, ()))
                wrong += [layout.name] + lines if lines else []
            tap.check("%s, %s: %d layouts" % (way, detail, len(ports)), run.status == 0 and not wrong, run.err, *wrong[:24])
    tap.finish()


if __name__ == "__main__":
    main()

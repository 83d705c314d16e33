#!/usr/bin/env python3
"""No false user: a name stands on no record of a session that did not show it, and on every record of one that did.

usage: users.py SMBTAP [CAPTURE...]

A small reader of its own walks through our captures, those of the corpus (../shared) that lack nothing, and conversations made
here (users_made.py), and says of each message whose session it is in when it is sent and when it is answered: from AUTHENTICATE
messages and SESSION_SETUP_ANDX requests that were accepted, through re-authentication, binding, LOGOFF and the use of an id anew.
The user of each record, of both details, must be one of these two, and where they are the same be there; but for what is told of a
request without an answer when its session is over already, which may have none.
"""
import collections
import glob
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import pcapfile  # noqa: E402
import smbread  # noqa: E402
import tap  # noqa: E402
import users_made  # noqa: E402

CORPUS = os.path.join(tap.ROOT, "..", "shared", "corpus")
MORE_PROCESSING = 0xC0000016
SESSION_SETUP, LOGOFF = 1, 2
SETUP1, LOGOFF1 = 0x73, 0x74
ANDX = {0x24, 0x2D, 0x2E, 0x2F, 0x73, 0x74, 0x75, 0xA2}  # MS-CIFS 2.2.3.4
UNICODE = 0x8000
AUTHENTICATE = b"NTLMSSP\0\3\0\0\0"
UNTOLD = object()  # who it is was not said in a way that is read here, or is hidden


def named(domain, user):
    return None if not user else "%s\\%s" % (domain, user) if domain else user


def claim_of(token):
    """Who an AUTHENTICATE says (MS-NLMP 2.2.1.3); UNTOLD without one."""
    at = token.find(AUTHENTICATE)
    if at < 0:
        return UNTOLD
    message = token[at:]
    encoding = "utf-16-le" if struct.unpack_from("<I", message, 60)[0] & 1 else "latin-1"
    texts = []
    for place in (28, 36):
        length, _, offset = struct.unpack_from("<HHI", message, place)
        texts.append(message[offset:offset + length].decode(encoding, "replace"))
    return named(*texts)


def setup1_claim(message, at):
    """Of a SESSION_SETUP_ANDX request whose words begin at that place, MS-CIFS 2.2.4.53.1 and MS-SMB 2.2.4.6.1."""
    words = message[at] * 2
    data = at + 1 + words + 2
    wide = struct.unpack_from("<H", message, 10)[0] & UNICODE
    first, second = struct.unpack_from("<HH", message, at + 1 + 14)
    if words == 24:
        return claim_of(message[data:data + first])
    data += first + (second if words == 26 else 0)
    texts = []
    for _ in range(2):
        data += data % 2 if wide else 0
        end = data
        while message[end:end + (2 if wide else 1)].strip(b"\0"):
            end += 2 if wide else 1
        texts.append(message[data:end].decode("utf-16-le" if wide else "cp850", "replace"))
        data = end + (2 if wide else 1)
    return named(texts[1], texts[0])


def chain1(message):
    """The commands of a message of SMB1, each with the place of its words."""
    command, at = message[4], 32
    while at < len(message) and command != 0xFF:
        yield command, at
        follows = command in ANDX and message[at] >= 2
        command, at, before = (message[at + 1], struct.unpack_from("<H", message, at + 3)[0], at) if follows else (0xFF, 0, at)
        if at <= before:
            return


class Reader:
    """users: by place (of the flow) and message id the users that a record of it may have; by session what it ever had."""

    def __init__(self, packets):
        self.sessions, self.claims, self.joined = {}, {}, set()
        self.users, self.ever, self.on_flow = collections.defaultdict(set), collections.defaultdict(set), collections.defaultdict(set)
        flows = smbread.flows_of(packets)
        messages = [message for flow in flows for message in flow.messages]
        ends = {id(m): m.flow.sides[m.dir].packet_at(m.end - 1) for m in messages}
        for message in sorted(messages, key=lambda m: (ends[id(m)], m.start)):
            data = message.flow.sides[message.dir].stream[message.start:message.end]
            if message.kind == 2:
                self.message2(message, data)
            elif message.kind == 1:
                self.message1(message, data)

    def settle(self, flow, session, status, claim, binding=False):
        """A SESSION_SETUP was answered."""
        if status == 0 and not (binding and session in self.sessions):
            self.sessions[session] = claim
            self.ever[session].add(claim)
        if status == 0:
            self.joined.add((flow.place, session))
            self.on_flow[flow.place].add(self.sessions[session])

    def message2(self, message, data):
        flags, = struct.unpack_from("<I", data, 16)
        session = message.flow.server[0], struct.unpack_from("<Q", data, 40)[0]
        key = message.flow.place, message.id
        if not flags & 1:
            self.users[key].add(self.sessions.get(session))
            if message.command == SESSION_SETUP:
                offset, length = struct.unpack_from("<HH", data, 64 + 12)
                self.claims[key] = claim_of(data[offset:offset + length]), data[64 + 2] & 1
                self.users[key].add(self.claims[key][0])  # all there is without an answer
            if (message.flow.place, session) not in self.joined:  # it is one of other connections, as far as this one has shown
                self.users[key].add(None)
        elif message.id != smbread.ALL_ONES and message.status != smbread.PENDING:
            self.answered2(message, key, session)

    def answered2(self, message, key, session):
        if message.command == SESSION_SETUP:
            claim, binding = self.claims.pop(key, (UNTOLD, 0))
            if binding and session not in self.sessions:  # of another address of the server
                self.sessions.update({session: user for (_, number), user in list(self.sessions.items()) if number == session[1]})
            self.settle(message.flow, session, message.status, claim, binding)
            if message.status != MORE_PROCESSING:
                self.users[key] = {claim}
            return
        if message.command == LOGOFF and message.status == 0:
            self.sessions.pop(session, None)
        else:
            self.users[key].add(self.sessions.get(session))

    def message1(self, message, data):
        uid, = struct.unpack_from("<H", data, 28)
        session, key = (message.flow.place, uid), (message.flow.place, message.id)
        reply = data[9] & 0x80
        self.users[key].add(self.sessions.get(session))
        for command, at in chain1(data):
            if command == SETUP1 and not reply:
                self.claims[key] = setup1_claim(data, at)
            elif command == SETUP1 and message.status != MORE_PROCESSING:
                claim = self.claims.pop(key, UNTOLD)
                self.settle(message.flow, session, message.status, claim)
                self.users[key].add(claim)
            elif command == LOGOFF1 and reply and message.status == 0:
                self.sessions.pop(session, None)

    # ---- records

    def allowed(self, record):
        """The users that it may have; None where all that is known is that there may be none."""
        info = record.get("proto_info", {})
        place = (record["src_ip"], record["src_port"]) + (record["dest_ip"], record["dest_port"])
        if "message_id" in info and (place, info["message_id"]) in self.users:
            return self.users[place, info["message_id"]] | ({None} if info.get("response_seen") is False else set())
        if info.get("operation") == "oplock_break":  # of a lease, by its key: it names no session
            return self.on_flow[place] | {None}
        number = int(info["session_id"], 16) if "session_id" in info else None
        own = record["dest_ip"] if info.get("version", 2) > 1 else place
        return self.ever[own, number] | {None} if number is not None else {None}

    def wrong(self, record):
        found, may = record.get("user"), self.allowed(record)
        if UNTOLD in may:
            may = (may - {UNTOLD}) | {None}
        return [] if found in may else ["%s of %s, and not of %s" % (record.get("content"), found, sorted(map(str, may)))]

    def wrong_end(self, record):
        place = (record["src_ip"], record["src_port"], record["dest_ip"], record["dest_port"])
        strange = set(record.get("proto_info", {}).get("users", ())) - self.on_flow[place]
        return ["end with %s" % sorted(strange)] if strange else []


def hold(smbtap, name, packets):
    try:
        reader = Reader(packets)
    except (ValueError, IndexError, struct.error) as error:
        return tap.skip(name, "not whole: %s" % error)
    for detail in ("handles", "operations"):
        run = tap.run(smbtap, "-q", "-r", "-", "--detail", detail, stdin=pcapfile.pcapng(packets))
        lines, seen = ["status %d: %s" % (run.status, run.err)] if run.status else [], 0
        for record in tap.records(run.out):
            if record["action"] == "end":
                lines += reader.wrong_end(record)
            elif record["object"] == "flow":
                lines += reader.wrong(record)
            seen += "user" in record
        tap.check("%s, %s: %s" % (name, detail, "no false user" if seen else "nobody"), not lines, *lines[:8])
    return seen


def main():
    smbtap, names = sys.argv[1], sys.argv[2:]
    paths = names or [os.path.join(tap.ROOT, capture) for capture in tap.captures()] + sorted(glob.glob(os.path.join(CORPUS, "*.*cap*")))
    if not names and not os.path.isdir(CORPUS):
        tap.skip("captures of others", "the corpus is not there")
    for path in paths:
        hold(smbtap, tap.stem(path), pcapfile.read(path))
    for made in users_made.MADE if not names else ():
        hold(smbtap, made.__name__, made())
    tap.finish()


if __name__ == "__main__":
    main()

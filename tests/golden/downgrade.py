#!/usr/bin/env python3
"""Signs of a downgrade in whole conversations: on the record that shows them, on the end of the connection, and as findings, each once
for a pair of client and server, with what it rests on. And how sessions and shares are signed and encrypted: what was offered, what
is required, and what came of it.

usage: downgrade.py SMBTAP
"""
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import events_made  # noqa: E402
import pcapfile  # noqa: E402
import smbwire  # noqa: E402
import tap  # noqa: E402
from events_made import CIPHERS, INTEGRITY, context  # noqa: E402
from smbwire import LOGOFF, NEGOTIATE, RESPONSE, SESSION_SETUP  # noqa: E402

SIGNED = 8
TREE_DISCONNECT, ECHO = 4, 13
OTHER_HASH = context(1, struct.pack("<HHH", 1, 4, 2) + b"salt")
NO_HASH = context(1, struct.pack("<HH", 0, 4) + b"salt")
CIPHER, OTHER_CIPHER, NO_CIPHER = (context(2, struct.pack("<HH", 1, number)) for number in (2, 4, 0))
SIGNING, SIGNED_BY, OTHER_SIGNING = (context(8, struct.pack("<H", len(kinds)) + b"".join(struct.pack("<H", kind) for kind in kinds))
                                     for kinds in ((2, 1), (2,), (0,)))
OFFER, ANSWER = (INTEGRITY, CIPHERS, SIGNING), (INTEGRITY, CIPHER, SIGNED_BY)
UNSOUND, UNANSWERED, SMB1 = "negotiation_unsound", "offer_unanswered", "smb1_after_smb2"
# name, what the client offers, what the server answers, signs, rule
NEGOTIATIONS = (
    ("all as it should be", OFFER, ANSWER, [], None),
    ("the client offers no hash", OFFER[1:], ANSWER, ["integrity_not_offered"], UNSOUND),
    ("its list of hashes is empty", (NO_HASH,) + OFFER[1:], ANSWER, ["integrity_not_offered"], UNSOUND),
    ("no contexts at all", (), ANSWER[:1], ["integrity_not_offered"], UNSOUND),
    ("the server answers no hash", OFFER, ANSWER[1:], ["integrity_not_answered"], UNSOUND),
    ("it answers without any context", OFFER, (), ["integrity_not_answered", "cipher_not_answered", "signing_algorithm_not_answered"],
     UNSOUND),
    ("another hash than those offered", OFFER, (OTHER_HASH,) + ANSWER[1:], ["hash_not_offered"], UNSOUND),
    ("another cipher", OFFER, (INTEGRITY, OTHER_CIPHER, SIGNED_BY), ["cipher_not_offered"], UNSOUND),
    ("a cipher that nobody asked for", (INTEGRITY, SIGNING), ANSWER, ["cipher_not_offered"], UNSOUND),
    ("another signing algorithm", OFFER, (INTEGRITY, CIPHER, OTHER_SIGNING), ["signing_algorithm_not_offered"], UNSOUND),
    ("no cipher in common, and it says so", OFFER, (INTEGRITY, NO_CIPHER, SIGNED_BY), [], None),
    ("nothing is said of encryption", OFFER, (INTEGRITY, SIGNED_BY), ["cipher_not_answered"], UNANSWERED),
    ("nothing is said of signing algorithms", OFFER, (INTEGRITY, CIPHER), ["signing_algorithm_not_answered"], UNANSWERED),
)


class Records:
    def __init__(self, smbtap, packets, detail):
        run = tap.run(smbtap, "-q", "-r", "-", "--detail", detail, stdin=pcapfile.pcapng(packets))
        self.all = [record for record in tap.records(run.out)]
        self.run = run

    def signs(self, action):
        return [record["proto_info"]["downgrade_signs"] for record in self.all
                if record["action"] == action and "downgrade_signs" in record.get("proto_info", {})]

    def findings(self, *rules):
        return [record for record in self.all if record.get("rule_id") in rules]

    def records(self, ids):
        return [record for record in self.all if record["record_id"] in ids]


def made(port, contexts, answered, dialects=(0x302, 0x311), dialect=0x311):
    c = events_made.Made(port)
    c.exchange(NEGOTIATE, c.negotiate_request(list(dialects), contexts=contexts), c.negotiate_response(dialect, contexts=answered),
               session=0, tree=0)
    return c


def negotiations(smbtap):
    for number, (name, offer, answer, signs, rule) in enumerate(NEGOTIATIONS):
        c = made(42000 + number, offer, answer)
        c.talk.end()
        for detail in ("handles", "operations"):
            r = Records(smbtap, c.talk.packets, detail)
            told = rule == UNSOUND or detail == "operations"
            tap.check("%s, %s: on the record" % (name, detail), r.signs("message") == ([signs] if signs and told else []),
                      r.signs("message"), r.run.err)
            tap.check("%s, %s: at the end" % (name, detail), r.signs("end") == ([signs] if signs else []), r.signs("end"))
            found = [one["rule_id"] for one in r.findings(UNSOUND, UNANSWERED, SMB1)]
            expected = [rule] if rule else []
            if len(signs) == 3:
                expected.append(UNANSWERED)
            tap.check("%s, %s: findings" % (name, detail), found == expected, found)
            evidence = [len(one.get("evidence", ())) for one in r.findings(rule or "none")]
            tap.check("%s, %s: evidence" % (name, detail), evidence == ([int(told)] if rule else []), evidence)


def dialects(smbtap):
    c = made(42100, (), (), dialects=(0x202, 0x210), dialect=0x302)
    c.talk.end()
    r = Records(smbtap, c.talk.packets, "handles")
    tap.check("a dialect that was not offered", r.signs("message") == [["dialect_not_offered"]] and len(r.findings(UNSOUND)) == 1,
              r.signs("message"))


def count(smbtap):
    """Several connections of a pair are one finding, which has them all."""
    packets = []
    for port in range(42200, 42220):
        c = made(port, OFFER, ANSWER[1:] if port % 2 else (INTEGRITY, OTHER_CIPHER, SIGNED_BY))
        c.talk.end()
        packets += c.talk.packets
    r = Records(smbtap, packets, "handles")
    found = r.findings(UNSOUND)
    tap.check("one finding for a pair", len(found) == 1 and found[0]["count"] == 20, found)
    tap.check("with all its signs", [one["proto_info"]["downgrade_signs"] for one in found] ==
              [["integrity_not_answered", "cipher_not_offered"]], found)
    tap.check("with evidence, as far as there is room", [len(one["evidence"]) for one in found] == [16] and all(
        "downgrade_signs" in record["proto_info"] for one in found for record in r.records(one["evidence"])), found)
    tap.check("which says how grave it is", [(one["kind"], one["severity"], one["techniques"]) for one in found] ==
              [("anomaly", "high", ["T1562.010"])], found)


def cut(smbtap):
    """Where the capture ends within the contexts nothing is said of them."""
    c = made(42300, OFFER[1:], ANSWER[1:])
    c.talk.end()
    lengths = sorted({len(packet.data) for packet in c.talk.packets if len(packet.data) > 100})
    for length in range(100, lengths[-1]):
        packets = [packet._replace(data=packet.data[:length]) for packet in c.talk.packets]
        whole = [len(packet.data) <= length for packet in c.talk.packets if len(packet.data) > 100]
        r = Records(smbtap, packets, "operations")
        allowed = (["integrity_not_offered"] if whole[0] else []) + (["integrity_not_answered"] if whole[1] else [])
        if any(set(signs) - set(allowed) for signs in r.signs("message") + r.signs("end")):
            tap.check("cut at %d bytes" % length, False, r.signs("message"), allowed)
            return
    tap.check("nothing is missed in what a snap length took", True)


def session(smbtap):
    for name, user, signed, signs in (("signed", "alice", SIGNED, []), ("not signed", "alice", 0, ["session_setup_not_signed"]),
                                      ("of nobody", "", 0, [])):
        c = made(42400, OFFER, ANSWER)
        token = events_made.ntlm(bytes(24) if user else b"", user)
        number = c.next_id()
        c.talk.send(0, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(token), 0) + token, tree=0))
        c.talk.send(1, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HHHH", 9, 0, 72, 0), RESPONSE | signed, tree=0))
        c.talk.end()
        r = Records(smbtap, c.talk.packets, "handles")
        tap.check("a session setup %s" % name, r.signs("message") == ([signs] if signs else []) and
                  len(r.findings(UNSOUND)) == len(signs), r.signs("message"), r.run.err)


def validation(smbtap):
    c = events_made.Made(42500)
    c.negotiate()
    c.setup()
    c.share()
    c.validate(mode=2)
    c.talk.end()
    r = Records(smbtap, c.talk.packets, "handles")
    tap.check("a validation that differs has a record", r.signs("message") == [["validation_differs"]], r.signs("message"))
    found = r.findings("negotiate_altered")
    tap.check("which its finding names", [len(one.get("evidence", ())) for one in found] == [1], found)


def smb1_after(smbtap):
    def both(order):
        packets = []
        for place, version in enumerate(order):
            talk = smbwire.Talk(42600 + place, time_ns=10**18 + place * 10**9)
            (smbwire.Client2 if version == 2 else smbwire.Client1)(talk).begin()
            talk.end()
            packets += talk.packets
        return packets
    for detail in ("handles", "operations"):
        r = Records(smbtap, both((2, 1, 1)), detail)
        found = r.findings(SMB1)
        tap.check("SMB1 after SMB2, %s" % detail, r.signs("message") == [[SMB1]] * 2 and r.signs("end") == [[SMB1]] * 2, r.signs("message"))
        tap.check("one finding with both, %s" % detail, [one["count"] for one in found] == [2] and
                  [record["proto_info"]["command"] for one in found for record in r.records(one["evidence"])] == ["SMB1_NEGOTIATE"] * 2,
                  found)
        tap.check("what was agreed on before, %s" % detail, [record["proto_info"]["earlier_dialect"] for record in r.all if
                  "earlier_dialect" in record.get("proto_info", {})] == ["2.1"] * 2)
        r = Records(smbtap, both((1, 1, 2)), detail)
        tap.check("SMB1 before SMB2 is none, %s" % detail, not r.signs("message") and not r.findings(SMB1), r.signs("message"))


def protection(smbtap):
    """Of each session and share what was offered, required and got: where it ends, and at the end of its connection."""
    c = made(42700, OFFER, ANSWER)
    c.setup(mode=3)
    c.share(name="data")
    c.exchange(ECHO, b"\x04\0\0\0", b"\x04\0\0\0", tree=0)
    c.exchange(TREE_DISCONNECT, b"\x04\0\0\0", b"\x04\0\0\0")
    c.share(flags=0x8000, name="secret")
    c.exchange(LOGOFF, b"\x04\0\0\0", b"\x04\0\0\0", tree=0)
    c.talk.end()
    name = "0x%016x" % smbwire.SESSION
    for detail in ("handles", "operations"):
        r = Records(smbtap, c.talk.packets, detail)
        by = {}
        for record in r.all:
            by.setdefault(record.get("proto_info", {}).get("operation", record["action"]), []).append(record["proto_info"]
                                                                                                      if "proto_info" in record else {})

        def has(what, at, **fields):
            have = {key: at.get(key) for key in fields}
            tap.check("%s, %s" % (what, detail), have == fields, have, fields)
        has("a session's beginning", by["session_setup"][-1], signing_required=True, encryption_required=False, cipher="AES-128-GCM",
            signing_algorithm="AES-GMAC", security_mode_client=["signing_enabled", "signing_required"], signing="enabled")
        has("a share", by["tree_connect"][0], signing_required=True, encryption_required=False)
        has("a share that is encrypted", by["tree_connect"][1], signing_required=True, encryption_required=True)
        if detail == "operations":
            has("a share's end", by["tree_disconnect"][0], signing_required=True, encryption_required=False, signed_messages=0,
                unsigned_messages=4)
        has("a session's end", by["logoff"][0], signing_required=True, encryption_required=False, signed_messages=0, unsigned_messages=10)
        has("the connection's", by["end"][0], signing="enabled", offered_dialects=["3.0.2", "3.1.1"],
            security_mode_client=["signing_enabled"], ciphers=["AES-128-GCM", "AES-128-CCM"],
            signing_algorithms=["AES-GMAC", "AES-CMAC"], cipher="AES-128-GCM", signing_algorithm="AES-GMAC", signed_messages=0,
            unsigned_messages=10,
            session_security=[{"name": name, "signing_required": True, "encryption_required": False, "signed_messages": 0,
                               "unsigned_messages": 10, "encrypted_messages": 0}],
            share_security=[{"name": "\\\\FS01\\data", "encryption_required": False, "signed_messages": 0, "unsigned_messages": 4},
                            {"name": "\\\\FS01\\secret", "encryption_required": True, "signed_messages": 0, "unsigned_messages": 2}])
        found = r.findings("unsigned_message")
        tap.check("messages without a signature are a finding, %s" % detail, [(one["kind"], one["severity"], one["count"],
                  one["proto_info"]["downgrade_signs"]) for one in found] == [("anomaly", "medium", 5, ["message_not_signed"])], found)
        tap.check("with those that have a record, %s" % detail, [len(one["evidence"]) for one in found] ==
                  [3 if detail == "handles" else 5], found)


def sums(smbtap):
    """On all our captures: what sessions had is what their connection had, where there is one connection to each; and what shares had is
    no more than that."""
    wrong = []
    for path in tap.captures():
        ends = [record["proto_info"] for record in tap.records(tap.run(smbtap, "-q", "-r", path).out)
                if record["action"] == "end" and "session_security" in record.get("proto_info", {})]
        for end in ends:
            rows, shares = end["session_security"], end.get("share_security", [])
            for key in ("signed_messages", "unsigned_messages"):
                of_sessions, of_shares = (sum(row[key] for row in part) for part in (rows, shares))
                if "multichannel" not in path and (of_sessions > end.get(key, 0) or of_shares > of_sessions):
                    wrong.append((path, key, end.get(key), of_sessions, of_shares))
            if "multichannel" not in path and sum(row["encrypted_messages"] for row in rows) > end.get("encrypted_messages", 0):
                wrong.append((path, "encrypted", rows))
    tap.check("sums of sessions and shares are no more than their connection's, on all captures", not wrong, *wrong[:8])


def main():
    smbtap = sys.argv[1]
    for part in (negotiations, dialects, count, cut, session, validation, smb1_after, protection, sums):
        part(smbtap)
    tap.finish()


if __name__ == "__main__":
    main()

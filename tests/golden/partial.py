#!/usr/bin/env python3
"""What is seen of a part of the traffic says nothing of how it came out that the whole does not say.

usage: partial.py SMBTAP [NAME...]

Captures of pcaps/ with one side left out, cut in the middle, cut by a snap length, or with packets lost: an event of the
Windows logs that says that something failed, was refused, was lost or was closed, or that a session was made, and a finding,
may be missing then, and none may be new.
"""
import collections
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402
import smbread  # noqa: E402
import tap  # noqa: E402

CLIENT, CONNECTIVITY = "Microsoft-Windows-SMBClient/Operational ", "Microsoft-Windows-SMBClient/Connectivity "
ANALYTIC = "Microsoft-Windows-SMBServer/Analytic "
OUTCOMES = {CLIENT + "30803 (eid-quick-reference)", CLIENT + "30804 (eid-quick-reference)", CONNECTIVITY + "30804 (masstin)",
            CONNECTIVITY + "30806 (masstin)", CONNECTIVITY + "30808 (masstin)"} | {ANALYTIC + "501", ANALYTIC + "651"}
# Of sessions and trees that they were made, bound or over: in whatever record.
LIVES = {ANALYTIC + number for number in ("550", "552", "553", "554", "555", "602")}
FINDINGS = {"smb1_requested": "Microsoft-Windows-SMBServer/Operational 1001", "ntlmv1": "Microsoft-Windows-SMBServer/Security 1021"}
ETHERNET_AND_IP, SNAP = 14, (96, 160)
PACKETS_MAX = 1500


def to_server(packet):
    """Whether it goes to a port of servers; None where that is not to be seen."""
    data = packet.data
    at = ETHERNET_AND_IP + (data[ETHERNET_AND_IP] & 15) * 4 if data[12:14] == b"\x08\0" else ETHERNET_AND_IP + 40
    ports = [int.from_bytes(data[at + i:at + i + 2], "big") for i in (0, 2)]
    return ports[1] in smbread.SERVER_PORTS


def parts_of(packets):
    half = len(packets) // 2
    yield "the client's side", [packet for packet in packets if to_server(packet)]
    yield "the server's side", [packet for packet in packets if not to_server(packet)]
    yield "the first half", packets[:half]
    yield "the second half", packets[half:]
    for size in SNAP:
        yield "%d bytes of each packet" % size, [packet._replace(data=packet.data[:size]) for packet in packets]
    for seed in range(2):
        chance = random.Random(seed)
        yield "lost packets, %d" % seed, [packet for packet in packets if chance.random() > 0.1]


def outcomes(smbtap, packets):
    told = collections.Counter()
    for record in tap.records(tap.run(smbtap, "-q", "-r", "-", "--detail", "operations", stdin=pcapfile.pcap(packets)).out):
        said = record.get("windows_events", [])
        if record["object"] == "finding" and FINDINGS.get(record["rule_id"]) in said:
            told[FINDINGS[record["rule_id"]]] += 1
        elif record["action"] == "end":
            told.update(OUTCOMES.intersection(said))
        told.update(LIVES.intersection(said))
    return told


def main():
    smbtap, names = sys.argv[1], sys.argv[2:]
    for capture in tap.captures(*names):
        packets = pcapfile.read(os.path.join(tap.ROOT, capture))
        if len(packets) > PACKETS_MAX or packets[0].link != pcapfile.ETHERNET:
            continue
        name, whole, wrong = tap.stem(capture), outcomes(smbtap, packets), []
        for part, left in parts_of(packets):
            new = outcomes(smbtap, left) - whole
            wrong += ["%s: %s" % (part, event) for event in sorted(new)]
        tap.check("%s: nothing new of its parts" % name, not wrong, *wrong[:8])
    tap.finish()


if __name__ == "__main__":
    main()

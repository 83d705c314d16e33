#!/usr/bin/env python3
"""What a capture lacks is not invented.

usage: cut.py SMBTAP [NAME...]

Each capture of pcaps/ is cut at several snap lengths, as `tcpdump -s` would have done. What a record of it says of an operation
must be what the record of the whole capture says, or be absent.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402
import tap  # noqa: E402

SNAP_LENGTHS = (128, 160, 176, 190, 200, 210, 230, 256, 260, 300, 400, 600, 1000)
# Of what was seen, or of how it was seen; and sums, which are those of the operations that were seen.
OF_CAPTURE = {"version", "operation", "request_seen", "response_seen", "midstream", "gap", "truncated", "lossy",
              "latency_ns", "signed", "interim_responses"}
OF_FLOW = ("user", "hostname", "fqdn", "src_hostname", "dest_hostname", "dest_fqdn")
SUMS = {"bytes_read", "bytes_written", "read_count", "write_count"}
# Of a session or share that ends: no more than there were.
COUNTS = {"signed_messages", "unsigned_messages", "encrypted_messages"}


def operations(text):
    """The records of messages, by what says which message it is."""
    found = {}
    for record in tap.records(text):
        info = record.get("proto_info", {})
        if record["action"] == "message" and "message_id" in info:
            key = (record["flow_id"], info["message_id"], info["command"])
            found.setdefault(key, []).append(record)
    return found


def agrees(name, value, truth):
    """The same, or the front of a list whose end is missing, or a number of messages of which some were not seen."""
    return (truth == value or (name in COUNTS and truth is not None and value <= truth) or
            (isinstance(value, list) and isinstance(truth, list) and truth[:len(value)] == value))


def inventions(record, whole):
    """The facts of a record that the whole one does not have, or has otherwise."""
    info, truth = record["proto_info"], whole["proto_info"]
    ignored = OF_CAPTURE | set(truth.get("truncated", ())) | (SUMS if "read_count" in info else set())
    facts = [(name, value, truth.get(name)) for name, value in info.items() if name not in ignored]
    facts += [(name, record[name], whole.get(name)) for name in OF_FLOW if name in record]
    return ["%s: %s; it is %s" % (name, value, other) for name, value, other in facts if not agrees(name, value, other)]


def compare(old, new):
    """What is invented, a line for each fact."""
    lines, whole = [], operations(old)
    for key, records in operations(new).items():
        for record in records:
            if key in whole:
                best = min((inventions(record, other) for other in whole[key]), key=len)
                lines += ["%s: %s" % (record["content"][:200], line[:300]) for line in best]
    return lines


def main():
    smbtap, names = sys.argv[1], sys.argv[2:]
    for capture in tap.captures(*names):
        packets = pcapfile.read(os.path.join(tap.ROOT, capture))
        whole = tap.run(smbtap, "-r", capture, "--detail", "operations")
        for length in SNAP_LENGTHS:
            cut = [packet._replace(data=packet.data[:length]) for packet in packets]
            found = tap.run(smbtap, "-r", "-", "--detail", "operations", stdin=pcapfile.pcapng(cut))
            lines = compare(whole.out, found.out)
            tap.check("%s: cut at %d bytes" % (capture, length), found.status == 0 and not lines, found.err, *lines[:6])
    tap.finish()


if __name__ == "__main__":
    main()

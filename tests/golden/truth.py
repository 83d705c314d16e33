#!/usr/bin/env python3
"""Holds records against what the clients really did: pcaps/truth/NAME.json, written by the script that recorded
NAME.pcap.

usage: truth.py SMBTAP [NAME...]

Every operation of the truth that is not hidden by encryption must be found, in order, with all facts that the truth
states and records have a field for; of the kinds that the truth calls complete, smbtap must report no other success. A
read or write of the truth may be many on the wire. Every connection must have its end record with its dialect, unless
that was settled before the capture began. This holds for --detail operations; what --detail handles tells one by one
must be there with it as well.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

NOT_FACTS = {"operation", "hidden"}
FLOW_FACTS = {"user"}
SUMS = {"write": "bytes_written", "read": "bytes_read"}
# What --detail handles tells one by one; failures it tells whatever they are.
ONE_BY_ONE = {"session_setup", "logoff", "tree_connect", "create", "open_pipe", "rename", "delete", "set_info"}
NO_FAILURES = {"STATUS_SUCCESS", "STATUS_NO_MORE_FILES", "STATUS_BUFFER_OVERFLOW", "STATUS_NOTIFY_CLEANUP"}


def said(record, fact):
    return record.get(fact) if fact in FLOW_FACTS else record["proto_info"].get(fact)


def agrees(record, fact, value):
    """A text that was cut to the size of a record agrees with what is left of it."""
    found = said(record, fact)
    if fact == "search_pattern" and isinstance(found, str):
        return found.split("\\")[-1] == value  # SMB1 sends it with its folder, and records have it as it was sent
    if fact in record["proto_info"].get("truncated", ()) and isinstance(found, str):
        return value.startswith(found) or value.endswith(found)
    return found == value


def differing(record, facts):
    return {fact: said(record, fact) for fact, value in facts.items() if not agrees(record, fact, value)}


def nearest(record_list, operation, facts):
    """What comes closest to an operation that was not found."""
    same = [record for record in record_list if record["proto_info"].get("operation") == operation]
    if not same:
        return "no %s at all" % operation
    best = min(same, key=lambda record: len(differing(record, facts)))
    return "nearest: %s, where %s" % (best.get("content"), json.dumps(differing(best, facts)))


class Records:
    """Message records, each of which answers for one operation of the truth."""

    def __init__(self, records):
        self.left = [record for record in records if record["action"] == "message"]
        self.all = list(self.left)

    def take(self, operation, facts):
        """The first record left that fits, which is used up; None without."""
        for number, record in enumerate(self.left):
            if record["proto_info"].get("operation") == operation and not differing(record, facts):
                return self.left.pop(number)
        return None

    def take_sum(self, operation, facts, total_fact):
        """Uses up records that fit but for their size until the sizes make the sum. True if they do."""
        due = facts[total_fact]
        rest = {fact: value for fact, value in facts.items() if fact != total_fact}
        while due > 0:
            record = self.take(operation, rest)
            if record is None:
                return False
            due -= record["proto_info"].get(total_fact, 0)
        return due == 0


def facts_of(item, known):
    """What the truth states of an operation, as far as records have fields for it."""
    return {fact: value for fact, value in item.items() if fact in known and fact not in NOT_FACTS}


def find(records, item, known):
    operation, facts = item["operation"], facts_of(item, known)
    total_fact = SUMS.get(operation)
    if total_fact in facts:
        return records.take_sum(operation, facts, total_fact)
    return records.take(operation, facts) is not None


def missing(items, records, known):
    lines = []
    for item in items:
        if not find(records, item, known):
            lines.append(json.dumps(item)[:400])
            lines.append("    " + nearest(records.all, item["operation"], facts_of(item, known))[:400])
    return lines


def too_many(truth, records):
    """Successes of the complete kinds that are not in the truth."""
    lines = []
    for record in records.left:
        info = record["proto_info"]
        if info.get("operation") in truth["complete"] and info.get("status") == "STATUS_SUCCESS":
            lines.append(record.get("content"))
    return lines


def connections_missing(truth, records):
    ends = [record for record in records if record["action"] == "end"]
    lines = []
    for item in truth["connections"]:
        for end in ends:
            same = all(end[name] == item[name] for name in ("src_ip", "dest_ip", "dest_port"))
            if same and (agrees(end, "dialect", item.get("dialect")) or not end["start_seen"]):
                ends.remove(end)
                break
        else:
            lines.append(json.dumps(item))
    return lines


def fields(smbtap):
    """The names of all fields that records may have."""
    found, queue = set(), [json.loads(tap.run(smbtap, "--schema").out)]
    while queue:
        node = queue.pop()
        if isinstance(node, dict):
            found |= set(node.get("properties", ()))
            queue += node.values()
        elif isinstance(node, list):
            queue += node
    return found


def main():
    smbtap, names = sys.argv[1], sys.argv[2:]
    known = fields(smbtap)
    folder = os.path.join(tap.PCAPS, "truth")
    truths = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for truth_name in truths:
        stem = os.path.splitext(truth_name)[0]
        if names and stem not in names:
            continue
        with open(os.path.join(folder, truth_name), encoding="utf-8") as file:
            truth = json.load(file)
        items = [item for item in truth["operations"] if not item.get("hidden")]
        capture = os.path.join("pcaps", truth["capture"])
        found = tap.records(tap.run(smbtap, "-r", capture, "--detail", "operations").out)
        records = Records(found)
        lines = missing(items, records, known)
        tap.check("%s: every operation" % stem, not lines, *lines)
        lines = too_many(truth, records)
        tap.check("%s: no other %s" % (stem, " or ".join(truth["complete"])), not lines, *lines)
        lines = connections_missing(truth, found)
        tap.check("%s: every connection" % stem, not lines, *lines)
        told = [item for item in items if item["operation"] in ONE_BY_ONE or
                item.get("status", "STATUS_SUCCESS") not in NO_FAILURES]
        lines = missing(told, Records(tap.records(tap.run(smbtap, "-r", capture).out)), known)
        tap.check("%s: what is told of handles" % stem, not lines, *lines)
    tap.finish()


if __name__ == "__main__":
    main()

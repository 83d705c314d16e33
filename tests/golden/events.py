#!/usr/bin/env python3
"""Walks through the events of the Windows logs: each that is seen on the wire comes out of one of our captures, or is listed
here with what would show it.

usage: events.py SMBTAP

Each name of an event in windows_events is one of smbtap events, and stands in a record of a kind that the list says. Each
event of visibility wire or wire-partial is named by a record of some capture, or by that of some conversation made here,
and each field of a record that the list gives for it is in one of those records. What does not come out is in UNSEEN
(events) or UNFILLED (fields), and these lists are exact: what is listed and comes out all the same is an error. Where the
catalogue is (../shared), each of its fields with a place on the wire is in the list or in UNTOLD.
"""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import events_lists  # noqa: E402
import events_made  # noqa: E402
import pcapfile  # noqa: E402
import tap  # noqa: E402

DETAILS = ("handles", "operations")
CATALOGUE = os.path.join(tap.ROOT, "..", "shared", "catalogue", "events.json")
# What the catalogue derives from a field beside it: how long it is.
LENGTH = re.compile(r"^derived: (character count|size of the packed|length of the text)")


def name_of(event):
    return "%s %s %d" % (event["document"], event["channel"], event["id"])


def kinds_of(record):
    """As the list names records: the kind of this one, and less exactly."""
    if record["object"] == "finding":
        return {"finding " + record["rule_id"]}
    kind = "%s/%s" % (record["object"], record["action"])
    operation = record.get("proto_info", {}).get("operation")
    return {kind, "%s %s" % (kind, operation)} if operation else {kind}


class Walk:
    def __init__(self, events):
        self.events = events
        self.by_text = {}
        for event in events:
            self.by_text.setdefault(event["event"], []).append(event)
        self.filled = {name_of(event): set() for event in events}  # fields of the records that name it
        self.kinds = {name_of(event): set() for event in events}
        self.wrong = []

    def take(self, record, where):
        have = set(record) | set(record.get("proto_info", {}))
        for text in record.get("windows_events", ()):
            if text not in self.by_text:
                self.wrong.append("%s: %s is no event" % (where, text))
            for event in self.by_text.get(text, ()):
                kinds = kinds_of(record) & set(event["records"])
                if not kinds:
                    self.wrong.append("%s %s: %s is not listed there" % (where, sorted(kinds_of(record)), text))
                self.kinds[name_of(event)] |= kinds
                self.filled[name_of(event)] |= have

    def check_event(self, event):
        name = name_of(event)
        seen = bool(self.kinds[name])
        if name in events_lists.UNSEEN:
            tap.check("%s does not come out, as listed" % name, not seen, *sorted(self.kinds[name]))
        else:
            tap.check("%s comes out" % name, seen)
        if not seen:
            return
        unused = sorted(set(event["records"]) - self.kinds[name] - events_lists.KINDS_UNSEEN.get(name, set()))
        tap.check("%s: in each kind of record" % name, not unused, *unused)
        empty = {field for field, ours in event["fields"].items() if not set(ours) & self.filled[name]}
        listed = set(events_lists.UNFILLED.get(name, ()))
        tap.check("%s: each field is told in a record, but for those listed" % name, empty == listed,
                  "not told: %s" % sorted(empty - listed), "listed, and told: %s" % sorted(listed - empty))

    def check_catalogue(self):
        with open(CATALOGUE, encoding="utf-8") as file:
            catalogue = json.load(file)
        listed = {(e["document"], e["channel"], e["id"]): e for e in self.events}
        lost, used = [], set()
        for event in catalogue:
            ours = listed[event["source"], event["channel"], event["id"]]
            for field, place in event["field_map"].items():
                field = field.rpartition("EventData.")[2]  # listed twice
                if place and not LENGTH.match(place) and field not in ours["fields"] and ours["records"]:
                    keys = {field, "%s of %s" % (field, name_of(ours))} & set(events_lists.UNTOLD)
                    used |= keys
                    lost += [] if keys else ["%s of %s" % (field, name_of(ours))]
        tap.check("each field with a place on the wire is told, or listed", not lost, *lost)
        left = sorted(set(events_lists.UNTOLD) - used)
        tap.check("what is listed as not told is not", not left, *left)


def main():
    smbtap = sys.argv[1]
    events = json.loads(tap.run(smbtap, "events", "--format", "json").out)
    walk = Walk(events)
    for capture in tap.captures():
        for detail in DETAILS:
            for record in tap.records(tap.run(smbtap, "-q", "-r", capture, "--detail", detail).out):
                walk.take(record, "%s, %s, record %d" % (tap.stem(capture), detail, record["seq"]))
    for made in events_made.MADE:
        for detail in DETAILS:
            run = tap.run(smbtap, "-q", "-r", "-", "--detail", detail, stdin=pcapfile.pcap(made()))
            tap.check("%s, %s: status" % (made.__name__, detail), run.status == 0, run.err)
            for record in tap.records(run.out):
                walk.take(record, "%s, %s, record %d" % (made.__name__, detail, record["seq"]))
    tap.check("each name is an event, in a record where it is listed", not walk.wrong, *walk.wrong[:16])
    reachable = [event for event in events if event["visibility"] != "host"]
    tap.check("132 events are on the wire", len(reachable) == 132, len(reachable))
    for event in reachable:
        walk.check_event(event)
    strange = [name for part in (events_lists.UNSEEN, events_lists.UNFILLED, events_lists.KINDS_UNSEEN) for name in part
               if name not in walk.kinds]
    tap.check("what is listed is an event", not strange, *strange)
    if os.path.exists(CATALOGUE):
        walk.check_catalogue()
    else:
        tap.skip("each field with a place on the wire is told, or listed", "the catalogue is not there")
    tap.finish()


if __name__ == "__main__":
    main()

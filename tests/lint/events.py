#!/usr/bin/env python3
"""The table of the events of the Windows logs has the facts of the catalogue that it is from.

usage: events.py ROOT [--update]

Document, channel, id, visibility and title of each row of windows_event.def are the catalogue's, and there is a row for
each of its events; what a row says of fields, the event has. --update writes these facts anew, and leaves alone what is
ours: naming, condition and fields. Without ../shared there is nothing to hold it against.
"""
import json
import os
import sys

import tables
import tree

TABLE = "include/tables/windows_event.def"
CONDITIONS = "include/tables/windows_condition.def"
VISIBILITY = {"wire": "WIRE", "wire-partial": "WIRE_PARTIAL", "host": "HOST"}
NAMINGS = ("PLAIN", "NAMED", "SAME")


def literal(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def text_of(column):
    return json.loads(column)


def key_of(event):
    return event["source"], event["channel"], event["id"]


def row_of(event, ours):
    """A row, of the catalogue's facts and of what is ours."""
    naming, condition, fields = ours
    return "WINDOWS_EVENT(%s, %s, %d, %s, %s, %s, %s, %s)" % (
        literal(event["source"]), literal(event["channel"]), event["id"], naming, VISIBILITY[event["visibility"]], condition,
        literal(event["title"]), literal(fields))


def read_rows(root):
    """{document, channel, id: (line, columns)}"""
    found = {}
    for line, _, columns in tables.rows(tree.read(root, TABLE)):
        found[text_of(columns[0]), text_of(columns[1]), int(columns[2])] = line, columns
    return found


def check_row(event, line, columns, conditions):
    wanted = row_of(event, (columns[3], columns[5], text_of(columns[7])))
    if wanted != "WINDOWS_EVENT(%s)" % ", ".join(columns):
        tree.complain(TABLE, line, "the catalogue has %s" % wanted)
    if columns[3] not in NAMINGS or (columns[3] == "PLAIN") != (event["source"] == "smbserver-provider"):
        tree.complain(TABLE, line, "the provider's own events are PLAIN, and no others")
    if (event["visibility"] == "host") != columns[5].startswith("HOST_"):
        tree.complain(TABLE, line, "%s, and %s" % (event["visibility"], columns[5]))
    if columns[5] not in conditions:
        tree.complain(TABLE, line, "there is no condition %s" % columns[5])
    for pair in text_of(columns[7]).split("; ") if columns[7] != '""' else []:
        name = pair.partition(": ")[0]
        if not event["field_map"].get(name):
            tree.complain(TABLE, line, "the catalogue has nothing on the wire for %s" % name)


def update(root, events, rows):
    text = tree.read(root, TABLE)
    head = text[:text.index("\nWINDOWS_EVENT(") + 1]
    new = []
    for event in sorted(events, key=key_of):
        columns = rows.get(key_of(event), (0, None))[1]
        ours = (columns[3], columns[5], text_of(columns[7])) if columns else ("PLAIN", "NONE_YET", "")
        new.append(row_of(event, ours))
    with open(os.path.join(root, TABLE), "w", encoding="utf-8") as file:
        file.write(head + "\n".join(new) + "\n")


def main():
    root = sys.argv[1]
    path = os.path.join(root, "..", "shared", "catalogue", "events.json")
    rows = read_rows(root)
    conditions = {columns[0]: columns for _, _, columns in tables.rows(tree.read(root, CONDITIONS))}
    for name in sorted(set(conditions) - {columns[5] for _, columns in rows.values()}):
        tree.complain(CONDITIONS, 0, "no event has the condition %s" % name)
    if not os.path.exists(path):
        tree.skip("the catalogue is not there") if not tree.complaints else tree.finish("")
    with open(path, encoding="utf-8") as file:
        events = json.load(file)
    if "--update" in sys.argv[2:]:
        update(root, events, rows)
        rows = read_rows(root)
    for event in events:
        if key_of(event) not in rows:
            tree.complain(TABLE, 0, "%s %s %d is not in it; --update writes a row" % key_of(event))
        else:
            check_row(event, *rows[key_of(event)], conditions)
    for key in sorted(set(rows) - {key_of(event) for event in events}):
        tree.complain(TABLE, rows[key][0], "the catalogue has no %s %s %d" % key)
    tree.finish("%d events are those of the catalogue" % len(events))


if __name__ == "__main__":
    main()

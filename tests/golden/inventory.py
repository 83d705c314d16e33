#!/usr/bin/env python3
"""smbtap inventory, as an administrator would try it.

usage: inventory.py SMBTAP
"""
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

SPOKEN, REFUSED, MULTI, SMB2 = ("pcaps/%s.pcap" % name
                                for name in ("smb1-plain", "smb1-refused", "multi-protocol", "dialect-3.1.1"))
NONE = "SMB1 was neither spoken nor asked for.\n"


class Checks:
    def __init__(self, smbtap, folder):
        self.smbtap, self.folder = os.path.abspath(smbtap), folder

    def run(self, *arguments, **more):
        return tap.run(self.smbtap, "inventory", *arguments, **more)

    def path(self, name):
        return os.path.join(self.folder, name)

    def told(self, name, run, status, *words):
        good = run.status == status and run.err.count("\n") == 1 and run.err.startswith("smbtap: ")
        tap.check(name, good and all(word in run.err for word in words), run.status, run.err, run.out)

    def rows(self, *arguments, **more):
        run = self.run("--format", "json", *arguments, **more)
        return [(row["server"], row["client"], row["outcome"]) for row in json.loads(run.out)]

    def statuses(self):
        for name, capture, status in (("spoken", SPOKEN, 4), ("refused", REFUSED, 4), ("answered in SMB2", MULTI, 0),
                                      ("SMB2", SMB2, 0)):
            run = self.run("-r", capture)
            tap.check("status: %s" % name, run.status == status and not run.err, run.status, run.err)
            tap.check("table: %s" % name, (run.out.decode() == NONE) == (status == 0), run.out)
        tap.check("three captures", self.rows("-r", SMB2, "-r", SPOKEN, "-r", REFUSED) == [
            ("192.0.2.10", "192.0.2.20", "answered"), ("192.0.2.10", "192.0.2.20", "refused")])
        run = self.run("-h")
        tap.check("-h", run.status == 0 and all(word in run.out for word in (b"--records", b"--since", b"--format", b" 4 ")))

    def inputs(self):
        folder = self.path("captures")
        os.makedirs(folder)
        for capture in (SPOKEN, REFUSED, MULTI):
            shutil.copy(os.path.join(tap.ROOT, capture), folder)
        expected = self.run("-r", MULTI, "-r", SPOKEN, "-r", REFUSED).out
        whole = self.run("-r", folder)
        tap.check("a folder", whole.status == 4 and whole.out == expected, whole.err, whole.out, expected)
        with open(os.path.join(tap.ROOT, SPOKEN), "rb") as file:
            content = file.read()
        run = self.run("-r", "-", stdin=content)
        tap.check("a pipe", run.status == 4 and run.out == self.run("-r", SPOKEN).out, run.err)
        run = self.run("-r", folder, "host", "203.0.113.1")
        tap.check("a filter that leaves nothing", run.status == 0 and run.out.decode() == NONE, run.err)
        run = self.run("-r", "-", stdin=content[:-7])
        tap.check("a capture that is cut: status 3, and what was there", run.status == 3 and b"answered" in run.out, run.err)

    def records(self):
        captures = [part for path in (SPOKEN, REFUSED, MULTI, SMB2) for part in ("-r", path)]
        expected = self.run(*captures)
        for detail in ("handles", "operations"):
            path = self.path(detail + ".jsonl")
            tap.run(self.smbtap, *captures, "--detail", detail, "-o", path)
            run = self.run("--records", path)
            tap.check("records of %s: the same answer" % detail, run.status == 4 and run.out == expected.out, run.out,
                      expected.out, run.err)
            with open(path, "rb") as file:
                piped = self.run("--records", "-", stdin=file.read())
            tap.check("records of %s from a pipe" % detail, piped.status == 4 and piped.out == expected.out, piped.err)
        done = subprocess.run(["sh", "-c", '"$0" -r "$1" | "$0" inventory --records -', self.smbtap, SPOKEN], cwd=tap.ROOT,
                              stdout=subprocess.PIPE, check=False)
        tap.check("from one smbtap to the next", done.returncode == 4 and done.stdout == self.run("-r", SPOKEN).out)
        self.damaged_records()

    def damaged_records(self):
        with open(self.path("handles.jsonl"), "rb") as file:
            lines = file.read().split(b"\n")
        lines.insert(3, lines[2][:100])
        path = self.path("damaged.jsonl")
        with open(path, "wb") as file:
            file.write(b"\n".join(lines))
        run = self.run("--records", path)
        self.told("a line that is cut", run, 3, path, "line 4")
        tap.check("a line that is cut: the rest is read", run.out == self.run("--records", self.path("handles.jsonl")).out)
        run = self.run("--records", "README.md")
        self.told("no records at all", run, 3, "README.md", "line 1")
        tap.check("no records at all: no answer", not run.out, run.out)
        run = self.run("--records", "/dev/null")
        tap.check("nothing in it", run.status == 0 and run.out.decode() == NONE, run.status, run.err)

    def since(self):
        old = tap.records(tap.run(self.smbtap, "-r", SPOKEN).out)
        late = dict(old[0], time="2030-01-01T00:00:00.000000000Z", object="sensor", action="stats")
        lines = "".join(json.dumps(record) + "\n" for record in old + [late]).encode()
        for since, status in (("1h", 0), ("30m", 0), ("1d", 0), ("3000d", 4)):
            run = self.run("--records", "-", "--since", since, stdin=lines)
            tap.check("--since %s before the newest record" % since, run.status == status, run.status, run.err)
        run = self.run("-r", SPOKEN, "--since", "1h")
        tap.check("--since with captures", run.status == 4 and run.out == self.run("-r", SPOKEN).out, run.err)

    def formats(self):
        row = json.loads(self.run("-r", SPOKEN, "--format", "json").out)[0]
        names = {"server", "client", "outcome", "first_seen", "last_seen", "connections", "sessions", "dialects",
                 "native_os", "native_os_client", "shares"}
        tap.check("JSON: its names", set(row) - {"server_name", "truncated"} == names, row)
        tap.check("JSON: the dialect", row["dialects"] == ["NT LANMAN 1.0"], row)
        tap.check("JSON: nothing", json.loads(self.run("-r", SMB2, "--format", "json").out) == [])
        run = self.run("-r", SPOKEN, "-r", REFUSED, "--format", "csv")
        lines = list(csv.DictReader(io.StringIO(run.out.decode(), newline="")))
        tap.check("CSV", [line["outcome"] for line in lines] == ["answered", "refused"] and
                  lines[0]["first_seen"] == row["first_seen"] and run.out.endswith(b"\r\n"), run.out)
        tap.check("CSV: nothing but the header", self.run("-r", SMB2, "--format", "csv").out.count(b"\n") == 1)
        self.hostile()

    def hostile(self):
        """Names as somebody on the wire might choose them."""
        record = {"object": "flow", "action": "message", "time": "2026-11-20T09:02:03.000000001Z", "src_ip": "2001:db8::2",
                  "dest_ip": "2001:db8::1", "flow_id": "00000000000000aa", "hostname": "@SUM(1)",
                  "proto_info": {"version": 1, "command": "SMB1_TREE_CONNECT_ANDX", "status": "STATUS_SUCCESS"}}
        names = ["=1+1\x1b[2J", 'a "b", c\r\nd', "x" * 90, "\u202egpj"]
        lines = [json.dumps(dict(record, proto_info=dict(record["proto_info"], share=name))) for name in names]
        given = "\n".join(lines).encode()
        run = self.run("--records", "-", stdin=given)
        shown = run.out.decode()
        tap.check("hostile names: a table that fits and moves no cursor",
                  run.status == 4 and max(map(len, shown.split("\n"))) <= 100 and "\u2026" in shown and
                  not any(ord(letter) < 32 and letter != "\n" or letter == "\u202e" for letter in shown), shown)
        run = self.run("--records", "-", "--format", "csv", stdin=given)
        line = list(csv.DictReader(io.StringIO(run.out.decode(), newline="")))[0]
        tap.check("hostile names: CSV", line["shares"].startswith("'=1+1") and 'a "b", c' in line["shares"] and
                  line["server_name"] == "'@SUM(1)" and not {"\x1b", "\n"} & set(line["shares"]), run.out)
        run = self.run("--records", "-", "--format", "json", stdin=given)
        tap.check("hostile names: JSON", json.loads(run.out.decode("ascii"))[0]["shares"] == names, run.out)

    def outputs(self):
        path = self.path("answer.txt")
        run = self.run("-r", SPOKEN, "-o", path)
        with open(path, "rb") as file:
            tap.check("-o", run.status == 4 and not run.out and file.read() == self.run("-r", SPOKEN).out, run.err)
        self.told("an output that cannot be made", self.run("-r", SPOKEN, "-o", "/nonexistent/x"), 1, "/nonexistent/x")
        if os.path.exists("/dev/full"):
            self.told("a full disk", self.run("-r", SPOKEN, "-o", "/dev/full"), 1, "/dev/full")
        copy = shutil.copy(self.path("handles.jsonl"), self.path("copy.jsonl"))
        self.told("an output that is an input", self.run("--records", copy, "-o", copy), 1, copy)
        tap.check("an output that is an input: it is whole", os.path.getsize(copy) == os.path.getsize(self.path("handles.jsonl")))

    def mistakes(self):
        self.told("nothing to read", self.run(), 2, "-r", "--records")
        self.told("captures and records", self.run("-r", SPOKEN, "--records", "x"), 2, "--records")
        self.told("records and captures", self.run("--records", "x", "-r", SPOKEN), 2, "-r")
        self.told("a filter for records", self.run("--records", "x", "port", "445"), 2, "port")
        self.told("a port for records", self.run("--records", "x", "--port", "445"), 2, "--port")
        self.told("standard input twice", self.run("--records", "-", "--records", "-"), 2, "--records -")
        for since in ("1", "h", "", "-1h", "0h", "1w", "1h30m", "99999999d", "1 h"):
            self.told("--since %r" % since, self.run("-r", SPOKEN, "--since", since), 2, "--since")
        self.told("a format that is none", self.run("-r", SPOKEN, "--format", "xml"), 2, "xml")
        self.told("an option of the other command", self.run("-r", SPOKEN, "--detail", "handles"), 2, "--detail")
        missing = self.path("missing")
        self.told("a missing capture", self.run("-r", missing), 1, missing)
        self.told("missing records", self.run("--records", missing), 1, missing)
        self.told("records that are a folder", self.run("--records", self.folder), 1, self.folder)
        run = self.run("--records", missing, "--records", self.path("handles.jsonl"))
        tap.check("missing among several: status 1, and what was there", run.status == 1 and b"answered" in run.out, run.err)


def main():
    with tempfile.TemporaryDirectory(prefix="smbtap-inventory-") as folder:
        checks = Checks(sys.argv[1], folder)
        for part in (checks.statuses, checks.inputs, checks.records, checks.since, checks.formats, checks.outputs,
                     checks.mistakes):
            part()
    tap.finish()


if __name__ == "__main__":
    main()

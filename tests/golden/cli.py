#!/usr/bin/env python3
"""What the command line promises, and what bad input gets: an exit status and one line on standard error that names
the thing.

usage: cli.py SMBTAP
"""
import csv
import gzip
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402
import tap  # noqa: E402

CAPTURE, OTHER = "pcaps/dialect-3.1.1.pcap", "pcaps/renames.pcap"
MANY_RECORDS = ["--detail", "operations"] + ["-r", "pcaps/unicode.pcap"] * 8  # more than is held back before it is written
NOBODY = 65534
FRAMES_OF_BAR = 20000  # enough for several looks at the clock


def told(name, run, status, *words):
    """One test case: the exit status, and one line on standard error in which all words are found."""
    lines = run.err.splitlines()
    good = run.status == status and len(lines) == 1 and lines[0].startswith("smbtap: ")
    tap.check(name, good and all(word in run.err for word in words), "status %d, %d wanted" % (run.status, status),
              "words wanted: %s" % (words,), run.err)


def comparable(out, *names):
    """Records without what says where they came from, and without the names."""
    kept = []
    for record in tap.records(out):
        for name in ("record_id", "seq") + names:
            record.pop(name, None)
        if "capture" in record:
            record["capture"].pop("file", None)
        kept.append(record)
    return kept


def messages(out):
    return [record for record in tap.records(out) if record["action"] == "message"]


class Checks:
    def __init__(self, smbtap, folder):
        self.smbtap, self.folder = os.path.abspath(smbtap), folder
        self.content = self.read(CAPTURE)
        self.packets = pcapfile.read(os.path.join(tap.ROOT, CAPTURE))

    @staticmethod
    def read(path):
        with open(os.path.join(tap.ROOT, path), "rb") as file:
            return file.read()

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def run(self, *arguments, **more):
        return tap.run(self.smbtap, *arguments, **more)

    def usage(self):
        for name, arguments, word in (
                ("an unknown option", ["--no-such-option"], "no-such-option"),
                ("an unknown short option", ["-r", CAPTURE, "-Z"], "Z"),
                ("an unknown detail", ["-r", CAPTURE, "--detail", "everything"], "everything"),
                ("a port that is none", ["-r", CAPTURE, "--port", "70000"], "70000"),
                ("a port that is no number", ["-r", CAPTURE, "--port", "smb"], "smb"),
                ("a code page that is none", ["-r", CAPTURE, "--code-page", "CP0"], "CP0"),
                ("a home network that is none", ["-r", CAPTURE, "--home-net", "10.0.0.0/99"], "10.0.0.0/99"),
                ("an option without its value", ["-r"], "-r")):
            run = self.run(*arguments)
            tap.check(name, run.status == 2 and word in run.err and run.err.startswith("smbtap: ") and not run.out,
                      run.status, run.err)
        run = self.run()
        tap.check("nothing to do", run.status == 2 and run.err and not run.out, run.status, run.err)
        self.names()
        self.schemes()
        self.output_settings()
        run = self.run("-V")
        tap.check("-V", run.status == 0 and run.out.startswith(b"smbtap ") and run.out.count(b"\n") == 1, run.out)
        run = self.run("--print-filter", "--port", "4455")
        tap.check("--print-filter", run.status == 0 and run.out.count(b"\n") == 1 and b"tcp port 4455" in run.out and
                  b"port 445 " not in run.out, run.err)
        run = self.run("-r", CAPTURE, self.run("--print-filter").out.decode().strip())
        tap.check("the printed filter is one", comparable(run.out) == comparable(self.run("-r", CAPTURE).out), run.err)
        run = self.run("--schema")
        tap.check("--schema is JSON", run.status == 0 and "$schema" in json.loads(run.out), run.err)

    def names(self):
        """Each option of the table is in the help of its command, in the manual and in the completion, and no other is."""
        rows = "".join(self.read("src/settings_%s.c" % part).decode() for part in ("command", "outputs", "live", "decoding"))
        rows = [dict(re.findall(r"\.(\w+) = (?:\"|')?([\w-]+)", row)) for row in re.split(r"\n    \{\n", rows)[1:]]
        manual = self.read("src/smbtap.8").decode()
        completion = self.read("src/smbtap.bash-completion").decode().partition("[[ ${COMP_WORDS[1]} == inventory")[2]
        of_inventory, _, of_smbtap = completion.partition("fi\n        return")
        for command, words, completed in (("OF_SMBTAP", ["-h"], of_smbtap), ("OF_INVENTORY", ["inventory", "-h"], of_inventory)):
            shown = self.run(*words)
            wanted = set()
            for row in rows:
                if row["commands"] in (command, "OF_BOTH"):
                    wanted |= {sign + row[name] for sign, name in (("--", "option"), ("-", "letter")) if name in row}
            written = {word for line in re.findall(r"^  (-[\w-]+(?:, --[\w-]+)?)", shown.out.decode(), re.M) for word in line.split(", ")}
            tap.check(" ".join(words) + " names all options", shown.status == 0 and written == wanted, written ^ wanted)
            found = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", completed))
            tap.check(" ".join(words) + ": all options are completed", wanted <= found, wanted - found)
            lost = [name for name in wanted if not re.search(r"Fl %s\b" % name[1:], manual)]
            tap.check(" ".join(words) + ": all options are in the manual", not lost and len(wanted) > 10, lost)

    def schemes(self):
        """Each kind of output is in the help, in the manual and in the completion."""
        names = set(re.findall(r'\{"([a-z+]+)", OUTPUT_', self.read("src/delivery/output_url.c").decode()))
        section = self.read("src/smbtap.8").decode().partition(".Sh OUTPUTS")[2].partition("\n.Sh ")[0]
        completion = self.read("src/smbtap.bash-completion").decode().partition("-o)")[2].partition(";;")[0]
        for place, text in (("help", self.run("-h").out.decode()), ("manual", section), ("completion", completion)):
            lost = {name for name in names if not re.search(r"(?<![\w+])%s:" % re.escape(name), text)}
            tap.check("the %s names all kinds of outputs" % place, len(names) == 8 and not lost, lost)

    def output_settings(self):
        """-T tells of all outputs; what is wrong with one is told with its place."""
        more = ("-o", "syslog+tls://siem.example?name=siem&objects=finding,sensor&ca=/ca.pem", "-o", "file:a%20b?rotate_bytes=1M", "-o", "-",
                "-o", "kafka://[::1],b/smb?kafka.sasl.password=@/secret")
        run = self.run("-T", "-i", "lo", *more)
        lines = run.out.decode().split("\n")
        tap.check("-T prints outputs", run.status == 0 and "- name: siem" in lines and "  ca: /ca.pem" in lines and
                  "  rotate_bytes: 1M" in lines and "  - sasl.password=@/secret" in lines, run.out, run.err)
        again = self.run("-T", "-c", self.file("outputs.yaml", run.out))
        tap.check("-T prints outputs as a configuration", again.status == 0 and again.out == run.out, again.out, again.err)
        one = self.run("-T", "-c", self.file("outputs.yaml", run.out), "-o", "mine").out.decode()
        tap.check("-o replaces all outputs", one.count("  to: ") == 1 and "  to: mine" in one, one)
        for name, output, *words in (
                ("of no kind", "http://h", "http", "relp+tls", "kafka"), ("without a host", "syslog+tcp://", "no host"),
                ("with port 0", "syslog+tcp://h:0", "65535"), ("without a port", "relp://h", "relp://HOST:PORT"),
                ("with a bare IPv6 address", "syslog+tcp://::1", "brackets"), ("without a topic", "kafka://b", "topic"),
                ("with an unknown setting", "syslog+tcp://h?faculty=1", "faculty", "facility"),
                ("with what is not its own", "syslog+tcp://h?rotate_bytes=1M", "rotate_bytes", "file"),
                ("with a wrong value", "syslog+tcp://h?facility=local9", "facility: local9", "local7"),
                ("with an open secret", "kafka://b/t?kafka.sasl.password=hunter2", "sasl.password=@FILE")):
            run = self.run("-T", "-i", "lo", "-o", output)
            told("an output " + name, run, 2, "-o " + output.partition("?")[0], *words)
            tap.check("an output %s: nothing secret is told" % name, "hunter2" not in run.err, run.err)
        told("standard output twice", self.run("-r", CAPTURE, "-o", "-", "-o", "-"), 2, "-o -", "twice")
        told("a file twice", self.run("-r", CAPTURE, "-o", "a", "-o", "file:./a"), 2, "-o file:./a")
        told("a receiver twice", self.run("-T", "-i", "lo", "-o", "relp://h:1", "-o", "relp://h:1?cee=yes"), 2, "relp-h-1", "name=")
        told("too many outputs", self.run("-T", "-i", "lo", *(word for i in range(17) for word in ("-o", "f%d" % i))), 2, "16")
        told("a credential that is not there", self.run("-i", "lo", "-o", "syslog+tls://h?certificate=c&key=$CREDENTIALS_DIRECTORY/k"), 1,
             "LoadCredential=k:")
        told("an inventory to a receiver", self.run("inventory", "-r", CAPTURE, "-o", "syslog+tcp://h"), 2, "-o syslog+tcp://h")
        told("an inventory to two files", self.run("inventory", "-r", CAPTURE, "-o", "a", "-o", "b"), 2, "-o b")
        wrong = self.file("wrong.yaml", b"interfaces: [lo]\noutputs:\n- name: siem\n  to: syslog+tcp://h\n  facility: local9\n")
        told("an output of a configuration", self.run("-T", "-c", wrong), 2, wrong + ":5: outputs: siem: facility: local9: ")
        wrong = self.file("wrong.yaml", b"output: a\noutputs:\n- to: b\n")
        told("output and outputs", self.run("-T", "-i", "lo", "-c", wrong), 2, wrong + ":2: outputs: ")
    def events(self):
        """The list in its three formats says the same, and its options are its own."""
        run = self.run("events", "-h")
        shown = {word for line in re.findall(r"^  (-[\w-]+(?:, --[\w-]+)?)", run.out.decode(), re.M) for word in line.split(", ")}
        completion = self.read("src/smbtap.bash-completion").decode().partition("== events")[2].partition("fi\n        return")[0]
        found = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", completion.partition("compgen -W")[2].partition(" -- ")[0]))
        manual = self.read("src/smbtap.8").decode().partition(".Sh EVENTS")[2].partition("\n.Sh ")[0]
        tap.check("events -h", run.status == 0 and shown == {"--format", "-h", "--help"} and not run.err, run.out, run.err)
        tap.check("events: all options are completed, and in the manual", shown == found and "Fl -format" in manual, shown ^ found)
        run = self.run("events", "--format", "json")
        events = json.loads(run.out)
        tap.check("events: as JSON", run.status == 0 and not run.err and len(events) == 222, run.err, len(events))
        rows = list(csv.DictReader(self.run("events", "--format", "csv").out.decode().splitlines()))
        same = [(e["event"], e["document"], str(e["id"]), e["title"], e["seen"], "; ".join(e["records"])) for e in events] == [
            (r["event"], r["document"], r["id"], r["title"], r["seen"], r["records"]) for r in rows]
        tap.check("events: the same as CSV", same and len(rows) == len(events))
        table = self.run("events").out.decode()
        listed = re.findall(r"^ +(\d+)  (yes|partly|no) +(.*)$", table, re.M)
        tap.check("events: the same as a table", listed == [(str(e["id"]), e["seen"], e["title"]) for e in events], len(listed))
        long = [line for line in table.split("\n") if len(line) > 100]
        tap.check("events: no line of the table is longer than 100", not long, *long[:3])
        for name, words, told_of in (("an unknown option", ["--formats"], ("--formats",)), ("a format that is none", ["--format", "xml"], ("xml", "csv")),
                                     ("no value", ["--format"], ("--format", "value")), ("a word too many", ["551"], ("551",))):
            told("events: " + name, self.run("events", *words), 2, *told_of)

    def canary(self):
        """Its options are its own, and none of them sends anything here."""
        run = self.run("canary", "-h")
        shown = {word for line in re.findall(r"^  (-[\w-]+(?:, --[\w-]+)?)", run.out.decode(), re.M) for word in line.split(", ")}
        completion = self.read("src/smbtap.bash-completion").decode().partition("== canary")[2].partition("fi\n        return")[0]
        found = set(re.findall(r"(?<![\w-])--?[A-Za-z6][\w-]*", completion.partition("compgen -W")[2].partition(" -- ")[0]))
        manual = self.read("src/smbtap.8").decode().partition(".Sh CANARY")[2].partition("\n.Sh ")[0]
        lost = [name for name in shown - {"-h", "--help"} if not re.search(r"^\.It Fl %s\b" % name[1:], manual, re.M)]
        tap.check("canary -h", run.status == 0 and len(shown) == 7 and not run.err, run.out, run.err)
        tap.check("canary: all options are completed, and in the manual", shown == found and not lost, shown ^ found, lost)
        for name, words, told_of in (
                ("nothing to do", [], ("-i", "--check")), ("an unknown option", ["--marks", "x"], ("--marks",)),
                ("an unknown short option", ["-i", "lo", "-x"], ("-x",)), ("no value", ["-i"], ("-i", "value")),
                ("a word too many", ["-i", "lo", "eth1"], ("eth1",)), ("no mark", ["--check", "r.jsonl"], ("--mark",)),
                ("a mark that is none", ["-i", "lo", "--mark", "a b"], ("--mark", "letters")),
                ("a mark that is too long", ["-i", "lo", "--mark", "x" * 81], ("--mark", "80")),
                ("-6 without -i", ["-6", "--check", "r.jsonl", "--mark", "x"], ("-6",)),
                ("a time-out without --check", ["-i", "lo", "--timeout", "1s"], ("--timeout",)),
                ("a time-out that is none", ["--check", "r", "--mark", "x", "--timeout", "soon"], ("--timeout", "30s"))):
            told("canary: " + name, self.run("canary", *words), 2, *told_of)
        told("canary: no such interface", self.run("canary", "-i", "no-such-one"), 1, "no-such-one", "ip link")
        told("canary: a folder is no file", self.run("canary", "--check", self.folder, "--mark", "x"), 1, self.folder)
        self.canary_in_file()

    def canary_in_file(self):
        lines = self.run("-r", CAPTURE).out
        share = next(share for share in (record["proto_info"].get("share", "$") for record in messages(lines)) if "$" not in share)
        path = self.file("canary.jsonl", lines)
        run = self.run("canary", "--check", path, "--mark", share)
        ids = [record["record_id"] for record in messages(lines) if record["proto_info"].get("share") == share]
        tap.check("canary: a record that is there", run.status == 0 and ids[0] in run.out.decode() and run.out.count(b"\n") == 1,
                  run.out, run.err)
        told("canary: a record that is not", self.run("canary", "--check", path, "--mark", share[:-1], "--timeout", "1s"), 1, "1s",
             "mirror port", path)

    def configuration(self):
        path = self.file("smbtap.yaml", b"interfaces: [lo]\nhome_net:\n  - 192.0.2.0/24\noutput: never.jsonl\n")
        run = self.run("-T", "-c", path, "--memory", "64M")
        lines = run.out.decode().splitlines()
        tap.check("-T prints what is in force", run.status == 0 and "memory: 64M" in lines and "- 192.0.2.0/24" in lines and
                  "loss_threshold: 1" in lines, run.out, run.err)
        again = self.run("-T", "-c", self.file("printed.yaml", run.out))
        tap.check("-T prints a configuration", again.status == 0 and again.out == run.out, again.out, again.err)
        for given, shown in (("250ms", "250ms"), ("1.5s", "1500ms"), ("15s", "15s"), ("2m", "2m")):
            run = self.run("-T", "-i", "lo", "--slow", given)
            tap.check("-T prints --slow %s" % given, run.status == 0 and "slow: " + shown in run.out.decode().splitlines(), run.out, run.err)
        told("--slow without a unit", self.run("-r", CAPTURE, "--slow", "1.5"), 2, "--slow 1.5", "250ms")
        late = {given: sum(record["object"] == "finding" and record["rule_id"] == "slow_operation" for record in map(
            json.loads, self.run("-r", CAPTURE, "--slow", given).out.splitlines())) for given in ("1ms", "999ms")}
        tap.check("--slow below a second is kept to", late == {"1ms": 1, "999ms": 0}, late)
        told("-T without an interface", self.run("-T", "-c", self.file("empty.yaml", b"")), 2, "empty.yaml", "interfaces")
        told("-i and -r", self.run("-i", "lo", "-r", CAPTURE), 2, "-i")
        told("a configuration that is missing", self.run("-T", "-c", "missing.yaml"), 1, "missing.yaml")
        told("more workers than cores", self.run("-i", "lo", "--workers", "100000"), 1, "100000", "fewer")
        for name, text, place in (("an unknown key", b"\nquiet: no\nworker: 1\n", ":3: worker: "),
                                  ("a wrong type", b"interfaces: lo\n", ":1: interfaces: "),
                                  ("an impossible value", b"interfaces: [lo]\n\nport:\n- 0\n", ":4: port: 0: "),
                                  ("no YAML", b"user: a\nuser b\nquiet: no\n", ":3: ")):
            wrong = self.file("wrong.yaml", text)
            told("a configuration with " + name, self.run("-T", "-c", wrong), 2, wrong + place)
            told("a replay with " + name, self.run("-r", CAPTURE, "-c", wrong), 2, wrong + place)
        run = self.run("-r", CAPTURE, "-c", path)
        expected = self.run("-r", CAPTURE, "--home-net", "192.0.2.0/24")
        tap.check("a replay with a configuration", run.status == 0 and run.out == expected.out and run.out, run.err)
        tap.check("its output is not a replay's", not os.path.exists(os.path.join(tap.ROOT, "never.jsonl")))
        self.installed_configuration(path)

    def installed_configuration(self, path):
        """The file of /etc, in a name space of its own in which that has nothing else."""
        name = "-T reads the installed configuration"
        script = ('mount -t tmpfs none /etc && mkdir /etc/smbtap && cat "$1" > /etc/smbtap/smbtap.yaml && "$2" -T && '
                  '"$2" -r "$3" | head -c 1 && "$2" -T -i eth7')
        words = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", path, self.smbtap, CAPTURE]
        try:
            done = subprocess.run(words, cwd=tap.ROOT, capture_output=True, timeout=60, check=False)
            probe = subprocess.run(words[:3] + ["mount", "-t", "tmpfs", "none", "/etc"], capture_output=True, check=False)
        except FileNotFoundError:
            tap.skip(name, "there is no unshare")
            return
        if probe.returncode != 0:
            tap.skip(name, "no name space can be had: %s" % probe.stderr.decode().strip())
            return
        first, _, second = done.stdout.decode().partition("{")
        tap.check(name, done.returncode == 0 and "- lo\n" in first and "- 192.0.2.0/24\n" in first, done.stdout, done.stderr)
        tap.check("and -i lies on top of it", "- eth7\n" in second and "- 192.0.2.0/24\n" in second and "- lo\n" not in second,
                  second, done.stderr)

    def inputs(self):
        missing = os.path.join(self.folder, "missing.pcap")
        told("a missing file", self.run("-r", missing), 1, missing)
        told("no capture at all", self.run("-r", "README.md"), 1, "README.md")
        told("an empty file", self.run("-r", self.file("empty.pcap", b"")), 1, "empty.pcap")
        packed = self.file("packed.pcap.gz", gzip.compress(self.content))
        told("a packed file", self.run("-r", packed), 1, "packed.pcap.gz")
        os.makedirs(os.path.join(self.folder, "nothing"))
        told("a folder without captures", self.run("-r", os.path.join(self.folder, "nothing")), 1, "nothing")
        odd = pcapfile.pcap([packet._replace(link=147) for packet in self.packets])
        told("an unknown link type", self.run("-r", self.file("odd.pcap", odd)), 1, "odd.pcap", "147")
        told("a filter that does not compile", self.run("-r", CAPTURE, "prot 445"), 1, "prot 445")
        told("what is missing among several", self.run("-r", CAPTURE, "-r", missing), 1, missing)

    def unreadable(self):
        if os.getuid() != 0:
            path = self.file("closed.pcap", self.content)
            os.chmod(path, 0)
            told("an unreadable file", self.run("-r", path), 1, path)
            return
        with tempfile.TemporaryDirectory() as folder:  # as root nothing is unreadable, so somebody else tries
            os.chmod(folder, 0o755)
            program, path = os.path.join(folder, "smbtap"), os.path.join(folder, "closed.pcap")
            shutil.copy(self.smbtap, program)
            shutil.copy(os.path.join(tap.ROOT, CAPTURE), path)
            os.chmod(path, 0)
            done = subprocess.run([program, "-r", path], cwd="/", user=NOBODY, group=NOBODY, extra_groups=[],
                                  capture_output=True, check=False)
            told("an unreadable file", tap.Run(done.returncode, done.stdout, done.stderr.decode()), 1, path)

    def outputs(self):
        told("an output that cannot be made", self.run("-r", CAPTURE, "-o", "/nonexistent/out"), 1, "/nonexistent/out")
        told("an output that is a folder", self.run("-r", CAPTURE, "-o", self.folder), 1, self.folder)
        if os.path.exists("/dev/full"):
            told("a full disk", self.run("-r", CAPTURE, "-o", "/dev/full"), 1, "/dev/full")
            with open("/dev/full", "wb") as full:
                done = subprocess.run([self.smbtap, "-r", CAPTURE], cwd=tap.ROOT, stdout=full, stderr=subprocess.PIPE,
                                      check=False)
            run = tap.Run(done.returncode, b"", done.stderr.decode())
            told("a full disk behind standard output", run, 1, "standard output")
            told("a disk that is full while a capture is read", self.run(*MANY_RECORDS, "-o", "/dev/full"), 1, "/dev/full")
        self.reader_gone()
        path = os.path.join(self.folder, "out.jsonl")
        run = self.run("-r", CAPTURE, "-o", path)
        expected = self.run("-r", CAPTURE).out
        tap.check("-o writes what standard output gets", run.status == 0 and not run.out and self.read(path) == expected,
                  run.err)
        tap.check("-o - is standard output", self.run("-r", CAPTURE, "-o", "-").out == expected)

    def reader_gone(self):
        with subprocess.Popen([self.smbtap, *MANY_RECORDS], cwd=tap.ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as done:
            done.stdout.close()
            said = done.stderr.read().decode()
        tap.check("who reads has enough while a capture is read: it ends by SIGPIPE, without a word",
                  done.returncode == -signal.SIGPIPE and not said, "status %d" % done.returncode, said)

    def cut(self):
        at = 24
        ends = []
        while at < len(self.content):
            ends.append(at)
            at += 16 + int.from_bytes(self.content[at + 8:at + 12], "little")
        end = ends[len(ends) * 2 // 3]
        whole = self.run("-r", self.file("whole/x.pcap", self.content[:end]), "--detail", "operations")
        tap.check("a file that ends behind a packet", whole.status == 0 and messages(whole.out), whole.status,
                  whole.err)
        for name, size in (("in a packet", end + 16 + 20), ("in a packet's header", end + 7)):
            run = self.run("-r", self.file("cut/x.pcap", self.content[:size]), "--detail", "operations")
            told("a file cut %s" % name, run, 3, "x.pcap", "cut")
            tap.check("a file cut %s: everything before the cut" % name, comparable(run.out) == comparable(whole.out))
        run = self.run("-r", "-", "--detail", "operations", stdin=self.content[:end + 30])
        tap.check("a pipe cut in a packet", run.status == 3 and comparable(run.out) == comparable(whole.out), run.status,
                  run.err)
        damaged = bytearray(self.content)
        damaged[end + 8:end + 12] = b"\xff\xff\xff\x7f"
        run = self.run("-r", self.file("damaged.pcap", bytes(damaged)), "--detail", "operations")
        told("a packet that claims 2 GB", run, 3, "damaged.pcap")
        tap.check("a packet that claims 2 GB: everything before it", comparable(run.out) == comparable(whole.out))

    def no_smb(self):
        # The same packets on ports where nothing is expected, with content that is not SMB.
        changed = []
        for packet in self.packets:
            segment = pcapfile.segment(packet)
            if segment:
                headers = bytearray(segment.headers)
                ports = headers[segment.transport:segment.transport + 4]
                headers[segment.transport:segment.transport + 4] = ports.replace(b"\x01\xbd", b"\x1f\x90")
                segment.headers = bytes(headers)
                packet = segment.with_payload(segment.seq, segment.flags, b"x" * len(segment.payload))
            changed.append(packet)
        path = self.file("none.pcap", pcapfile.pcap(changed))
        run = self.run("-r", path)
        tap.check("no SMB: status 0 and no message", run.status == 0 and not messages(run.out), run.status, run.err)
        status, screen = self.on_terminal("-r", path, "-o", os.path.join(self.folder, "none.jsonl"))
        tap.check("no SMB: the summary says so", status == 0 and "no smb" in screen.lower(), status, screen)
        run = self.run("-r", self.file("header.pcap", pcapfile.pcap([])))
        tap.check("a capture without packets", run.status == 0 and not messages(run.out), run.status, run.err)

    def bar(self):
        """The bar while a pipe is slow: standard output and standard error are the terminal, the records go elsewhere."""
        master, slave = pty.openpty()
        records = os.path.join(self.folder, "bar.jsonl")
        process = subprocess.Popen([self.smbtap, "-r", "-", "-o", records], cwd=tap.ROOT, stdin=subprocess.PIPE,
                                   stdout=slave, stderr=slave)
        os.close(slave)
        whole = pcapfile.pcap(self.packets * (FRAMES_OF_BAR // len(self.packets) + 1))
        for part in (whole[:len(whole) // 2], whole[len(whole) // 2:]):
            process.stdin.write(part)
            process.stdin.flush()
            time.sleep(0.3)
        process.stdin.close()
        screen = b""
        while select.select([master], [], [], 5)[0] and b"damage" not in screen:
            screen += os.read(master, 65536)
        status = process.wait()
        os.close(master)
        tap.check("a progress bar", status == 0 and b"\r" in screen.split(b"summary")[0] and b"/s" in screen, screen)

    def on_terminal(self, *arguments):
        """Exit status, and what a person sees."""
        master, slave = pty.openpty()
        process = subprocess.Popen([self.smbtap] + list(arguments), cwd=tap.ROOT, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        screen = b""
        try:
            while part := os.read(master, 65536):
                screen += part
        except OSError:
            pass  # what a terminal gives when the last process has left it
        os.close(master)
        return process.wait(), screen.decode("utf-8", "replace")

    def terminal(self):
        status, screen = self.on_terminal("-r", CAPTURE, "-o", os.path.join(self.folder, "t.jsonl"))
        words = ("packets", "flows", "operations", "EXAMPLE\\alice", "data")
        tap.check("a summary on a terminal", status == 0 and all(word in screen for word in words), screen)
        status, screen = self.on_terminal("-q", "-r", CAPTURE, "-o", os.path.join(self.folder, "t.jsonl"))
        tap.check("-q: no summary", status == 0 and not screen.strip(), screen)
        run = self.run("-r", CAPTURE)
        tap.check("no terminal: nothing on standard error", run.status == 0 and not run.err, run.err)

    def several(self):
        folder = os.path.join(self.folder, "several")
        paths = [self.file("several/" + name, self.read(path))
                 for name, path in (("b.pcap", CAPTURE), ("a.pcap", OTHER), ("c.pcapng", OTHER))]
        order = [paths[1], paths[0], paths[2]]
        single = [comparable(self.run("-r", path).out) for path in order]
        run = self.run(*(part for path in order for part in ("-r", path)))
        flows = [[record for record in records if record["object"] == "flow"] for records in [comparable(run.out)] + single]
        tap.check("several captures: as if one after the other", flows[0] == sum(flows[1:], []), run.err)
        numbers = [record["seq"] for record in tap.records(run.out)]
        tap.check("several captures: seq goes on", numbers == list(range(1, len(numbers) + 1)))
        whole = self.run("-r", folder)
        tap.check("a folder is read in name order", whole.status == 0 and comparable(whole.out) == comparable(run.out),
                  whole.err)
        back = self.run("-r", paths[0], "-r", paths[1])
        found = [record for record in comparable(back.out) if record["object"] == "flow"]
        tap.check("files are read in the order given", found == flows[2] + flows[1], back.err)
        broken = self.run("-r", self.file("broken/a.pcap", self.content[:-5]), "-r", paths[1])
        found = [record for record in comparable(broken.out) if record["object"] == "flow"][-len(flows[1]):]
        tap.check("a cut file does not stop the next", broken.status == 3 and found == flows[1], broken.status, broken.err)

    def pipes(self):
        expected = comparable(self.run("-r", CAPTURE).out)
        piped = self.run("-r", "-", stdin=self.content)
        tap.check("a pipe", piped.status == 0 and comparable(piped.out) == expected, piped.err)
        packed = self.file("zcat.pcap.gz", gzip.compress(self.content))
        done = self.shell('gzip -dc "$1" | "$2" -r -', packed)
        tap.check("zcat", done.returncode == 0 and comparable(done.stdout) == expected)
        done = self.shell('"$2" -r "$1" --detail operations | head -n 1', CAPTURE)
        tap.check("a reader that leaves", done.stdout.count(b"\n") == 1)

    def shell(self, script, path):
        """Runs a shell script with a path as $1 and smbtap as $2."""
        return subprocess.run(["sh", "-c", script, "sh", path, self.smbtap], cwd=tap.ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)

    def streaming(self):
        process = subprocess.Popen([self.smbtap, "-r", "-", "--detail", "operations"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        process.stdin.write(self.content[:len(self.content) * 3 // 4])
        process.stdin.flush()
        early, deadline = b"", time.monotonic() + 10
        while early.count(b"\n") < 3 and time.monotonic() < deadline:
            if select.select([process.stdout], [], [], 0.2)[0]:
                early += os.read(process.stdout.fileno(), 65536)
        tap.check("records come while the pipe is open", early.count(b"\n") >= 3, "%d bytes" % len(early))
        process.stdin.write(self.content[len(self.content) * 3 // 4:])
        process.stdin.close()
        out = early + process.stdout.read()
        process.stdout.close()
        expected = comparable(self.run("-r", CAPTURE, "--detail", "operations").out)
        tap.check("and all of them at its end", process.wait() == 0 and comparable(out) == expected)

    def options(self):
        run = self.run("-r", CAPTURE, "--sensor-id", "somewhere")
        tap.check("--sensor-id", {record["sensor_id"] for record in tap.records(run.out)} == {"somewhere"}, run.err)
        run = self.run("-r", CAPTURE)
        tap.check("the default sensor", {record["sensor_id"] for record in tap.records(run.out)} == {"replay"})
        directed = [record for record in tap.records(run.out) if "network_direction" in record]
        tap.check("no home network, no direction", not directed, *directed[:1])
        for networks, direction in ((["192.0.2.0/24"], "internal"), (["192.0.2.10/32"], "inbound"),
                                    (["192.0.2.20/32"], "outbound"), (["10.0.0.0/8", "2001:db8::/32"], "external")):
            run = self.run("-r", CAPTURE, *(part for network in networks for part in ("--home-net", network)))
            found = {record.get("network_direction") for record in tap.records(run.out) if record["object"] == "flow"}
            tap.check("--home-net %s: %s" % (" ".join(networks), direction), found == {direction}, found, run.err)
        run = self.run("-r", CAPTURE, "port", "445")
        tap.check("a filter in several words", comparable(run.out) == comparable(self.run("-r", CAPTURE).out), run.err)
        run = self.run("-r", CAPTURE, "host 203.0.113.1")
        tap.check("a filter that leaves nothing", run.status == 0 and not messages(run.out), run.err)
        self.ports()

    def ports(self):
        moved = []
        for packet in self.packets:
            segment = pcapfile.segment(packet)
            if segment:
                headers = bytearray(segment.headers)
                ports = headers[segment.transport:segment.transport + 4]
                headers[segment.transport:segment.transport + 4] = ports.replace(b"\x01\xbd", b"\x1f\x90")
                segment.headers = bytes(headers)
                packet = segment.with_payload(segment.seq, segment.flags, segment.payload)
            moved.append(packet)
        path = self.file("moved.pcap", pcapfile.pcap(moved))
        expected = comparable(self.run("-r", CAPTURE).out, "dest_port", "flow_id", "community_id")
        for name, more in (("SMB on another port is found", []), ("--port", ["--port", "8080"]),
                           ("--port twice", ["--port", "445", "--port", "8080"])):
            run = self.run("-r", path, *more)
            tap.check(name, comparable(run.out, "dest_port", "flow_id", "community_id") == expected, run.err)


def main():
    with tempfile.TemporaryDirectory(prefix="smbtap-cli-") as folder:
        checks = Checks(sys.argv[1], folder)
        for part in (checks.usage, checks.events, checks.canary, checks.configuration, checks.inputs, checks.unreadable, checks.outputs, checks.cut, checks.no_smb,
                     checks.terminal, checks.bar, checks.several, checks.pipes, checks.streaming, checks.options):
            part()
    tap.finish()


if __name__ == "__main__":
    main()

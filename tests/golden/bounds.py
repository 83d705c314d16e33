#!/usr/bin/env python3
"""At a bound the oldest goes and decoding goes on; what went is said; nothing takes more memory than it may.

usage: bounds.py SMBTAP BENCH

BENCH is the folder with make_nasty and measure. Each nasty capture, with an ordinary one behind it, is read under the
least ceiling there is: the ordinary one must be told in full, as if it stood alone, and the peak of memory stay below the
ceiling and what the program takes beside it. Runs have other secrets for their hash tables: the records are the same.
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402
import tap  # noqa: E402

ORDINARY = "dialect-3.1.1"
BASE_MIB = 20  # README
# How many of each are more than 16 MiB hold, or than there may be of them.
SIZES = {"half_open": 60000, "candidates": 70000, "live": 8000, "handles": 40000, "names": 700, "requests": 40000,
         "trees": 110000, "sessions": 50000, "setups": 20000, "compound": 40000, "reversed": 20000, "tiny": 20000, "holes": 20000,
         "secondary": 10000, "long_transactions": 20, "oem_names": 100, "partial": 500, "same_mid": 2000, "notify": 40000, "exits": 20000, "pairs": 6000}
# What must be given up of them; of the others the bounds of one connection are reached before the ceiling.
CEILING = {"half_open", "live", "handles", "names", "requests", "trees", "sessions", "holes", "secondary", "notify", "partial"}
# Limits of other things, reached by a capture, and what the summary says then.
REACHED = {
    "CANDIDATES_MAX": ("candidates", "silent connections on other ports given up"),
    "SMB1_SAME_ID_MAX": ("same_mid", "requests no longer waited for"),
    "SMB1_TRANSFER_DATA_MAX": ("long_transactions", "transactions cut"),
    "SMB1_TRANSFER_PARAMETERS_MAX": ("long_transactions", "transactions cut"),
    "SCRATCH_SIZE": ("oem_names", "names not kept"),
    "FINDINGS_SHARE": ("pairs", "findings told early"),
}
SANITIZED = b"__asan_init"


def shifted(packets, start_ns):
    """The packets, from a time on."""
    return [packet._replace(time_ns=packet.time_ns - packets[0].time_ns + start_ns) for packet in packets]


def told(records, addresses):
    """What records say of connections between the addresses, without what counts the run's packets and records."""
    found = []
    for record in records:
        if record["object"] == "flow" and (record["src_ip"], record["dest_ip"]) == addresses and record["action"] == "message":
            found.append((record["proto_info"], record.get("user"), record.get("content")))
    return found


class Bounds:
    def __init__(self, smbtap, bench, folder):
        self.smbtap, self.bench, self.folder = smbtap, bench, folder
        with open(smbtap, "rb") as file:
            self.sanitized = SANITIZED in file.read()
        ordinary = pcapfile.read(os.path.join(tap.PCAPS, ORDINARY + ".pcap"))
        self.ordinary = [packet for packet in ordinary if packet.link == pcapfile.ETHERNET]
        self.alone = self.run(self.write("alone", self.ordinary))[0]
        self.addresses = next((r["src_ip"], r["dest_ip"]) for r in self.alone if r["object"] == "flow")

    def write(self, name, packets):
        path = os.path.join(self.folder, name + ".pcap")
        with open(path, "wb") as file:
            file.write(pcapfile.pcap(packets))
        return path

    def nasty(self, kind, size, behind=()):
        path = os.path.join(self.folder, kind + ".pcap")
        subprocess.run([os.path.join(self.bench, "make_nasty"), kind, path, str(size)], check=True, stdout=subprocess.DEVNULL)
        if behind:
            last = pcapfile.read(path)[-1].time_ns
            with open(path, "ab") as file:  # its header says microseconds
                for packet in shifted(behind, last + 1000):
                    seconds, rest = divmod(packet.time_ns, 10**9)
                    file.write(b"".join(n.to_bytes(4, "little") for n in (seconds, rest // 1000, len(packet.data), packet.length)))
                    file.write(packet.data)
        return path

    def run(self, capture, *arguments, size="16M"):
        """Records, their bytes, what was said, and the peak in MiB."""
        out, result = os.path.join(self.folder, "out"), os.path.join(self.folder, "result")
        run = subprocess.run([os.path.join(self.bench, "measure"), result, self.smbtap, "-r", capture, "-o", out, "--memory", size] +
                             list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        with open(result, encoding="ascii") as file:
            _, kilobytes, status, _ = file.read().split()
        with open(out, "rb") as file:
            lines = file.read()
        tap.check("%s: status" % os.path.basename(capture), status == "0", status, run.stderr)
        return [json.loads(line) for line in lines.splitlines()], lines, run.stderr.decode(), int(kilobytes) / 1024

    def kind(self, kind, size):
        capture = self.nasty(kind, size, self.ordinary)
        records, lines, said, peak = self.run(capture, "-v")
        tap.check("%s: what comes behind it is told in full" % kind, told(records, self.addresses) == told(self.alone, self.addresses),
                  len(told(records, self.addresses)), len(told(self.alone, self.addresses)))
        if not self.sanitized:
            tap.check("%s: the ceiling holds" % kind, peak < 16 + BASE_MIB, peak)
        if kind in CEILING:
            tap.check("%s: what was given up is said" % kind, "give more with --memory" in said and "at the memory ceiling" in said, said)
        for limit, (reached_by, words) in REACHED.items():
            if reached_by == kind:
                tap.check("%s: %s is counted" % (kind, limit), words in said, said)
        if kind == "oem_names":
            tap.check("oem_names: no half of a name", b"aaaaaaaa" not in lines)
        os.unlink(capture)

    def mixed(self):
        """What was freed of one size is no use for the next: the program gives it back."""
        whole = os.path.join(self.folder, "mixed.pcap")
        with open(whole, "wb") as file:
            for kind in ("names", "live", "partial", "handles", "names", "secondary", "partial"):
                with open(self.nasty(kind, SIZES[kind]), "rb") as part:
                    file.write(part.read()[24 if file.tell() else 0:])
        peak = self.run(whole, "-v")[3]
        if not self.sanitized:
            tap.check("mixed: the ceiling holds", peak < 16 + BASE_MIB, peak)

    def same_again(self):
        """Another secret, the same bytes; and a flood ends as evicted, not in silence."""
        capture = self.nasty("half_open", SIZES["half_open"])
        records, first, said, _ = self.run(capture)
        tap.check("the same bytes whatever the secret", self.run(capture)[1] == first)
        reasons = [record["end_reason"] for record in records if record["action"] == "end"]
        tap.check("every connection has its end", len(reasons) == SIZES["half_open"], len(reasons))
        tap.check("those that went are evicted", reasons.count("evicted") > 1000 and reasons.count("capture_end") > 1000,
                  reasons.count("evicted"))
        tap.check("one line says so", said.count("\n") == 1 and "16 MiB" in said and "--memory" in said, said)
        tap.check("-q says nothing", self.run(capture, "-q")[2] == "")
        roomy = self.run(capture, size="4G")
        tap.check("with room nothing goes", roomy[2] == "" and b'"evicted"' not in roomy[1], roomy[2])

    def transfers(self):
        """SMB1_TRANSFERS_MAX, where memory allows for more."""
        said = self.run(self.nasty("secondary", 6000), "-v", size="512M")[2]
        tap.check("secondary: SMB1_TRANSFERS_MAX is counted", "1,904 transactions given up" in said, said)

    def flows(self):
        """FLOWS_MAX, set by --flows."""
        capture = self.nasty("half_open", 100)
        records, _, said, _ = self.run(capture, "--flows", "10")
        reasons = [record["end_reason"] for record in records]
        tap.check("--flows", reasons.count("evicted") == 90 and "--flows" in said and said.count("\n") == 1, reasons, said)
        tap.check("--flows in the summary", "90 times at the limit of connections" in self.run(capture, "-v", "--flows", "10")[2])

    def idle(self):
        """A pause of two minutes, in which something else goes on: the table's clock follows packets."""
        first, other = self.ordinary[:20], pcapfile.read(self.nasty("half_open", 300))
        start = first[-1].time_ns
        between = [p._replace(time_ns=start + (i + 1) * 5 * 10**8) for i, p in enumerate(other)]
        capture = self.write("idle", first + between)
        for timeout, reason in (("100s", "timeout"), ("3h", "capture_end")):
            records = self.run(capture, "--idle-timeout", timeout)[0]
            ends = {r["end_reason"] for r in records if r["action"] == "end" and (r["src_ip"], r["dest_ip"]) == self.addresses}
            tap.check("--idle-timeout %s" % timeout, ends == {reason}, ends)

    def run_id(self):
        """Settings that change records change the run's id; their defaults do not."""
        capture = self.write("alone", self.ordinary)

        def of(*arguments, size="512M"):
            return self.run(capture, *arguments, size=size)[0][0]["record_id"].split("-")[0]
        ids = [of(), of(size="1G"), of("--flows", "5"), of("--idle-timeout", "5h")]
        tap.check("the run's id knows of them", len(set(ids)) == len(ids) and of() == ids[0], ids)

    def inventory(self):
        """REPLAY_READER_SHARE of the ceiling holds the rows."""
        capture = self.nasty("pairs", 12000)
        result = os.path.join(self.folder, "result")
        run = subprocess.run([os.path.join(self.bench, "measure"), result, self.smbtap, "inventory", "-r", capture, "--memory", "16M",
                              "--format", "csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        with open(result, encoding="ascii") as file:
            _, kilobytes, status, _ = file.read().split()
        rows = run.stdout.decode().count("\n")
        tap.check("inventory at the ceiling", status == "4" and rows > 1000 and b"--memory" in run.stderr, status, rows, run.stderr)
        if not self.sanitized:
            tap.check("inventory: the ceiling holds", int(kilobytes) / 1024 < 16 + BASE_MIB, kilobytes)


def main():
    with tempfile.TemporaryDirectory(prefix="smbtap-bounds-") as folder:
        bounds = Bounds(os.path.abspath(sys.argv[1]), sys.argv[2], folder)
        for kind, size in SIZES.items():
            bounds.kind(kind, size)
        bounds.mixed()
        bounds.same_again()
        bounds.transfers()
        bounds.flows()
        bounds.idle()
        bounds.run_id()
        bounds.inventory()
    tap.finish()


if __name__ == "__main__":
    main()

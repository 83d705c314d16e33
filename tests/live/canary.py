#!/usr/bin/env python3
"""A canary that is sent is a record of a live sensor, and `--check` finds it, also where the file comes later or is rotated; what
does not let it be sent, or arrive, is told in one line.

usage: canary.py SMBTAP BUILD
"""
import os
import re
import shutil
import subprocess
import sys
import time

import world
import tap  # noqa: E402

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
MARK = re.compile(r"^smbtap-canary-[0-9a-f]{16}$")
ARRIVED = re.compile(r"^(\S+) arrived: record (\S+), (\d+\.\d{3}) s after it was sent$")


class Canary:
    def __init__(self, smbtap):
        self.smbtap = os.path.abspath(smbtap)

    def run(self, *words, prefix=world.wire()):
        return subprocess.run(list(prefix) + [self.smbtap, "canary"] + list(words), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)

    def start(self, *words):
        return subprocess.Popen([self.smbtap, "canary"] + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)


def told(name, run, *words):
    """Status 1, nothing said but one line with all the words."""
    lines = run.stderr.splitlines()
    tap.check(name, run.returncode == 1 and len(lines) == 1 and lines[0].startswith("smbtap: ") and
              all(word in lines[0] for word in words), run.returncode, run.stdout, run.stderr)


def of_share(sensor, mark):
    return [one for one in sensor.records() if one["object"] == "flow" and one["action"] == "message" and
            one["proto_info"].get("share") == mark and one["proto_info"]["operation"] == "tree_connect"]


def sent(canary, sensor):
    """Over IPv4 and IPv6, with a mark of ours, and many."""
    for words, source in (((), "192.0.2.201"), (("-6",), "2001:db8::c1"), (("--mark", "Our.share_1"), "192.0.2.201")):
        name = " ".join(("canary -i",) + words)
        run = canary.run("-i", "tx0", *words)
        mark = run.stdout.strip()
        good = run.returncode == 0 and not run.stderr and (mark == "Our.share_1" if "--mark" in words else MARK.match(mark))
        tap.check(name + ": prints its mark", good, run.returncode, run.stdout, run.stderr)
        found = world.wait_for(name + " is recorded", 10, lambda m=mark: of_share(sensor, m))
        tap.check(name + ": one record", len(found) == 1 and found[0]["src_ip"] == source and
                  found[0]["proto_info"]["status"] == "STATUS_SUCCESS" and
                  found[0]["proto_info"]["share_path"] == "\\\\canary\\" + mark, found)
    marks = {canary.run("-i", "tx0").stdout.strip() for _ in range(5)}
    world.wait_for("five more are recorded", 10, lambda: all(of_share(sensor, mark) for mark in marks))
    tap.check("each has another mark", len(marks) == 5, marks)
    strange = [one for one in sensor.records() if one["action"] == "finding"]
    tap.check("nothing is found suspicious", not strange, strange)


def checked(canary, sensor):
    """Sends, and waits for that; and waits for what another sent."""
    run = canary.run("-i", "tx0", "--check", sensor.output)
    lines = run.stdout.splitlines()
    match = ARRIVED.match(lines[1]) if len(lines) == 2 else None
    found = of_share(sensor, lines[0]) if lines else []
    tap.check("canary -i --check: it arrived", run.returncode == 0 and match and match.group(1) == lines[0] and found and
              match.group(2) == found[0]["record_id"] and 0 < float(match.group(3)) < 5, run.stdout, run.stderr, found)
    print("# from sending to its record: %s s" % (match.group(3) if match else "?"))
    again = canary.run("--check", sensor.output, "--mark", lines[0])
    tap.check("canary --check: what is there already", again.returncode == 0 and match and match.group(2) in again.stdout and
              again.stdout.count("\n") == 1, again.stdout, again.stderr)
    twice = canary.run("-i", "tx0", "--mark", lines[0], "--check", sensor.output)
    found = of_share(sensor, lines[0])
    tap.check("a mark that was used before: the new record counts", twice.returncode == 0 and len(found) == 2 and
              found[1]["record_id"] in twice.stdout, twice.stdout, twice.stderr, found)


def rotated(canary, sensor):
    """The file is moved away while it is waited for, and the sensor opens another."""
    mark = "rotated-meanwhile"
    waits = canary.start("--check", sensor.output, "--mark", mark, "--timeout", "20s")
    time.sleep(0.5)
    os.rename(sensor.output, sensor.output + ".1")
    time.sleep(0.3)
    sensor.tell(1)  # HUP
    world.wait_for("the sensor opens its file anew", 5, lambda: os.path.exists(sensor.output))
    canary.run("-i", "tx0", "--mark", mark)
    out, err = waits.communicate(timeout=30)
    found = of_share(sensor, mark)
    tap.check("the file is rotated meanwhile", waits.returncode == 0 and found and found[0]["record_id"] in out, out, err, found)


def before_and_emptied(canary, sensor):
    """A file that comes later; one that is copied and made empty; both by hand, with the sensor's lines."""
    line = next(one for one in sensor.lines() if b'"rotated-meanwhile"' in one) + b"\n"
    later = world.path("later.jsonl")
    waits = canary.start("--check", later, "--mark", "rotated-meanwhile", "--timeout", "20s")
    time.sleep(0.4)
    silent = waits.poll() is None
    with open(later, "wb", buffering=0) as file:
        file.write(line[:100])
        time.sleep(0.3)
        file.write(line[100:])
    out, err = waits.communicate(timeout=30)
    tap.check("a file that comes later, and a line in two pieces", silent and waits.returncode == 0 and "arrived" in out, out, err)
    with open(later, "wb", buffering=0) as file:
        file.write(b"x" * 200000)
        waits = canary.start("--check", later, "--mark", "rotated-meanwhile", "--timeout", "20s")
        time.sleep(0.4)
        file.truncate(0)
        file.seek(0)
        time.sleep(0.3)
        file.write(line)
    out, err = waits.communicate(timeout=30)
    tap.check("a file that is made empty meanwhile", waits.returncode == 0 and "arrived" in out, out, err)


def refused(canary, sensor):
    start = time.monotonic()
    told("what does not arrive", canary.run("--check", sensor.output, "--mark", "never-sent", "--timeout", "1s"), "never-sent", "1s",
         "mirror port", "sensor", sensor.output)
    took = time.monotonic() - start
    tap.check("it is waited for as long as was told", 1 <= took < 3, took)
    told("a file that never comes", canary.run("--check", world.path("none.jsonl"), "--mark", "x", "--timeout", "1s"), "none.jsonl",
         "not there")
    run = canary.run("-i", "lo", "--check", sensor.output, "--timeout", "1s")
    told("sent where nobody looks", run, "mirror port", "lo", "1s")
    told("no such interface", canary.run("-i", "none0"), "none0", "no such interface", "ip link")
    told("no right to send", canary.run("-i", "tx0", prefix=world.wire(*NOBODY)), "tx0", "root", "setcap")
    unreadable = world.path("unreadable.jsonl")
    with open(unreadable, "wb"):
        os.chmod(unreadable, 0o600)
    told("a file that may not be read", canary.run("--check", unreadable, "--mark", "x", prefix=NOBODY), "unreadable.jsonl")
    world.command(*world.wire("ip", "link", "add", "down0", "type", "veth", "peer", "name", "down1"))
    told("an interface that is down", canary.run("-i", "down0"), "down0", "ip link set down0 up")
    world.command(*world.wire("ip", "tuntap", "add", "dev", "tunnel0", "mode", "tun"), check=False)
    if "tunnel0" in world.command(*world.wire("ip", "link")):
        world.command(*world.wire("ip", "link", "set", "tunnel0", "up"))
        told("an interface that is no Ethernet", canary.run("-i", "tunnel0"), "tunnel0", "Ethernet")
    else:
        tap.skip("an interface that is no Ethernet", "no tunnel can be had here")


def captured(smbtap, canary):
    """What is on the wire is without fault for tshark as well."""
    name = "tshark finds nothing wrong"
    if not shutil.which("tshark"):
        tap.skip(name, "tshark is not installed")
        return
    tcpdump = world.Tcpdump("span0", world.path("canary.pcap"))
    marks = [canary.run("-i", "tx0", *words).stdout.strip() for words in ((), ("-6",))]
    capture = tcpdump.stop()
    words = ["tshark", "-r", capture, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    wrong = subprocess.run(words + ["-Y", "_ws.malformed || _ws.expert.severity >= 0x600000 || tcp.checksum.status == 0 || "
                                    "ip.checksum.status == 0"], capture_output=True, text=True, check=False, timeout=60)
    trees = subprocess.run(words + ["-Y", "smb2.cmd == 3 && smb2.flags.response == 0", "-T", "fields", "-e", "smb2.tree"],
                           capture_output=True, text=True, check=False, timeout=60).stdout.split()
    tap.check(name, wrong.returncode == 0 and not wrong.stdout and trees == ["\\\\canary\\" + mark for mark in marks], wrong.stdout,
              wrong.stderr, trees, marks)
    run = tap.run(smbtap, "-q", "-r", capture, "--detail", "operations", "--verify-checksums")
    operations = [one["proto_info"]["operation"] for one in tap.records(run.out) if one["action"] == "message"]
    tap.check("a replay has all of it", operations == 2 * ["negotiate", "session_setup", "tree_connect", "tree_disconnect", "logoff"],
              operations)


def test():
    smbtap = sys.argv[1]
    canary = Canary(smbtap)
    world.link()
    sensor = world.Sensor(smbtap, "canary", "--workers", "2")
    sent(canary, sensor)
    checked(canary, sensor)
    rotated(canary, sensor)
    before_and_emptied(canary, sensor)
    refused(canary, sensor)
    status, _ = sensor.stop()
    tap.check("the sensor ends well", status == 0, status, sensor.err())
    captured(smbtap, canary)


world.enter(sender=False)
world.main(test)

#!/usr/bin/env python3
"""What a sensor says of its outputs, in each state of their receivers: away, there, there again; and when the process that delivers
dies. Counts are true, and none falls.

usage: figures.py SMBTAP BUILD
"""
import os
import signal
import sys
import time
import urllib.request

import receivers
import sensing
import tap  # noqa: E402
import world  # noqa: E402

METRICS = 9147
COUNTS = ("records", "sent", "acknowledged", "dropped", "bytes", "reconnects")
NAMES = ("tcp", "relp", "unix", "memory")


class Watched:
    """A sensor's figures, and whether a count fell."""

    def __init__(self, sensor):
        self.sensor, self.seen, self.fell = sensor, {}, []

    def now(self):
        figures = self.sensor.figures()
        for name, one in figures.items():
            self.fell += ["%s of %s: %d after %d" % (key, name, one[key], self.seen[name][key]) for key in COUNTS
                          if key in one and one[key] < self.seen.get(name, one)[key]]
        self.seen = figures
        return figures

    def until(self, condition, seconds=10):
        """The figures once the condition is true of them, or when the time is over."""
        end = time.monotonic() + seconds
        while True:
            figures = self.now()
            if condition(figures) or time.monotonic() > end:
                return figures
            time.sleep(0.1)


def settled(figures):
    """All is there, but for what the record with these very figures needs."""
    return all(figures[name]["spooled"] <= 1 and figures[name]["sent"] >= figures[name]["records"] - 1 for name in NAMES)


def away(watched, build):
    world.send(build, os.path.join(tap.PCAPS, "dialect-3.1.1.pcap"), rate=2000)
    figures = watched.until(lambda f: all(f[name]["spooled"] > 20 for name in NAMES))
    for name in NAMES:
        one = figures[name]
        tap.check("away, %s: all waits, nothing is sent or lost" % name, one["spooled"] > 20 and one["spooled"] >= one["records"] - 1 and
                  one["sent"] == 0 and one["dropped"] == 0 and one.get("acknowledged", 0) == 0, one)
        tap.check("away, %s: for how long is told" % name, 0 < one["oldest_waiting_ns"] < 60e9, one)
        tap.check("away, %s: it was never connected again" % name, one["reconnects"] == 0, one)
    tap.check("away: only who is answered says what was acknowledged", [name for name in NAMES if "acknowledged" in figures[name]] ==
              ["relp", "memory"], figures)
    own = figures[os.path.join(watched.sensor.output).strip("/").replace("/", "_")]
    tap.check("a file has nothing of a network", own["sent"] >= own["records"] - 1 > 0 and own["bytes"] > 0 and
              not {"spooled", "acknowledged", "reconnects"} & set(own), own)


def there(watched, title, again):
    figures = watched.until(settled)
    for name in NAMES:
        one = figures[name]
        tap.check("%s, %s: all is sent, nothing waits" % (title, name), one["spooled"] <= 1 and one["records"] - 1 <= one["sent"] <=
                  one["records"] and one["dropped"] == 0 and one["bytes"] > 500 * one["sent"], one)
        tap.check("%s, %s: connected again so often: %d" % (title, name, again), name == "unix" or one["reconnects"] == again, one)
    relp = figures["relp"]
    tap.check("%s, relp: and acknowledged" % title, relp["acknowledged"] >= relp["records"] - 1, relp)


def died(watched, build, memory):
    """All processes that deliver, at once; what one has in memory alone is lost with it, told, and counts as dropped."""
    memory.kill()
    world.send(build, os.path.join(tap.PCAPS, "dialect-2.1.pcap"), rate=2000)
    before = watched.until(lambda f: f["memory"]["spooled"] > 20)
    for name in os.listdir("/proc"):
        if name.isdigit() and open("/proc/%s/comm" % name, encoding="ascii").read().strip() == "smbtap-output":
            os.kill(int(name), signal.SIGKILL)
    watched.until(lambda f: all(f[name]["reconnects"] > before[name]["reconnects"] for name in ("tcp", "relp")), 6)
    lost = watched.until(lambda f: f["memory"]["dropped"] > 0)["memory"]
    waited = before["memory"]["spooled"]
    tap.check("its process died, memory: what it had is counted as dropped", waited <= lost["dropped"] <= waited + 3, before["memory"], lost)
    memory.start()
    figures = watched.until(lambda f: all(f[name]["spooled"] <= 1 for name in NAMES))
    told = [gap["proto_info"] for gap in watched.sensor.sensor("gap") if gap["proto_info"]["output"] == "memory"]
    tap.check("its process died, memory: and told", told and told[0]["reason"] == "killed", told)
    for name in ("tcp", "relp"):
        one = figures[name]
        tap.check("its process died, %s: nothing waits, nothing was dropped" % name, one["spooled"] <= 1 and one["dropped"] == 0 and
                  one["records"] - 1 <= one["sent"] <= one["records"], one)


def metrics(watched):
    """The metrics have the same."""
    figures = watched.now()
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % METRICS, timeout=5) as answer:
        text = answer.read().decode()
    for key, metric in (("reconnects", "reconnects_total"), ("dropped", "dropped_records_total")):
        for name in NAMES:
            line = 'smbtap_output_%s{output="%s"} %d' % (metric, name, figures[name][key])
            tap.check("metrics: %s of %s" % (key, name), line in text, line, [row for row in text.split("\n") if metric in row])


def test():
    smbtap, build = sys.argv[1], sys.argv[2]
    world.link()
    spool = world.folder("spool")
    them = {"tcp": receivers.Rsyslog(world.path("tcp"), "tcp"), "relp": receivers.Rsyslog(world.path("relp"), "relp"),
            "unix": receivers.Rsyslog(world.path("unix"), "unix"), "memory": receivers.Rsyslog(world.path("memory"), "relp")}
    sensor = sensing.Sensor(smbtap, "figures", [one.url(name=name, spool_directory="none" if name == "memory" else spool)
                                               for name, one in them.items()], "--metrics", str(METRICS))
    watched = Watched(sensor)
    away(watched, build)
    for one in them.values():
        one.start()
    there(watched, "there", 0)
    for one in them.values():
        one.kill()
        one.start()
    world.send(build, os.path.join(tap.PCAPS, "dialect-3.0.pcap"), rate=2000)
    there(watched, "there again", 1)
    died(watched, build, them["memory"])
    time.sleep(1.2)  # the metrics are made each second
    metrics(watched)
    tap.check("no count ever fell", not watched.fell, *watched.fell)
    status, _ = sensor.stop()
    tap.check("it ends with 0", status == 0, status, sensor.err())
    for one in them.values():
        one.stop()


receivers.need(receivers.Rsyslog)
world.enter()
world.main(test)

#!/usr/bin/env python3
"""Receivers and sensors that are killed, receivers that pause, stall and reset, under load: what was acknowledged is there, and what is
not there is told by a gap.

usage: kill.py SMBTAP BUILD [TIMES]

TIMES: how often each is killed; 3 without.
"""
import os
import re
import signal
import sys
import time

import certificates
import receivers
import sensing
import stubborn
import tap  # noqa: E402
import world  # noqa: E402

TIMES = 3
KINDS = ("tcp", "tls", "relp", "relp+tls")
STREAMS = [(receivers.Rsyslog, kind) for kind in KINDS] + [(receivers.SyslogNg, "tcp")]
DATAGRAMS = [(receivers.Rsyslog, "udp"), (receivers.Rsyslog, "unix")]
RECORDS = 700  # of a run, at least, before it is killed


class Stand:
    """Receivers, and a folder for spools."""

    def __init__(self, name, keys, them):
        self.receivers = {}
        for one, kind in them:
            label = "%s-%s" % (one.program, kind.replace("+", "-"))
            self.receivers[label] = one(world.path(name + "-" + label), kind, keys)
        self.spool = world.folder(name + "-spool")

    def urls(self):
        return [receiver.url(name=label, spool_directory=self.spool) for label, receiver in self.receivers.items()]

    def each(self, what, *arguments):
        for receiver in self.receivers.values():
            getattr(receiver, what)(*arguments)
        return self


def end(title, sensor, stand):
    """All that is there must be at the receivers, the stop record too."""
    for receiver in stand.receivers.values():
        if receiver.kind != "udp":
            world.wait_for("%s gets what was sent" % receiver.folder, 20,
                           lambda one=receiver: sensing.tip(one.written) >= sensing.tip(sensor.output) - 1)
    status, seconds = sensor.stop(seconds=8)
    tap.check(title + ": the sensor ends with 0 within 5 s", status == 0 and seconds < 6, status, seconds, sensor.err())
    for label, receiver in stand.receivers.items():
        judge = datagrams if receiver.kind in ("udp", "unix") else sensing.judge
        judge("%s: %s" % (title, label), receiver, sensor)
    stand.each("stop")


def datagrams(title, receiver, sensor):
    """Nobody acknowledges: what was under way is lost, and nothing is said to be lost that is not."""
    receiver.quiet()
    account = sensing.counting.Account(receiver.messages(), sensor.lines(), receiver.name)
    print("# %s: %s" % (title, account.line()))
    run, last = next(iter(sensor.last().items()))
    tap.check(title + ": what comes is true", account.arrived() and not account.wrongly() and not account.strange, account.line(),
              *account.wrongly(), *account.strange[:2])
    if receiver.kind == "unix":
        tap.check(title + ": nearly all of it is there, and the last", len(account.silently()) <= 2 * receiver.kills and
                  account.runs.get(run, {}).get(last), account.line())


def receivers_killed(smbtap, build, keys, times):
    stand = Stand("receivers", keys, STREAMS + DATAGRAMS).each("start")
    sensor = sensing.Sensor(smbtap, "receivers-killed", stand.urls())
    load = sensing.Load(build, 1 + 0.8 * times)
    for _ in range(times):
        time.sleep(0.4)
        stand.each("kill")
        time.sleep(0.3)
        stand.each("start")
    load.wait()
    end("receiver killed %d times" % times, sensor, stand)


def sensor_killed(smbtap, build, keys, times, group):
    """group: all its processes; else the one that captures."""
    title = "%s killed %d times" % ("all processes of the sensor" if group else "sensor", times)
    stand = Stand("group" if group else "main", keys, [(receivers.Rsyslog, "relp"), (receivers.Rsyslog, "tcp")]).each("start")
    sensor = sensing.Sensor(smbtap, "sensor-killed-%d" % group, stand.urls())
    load = sensing.Load(build, 60 + 3 * times)
    for _ in range(times):
        world.wait_for("records", 10, lambda: sensing.tip(sensor.output) > RECORDS)
        if group:
            sensor.kill_group()
        else:
            sensor.kill()
        sensor.start()
        world.wait_for("a new run", 5, lambda: sensing.tip(sensor.output) < RECORDS)
    load.stop()
    runs = len(sensor.last())
    end(title, sensor, stand)
    tap.check(title + ": so many runs", runs == times + 1, runs)


def deliverers():
    """Processes that deliver, of this script's own world."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, encoding="ascii", errors="replace") as file:
                name, state = re.search(r"\((.*)\) (.)", file.read()).groups()
        except OSError:
            continue
        if name == "smbtap-output" and state != "Z":
            found.append(int(pid))
    return found


def outputs_killed(smbtap, build, keys, times):
    """The processes that deliver, some of which keep what waits in memory alone."""
    title = "processes of outputs killed %d times" % times
    stand = Stand("outputs", keys, [(receivers.Rsyslog, "relp"), (receivers.Rsyslog, "tcp")]).each("start")
    urls = stand.urls()
    for kind in ("relp", "tcp"):
        receiver = receivers.Rsyslog(world.path("outputs-memory-" + kind), kind, keys).start()
        stand.receivers["memory-" + kind] = receiver
        urls.append(receiver.url(name="memory-" + kind, spool_directory="none"))
    sensor = sensing.Sensor(smbtap, "outputs-killed", urls)
    load = sensing.Load(build, 1 + 1.6 * times)
    found, seen = 0, ""
    for _ in range(times):
        try:
            world.wait_for("processes that deliver", 10, lambda: len(deliverers()) == 5)
        except world.Failed:
            seen = world.command("ps", "-eo", "pid,ppid,stat,comm,wchan:20,etimes")
            break
        time.sleep(0.4)
        victims = deliverers()
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        world.wait_for("they are gone", 5, lambda: not set(victims) & set(deliverers()))
        found += len(victims)
    load.wait()
    tap.check(title + ": they are started again", found == 5 * times, found, seen, sensor.err())
    tap.check(title + ": few lines of the file were torn", len(sensor.torn()) <= times, *sensor.torn())
    end(title, sensor, stand)


class Stubborn:
    """Receivers that take a connection and then do not behave; afterwards real ones at the same ports."""

    def __init__(self, keys):
        self.them = {}
        for kind in ("tcp", "relp"):
            for how in ("resets", "stalls"):
                receiver = receivers.Rsyslog(world.path("%s-%s" % (how, kind)), kind, keys)
                self.them["%s-%s" % (how, kind)] = (receiver, stubborn.Receiver(receiver.port, kind, how))

    def urls(self, spool):
        return [receiver.url(name=label, spool_directory=spool) for label, (receiver, _) in self.them.items()]

    def mend(self):
        """Returns the real ones."""
        for label, (receiver, bad) in self.them.items():
            tap.check("receiver that %s: it was tried" % label, bad.connections >= (3 if bad.how == "resets" else 1), bad.connections)
            bad.stop()
            receiver.start()
        return {label: receiver for label, (receiver, _) in self.them.items()}


def do_not_behave(smbtap, build, keys):
    """Some pause, some reset, some stall."""
    stand, bad = Stand("paused", keys, STREAMS).each("start"), Stubborn(keys)
    sensor = sensing.Sensor(smbtap, "do-not-behave", stand.urls() + bad.urls(stand.spool))
    load = sensing.Load(build, 3)
    time.sleep(0.5)
    stand.each("tell", signal.SIGSTOP)
    time.sleep(2)
    waiting = {name: one.get("spooled", 0) for name, one in sensor.figures().items() if name in stand.receivers or name in bad.them}
    tap.check("receivers that pause, reset and stall: what waits is told", len(waiting) == 9 and all(
        number > 0 for name, number in waiting.items() if not name.endswith("tcp")), waiting)  # a socket may take all there is
    stand.each("tell", signal.SIGCONT)
    stand.receivers.update(bad.mend())
    load.wait()
    end("receivers that pause, reset and stall", sensor, stand)


def test():
    smbtap, build = sys.argv[1:3]
    times = int(sys.argv[3]) if len(sys.argv) > 3 else TIMES
    world.link()
    keys = certificates.Certificates(world.path("keys"))
    receivers_killed(smbtap, build, keys, times)
    for group in (False, True):
        sensor_killed(smbtap, build, keys, times, group)
    outputs_killed(smbtap, build, keys, times)
    do_not_behave(smbtap, build, keys)


receivers.need()
world.enter()
world.main(test)

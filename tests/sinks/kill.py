#!/usr/bin/env python3
"""Receivers and sensors that are killed, receivers that pause, stall and reset, under load: what was acknowledged is there, and what is
not there is told by a gap.

usage: kill.py SMBTAP BUILD [TIMES]

TIMES: how often each is killed; 3 without.
"""
import os
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


class Stand:
    """Receivers of each kind, and a folder for spools."""

    def __init__(self, name, keys, them):
        self.receivers = {}
        for one, kind in them:
            label = "%s-%s" % (one.program, kind.replace("+", "-"))
            self.receivers[label] = one(world.path(name + "-" + label), kind, keys)
        self.spool = world.folder(name + "-spool")

    def urls(self, **more):
        return [receiver.url(name=label, spool_directory=self.spool, **more) for label, receiver in self.receivers.items()]

    def start(self):
        for receiver in self.receivers.values():
            receiver.start()
        return self

    def stop(self):
        for receiver in self.receivers.values():
            receiver.stop()


def many(keys, name):
    return Stand(name, keys, [(receivers.Rsyslog, kind) for kind in KINDS] + [(receivers.SyslogNg, "tcp")])


def receivers_killed(smbtap, build, keys, times):
    stand = many(keys, "receivers").start()
    sensor = sensing.Sensor(smbtap, "receivers-killed", stand.urls())
    load = sensing.Load(build, 1.5 + 1.0 * times)
    for _ in range(times):
        time.sleep(0.6)
        for receiver in stand.receivers.values():
            receiver.kill()
        time.sleep(0.3)
        stand.start()
    load.wait()
    end(sensor, stand, "receiver killed %d times" % times)


def end(sensor, stand, title):
    """All that is there must be at the receivers, the stop record too."""
    for receiver in stand.receivers.values():
        world.wait_for("%s gets what was sent" % receiver.folder, 20,
                       lambda one=receiver: sensing.tip(one.written) >= sensing.tip(sensor.output) - 1)
    status, seconds = sensor.stop(seconds=8)
    tap.check(title + ": the sensor ends with 0 within 5 s", status == 0 and seconds < 6, status, seconds, sensor.err())
    for label, receiver in stand.receivers.items():
        sensing.judge("%s: %s" % (title, label), receiver, sensor)
    stand.stop()


def sensor_killed(smbtap, build, keys, times, group):
    """group: all its processes; else the one that captures."""
    title = "%s killed %d times" % ("all processes of the sensor" if group else "sensor", times)
    stand = Stand("group" if group else "main", keys, [(receivers.Rsyslog, "relp"), (receivers.Rsyslog, "tcp")]).start()
    sensor = sensing.Sensor(smbtap, "sensor-killed-%d" % group, stand.urls())
    load = sensing.Load(build, 1.0 + 1.2 * times)
    for _ in range(times):
        time.sleep(0.7)
        sensor.kill_group() if group else sensor.kill()
        sensor.start()
    load.stop()
    runs = len(sensor.last())
    end(sensor, stand, title)
    tap.check(title + ": so many runs", runs == times + 1, runs)


def paused(smbtap, build, keys):
    stand = many(keys, "paused").start()
    sensor = sensing.Sensor(smbtap, "receivers-paused", stand.urls())
    load = sensing.Load(build, 3)
    time.sleep(0.5)
    for receiver in stand.receivers.values():
        receiver.tell(signal.SIGSTOP)
    time.sleep(1.5)
    waiting = {name: one.get("spooled", 0) for name, one in sensor.figures().items() if name in stand.receivers}
    for receiver in stand.receivers.values():
        receiver.tell(signal.SIGCONT)
    load.wait()
    tap.check("receiver paused: what waits is told", all(number > 0 for number in waiting.values()), waiting)
    end(sensor, stand, "receiver paused")


def stubborn_receivers(smbtap, build, keys):
    """Some that take a connection and then do not behave; afterwards a real one at the same port."""
    for kind in ("tcp", "relp"):
        for how in ("resets", "stalls"):
            title = "receiver that %s, %s" % (how, kind)
            stand = Stand("%s-%s" % (how, kind), keys, [(receivers.Rsyslog, kind)])
            receiver = next(iter(stand.receivers.values()))
            bad = stubborn.Receiver(receiver.port, kind, how)
            sensor = sensing.Sensor(smbtap, "%s-%s-sensor" % (how, kind), stand.urls())
            load = sensing.Load(build, 1.5)
            load.wait()
            tap.check(title + ": it was tried", bad.connections >= (3 if how == "resets" else 1), bad.connections, bad.got)
            bad.stop()
            stand.start()
            end(sensor, stand, title)


def datagrams(smbtap, build, keys, times):
    """Nobody acknowledges: what was under way is lost, and nothing is said to be lost that is not."""
    for kind in ("udp", "unix"):
        title = "receiver killed %d times, %s" % (times, kind)
        stand = Stand("datagrams-" + kind, keys, [(receivers.Rsyslog, kind)]).start()
        if kind == "unix":
            os.chmod(stand.receivers["rsyslogd-unix"].folder, 0o755)
        sensor = sensing.Sensor(smbtap, "datagrams-%s-sensor" % kind, stand.urls())
        load = sensing.Load(build, 0.5 + 0.6 * times)
        receiver = next(iter(stand.receivers.values()))
        for _ in range(times):
            time.sleep(0.4)
            receiver.kill()
            time.sleep(0.2)
            receiver.start()
        load.wait()
        receiver.quiet()
        status, _ = sensor.stop()
        receiver.quiet()
        account = sensing.counting.Account(receiver.messages(), sensor.lines())
        print("# %s: %s" % (title, account.line()))
        tap.check(title + ": the sensor ends with 0", status == 0, status, sensor.err())
        tap.check(title + ": what comes is true, and the last of it is there", account.arrived() and not account.wrongly() and
                  not account.strange and max(account.runs[next(iter(account.runs))]) == max(sensor.last().values()), account.line(),
                  *account.wrongly())
        stand.stop()


def test():
    smbtap, build = sys.argv[1:3]
    times = int(sys.argv[3]) if len(sys.argv) > 3 else TIMES
    world.link()
    keys = certificates.Certificates(world.path("keys"))
    receivers_killed(smbtap, build, keys, times)
    for group in (False, True):
        sensor_killed(smbtap, build, keys, times, group)
    paused(smbtap, build, keys)
    stubborn_receivers(smbtap, build, keys)
    datagrams(smbtap, build, keys, times)


receivers.need()
world.enter()
world.main(test)

#!/usr/bin/env python3
"""A live sensor that is killed under load while it delivers to Kafka: what was numbered is there, or told by a gap.

usage: kafka_sensor.py SMBTAP BUILD [TIMES]

TIMES: how often its main process is killed, and then all its processes; 3 without. The cluster is Apache's where its jars are at hand
without a network (kafka.py fetches them), else librdkafka's mock cluster; the test says which.
"""
import os
import sys
import time

import certificates
import counting
import kafka_brokers
import sensing
import tap  # noqa: E402
import world  # noqa: E402

TIMES = 3
RECORDS = 700  # of a run, at least, before it is killed


def silently(brokers, topic, sensor):
    """The account of a topic, and what is lost of it without a gap, as soon as that is nothing, or 20 s are over."""
    end, lines, last = time.monotonic() + 20, sensor.lines(), sensor.last()
    while True:
        account = counting.Account([message[4] for message in brokers.tool.read(topic)], lines, topic)
        lost = account.silently(last)
        if not lost or time.monotonic() > end:
            return account, lost
        time.sleep(0.5)


def killed(smbtap, build, brokers, times, group):
    title = "%s killed %d times" % ("all processes of the sensor" if group else "sensor", times)
    topic = "group" if group else "main"
    brokers.tool.create(topic, 1)
    url = "kafka://%s/%s?name=%s&spool_directory=%s" % (brokers.brokers, topic, topic, world.folder(topic + "-spool"))
    sensor = sensing.Sensor(smbtap, "killed-" + topic, [url])
    load = sensing.Load(build, 60 + 3 * times)
    for _ in range(times):
        world.wait_for("records", 10, lambda: sensing.tip(sensor.output) > RECORDS)
        (sensor.kill_group if group else sensor.kill)()
        sensor.start()
        world.wait_for("a new run", 5, lambda: sensing.tip(sensor.output) < RECORDS)
    load.stop()
    account, lost = silently(brokers, topic, sensor)
    status, _ = sensor.stop(seconds=8)
    account, lost = silently(brokers, topic, sensor)
    print("# %s: %s" % (title, account.line()))
    tap.check(title + ": so many runs, and the last ends with 0", len(sensor.last()) == times + 1 and status == 0, sensor.last(), status,
              sensor.err())
    tap.check(title + ": none is lost without a gap", account.arrived() and not lost, account.line(), lost[:5], sensor.err()[-600:])
    wrong = account.wrongly()
    tap.check(title + ": gaps tell what is lost, and no more; none was altered", not wrong and not account.strange, *wrong,
              *account.strange[:2])


def test():
    smbtap, build = sys.argv[1:3]
    times = int(sys.argv[3]) if len(sys.argv) > 3 else TIMES
    world.link()
    folder = world.folder("brokers")
    brokers = kafka_brokers.some(folder, os.path.join(os.path.abspath(build), "kafka_tool"), certificates.Certificates(world.path("keys")))
    print("# against %s" % brokers.name())
    try:
        for group in (False, True):
            killed(smbtap, build, brokers, times, group)
    finally:
        brokers.stop()


if not os.path.exists(os.path.join(sys.argv[2], "kafka_tool")):
    tap.skip_all("smbtap was built without Kafka")
world.enter()
world.main(test)

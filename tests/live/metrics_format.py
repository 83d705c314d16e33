"""Reads the text format of Prometheus, version 0.0.4, more strictly than a scraper does."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HEAD = re.compile(r"^# (HELP|TYPE) (%s) (\S.*)$" % NAME)
SAMPLE = re.compile(r'^(%s)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (\S+)$' % NAME)
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
NUMBER = re.compile(r"^\d+(\.\d+)?$")
UNITS = ("_total", "_seconds", "_bytes", "_ratio", "_info", "_records", "_up", "_active", "_workers")


class Broken(Exception):
    """What is wrong, and in which line."""


def _need(good, number, what):
    if not good:
        raise Broken("line %d: %s" % (number, what))


def _labels(text, number):
    labels = LABEL.findall(text or "")
    _need(len(dict(labels)) == len(labels), number, "a label twice")
    unescape = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
    return tuple(sorted((name, re.sub(r"\\.", lambda found: unescape[found.group()], value)) for name, value in labels))


def parse(text):
    """{(name, ((label, value), ...)): number}. Raises Broken where the text is not what it must be: each metric has HELP and TYPE in
    front of all its samples, which stand together and are told apart by their labels; names have our prefix and end with their unit,
    and those of counters, and of no others, with _total."""
    samples, types, helped, current = {}, {}, set(), None
    _need(text.endswith("\n"), 0, "the last line does not end")
    for number, line in enumerate(text[:-1].split("\n"), 1):
        head, sample = HEAD.match(line), SAMPLE.match(line)
        _need(head or sample, number, "neither a sample nor the head of a metric: %r" % line)
        if head and head.group(1) == "HELP":
            _need(head.group(2) not in helped, number, "HELP twice for %s" % head.group(2))
            helped.add(head.group(2))
        elif head:
            current = head.group(2)
            _need(current in helped and current not in types, number, "TYPE without HELP, or twice: %s" % current)
            _need(head.group(3) in ("counter", "gauge"), number, "type %s" % head.group(3))
            _need(current.startswith("smbtap_") and current.endswith(UNITS), number, "name %s" % current)
            _need((head.group(3) == "counter") == current.endswith("_total"), number, "%s is a %s" % (current, head.group(3)))
            types[current] = head.group(3)
        else:
            name, labels, value = sample.groups()
            _need(name == current, number, "%s among the samples of %s" % (name, current))
            _need(NUMBER.match(value), number, "no number: %s" % value)
            key = (name, _labels(labels, number))
            _need(key not in samples, number, "twice: %s %s" % key)
            samples[key] = float(value)
    _need(helped == set(types), 0, "HELP without TYPE: %s" % sorted(helped - set(types)))
    _need(set(types) == {name for name, _ in samples}, 0, "metrics without samples")
    return samples


def counters(samples):
    """Of these, those that never fall."""
    return {key: value for key, value in samples.items() if key[0].endswith("_total")}

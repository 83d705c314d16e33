"""What a receiver got against what was sent: all of it, once, as it was; and what is missing against what was said to be missing."""
import collections
import json
import re

SEQUENCE_MAX = 2147483647  # RFC 5424 7.3.1
SEVERITIES = {"high": 3, "medium": 4, "low": 5, "info": 6}  # of syslog, for those of findings
SHOWN = 3  # of each kind of difference


def short(text):
    text = text.decode("ascii", "backslashreplace") if isinstance(text, bytes) else str(text)
    return text if len(text) < 300 else text[:200] + " ... " + text[-90:]


def _shown(title, list_):
    return ["%d %s" % (len(list_), title)] + ["  " + short(one) for one in list_[:SHOWN]] if list_ else []


# ---- records as they came --------------------------------------------------------------------------------------------

def difference(wanted, found, ordered=True):
    """Lines that tell how found is not wanted, both lists of bytes; none where it is."""
    left, right = collections.Counter(wanted), collections.Counter(found)
    lines = _shown("missing, or altered:", sorted((left - right).elements()))
    lines += _shown("too many, or altered:", sorted((right - left).elements()))
    if not lines and ordered and wanted != found:
        lines = ["all there, in another order"]
    return lines


def _listed(value):
    """Integers in arrays become text in syslog-ng."""
    if isinstance(value, dict):
        return {name: _listed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [one if isinstance(one, dict) else str(one) for one in value]
    return value


def fields_apart(seen, exact=True):
    """Records whose fields the receiver's parser does not see as they are. exact: also whether an array has numbers."""
    lines = []
    for one in seen:
        record, fields = json.loads(one["message"].replace("@cee:", "", 1) if one["message"].lstrip().startswith("@cee:") else
                                    one["message"]), one.get("fields")
        if not exact:
            record = _listed(record)
        if fields != record:
            both = fields if isinstance(fields, dict) else {}
            names = sorted(name for name in set(record) | set(both) if record.get(name) != both.get(name))
            lines.append("%s: %s" % (record.get("record_id"), ", ".join("%s: %r, not %r" % (
                name, both.get(name), record.get(name)) for name in names)))
    return _shown("records with other fields:", lines)


# ---- the header ------------------------------------------------------------------------------------------------------

def priority(record, facility=16, severity=6):
    if record["object"] == "finding":
        severity = SEVERITIES[record["severity"]]
    elif (record["object"], record["action"]) == ("sensor", "gap"):
        severity = 4
    return 8 * facility + severity


def header(record, facility=16, severity=6, hostname=None):
    """What a receiver has to see in the header of RFC 5424."""
    return {"pri": str(priority(record, facility, severity)),
            "time": record["time"][:len("2026-11-20T11:47:15.365788")] + "Z",
            "host": hostname or record["sensor_id"], "program": "smbtap",
            "msgid": record["object"] + "/" + record["action"]}


def headers_apart(seen, **settings):
    """seen: in the order in which they came, from the first on."""
    lines = []
    for number, one in enumerate(seen):
        record = json.loads(one["message"][one["message"].index("{"):])
        wanted = header(record, **settings)
        found = {name: one.get(name) for name in wanted}
        found["time"] = (found["time"] or "").replace("+00:00", "Z")
        structured = one.get("structured_data") or ""
        sequence = 'sequenceId="%d"' % (number % SEQUENCE_MAX + 1)
        if found != wanted:
            lines.append("%s: %s, not %s" % (record["record_id"], found, wanted))
        elif not ("[meta " in structured and sequence in structured and "[origin " in structured and
                  'software="smbtap"' in structured):
            lines.append("%s: structured data %s" % (record["record_id"], structured))
    return _shown("records with another header:", lines)


# ---- counting --------------------------------------------------------------------------------------------------------

PLAIN = re.compile(rb'\{"schema_version":"[\d.]+","record_id":"([0-9a-f]+)-(\d+)","seq":(\d+),')


class Account:
    """Of the records of one output, over all runs: what is there, how often, and what is missing and was not told."""

    def __init__(self, messages, lines=(), output=None):
        """lines: of a file that has all of them, or nearly all. output: its name, for the gaps of others are told here as well."""
        self.output = output
        self.runs = {}     # run: {seq: how often}
        self.gaps = {}     # run: [(from, to or None, count or None, reason)]
        self.strange = []  # what is no record, or another than the file has
        known, there = set(lines), {}
        for line in known:
            there[PLAIN.match(line).groups()[:2]] = line
        for message in messages:
            try:
                self._take(message, message in known, there)
            except (ValueError, KeyError, TypeError):
                self.strange.append(message)

    def _take(self, message, known, there):
        if known and b'"action":"gap"' not in message:  # the faster way, for they are many
            run, seq = PLAIN.match(message).groups()[:2]
            self.runs.setdefault(run.decode(), collections.Counter())[int(seq)] += 1
            return
        record = json.loads(message)
        run, seq = record["record_id"].split("-")
        if int(seq) != record["seq"] or (not known and (run.encode(), seq.encode()) in there):
            raise ValueError
        counts = self.runs.setdefault(run, collections.Counter())
        counts[record["seq"]] += 1
        if (record["object"], record["action"]) == ("sensor", "gap") and counts[record["seq"]] == 1:
            told = record["proto_info"]
            if "from_seq" in told and told.get("output", self.output) == self.output:
                of = told.get("run_id", run)
                self.gaps.setdefault(of, []).append((told["from_seq"], told.get("to_seq"), told.get("records_lost"), told["reason"]))

    def arrived(self, run=None):
        """Different records."""
        return sum(len(counts) for name, counts in self.runs.items() if run in (None, name))

    def doubled(self):
        """Records that came more than once, all of them together so often."""
        return sum(number - 1 for counts in self.runs.values() for number in counts.values())

    def told(self, run, seq):
        return any(first <= seq and (last is None or seq <= last) for first, last, _, _ in self.gaps.get(run, ()))

    def lost(self, last=None):
        """(run, seq) of all that did not arrive. last: {run: its last number}; else the last that arrived."""
        runs = dict.fromkeys(list(self.runs) + list(last or ()))
        found = []
        for run in runs:
            counts = self.runs.get(run, {})
            end = max([0, *counts, *([last[run]] if last and run in last else [])])
            found += [(run, seq) for seq in range(1, end + 1) if seq not in counts]
        return found

    def silently(self, last=None):
        """Those of them that no gap tells of."""
        return [(run, seq) for run, seq in self.lost(last) if not self.told(run, seq)]

    def wrongly(self):
        """Gaps that say more is lost than is, or another count than they could have."""
        found = []
        for run, gaps in self.gaps.items():
            lost = {seq for name, seq in self.lost() if name == run}
            for first, last, count, reason in gaps:
                numbers = range(first, last + 1) if last is not None else ()
                there = [seq for seq in numbers if seq not in lost and self.runs.get(run)]
                if count is not None and last is not None and count != len(numbers) - len(there):
                    found.append("gap %s %d to %d, %s: %d told, %d missing" % (run, first, last, reason, count,
                                                                             len(numbers) - len(there)))
        return found

    def line(self):
        """For a comment in the output of a test."""
        return "%d records of %d runs arrived, %d more times; %d did not, of which %d are told by no gap; %d gaps" % (
            self.arrived(), len(self.runs), self.doubled(), len(self.lost()), len(self.silently()),
            sum(map(len, self.gaps.values())))

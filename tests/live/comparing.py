"""Records of two runs held against each other, as sets: what belongs to the run is left out."""
import collections
import json

OF_RUN = {"record_id", "seq", "sensor_id"}
OF_CAPTURE = {"interface", "file", "frame"}
# What is shortened where a record would be too long: how much of it has room depends on what belongs to the run.
OF_LENGTH = {"content", "file_name", "file_path", "local_path", "rename_to", "stream", "search_pattern", "truncated"}
OF_TIME = {"time", "start_time", "end_time", "duration_ns", "latency_ns", "first_time", "last_time", "flow_id"}


# May be known from other connections of an address: those that came before, and that the same worker decoded.
OF_MACHINES = {"hostname", "fqdn", "src_hostname", "src_fqdn", "dest_hostname", "dest_fqdn"}


EVIDENCE_MAX = 16  # of a finding, FINDINGS_EVIDENCE_MAX


def _plain(record, leave, ids):
    """The record without the fields to leave out, wherever they stand; evidence by what it is, not by its number."""
    plain = {}
    if "truncated" in record.get("proto_info", {}):
        leave = leave | OF_LENGTH
    for key, value in record.items():
        if key in leave:
            continue
        if key == "capture":
            value = {name: part for name, part in value.items() if name not in OF_CAPTURE}
        elif key == "evidence":
            # In the order in which workers came, and, of more than it holds, whichever came first.
            value = sorted(ids.get(one, "?") for one in value) if len(value) < EVIDENCE_MAX else EVIDENCE_MAX
        elif isinstance(value, dict):
            value = _plain(value, leave, ids)
        if value != {}:
            plain[key] = value
    return plain


# Rules about one connection, which are told once.
OF_CONNECTION = {"tcp_overlap_differs", "ip_overlap_differs"}


def _pair(record):
    of_pair = record["object"] == "finding" and "src_ip" in record and record["rule_id"] not in OF_CONNECTION
    return (record["rule_id"], record["src_ip"], record["dest_ip"]) if of_pair else None


def plain(records, times=True, leave=(), machines=False):
    """{the record as text: how often it is there}, of flows and findings about them. Of a pair of client and server a live run
    tells at once, and again with its sums; a replay only those. machines: with the names of machines."""
    leave = OF_RUN | set(leave) | (set() if times else OF_TIME) | (set() if machines else OF_MACHINES)
    ids = {}
    for record in records:
        ids[record["record_id"]] = json.dumps(_plain(record, leave | {"evidence"}, {}), sort_keys=True)
    last = {_pair(record): record["record_id"] for record in records if _pair(record)}
    return collections.Counter(json.dumps(_plain(record, leave, ids), sort_keys=True) for record in records
                               if "src_ip" in record and last.get(_pair(record), record["record_id"]) == record["record_id"])


def short(text):
    """What tells a record from others, for a person."""
    record = json.loads(text)
    info = record.get("proto_info", {})
    words = [record.get("time"), record["object"], record["action"], record.get("src_ip"), record.get("src_port"),
             record.get("content") or record.get("summary") or record.get("end_reason"), info.get("message_id")]
    return ascii(" ".join(str(word) for word in words if word is not None))[1:-1][:300]


def _changed(one, other, at=""):
    for key in sorted(set(one) | set(other)):
        was, now = one.get(key), other.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from _changed(was, now, at + key + ".")
        elif was != now:
            yield "%s%s: %s, not %s" % (at, key, ascii(now)[:160], ascii(was)[:160])


def _nearest(text, others):
    """Of the others, the record that has most in common."""
    lines = set(_flat(json.loads(text)))
    return max(others, key=lambda other: len(lines & set(_flat(json.loads(other)))), default=None)


def _flat(record):
    return ["%s=%s" % (key, json.dumps(value)) for key, value in
            list(record.items()) + list(record.get("proto_info", {}).items()) if key != "proto_info"]


def difference(wanted, found, most=6):
    """Lines for a person: what is missing, what is too much, what changed. None: they are the same."""
    missing, extra = wanted - found, found - wanted
    lines = ["%d records missing, %d too many, of %d" % (sum(missing.values()), sum(extra.values()), sum(wanted.values()))]
    for text in list(missing)[:most]:
        near = _nearest(text, extra)
        if near and short(near).split()[1:3] == short(text).split()[1:3]:
            lines += ["changed: " + short(text)] + ["    " + line for line in list(_changed(json.loads(text), json.loads(near)))[:8]]
        else:
            lines.append("missing: " + short(text))
    if not missing:
        lines += ["too much: " + short(text) for text in list(extra)[:most]]
    return lines if missing or extra else []

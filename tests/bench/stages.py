"""Which stage of the program the instructions belong to that callgrind counted.

An instruction of ours belongs to the stage whose folder its source is in. Compilers put functions into one another, also those of
different sources, so it is not the function that is asked but the debug information: of the functions that were put into one another
there, the innermost that is a stage's. What no stage owns (libraries, src/base, include) works for whoever calls it: it is shared
among its callers, as what they spent there is.
"""
import collections
import os
import re
import subprocess
import tempfile

# In the order in which a packet passes them.
STAGES = ("capture", "decode", "flow", "framing", "dissectors", "model", "event", "findings", "output", "pipeline", "rest")
WHAT = {
    "capture": "libpcap, and what it takes to hand out a packet",
    "decode": "link, tunnels, IP, TCP",
    "flow": "connections, order, holes",
    "framing": "where a message ends",
    "dissectors": "messages, credentials in them",
    "model": "sessions, trees, handles, requests and responses",
    "event": "what is worth a record, and its facts",
    "findings": "rules",
    "output": "JSON, numbers, writing",
    "pipeline": "what connects the stages",
    "rest": "what belongs to none",
}
FOLDERS = {"capture": "capture", "decode": "decode", "flow": "flow", "model": "model", "event": "event", "findings": "findings",
           "output": "output", "delivery": "output", "": "pipeline"}
FRAMING = re.compile(r"nbss|resync|acquaintance|extent")
SOURCE = re.compile(r"/src/(?:(\w+)/)?[^/]+$|/dissectors/([^/]+)$")
# And nothing else: MALLOC_PERTURB_ and its like cost instructions.
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
ROUNDS_MAX = 100
SETTLED = 1e-6


class Unable(Exception):
    """It cannot be counted here; says why."""


def stage_of(source):
    """None: a tool, that works for whoever calls it."""
    found = SOURCE.search(os.path.normpath(source))
    if not found:
        return None
    folder, dissector = found.groups()
    if dissector:
        return "framing" if FRAMING.match(dissector) else "dissectors"
    return FOLDERS.get(folder or "")


class Counts:
    """What callgrind wrote: functions, (object, source, name), what each of their instructions cost, and what they called from where."""

    def __init__(self, path):
        self.own = collections.defaultdict(collections.Counter)  # {function: {address: count}}
        self.calls = []  # (function, address, (object, name, address) of the called, what was spent there)
        self.total = 0
        with open(path, encoding="utf-8", errors="replace") as file:
            self._read(file)

    def _read(self, file):
        object_, source, function, called, name, target = "", "", None, "", "", None
        for line in file:
            key, equals, value = line.rstrip("\n").partition("=")
            if line[:2] == "0x":
                address, _, spent = line.split()
                if target is None:
                    self.own[function][int(address, 16)] += int(spent)
                else:
                    self.calls.append((function, int(address, 16), (called or object_, name, target), int(spent)))
                    called, target = "", None
            elif not equals:
                self.total = int(line.split()[1]) if line.startswith("summary:") else self.total
            elif key == "ob":
                object_ = value
            elif key == "fl":
                source = value
            elif key == "fn":
                function = (object_, source, value)
            elif key == "cob":
                called = value
            elif key == "cfn":
                name = value
            elif key == "calls":
                target = int(value.split()[1], 16)


def count(words, out):
    """Runs the words under callgrind, which writes to out."""
    command = ["valgrind", "--tool=callgrind", "--dump-instr=yes", "--compress-strings=no", "--compress-pos=no",
               "--callgrind-out-file=" + out]
    done = subprocess.run(command + words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          check=False, env=ENVIRONMENT)
    if done.returncode != 0 or not os.path.exists(out):
        raise Unable("callgrind: %s: exit status %d: %s" % (" ".join(words), done.returncode, done.stderr[-500:]))
    return Counts(out)


def stages_of(program, addresses):
    """{address: stage}, without those that no stage owns."""
    addresses = sorted(addresses)
    asked = "".join("%#x\n" % address for address in addresses)
    done = subprocess.run(["addr2line", "--inlines", "--addresses", "--exe", program], input=asked, stdout=subprocess.PIPE, text=True,
                          check=True)
    found, address = {}, None
    for line in done.stdout.splitlines():
        if line.startswith("0x"):
            address = int(line, 16)
        elif address not in found and (stage := stage_of(re.sub(r":[\d?]+( \(discriminator \d+\))?$", "", line))):
            found[address] = stage
    if not found:
        raise Unable("%s has no debug information" % program)
    return found


class Shares:
    """For each function that is not a stage's, or not as a whole: for which stages it works, and how much."""

    def __init__(self, counts, program, owner):
        self.owner, self.program = owner, program
        self.entries = {(function[0], function[2], address): function for function, own in counts.items() for address in own}
        self.callers = collections.defaultdict(collections.Counter)  # {called: {stage or calling function: spent}}

    def stage(self, function, address):
        return self.owner.get(address) if function[0] == self.program else None

    def learn(self, calls):
        for function, address, target, spent in calls:
            called = self.entries.get(target)
            if called is not None and called != function:
                self.callers[called][self.stage(function, address) or function] += spent

    def settle(self):
        """{function: {stage: share}}. Tools call tools, in circles too, so it is done until nothing changes."""
        shares = {}
        for _ in range(ROUNDS_MAX):
            after = {called: self._one(callers, shares) for called, callers in self.callers.items()}
            moved = max((abs(part - shares.get(called, {}).get(stage, 0)) for called, one in after.items() for stage, part in one.items()),
                        default=0)
            shares = after
            if moved < SETTLED:
                break
        return shares

    @staticmethod
    def _one(callers, shares):
        whole = sum(callers.values())
        one = collections.Counter()
        for caller, spent in callers.items():
            parts = {caller: 1} if isinstance(caller, str) else shares.get(caller) or {"rest": 1}
            for stage, part in parts.items():
                one[stage] += part * spent / whole if whole else 0
        return one


def split(counts, program, owner):
    """{stage: instructions} of all that was counted."""
    shares = Shares(counts.own, program, owner)
    shares.learn(counts.calls)
    settled = shares.settle()
    sums = collections.Counter()
    for function, own in counts.own.items():
        for address, spent in own.items():
            stage = shares.stage(function, address)
            for name, part in ({stage: 1} if stage else settled.get(function) or {"rest": 1}).items():
                sums[name] += part * spent
    return sums


def ours(counts, program):
    """The addresses of the program's own that were counted."""
    return {address for function, own in counts.own.items() if function[0] == program for address in own}


def split_alone(counts, program):
    program = os.path.realpath(program)
    return split(counts, program, stages_of(program, ours(counts, program)))


def of_runs(program, runs):
    """runs: {name: words after the program's}; {name: ({stage: instructions}, total)}."""
    program = os.path.realpath(program)
    with tempfile.TemporaryDirectory(prefix="smbtap-callgrind-") as folder:
        counted = {name: count([program] + words, os.path.join(folder, "out")) for name, words in runs.items()}
    owner = stages_of(program, set().union(*(ours(one, program) for one in counted.values())))
    return {name: (split(one, program, owner), one.total) for name, one in counted.items()}

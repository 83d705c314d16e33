#!/usr/bin/env python3
"""What meson install puts where, and whether systemd, systemd-sysusers, systemd-tmpfiles and logrotate take it.

usage: install.py SMBTAP

A build of its own is set up for the prefix /usr, and takes SMBTAP for the program that it would build.
"""
import os
import re
import shutil
import stat
import sys
import tempfile

from installed import call, install, set_up, told
from tap import check, finish, skip, skip_all

EXPOSURE_MOST = 20  # tenths
UNITS = ("smbtap.service", "smbtap@.service")
INSTALLED = {
    "etc/logrotate.d/smbtap": 0o644,
    "etc/smbtap/smbtap.yaml": 0o644,
    "UNITS/smbtap.service": 0o644,
    "UNITS/smbtap@.service": 0o644,
    "usr/bin/smbtap": 0o755,
    "usr/lib/sysusers.d/smbtap.conf": 0o644,
    "usr/lib/tmpfiles.d/smbtap.conf": 0o644,
    "usr/share/bash-completion/completions/smbtap": 0o644,
    "usr/share/man/man7/smbtap-outputs.7": 0o644,
    "usr/share/man/man8/smbtap.8": 0o644,
}
# Debian 12 has the first, as systemd.pc says; without that it is the second, and on a system with one /usr they are the same.
UNIT_FOLDERS = ("lib/systemd/system", "usr/lib/systemd/system")


def present(root):
    """Path below root and permissions of each file, and the folder of the units."""
    found, units = {}, None
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            for units_here in UNIT_FOLDERS:
                if path.startswith(units_here + "/"):
                    units, path = units_here, "UNITS/" + name
            found[path] = stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
    return found, units


def hold_files(build, root):
    run = install(build, root)
    check("meson install with a DESTDIR", run.returncode == 0, told(run))
    found, units = present(root)
    check("every file is where Debian has it, and no other", found == INSTALLED,
          *["%s: is %s, wanted %s" % (path, *("%o" % mode if mode else "not there" for mode in (found.get(path), INSTALLED.get(path))))
            for path in sorted(found.keys() | INSTALLED.keys()) if found.get(path) != INSTALLED.get(path)])
    return os.path.join(root, units or UNIT_FOLDERS[0])


def hold_again(build, root):
    """What the operator changed outlives the next version."""
    name = "etc/logrotate.d/smbtap"
    path = os.path.join(root, name)
    with open(path, "r+", encoding="ascii") as file:
        text = file.read()
        file.write("# changed\n")
    run = install(build, root)
    with open(path, encoding="ascii") as file:
        stays = file.read() == text + "# changed\n"
    found, _ = present(root)
    check("what the operator changed is not written over", run.returncode == 0 and stays, told(run))
    check("the new one is beside it", set(found) == set(INSTALLED) | {name + ".new"}, sorted(found))
    os.replace(path + ".new", path)


def hold_unit(smbtap, folder, units, name):
    """systemd-analyze looks for the program, which is not in /usr/bin here."""
    with open(os.path.join(units, name), encoding="utf-8") as file:
        text = file.read()
    check("%s: nothing is left of its template" % name, not re.search(r"@\w+@", text), text)
    check("%s: one program, that of bindir" % name, re.findall(r"^ExecStart=(\S+)", text, re.M) == ["/usr/bin/smbtap"], text)
    copy = os.path.join(folder, name)
    with open(copy, "w", encoding="utf-8") as file:
        file.write(text.replace("ExecStart=/usr/bin/smbtap", "ExecStart=" + os.path.abspath(smbtap)))
    run = call("systemd-analyze", "verify", "--man=no", copy)
    check("%s: systemd-analyze verify" % name, run.returncode == 0 and not run.stderr, told(run))
    run = call("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=%d" % EXPOSURE_MOST, copy)
    exposure = re.search(r"Overall exposure level for \S+ (\d+)\.(\d)", run.stdout)
    tenths = int(exposure.group(1)) * 10 + int(exposure.group(2)) if exposure else None
    check("%s: its exposure is below %.1f: %s" % (name, EXPOSURE_MOST / 10, tenths and tenths / 10),
          run.returncode == 0 and tenths is not None and tenths < EXPOSURE_MOST, told(run))


def hold_units(smbtap, folder, units):
    if not shutil.which("systemd-analyze"):
        skip("systemd takes the units", "systemd-analyze is not installed")
        return
    for name in UNITS:
        hold_unit(smbtap, folder, units, name)


def hold_user(root):
    """systemd-sysusers makes the user, and systemd-tmpfiles the folders, which are that user's."""
    if not shutil.which("systemd-sysusers") or not shutil.which("systemd-tmpfiles") or os.geteuid() != 0:
        skip("user and folders are made", "needs root, systemd-sysusers and systemd-tmpfiles")
        return
    run = call("systemd-sysusers", "--root=" + root, "smbtap.conf")
    with open(os.path.join(root, "etc/passwd"), encoding="ascii") as file:
        user = dict(zip(("name", "password", "uid", "gid", "title", "home", "shell"), file.read().strip().split(":")))
    check("systemd-sysusers: a user of the system that cannot log in",
          user["name"] == "smbtap" and 0 < int(user["uid"]) < 1000 and user["shell"].endswith("nologin"), told(run), user)
    run = call("systemd-tmpfiles", "--root=" + root, "--create", "smbtap.conf")
    for path in ("var/lib/smbtap", "var/log/smbtap"):
        made = os.stat(os.path.join(root, path))
        check("systemd-tmpfiles: %s is that user's" % path,
              (made.st_uid, made.st_gid, stat.S_IMODE(made.st_mode)) == (int(user["uid"]), int(user["gid"]), 0o750), told(run), made)


def hold_logrotate(folder, root):
    """As installed, but for the folder, the user (who need not be there) and the signal. The second time the file of the
    first time is packed; the one that is still written to never."""
    if not shutil.which("logrotate"):
        skip("logrotate", "is not installed")
        return
    logs, signals, rules = (os.path.join(folder, name) for name in ("log", "signals", "rules"))
    os.mkdir(logs)
    with open(os.path.join(root, "etc/logrotate.d/smbtap"), encoding="ascii") as file:
        text = file.read()
    text = text.replace("/var/log/smbtap", logs).replace("su smbtap smbtap", "")
    text = re.sub(r"systemctl kill.*", "echo HUP >> " + signals, text)
    with open(rules, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(rules, 0o644)
    for content, time in (("first\n", "20010909-1000000000"), ("second\n", "20010910-1000086400")):
        for name in ("records.jsonl", "eth1.jsonl"):
            with open(os.path.join(logs, name), "w", encoding="ascii") as file:
                file.write(content)
        run = call("logrotate", "--force", "--state", os.path.join(folder, "state"), rules)
        check("logrotate: %s" % content.strip(), run.returncode == 0 and not run.stderr, told(run))
        for name in os.listdir(logs):  # another day, without waiting for it
            os.rename(os.path.join(logs, name), os.path.join(logs, re.sub(r"-20[2-9]\d{5}-\d+", "-" + time, name)))
    left = sorted(os.listdir(logs))
    check("logrotate: what was moved last is not packed, and none is made", len(left) == 4 and
          sorted(name.endswith(".gz") for name in left) == [False, False, True, True], left)
    with open(signals, encoding="ascii") as file:
        sent = file.read()
    check("logrotate: one signal each time for all files", sent == "HUP\nHUP\n", sent)


def main():
    smbtap = sys.argv[1]
    if not shutil.which("meson"):
        skip_all("meson is not installed")
    with tempfile.TemporaryDirectory(prefix="smbtap-install-") as folder:
        root = os.path.join(folder, "root")
        build, run = set_up(smbtap, folder)
        if not check("a build for /usr is set up", run.returncode == 0, told(run)):
            finish()
        units = hold_files(build, root)
        hold_again(build, root)
        hold_units(smbtap, folder, units)
        hold_user(root)
        hold_logrotate(folder, root)
    finish()


main()

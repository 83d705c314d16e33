#!/usr/bin/env python3
"""The installed service under a systemd of its own: a container (systemd-nspawn) on a copy of this system that is thrown away,
with a network of its own, is started with guest.py, which does the testing.

usage: boot.py SMBTAP [--keep]    --keep shows what the container said
"""
import os
import shutil
import subprocess
import sys
import tempfile

from installed import install, set_up, told
from tap import PCAPS, ROOT, check, finish, skip_all

APART = "SMBTAP_TEST_APART"  # set in the mount namespace of its own
GUEST = "/smbtap-test"
NEEDED = ("meson", "openssl", "systemd-nspawn", "unshare", "mount", "ip")
PACKETS = "dialect-3.1.1.pcap"
OF_NSPAWN = "/run/systemd/nspawn"
SECONDS_MOST = 240
# Of what a system does at its start this needs nothing, and some of it walks through all files.
MASKED = ("systemd-tmpfiles-setup.service", "systemd-tmpfiles-setup-dev.service", "systemd-update-utmp.service",
          "systemd-sysctl.service", "systemd-binfmt.service", "systemd-udevd.service", "systemd-udev-trigger.service",
          "systemd-random-seed.service", "systemd-remount-fs.service", "systemd-firstboot.service", "apparmor.service")
TARGET = """[Unit]
Requires=basic.target smbtap-test.service
After=basic.target
"""
SERVICE = """[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 %s/guest.py %s/%s
StandardOutput=file:%s/result
StandardError=file:%s/errors
ExecStopPost=/bin/systemctl --force --no-block poweroff
""" % (GUEST, GUEST, PACKETS, GUEST, GUEST)


def missing():
    """Why it cannot be done here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for name in NEEDED:
        if not shutil.which(name):
            return "%s is not installed" % name
    return None


def go_apart():
    """Again, in a mount namespace of its own: what is mounted goes with it."""
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable] + sys.argv, env=dict(os.environ, **{APART: "1"}))
    sys.exit(done.returncode)


def mounted(*arguments):
    return subprocess.run(["mount"] + list(arguments), capture_output=True).returncode == 0


def copy_of_this_system(folder):
    """This system below folder; what is changed there is in memory. None where that cannot be had."""
    root, changes, work = (os.path.join(folder, name) for name in ("root", "changes", "work"))
    if not mounted("-t", "tmpfs", "none", folder):
        return None
    for path in (root, changes, work):
        os.mkdir(path)
    layers = "lowerdir=/,upperdir=%s,workdir=%s" % (changes, work)
    return root if mounted("-t", "overlay", "overlay", "-o", layers, root) else None


def unmount(root, folder):
    """Else the folder could not be removed."""
    subprocess.run(["umount"] + ([root] if root else []) + [folder], capture_output=True)


def write(root, path, text):
    path = root + path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.remove(path)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def furnish(root):
    units = root + "/etc/systemd/system"
    for name in MASKED:
        link = os.path.join(units, name)
        if os.path.lexists(link):
            os.remove(link)
        os.symlink("/dev/null", link)
    write(root, "/etc/machine-id", "5b6d62746170000000000000000000" + "01\n")
    write(root, "/etc/systemd/system/smbtap-test.target", TARGET)
    write(root, "/etc/systemd/system/smbtap-test.service", SERVICE)
    os.mkdir(root + GUEST)
    here = os.path.dirname(os.path.abspath(__file__))
    for path in (os.path.join(here, "guest.py"), os.path.join(ROOT, "tests", "tap.py"), os.path.join(ROOT, "tests", "pcapfile.py"),
                 os.path.join(ROOT, "tests", "sinks", "certificates.py"), os.path.join(PCAPS, PACKETS)):
        shutil.copy(path, root + GUEST)


def boot(root):
    """What the container said. It stops itself."""
    with subprocess.Popen(["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory=" + root, "--machine=smbtap-test-%d" % os.getpid(),
                           "--private-network", "--link-journal=no", "--console=pipe", "--boot", "--", "systemd.unit=smbtap-test.target"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as container:
        try:
            return container.communicate(timeout=SECONDS_MOST)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            container.kill()
            return container.communicate()[0].decode("utf-8", "replace") + "\nit did not end in %d seconds" % SECONDS_MOST


def left(root, name):
    """What the guest wrote there; None where it did not come to that."""
    path = root + GUEST + "/" + name
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def main():
    why = missing()
    if why:
        skip_all(why)
    if APART not in os.environ:
        go_apart()
    with tempfile.TemporaryDirectory(prefix="smbtap-boot-") as folder:
        root = copy_of_this_system(folder)
        os.makedirs(OF_NSPAWN, exist_ok=True)  # before its first container it is not there
        if not root or not mounted("-t", "tmpfs", "none", OF_NSPAWN):
            unmount(root, folder)
            skip_all("a copy of this system cannot be mounted")
        build, run = set_up(sys.argv[1], folder)
        run = install(build, root) if run.returncode == 0 else run
        if run.returncode != 0:
            check("meson install", False, told(run))
            finish()
        furnish(root)
        said = boot(root)
        result, errors = left(root, "result"), left(root, "errors")
        if "--keep" in sys.argv[2:]:
            print("# " + said.replace("\n", "\n# "))
        unmount(root, folder)
    if result is None:
        skip_all("a container does not start here: " + " ".join(said.split()[-12:]))
    sys.stdout.write(result)
    if "\n1.." not in result:
        print("Bail out! it did not come to its end\n# " + (said + (errors or "")).replace("\n", "\n# "))
        sys.exit(1)
    sys.exit(1 if "\nnot ok" in "\n" + result else 0)


main()

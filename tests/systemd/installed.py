"""What the scripts about the installed service share: a build for the prefix /usr, installed under a folder."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import ROOT


def call(*command, timeout=120, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **more)


def told(run):
    return "exit status %d\n%s%s" % (run.returncode, run.stdout, run.stderr)


def set_up(smbtap, folder):
    """A build folder below folder, and how meson setup went. It is not built: smbtap is taken for its program."""
    build = os.path.join(folder, "build")
    run = call("meson", "setup", build, "--prefix=/usr", "-Dtests=false", cwd=ROOT)
    if run.returncode == 0:
        shutil.copy(smbtap, os.path.join(build, "smbtap"))
    return build, run


def install(build, root):
    return call("meson", "install", "-C", build, "--no-rebuild", "--destdir", root)

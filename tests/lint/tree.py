"""What the lints share: the files of the source tree, and how a complaint is made. Whether git knows them does not
matter."""
import os
import re
import sys

SKIPPED = re.compile(r"^(build.*|\.git|\.cache|__pycache__|found|failed)$")
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
complaints = []


def files(root, *suffixes, below=""):
    """Paths relative to root, sorted, of the files whose name ends in one of the suffixes; of all without one."""
    found = []
    for folder, folders, names in os.walk(os.path.join(root, below)):
        folders[:] = sorted(name for name in folders if not SKIPPED.match(name))
        for name in sorted(names):
            if name != ".git" and (not suffixes or name.endswith(suffixes)):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def scripts(root, interpreter):
    """The files that begin with #! and that interpreter."""
    found = []
    for path in files(root):
        with open(os.path.join(root, path), "rb") as file:
            first = file.readline(200)
        if first.startswith(b"#!") and re.search(rb"\b%s\d?\b" % interpreter.encode(), first):
            found.append(path)
    return found


def without_comments(text):
    """C without comments and with empty literals; line numbers stay as they are."""
    def blank(match):
        whole = match.group()
        return '""' if whole[0] in "\"'" else " " + "\n" * whole.count("\n")
    return COMMENT_OR_TEXT.sub(blank, text)


def complain(path, line, what):
    complaints.append("%s:%d: %s" % (path, line, what) if line else "%s: %s" % (path, what))


def finish(good):
    """Prints the complaints, or what was found to be good, and ends."""
    print("\n".join(complaints) if complaints else good)
    sys.exit(1 if complaints else 0)


def skip(why):
    print(why)
    sys.exit(77)

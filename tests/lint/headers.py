#!/usr/bin/env python3
"""Every header compiles alone, with gcc and clang as far as they are there, and every source includes its own header
first."""
import os
import re
import shutil
import subprocess
import sys

import tree

FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-I.", "-Iinclude", "-Isrc", "-Wall", "-Wextra", "-Wundef", "-Wstrict-prototypes",
         "-Werror", "-fsyntax-only", "-x", "c", "-"]
FIRST_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.M)

root = sys.argv[1]
compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
if not compilers:
    tree.skip("neither gcc nor clang is installed")
headers = [path for top in ("include", "src", "dissectors", "tests") for path in tree.files(root, ".h", below=top)]
for header in headers:
    for compiler in compilers:
        # Twice: an include guard that does not guard shows itself.
        text = '#include "%s"\n#include "%s"\n' % (header, header)
        run = subprocess.run([compiler] + FLAGS, cwd=root, input=text, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        if run.returncode != 0:
            tree.complain(header, 0, "does not compile alone with %s:\n%s" % (compiler, run.stdout))

sources = [path for top in ("src", "dissectors") for path in tree.files(root, ".c", below=top)]
for source in sources:
    stem = os.path.splitext(source)[0]
    own = [path for path in (stem + ".h", "include/" + os.path.basename(stem) + ".h") if path in headers]
    first = FIRST_INCLUDE.search(tree.read(root, source))
    if own and (not first or os.path.basename(first.group(1)) != os.path.basename(own[0])):
        tree.complain(source, 0, "does not include its own header, %s, first" % own[0])
tree.finish("%d headers compile alone with %s" % (len(headers), " and ".join(compilers)))

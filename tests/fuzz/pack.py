#!/usr/bin/env python3
"""Corpora in one file: found.hex has an input on each line, in hexadecimal; the smallest first. replay.c reads such files as they are, the
fuzzers take folders.

usage: pack.py unpack TO CORPUS...    every input of the corpora's .hex files becomes a file of the folder TO
       pack.py add CORPUS FROM        the inputs in the folder FROM go into CORPUS/found.hex
"""
import hashlib
import os
import sys

PACKED = "found.hex"


def read(path):
    with open(path, encoding="ascii") as file:
        return [bytes.fromhex(line) for line in file.read().split("\n") if line]


def unpack(to, corpora):
    os.makedirs(to, exist_ok=True)
    for corpus in corpora:
        for name in sorted(os.listdir(corpus)):
            for data in read(os.path.join(corpus, name)) if name.endswith(".hex") else ():
                with open(os.path.join(to, hashlib.sha1(data).hexdigest()), "wb") as file:
                    file.write(data)


def add(corpus, source):
    os.makedirs(corpus, exist_ok=True)
    path = os.path.join(corpus, PACKED)
    inputs = set(read(path)) if os.path.exists(path) else set()
    for name in os.listdir(source):
        with open(os.path.join(source, name), "rb") as file:
            inputs.add(file.read())
    with open(path, "w", encoding="ascii") as file:
        file.write("".join(data.hex() + "\n" for data in sorted(inputs, key=lambda data: (len(data), data)) if data))


def main():
    if sys.argv[1:2] == ["unpack"] and len(sys.argv) > 2:
        unpack(sys.argv[2], sys.argv[3:])
    elif sys.argv[1:2] == ["add"] and len(sys.argv) == 4:
        add(sys.argv[2], sys.argv[3])
    else:
        print(__doc__, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

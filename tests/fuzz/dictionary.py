#!/usr/bin/env python3
"""Writes the words of the protocols as a dictionary for libFuzzer and AFL++, from the tables that the program is built with.

usage: dictionary.py TABLES OUTPUT
"""
import os
import re
import sys

ROW = re.compile(r"^\w+\((\w+), *(\w+)")
# Tables whose number is a word of the wire by itself, and how wide it is there.
NUMBERS = {"dialect": 2, "fsctl": 4, "ioctl_flag": 4, "negotiate_context": 2, "cipher": 2, "signing_algorithm": 2,
           "compression_algorithm": 2, "hash_algorithm": 2, "reparse_tag": 4, "error_id": 4, "tree_connect_context": 2,
           "smb1_query_level": 2, "smb1_set_level": 2, "smb1_find_level": 2, "smb1_query_fs_level": 2,
           "smb1_set_fs_level": 2, "smb1_trans2_subcommand": 2, "smb1_trans_subcommand": 2, "smb1_nt_subcommand": 2,
           "smb1_rename_level": 2, "rap_opcode": 2, "notification_type": 4}
STATUSES = ("STATUS_PENDING", "STATUS_MORE_PROCESSING_REQUIRED", "STATUS_BUFFER_OVERFLOW", "STATUS_NOTIFY_ENUM_DIR",
            "STATUS_STOPPED_ON_SYMLINK", "STATUS_ACCESS_DENIED", "STATUS_NO_MORE_FILES", "STATUS_BUFFER_TOO_SMALL")
MAGICS = (b"\xffSMB", b"\xfeSMB", b"\xfdSMB", b"\xfcSMB", b"NTLMSSP\0", b"\x81\0\0\x44", b"\x82\0\0\0", b"\x83\0\0\1",
          b"\x85\0\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff" * 16, b"\xd4\xc3\xb2\xa1\x02\0\x04\0")
# The NEGOTIATE of SMB1, MS-CIFS 2.2.4.52 and MS-SMB2 2.2.2; the SMB1 pipe name; share types.
STRINGS = (b"\x02PC NETWORK PROGRAM 1.0\0", b"\x02LANMAN1.0\0", b"\x02LM1.2X002\0", b"\x02LANMAN2.1\0",
           b"\x02NT LM 0.12\0", b"\x02SMB 2.002\0", b"\x02SMB 2.???\0", b"\\PIPE\\\0", b"\\MAILSLOT\\", b"A:\0",
           b"IPC\0", b"LPT1:\0", b"?????\0", b"NTFS\0")
# Object identifiers with their tag: SPNEGO, NTLMSSP, Kerberos (two), NEGOEX; and the tags of DER around them.
DER = (b"\x06\x06\x2b\x06\x01\x05\x05\x02", b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a",
       b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", b"\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02",
       b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e", b"\x60\x82", b"\xa0\x82", b"\xa1\x82", b"\xa2\x82",
       b"\x30\x82", b"\x04\x82", b"\x30\x80", b"\x04\x84\xff\xff\xff\xff")


def rows(tables, name):
    """The first two columns of a table."""
    with open(os.path.join(tables, name + ".def"), encoding="utf-8") as file:
        return [found.groups() for found in map(ROW.match, file) if found]


def numbers(tables):
    for name, width in sorted(NUMBERS.items()):
        for number, _ in rows(tables, name):
            yield int(number, 0).to_bytes(width, "little")


def smb2(tables):
    """Command and StructureSize of each command; contexts of CREATE as they begin; classes behind their type."""
    with open(os.path.join(tables, "smb2_command.def"), encoding="utf-8") as file:
        for number, request, response in re.findall(r"^SMB2_COMMAND\(\w+, \w+, (\w+), (\d+), (\d+)", file.read(), re.M):
            yield int(number, 16).to_bytes(2, "little")
            yield int(request).to_bytes(2, "little")
            yield int(response).to_bytes(2, "little")
    with open(os.path.join(tables, "create_context.def"), encoding="utf-8") as file:
        for name in re.findall(r'^CREATE_CONTEXT\(\w+, "([^"]*)"', file.read(), re.M):
            wire = re.sub(rb"\\x([0-9A-Fa-f]{2})", lambda hex: bytes([int(hex.group(1), 16)]), name.encode())
            yield wire
            if len(wire) == 4:
                yield b"\x10\0\x04\0\0\0\x18\0\x10\0\0\0" + wire
    for kind, table in ((1, "file_info_class"), (2, "fs_info_class")):
        for number, _ in rows(tables, table):
            yield bytes([kind, int(number, 0)])


def smb1(tables):
    """Each command as AndX names it."""
    for number, _ in rows(tables, "smb1_command"):
        yield bytes([int(number, 16), 0])


def ntlm():
    """The three messages, and AV_PAIRs with nothing in them, MS-NLMP 2.2.1 and 2.2.2.1."""
    for number in (1, 2, 3):
        yield b"NTLMSSP\0" + number.to_bytes(4, "little")
    for number in range(11):
        yield number.to_bytes(2, "little") + b"\0\0"


def statuses(tables):
    known = {name: number for number, name in rows(tables, "ntstatus")}
    for name in STATUSES:
        yield int(known[name], 16).to_bytes(4, "little")


def quoted(word):
    return '"%s"' % "".join(chr(byte) if 32 < byte < 127 and byte not in b'"\\' else "\\x%02x" % byte for byte in word)


def main():
    tables, output = sys.argv[1:]
    words = set(MAGICS + STRINGS + DER)
    for more in (numbers(tables), smb2(tables), smb1(tables), ntlm(), statuses(tables)):
        words.update(more)
    with open(output, "w", encoding="ascii") as file:
        file.write("".join(quoted(word) + "\n" for word in sorted(words)))


if __name__ == "__main__":
    main()

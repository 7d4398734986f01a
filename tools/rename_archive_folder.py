"""Renames the top folder of a tar archive and changes no other byte.

Debian's copy of Abseil differs from upstream's archive in that name alone, so what comes out has
upstream's checksum. Python's tarfile cannot do this: it spells mode and size fields its own way.

Usage: rename_archive_folder.py OLD NEW < old.tar > new.tar
"""

import sys

BLOCK = 512
NAME = slice(0, 100)
SIZE = slice(124, 136)
CHECKSUM = slice(148, 156)
PREFIX = slice(345, 500)


def renamed(header: bytes, old: bytes, new: bytes) -> bytes:
    # A ustar path is PREFIX/NAME; the top folder stands in the prefix when there is one.
    place = PREFIX if header[PREFIX].rstrip(b"\0") else NAME
    path = header[place].rstrip(b"\0")
    if path != old and not path.startswith(old + b"/"):
        return header
    path = new + path[len(old) :]
    room = place.stop - place.start
    if len(path) > room:
        sys.exit(f"rename_archive_folder: {path.decode()} is longer than its {room} bytes")
    changed = bytearray(header)
    changed[place] = path.ljust(room, b"\0")
    changed[CHECKSUM] = b" " * 8
    changed[CHECKSUM] = b"%07o\0" % sum(changed)
    return bytes(changed)


def main() -> None:
    old, new = (argument.encode() for argument in sys.argv[1:])
    archive = sys.stdin.buffer.read()
    write = sys.stdout.buffer.write
    at = 0
    while any(archive[at : at + BLOCK]):
        header = archive[at : at + BLOCK]
        blocks = -(-int(header[SIZE].rstrip(b"\0 "), 8) // BLOCK)
        end = at + BLOCK * (1 + blocks)
        write(renamed(header, old, new))
        write(archive[at + BLOCK : end])
        at = end
    write(archive[at:])


main()

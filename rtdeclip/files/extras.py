"""Parts of a file that are neither samples nor text tags, so that their loss is told.

libsndfile hands over ten text tags; pictures, cue points, broadcast data and the like
stay behind. Only the container's table of contents is read here.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# What the samples need, padding, and the text tags that are carried over.
_CARRIED = {
    *("fmt", "fact", "data", "ds64", "JUNK", "junk", "PEAK", "FLLR", "PAD", "LIST"),
    *("COMM", "SSND", "FVER", "NAME", "AUTH", "ANNO", "(c)", "APPL"),
}
_FLAC_PARTS = {2: "application data", 5: "cue sheet", 6: "picture"}
_RIFF_PARTS = {
    "bext": "broadcast data (bext)",
    "cue": "cue points",
    "smpl": "sampler loops",
    "iXML": "iXML",
    "id3": "ID3 tags",
    "ID3": "ID3 tags",
    "MARK": "markers",
    "INST": "instrument data",
}


def unkept_parts(path: Path) -> list[str]:
    """Names of the parts of a WAV, AIFF or FLAC file that will not be carried over.

    Args:
        path: a readable file; of other formats nothing is known and [] returned.
    """
    with path.open("rb") as file:
        start = file.read(4)
        if start == b"fLaC":
            found = [_FLAC_PARTS.get(kind, "") for kind in _flac_kinds(file)]
        elif start in (b"RIFF", b"RF64", b"FORM"):
            order = ">" if start == b"FORM" else "<"
            found = [
                "" if kind in _CARRIED else _RIFF_PARTS.get(kind, f"{kind} chunk")
                for kind in _chunk_kinds(file, order)
            ]
        else:
            found = []
    return sorted({name for name in found if name})


def _flac_kinds(file: BinaryIO) -> Iterator[int]:
    last = False
    while not last and len(head := file.read(4)) == 4:
        last = bool(head[0] & 0x80)
        yield head[0] & 0x7F
        file.seek(int.from_bytes(head[1:], "big"), 1)


def _chunk_kinds(file: BinaryIO, order: str) -> Iterator[str]:
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind = head[:4].decode("latin-1").strip()
        if not kind.isprintable() or not kind.isascii():
            return  # lost the thread in a damaged file
        yield kind
        n = struct.unpack(f"{order}I", head[4:])[0]
        if n >= 0x7FFF0000:
            return  # data of more than 2 GB, or of unknown length
        file.seek(n + n % 2, 1)

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rtdeclip.files.extras import unkept_parts


def add_chunk(path: Path, kind: bytes) -> None:
    data = path.read_bytes()
    path.write_bytes(data + kind + struct.pack("<I", 3) + b"abc\0")


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.aiff", "x.ogg", "x.rf64"])
def test_a_plain_file_with_tags_loses_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with sf.SoundFile(path, "w", 48000, 1) as file:
        file.title = "t"
        file.comment = "c"
        file.write(np.zeros(100))
    assert unkept_parts(path) == []


def test_parts_of_a_wav_that_stay_behind_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    sf.write(path, np.zeros(100), 48000)
    for kind in (b"cue ", b"bext", b"zzzz", b"cue "):
        add_chunk(path, kind)
    assert unkept_parts(path) == ["broadcast data (bext)", "cue points", "zzzz chunk"]


def test_pictures_in_flac_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    sf.write(path, np.zeros(100), 48000)
    data = path.read_bytes()
    picture = bytes([6]) + (10).to_bytes(3, "big") + bytes(10)
    path.write_bytes(data[:42] + picture + data[42:])  # after STREAMINFO
    assert data[4] & 0x7F == 0
    assert unkept_parts(path) == ["picture"]


def test_damaged_tables_of_contents_end_the_search(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    sf.write(path, np.zeros(100), 48000)
    path.write_bytes(path.read_bytes() + bytes(range(128, 160)))
    assert unkept_parts(path) == []

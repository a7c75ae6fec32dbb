import os
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rtdeclip.errors import FileError
from rtdeclip.files.read import FileSource, Source, clean, is_pipe, open_source
from rtdeclip.files.wav import header_bytes
from rtdeclip.types import Samples


def read_all(source: Source, n_samples: int = 1000) -> Samples:
    with closing(source):
        blocks = [np.zeros((0, source.n_channels), np.float32)]
        while len(block := source.read(n_samples)):
            blocks.append(block)
    return np.concatenate(blocks)


@pytest.mark.parametrize("n_samples", [1, 509, 100_000])
def test_blocks_of_any_length_make_the_whole_file(
    recording: Path, clipped: Samples, n_samples: int
) -> None:
    expected = clipped if n_samples > 1 else clipped[:200]
    source = open_source(str(recording))
    assert (source.sample_rate, source.n_channels) == (16000, 2)
    assert source.n_samples == len(clipped)
    assert source.tags["title"] == "Two strings"
    if n_samples == 1:
        with closing(source):
            got = np.concatenate([source.read(1) for _ in range(200)])
    else:
        got = read_all(source, n_samples)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "opus", "mp3", "aiff", "caf", "w64"])
def test_every_format_is_read_as_libsndfile_reads_it(
    tmp_path: Path, clipped: Samples, suffix: str
) -> None:
    path = tmp_path / f"x.{suffix}"
    if suffix == "opus":
        sf.write(path, clipped, 16000, format="OGG", subtype="OPUS")
    else:
        sf.write(path, clipped, 16000)
    expected, _ = sf.read(path, dtype="float32", always_2d=True)
    got = read_all(open_source(str(path)))
    # mpg123's rounding depends on where its buffers lie.
    np.testing.assert_allclose(got, expected, atol=3e-7 if suffix == "mp3" else 0)


def test_non_finite_samples_become_zero_and_are_counted(tmp_path: Path) -> None:
    x = np.ones((100, 1), np.float32)
    x[[3, 40, 41], 0] = np.nan, np.inf, -np.inf
    path = tmp_path / "x.wav"
    sf.write(path, x, 8000, subtype="FLOAT")
    source = open_source(str(path))
    got = read_all(source, 30)
    assert source.nonfinite_samples == 3
    assert got[[3, 40, 41], 0].tolist() == [0, 0, 0]
    assert got.sum() == 97
    assert clean(got) == 0


@pytest.mark.parametrize("suffix", ["wav", "flac", "rf64"])
def test_a_truncated_file_gives_what_is_there_and_says_what_is_missing(
    tmp_path: Path, suffix: str
) -> None:
    x = np.random.default_rng(0).uniform(-0.5, 0.5, 200_000).astype(np.float32)
    path = tmp_path / f"x.{suffix}"
    sf.write(path, x, 8000, format=suffix.upper())
    whole, _ = sf.read(path, dtype="float32", always_2d=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = open_source(str(path))
    got = read_all(source, 10_000)
    assert 50_000 < len(got) < 150_000
    np.testing.assert_array_equal(got, whole[: len(got)])
    assert "200000 samples are promised" in source.warnings[0]


def test_a_whole_file_has_no_warnings(recording: Path) -> None:
    source = open_source(str(recording))
    read_all(source, 1001)
    assert source.warnings == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: None, "no file"),
        (lambda p: p.mkdir(), "--out NEW_FOLDER"),
        (lambda p: p.write_bytes(b""), r"empty \(0 bytes\)"),
        (lambda p: p.write_bytes(b"not audio at all" * 50), "ffmpeg -i"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_cure(
    tmp_path: Path, make: object, words: str
) -> None:
    path = tmp_path / "x.wav"
    make(path)
    with pytest.raises(FileError, match=words):
        open_source(str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_named(recording: Path) -> None:
    recording.chmod(0)
    with pytest.raises(FileError, match="Make it readable"):
        FileSource(recording)


def through_fifo(tmp_path: Path, data: bytes) -> tuple[Source, threading.Thread]:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    assert is_pipe(path)
    return open_source(str(path)), writer


@pytest.mark.parametrize("known", [True, False])
def test_a_named_pipe_is_read_as_wav(
    tmp_path: Path, clipped: Samples, known: bool
) -> None:
    header = header_bytes(16000, 2, len(clipped) if known else None)
    trailer = b"LIST\0\0\0\0" if known else b""
    source, writer = through_fifo(tmp_path, header + clipped.tobytes() + trailer)
    assert source.n_samples == (len(clipped) if known else None)
    np.testing.assert_array_equal(read_all(source, 777), clipped)
    assert source.warnings == []
    writer.join()


def test_a_pipe_that_ends_early_says_so(tmp_path: Path, clipped: Samples) -> None:
    data = header_bytes(16000, 2, len(clipped)) + clipped[:1000].tobytes() + b"xyz"
    source, writer = through_fifo(tmp_path, data)
    np.testing.assert_array_equal(read_all(source, 300), clipped[:1000])
    assert "1000 came" in source.warnings[0]
    writer.join()

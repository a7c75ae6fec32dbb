import contextlib
import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from rtdeclip.errors import FileError
from rtdeclip.files.wav import (
    WavHeader,
    decode,
    downgrade_rf64,
    header_bytes,
    read_header,
)


@given(
    rate=st.integers(1, 400_000),
    n_channels=st.integers(1, 200),
    n_samples=st.none() | st.integers(1, 2**40),
)
def test_a_header_reads_back_as_it_was_written(
    rate: int, n_channels: int, n_samples: int | None
) -> None:
    data = header_bytes(rate, n_channels, n_samples)
    header = read_header(io.BytesIO(data), "pipe")
    assert (header.sample_rate, header.n_channels) == (rate, n_channels)
    assert (header.bits, header.floating) == (32, True)
    assert header.size == len(data)
    fits = n_samples is not None and n_samples * n_channels * 4 < 0x7FFF0000
    assert header.n_samples == (n_samples if fits else header.n_samples)
    assert header.n_samples is None or header.n_samples == n_samples


@given(st.binary(max_size=200))
def test_any_bytes_are_either_a_header_or_a_clear_error(data: bytes) -> None:
    for start in (b"", b"RIFF\x00\x00\x00\x00WAVE", header_bytes(8000, 1)[:30]):
        with contextlib.suppress(FileError):  # anything else would fail the test
            header = read_header(io.BytesIO(start + data), "pipe")
            assert header.n_channels > 0


@pytest.mark.parametrize("n_channels", [1, 2, 3, 24])
def test_libsndfile_reads_what_the_header_announces(
    tmp_path: Path, n_channels: int
) -> None:
    x = np.random.default_rng(0).standard_normal((50, n_channels)).astype(np.float32)
    for n_samples in (50, None):
        path = tmp_path / "x.wav"
        path.write_bytes(header_bytes(44100, n_channels, n_samples) + x.tobytes())
        y, rate = sf.read(path, dtype="float32", always_2d=True)
        assert rate == 44100
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]
)
def test_every_packing_decodes_as_libsndfile_does(
    tmp_path: Path, container: str, subtype: str
) -> None:
    x = np.random.default_rng(1).uniform(-1, 0.999, (64, 3))
    path = tmp_path / "x.wav"
    with sf.SoundFile(path, "w", 8000, 3, subtype, format=container) as file:
        file.title = "an odd length"
        file.write(x)
    with path.open("rb") as pipe:
        header = read_header(pipe, "pipe")
        data = pipe.read(header.n_data_bytes or 0)
    assert header.n_samples == 64
    expected, _ = sf.read(path, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(decode(data, header), expected)


def test_a_float64_beyond_float32_becomes_infinite_and_is_counted_later() -> None:
    header = WavHeader(8000, 1, 64, True, 8)
    assert np.isinf(decode(struct.pack("<d", 1e300), header)).all()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "first byte"),
        (b"fLaC\x00\x00\x00\x22abcdefgh", "ffmpeg"),
        (header_bytes(8000, 1)[:40], "cut off"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "no format chunk"),
        (
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"
            + struct.pack("<HHIIHH", 17, 1, 8000, 8000, 1, 4)
            + b"data\0\0\0\0",
            "format 17",
        ),
    ],
)
def test_what_is_no_usable_wav_is_refused_with_the_cure(
    data: bytes, words: str
) -> None:
    with pytest.raises(FileError, match=words):
        read_header(io.BytesIO(data), "the pipe")


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_sizes_of_streaming_writers_mean_until_the_end(size: int) -> None:
    data = header_bytes(8000, 1)[:-4] + struct.pack("<I", size)
    assert read_header(io.BytesIO(data), "pipe").n_samples is None


def test_foreign_chunks_are_named_and_skipped() -> None:
    start, rest = header_bytes(8000, 1, 5)[:12], header_bytes(8000, 1, 5)[12:]
    odd = b"bext" + struct.pack("<I", 70001) + bytes(70002)
    header = read_header(io.BytesIO(start + odd + rest), "pipe")
    assert header.other_chunks == ("bext",)
    assert header.n_samples == 5
    assert header.size == len(start + odd + rest)


def test_a_small_rf64_becomes_a_plain_wav_with_the_same_sound(tmp_path: Path) -> None:
    x = np.random.default_rng(2).standard_normal((1000, 2)).astype(np.float32)
    path = tmp_path / "x.wav"
    with sf.SoundFile(path, "w", 48000, 2, "FLOAT", format="RF64") as file:
        file.title = "kept"
        file.write(x)
    downgrade_rf64(path)
    with sf.SoundFile(path) as file:
        assert file.format in ("WAV", "WAVEX")
        assert file.title == "kept"
        np.testing.assert_array_equal(file.read(dtype="float32"), x)
    riff = struct.unpack("<I", path.read_bytes()[4:8])[0]
    assert riff == path.stat().st_size - 8

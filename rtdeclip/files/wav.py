"""WAV headers for streams that cannot seek: pipes in, pipes out.

libsndfile writes the size of the data into the header at the end, which a pipe does
not allow, and cannot read a WAV from a pipe either. Layout: Microsoft "Multiple
channel audio data and WAVE files" (2007), RF64: EBU Tech 3306.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from rtdeclip.errors import FileError
from rtdeclip.types import Samples

UNKNOWN_SIZE = 0xFFFFFFFF
"""Written, and understood, as: the data lasts until the pipe ends."""
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# Writers that stream put 0 or a round number near 2 or 4 GiB for the unknown size.
_UNKNOWN_FROM = 0x7FFF0000
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_WIDTHS = {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What a WAV header says.

    Args:
        sample_rate: Hz.
        n_channels: 1 or more.
        bits: 8, 16, 24, 32 or 64 per sample.
        floating: True for float samples, False for integers.
        n_data_bytes: length of the data, None when the writer did not know it.
        size: length of the header itself in bytes, up to the first sample.
        other_chunks: names of chunks before the data that carry something else.
    """

    sample_rate: int
    n_channels: int
    bits: int
    floating: bool
    n_data_bytes: int | None
    size: int = 0
    other_chunks: tuple[str, ...] = ()

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.n_channels * self.bits // 8

    @property
    def n_samples(self) -> int | None:
        """Samples per channel, None when the writer did not know it."""
        return (
            None if self.n_data_bytes is None else self.n_data_bytes // self.frame_bytes
        )


def header_bytes(
    sample_rate: int, n_channels: int, n_samples: int | None = None
) -> bytes:
    """The header of a 32-bit float WAV, to be followed by the samples.

    Args:
        sample_rate: Hz.
        n_channels: 1 to 65535.
        n_samples: per channel; None, or more than 4 GB of them, writes the size that
            means "until the end".
    """
    frame = 4 * n_channels
    # The standard asks for the extensible form above two channels; below, SoX warns
    # of it.
    extensible = n_channels > 2
    fmt = struct.pack(
        "<HHIIHHH",
        _EXTENSIBLE if extensible else _FLOAT,
        n_channels,
        sample_rate,
        min(sample_rate * frame, UNKNOWN_SIZE),
        min(frame, 0xFFFF),
        32,
        22 if extensible else 0,
    )
    if extensible:
        fmt += struct.pack("<HIH", 32, 0, _FLOAT) + _GUID_TAIL
    n_fact = UNKNOWN_SIZE if n_samples is None else min(n_samples, UNKNOWN_SIZE)
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt
    body += b"fact" + struct.pack("<II", 4, n_fact)
    n_data = UNKNOWN_SIZE if n_samples is None else n_samples * frame
    n_riff = n_data + len(body) + 8
    if n_riff >= UNKNOWN_SIZE:
        n_riff = n_data = UNKNOWN_SIZE
    return (
        b"RIFF" + struct.pack("<I", n_riff) + body + b"data" + struct.pack("<I", n_data)
    )


def read_header(pipe: BinaryIO, name: str) -> WavHeader:
    """Read up to the first sample.

    Args:
        pipe: at its very beginning; only ``read`` is used.
        name: of the pipe or file, for the messages.

    Raises:
        FileError: not a WAV, or one whose samples are packed in another way than 8 to
            32-bit integers or 32 and 64-bit floats.
    """
    start = pipe.read(12)
    if not start:
        raise FileError(
            f"{name} ended before its first byte; a WAV is needed. Check the command "
            "that writes into the pipe."
        )
    if start[:4] not in (b"RIFF", b"RF64") or start[8:12] != b"WAVE":
        raise FileError(
            f"{name} begins with {start[:4]!r}, not with a WAV header; a pipe must "
            "carry WAV. Convert on the way: ffmpeg -i INPUT -f wav - | rtdeclip …"
        )
    return _read_chunks(pipe, name)


def _read_chunks(pipe: BinaryIO, name: str) -> WavHeader:
    position, long_size = 12, None
    fmt = b""
    others: list[str] = []
    while True:
        head = pipe.read(8)
        if len(head) < 8:
            raise FileError(
                f"The WAV header of {name} ends after {position + len(head)} bytes "
                "without samples; it is cut off. Make the file again."
            )
        kind, n = head[:4], struct.unpack("<I", head[4:])[0]
        position += 8
        if kind == b"data":
            break
        body = _read_body(pipe, n + n % 2)
        position += n + n % 2
        if kind == b"fmt ":
            fmt = body
        elif kind == b"ds64" and len(body) >= 16:
            long_size = struct.unpack("<Q", body[8:16])[0]
        elif kind not in (b"fact", b"JUNK", b"PEAK", b"LIST", b"FLLR"):
            others.append(kind.decode("latin-1").strip())
    return _parse(fmt, n, long_size, position, name, tuple(others))


def _read_body(pipe: BinaryIO, n: int) -> bytes:
    """The first 64 bytes of a chunk of ``n``; the rest is read and dropped."""
    body = pipe.read(min(n, 64))
    rest = n - len(body)
    while rest > 0:
        dropped = len(pipe.read(min(rest, 1 << 16)))
        if not dropped:
            break
        rest -= dropped
    return body


def _parse(
    fmt: bytes,
    n_data: int,
    long_size: int | None,
    position: int,
    name: str,
    others: tuple[str, ...],
) -> WavHeader:
    if len(fmt) < 16:
        raise FileError(
            f"The WAV header of {name} has no format chunk; it is damaged. "
            "Make the file again."
        )
    code, n_channels, rate, _, _, bits = struct.unpack("<HHIIHH", fmt[:16])
    if code == _EXTENSIBLE and len(fmt) >= 26:
        code = struct.unpack("<H", fmt[24:26])[0]
    if (code, bits) not in _WIDTHS or not n_channels or not rate:
        raise FileError(
            f"{name} is a WAV of format {code}, {bits} bits, {n_channels} channels, "
            f"{rate} Hz; a pipe may carry 8 to 32-bit integers or 32 and 64-bit "
            "floats. Convert on the way: ffmpeg -i INPUT -c:a pcm_f32le -f wav -"
        )
    size = n_data if long_size is None or n_data != UNKNOWN_SIZE else long_size
    known = 0 < size < _UNKNOWN_FROM or (long_size is not None and size == long_size)
    return WavHeader(
        rate,
        n_channels,
        bits,
        code == _FLOAT,
        size if known else None,
        position,
        others,
    )


def downgrade_rf64(path: Path) -> None:
    """Makes a plain WAV of an RF64 file that turned out below 4 GB, in place.

    EBU Tech 3306, 3.2: the long sizes become padding, the short ones are filled in.

    Args:
        path: an RF64 file as libsndfile writes it; larger ones stay as they are.
    """
    n_file = path.stat().st_size
    with path.open("r+b") as file:
        header = read_header(file, str(path))
        if n_file >= UNKNOWN_SIZE or header.n_data_bytes is None:
            return
        file.seek(header.size - 4)
        file.write(struct.pack("<I", header.n_data_bytes))
        file.seek(12)
        file.write(b"JUNK")
        file.seek(0)
        file.write(b"RIFF" + struct.pack("<I", n_file - 8))


def decode(data: bytes, header: WavHeader) -> Samples:
    """The samples in ``data``.

    Args:
        data: whole frames.
        header: says how they are packed.

    Returns:
        ``(n_samples, n_channels)`` float32, full scale ±1, floats as they are.
    """
    if header.floating:
        with np.errstate(over="ignore"):  # a float64 may be too large: inf, counted
            flat = np.frombuffer(data, f"<f{header.bits // 8}").astype(np.float32)
    elif header.bits == 8:
        flat = (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
    elif header.bits == 24:
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        flat = padded.view("<i4")[:, 0].astype(np.float32) / 2.0**31
    else:
        scale = 2.0 ** (header.bits - 1)
        flat = np.frombuffer(data, f"<i{header.bits // 8}").astype(np.float32) / scale
    return flat.astype(np.float32, copy=False).reshape(-1, header.n_channels)

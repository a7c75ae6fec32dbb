"""The private memory of one engine: cursors, counters and two rings in one block.

Both rings are addressed by sample position p (row p mod ``size``), counted from the
first captured sample. The callback alone writes the capture ring and ``CAPTURED``, the
worker alone the playback ring, ``VALID_FROM`` and ``PUBLISHED``; each announces by a
release store what the other fetches by an acquire load. Nothing is ever queued, so
nothing can pile up: what is not there at its time is played dry from the capture ring.

One block, because a compiled callback gets one pointer: 512 int64 words (``WORDS``),
512 float64 (``REALS``), two histograms, then the rings.
"""

import ctypes
import mmap

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples

# Words that cross threads stand on cache lines of their own (8 words each).
CAPTURED = 0  # positions written to the capture ring (callback)
PUBLISHED = 8  # positions finished by the worker
VALID_FROM = 16  # first position of the contiguous stretch below PUBLISHED (worker)
FED = 24  # for a file source: positions written ahead (feeder)
PLAYED = 32  # positions that left (callback)
SEMAPHORE = 40  # sem_t, 32 bytes
TIMESPEC = 48  # scratch of the callback: a time, and the length of a nap
WORKER_TIMESPEC = 56
CLOCK_SEQ = 64  # seqlock around CLOCK_COUNT and CLOCK_NS (input callback)
CLOCK_COUNT = 65
CLOCK_NS = 66
POSTED_NS = 67  # CLOCK_MONOTONIC of the callback that woke the worker
INPUT_TIMESPEC = 72  # scratch of the input callback, two clocks only

# Written once before the start.
RING_MASK = 80
N_CHANNELS = 81
IN_CHANNELS = 82  # of the device
OUT_CHANNELS = 83
LATENCY = 84  # L, samples
HOP = 85
STREAM_LATENCY = 86
SAMPLE_RATE = 87
ADDRESS = 88  # of this block, in this process
TOTAL_WORDS = 89
PERIOD_NS = 90  # nominal, of one block
FILE_SOURCE = 91  # 1: the capture ring is fed ahead, the callback only counts
TWO_CLOCKS = 92  # 1: input and output are devices of their own
OUT_RATE = 93  # nominal, Hz, two clocks only
IN_MAP = 96  # device channel of each stream channel, up to 32
OUT_MAP = 128  # stream channel of each device channel; −1 silent, −2 mean of all

# Counters of the callback.
CALLBACKS = 160
BLOCK = 161  # samples of the last callback
LARGEST_BLOCK = 162
LAST_NS = 163  # CLOCK_MONOTONIC of the last callback
INPUT_UNDERFLOWS = 164
INPUT_OVERFLOWS = 165
OUTPUT_UNDERFLOWS = 166
OUTPUT_OVERFLOWS = 167
DEVICE_STALLS = 168
LATE_HOPS = 169
LATE_SAMPLES = 170
OWN_UNDERRUNS = 171
EPISODES = 172
LAST_LATE_HOP = 173
WAS_LATE = 174
BEFORE_PREVIOUS = 175  # CAPTURED when the previous callback began
RUSHES = 176  # callbacks within half a block of the last

# Counters of the worker.
HOPS = 192
SKIPPED = 193
JUMPS = 194
CLIPPED = 195
BAD_INPUT = 196
ZERO_RUN = 197  # samples of exact zero up to now
WORST_RTF_NS = 198
WORST_WAKE_NS = 199
BUSY_NS = 200
STARTED = 201  # a hop has been published
CLIPPED_BY_CHANNEL = 208  # up to 32, never reset

WORDS = 512

# Float words.
DRY_GAIN = 0  # of a late hop, as the Stream's post chain has it
CEILING = 1  # nothing leaves above it; inf when headroom is off
FADE = 2  # gain now
FADE_TARGET = 3
FADE_STEP = 4  # per sample
METER = 16  # per channel: peak in, sum of squares in, peak out, sum of squares out
METERS = 4
METER_COUNT = 8  # samples summed
READ_AT = 9  # fractional read position; this and the next, two clocks only
RATIO = 10  # input samples per output sample, as steered
LOOP_INTEGRAL = 11  # the drift, as a share
CROSSFADE = 12  # share of wet
NOMINAL_RATIO = 13
SMOOTH_ERROR = 14  # samples
LOOP_S = 15  # seconds the loop has run
REALS = 512

WAKE_BINS = 512
WAKE_BIN_NS = 20_000
RTF_BINS = 512
RTF_BIN = 0.01
PHASES, TAPS = 256, 32
TABLE_WORDS = (PHASES + 1) * TAPS // 2  # the interpolator's, float32
HEAD_WORDS = WORDS + REALS + WAKE_BINS + RTF_BINS + TABLE_WORDS

MAX_CHANNELS = 32


def ring_size(latency: int, sample_rate: int) -> int:
    """Rows of a ring: a power of two above L and two seconds."""
    return 1 << (latency + 2 * sample_rate - 1).bit_length()


class EngineMemory:
    """The block and its parts as arrays.

    Args:
        sample_rate: Hz.
        n_channels: of the stream.
        in_map: device channel for each stream channel.
        out_map: for each device output channel, its stream channel, −1 for silence or
            −2 for the mean of all.
        in_channels: of the device; 0 for a file source.
        hop: of the stream.
        block: samples per callback, for the nominal period.
        stream_latency: ``latency_samples`` of the Stream.
        latency: L, all in all.

    Attributes:
        words, reals: int64 and float64 numbers, indexed by the names above.
        wake, rtf: histograms, int64.
        capture, playback: ``(size, n_channels)`` float32.
    """

    def __init__(
        self,
        sample_rate: int,
        n_channels: int,
        in_map: tuple[int, ...],
        out_map: tuple[int, ...],
        in_channels: int,
        hop: int,
        block: int,
        stream_latency: int,
        latency: int,
    ) -> None:
        assert max(n_channels, in_channels, len(out_map)) <= MAX_CHANNELS
        size = ring_size(latency, sample_rate)
        total = HEAD_WORDS + size * n_channels  # two float32 rings of 4 bytes each
        self._memory = mmap.mmap(-1, 8 * total)
        block_words: NDArray[np.int64] = np.frombuffer(self._memory, np.int64)
        block_words[:] = 0  # touches every page before sound starts
        self.block = block_words
        self.words, self.reals, self.wake, self.rtf, rings = split(block_words)
        rows = rings.view(np.float32).reshape(2, size, n_channels)
        self.capture: Samples = rows[0]
        self.playback: Samples = rows[1]
        self.size = size
        self._fill(
            sample_rate, n_channels, in_channels, hop, block, stream_latency, latency
        )
        self.words[IN_MAP : IN_MAP + n_channels] = in_map
        self.words[OUT_MAP : OUT_MAP + len(out_map)] = out_map
        self.words[OUT_CHANNELS] = len(out_map)

    def _fill(
        self,
        sample_rate: int,
        n_channels: int,
        in_channels: int,
        hop: int,
        block: int,
        stream_latency: int,
        latency: int,
    ) -> None:
        w = self.words
        w[ADDRESS] = self.address
        w[TOTAL_WORDS] = len(self.block)
        w[RING_MASK] = self.size - 1
        w[N_CHANNELS], w[IN_CHANNELS] = n_channels, in_channels
        w[HOP], w[STREAM_LATENCY], w[LATENCY] = hop, stream_latency, latency
        w[SAMPLE_RATE] = sample_rate
        w[PERIOD_NS] = round(1e9 * block / sample_rate)
        w[LAST_LATE_HOP] = -1
        w[FILE_SOURCE] = int(in_channels == 0)
        self.reals[DRY_GAIN] = 1.0
        self.reals[CEILING] = np.inf
        self.reals[RATIO] = 1.0
        self.fade_to(0.0, 0.0)

    @property
    def address(self) -> int:
        """Where the block lies in this process."""
        return self.block.ctypes.data

    def fade_to(self, gain: float, seconds: float) -> None:
        """Let the callback's master gain glide to ``gain`` (linear).

        Args:
            gain: 0 silent … 1.
            seconds: time of a glide over the full range; 0 at once.
        """
        n = max(1.0, seconds * int(self.words[SAMPLE_RATE]))
        self.reals[FADE_STEP] = 1.0 / n
        self.reals[FADE_TARGET] = gain

    def reset_counters(self) -> None:
        """Counters and histograms to zero; positions stay."""
        self.words[INPUT_UNDERFLOWS : EPISODES + 1] = 0
        self.words[RUSHES] = 0
        self.words[SKIPPED : BAD_INPUT + 1] = 0
        self.words[WORST_RTF_NS : WORST_WAKE_NS + 1] = 0
        self.wake[:] = 0
        self.rtf[:] = 0

    def lock(self) -> bool:
        """Keep the block in RAM; False where the system does not allow it."""
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            return (
                int(libc.mlock(ctypes.c_void_p(self.address), len(self.block) * 8)) == 0
            )
        except (OSError, AttributeError, TypeError):
            return False  # no libc of this kind: not Linux or macOS


def split(
    block: NDArray[np.int64],
) -> tuple[
    NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
]:
    """Words, reals, wake and RTF histograms, and the rings' words, of one block."""
    a, b, c = WORDS, WORDS + REALS, WORDS + REALS + WAKE_BINS
    return (
        block[:a],
        block[a:b].view(np.float64),
        block[b:c],
        block[c : c + RTF_BINS],
        block[HEAD_WORDS:],
    )


def table_of(block: NDArray[np.int64]) -> Samples:
    """The interpolator's ``(PHASES + 1, TAPS)`` float32 taps of one block."""
    words = block[HEAD_WORDS - TABLE_WORDS : HEAD_WORDS]
    return words.view(np.float32).reshape(PHASES + 1, TAPS)

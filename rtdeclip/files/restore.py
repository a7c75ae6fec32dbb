"""One file restored: scan, lock the levels, stream, headroom, write.

The input is read twice and never written to; the output has exactly its length.
Memory does not grow with the file, except for whole-signal restorers.
"""

import math
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf

from rtdeclip.errors import FileError
from rtdeclip.files.chain import Chain, build_effects
from rtdeclip.files.engine import Limited, Meter, Metered, build_engine, run
from rtdeclip.files.formats import WAV, Container, container_for, data_bytes
from rtdeclip.files.outcome import Outcome
from rtdeclip.files.read import PIPE, Source, is_pipe, open_source
from rtdeclip.files.scan import BLOCK_SAMPLES, Progress, Scan, no_samples, scan
from rtdeclip.files.write import FileSink, PipeSink, Sink, check_room
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.headroom import Policy, fit_gain, from_db, to_db
from rtdeclip.stream.levels import LevelScanner, LevelSchedule, Segment
from rtdeclip.stream.limiter import TruePeakLimiter
from rtdeclip.types import Samples

FIT_CEILING_DB = -0.1
"""Where the highest peak comes to lie when it has to be lowered, dBFS."""
FIT_LOSSY_CEILING_DB = -1.0
"""The same for lossy formats, whose encoding adds to the peaks."""
_LARGEST_INT24 = 1.0 - 2.0**-23
_GAIN_NOTE = re.compile(r"(?:; )?rtdeclip gain_db=([+-]?\d+(?:\.\d+)?)")


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while a file was written; ``partial`` is what was kept of it, or None."""

    def __init__(self, partial: Path | None) -> None:
        super().__init__()
        self.partial = partial


def restore_file(
    name: str, target: str, chain: Chain, progress: Progress | None = None
) -> Outcome:
    """Restores one file.

    Args:
        name: of the input; ``-`` is WAV from standard input, detected as it comes.
        target: name of the output; ``-`` is WAV to standard output.
        chain: what to do.
        progress: told how far it is.

    Raises:
        FileError: the input cannot be read, the output not written; nothing is left
            under the output's name.
        SettingError: a setting does not fit, or the headroom not the format.
        PluginError: the processor is unknown or failed.
        Interrupted: on ctrl-C.
    """
    chain.check()
    _check_names(name, target)
    plan = _Plan(target, chain)
    clock = _Clock()
    found = _scan(name, chain, progress, clock)
    with closing(open_source(name)) as source:
        return _Job(name, source, plan, found, progress).run(clock)


class _Clock:
    """Seconds spent on the sound; loading compiled kernels is not among them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - started


class _Plan:
    """What the output's name and the chain ask for together."""

    def __init__(self, target: str, chain: Chain) -> None:
        self.target, self.chain = target, chain
        self.piped = target == PIPE or is_pipe(Path(target))
        self.container: Container = WAV if self.piped else container_for(Path(target))
        self.policy: Policy = chain.policy or self.container.policy
        self.subtype = "FLOAT" if self.piped else self.container.subtype(self.policy)

    def fit_gain_db(self, meter: Meter) -> float:
        """The gain of ``fit``, a whole number of hundredths so that it can be noted."""
        largest = 1.0 if self.subtype != "PCM_24" else _LARGEST_INT24
        if meter.highest <= largest and meter.lowest >= -1.0:
            return 0.0
        lossy = self.container.lossy
        ceiling = from_db(FIT_LOSSY_CEILING_DB if lossy else FIT_CEILING_DB)
        return math.floor(100.0 * to_db(fit_gain(meter.peak, ceiling))) / 100.0


class _Job:
    """The second pass over one file, and under ``fit`` the third."""

    def __init__(
        self,
        name: str,
        source: Source,
        plan: _Plan,
        found: Scan | None,
        progress: Progress | None,
    ) -> None:
        self._name, self._source, self._plan = name, source, plan
        self._found, self._progress = found, progress
        self._n_samples = 0
        self._n_expected = found.n_samples if found else source.n_samples
        self._gain_db = 0.0
        self._after = Meter()
        self._sinks: list[Sink] = []

    def run(self, clock: _Clock) -> Outcome:
        rate, n_channels = self._source.sample_rate, self._source.n_channels
        chain = self._plan.chain
        levels = self._found.levels if self._found else _given(chain, n_channels)
        engine = Metered(build_engine(chain, rate, n_channels, levels))
        limiter = None
        if self._plan.policy == "limit":
            limiter = TruePeakLimiter(rate, n_channels, chain.ceiling_db)
        way = Limited(engine, limiter) if limiter else engine
        try:
            with clock.running():
                if self._plan.policy == "fit":
                    self._fit(run(way, self._blocks()), engine.meter)
                else:
                    self._fill(run(way, self._blocks()))
        except KeyboardInterrupt:
            kept = [sink.partial for sink in self._sinks if sink.partial]
            raise Interrupted(kept[-1] if kept else None) from None
        return Outcome(
            file=self._name,
            output=self._plan.target,
            sample_rate=rate,
            n_channels=n_channels,
            n_samples=self._n_samples,
            chain=chain,
            policy=self._plan.policy,
            found=self._found,
            gain_db=self._gain_db,
            peak=engine.meter.peak,
            output_peak=self._after.peak,
            limited_samples=limiter.limited_samples if limiter else 0,
            limiter_reduction_db=limiter.max_reduction_db if limiter else 0.0,
            faults=engine.faults.count,
            fault_reasons=dict(engine.faults.reasons),
            nonfinite_samples=self._source.nonfinite_samples,
            lost=self._lost(),
            warnings=list(self._source.warnings),
            elapsed_s=clock.seconds,
        )

    def _blocks(self) -> Iterator[Samples]:
        while len(block := self._source.read(BLOCK_SAMPLES)):
            yield block
            self._n_samples += len(block)
            self._tell("restore", self._n_samples, self._n_expected)
        if not self._n_samples:
            raise no_samples(self._name)

    def _tell(self, step: str, done: int, of: int | None) -> None:
        if self._progress:
            rate = self._source.sample_rate
            self._progress(step, done / rate, of / rate if of is not None else None)

    def _fit(self, restored: Iterable[Samples], meter: Meter) -> None:
        plan = self._plan
        with tempfile.TemporaryDirectory() as elsewhere:
            # Beside the output, where there is room for it; a pipe has no beside.
            out = Path(elsewhere, "pipe") if plan.piped else Path(plan.target)
            self._check_room(out)
            nominal = out.with_name(f"{out.stem}.float.wav")
            with self._open(nominal, WAV, "FLOAT") as temporary:
                temporary.keep_partial = not plan.piped
                for block in restored:
                    temporary.write(block)
                temporary.close()
                temporary.keep_partial = False
                self._gain_db = plan.fit_gain_db(meter)
                self._fill(self._lowered(temporary.part))

    def _check_room(self, out: Path) -> None:
        """Both files of ``fit`` must find room, which is better known before."""
        n, n_channels = self._n_expected, self._source.n_channels
        sizes = [data_bytes(kind, n, n_channels) for kind in ("FLOAT", "PCM_24")]
        check_room(out, sum(size or 0 for size in sizes))

    def _lowered(self, path: Path) -> Iterator[Samples]:
        gain = np.float32(from_db(self._gain_db))
        done = 0
        with sf.SoundFile(path) as file:
            while len(block := file.read(BLOCK_SAMPLES, np.float32, always_2d=True)):
                yield gain * block
                done += len(block)
                self._tell("write", done, self._n_samples)

    def _fill(self, blocks: Iterable[Samples]) -> None:
        with self._sink() as sink:
            for block in blocks:
                sink.write(self._after.watch(block))
            sink.commit()

    def _sink(self) -> Sink:
        plan, source = self._plan, self._source
        if not plan.piped:
            return self._open(Path(plan.target), plan.container, plan.subtype)
        sink = PipeSink(
            plan.target, source.sample_rate, source.n_channels, self._n_expected
        )
        self._sinks.append(sink)
        return sink

    def _open(self, path: Path, container: Container, subtype: str) -> FileSink:
        source = self._source
        sink = FileSink(
            path,
            container,
            subtype,
            source.sample_rate,
            source.n_channels,
            self._n_expected,
            self._tags(),
        )
        self._sinks.append(sink)
        return sink

    def _tags(self) -> dict[str, str]:
        """The input's tags; the comment notes the constant gain since the clipping."""
        tags = dict(self._source.tags)
        comment = tags.get("comment", "")
        noted = _GAIN_NOTE.search(comment)
        total_db = self._gain_db + (float(noted[1]) if noted else 0.0)
        if total_db:
            rest = _GAIN_NOTE.sub("", comment)
            note = f"rtdeclip gain_db={total_db:.6g}"
            tags["comment"] = f"{rest}; {note}" if rest else note
        return tags

    def _lost(self) -> list[str]:
        if self._plan.piped:
            tags = [f"tag {name}" for name, value in self._source.tags.items() if value]
        else:
            tags = [f"tag {name}" for name in self._sinks[-1].lost_tags]
        return sorted({*tags, *self._source.unkept_parts} - {"tag software"})


def _scan(
    name: str, chain: Chain, progress: Progress | None, clock: _Clock
) -> Scan | None:
    if name == PIPE or is_pipe(Path(name)) or chain.level is not None:
        return None
    with closing(open_source(name)) as source:
        rate, n_channels = source.sample_rate, source.n_channels
        pre = build_effects(chain.pre, rate, n_channels)
        LevelScanner(rate, 1).feed(np.zeros((1, 1), np.float32))  # loads its kernels
        with clock.running():
            return scan(source, pre, progress)


def _given(chain: Chain, n_channels: int) -> list[LevelSchedule] | None:
    """The chain's own levels, from the first sample to the last."""
    if chain.level is None:
        return None
    high, low = (Plateau.digital(x) if x else None for x in chain.level)
    return [LevelSchedule((Segment(0, sys.maxsize, high, low),))] * n_channels


def _check_names(name: str, target: str) -> None:
    source, out = Path(name), Path(target)
    if PIPE in (name, target) or is_pipe(out):
        return
    check_room(out, 0)
    if out.exists() and source.exists() and out.samefile(source):
        raise FileError(
            f"{name} and {target} are the same file; the input is never written to. "
            "Give the output another name."
        )

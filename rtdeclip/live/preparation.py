"""The Stream of a session, built and warm before its device is opened.

Where kernels are still to be compiled, helpers share the work from the first moment
on. ``auto`` is most of it: ``STAND_IN`` plays in its place, with room for its latency,
until a helper has compiled it; then it takes over with a crossfade.
"""

import contextlib
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtdeclip.errors import DeviceError, SettingError
from rtdeclip.live.config import LIVE_PROCESSOR, LiveConfig
from rtdeclip.live.warm import PATH, Helpers, is_ready, mark_ready, play_tone

if TYPE_CHECKING:
    from rtdeclip.live.measure import SequenceStream
    from rtdeclip.stream.headroom import LiveHeadroom
    from rtdeclip.stream.levels import LevelSchedule
    from rtdeclip.stream.stream import Stream

STAND_IN = "cubic"
_LIKELY_RATE = 48000


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the worker will run.

    Args:
        stream: warm; or a measuring sequence.
        headroom: its last stage, if it has one.
        stands_in: it plays in the place of the processor asked for.
    """

    stream: "Stream | SequenceStream"
    headroom: "LiveHeadroom | None"
    stands_in: bool = False


class Preparation:
    """Begins at once, without importing what takes time.

    Args:
        config: the session's options.
        asked: set when the session is to end.
    """

    def __init__(self, config: LiveConfig, asked: threading.Event) -> None:
        self.asked = asked
        self._config = config
        self._shape = (0, 0)
        self._made: Prepared | None = None
        self._waits = config.processor == LIVE_PROCESSOR and not is_ready(
            LIVE_PROCESSOR
        )
        names = [PATH, STAND_IN if self._waits else config.processor]
        rate = config.expect[0] or config.sample_rate or _LIKELY_RATE
        self._helpers = Helpers([] if config.purpose == "measure" else names, rate)

    def ready(self, sample_rate: int, n_channels: int) -> Prepared:
        """The Stream for these devices; the one made before if they are the same.

        Raises:
            SettingError, PluginError, ModelError: the processor cannot be had.
        """
        if self._made is None or self._shape != (sample_rate, n_channels):
            self._made = self._make(sample_rate, n_channels)
            self._shape = (sample_rate, n_channels)
        return self._made

    def relieve(self, telemetry: Path) -> threading.Thread:
        """Has the processor asked for compiled, then asks for it as a host would."""
        thread = threading.Thread(target=self._relieve, args=(telemetry,), daemon=True)
        thread.start()
        return thread

    def _make(self, sample_rate: int, n_channels: int) -> Prepared:
        from rtdeclip.live.file_source import scan_levels
        from rtdeclip.live.measure import SequenceStream
        from rtdeclip.live.worker import warm_kernels

        config = self._config
        warm_kernels()
        if config.purpose == "measure":
            hop = config.hop or config.block
            return Prepared(SequenceStream(sample_rate, n_channels, hop), None)
        self._helpers.wait()
        levels = None
        if config.file and config.scan:
            levels = scan_levels(Path(config.file), sample_rate)
        prepared = self._build(sample_rate, n_channels, levels)
        assert not isinstance(prepared.stream, SequenceStream)
        play_tone(prepared.stream)
        for name in (PATH, prepared.stream.processor):
            mark_ready(name)
        return prepared

    def _build(
        self, sample_rate: int, n_channels: int, levels: "list[LevelSchedule] | None"
    ) -> Prepared:
        from rtdeclip.live.engine import build_stream

        if self._waits:
            config = self._stand_in(sample_rate)
            # Too little latency allowed for it: then all is compiled first.
            with contextlib.suppress(SettingError):
                return Prepared(
                    *build_stream(config, sample_rate, n_channels, levels), True
                )
        return Prepared(*build_stream(self._config, sample_rate, n_channels, levels))

    def _stand_in(self, sample_rate: int) -> LiveConfig:
        from rtdeclip.processors.bypass import default_hop

        hop_ms = 1e3 * (self._config.hop or default_hop(sample_rate)) / sample_rate
        return replace(
            self._config,
            processor=STAND_IN,
            settings={},
            max_latency_ms=self._max_latency_ms() - hop_ms,
        )

    def _max_latency_ms(self) -> float:
        from rtdeclip.stream.registry import find

        config, declared = self._config, find(LIVE_PROCESSOR).settings
        default = next(s.default for s in declared if s.name == "max_latency")
        given = config.max_latency_ms or default
        return float(config.settings.get("max_latency", given))

    def _relieve(self, telemetry: Path) -> None:
        from rtdeclip.live.telemetry import ParameterWriter, TelemetryReader

        name = self._config.processor
        Helpers([name], self._shape[0]).wait()
        # The session may have ended, or its user chosen another processor.
        with contextlib.suppress(DeviceError):
            chosen = TelemetryReader(telemetry).info["config"]["processor"]
            if chosen == name and not self.asked.is_set():
                given = self._config.settings
                settings = {"max_latency": self._max_latency_ms(), **given}
                ParameterWriter(telemetry).request(processor=name, settings=settings)

"""What the user does to the chain: processor, effects, levels, headroom, presets."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QInputDialog

from rtdeclip.monitor.effect_chain import EffectChain, Slot
from rtdeclip.monitor.window import MonitorWindow
from rtdeclip.stream.processor import Value


class ChainActions(QObject):
    """Connects the side panel to the session and the preferences.

    Args:
        window: whose panel.
        guard: runs something and shows a known error as a sentence.

    Signals:
        restart: what was asked for needs the sound to begin again.
    """

    restart = Signal()

    def __init__(
        self, window: MonitorWindow, guard: Callable[[Callable[[], object]], None]
    ) -> None:
        super().__init__(window)
        self.window, self.session = window, window.session
        self.preferences, self._guard = window.preferences, guard
        w = window
        w.scope.level_dragged.connect(self.move_level)
        w.levels.moved.connect(self.move_level)
        w.levels.lock_changed.connect(self.lock_levels)
        w.levels.link_changed.connect(self.link_levels)
        w.processor.chosen.connect(self.choose_processor)
        w.effects.changed.connect(self.set_effects)
        w.headroom.changed.connect(self.set_headroom)
        w.presets.chosen.connect(self.load_preset)
        w.presets.save.connect(self.save_preset)
        w.catalog_changed.connect(self.show_catalog)
        p = self.preferences
        w.headroom.show_headroom(p.headroom, p.gain_db)
        self.show_catalog()

    @property
    def effects(self) -> EffectChain:
        """Those that run, else those that would."""
        if self.session.model:
            return self.session.model.effects
        return EffectChain.of(self.preferences.pre, self.preferences.post)

    def show_catalog(self) -> None:
        """What the probe found, into the menus."""
        w, p, catalog = self.window, self.preferences, self.window.catalog
        running = self.session.model.processor if self.session.model else ""
        w.processor.show_entries(
            catalog.live_processors(), running or p.processor, p.settings
        )
        w.effects.show_chain(self.effects, catalog.effects)
        if catalog.complete:
            w.top.show_devices(catalog.devices, p.input, p.output)

    def choose_processor(self, name: str, settings: dict[str, Value]) -> None:
        """Another processor or other settings; crossfaded where it runs."""
        self.preferences.processor = name
        self.preferences.settings[name] = dict(settings)
        self.session.ask(processor=name, settings=settings)

    def set_effects(self, chain: EffectChain) -> None:
        """Other effects, faded over; the sound restarts if its latency changes."""
        rows = chain.rows()
        self.preferences.pre, self.preferences.post = rows["pre"], rows["post"]
        model = self.session.model
        if model and self._latency_ms(chain) != self._latency_ms(model.effects):
            self.restart.emit()
        else:
            self.session.ask(**rows)

    def _latency_ms(self, chain: EffectChain) -> float:
        known = self.window.catalog.effects
        found = (known[s.name].latency_ms for s in chain.slots if s.name in known)
        return sum(ms or 0.0 for ms in found)

    def set_headroom(self, mode: str, gain_db: float) -> None:
        """Another headroom, while the sound runs."""
        self.preferences.headroom, self.preferences.gain_db = mode, gain_db
        self.session.ask(headroom=mode, gain_db=gain_db)

    # Clip levels.

    def move_level(self, polarity: int, magnitude: float) -> None:
        """A clip level was dragged or typed: it holds from now on."""
        model = self.session.model
        if model:
            moved = model.thresholds.moved(model.channel, polarity, magnitude)
            model.thresholds = moved
            self._ask_for_levels()

    def lock_levels(self, on: bool) -> None:
        """Holds the levels, or lets the detector have them back."""
        if self.session.model:
            model = self.session.model
            model.thresholds = model.thresholds.with_lock(on)
            self._ask_for_levels()

    def link_levels(self, on: bool) -> None:
        """High and low level move together."""
        self.preferences.linked = on
        if self.session.model:
            model = self.session.model
            model.thresholds = model.thresholds.with_link(on)

    def _ask_for_levels(self) -> None:
        if self.session.model:
            self.session.ask(levels=self.session.model.thresholds.request())

    # Presets.

    def show_presets(self, current: str = "") -> None:
        """Fills the presets' menu."""
        from rtdeclip.files.presets import preset_folder

        names = sorted(path.stem for path in preset_folder().glob("*.toml"))
        self.window.presets.show_names(names, current)

    def save_preset(self) -> None:
        """Asks for a name and keeps the chain."""
        name, good = QInputDialog.getText(self.window, "Save preset", "Name:")
        if good and name:
            self._guard(lambda: self.keep_preset(name))

    def keep_preset(self, name: str) -> None:
        """Keeps what runs now under ``name``.

        Raises:
            SettingError: the name is no good.
        """
        from rtdeclip.files.presets import EffectSlot, Headroom, Preset, save_preset

        def kept(slots: tuple[Slot, ...]) -> list[EffectSlot]:
            return [EffectSlot(effect=s.name, settings=dict(s.settings)) for s in slots]

        p, effects = self.preferences, self.effects
        wet = self.session.controls.get("wet") if self.session.controls else 1.0
        preset = Preset(
            name=name,
            processor=p.processor,
            settings=p.settings.get(p.processor, {}),
            wet=wet,
            pre=kept(effects.pre),
            post=kept(effects.post),
            headroom=Headroom(live_gain_db=p.gain_db),
        )
        save_preset(preset, replace=True)
        self.show_presets(name)

    def load_preset(self, name: str) -> None:
        """Takes up a preset: processor, settings, effects, wet share and gain."""
        self._guard(lambda: self._take_preset(name))

    def _take_preset(self, name: str) -> None:
        from rtdeclip.files.presets import load_preset

        preset = load_preset(name)
        self.choose_processor(preset.processor, dict(preset.settings))
        gain_db = preset.headroom.live_gain_db
        self.set_headroom(self.preferences.headroom, gain_db)
        self.window.headroom.show_headroom(self.preferences.headroom, gain_db)
        if self.session.controls:
            self.session.controls.set("wet", preset.wet)
        pre = [[slot.effect, slot.settings] for slot in preset.pre]
        chain = EffectChain.of(pre, [[s.effect, s.settings] for s in preset.post])
        self.window.effects.show_chain(chain, self.window.catalog.effects)
        self.set_effects(chain)

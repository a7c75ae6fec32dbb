"""The window offscreen; every test plays the engine through a telemetry file."""

import gc
import json
import sys
from datetime import datetime

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QPushButton,
    QSlider,
    QTableWidget,
)

from rtdeclip.monitor import actions as actions_module
from rtdeclip.monitor import placement, saved_runs
from rtdeclip.monitor.actions import Actions
from rtdeclip.monitor.effect_chain import EffectChain, Slot
from rtdeclip.monitor.keyboard import KEYS, help_text
from rtdeclip.monitor.load import LoadHistory
from rtdeclip.monitor.preferences import Preferences
from rtdeclip.monitor.session import Session, State
from rtdeclip.monitor.shortcuts import install, table
from rtdeclip.monitor.theme import DARK, LIGHT, THEMES
from rtdeclip.monitor.window import MonitorWindow

from .conftest import RATE


@pytest.fixture
def actions(qapp):
    if qapp.style().name() != "fusion":
        qapp.setStyle("Fusion")
    window = MonitorWindow(Session(), Preferences(), DARK)
    window.resize(1100, 640)
    made = Actions(window)
    install(made)
    window.show()
    qapp.processEvents()
    window.stop_drawing()  # frames come when the test says so
    yield made
    made.files.stop()
    window.close()
    window.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def running(actions, engine):
    engine.advance(RATE)
    actions.session.attach(engine.path)
    frame(actions)
    return actions


def frame(actions):
    actions.window.tick()
    actions.window.draw_slow()


def served(actions, engine):
    """The engine does what it was asked for, and the window sees it."""
    content = engine.serve()
    frame(actions)
    frame(actions)
    return content


def pixels(window, widget=None):
    image = (
        (widget or window).grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    )
    data = np.frombuffer(image.constBits(), np.uint8)
    return data.reshape(image.height(), image.width(), 4)[:, :, 2::-1].copy()


def close_to(image, colour, tolerance=12):
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return (np.abs(image.astype(int) - wanted) <= tolerance).all(axis=2)


def test_the_first_run_has_one_obvious_button(actions, qtbot):
    page = actions.window.start_page
    assert page.isVisible()
    big = [b for b in page.findChildren(QPushButton) if b.objectName() == "big"]
    assert [b.text() for b in big] == ["Start"]
    assert big[0].isVisible()


def test_both_curves_and_the_clip_marks_are_drawn(running):
    image = pixels(running.window, running.window.scope)
    for colour in (DARK.source, DARK.output, DARK.repaired, DARK.clip):
        assert close_to(image, colour).sum() > 100, colour


@pytest.mark.parametrize("name", THEMES)
def test_a_theme_is_as_bright_as_it_says(running, name):
    running.set_theme(name)
    brightness = pixels(running.window).mean()
    assert (brightness > 160) == (name == "light")
    assert (brightness < 80) == (name == "dark")


def test_the_load_strip_is_drawn_before_and_after_the_first_second(running, engine):
    strip = running.window.below.load
    model = running.session.model
    model.load = LoadHistory()
    strip.refresh(model, 0.0)
    empty = pixels(running.window, strip)
    for i in range(20):
        engine.advance(0, load=0.3)
        model.update(0.1 * i)
    strip.refresh(model, 2.0)
    assert (pixels(running.window, strip) != empty).any()


def test_the_picture_scrolls(running, engine):
    before = pixels(running.window, running.window.scope)
    engine.advance(RATE // 3)
    frame(running)
    assert (pixels(running.window, running.window.scope) != before).mean() > 0.01


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (Qt.Key.Key_Space, "bypass"),
        (Qt.Key.Key_P, "repair_only"),
        (Qt.Key.Key_M, "mute"),
    ],
)
def test_keys_switch_and_switch_back(running, qtbot, key, name):
    window = running.window
    for expected in (1.0, 0.0):
        qtbot.keyClick(window, key)
        assert running.session.controls.get(name) == expected


def test_space_is_the_bypass_even_when_a_button_has_the_focus(running, qtbot):
    running.window.top.mute.setFocus()
    qtbot.keyClick(running.window.top.mute, Qt.Key.Key_Space)
    assert running.session.controls.get("bypass") == 1.0
    assert running.session.controls.get("mute") == 0.0


def test_return_presses_the_button_that_has_the_focus(running, qtbot):
    qtbot.keyClick(running.window.top.mute, Qt.Key.Key_Return)
    assert running.session.controls.get("mute") == 1.0


def test_the_window_shows_what_another_host_has_changed(running):
    running.session.controls.set("bypass", 1.0)
    running.session.controls.set("wet", 0.25)
    frame(running)
    assert running.window.top.bypass.isChecked()
    assert running.window.top.wet.value() == 25


def test_the_wet_slider_reaches_the_engine(running):
    running.window.top.wet.setValue(40)
    assert running.session.controls.get("wet") == pytest.approx(0.4)


def test_a_dragged_level_is_asked_for_and_locked(running, engine):
    running.window.scope.level_dragged.emit(1, 0.42)
    _, request = engine.file.request()
    assert request == {"levels": [[0.42, 0.5], [0.5, 0.5]]}
    frame(running)
    assert running.window.levels.lock.isChecked()
    served(running, engine)
    running.window.levels.lock.click()
    assert engine.file.request()[1] == {"levels": None}


def test_another_processor_is_asked_for_with_its_settings(running, engine):
    setting = {
        "name": "points",
        "default": 2,
        "summary": "points a side",
        "unit": "",
        "low": 1,
        "high": 8,
        "choices": [],
        "applies": "rebuild",
    }
    rows = [{"name": "cubic"}, {"name": "other", "settings": [setting]}]
    running.window.catalog.hear({"processors": rows})
    running.window.catalog_changed.emit()
    card = running.window.processor
    box = card.findChild(QComboBox)
    box.setCurrentIndex(box.findData("other"))
    box.activated.emit(box.currentIndex())
    request = engine.file.request()[1]
    assert request == {"processor": "other", "settings": {"points": 2}}


def test_the_wheel_zooms_and_the_span_is_told(running, qtbot):
    scope = running.window.scope
    before = scope.window_s
    event = QWheelEvent(
        QPointF(50, 50),
        QPointF(50, 50),
        QPoint(0, 120),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    scope._wheel(event)
    assert scope.window_s < before
    assert running.preferences.window_s == scope.window_s


@pytest.mark.parametrize("view", ["wave", "difference", "spectrogram", "bench"])
@pytest.mark.parametrize("size", [(1100, 640), (1920, 1080)])
def test_every_view_draws_at_every_size(running, engine, view, size):
    running.window.resize(*size)
    running.window.show_view(view)
    engine.advance(RATE // 2)
    frame(running)
    assert pixels(running.window).std() > 10


def test_a_hung_engine_is_told_in_words_whatever_else_happened(running, engine):
    engine.file.say("switch: cubic", 0)
    engine.file.fields["time_ns"] = 1
    engine.file.publish()
    frame(running)
    assert "has not answered" in running.window.status_text.text()


def test_events_are_shown_in_the_log_and_the_status_line(running, engine):
    engine.file.say("refused: no such thing", 0)
    frame(running)
    assert "refused" in running.window.status_text.text()
    assert "refused: no such thing" in running.window.log.texts[0]
    engine.file.say("late: 3 hops so far were played dry", 0)
    frame(running)
    assert "refused" in running.window.status_text.text()
    assert "late: 3" in running.window.log.texts[0]


def test_attach_close_attach_again_while_sound_runs(actions, engine):
    for _ in range(3):
        engine.advance(RATE // 4)
        actions.session.attach(engine.path)
        frame(actions)
        assert actions.window.scope.isVisible()
        actions.session.stop()
        frame(actions)
        assert actions.window.start_page.isVisible()
    assert engine.path.exists()
    assert engine.file.parameter("stop") == 0.0


def test_closing_the_window_leaves_someone_elses_engine_alone(running, engine):
    running.window.close()
    assert engine.path.exists()
    assert engine.file.parameter("stop") == 0.0


def test_without_an_engine_attaching_says_what_to_type(actions, monkeypatch):
    monkeypatch.setattr("rtdeclip.monitor.session.find_sessions", list)
    actions.attach()
    assert "rtdeclip live" in actions.window.status_text.text()


def test_a_failed_start_is_a_sentence_on_the_page(actions):
    actions.session.state, actions.session.problem = (
        State.FAILED,
        "No device. Plug one in.",
    )
    actions.window.show_state()
    texts = [
        c.text() for c in actions.window.start_page.children() if hasattr(c, "text")
    ]
    assert "No device. Plug one in." in texts
    assert "Try again" in texts


def test_a_file_without_a_device_can_still_be_restored(actions, tmp_path, qtbot):
    asked = []
    actions.files.restore = lambda *names: asked.append(names)
    actions.preferences.source, actions.preferences.file = "file", "take.wav"
    actions.session.state, actions.session.problem = State.FAILED, "No device."
    actions.window.show_scan("take.wav: heavy clipping.")
    actions.window.show_state()
    texts = [
        c.text() for c in actions.window.start_page.children() if hasattr(c, "text")
    ]
    assert any("No device. The file can be restored" in text for text in texts)
    assert actions.window.transport.export.isVisible()
    assert "heavy clipping" in actions.window.status_text.text()


def test_the_window_comes_back_where_it_was(actions, qapp):
    kept = Preferences()
    actions.window.move(60, 45)
    actions.window.resize(1010, 600)
    qapp.processEvents()
    placement.remember(actions.window, kept)
    assert (kept.x, kept.y, kept.width, kept.height) == (60, 45, 1010, 600)
    actions.window.move(0, 0)
    placement.restore(actions.window, kept)
    assert (actions.window.x(), actions.window.y()) == (60, 45)


def test_a_place_on_a_screen_that_is_gone_is_forgotten(actions):
    actions.window.move(30, 20)
    placement.restore(actions.window, Preferences(x=9000, y=9000))
    assert (actions.window.x(), actions.window.y()) == (30, 20)


def test_a_maximised_window_comes_back_maximised(actions, qapp):
    kept = Preferences(maximised=True)
    placement.restore(actions.window, kept)
    qapp.processEvents()
    assert actions.window.isMaximized()
    kept.maximised = False
    placement.remember(actions.window, kept)
    assert kept.maximised
    assert kept.width < 2000


def test_a_region_loops(running, engine):
    engine.advance(0, recording_end=10 * RATE, file_position=6 * RATE)
    bar = running.window.transport.bar
    bar.show_overview(None, 10.0)
    bar._region = (2.0, 5.0)
    frame(running)
    assert engine.file.request()[1] == {"seek_s": 2.0}


def test_a_click_in_the_overview_seeks(running, engine, qtbot):
    bar = running.window.transport.bar
    running.window.transport.show()
    bar.show_overview(None, 10.0)
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() // 2, 10))
    assert engine.file.request()[1]["seek_s"] == pytest.approx(5.0, abs=0.1)


def test_every_control_has_a_name_for_screen_readers(actions):
    for kind in (QPushButton, QComboBox, QSlider, QAbstractSpinBox):
        for one in actions.window.findChildren(kind):
            assert one.accessibleName(), one


def test_every_key_does_something_and_is_explained(actions):
    assert set(table(actions)) == {name for _, name, _ in KEYS}
    assert len({key for key, _, _ in KEYS}) == len(KEYS)
    assert all(words in help_text() for _, _, words in KEYS)


def _contrast(a, b):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [
            p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda t: t.name)
def test_text_has_contrast(theme):
    for behind in (theme.window, theme.panel, theme.plot):
        assert _contrast(theme.text, behind) >= 7.0
        assert _contrast(theme.muted, behind) >= 4.5
    assert _contrast("#ffffff", theme.accent) >= 4.5


BENCH_ROW = {
    "processor": "cubic",
    "sample_rate": RATE,
    "hop": 256,
    "channels": 1,
    "severity": "heavy",
    "mode": "paced",
    "latency_ms": 10.0,
    "rtf_p50": 0.01,
    "rtf_p95": 0.015,
    "rtf_p99": 0.02,
    "hop_ms_max": 0.1,
}


@pytest.fixture
def measured(actions):
    view = actions.window.bench
    actions.window.show_view("bench")
    view.add(dict(BENCH_ROW))
    view.add(BENCH_ROW | {"processor": "aspade", "rtf_p50": 0.2, "rtf_p99": 0.4})
    return actions


def test_benchmark_results_fill_and_are_exported(measured, tmp_path):
    view = measured.window.bench
    view.add_gain("aspade", 9.5)
    for name in ("bench.json", "bench.csv", "bench.png"):
        view.export(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 100
    rows = json.loads((tmp_path / "bench.json").read_text())["rows"]
    assert rows == view.rows
    assert [r.get("delta_sdr_db") for r in rows] == [None, 9.5]
    table = view.findChild(QTableWidget)
    shown = [table.item(row, 5).text() for row in range(2)]
    assert shown == ["–", "+9.50"]


def test_an_earlier_run_is_drawn_behind_and_its_ratio_told(
    measured, tmp_path, monkeypatch
):
    monkeypatch.setattr(saved_runs, "folder", lambda: tmp_path)
    view = measured.window.bench
    older = [row | {"rtf_p50": 2 * row["rtf_p50"]} for row in view.rows]
    saved_runs.keep({"rows": older}, datetime(2026, 11, 21))
    before = pixels(measured.window, view)
    menu = measured.files.bench.menu()
    menu.actions()[0].trigger()
    assert menu.actions()[0].text() == "2026-11-21 00:00:00"
    assert (pixels(measured.window, view) != before).any()
    table = view.findChild(QTableWidget)
    assert [table.item(row, 6).text() for row in range(2)] == ["× 0.50"] * 2
    assert not table.isColumnHidden(6)


def test_a_foreign_file_is_no_run_to_compare_with(measured, tmp_path):
    (tmp_path / "x.json").write_text("[]")
    measured.files.bench.compare(tmp_path / "x.json")
    assert "rtdeclip bench rtf --json" in measured.window.status_text.text()


def test_the_benchmark_is_the_command_and_the_finished_run_is_kept(
    actions, qtbot, monkeypatch, tmp_path
):
    monkeypatch.setattr(saved_runs, "folder", lambda: tmp_path)
    words = ["bench", "rtf", "--lines", "--mode", "paced", "--seconds", "0.2"]
    words += ["--processor", "cubic"]
    monkeypatch.setattr("rtdeclip.monitor.bench_work._COMMAND", words)
    actions.files.helpers.stop()  # the probe
    view = actions.window.bench
    view.run.emit()
    qtbot.waitUntil(lambda: bool(list(tmp_path.iterdir())), timeout=120_000)
    rows = json.loads(saved_runs.runs()[0].read_text())["rows"]
    assert [(row["processor"], row["mode"]) for row in rows] == [("cubic", "paced")]
    assert rows[0]["delta_sdr_db"] > 1.0


def test_a_benchmark_can_be_stopped(actions):
    view = actions.window.bench
    view.run.emit()
    assert "bench" in actions.files.busy
    view.run.emit()
    assert "bench" not in actions.files.busy


def test_presets_keep_the_whole_chain_and_bring_it_back(
    running, engine, monkeypatch, tmp_path
):
    monkeypatch.setattr(
        "rtdeclip.files.presets.preset_folder", lambda: tmp_path / "presets"
    )
    running.preferences.processor = "cubic"
    running.preferences.settings["cubic"] = {"fit": "hermite"}
    running.session.controls.set("wet", 0.5)
    running.chain.set_headroom("limit", -9.0)
    served(running, engine)
    chain = EffectChain((Slot("highpass", {"corner_hz": 40.0}),), (Slot("eq"),))
    running.chain.set_effects(chain)
    served(running, engine)
    running.chain.keep_preset("cassette")
    running.session.controls.set("wet", 1.0)
    running.preferences.settings.clear()
    running.chain.set_effects(EffectChain())
    served(running, engine)
    running.chain.set_headroom("limit", -3.0)
    served(running, engine)
    running.chain.load_preset("cassette")
    assert running.session.controls.get("wet") == 0.5
    asked = {}
    while not running.session.settled:
        asked |= served(running, engine)
    assert asked == {
        "processor": "cubic",
        "settings": {"fit": "hermite"},
        "headroom": "limit",
        "gain_db": -9.0,
        **chain.rows(),
    }


EFFECTS = [
    {
        "name": "eq",
        "kind": "effect",
        "summary": "Three bands.",
        "settings": [
            {
                "name": "low_db",
                "default": 0.0,
                "summary": "gain of the low band",
                "unit": "dB",
                "low": -24.0,
                "high": 24.0,
                "choices": [],
                "applies": "live",
            }
        ],
    },
    {"name": "limiter", "kind": "effect"},
]


@pytest.fixture
def with_effects(running):
    running.window.catalog.hear({"effects": EFFECTS})
    running.window.catalog.hear({"cost": "eq", "latency_ms": 0.0, "rtf": 0.0})
    running.window.catalog.hear({"cost": "limiter", "latency_ms": 1.5, "rtf": 0.0})
    running.window.catalog_changed.emit()
    return running


def _add(actions, text):
    menu = actions.window.effects.menu()
    action = next(a for a in reversed(menu.actions()) if a.text().startswith(text))
    action.trigger()


def test_an_effect_is_added_set_moved_and_removed(with_effects, engine, qtbot):
    card = with_effects.window.effects
    _add(with_effects, "eq")
    assert served(with_effects, engine) == {"pre": [], "post": [["eq", {}]]}
    form = card.forms[0]
    assert form.isVisible()
    form.findChild(QDoubleSpinBox).setValue(-3.0)
    with qtbot.waitSignal(form.changed):
        pass
    assert served(with_effects, engine)["post"] == [["eq", {"low_db": -3.0}]]
    assert card.forms[0] is form  # what is being typed in is not built anew
    buttons = {b.accessibleName(): b for b in card.findChildren(QPushButton)}
    buttons["eq: earlier"].click()
    assert served(with_effects, engine)["pre"] == [["eq", {"low_db": -3.0}]]
    buttons = {b.accessibleName(): b for b in card.findChildren(QPushButton)}
    buttons["eq: remove"].click()
    assert served(with_effects, engine) == {"pre": [], "post": []}
    assert with_effects.preferences.pre == []


def test_an_effect_that_adds_latency_restarts_the_sound(with_effects, monkeypatch):
    began = []
    monkeypatch.setattr(with_effects.session, "start", began.append)
    monkeypatch.setattr(
        type(with_effects.session), "owns_process", property(lambda _: True)
    )
    _add(with_effects, "limiter")
    assert began[0].config.post == (("limiter", {}),)


def test_headroom_changes_without_a_restart(running, engine, monkeypatch):
    monkeypatch.setattr(running.session, "start", pytest.fail)
    card = running.window.headroom
    card.gain.setValue(-3.0)
    assert served(running, engine) == {"headroom": "limit", "gain_db": -3.0}
    card.mode.setCurrentIndex(card.mode.findData("open"))
    card.mode.activated.emit(card.mode.currentIndex())
    assert served(running, engine) == {"headroom": "open", "gain_db": -3.0}
    assert not card.gain.isEnabled()
    assert running.session.model.gain == 1.0


def test_the_matched_bypass_follows_the_restored_sound(running, engine, qtbot):
    qtbot.keyClick(running.window, Qt.Key.Key_A)
    for _ in range(6):
        engine.advance(RATE // 5)
        frame(running)
    asked = engine.file.request()[1]
    # The restored tone is 0.8 high, the clipped one 0.5: some 3 dB of power.
    assert 2.0 < asked["bypass_gain_db"] < 4.0
    assert running.window.top.match.text() == f"+{asked['bypass_gain_db']:.1f} dB"
    served(running, engine)
    qtbot.keyClick(running.window, Qt.Key.Key_A)
    frame(running)
    assert engine.file.request()[1] == {"bypass_gain_db": 0.0}


def test_start_and_stop_go_through_the_plan(actions, monkeypatch):
    plans = []
    monkeypatch.setattr(actions.session, "start", plans.append)
    actions.set_source("demo")
    actions.start_or_stop()
    assert plans[0].demo
    actions.set_source("live")
    actions.preferences.input = "USB Mic"
    actions.start_or_stop()
    assert not plans[1].demo
    assert plans[1].config.input == "USB Mic"


def test_a_chosen_file_is_scanned_and_played(actions, monkeypatch, tmp_path):
    plans, read = [], []
    monkeypatch.setattr(actions.session, "start", plans.append)
    monkeypatch.setattr(actions.files, "read", read.append)
    monkeypatch.setattr(
        actions_module.QFileDialog,
        "getOpenFileName",
        lambda *a: (str(tmp_path / "take.wav"), ""),
    )
    actions.open_file()
    assert read == [tmp_path / "take.wav"]
    assert plans[0].config.file.endswith("take.wav")
    assert plans[0].config.scan


def test_recordings_follow_the_sound(running, engine, monkeypatch, tmp_path):
    monkeypatch.setattr(actions_module.Path, "home", lambda: tmp_path)
    running.record()
    assert running.session.recording
    engine.advance(5000)
    take = running.session.stop_recording()
    assert take.n_samples > 0
    assert take.wet.parent == tmp_path


def test_while_the_audio_needs_the_core_drawing_waits(running, engine, monkeypatch):
    drawn = []
    monkeypatch.setattr(running.window, "draw", drawn.append)
    engine.advance(256, load=0.95)
    for _ in range(30):
        running.window.tick()
    assert len(drawn) <= 3


def test_a_thousand_repaints_lose_no_reference(running, engine, qapp):
    window = running.window
    window.resize(960, 560)

    def paint(n):
        for _ in range(n):
            engine.advance(400)
            window.tick()
            qapp.processEvents()

    paint(50)
    gc.collect()
    before, objects = sys.getrefcount(None), len(gc.get_objects())
    paint(1000)
    gc.collect()
    if sys.version_info < (3, 12):  # later None is immortal and is not counted
        assert abs(sys.getrefcount(None) - before) < 500
    assert len(gc.get_objects()) - objects < 2000


def test_the_clip_level_is_dragged_with_the_mouse(running, engine, qapp, monkeypatch):
    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", -1)  # of events a second
    running.window.draw(running.session.model)
    qapp.processEvents()
    plot = running.window.scope.source.histogram
    view = running.window.scope._plots

    def place(level):
        scene = plot.getViewBox().mapViewToScene(QPointF(0.3, level))
        return view.mapFromScene(scene)

    viewport, types = view.viewport(), QEvent.Type
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton

    def mouse(kind, level, button, held):
        at = place(level)
        event = QMouseEvent(
            kind,
            QPointF(at),
            QPointF(viewport.mapToGlobal(at)),
            button,
            held,
            Qt.KeyboardModifier.NoModifier,
        )
        qapp.sendEvent(viewport, event)

    mouse(types.MouseMove, 0.5, none, none)
    mouse(types.MouseButtonPress, 0.5, left, left)
    for level in (0.48, 0.45, 0.42, 0.4):
        mouse(types.MouseMove, level, none, left)
    mouse(types.MouseButtonRelease, 0.4, left, none)
    while not running.session.settled:
        asked = served(running, engine)
    assert asked["levels"][0] == [pytest.approx(0.4, abs=0.03), 0.5]
    assert running.session.model.thresholds.locked

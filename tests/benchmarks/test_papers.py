"""The papers' tables: all print, nothing is invented, runs go on where they stopped."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rtdeclip.benchmarks import quality
from rtdeclip.benchmarks.papers import PAPERS, engine, material, paper1, show
from rtdeclip.benchmarks.papers.describe import (
    MEASURED,
    METRICS,
    NOT_IMPLEMENTED,
    Column,
    Options,
    System,
    Table,
)
from rtdeclip.benchmarks.papers.figures import draw
from rtdeclip.benchmarks.papers.material import SQAM
from rtdeclip.benchmarks.synth import plucked, voice
from rtdeclip.cli.main import app
from rtdeclip.errors import FileError
from rtdeclip.stream.registry import listings

ALL = [table for tables in PAPERS.values() for table in tables]
DRAWN = ("0", "2-clip", "3-map")
HERE = ("bypass", "cubic", "cubic-paper", "inverse-waveshaper")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("clean")
    for kind, sound in (("speech", voice), ("music", plucked)):
        (root / kind).mkdir()
        soundfile.write(root / kind / "one.wav", sound(0.5, 16000), 16000)
    return root


@pytest.fixture(scope="module")
def few():
    """Only the quickest methods are there, as if the others were not installed."""
    with pytest.MonkeyPatch.context() as patch:
        found = engine.listings("processors")
        patch.setattr(engine, "listings", lambda _: {n: found[n] for n in HERE})
        patch.setattr(engine, "QUICK_PACED_S", 0.05)
        yield


@pytest.fixture(scope="module")
def grids(folder, few):
    return engine.measure(ALL, Options(folder, quick=True))


def lines_of(grids, table, metric, system):
    return [
        line
        for grid in grids
        if grid.table == table and grid.metric == metric
        for line in grid.lines
        if line.system == system
    ]


def test_every_table_prints_within_80_columns_and_tells_its_data(grids):
    text = "\n".join(show.document(grids))
    assert max(map(len, text.splitlines())) <= 80
    for paper in ("Paper 0", "Paper 1", "Paper 2", "Paper 3", "Paper 4", "Survey"):
        assert f"\n{paper}" in "\n" + text
    assert "Live, speech" in text
    assert "other data: 1.5 s or less, the loudest, of each of 1 file" in text
    assert {grid.table for grid in grids} >= {t.id for t in ALL if isinstance(t, Table)}


def test_a_system_that_is_not_there_has_no_number(grids):
    missing = [line for g in grids for line in g.lines if line.status != MEASURED]
    assert all(not line.ours for line in missing if line.status == NOT_IMPLEMENTED)
    names = {line.system for line in missing if line.status == NOT_IMPLEMENTED}
    assert names >= {"U-Net", "not-MIWAE", "NMF",
                     "A-SPADE", "IHT", "DDD"}  # fmt: skip
    printed = "\n".join(show.document(grids))
    assert "not implemented" in printed
    assert "FAD\n  FAD needs an embedding of yours: --embedding MODEL.onnx\n" in printed


def test_what_is_there_is_measured_on_every_condition(grids):
    for grid in grids:
        for line in grid.lines:
            if line.processor == "cubic" and grid.metric not in ("", "fad"):
                assert line.status == MEASURED, (grid.title, line)
                assert all(isinstance(cell, float) for cell in line.ours)


def test_a_slow_method_is_tried_at_fewer_conditions_and_marked(
    folder, few, monkeypatch
):
    monkeypatch.setattr(material, "SLOW", {"cubic"})
    table = replace(PAPERS["2"][2], metrics=("si_sdr_db",))
    (grid,) = engine.measure([table], Options(folder, quick=True))
    lines = {line.processor: line for line in grid.lines if line.processor}
    there = [cell is not None for cell in lines["cubic"].ours]
    assert there == [False, True, False, False, False, True, False]
    assert all(cell is not None for cell in lines["bypass"].ours)
    printed = "\n".join(show.text(grid))
    assert "cons.*" in printed
    assert engine.CUT in printed
    whole = engine.plan(table, Options(folder))
    assert {c for s, c in whole.work if table.systems[s].processor == "cubic"} == {
        *range(7)
    }


def test_quick_takes_the_loudest_part_of_a_file(tmp_path):
    x = 0.01 * voice(4.0, 16000)
    x[40000:50000] *= 50
    soundfile.write(tmp_path / "x.wav", x, 16000)
    (part,) = material.excerpts(PAPERS["4"][0], Options(tmp_path, quick=True))
    assert part.length_s == material.QUICK_S["speech"]
    assert part.start_s <= 2.5 < 3.125 <= part.start_s + part.length_s


def test_a_folder_with_a_test_set_is_measured_on_that_and_says_so(tmp_path):
    for place in ("train/speech", "test/speech"):
        (tmp_path / place).mkdir(parents=True)
        soundfile.write(tmp_path / place / "x.wav", voice(0.5, 16000), 16000)
    table, options = PAPERS["0"][0], Options(tmp_path)
    (part,) = material.excerpts(table, options)
    assert part.file == str(tmp_path / "test" / "speech" / "x.wav")
    assert f"{tmp_path / 'test' / 'speech'}, at 16 kHz" in material.told(
        table, options, [part]
    )


def test_networks_that_may_be_installed_have_their_place():
    named = {
        table.id: {system.processor for system in table.systems}
        for table in ALL
        if isinstance(table, Table)
    }
    assert {"crafx-overdrive", "demucs-1m-all"} <= named["2-overdrive"]
    assert {"open-unmix-causal", "demucs-1m-all"} <= named["2-clip"]
    assert "open-unmix-causal" in named["2-signaltrain"] & named["2-speed"]
    assert {"wave-u-net-dry", "demucs-1m-all"} <= named["2-dry"]
    assert "spectrogram-u-net-causal" in named["4"] & named["4-noise"]
    assert "not-miwae-paper" in named["1-clip"]


def test_models_for_daily_use_join_the_tables_of_their_rate(monkeypatch):
    model = listings("processors")["demucs-speech-16k"]
    monkeypatch.setattr(engine, "listings", lambda _: {"demucs-speech-16k": model})
    joined = {
        table.id
        for table in ALL
        if isinstance(table, Table)
        and engine.plan(table, Options()).systems[-1].name == "demucs-speech-16k"
    }
    assert joined == {"0", "1-clip", "2-clip", "2-signaltrain", "2-dry", "2-speed",
                      "4", "4-noise", "live-speech"}  # fmt: skip


def test_a_missing_library_names_the_extra_that_brings_it(folder, few, monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    tables = [replace(PAPERS["4"][1], columns=PAPERS["4"][1].columns[:1])]
    printed = "\n".join(show.document(engine.measure(tables, Options(folder, True))))
    assert "pip install 'rtdeclip[speech-metrics]'" in " ".join(printed.split())


def test_raw_and_consistent_rows_are_told_apart(grids):
    table = next(grid for grid in grids if grid.table == "0")
    both = {line.kind: line.ours[0] for line in table.lines if line.system == "Cubic"}
    assert both["cons."] < both["raw"]


@pytest.mark.parametrize(
    ("paper", "table", "system", "metric", "cells"),
    [
        ("0", "0", "DEMUCS", "mse", (8.7e-5,)),
        ("0", "0", "A-SPADE", "peaq_5grade", (3.67,)),
        ("2", "2-speed", "Wave-U-Net", "rtf", (0.113,)),
        ("2", "2-dry", "Wave-U-Net", "si_sdr_db", (7.2, 34.4)),
        ("3", "3-mask", "self, mask, blend", "sdr_db", ("15.8 ± 4.26",)),
        ("4", "4", "U-Net", "pesq_wb", (2.07, 2.19, 2.46, 2.97, 3.49, 3.79, 2.83)),
        ("4", "4", "IHT", "estoi", (0.04, 0.12, 0.33, 0.66, 0.86, 0.94, 0.49)),
        ("4", "4", "Cons-DL", "llr", (0.74, 0.56, 0.36, 0.18, 0.08, 0.03, 0.33)),
        ("survey", "survey", "A-SPADE", "delta_sdr_db",
         (11.9, 13.9, 15.1, 16.0, 17.3, 19.4, 20.3)),
        ("survey", "survey", "NMF", "peaq_odg",
         (-3.69, -2.72, -1.74, -1.04, -0.62, -0.28, -0.13)),
        ("live", "live-speech", "T-UNet", "latency_ms", (1024.0,)),
    ],
)  # fmt: skip
def test_published_cells_are_the_papers(paper, table, system, metric, cells):
    described = next(t for t in PAPERS[paper] if t.id == table)
    row = next(s for s in described.systems if s.name == system)
    assert tuple(row.published[metric]) == cells


@pytest.mark.parametrize("table", [t for t in ALL if isinstance(t, Table)])
def test_descriptions_are_sound(table):
    n = len(table.columns) + table.average
    assert table.metrics
    assert all(key in METRICS for key in table.metrics)
    for system in table.systems:
        for key, cells in system.published.items():
            assert key in table.metrics
            assert len(cells) == n, (system.name, key)


def test_averages_in_the_fourth_paper_are_those_of_its_cells():
    for system in PAPERS["4"][0].systems:
        for cells in system.published.values():
            assert abs(sum(cells[:-1]) / 6 - cells[-1]) < 0.02


def test_a_protocol_of_the_survey_meets_its_input_sdr(grids, folder):
    clipped = lines_of(grids, "survey", "delta_sdr_db", "Clipped")[0]
    assert all(abs(cell) < 1e-6 for cell in clipped.ours)
    rows = [
        quality.evaluate(work)
        for work in engine.plan(PAPERS["survey"][0], Options(folder)).work[0, 3]
    ]
    assert [round(row["sdr_db"], 2) for row in rows] == [7.0]


def test_the_exact_inverse_beats_every_published_network(grids):
    inverse = lines_of(grids, "2-overdrive", "si_sdr_db", "Exact inverse")[0]
    network = lines_of(grids, "2-overdrive", "si_sdr_db", "Demucs")[0]
    assert all(a > b for a, b in zip(inverse.ours, network.published, strict=True))
    dry = lines_of(grids, "2-dry", "si_sdr_db", "Exact inverse")[0]
    assert dry.ours[1] > 60
    assert dry.ours[0] is None
    assert dry.failed.startswith("1 of 2 failed: ")


def test_frames_lose_more_samples_the_lower_the_level(grids):
    lost = lines_of(grids, "1-w5", "missing", "lost")[0].ours
    assert all(a > b for a, b in itertools.pairwise(lost))
    zero, hold = (
        lines_of(grids, "1-w5", "rmse_missing", name)[0].ours[2]
        for name in ("zero", "hold")
    )
    assert hold < zero
    again = paper1.rmse(paper1.frames([], 0) or [voice(0.064, 16000) / 0.9], 5, 0.5)
    assert again["zero"] > again["hold"] > 0


def test_figures_are_written_for_all_that_was_measured(grids, folder, tmp_path, few):
    chosen = [grid for grid in grids if grid.table in DRAWN]
    tables = [table for table in ALL if table.id in DRAWN]
    done = draw(tmp_path, tables, chosen, Options(folder, quick=True))
    assert len(done) == len(set(done))
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in done)
    names = {path.name for path in done}
    assert names >= {"0.png", "2-clip-si_sdr_db-box.png", "3-map-sdr_db.png",
                     "2-clip-spectrograms.png", "2-clip-r_nonlin.png"}  # fmt: skip


def test_csv_has_a_line_a_cell(grids, tmp_path):
    show.write_csv(tmp_path / "cells.csv", grids)
    text = (tmp_path / "cells.csv").read_text().splitlines()
    cells = sum(len(grid.columns) * len(grid.lines) for grid in grids)
    assert len(text) == 1 + cells
    assert any(",not implemented," in line and ",2.07" in line for line in text)


def test_a_log_is_resumed_without_any_new_work(folder, few, tmp_path, monkeypatch):
    options = Options(folder, quick=True, log=tmp_path / "log.jsonl")
    tables = PAPERS["0"]
    first = engine.measure(tables, options)
    monkeypatch.setattr(quality, "evaluate", lambda work: pytest.fail("done again"))
    assert engine.measure(tables, options) == first


def test_a_method_that_fails_says_why_instead_of_a_number(folder, few, tmp_path):
    soundfile.write(tmp_path / "silent.wav", [0.0] * 16000, 16000)
    grid = engine.measure(PAPERS["0"], Options(tmp_path, quick=True))[0]
    line = next(line for line in grid.lines if line.system == "cubic")
    assert (line.status, line.ours) == ("failed", ())
    assert "silent" in "\n".join(show.text(grid))


def test_without_data_the_sound_is_made_up_and_said_so(few):
    table = PAPERS["4"][1]
    parts = engine.plan(table, Options(quick=True)).parts
    text = engine.head(table, Options(quick=True), parts)
    assert "synthesised voice audio (no --data given)" in text[1]
    rows = quality.part(quality.Work(parts[0].file, "", "", rate_hz=16000))
    assert rows[1] == 16000


def test_the_surveys_own_excerpts_are_asked_for_by_name(tmp_path):
    table = PAPERS["survey"][0]
    for name in SQAM[:-1]:
        soundfile.write(tmp_path / f"{name}_x.wav", plucked(0.2, 44100), 44100)
    with pytest.raises(FileError, match="begins with a66"):
        engine.plan(table, Options(sqam=tmp_path))
    soundfile.write(tmp_path / "a66_x.wav", plucked(0.2, 44100), 44100)
    planned = engine.plan(table, Options(sqam=tmp_path))
    told = engine.head(table, Options(sqam=tmp_path), planned.parts)
    assert len(planned.parts) == 10
    assert "the paper's own data: SQAM, 10 files" in told[1]


def test_the_command_prints_json_and_refuses_an_unknown_paper(folder, few):
    words = ["bench", "papers", "--data", str(folder), "--quick", "--jobs", "1"]
    done = CliRunner().invoke(app, [*words, "--paper", "0", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert set(found) == {"machine", "tables", "figures"}
    rows = found["tables"][0]["rows"]
    assert set(rows[0]) == {"system", "processor", "kind", "status", "failed", "cut",
                            "ours", "sd", "n", "published"}  # fmt: skip
    assert rows[0]["published"][0] == 6.9e-4
    refused = CliRunner().invoke(app, [*words, "--paper", "9"])
    assert refused.exit_code == 2
    empty = CliRunner().invoke(app, ["bench", "papers", "--data", str(folder / "no")])
    assert "holds no audio files" in str(empty.exception)


def test_the_command_prints_tables(folder, few, tmp_path):
    words = ["bench", "papers", "--data", str(folder), "--quick", "--jobs", "1"]
    done = CliRunner().invoke(
        app, [*words, "--paper", "3", "--figures", str(tmp_path / "pictures")]
    )
    assert done.exit_code == 0, done.output
    assert "10.39 ± 3.77" in done.stdout
    drawn = {path.name for path in (tmp_path / "pictures").glob("*.png")}
    assert {"3-shift.png", "3-gmax-sdr_db.png", "3-map-sdr_db.png"} < drawn


def test_the_distance_of_sets_needs_an_embedding_and_is_then_measured(few, tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx (extra dev) is not installed")
    table = Table(
        id="fad",
        title="FAD",
        setup="",
        paper_data="none",
        data="music",
        rate_hz=16000,
        columns=(Column("", "fraction=0.2"),),
        metrics=("fad",),
        systems=(System("Input", "bypass", "", False), System("cubic", "cubic")),
    )
    without = engine.measure([table], Options(quick=True))[0]
    assert "--embedding" in without.head[-1]
    assert all(line.status == "not measured" for line in without.lines)
    helper, kinds = onnx.helper, onnx.TensorProto
    weights = np.random.default_rng(1).normal(0, 0.1, (15360, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "embedding",
        [helper.make_tensor_value_info("x", kinds.FLOAT, ["batch", 15360])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, ["batch", 3])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    path = tmp_path / "embedding.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    quick = engine.measure([table], Options(quick=True, embedding=path))[0]
    assert all(line.status == MEASURED for line in quick.lines)
    found = engine.measure([table], Options(embedding=path))[0]
    worse, better = (line.ours[0] for line in found.lines)
    assert 0 < better < worse

"""Writes the README's table and pictures from saved results; no number by hand.

    python -m bench.report --measure --data ../shared/data/test   (measure and save)
    python -m bench.report                                        (write the README)
    python -m bench.report --check                                (is it up to date?)

Results live in ``bench/results/``: ``rtf.json`` (``rtdeclip bench rtf``) and
``quality.json`` (``rtdeclip bench quality`` on a speech and a music folder), each with
the machine and the commit they were measured on.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
BEGIN, END = "<!-- table: python -m bench.report -->", "<!-- end of table -->"
FOLDERS = ("speech", "music")
PROTOCOL = "fraction=0.2"


def measure(data: Path) -> None:
    """Runs both benchmarks and saves what they print."""
    RESULTS.mkdir(exist_ok=True)
    rtf = _rtdeclip("bench", "rtf", "--mode", "hot", "--mode", "paced")
    (RESULTS / "rtf.json").write_text(_pretty(rtf))
    names = _daily()
    quality: dict[str, Any] = {}
    for folder in FOLDERS:
        chosen = [word for name in names for word in ("--processor", name)]
        found = _rtdeclip(
            "bench", "quality", "--data", str(data / folder), "--protocol", PROTOCOL,
            *chosen,
        )  # fmt: skip
        quality["machine"] = found["machine"]
        quality[folder] = [_lean(row) for row in found["rows"]]
    (RESULTS / "quality.json").write_text(_pretty(quality))


def pictures() -> None:
    """Draws the README's pictures: from saved results, and from synthesised audio."""
    from bench.chart import draw_map
    from rtdeclip.benchmarks.demo import picture_window, takes
    from rtdeclip.benchmarks.picture import draw_restoration
    from rtdeclip.metrics.sdr import delta_sdr_db
    from rtdeclip.stream.offline import declip

    take = takes()[0]
    restored = declip(take.clipped, take.sample_rate)
    gain = delta_sdr_db(take.clean, take.clipped, restored)
    (ROOT / "docs").mkdir(exist_ok=True)
    draw_map(ROOT / "docs" / "methods.png", _saved("rtf"), _saved("quality"))
    draw_restoration(
        ROOT / "docs" / "before-after.png",
        f"A synthesised voice clipped at 0.2 of its peak, restored: {gain:+.1f} dB",
        take.sample_rate,
        take.clipped,
        restored,
        picture_window(take),
        take.clean,
    )


def table() -> str:
    """The README's table in Markdown."""
    rtf, quality = _saved("rtf"), _saved("quality")
    speed = {row["processor"]: row for row in rtf["rows"] if row["mode"] == "paced"}
    gains = {
        folder: {row["processor"]: row for row in quality[folder]} for folder in FOLDERS
    }
    names = sorted(
        {*gains["speech"], *gains["music"]},
        key=lambda name: _order(name, gains),
    )
    lines = [
        "| processor | RTF mean / p99 | speech, 16 kHz: ΔSDR | at | "
        "music, 44.1 kHz: ΔSDR | at |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_line(name, speed, gains) for name in names]
    machine = rtf["machine"]
    lines.append("")
    lines.append(
        f"Clipped at 0.2 of the peak; dB, mean ± sd (worst file), at this latency. "
        f"{_count(quality, 'speech')} clips of speech, {_count(quality, 'music')} of "
        f"music. RTF of one channel at the pace of live sound, 48 kHz (16 kHz where a "
        f"model needs it), per hop. {machine['cpu']}, {machine['cores']} cores, one "
        f"used, load {machine['load_1min']:.1f}; commit {machine['commit']}."
    )
    return "\n".join(lines)


def write(check: bool) -> int:
    """Puts the table into the README; with ``check``, only says if it is there."""
    readme = ROOT / "README.md"
    text = readme.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    new = f"{head}{BEGIN}\n{table()}\n{END}{tail}"
    if check:
        return 0 if new == text else 1
    readme.write_text(new)
    return 0


def _saved(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return found


def _line(name: str, speed: dict[str, Any], gains: dict[str, Any]) -> str:
    row = speed[name]
    cells = [f"{row['rtf_mean']:.3f} / {row['rtf_p99']:.3f}"]
    for folder in FOLDERS:
        found = gains[folder].get(name, {})
        known = "delta_sdr_db" in found
        cells.append(_gain(found["delta_sdr_db"]) if known else "–")
        cells.append(f"{found['latency_ms']:.0f} ms" if known else "")
    return f"| `{name}` | {' | '.join(cells)} |"


def _gain(gain: dict[str, Any]) -> str:
    return f"{gain['mean']:.1f} ± {gain['sd']:.1f} ({gain['worst']:.1f})"


def _order(name: str, gains: dict[str, Any]) -> tuple[float, str]:
    rows = (gains[folder].get(name, {}) for folder in reversed(FOLDERS))
    known = [row["latency_ms"] for row in rows if "delta_sdr_db" in row]
    return known[0], name


def _count(quality: dict[str, Any], folder: str) -> int:
    return max((row["files"] for row in quality[folder]), default=0)


def _daily() -> list[str]:
    """Names of the streaming processors for daily use; the rest is in bench papers."""
    rows = _rtdeclip("processors")
    return [
        row["name"]
        for row in rows
        if row["kind"] == "processor"
        and not row["note"]
        and row["scope"] == "clipped"
        and row["latency_ms"]
    ]


def _rtdeclip(*words: str) -> Any:
    """What a command prints with ``--json``; failed items are the report's holes."""
    done = subprocess.run(
        [sys.executable, "-m", "rtdeclip", *words, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)


def _lean(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the paths of this machine's files."""
    kept = dict(row)
    for name, value in kept.items():
        if isinstance(value, dict):
            kept[name] = value | {"worst_file": Path(value["worst_file"]).name}
    return kept


def _pretty(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data/test")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.data)
    if not arguments.check:
        pictures()
    return write(arguments.check)


if __name__ == "__main__":
    sys.exit(main())

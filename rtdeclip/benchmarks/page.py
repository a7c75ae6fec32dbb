"""The report of ``bench rtf`` as one HTML page that needs no other file."""

import base64
import html
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rtdeclip.benchmarks.report import TITLES, headings, rtf_picture

# Head, key in a row, factor, form.
_COLUMNS: tuple[tuple[str, str, float, str], ...] = (
    ("processor", "processor", 1, ""),
    ("kHz", "sample_rate", 1e-3, "g"),
    ("ch", "channels", 1, "d"),
    ("hop", "hop", 1, "d"),
    ("latency, ms", "latency_ms", 1, ".1f"),
    ("input", "severity", 1, ""),
    ("mode", "mode", 1, ""),
    ("RTF mean", "rtf_mean", 1, ".4f"),
    ("p50", "rtf_p50", 1, ".4f"),
    ("p95", "rtf_p95", 1, ".4f"),
    ("p99", "rtf_p99", 1, ".4f"),
    ("p50 of CPU time", "rtf_cpu_p50", 1, ".4f"),
    ("worst hop, ms", "hop_ms_max", 1, ".2f"),
    ("late, %", "late_hop_rate", 100, ".1f"),
    ("first hop, ms", "first_hop_ms", 1, ".1f"),
    ("built, ms", "built_ms", 1, ".0f"),
    ("CPU, %", "cpu_share", 100, ".0f"),
    ("memory, MB", "memory_mb", 1, ".1f"),
)
_SAFE, _LATE = 0.5, 1.0
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --slow: #d55e00; --tight: #b58900; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 76em;
       padding: 0 1em; }
h1 { margin-bottom: 0; } h2 { margin-top: 2em; font-size: 1.15em; }
.summary { font-size: 1.15em; } .told { color: #888; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92em;
        font-variant-numeric: tabular-nums; }
th { font-weight: 600; vertical-align: bottom; border-bottom: 2px solid var(--line); }
td, th { padding: .25em .45em; text-align: right; white-space: nowrap; }
th { white-space: normal; }
td:first-child, th:first-child { text-align: left; }
tbody tr:nth-child(even) { background: #8881; }
.slow { color: var(--slow); font-weight: 600; } .tight { color: var(--tight); }
img { max-width: 100%; background: white; border-radius: 4px; }
dl { display: grid; grid-template-columns: max-content auto; gap: .1em 1.5em; }
dd { margin: 0; }
"""


def write_html(
    path: Path,
    machine: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    summary: str,
    others: dict[str, Any],
) -> None:
    """One page: summary, picture, tables, machine.

    Args:
        path: of the file.
        machine: from ``machine.describe``.
        rows: from ``rtf.Row.as_dict``.
        summary: the sentence of ``rtf.recommendation``.
        others: tables by a key of ``report.TITLES``; ``notes``; ``absent``.
    """
    picture = io.BytesIO()
    rtf_picture(picture, rows)
    image = base64.b64encode(picture.getvalue()).decode()
    day = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    cells = [[_cell(row, *column[1:]) for column in _COLUMNS] for row in rows]
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>rtdeclip: real-time factors</title><style>{_STYLE}</style></head>",
        f"<body><h1>Real-time factors</h1><p class='told'>rtdeclip bench rtf, {day}"
        f"</p><p class='summary'>{html.escape(summary)}</p>",
        f"<img alt='RTF against latency' src='data:image/png;base64,{image}'>",
        "<h2>Hop by hop</h2><p>RTF = processing time / audio time of a hop, below 1 "
        "keeps up; p99: 99 % of the hops took at most this. <span class='tight'>More "
        "than half of the time</span>, <span class='slow'>all of it</span>.</p>",
        _table([column[0] for column in _COLUMNS], cells),
        *_others(others),
        f"<h2>Machine</h2><dl>{''.join(_facts(machine))}</dl></body></html>",
    ]
    path.write_text("\n".join(parts), "utf-8")


def _others(others: dict[str, Any]) -> Iterator[str]:
    for key, title in TITLES.items():
        if rows := others.get(key):
            yield f"<h2>{html.escape(title)}</h2>"
            yield _table(headings(rows), [map(_plain, row.values()) for row in rows])
    for note in others.get("notes", ()):
        yield f"<p>{html.escape(note)}</p>"
    for name, why in others.get("absent", {}).items():
        yield f"<p>{html.escape(name)} is absent: {html.escape(why)}</p>"


def _table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """``rows`` hold cells that are HTML already."""
    head = "".join(f"<th>{html.escape(word)}</th>" for word in heads)
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f"<div class='wide'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(row: dict[str, Any], key: str, factor: float, form: str) -> str:
    if not form:
        return f"<td>{html.escape(str(row[key]))}</td>"
    value = row[key] * factor if factor != 1 else row[key]
    slow = key.startswith("rtf") and value > _SAFE
    mark = f" class='{'slow' if value > _LATE else 'tight'}'" if slow else ""
    return f"<td{mark}>{value:{form}}</td>"


def _plain(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"<td>{html.escape(text)}</td>"


def _facts(machine: dict[str, Any]) -> Iterator[str]:
    for name, value in machine.items():
        text = f"{value:.2f}" if isinstance(value, float) else str(value)
        if isinstance(value, dict):
            text = ", ".join(f"{key} {entry}" for key, entry in value.items())
        label = html.escape(name.replace("_", " "))
        yield f"<dt>{label}</dt><dd>{html.escape(text)}</dd>"

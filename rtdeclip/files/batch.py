"""Many files at once: spawned workers, one start, errors counted, resumable.

Every finished file adds a row to ``rtdeclip.jsonl`` in the output folder; with
``resume`` a file is skipped whose row says that the same input was restored by the
same chain and whose output is still there.
"""

import contextlib
import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from rtdeclip.errors import FileError, RtdeclipError
from rtdeclip.files.chain import Chain
from rtdeclip.files.formats import CONTAINERS, kept_suffix
from rtdeclip.files.outcome import failure_row
from rtdeclip.files.restore import restore_file
from rtdeclip.stream.headroom import Policy

LOG_NAME = "rtdeclip.jsonl"
STOP_WITHIN_S = 10.0
"""How long a worker may take to put its file away after ctrl-C."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a batch: its name and the name of its restored twin."""

    file: str
    output: str


def plan_batch(names: Sequence[str], folder: Path, policy: Policy | None) -> list[Item]:
    """What becomes what.

    Files keep their names, folders are searched and their inner structure is kept; a
    suffix changes to ``.wav`` where the format cannot hold the result (see
    ``kept_suffix``). ``folder`` itself is never searched.

    Args:
        names: files and folders.
        folder: where the results go.
        policy: the headroom asked for, None if none was.

    Raises:
        FileError: a folder without audio files in it.
    """
    items: list[Item] = []
    taken: set[Path] = set()
    for source, inner in _sources(names, folder):
        target = folder / inner.with_suffix(kept_suffix(inner, policy))
        if target in taken:  # song.mp3 beside song.wav
            target = folder / inner.with_name(inner.name + ".wav")
        taken.add(target)
        items.append(Item(str(source), str(target)))
    return items


def run_batch(
    items: Sequence[Item],
    folder: Path,
    chain: Chain,
    n_jobs: int = 1,
    *,
    resume: bool = False,
) -> Iterator[dict[str, Any]]:
    """Restores all items; a failure is a row with ``error`` and stops nobody.

    Args:
        items: what becomes what.
        folder: where the log goes; is made.
        chain: what to do to each.
        n_jobs: files at a time, each in a process of its own.
        resume: skip what the log knows as done (rows with ``"skipped": true``).

    Yields:
        a row per file as it is finished (``Outcome.row`` or ``failure_row``).

    Raises:
        KeyboardInterrupt: on ctrl-C, when all workers have put their files away.
        FileError: the folder cannot be written to.
    """
    log = _Log(folder, chain)
    todo: list[Item] = []
    for item in items:
        if resume and log.has(item):
            yield {"file": item.file, "output": item.output, "error": None} | {
                "skipped": True
            }
        else:
            todo.append(item)
    for row in _work(todo, chain, min(n_jobs, len(todo))):
        log.add(row)
        yield row


class _Log:
    """The rows of the runs so far."""

    def __init__(self, folder: Path, chain: Chain) -> None:
        self._path = folder / LOG_NAME
        self._chain = json.dumps(asdict(chain), sort_keys=True, default=str)
        self._done: dict[str, dict[str, Any]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self._path.exists():
                self._read()
        except OSError as error:
            raise FileError(
                f"The folder {folder} cannot be used ({error.strerror}); results are "
                "written there. Give another one with --out."
            ) from error

    def _read(self) -> None:
        for line in self._path.read_text("utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # cut off by a crash
                row = json.loads(line)
                self._done[row["output"]] = row

    def has(self, item: Item) -> bool:
        row = self._done.get(item.output)
        return (
            row is not None
            and row["error"] is None
            and row["stamp"] == _stamp(item.file)
            and row["chain"] == self._chain
            and Path(item.output).exists()
        )

    def add(self, row: dict[str, Any]) -> None:
        noted = row | {"stamp": _stamp(row["file"]), "chain": self._chain}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(noted) + "\n")


def _stamp(name: str) -> list[Any] | None:
    """Tells whether the input is still the same, without reading it."""
    try:
        status = os.stat(name)
    except OSError:
        return None
    return [os.path.abspath(name), status.st_size, status.st_mtime_ns]


def _sources(names: Sequence[str], folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each input file, and its name inside the output folder."""
    skipped = folder.resolve()
    for name in names:
        path = Path(name)
        if not path.is_dir():
            yield path, Path(path.name)
            continue
        found = [
            file
            for file in sorted(path.rglob("*"))
            if file.suffix.lower() in CONTAINERS
            and file.is_file()
            and not file.resolve().is_relative_to(skipped)
        ]
        if not found:
            raise FileError(
                f"The folder {path} holds no audio files; names ending in "
                f"{' '.join(CONTAINERS)} are looked for. Give another folder."
            )
        for file in found:
            yield file, file.relative_to(path)


def _work(items: Sequence[Item], chain: Chain, n_jobs: int) -> Iterator[dict[str, Any]]:
    if n_jobs <= 1:
        for item in items:
            yield _one(item, chain)
        return
    waiting = list(reversed(items))
    workers = [_Worker(chain) for _ in range(n_jobs)]
    try:
        for worker in workers:
            worker.give(waiting.pop())
        while busy := [worker for worker in workers if worker.item]:
            ready = set(wait([worker.connection for worker in busy]))
            for worker in busy:
                if worker.connection not in ready:
                    continue
                yield worker.take()
                if waiting:
                    worker.give(waiting.pop())
    finally:
        for worker in workers:
            worker.ask_to_stop()
        for worker in workers:
            worker.stop()


def _one(item: Item, chain: Chain, progress: Any = None) -> dict[str, Any]:
    """One file's row, whatever happens to it; ctrl-C excepted."""
    try:
        Path(item.output).parent.mkdir(parents=True, exist_ok=True)
        return restore_file(item.file, item.output, chain, progress).row()
    except RtdeclipError as error:
        return failure_row(item.file, item.output, str(error))
    except Exception as error:  # one odd file must not end the batch
        reason = f"{item.file}: {type(error).__name__}: {error}"
        return failure_row(item.file, item.output, reason)


class _Worker:
    """A spawned process that restores one file after the other.

    It ignores ctrl-C itself, which reaches the whole process group, and is told to
    stop by the parent: between two blocks, so that nothing is torn.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.item: Item | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._chain), daemon=True
        )
        self._process.start()
        theirs.close()

    def give(self, item: Item) -> None:
        self.item = item
        with contextlib.suppress(BrokenPipeError):  # `take` finds out
            self.connection.send(item)

    def take(self) -> dict[str, Any]:
        """The row of the file it had; a worker that died is replaced."""
        item = self.item
        assert item is not None
        self.item = None
        try:
            row: dict[str, Any] = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            reason = (
                f"{item.file}: the worker process ended with exit code "
                f"{self._process.exitcode}; it may have run out of memory. "
                "Try again with fewer --jobs."
            )
            self._start()
            return failure_row(item.file, item.output, reason)
        return row

    def ask_to_stop(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.send(None)

    def stop(self) -> None:
        self._process.join(STOP_WITHIN_S)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self.connection.close()


def _serve(connection: Connection, chain: Chain) -> None:
    """A worker's life: items in, rows out, until None or the parent's end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def heed(step: str, done_s: float, of_s: float | None) -> None:
        if connection.poll():
            raise KeyboardInterrupt

    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while item := connection.recv():
            connection.send(_one(item, chain, heed))

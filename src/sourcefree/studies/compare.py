"""``compare``: run a study, going on where it was stopped, and write its tables and report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sourcefree.engine.progress import Progress, Silent
from sourcefree.errors import ConfigError, DataError, SourcefreeError
from sourcefree.files import check_place, is_leftover, write_text
from sourcefree.lock import locked
from sourcefree.studies.cell import Cell, Row
from sourcefree.studies.executors import Executor, LocalExecutor, RayExecutor
from sourcefree.studies.leads import with_answers
from sourcefree.studies.measure import run_cell
from sourcefree.studies.origin import check_origin, keep_origin
from sourcefree.studies.part import part_of
from sourcefree.studies.points import collect_points
from sourcefree.studies.prepare import prepare
from sourcefree.studies.report import write_study_report
from sourcefree.studies.results import ResultTable, read_point_table, write_parquet, write_points
from sourcefree.studies.study import StudySettings, load_study, study_cells
from sourcefree.studies.summary import Table, summary_tables
from sourcefree.studies.task_folders import TaskFolders, is_prepared

_STUDY = {"results.csv", "results.data", "points.csv"}
_BEGUN = {"cache", "cells"}  # all there may be of a study that was stopped before it had a row


@dataclass(frozen=True)
class CompareResult:
    """What a study gave.

    Attributes:
        out: its folder: results.csv, results.parquet, results.md, report.html.
        rows: one a cell that was asked for.
        tables: what they say; those in the folder are of all its rows.
        failures: (cell, reason) of cells without a row.
    """

    out: Path
    rows: list[Row]
    tables: list[Table]
    failures: list[tuple[str, str]]


def compare(
    *,
    study: str | Path | StudySettings,
    out: Path | str,
    data: Path | str = ".",
    cache: Path | str | None = None,
    tasks: Sequence[str] = (),
    methods: Sequence[str] = (),
    seeds: Sequence[int] = (),
    jobs: int = 1,
    ray: bool = False,
    tables_only: bool = False,
    progress: Progress | None = None,
) -> CompareResult:
    """Run the cells of a study that have no result yet, and write all tables: of everything that is there.

    Args:
        study: YAML file, name of a ready-made study, or its settings.
        out: folder of the results; an earlier one of the same study is gone on with.
        data: folder that relative paths of tasks begin at.
        cache: folder of rendered images and source models; default: ``cache`` in ``out``. Studies may share one.
        tasks: only these; default: all of the study.
        methods: only these.
        seeds: only these.
        jobs: processes at a time.
        ray: run on Ray in place of local processes.
        tables_only: compute nothing, and write the tables of the rows that are there.
        progress: receives progress; silent by default.

    Raises:
        ConfigError: the study does not fit, another process writes to ``out``, or its rows are of other images.
        SourcefreeError: no cell could be computed.
    """
    out, progress = Path(out), progress or Silent()
    cache = Path(cache) if cache is not None else out / "cache"
    _check_out(out)
    if jobs < 1:
        raise ConfigError(f"jobs: expected at least 1, found {jobs}")
    origin = "study" if isinstance(study, StudySettings) else str(study)
    settings = study if isinstance(study, StudySettings) else load_study(str(study))
    whole = study_cells(settings, origin=origin)
    cells = part_of(
        whole,
        ("task", tasks, lambda cell: cell.task_name),
        ("method", methods, lambda cell: cell.method_name),
        ("seed", seeds, lambda cell: cell.seed),
    )
    executor: Executor = RayExecutor(jobs) if ray else LocalExecutor(jobs)
    places = {"cache": cache.resolve(), "data": Path(data).resolve()}
    # Two that write one table would each write it without the other's rows.
    with nullcontext() if tables_only else locked(out):
        table = ResultTable(out / "results.csv")
        progress.say(f"{len(cells)} cells, {sum(cell.key in table.rows for cell in cells)} of them done")
        failures = [] if tables_only else _compute(cells, table, executor, places, progress)
        rows = _named(table, cells)
        if not rows:
            why = f"{failures[0][0]}: {failures[0][1]}" if failures else f"{table.path} has no row of it yet"
            raise SourcefreeError(f"no cell of the study could be computed: {why}")
        # The files tell of all that is there, as results.csv does, also where a part of the study was asked for.
        everything = _named(table, whole)
        points = _write_points(everything, cache / "points", out / "points.csv", progress)
        _write(out, settings, with_answers(everything, points))
        rows = with_answers(rows, points)
    return CompareResult(out, rows, _tables(settings, rows), failures)


def _check_out(out: Path) -> None:
    """Check that results can be written to a folder: a new one, or that of a study.

    Raises:
        ConfigError: it cannot be written to, or holds other files.
    """
    check_place(out)
    found = {path.name for path in out.iterdir() if not is_leftover(path)} if out.is_dir() else set()
    others = sorted(found - _BEGUN)
    if others and not found & _STUDY:
        raise ConfigError(
            f"{out}: the folder holds other files and no study, for example {others[0]}", hint="choose another --out"
        )


def _compute(
    cells: list[Cell], table: ResultTable, executor: Executor, places: dict[str, Path], progress: Progress
) -> list[tuple[str, str]]:
    """Compute the cells that have no row yet; return what failed."""
    out = table.path.parent
    origins = _check_origins(cells, out, places)
    todo = [cell for cell in cells if cell.key not in table.rows]
    failures = _prepare(todo, executor, places, progress)
    done = {_folders(cell, places) for cell in cells if cell.key in table.rows}
    _keep_origins(origins, out, done)
    return failures + _run([cell for cell in todo if not _unprepared(cell, places)], table, executor, places, progress)


def _write_points(rows: list[Row], folder: Path, path: Path, progress: Progress) -> list[Row]:
    """Write the points and return them; a table of another form in their place is left alone, and no reason to end there."""
    try:
        known = read_point_table(path) if path.is_file() else []
    except DataError as error:
        progress.say(f"points not written: {error.message}")
        return []
    points = collect_points(rows, folder, known=known)
    write_points(points, path)
    return points


def _folders(cell: Cell, places: dict[str, Path]) -> TaskFolders:
    return TaskFolders(cell.task, cell.seed, places["cache"], places["data"])


def _unprepared(cell: Cell, places: dict[str, Path]) -> bool:
    return not is_prepared(_folders(cell, places))


def _check_origins(cells: list[Cell], out: Path, places: dict[str, Path]) -> dict[TaskFolders, dict[str, str]]:
    """Return the fingerprints of every task's images; refuse results and caches that were made from others."""
    known: dict[Any, dict[str, str]] = {}
    origins = {}
    for folders in dict.fromkeys(_folders(cell, places) for cell in cells):
        images = folders.task.folders or folders.task.given
        if images not in known:
            known[images] = folders.origin()
        check_origin(out / "results.data", known[images], places["data"])
        folders.check_origin(known[images])
        origins[folders] = known[images]
    return origins


def _keep_origins(origins: dict[TaskFolders, dict[str, str]], out: Path, done: set[TaskFolders]) -> None:
    """Note what prepared tasks, and those that have rows, were made from: older versions did not."""
    for folders, images in origins.items():
        prepared = is_prepared(folders)
        if prepared:
            folders.keep_origin(images)
        if images and (prepared or folders in done):
            keep_origin(out / "results.data", images)


def _prepare(
    cells: list[Cell], executor: Executor, places: dict[str, Path], progress: Progress
) -> list[tuple[str, str]]:
    """Render images and train source models; return what failed."""
    places["cache"].mkdir(parents=True, exist_ok=True)
    # Tasks may share source models, such as those that differ in their pairs: one of each kind goes first.
    first: dict[Path, TaskFolders] = {}
    rest: dict[TaskFolders, None] = {}
    for folders in dict.fromkeys(_folders(cell, places) for cell in cells if _unprepared(cell, places)):
        shared = folders.source_model(0)
        if shared in first:
            rest[folders] = None
        else:
            first[shared] = folders
    failures: list[tuple[str, str]] = []
    names = {_folders(cell, places): f"{cell.task_name}, seed {cell.seed}" for cell in cells}
    for batch in (list(first.values()), list(rest)):
        if not batch:
            continue
        progress.start("rendering and training source models", len(batch))
        for done, outcome in enumerate(executor.run(prepare, [{"folders": one} for one in batch]), start=1):
            progress.advance(done)
            if outcome.error:
                failures.append((names[batch[outcome.number]], _reason(outcome.error, outcome.hint)))
    return failures


def _run(
    cells: list[Cell], table: ResultTable, executor: Executor, places: dict[str, Path], progress: Progress
) -> list[tuple[str, str]]:
    """Compute cells and store their rows; return what failed."""
    failures: list[tuple[str, str]] = []
    unique = list({cell.key: cell for cell in cells}.values())
    work = table.path.parent.resolve() / "cells"
    if unique:
        progress.start("cells", len(unique))
    pieces = [{"cell": cell, "work": work, **places} for cell in unique]
    for done, outcome in enumerate(executor.run(run_cell, pieces), start=1):
        cell = unique[outcome.number]
        if outcome.error:
            failures.append(
                (f"{cell.task_name}, {cell.method_name}, seed {cell.seed}", _reason(outcome.error, outcome.hint))
            )
        else:
            table.add(outcome.value)
        progress.advance(done)
    with suppress(OSError):  # a cell that failed has checkpoints to go on from
        work.rmdir()
    return failures


def _reason(error: str, hint: str | None) -> str:
    return f"{error} ({hint})" if hint else error


def _named(table: ResultTable, cells: list[Cell]) -> list[Row]:
    """Return the rows of the cells under this study's names: another study may have measured the same cell."""
    return [
        {**table.rows[cell.key], "task": cell.task_name, "method": cell.method_name, "seed": cell.seed}
        for cell in cells
        if cell.key in table.rows
    ]


def _tables(study: StudySettings, rows: list[Row]) -> list[Table]:
    return summary_tables(rows, transposed=study.rows == "tasks")


def _write(out: Path, study: StudySettings, rows: list[Row]) -> None:
    tables = _tables(study, rows)
    write_parquet(rows, out / "results.parquet")
    text = "\n\n".join(
        [f"# {study.title}", *([study.question] if study.question else []), *(t.to_markdown() for t in tables)]
    )
    write_text(out / "results.md", text + "\n")
    write_study_report(out / "report.html", study=study, rows=rows, tables=tables)

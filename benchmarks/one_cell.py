"""One cell of the study ``methods``, chosen on the command line: what benchmarks of a single adaptation have in common."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from sourcefree.commands.adaptation import Adaptation
from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.commands.loading import LabelledData
from sourcefree.errors import SourcefreeError
from sourcefree.studies.cell import Cell
from sourcefree.studies.measure import load_cell
from sourcefree.studies.part import part_of
from sourcefree.studies.prepare import prepare
from sourcefree.studies.study import load_study, study_cells
from sourcefree.studies.task_folders import PreparedTask, TaskFolders


def cell_parser(description: str | None, *, seed: int) -> argparse.ArgumentParser:
    """Return a parser with the options that choose a cell.

    Args:
        description: of the script.
        seed: default.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="nir-1")
    parser.add_argument("--method", default="multilevel")
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    return parser


def chosen_cell(parser: argparse.ArgumentParser, options: argparse.Namespace) -> tuple[Cell, PreparedTask]:
    """Return the cell that the options choose, and its files, prepared where they are not there yet.

    Options that choose none, a method that trains no target model, and data that are not there end the program with the
    parser's message and exit code 2.
    """
    try:
        (cell,) = part_of(
            study_cells(load_study("methods"), origin="methods"),
            ("task", [options.task], lambda cell: cell.task_name),
            ("method", [options.method], lambda cell: cell.method_name),
            ("seed", [options.seed], lambda cell: cell.seed),
        )
        if not cell.settings.students:
            parser.error(f"--method {options.method} trains no target model")
        folders = TaskFolders(cell.task, cell.seed, options.cache, options.data)
        prepare(folders)
    except SourcefreeError as error:
        parser.error(str(error))
    return cell, folders.prepared()


def judged_models(
    parser: argparse.ArgumentParser,
) -> tuple[Adaptation, LabelledData, Judge, dict[str, Candidate]]:
    """Return the adaptation that the command line chooses, its test images, its evidence, and its models, trained."""
    cell, prepared = chosen_cell(parser, parser.parse_args())
    with tempfile.TemporaryDirectory() as work:
        adaptation, test = load_cell(cell, prepared, Path(work), Path(work) / "bridges")
        judge = adaptation.judge()
        return adaptation, test, judge, adaptation.candidates(judge)

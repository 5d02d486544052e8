"""Commands that compare and show: ``compare``, ``scores``, ``studies``, ``methods``, ``settings``, ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sourcefree.cli.shared import app, error_console, out_console
from sourcefree.console import ConsoleProgress
from sourcefree.console_tables import show_metrics, show_table
from sourcefree.errors import SourcefreeError
from sourcefree.files import write_text


@app.command
def compare(
    study: Annotated[str, Parameter(help="YAML file, or a ready-made study; see `sourcefree studies`.")],
    *,
    out: Annotated[Path, Parameter(help="Folder of the results; an unfinished study in it goes on.")],
    data: Annotated[Path, Parameter(help="Folder that the paths of real data begin at.")] = Path(),
    cache: Annotated[Path | None, Parameter(help="Rendered images and source models; default: OUT/cache.")] = None,
    tasks: Annotated[list[str] | None, Parameter(help="Only these tasks.", negative="")] = None,
    methods: Annotated[list[str] | None, Parameter(help="Only these methods.", negative="")] = None,
    seeds: Annotated[list[int] | None, Parameter(help="Only these seeds.", negative="")] = None,
    jobs: Annotated[int, Parameter(help="Cells computed at a time; cores are shared among them.")] = 1,
    ray: Annotated[bool, Parameter(help="Compute on Ray (RAY_ADDRESS, else this machine).", negative="")] = False,
    tables_only: Annotated[
        bool, Parameter(help="Compute nothing: write the tables of what is there.", negative="")
    ] = False,
) -> None:
    """Compare methods over tasks and seeds: one table, one report. Finished cells are never computed again."""
    from sourcefree.studies.compare import compare as run

    with ConsoleProgress(out_console) as progress:
        result = run(
            study=study,
            out=out,
            data=data,
            cache=cache,
            tasks=tasks or (),
            methods=methods or (),
            seeds=seeds or (),
            jobs=jobs,
            ray=ray,
            tables_only=tables_only,
            progress=progress,
        )
    for table in result.tables:
        show_table(out_console, table)
    for cell, reason in result.failures:
        error_console.print(f"failed: {cell}: {reason}", markup=False, soft_wrap=True)
    out_console.print(f"tables and report: {result.out}", markup=False, soft_wrap=True)
    if result.failures:
        raise SourcefreeError(
            f"{len(result.failures)} cells or tasks of the study failed", hint="the same command tries them again"
        )


@app.command
def scores(
    study: Annotated[Path, Parameter(help="Folder of a study's results.")],
    *,
    tasks: Annotated[list[str] | None, Parameter(help="Only these tasks.", negative="")] = None,
    methods: Annotated[list[str] | None, Parameter(help="Only models of these methods.", negative="")] = None,
    seeds: Annotated[list[int] | None, Parameter(help="Only these seeds.", negative="")] = None,
) -> None:
    """Show what label-free scores are worth: rank correlation with the true accuracy, and regret of a choice by them.

    Unless a part is chosen, the tables are written to scores.md in the folder too.
    """
    from sourcefree.studies.part import part_of
    from sourcefree.studies.results import read_point_table
    from sourcefree.studies.score_quality import quality_tables

    points = part_of(
        read_point_table(study / "points.csv"),
        ("task", tasks or (), lambda point: point["task"]),
        ("method", methods or (), lambda point: point["method"]),
        ("seed", seeds or (), lambda point: int(point["seed"])),
    )
    tables = quality_tables(points)
    for table in tables:
        show_table(out_console, table)
    if tasks or methods or seeds:
        return  # the file tells of all that is there
    text = "\n\n".join(table.to_markdown() for table in tables)
    write_text(study / "scores.md", f"# What label-free scores are worth\n\n{text}\n")
    out_console.print(f"as Markdown: {study / 'scores.md'}", markup=False, soft_wrap=True)


@app.command
def studies() -> None:
    """List the ready-made studies of compare."""
    from sourcefree.studies.study import load_study, ready_studies

    for name in ready_studies():
        study = load_study(name)
        text = f"{name}\n  {study.title}. {study.question}"
        out_console.print(text, markup=False, soft_wrap=True)


@app.command
def methods() -> None:
    """List the methods of adapt and compare: what they do, where they come from, what data they use."""
    from sourcefree.methods.presets import METHODS

    for name, preset in METHODS.items():
        text = f"{name}\n  {preset.summary}\n  {preset.reference}; uses {preset.uses}"
        out_console.print(text, markup=False, soft_wrap=True)


@app.command
def settings(
    section: Annotated[str | None, Parameter(help="Only these, such as multilevel; default: all.")] = None,
) -> None:
    """Show every setting with its default and what it does, as Markdown."""
    from sourcefree.settings_page import section_text, settings_page

    text = settings_page().rstrip() if section is None else section_text(section)
    out_console.print(text, markup=False, soft_wrap=True)


@app.command
def demo(
    *,
    out: Annotated[Path, Parameter(help="Folder to write; must be empty.")] = Path("demo"),
    seed: Annotated[int, Parameter(help="Fixes everything that is random.")] = 0,
) -> None:
    """Show the whole way on simulated depth: simulate, train-source, adapt, evaluate, report."""
    from sourcefree.commands.demo import demo as run

    with ConsoleProgress(out_console) as progress:
        result = run(out=out, seed=seed, progress=progress)
    show_metrics(out_console, "source model on RGB", {"source": result.source.metrics})
    show_metrics(out_console, f"on depth (delivered: {result.evaluation.delivered})", result.evaluation.metrics)
    out_console.print(f"report: {result.report}", markup=False, soft_wrap=True)

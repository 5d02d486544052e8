"""How much of an accuracy is chance: the same method from the same source model, with other orders and crops of the images.

python benchmarks/chance.py --task nir-1 --data DATA [--method multilevel] [--seed 0] [--runs 3] [--cache runs/cache]
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import torch
from one_cell import cell_parser, chosen_cell
from torch import Tensor

from sourcefree.allocator import keep_freed_memory
from sourcefree.engine.inference import infer
from sourcefree.studies.cell import Cell
from sourcefree.studies.measure import load_cell
from sourcefree.studies.task_folders import PreparedTask


def trained(cell: Cell, prepared: PreparedTask, *, order: int) -> tuple[Tensor, Tensor]:
    """Return the adapted model's probabilities of the test images (N, K) and their classes (N,).

    Args:
        cell: its seed says which images and which source model.
        prepared: the cell's files.
        order: seed of the training alone.
    """
    with tempfile.TemporaryDirectory() as work:
        adaptation, test = load_cell(cell, prepared, Path(work), Path(work) / "bridges")
        settings = adaptation.settings.model_copy(update={"seed": order})
        again = replace(adaptation, settings=settings, trainer=replace(adaptation.trainer, seed=order))
        model = again.candidates(again.judge())["adapted"].model
        answers = infer(model, test.images.plain(), runtime=again.runtime)
    return answers.logits.softmax(-1), torch.as_tensor(test.class_index)


def percent(right: Sequence[Tensor]) -> float:
    """Return the mean of boolean tensors, in percent."""
    return 100 * float(torch.stack(list(right)).double().mean())


def main() -> None:
    keep_freed_memory()
    parser = cell_parser(__doc__, seed=0)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if options.runs < 2:
        parser.error("--runs: two at least, to have something to compare")
    cell, prepared = chosen_cell(parser, options)
    answers = []
    for order in range(options.runs):
        probabilities, truth = trained(cell, prepared, order=order)
        answers.append(probabilities)
        print(f"run {order:<32}{percent([probabilities.argmax(-1) == truth]):>6.1f} %", flush=True)
    two = list(combinations(answers, 2))
    rows = {
        "mean of the runs": [one.argmax(-1) == truth for one in answers],
        "two runs answer differently": [one.argmax(-1) != other.argmax(-1) for one, other in two],
        "answers of two runs, averaged": [(one + other).argmax(-1) == truth for one, other in two],
        "answers of all runs, averaged": [torch.stack(answers).sum(0).argmax(-1) == truth],
    }
    for name, right in rows.items():
        print(f"{name:<36}{percent(right):>6.1f} %")


if __name__ == "__main__":
    main()

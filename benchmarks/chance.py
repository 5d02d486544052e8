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
from sourcefree.commands.adaptation import Adaptation
from sourcefree.commands.candidates import Judge
from sourcefree.commands.loading import LabelledData
from sourcefree.engine.inference import infer
from sourcefree.engine.run_folder import RunFolder
from sourcefree.studies.measure import load_cell


def trained(adaptation: Adaptation, judge: Judge, test: LabelledData, *, order: int) -> Tensor:
    """Return the adapted model's probabilities of the test images, (N, K).

    Args:
        adaptation: a cell's, nothing trained yet.
        judge: its evidence.
        test: labelled images.
        order: seed of this training.
    """
    folder = adaptation.folder.path / str(order)
    again = replace(
        adaptation,
        settings=adaptation.settings.model_copy(update={"seed": order}),
        trainer=replace(adaptation.trainer, seed=order),
        folder=RunFolder(folder),
        bridges=folder,
    )
    model = again.candidates(judge)["adapted"].model
    return infer(model, test.images.plain(), runtime=adaptation.runtime).logits.softmax(-1)


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
    with tempfile.TemporaryDirectory() as work:
        adaptation, test = load_cell(cell, prepared, Path(work), Path(work))
        truth, judge = torch.as_tensor(test.class_index), adaptation.judge()
        for order in range(options.runs):
            answers.append(trained(adaptation, judge, test, order=order))
            print(f"run {order:<32}{percent([answers[-1].argmax(-1) == truth]):>6.1f} %", flush=True)
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

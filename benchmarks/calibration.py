"""What each temperature that is found without labels makes of a model, beside the one that test labels ask for.

python benchmarks/calibration.py --task depth-b --data DATA [--method multilevel] [--seed 0] [--cache runs/cache]
"""

from __future__ import annotations

import numpy as np
import torch
from one_cell import cell_parser, judged_models
from torch import Tensor

from sourcefree.allocator import keep_freed_memory
from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.commands.loading import LabelledData
from sourcefree.engine.inference import infer
from sourcefree.evaluation.metrics import classification_metrics
from sourcefree.selection.scores import mean_confidence
from sourcefree.selection.temperature import fitted_temperature, pair_temperature


def rows(model: Candidate, judge: Judge, test: LabelledData) -> list[str]:
    """Return one line for each temperature: its calibration error on the test images, and that of the estimate."""
    answers = infer(model.model, test.images.plain(), runtime=judge.runtime).logits
    temperatures = {
        "none": 1.0,
        "of mixtures": model.target_scores["mixing_temperature"],
        "of pairs": pair_temperature(model.pair_logits, model.source_logits),
        "trusted": model.temperature,
        "due, by labels": fitted_temperature(answers.float(), torch.as_tensor(test.class_index)),
    }
    return [
        row(model.name, name, t, answers / t, model.target.logits[judge.unseen] / t, test)
        for name, t in temperatures.items()
    ]


def row(model: str, name: str, temperature: float, answers: Tensor, unseen: Tensor, test: LabelledData) -> str:
    """Return one line of the table.

    Args:
        model: its name.
        name: of the temperature.
        temperature: found without labels.
        answers: (N, K) logits of the test images at it.
        unseen: (M, K) logits at it of the target images that the estimate is made of.
        test: labelled images.
    """
    found = classification_metrics(probabilities=np.asarray(answers.softmax(-1)), labels=test.class_index)
    error = 100 * (mean_confidence(unseen) - found.accuracy)
    return f"{model:<14}{100 * found.accuracy:>8.1f} %  {name:<16}{temperature:>6.2f}{100 * found.ece:>8.1f} %{error:>+12.1f}"


def main() -> None:
    keep_freed_memory()
    parser = cell_parser(__doc__, seed=0)
    _, test, judge, models = judged_models(parser)
    print(f"{'model':<14}{'accuracy':>10}  {'temperature':<22}{'ECE':>10}{'estimate':>12}")
    for model in models.values():
        print(*rows(model, judge, test), sep="\n")


if __name__ == "__main__":
    main()

"""How sure a model is, and how often right, on target images it was trained on and on others: the estimate is of the others.

python benchmarks/unseen.py --task nir-1 --data DATA [--method multilevel] [--seed 2] [--cache runs/cache]
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from one_cell import cell_parser, judged_models

from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.data.datasets import UnlabelledImages
from sourcefree.selection.scores import mean_confidence


def judged(judge: Judge, candidate: Candidate, positions: list[int]) -> Candidate:
    """Return the candidate with its accuracy estimated on these target images."""
    scenes = torch.arange(len(positions))  # the interval is not shown
    return replace(judge, unseen=positions, unseen_scenes=scenes).candidate(candidate.name, candidate.model)


def main() -> None:
    parser = cell_parser(__doc__, seed=2)
    adaptation, test, judge, models = judged_models(parser)
    target, labels = adaptation.target, adaptation.source.labels
    unseen = set(target.held_out)
    test_images = cast(UnlabelledImages, test.images.plain())  # they have labels, which no evidence asks for
    parts = {
        "trained on": (judge, [position for position in range(len(target.whole)) if position not in unseen]),
        "held out": (judge, target.held_out),
        "test images": (replace(judge, target=test_images), list(range(len(test.images)))),
    }
    print(f"{'model':<14}{'images':<14}{'count':>7}{'accuracy':>10}{'confidence':>12}{'estimate':>10}")
    for model in models.values():
        for name, (of, positions) in parts.items():
            found = judged(of, model, positions)
            answers = found.target.logits[positions]
            truth = [labels.index(of.target.names[position].partition("/")[0]) for position in positions]
            accuracy = float((answers.argmax(-1) == torch.tensor(truth)).double().mean())
            shown = (accuracy, mean_confidence(answers), found.target_scores["estimated_accuracy"])
            print(
                f"{model.name:<14}{name:<14}{len(positions):>7}" + "".join(f"{100 * value:>9.1f} %" for value in shown)
            )


if __name__ == "__main__":
    main()

"""The default method: its terms, and the averaged weights that it delivers."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from sourcefree.config import MultilevelSettings
from sourcefree.losses.matching import stage_matching
from sourcefree.methods.base import EpochView, StudentParts
from sourcefree.methods.multilevel import Multilevel
from sourcefree.methods.presets import method_settings
from sourcefree.models.classifier import Classifier
from sourcefree.models.student import new_student
from sourcefree.types import ClassifierOutput, StepBatch

PAIR_TERMS = {"features", "stages", "answers"}
TARGET_TERMS = {"information", "pseudo_labels"}


def parts(source_model: Classifier) -> StudentParts:
    student, teacher = (new_student(source_model, in_channels=1) for _ in range(2))
    return StudentParts(source_model, student, teacher)


def multilevel(source_model: Classifier, **settings: object) -> Multilevel:
    """Return the method with every term on, at the begin of an epoch."""
    switched_on = {"stages": 1.0, "pseudo_labels": 0.3, **settings}
    method = Multilevel(parts(source_model), MultilevelSettings(**switched_on)).train()
    torch.manual_seed(2)
    outputs = ClassifierOutput(torch.randn(6, 8), 9 * torch.eye(3).repeat(2, 1))
    method.begin_epoch(EpochView(0.0, lambda _model: outputs))
    return method


def test_the_default_is_the_simplest_form(source_model: Classifier, batch: StepBatch) -> None:
    settings = method_settings("multilevel")
    assert settings.stages == ("multilevel",)
    assert settings.multilevel is not None
    method = Multilevel(parts(source_model), settings.multilevel).train()
    method.begin_epoch(EpochView(0.0, lambda _model: pytest.fail("no pseudo-labels are asked for")))
    assert set(method(batch).terms) == {"features", "answers", "information"}


@pytest.mark.parametrize("term", sorted(PAIR_TERMS | TARGET_TERMS))
def test_every_term_can_be_switched_off(source_model: Classifier, batch: StepBatch, term: str) -> None:
    method = multilevel(source_model, **{term: 0.0})
    assert set(method(batch).terms) == (PAIR_TERMS | TARGET_TERMS) - {term}


def test_terms_by_hand(source_model: Classifier, batch: StepBatch) -> None:
    method = multilevel(source_model).eval()
    terms = method(batch).terms
    pairs, target = batch.needed_pairs, batch.target_images
    student, maps = method.learner.with_stages(pairs.target)
    teacher, teacher_maps = source_model.with_stages(pairs.source)
    assert terms["features"].item() == pytest.approx(
        3 * (student.features - teacher.features).square().mean().item(), rel=1e-3
    )
    assert terms["stages"].item() == pytest.approx(stage_matching(maps, teacher_maps).item(), rel=1e-3)
    log_s, log_t = (output.logits.div(2).log_softmax(-1) for output in (student, teacher))
    answers = 4 * (log_t.exp() * (log_t - log_s)).sum(-1).mean()
    assert terms["answers"].item() == pytest.approx(answers.item(), rel=1e-3)
    assert method.self_labels.labels is not None
    logits = method.learner(target.images).logits
    own = 0.3 * cross_entropy(logits, method.self_labels.labels)
    assert terms["pseudo_labels"].item() == pytest.approx(own.item(), rel=1e-3)
    mean = logits.softmax(-1).mean(0)
    spread = (logits.softmax(-1) * logits.log_softmax(-1)).sum(-1).mean() - (mean * mean.log()).sum()
    assert terms["information"].item() == pytest.approx(-spread.item(), rel=1e-3)
    method.settings = method.settings.model_copy(update={"diversity": 0.0})
    alone = method(batch).terms["information"].item()
    assert alone == pytest.approx(-spread.item() - (mean * mean.log()).sum().item(), rel=1e-3)


def test_the_student_is_the_average_of_the_learner(source_model: Classifier, batch: StepBatch) -> None:
    method = multilevel(source_model, momentum=0.5)
    name = "network.bottleneck.0.weight"
    expected = method.student.state_dict()[name].clone()
    for step in range(1, 14):
        with torch.no_grad():
            for parameter in method.learner.parameters():
                parameter += 0.01 * step
        learned = method.learner.state_dict()[name].clone()
        method(batch)
        momentum = min(0.5, step / (step + 10))
        expected = momentum * expected + (1 - momentum) * learned
    assert torch.allclose(method.student.state_dict()[name], expected, atol=1e-5)
    assert momentum == 0.5  # the ramp has ended: both parts of the rule were tried


class Shared(nn.Module):
    """Two layers that share their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1)
        self.second = nn.Conv2d(3, 3, 1)
        self.second.weight = self.first.weight
        self.head = nn.Linear(3, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = self.head(self.second(self.first(images)).mean((2, 3)))
        return answers


def test_weights_that_layers_share_are_averaged_once(batch: StepBatch) -> None:
    method = Multilevel(parts(Classifier(Shared(), head="head").eval()), MultilevelSettings(momentum=0.5)).train()
    before = method.student.network.get_submodule("first").weight.clone()
    with torch.no_grad():
        for parameter in method.learner.parameters():
            parameter += 1.0
    method(batch)
    moved = method.student.network.get_submodule("first").weight - before
    assert moved == pytest.approx(torch.full_like(moved, 1 - 1 / 11))


def test_only_the_learner_has_gradients_and_its_head_stays(source_model: Classifier, batch: StepBatch) -> None:
    method = multilevel(source_model)
    before = copy.deepcopy(source_model.state_dict())
    method(batch).loss.backward()
    trained = {name for name, parameter in method.named_parameters() if parameter.grad is not None}
    assert trained
    assert all(name.startswith("learner.") and ".head." not in name for name in trained)
    assert all(torch.equal(before[name], value) for name, value in source_model.state_dict().items())


def test_a_resumed_average_goes_on_where_it_was(source_model: Classifier, batch: StepBatch) -> None:
    method, resumed = (multilevel(source_model) for _ in range(2))
    for _ in range(3):
        method(batch)
    resumed.load_trained_state(copy.deepcopy(method.trained_state()))
    method(batch)
    resumed(batch)
    assert resumed.updates == method.updates == 4
    pairs = zip(method.student.state_dict().values(), resumed.student.state_dict().values(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)

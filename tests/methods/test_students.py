"""The baselines: what each adds up, what it trains, and that no defect of public code came along."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from sourcefree.config import (
    AadSettings,
    AdaContrastSettings,
    MultilevelSettings,
    NrcSettings,
    Optimisation,
    OracleSettings,
    ShotSettings,
    SocketSettings,
    TgktSettings,
    TgmbSettings,
)
from sourcefree.engine.optimiser import create_optimiser
from sourcefree.losses.information import information_maximization
from sourcefree.losses.statistics import batch_norm_layers
from sourcefree.methods.adacontrast import AdaContrast
from sourcefree.methods.base import EpochView, Method, StudentParts
from sourcefree.methods.end_to_end import EndToEnd
from sourcefree.methods.shot import Shot
from sourcefree.methods.socket import Socket
from sourcefree.methods.students import STUDENTS
from sourcefree.methods.tgkt import Tgkt
from sourcefree.methods.tgmb import Tgmb
from sourcefree.models.classifier import Classifier
from sourcefree.models.ensemble import ensemble
from sourcefree.models.student import new_student
from sourcefree.models.translators import behind_translator, create_translator
from sourcefree.types import ClassifierOutput, ImageBatch, LabelledBatch, PairBatch, StepBatch
from support.classifiers import CLASSES, SIZE, small_classifier

COUNT = 12
SETTINGS = {
    "shot": ShotSettings(),
    "socket": SocketSettings(),
    "nrc": NrcSettings(neighbours=3),
    "aad": AadSettings(),
    "adacontrast": AdaContrastSettings(neighbours=3),
    "oracle": OracleSettings(),
    "tgkt": TgktSettings(),
    "multilevel": MultilevelSettings(pseudo_labels=0.3),
}


@pytest.fixture
def batch() -> StepBatch:
    torch.manual_seed(1)
    images = torch.randn(6, 1, SIZE, SIZE)
    indices = torch.tensor([1, 3, 5, 7, 9, 11])
    pairs = PairBatch(torch.randn(6, 3, SIZE, SIZE), torch.randn(6, 1, SIZE, SIZE), torch.arange(6))
    labelled = LabelledBatch(images, torch.tensor([0, 1, 2, 0, 1, 2]), indices)
    return StepBatch(target=ImageBatch(images, indices), pairs=pairs, labelled=labelled)


def parts_of(source_model: Classifier) -> StudentParts:
    student, teacher = (new_student(source_model, in_channels=1) for _ in range(2))
    return StudentParts(source_model, student, teacher)


def trained_classifier(seed: int) -> Classifier:
    """Return a source model whose batch-norm statistics are its own: those of an untrained one are 0 and 1 in any model."""
    model = small_classifier(seed)
    generator = torch.Generator().manual_seed(seed)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.copy_(torch.randn(layer.num_features, generator=generator))
            layer.running_var.copy_(0.5 + torch.rand(layer.num_features, generator=generator))
    return model


def view(progress: float = 0.0) -> EpochView:
    torch.manual_seed(4)
    output = ClassifierOutput(torch.randn(COUNT, 8), 3 * torch.eye(CLASSES).repeat(COUNT // CLASSES, 1))
    return EpochView(progress, lambda _m: output)


def build(section: str, source_model: Classifier) -> Method:
    method = STUDENTS[section](parts_of(source_model), SETTINGS[section])
    method.train()
    method.begin_epoch(view())
    return method


@pytest.mark.parametrize("section", STUDENTS)
def test_every_method_trains_the_student_and_nothing_of_the_source_model(
    source_model: Classifier, batch: StepBatch, section: str
) -> None:
    method = build(section, source_model)
    before = copy.deepcopy(source_model.state_dict())
    student = method.get_submodule("student")
    start = copy.deepcopy(student.state_dict())
    trained = [p for group in method.parameter_groups() for p in group.parameters if p.requires_grad]
    optimiser = torch.optim.SGD(trained, 0.1)
    for _ in range(2):  # a student that averages a learner follows with the next step
        output = method(batch)
        optimiser.zero_grad()
        output.loss.backward()
        optimiser.step()
    assert output.loss.item() == pytest.approx(sum(t.item() for t in output.terms.values()), rel=1e-4)
    assert all(torch.equal(before[name], value) for name, value in source_model.state_dict().items())
    changed = {name for name, value in student.state_dict().items() if not torch.equal(value, start[name])}
    assert any("backbone" in name and name.endswith("weight") for name in changed)
    head_moves = any(".head." in f".{name}" for name in changed)
    assert head_moves is (section in ("nrc", "aad", "adacontrast", "oracle"))


@pytest.mark.parametrize("section", ["shot", "socket"])
def test_shots_terms_in_both_methods(source_model: Classifier, batch: StepBatch, section: str) -> None:
    method = build(section, source_model)
    assert batch.target is not None
    method.eval()
    logits = method.get_submodule("student")(batch.target.images).logits
    terms = method(batch).terms
    assert isinstance(method, (Shot, Socket))
    labels = method.self_labels.labels
    assert isinstance(labels, torch.Tensor)
    assert terms["information"].item() == pytest.approx(information_maximization(logits).item(), abs=1e-5)
    expected = 0.3 * cross_entropy(logits, labels[batch.target.indices]).item()
    assert terms["pseudo_labels"].item() == pytest.approx(expected, abs=1e-5)


def test_socket_adds_statistics_and_features_by_hand(source_model: Classifier, batch: StepBatch) -> None:
    method = build("socket", source_model)
    assert isinstance(method, Socket)
    assert batch.target is not None
    assert batch.pairs is not None
    method.eval()
    caught: list[torch.Tensor] = []
    ours = [m for m in method.student.modules() if isinstance(m, nn.BatchNorm2d)]
    theirs = [m for m in source_model.modules() if isinstance(m, nn.BatchNorm2d)]
    handles = [m.register_forward_hook(lambda _m, inputs, _o: caught.append(inputs[0])) for m in ours]
    method.student(batch.target.images)
    for handle in handles:
        handle.remove()
    gap = 0.0
    for place, (values, layer) in enumerate(zip(caught, theirs, strict=True)):
        flat = values.transpose(0, 1).flatten(1).detach().numpy()
        mean = ((flat.mean(1) - layer.running_mean.numpy()) ** 2).sum() ** 0.5
        variance = ((flat.var(1) - layer.running_var.numpy()) ** 2).sum() ** 0.5
        gap += (10 if place == 0 else 1) * (mean + variance)
    difference = method.student(batch.pairs.target).features - source_model(batch.pairs.source).features
    terms = method(batch).terms
    assert terms["statistics"].item() == pytest.approx(0.5 * gap, rel=1e-4)
    assert terms["features"].item() == pytest.approx(0.5 * difference.pow(2).sum().sqrt().item(), rel=1e-4)


def test_several_sources_keep_their_own_layers_and_learn_their_weights(batch: StepBatch) -> None:
    sources = ensemble([trained_classifier(0), trained_classifier(5)])
    method = Socket(parts_of(sources), SocketSettings())
    method.train()
    torch.manual_seed(4)
    method.self_labels.labels = torch.zeros(COUNT, dtype=torch.long)
    students = method.student.members()
    norms = [[m for m in student.modules() if isinstance(m, nn.BatchNorm2d)] for student in students]
    assert not {id(m) for m in norms[0]} & {id(m) for m in norms[1]}
    for own, source in zip(norms, sources.members(), strict=True):
        theirs = [m for m in source.modules() if isinstance(m, nn.BatchNorm2d)]
        assert all(torch.equal(a.running_mean, b.running_mean) for a, b in zip(own, theirs, strict=True))
    assert not torch.equal(norms[0][0].running_mean, norms[1][0].running_mean)
    mixture = method.student.head
    output = method(batch)
    output.loss.backward()
    assert mixture.scores.grad is not None
    assert mixture.scores.grad.abs().sum() > 0
    assert all(not p.requires_grad for student in students for p in student.head.parameters())
    with torch.no_grad():
        mixture.scores += torch.tensor([2.0, -1.0])
    expected = torch.sigmoid(torch.tensor([2.0, -1.0]))
    assert torch.allclose(mixture.weights(), expected / expected.sum())


def test_layers_without_statistics_or_that_are_never_reached_are_not_matched(batch: StepBatch) -> None:
    source_model = trained_classifier(0)
    norms = batch_norm_layers(source_model.network)
    source_model.network.get_submodule("backbone").register_module(
        "spare", nn.BatchNorm2d(4)
    )  # last of the layers, and no image comes by
    source_model.network.get_submodule("backbone").register_module(
        "passing", nn.BatchNorm2d(4, track_running_stats=False)
    )
    assert batch_norm_layers(source_model.network) == [*norms, source_model.network.get_submodule("backbone.spare")]
    found = Socket(parts_of(source_model), SocketSettings())(batch).terms["statistics"]
    expected = Socket(parts_of(trained_classifier(0)), SocketSettings())(batch).terms["statistics"]
    assert found == expected


def test_an_ensemble_answers_with_the_weighted_mean_of_its_members() -> None:
    members = [small_classifier(0), small_classifier(5)]
    images = torch.randn(4, 3, SIZE, SIZE)
    mixed = ensemble(members).eval()(images)
    expected = sum(0.5 * member(images).logits.softmax(-1) for member in members)
    assert torch.allclose(mixed.logits.softmax(-1), expected, atol=1e-5)
    assert torch.allclose(mixed.features, torch.cat([m(images).features for m in members], 1), atol=1e-5)


@pytest.mark.parametrize("joint", [False, True])
def test_the_critics_of_the_bridge_are_stepped(source_model: Classifier, batch: StepBatch, joint: bool) -> None:
    """In the public SOCKET code the critic has an optimiser that is never stepped."""
    translator = create_translator("paper", in_channels=1)
    bridge = Tgmb(source_model=source_model, translator=translator, feature_width=8, settings=TgmbSettings())
    method: Method = bridge
    if joint:
        behind = behind_translator(source_model, translator, name="paper", in_channels=1)
        parts = StudentParts(source_model, new_student(source_model, in_channels=1), behind)
        method = EndToEnd(bridge, Tgkt(parts, TgktSettings(), live_teacher=True))
    method.train()
    optimiser = create_optimiser(method, Optimisation(weight_decay=0))  # which alone would move them
    critics = [bridge.inter, bridge.intra]
    before = copy.deepcopy(critics)
    method(batch).loss.backward()
    optimiser.step()
    for critic, start in zip(critics, before, strict=True):
        assert critic is not None
        assert start is not None
        for ours, theirs in zip(critic.parameters(), start.parameters(), strict=True):
            assert not torch.equal(ours, theirs)


def test_end_to_end_trains_translator_and_student_and_no_gradient_of_the_student_reaches_the_translator(
    source_model: Classifier, batch: StepBatch
) -> None:
    translator = create_translator("paper", in_channels=1)
    off = TgmbSettings(reconstruction=0.0, adversarial=0.0, information=0.0)
    behind = behind_translator(source_model, translator, name="paper", in_channels=1)
    for settings, expected in ((TgmbSettings(), True), (off, False)):
        bridge = Tgmb(source_model=source_model, translator=translator, feature_width=8, settings=settings)
        student = new_student(source_model, in_channels=1)
        transfer = Tgkt(StudentParts(source_model, student, behind), TgktSettings(), live_teacher=True)
        method = EndToEnd(bridge, transfer).train()
        method.begin_epoch(view())
        translator.zero_grad()
        method(batch).loss.backward()
        moved = sum(p.grad.abs().sum().item() for p in translator.parameters() if p.grad is not None)
        assert (moved > 0) is expected
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in student.parameters())
        trained = {id(p) for group in method.parameter_groups() for p in group.parameters if p.requires_grad}
        assert {id(p) for p in translator.parameters()} <= trained
        saved = method.trained_state()
        assert any("translator" in name for name in saved)
        assert not any("source_model" in name for name in saved)


def test_the_momentum_model_follows_slowly_and_is_kept_in_checkpoints(
    source_model: Classifier, batch: StepBatch
) -> None:
    settings = AdaContrastSettings(neighbours=3, momentum=0.9)
    method = AdaContrast(parts_of(source_model), settings)
    method.train()
    method.begin_epoch(view())
    fast, slow = next(method.student.parameters()), next(method.momentum_student.parameters())
    with torch.no_grad():
        fast += 1.0
    expected = 0.9 * slow.detach() + 0.1 * fast.detach()
    method(batch)
    assert torch.allclose(slow, expected)
    assert any("momentum_student" in name for name in method.trained_state())
    assert not slow.requires_grad


def test_an_image_is_never_its_own_negative(
    source_model: Classifier, batch: StepBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stored answer may be another than that of its neighbours, which is its pseudo-label."""
    seen: dict[str, torch.Tensor] = {}

    def contrast(queries: torch.Tensor, *_: torch.Tensor, **labels: torch.Tensor) -> torch.Tensor:
        seen.update(labels)
        return queries.sum() * 0

    monkeypatch.setattr("sourcefree.methods.adacontrast.class_aware_info_nce", contrast)
    method = AdaContrast(parts_of(source_model), AdaContrastSettings(neighbours=3))
    method.train()
    method.begin_epoch(view())
    # All stored answers but those of the batch are the same, so that the vote of neighbours differs from some image's own.
    method.memory.probabilities[:] = torch.eye(CLASSES)[CLASSES - 1]
    method(batch)
    indices = batch.target_images.indices
    own = method.memory.probabilities[indices].argmax(-1)
    assert (own != seen["query_labels"]).any()
    assert torch.equal(seen["bank_labels"][indices], seen["query_labels"])


def test_dispersion_decays_over_the_training(source_model: Classifier, batch: StepBatch) -> None:
    method = build("aad", source_model)
    method.begin_epoch(view(progress=0.5))
    early = STUDENTS["aad"](parts_of(source_model), AadSettings())
    early.begin_epoch(view(progress=0.0))
    assert method.dispersion_weight == pytest.approx(1 / 6)
    assert early.dispersion_weight == 1.0


def test_a_live_teacher_leaves_the_translators_statistics_to_the_bridge(
    source_model: Classifier, batch: StepBatch
) -> None:
    translator = create_translator("paper", in_channels=1)
    behind = behind_translator(source_model, translator, name="paper", in_channels=1)
    bridge = Tgmb(source_model=source_model, translator=translator, feature_width=8, settings=TgmbSettings())
    parts = StudentParts(source_model, new_student(source_model, in_channels=1), behind)
    method = EndToEnd(bridge, Tgkt(parts, TgktSettings(self_training=0), live_teacher=True)).train()
    method(batch)
    norms = [module for module in translator.modules() if isinstance(module, nn.BatchNorm2d)]
    assert [int(norm.num_batches_tracked) for norm in norms] == [1] * len(norms)
    assert norms
    assert all(norm.training for norm in norms)


def test_every_source_of_socket_counts_by_its_weight_and_has_a_first_layer(batch: StepBatch) -> None:
    one, other = trained_classifier(0), trained_classifier(5)

    def terms(model: Classifier, weights: tuple[float, float] | None = None) -> dict[str, float]:
        method = Socket(parts_of(model), SocketSettings(pseudo_labels=0)).train()
        if weights:
            with torch.no_grad():
                method.student.head.scores.copy_(torch.tensor(weights))
        return {name: float(value) for name, value in method(batch).terms.items()}

    alone = [terms(one), terms(other)]
    both = terms(ensemble([one, other]), (1.0, -2.0))
    share = torch.sigmoid(torch.tensor([1.0, -2.0])) / torch.sigmoid(torch.tensor([1.0, -2.0])).sum()
    for name in ("statistics", "features"):
        expected = float(share[0]) * alone[0][name] + float(share[1]) * alone[1][name]
        assert both[name] == pytest.approx(expected, rel=1e-4)

"""What each term does to which weights."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torchvision.ops import StochasticDepth

from sourcefree.config import TgktSettings, TgmbSettings
from sourcefree.methods.adabn import adapt_batch_norm
from sourcefree.methods.base import EpochView, StudentParts
from sourcefree.methods.source_training import SourceTraining, classifier_groups
from sourcefree.methods.tgkt import Tgkt
from sourcefree.methods.tgmb import Tgmb
from sourcefree.models.classifier import Classifier
from sourcefree.models.student import new_student
from sourcefree.models.translators import behind_translator, create_translator
from sourcefree.types import ClassifierOutput, ImageBatch, LabelledBatch, StepBatch
from support.classifiers import SIZE


def tgmb(source_model: Classifier, **settings: object) -> Tgmb:
    translator = create_translator("unet", in_channels=1)
    return Tgmb(
        source_model=source_model, translator=translator, feature_width=8, settings=TgmbSettings(**settings)
    ).train()


ALL_TGMB = {"perceptual": 1.0}


@pytest.mark.parametrize(
    ("off", "gone"),
    [
        ({"perceptual": 0.0}, {"perceptual"}),
        ({"information": 0.0}, {"information"}),
        ({"inter_gap": False}, {"inter_gap"}),
        ({"intra_gap": False}, {"intra_gap"}),
        ({"adversarial": 0.0}, {"inter_gap", "intra_gap"}),
    ],
)
def test_every_bridge_term_can_be_switched_off(
    source_model: Classifier, batch: StepBatch, off: dict[str, object], gone: set[str]
) -> None:
    everything = set(tgmb(source_model, **ALL_TGMB)(batch).terms)
    assert everything == {"reconstruction", "perceptual", "information", "inter_gap", "intra_gap"}
    assert set(tgmb(source_model, **{**ALL_TGMB, **off})(batch).terms) == everything - gone


@pytest.mark.parametrize("discriminator", ["features", "pixels"])
def test_the_bridge_trains_translator_and_critics_and_nothing_of_the_source_model(
    source_model: Classifier, batch: StepBatch, discriminator: str
) -> None:
    before = copy.deepcopy(source_model.state_dict())
    method = tgmb(source_model, discriminator=discriminator, **ALL_TGMB)
    trained = [p for group in method.parameter_groups() for p in group.parameters]
    optimiser = torch.optim.SGD(trained, 0.1)
    method(batch).loss.backward()
    assert method.inter is not None
    assert all(p.grad is not None for p in (*method.translator.parameters(), *method.inter.parameters()))
    optimiser.step()
    assert all(torch.equal(before[name], value) for name, value in source_model.state_dict().items())
    assert not any(p.requires_grad for p in source_model.parameters())
    assert not any("source_model" in name for name in method.trained_state())


def test_alpha_d_scales_the_translators_gradient_and_not_the_critics(
    source_model: Classifier, batch: StepBatch
) -> None:
    gradients = []
    for alpha in (0.1, 0.2):
        torch.manual_seed(3)
        method = tgmb(source_model, reconstruction=0.0, information=0.0, adversarial=alpha)
        nn.init.normal_(method.translator.out.weight, std=0.1)
        method(batch).loss.backward()
        assert method.inter is not None
        critic = next(p.grad for p in method.inter.parameters() if p.grad is not None)
        gradients.append((method.translator.out.weight.grad.clone(), critic.clone()))
    assert torch.allclose(2 * gradients[0][0], gradients[1][0], rtol=1e-3, atol=1e-7)
    assert torch.allclose(gradients[0][1], gradients[1][1])


def view(progress: float = 0.0) -> EpochView:
    output = ClassifierOutput(torch.randn(6, 8), torch.eye(3).repeat(2, 1) * 9)
    return EpochView(progress, lambda _m: output)


def tgkt(source_model: Classifier, **settings: object) -> Tgkt:
    teacher = behind_translator(source_model, create_translator("unet", in_channels=1), name="unet", in_channels=1)
    parts = StudentParts(source_model, new_student(source_model, in_channels=1), teacher)
    return Tgkt(parts, TgktSettings(**settings)).train()


ALL_TGKT = {"pair_logits": 1.0}


@pytest.mark.parametrize("term", ["distillation", "features", "pair_logits", "self_training"])
def test_every_transfer_term_can_be_switched_off(source_model: Classifier, batch: StepBatch, term: str) -> None:
    found = []
    for settings in (ALL_TGKT, {**ALL_TGKT, term: 0.0}):
        method = tgkt(source_model, **settings)
        method.begin_epoch(view())
        found.append(set(method(batch).terms))
    assert found[0] - found[1] == {term}
    assert found[1] <= found[0]


def test_the_student_learns_while_teacher_translator_and_head_stay(source_model: Classifier, batch: StepBatch) -> None:
    method = tgkt(source_model, **ALL_TGKT)
    method.begin_epoch(view())
    before = copy.deepcopy(method.state_dict())
    optimiser = torch.optim.SGD([p for g in method.parameter_groups() for p in g.parameters if p.requires_grad], 0.1)
    method(batch).loss.backward()
    optimiser.step()
    changed = {name for name, value in method.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("student.") for name in changed)
    assert not any(".head." in name for name in changed)
    assert source_model.network.get_submodule("bottleneck")[0].weight is not method.student.network.bottleneck[0].weight


def test_batch_norm_of_the_student_sees_pairs_and_targets(source_model: Classifier, batch: StepBatch) -> None:
    method = tgkt(source_model)
    seen: list[int] = []
    norm = next(m for m in method.student.modules() if isinstance(m, nn.BatchNorm2d))
    norm.register_forward_hook(lambda _m, inputs, _o: seen.append(len(inputs[0])))
    method.begin_epoch(view())
    method(batch)
    assert seen == [12]


def test_pseudo_labels_follow_the_images_of_the_batch(source_model: Classifier, batch: StepBatch) -> None:
    method = tgkt(source_model, distillation=0.0, features=0.0, self_training=1.0)
    method.begin_epoch(view())
    assert method.self_labels.labels is not None
    method.self_labels.labels = torch.tensor([0, 1, 2, 0, 1, 2])
    order = torch.tensor([3, 1, 5])
    assert batch.target is not None
    shuffled = StepBatch(target=ImageBatch(batch.target.images[order], order), pairs=batch.pairs)
    method.eval()
    logits = method.student(batch.target.images[order]).logits
    expected = cross_entropy(logits, method.self_labels.labels[order])
    assert method(shuffled).terms["self_training"].item() == pytest.approx(expected.item(), abs=1e-4)


def test_adabn_takes_the_targets_statistics_and_leaves_the_source_model(source_model: Classifier) -> None:
    images = 5 + 2 * torch.randn(16, 3, SIZE, SIZE)
    before = copy.deepcopy(source_model.state_dict())
    adapted = adapt_batch_norm(source_model, [images[:8], images[8:]])
    assert all(torch.equal(before[name], value) for name, value in source_model.state_dict().items())
    caught: list[torch.Tensor] = []
    norm = next(m for m in adapted.modules() if isinstance(m, nn.BatchNorm2d))
    norm.register_forward_hook(lambda _m, inputs, _o: caught.append(inputs[0]))
    adapted(images)
    assert torch.allclose(norm.running_mean, caught[0].mean((0, 2, 3)), atol=1e-3)
    changed = {n for n, v in adapted.state_dict().items() if not torch.equal(v, before[n])}
    assert all("running" in name or "num_batches" in name for name in changed)
    assert not adapted.training
    alone = adapt_batch_norm(source_model, [images[:1]]).state_dict()  # one image varies in nothing: nothing is known
    assert all(torch.equal(before[name], value) for name, value in alone.items() if "running" in name)


def test_source_training_is_smoothed_cross_entropy_by_hand(source_model: Classifier) -> None:
    images, labels = torch.randn(4, 3, SIZE, SIZE), torch.tensor([0, 1, 2, 0])
    method = SourceTraining(source_model, label_smoothing=0.1).eval()
    found = method(StepBatch(labelled=LabelledBatch(images, labels, torch.arange(4)))).loss.item()
    log_p = source_model(images).logits.log_softmax(-1)
    target = torch.full((4, 3), 0.1 / 3)
    target[torch.arange(4), labels] += 0.9
    assert found == pytest.approx(-(target * log_p).sum(1).mean().item(), rel=1e-5)


def test_backbone_and_new_layers_are_told_apart(source_model: Classifier) -> None:
    backbone, new = classifier_groups(source_model)
    assert backbone.pretrained
    assert not new.pretrained
    assert len(backbone.parameters) + len(new.parameters) == len(list(source_model.parameters()))
    assert any(p is source_model.network.get_submodule("bottleneck")[0].weight for p in new.parameters)


class Plain(nn.Module):
    """A network without bottleneck, with dropout before its final layer and something of its own called backbone."""

    backbone = "mine"

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.noise = nn.Sequential(StochasticDepth(0.5, "row"), nn.Dropout(0.5))
        self.head = nn.Linear(8, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.noise(self.body(images))
        answers: torch.Tensor = self.head(features)
        return answers


def test_a_layer_that_mixes_channels_is_new_and_the_rest_without_bottleneck_is_backbone() -> None:
    student = new_student(Classifier(Plain(), head="head"), in_channels=4)
    backbone, new = classifier_groups(student)
    assert [p.shape for p in new.parameters] == [(3, 4, 1, 1), (3, 8), (3,)]
    assert [p.shape for p in backbone.parameters] == [(8, 3, 3, 3), (8,)]


def test_features_are_matched_without_dropout_and_labels_are_learned_with_it(batch: StepBatch) -> None:
    source_model = Classifier(Plain(), head="head").eval()
    student, teacher = (new_student(source_model, in_channels=1) for _ in range(2))
    method = Tgkt(StudentParts(source_model, student, teacher), TgktSettings()).train()
    grey = batch.needed_pairs.target
    alike = batch._replace(pairs=batch.needed_pairs._replace(source=grey.expand(-1, 3, -1, -1)))
    assert method.student.training
    assert method(alike).terms["features"] == 0  # it is the source model, and the images are the same
    learning = SourceTraining(source_model, label_smoothing=0.1).train()
    answers = {learning.model(grey.expand(-1, 3, -1, -1)).logits.sum().item() for _ in range(5)}
    assert len(answers) > 1

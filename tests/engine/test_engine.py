"""Sampling, schedule, checkpoints, metrics file and the loop on toy methods."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sourcefree.config import Optimisation
from sourcefree.engine.checkpoint import CheckpointFile, TrainingState
from sourcefree.engine.inference import image_batches, infer
from sourcefree.engine.optimiser import create_optimiser, set_learning_rate
from sourcefree.engine.progress import Silent
from sourcefree.engine.run_folder import open_run, read_json
from sourcefree.engine.runtime import Runtime, create_runtime
from sourcefree.engine.sampling import augmentation_epochs, epoch_batches, steps_per_epoch
from sourcefree.engine.tracking import MetricsFile
from sourcefree.engine.trainer import Evidence, Streams, Trainer
from sourcefree.errors import CheckpointError, ConfigError, DataError, DivergenceError
from sourcefree.files import check_output
from sourcefree.methods.base import EpochView, Method, ParameterGroup
from sourcefree.types import ClassifierOutput, ImageBatch, StepBatch, StepOutput


class Line(Method):
    """Fits y = x with one weight; the frozen part must never move."""

    def __init__(self, poison: bool = False) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.teacher = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
        self.poison = poison
        self.progresses: list[float] = []
        self.keep_frozen("teacher")

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        return [ParameterGroup([self.layer.weight], pretrained=True), ParameterGroup([self.layer.bias])]

    def begin_epoch(self, view: EpochView) -> None:
        self.progresses.append(view.progress)

    def forward(self, batch: StepBatch) -> StepOutput:
        assert batch.target is not None
        x = batch.target.images
        self.teacher(x)
        noise = 0.01 * torch.randn(())  # drawn from the global generator: resume must repeat it
        loss = (self.layer(x) - x).square().mean() * (1 + noise) * (float("nan") if self.poison else 1.0)
        return StepOutput(loss, {"square": loss.detach()})


class Numbers:
    def __init__(self, count: int = 20) -> None:
        self.values = torch.linspace(-1, 1, count).reshape(-1, 1)
        self.epochs: list[int] = []

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, indices: Any) -> ImageBatch:
        positions = torch.as_tensor(np.asarray(indices))
        return ImageBatch(self.values[positions], positions)

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


SETTINGS = Optimisation(epochs=4, batch_size=6, learning_rate=0.1)


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return create_runtime(device="cpu", precision="fp32", network=nn.Identity())


def train(runtime: Runtime, folder: Path, epochs: int = 4, poison: bool = False, data: Numbers | None = None) -> Line:
    torch.manual_seed(0)
    method = Line(poison)
    trainer = Trainer(runtime, MetricsFile(folder / "metrics.jsonl"), Silent(), seed=3)
    trainer.fit(
        method,
        stage="line",
        streams=Streams(target=data or Numbers()),
        settings=SETTINGS.model_copy(update={"epochs": epochs}),
        checkpoint=CheckpointFile(folder / "line.pt"),
    )
    return method


def test_the_loop_learns_and_logs_one_line_an_epoch(runtime: Runtime, tmp_path: Path) -> None:
    data = Numbers()
    torch.manual_seed(0)
    start = abs(Line().layer.weight.item() - 1)
    method = train(runtime, tmp_path, data=data)
    assert abs(method.layer.weight.item() - 1) < start
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 4
    assert list(dict.fromkeys(data.epochs)) == [0, 1, 2, 3]
    assert method.progresses == [0, 0.25, 0.5, 0.75]


def test_the_time_a_study_looks_at_the_model_is_no_cost_of_the_method(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("sourcefree.engine.trainer.time.perf_counter", lambda: now)
    seen = []

    def pass_time(seconds: float) -> None:
        nonlocal now
        now += seconds

    def observe(before: float, after: float) -> None:
        seen.append((before, after))
        pass_time(100)

    def scores() -> dict[str, float]:
        pass_time(1)
        return {}

    trainer = Trainer(runtime, MetricsFile(tmp_path / "metrics.jsonl"), Silent(), seed=3)
    trainer.fit(
        Line(),
        stage="line",
        streams=Streams(target=Numbers()),
        settings=SETTINGS.model_copy(update={"epochs": 2}),
        checkpoint=CheckpointFile(tmp_path / "line.pt"),
        evidence=Evidence(scores=scores, observe=observe),
    )
    assert seen == [(0.0, 0.5), (0.5, 1.0)]
    assert trainer.seconds == {"line": 2.0}


def test_a_frozen_teacher_never_moves(runtime: Runtime, tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = {name: value.clone() for name, value in Line().teacher.state_dict().items()}
    after = train(runtime, tmp_path).teacher.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_stage_cut_off_between_epochs_ends_at_the_same_weights(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = train(runtime, tmp_path / "a")

    class StopError(Exception):
        pass

    class Cut(Numbers):
        def set_epoch(self, epoch: int) -> None:
            if epoch == 2:
                raise StopError

    with pytest.raises(StopError):
        train(runtime, tmp_path / "b", data=Cut())
    resumed = train(runtime, tmp_path / "b")
    assert torch.equal(whole.layer.weight, resumed.layer.weight)
    assert torch.equal(whole.layer.bias, resumed.layer.bias)
    assert (tmp_path / "a/metrics.jsonl").read_text() == (tmp_path / "b/metrics.jsonl").read_text()


def test_a_stage_that_ended_is_not_kept_in_memory(runtime: Runtime, tmp_path: Path) -> None:
    for epochs in (2, 3):
        method = weakref.ref(train(runtime, tmp_path, epochs=epochs))
        gc.collect()
        assert method() is None


def test_a_finished_stage_is_not_trained_again(runtime: Runtime, tmp_path: Path) -> None:
    first, data = train(runtime, tmp_path), Numbers()
    again = train(runtime, tmp_path, data=data)
    assert data.epochs == []
    assert torch.equal(first.layer.weight, again.layer.weight)


def test_a_loss_that_is_not_finite_stops_with_its_terms(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(DivergenceError, match=r"stage line, epoch 1, step 1.*square nan"):
        train(runtime, tmp_path, poison=True)
    assert not (tmp_path / "line.pt").exists()


def test_a_run_that_diverged_gets_advice_that_can_be_followed(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(DivergenceError) as caught:
        train(runtime, tmp_path, poison=True)
    hint = str(caught.value.hint)
    assert "another folder with a lower learning rate" in hint
    assert "--resume comes to the same end" in hint
    assert "precision" not in hint
    assert "sourcefree inspect" in hint
    casting = Runtime(runtime.state, "bf16")
    train(casting, tmp_path, epochs=2)
    with pytest.raises(DivergenceError) as caught:
        train(casting, tmp_path, poison=True)
    hint = str(caught.value.hint)
    assert "--resume --precision fp32, from the state after epoch 2, or start a run in another folder" in hint
    assert "inspect" not in hint


def test_a_last_step_that_ruins_the_weights_is_no_checkpoint(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(runtime, tmp_path, epochs=1)
    kept = (tmp_path / "line.pt").read_bytes()
    step, done = torch.optim.SGD.step, 0

    def wild(optimiser: torch.optim.SGD) -> None:
        nonlocal done
        done += 1
        step(optimiser)
        if done % (len(Numbers()) // SETTINGS.batch_size) == 0:  # the loss of no step of this epoch shows it
            optimiser.param_groups[0]["params"][0].data.fill_(torch.inf)

    monkeypatch.setattr(torch.optim.SGD, "step", wild)
    with pytest.raises(DivergenceError, match=r"epoch 2, .*: the weight is not finite"):
        train(runtime, tmp_path, epochs=2)
    assert (tmp_path / "line.pt").read_bytes() == kept


def test_finite_weights_whose_answers_overflow_are_no_checkpoint(runtime: Runtime, tmp_path: Path) -> None:
    class Wide(nn.Module):
        def forward(self, x: torch.Tensor) -> ClassifierOutput:
            return ClassifierOutput(x, 3e38 * torch.cat([4 * x, x], dim=1))

    trainer, data = Trainer(runtime, MetricsFile(tmp_path / "metrics.jsonl"), Silent(), seed=3), Numbers()
    with pytest.raises(DivergenceError, match=r"stage line, epoch 1, step 3: the answer is not finite \(loss"):
        trainer.fit(
            Line(),
            stage="line",
            streams=Streams(target=data),
            settings=SETTINGS,
            checkpoint=CheckpointFile(tmp_path / "line.pt"),
            evidence=Evidence(scores=lambda: {"any": float(infer(Wide(), data, runtime=runtime).logits.mean())}),
        )
    assert not (tmp_path / "line.pt").exists()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 6), st.integers(0, 3))
def test_every_image_is_seen_equally_often(size: int, batch: int, epochs: int, seed: int) -> None:
    steps = steps_per_epoch(size, batch)
    options = {"size": size, "batch_size": batch, "steps": steps, "seed": seed, "stream": "s"}
    row = np.concatenate([np.concatenate(epoch_batches(epoch=e, **options)) for e in range(epochs)])
    assert len(row) == epochs * steps * batch
    counts = np.bincount(row, minlength=size)
    assert counts.max() - counts.min() <= 1


def test_processes_share_a_batch_without_overlap() -> None:
    options = {"size": 40, "batch_size": 8, "steps": 5, "epoch": 1, "seed": 0, "stream": "s"}
    whole = epoch_batches(**options)
    parts = [epoch_batches(**options, rank=rank, processes=2) for rank in (0, 1)]
    for step in range(5):
        assert sorted([*parts[0][step], *parts[1][step]]) == sorted(whole[step])


def test_streams_seeds_and_epochs_differ() -> None:
    base = {"size": 50, "batch_size": 50, "steps": 1, "epoch": 0, "seed": 0, "stream": "a"}
    first = epoch_batches(**base)[0].tolist()
    for change in ({"stream": "b"}, {"seed": 1}, {"epoch": 1}):
        assert epoch_batches(**{**base, **change})[0].tolist() != first


def test_the_learning_rate_falls_as_published_from_each_groups_start() -> None:
    optimiser = create_optimiser(Line(), SETTINGS)
    set_learning_rate(optimiser, 0.5)
    rates = [group["lr"] for group in optimiser.param_groups]
    assert rates == pytest.approx([0.01 * 6**-0.75, 0.1 * 6**-0.75])


def test_inference_restores_modes_and_keeps_order(runtime: Runtime) -> None:
    class Echo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(1)

        def forward(self, x: torch.Tensor) -> ClassifierOutput:
            assert not self.training
            return ClassifierOutput(x, torch.cat([x, -x], dim=1))

    model, data = Echo().train(), Numbers()
    model.norm.eval()
    output = infer(model, data, runtime=runtime, batch_size=7)
    assert torch.equal(output.features, data.values)
    assert model.training
    assert not model.norm.training


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "a.pt")
    assert file.load() is None
    file.save(TrainingState(2, {"w": torch.ones(1)}, {}, 1.5))
    state = file.load()
    assert state is not None
    assert (state.epoch, state.seconds) == (2, 1.5)
    whole = file.path.read_bytes()
    for broken in (b"", whole[:50]):
        file.path.write_bytes(broken)
        with pytest.raises(CheckpointError, match=r"a\.pt"):
            file.load()


def test_a_failed_write_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CheckpointFile(tmp_path / "a.pt")
    file.save(TrainingState(1, {}, {}, 0.0))

    def fail(_content: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        file.save(TrainingState(2, {}, {}, 0.0))
    monkeypatch.undo()
    state = file.load()
    assert state is not None
    assert state.epoch == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_rewinding_drops_repeated_epochs_and_a_cut_line(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path / "m.jsonl")
    for epoch in range(3):
        metrics.log_terms(stage="a", epoch=epoch, step=epoch, terms={"loss": 1.0})
    metrics.log_scores(stage="b", epoch=2, scores={"x": 1.0})
    with metrics.path.open("a") as file:
        file.write('{"stage": "a", "ep')
    metrics.rewind(stage="a", epoch=1)
    lines = metrics.path.read_text().splitlines()
    assert len(lines) == 2
    assert '"stage": "b"' in lines[1]


def test_another_run_is_never_overwritten(tmp_path: Path) -> None:
    run = tmp_path / "run"
    check_output(run, resume=False)
    with pytest.raises(ConfigError, match="no run to resume"):
        check_output(run, resume=True)
    open_run(run, config={"settings": {"seed": 0, "x": 1}}, resume=False)
    with pytest.raises(ConfigError, match="not empty"):
        check_output(run, resume=False)
    check_output(run, resume=True)
    open_run(run, config={"settings": {"seed": 0, "x": 1}}, resume=True)
    with pytest.raises(ConfigError, match=r"settings\.seed: was 0, is 1"):
        open_run(run, config={"settings": {"seed": 1, "x": 1}}, resume=True)


def test_run_status_tells_how_it_ended(tmp_path: Path) -> None:
    folder = open_run(tmp_path / "run", config={}, resume=False)
    with folder.recording({"command": "adapt"}):
        assert '"running"' in (folder.path / "run.json").read_text()
    assert '"complete"' in (folder.path / "run.json").read_text()
    for error, status in ((KeyboardInterrupt(), "interrupted"), (ValueError("x"), "failed")):
        with pytest.raises(type(error)), folder.recording({"command": "adapt"}):
            raise error
        assert f'"{status}"' in (folder.path / "run.json").read_text()
    folder.write_json("run.json", {"created": "2020-02-02T02:02:02+00:00"})
    with folder.recording({}):
        assert read_json(folder.path / "run.json")["created"].startswith("2020")


def test_images_that_statistics_are_made_of_come_in_equal_mixed_batches(runtime: Runtime) -> None:
    batches = list(image_batches(Numbers(10), runtime=runtime, batch_size=4))
    assert sorted(map(len, batches)) == [3, 3, 4]
    assert sorted(torch.cat(batches).flatten().tolist()) == Numbers(10).values.flatten().tolist()
    assert batches[0].flatten().tolist() != Numbers(10).values[:4].flatten().tolist()


def test_a_small_data_set_is_cropped_anew_each_time_it_is_gone_through() -> None:
    drawn = [augmentation_epochs(20, 8, steps=5, epoch=epoch, step=step) for epoch in (0, 1) for step in range(5)]
    assert [set(numbers) for numbers in drawn] == [{0}, {0}, {0}, {1}, {1}, {2}, {2}, {2}, {3}, {3}]
    assert {number for step in range(5) for number in augmentation_epochs(400, 8, steps=5, epoch=3, step=step)} == {3}


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(0, 60), st.integers(1, 9), st.integers(0, 4), st.integers(1, 4))
def test_results_stand_where_there_are_as_many_images_as_a_batch(
    batch: int, more: int, steps: int, epoch: int, processes: int
) -> None:
    """Committed results were drawn with one number a step, by this formula."""
    size, batch = batch * processes + more, batch * processes
    for step in range(steps):
        expected = epoch * -(-steps * batch // size) + step * batch // size
        options = {"steps": steps, "epoch": epoch, "step": step, "processes": processes}
        for rank in range(processes):
            numbers = augmentation_epochs(size, batch, rank=rank, **options)
            assert numbers.tolist() == [expected] * (batch // processes)


def test_no_image_of_a_data_set_smaller_than_a_batch_has_the_same_crop_twice() -> None:
    size, batch, steps = 10, 64, 3
    seen: list[tuple[int, int]] = []
    for epoch in range(2):
        options = {"size": size, "batch_size": batch, "steps": steps, "epoch": epoch}
        for step in range(steps):
            for rank in range(2):
                shares = {"rank": rank, "processes": 2}
                indices = epoch_batches(**options, **shares, seed=0, stream="pairs")[step]
                seen += zip(indices.tolist(), augmentation_epochs(**options, **shares, step=step).tolist(), strict=True)
    assert len(seen) == len(set(seen)) == 2 * steps * batch


def test_each_copy_of_an_image_in_a_batch_has_its_own_view(runtime: Runtime, tmp_path: Path) -> None:
    class Numbered(Numbers):
        """Each image tells the augmentation it is under."""

        def __getitem__(self, indices: Any) -> ImageBatch:
            images, positions = super().__getitem__(indices)
            return ImageBatch(torch.full_like(images, self.epochs[-1]), positions)

    class Watch(Line):
        def forward(self, batch: StepBatch) -> StepOutput:
            assert batch.pairs is not None
            views.append(list(zip(batch.pairs.indices.tolist(), batch.pairs.images.flatten().tolist(), strict=True)))
            return super().forward(batch)

    views: list[list[tuple[int, float]]] = []
    Trainer(runtime, MetricsFile(tmp_path / "metrics.jsonl"), Silent(), seed=3).fit(
        Watch(),
        stage="line",
        streams=Streams(target=Numbers(), pairs=Numbered(2)),
        settings=SETTINGS,
        checkpoint=CheckpointFile(tmp_path / "line.pt"),
    )
    assert all(len(set(batch)) == len(batch) == 6 for batch in views)
    assert len({view for batch in views for view in batch}) == 6 * len(views)


def test_one_image_is_too_few_to_train_on(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 images to train on"):
        train(runtime, tmp_path, data=Numbers(1))


def test_a_flipped_bit_in_a_checkpoint_is_named_or_changes_nothing(tmp_path: Path) -> None:
    """torch raises about anything on such bytes, or reads other weights without a word."""
    file = CheckpointFile(tmp_path / "state.pt")
    method = Line()
    optimiser = create_optimiser(method, SETTINGS)
    state = TrainingState(2, method.trained_state(), optimiser.state_dict(), 1.5)
    file.save(state)
    whole, named = file.path.read_bytes(), 0
    content = whole.index(b"PK\x01\x02")  # before the list of the parts
    for position in range(content):
        file.path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << position % 8]) + whole[position + 1 :])
        try:
            read = file.load()
        except CheckpointError as error:
            assert "state.pt" in error.message
            assert "--resume" in str(error.hint)
            named += 1
        else:
            assert str(read) == str(state)
    assert named > content / 4

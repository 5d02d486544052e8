"""What a study adapts to: where its images come from, how they are split, which source model they get."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from sourcefree.config import SMALL_SOURCE, Settings, SourceSettings

Rendering = Literal["depth", "depth-clean", "noise", "rgb", "grey", "inverted", "noisy", "edges"]


class SimulatedData(Settings):
    """Simulated RGB-D: see ``sourcefree simulate``."""

    task_set: Literal["a", "b", "all"] = "a"
    classes: tuple[str, ...] | None = Field(None, description="those of the task set; default: all")
    size: int = Field(80, ge=16)
    source_train: int = Field(2400, ge=20)
    source_test: int = Field(300, ge=10)
    target_train: int = Field(800, ge=20)
    target_test: int = Field(800, ge=10)
    pairs: int = Field(1500, ge=20)
    pairs_of: Literal["irrelevant", "assemblies", "other-task", "task"] = "irrelevant"
    depth_noise: float = Field(1.0, ge=0)
    holes: float = Field(1.0, ge=0)
    rendering: Rendering = Field(
        "depth",
        description="what the target sensor sees; noise: depth on the pairs and nothing else; rgb to edges: made of the RGB",
    )


class FolderData(Settings):
    """Real images of two sensors: two folders of class folders, the same names in both."""

    source: Path = Field(description="class folders of the source sensor")
    target: Path = Field(description="the same images seen by the target sensor")
    modality: str = Field(description="the target sensor")
    classes: tuple[str, ...] = Field((), description="task classes; default: all that are not irrelevant")
    irrelevant: tuple[str, ...] = Field((), description="classes whose images are the pairs")
    pool_source: Path | None = Field(
        None, description="further images for the pairs, of scenes not in the task's parts"
    )
    pool_target: Path | None = None
    group: str = Field(
        "", description="regular expression; its match in a file's stem is the scene. Scenes are not split"
    )
    source_share: float = Field(
        0.4, gt=0, lt=1, description="of the scenes, for the source model, a tenth of it to test"
    )
    target_share: float = Field(0.3, gt=0, lt=1, description="of the scenes, to adapt to; the rest is the test set")

    @model_validator(mode="after")
    def _shares_leave_a_test_set(self) -> FolderData:
        if self.source_share + self.target_share >= 0.95:
            raise ValueError("source_share and target_share leave less than 5 % of the scenes to test on")
        if (self.pool_source is None) != (self.pool_target is None):
            raise ValueError("pool_source and pool_target go together")
        if not self.irrelevant and self.pool_source is None:
            raise ValueError("there are no pairs: name irrelevant classes or a pool")
        return self


class GivenData(Settings):
    """Folders or manifests that are there already, such as those of ``sourcefree prepare``."""

    source: Path = Field(description="class folders or manifest of the source sensor")
    source_test: Path | None = Field(None, description="to test the source model on; default: a tenth is held out")
    target: Path = Field(description="class folders or manifest of the target sensor, to adapt to")
    target_test: Path | None = Field(None, description="to measure on; default: the images that are adapted to")
    pairs_source: Path
    pairs_target: Path
    modality: str = Field(description="the target sensor: a name, or a YAML file")


class PairChanges(Settings):
    """What is done to the pairs, to see how much they matter."""

    count: int | None = Field(None, ge=10, description="how many are used; default: all")
    kinds: int | None = Field(None, ge=1, description="from how many object kinds (first folders) they are taken")
    shift: float = Field(0.0, ge=0, lt=0.5, description="target images are moved sideways by this share of the width")
    mirrored: bool = Field(False, description="target images are mirrored")
    shuffled: float = Field(0.0, ge=0, le=1, description="share of target images that show another pair's scene")


class TaskSettings(Settings):
    """A task: images, source model, and what is changed about them."""

    simulated: SimulatedData | None = None
    folders: FolderData | None = None
    given: GivenData | None = None
    source: SourceSettings = SMALL_SOURCE
    sources: int = Field(1, ge=1, description="source models, each trained on its own part of the source images")
    pairs: PairChanges = PairChanges()
    imbalance: float = Field(1.0, ge=1, description="most frequent class over least frequent one among target images")

    @model_validator(mode="after")
    def _one_kind_of_data(self) -> TaskSettings:
        if sum(data is not None for data in (self.simulated, self.folders, self.given)) != 1:
            raise ValueError("a task has one of simulated, folders and given")
        return self

    @property
    def modality(self) -> str:
        """Name or YAML file of the target sensor."""
        real = self.folders or self.given
        if real is not None:
            return real.modality
        rendering = self.simulated.rendering if self.simulated else "depth"
        if rendering in ("depth", "depth-clean", "noise"):
            return "depth"
        return "rgb" if rendering == "rgb" else "nir"

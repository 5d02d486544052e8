"""What an inspection of images returns: of a folder, and of two folders of pairs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from sourcefree.data.alignment import Alignment
from sourcefree.data.image_facts import Kind, Values


@dataclass(frozen=True)
class FolderReport:
    """What a folder holds.

    Attributes:
        folder: the folder.
        count: image files, readable or not.
        folders: images by first sub-folder; "." for images directly in the folder.
        sizes: images by (height, width), most frequent first.
        kinds: images by number type and channels.
        values: in the modality's unit; None where no modality was given or nothing fits it.
        unreadable: (file, reason); with a modality, also files that do not fit it.
        duplicates: groups of files with the same content.
        warnings: plain sentences.
        ignored: files of types that are not read, by suffix; text files are not counted.
    """

    folder: str
    count: int
    folders: dict[str, int]
    sizes: dict[tuple[int, int], int]
    kinds: list[Kind]
    values: Values | None
    unreadable: list[tuple[str, str]]
    duplicates: list[list[str]]
    warnings: list[str]
    ignored: dict[str, int]

    @property
    def size_range(self) -> dict[str, tuple[float, float, float]]:
        """Smallest, median and largest height and width in pixels; empty where nothing can be decoded."""
        sides = {"height": 0, "width": 1} if self.sizes else {}
        listed = {name: [size[i] for size, n in self.sizes.items() for _ in range(n)] for name, i in sides.items()}
        return {name: (min(values), median(values), max(values)) for name, values in listed.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            **asdict(self),
            "sizes": [{"height": h, "width": w, "count": n} for (h, w), n in self.sizes.items()],
            "size_range": {
                name: dict(zip(("minimum", "median", "maximum"), values, strict=True))
                for name, values in self.size_range.items()
            },
            "unreadable": [list(entry) for entry in self.unreadable],
        }


@dataclass(frozen=True)
class PairsReport:
    """What two folders of pairs hold.

    Attributes:
        source: the source sensor's folder.
        target: the target sensor's folder.
        pairs: scenes seen by both.
        usable: pairs of which both images can be used.
        unpaired_source: files without a partner.
        unpaired_target: files without a partner.
        scenes: how many the names of the pairs tell.
        different_aspect: (source file, target file) whose height to width ratios differ.
        alignment: how well the edges of a sample of pairs agree; None where too few can be read.
        warnings: plain sentences on the pairing.
    """

    source: FolderReport
    target: FolderReport
    pairs: int
    usable: int
    unpaired_source: list[str]
    unpaired_target: list[str]
    scenes: int
    different_aspect: list[tuple[str, str]]
    alignment: Alignment | None
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            **asdict(self),
            "source": self.source.to_dict(),
            "target": self.target.to_dict(),
            "different_aspect": [list(entry) for entry in self.different_aspect],
        }

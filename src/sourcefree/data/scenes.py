"""Which images show one scene, told by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from sourcefree.data.names import one_form, stem_of

LEAST_SCENES = 18  # a third of which is six: three scenes have six orders, too few for a test at 5 %
_RUNS = 40
_LEAST_RUN = 5  # shorter ones of a film have near copies of their ends on the other side
_COUNTER = re.compile(r"[-_. ]?[A-Za-z]*\d+[^\d/]*$")
_DIGIT = re.compile(r"\d")
_SEPARATORS = ("-", "_", ".", " ", "")  # after a class; nothing, where it is all there is


def scene_numbers(names: Sequence[str], *, longest: int = _LEAST_RUN) -> list[int]:
    """Return the number of the scene that each image shows.

    Frames of a sequence and crops of a picture are near copies of each other. They are told by their names: what is equal up
    to the last number is one scene, so ``a_001_c2`` and ``a_001_c3`` stay together, and so do the frames ``seq4_0001_ir`` and
    ``seq4_0002_ir``. Where that leaves fewer than 18 scenes, runs of neighbours in the order of names stand for scenes.

    Args:
        names: relative path of each image.
        longest: images in a run of neighbours, five at least.
    """
    scenes = _by_name(names)
    if len(set(scenes)) >= LEAST_SCENES:
        return scenes
    return _by_neighbourhood(names, longest=max(_LEAST_RUN, longest))


def scenes_told(names: Sequence[str]) -> int:
    """Return how many scenes the names tell; where they are fewer than 18, :func:`scene_numbers` does not go by them."""
    return len(set(_by_name(names)))


def without_classes(names: Sequence[str], classes: Collection[str]) -> list[str]:
    """Return the names without what tells the class: ``_07`` of ``car/car_07``.

    Target images that come sorted by class are to be split as the same images in one heap would be. Else a class would pass
    for a scene, and what is held out would be whole classes, which the model then never sees. A class is told by a folder; by
    the beginning of a file's name where no number but the last follows; or by what most files of one class folder have in
    common and those of others do not, as the class's number in ``car/real_003_000012``, where that is so in half of these
    folders.

    Args:
        names: relative path of each image.
        classes: names of the source model's classes.
    """
    known = {one_form(name).casefold() for name in classes}
    parts = [_without_known(one_form(name), known) for name in names]
    scenes = [(folder, _scene_name(rest)) for folder, rest in parts]
    codes = _class_codes([(folder, scene) for folder, scene in scenes if folder])
    return [
        rest[len(scene) :] if (folder, scene) in codes else rest
        for (_, rest), (folder, scene) in zip(parts, scenes, strict=True)
    ]


def _without_known(name: str, known: Collection[str]) -> tuple[str, str]:
    """Return the folder of a path that is a class, empty where there is none, and the path without names of classes."""
    *folders, file = name.split("/")
    of_class = next((folder for folder in folders if folder.casefold() in known), "")
    kept = [folder for folder in folders if folder.casefold() not in known]
    scene = _scene_name(file)
    # A class and a number, as in "field_0012_c3", is a scene; a class and a word, as in "field_ir_0012", is none.
    ends = [place for place in range(1, len(scene) + 1) if scene[place : place + 1] in _SEPARATORS]
    of_file = any(scene[:end].casefold() in known and not _DIGIT.search(scene[end:]) for end in ends)
    return of_class, "/".join([*kept, file[len(scene) :] if of_file else file])


def _class_codes(found: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the class folders and what stands for the class in the names of their files, of (folder, scene) of each image."""
    of_folder: dict[str, Counter[str]] = {}
    for folder, scene in found:
        of_folder.setdefault(folder, Counter())[scene] += 1
    folders_with = Counter(scene for counts in of_folder.values() for scene in counts)
    most = {folder: counts.most_common(1)[0] for folder, counts in of_folder.items()}
    codes = {
        (folder, scene)
        for folder, (scene, count) in most.items()
        if 2 * count > of_folder[folder].total() and folders_with[scene] == 1
    }
    return codes if 2 * len(codes) >= len(of_folder) else set()


def _by_name(names: Sequence[str]) -> list[int]:
    """Return a scene's number for each name: names that differ in their last number only share one."""
    scenes = [_scene_name(name) for name in names]
    numbers = {scene: number for number, scene in enumerate(dict.fromkeys(scenes))}
    return [numbers[scene] for scene in scenes]


def _scene_name(name: str) -> str:
    return _COUNTER.sub("", stem_of(name))


def _by_neighbourhood(names: Sequence[str], *, longest: int) -> list[int]:
    """Return the number of the run of neighbours, in the order of names, that each name is in.

    A run is a fortieth of all, but no longer than needed: what the fewest runs hold beyond what is wanted is training lost.
    """
    length = max(1, min(len(names) // _RUNS, longest))
    place = {position: order for order, position in enumerate(sorted(range(len(names)), key=lambda i: names[i]))}
    return [place[position] // length for position in range(len(names))]

"""What an adaptation leaves in its run folder: models, summary, and what the report shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sourcefree.commands.adaptation import Adaptation, translator_of
from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.commands.delivery import Delivery
from sourcefree.commands.records import write_features, write_gallery
from sourcefree.commands.translator_files import save_translator
from sourcefree.engine.run_folder import RunFolder
from sourcefree.export.model_card import write_model_card
from sourcefree.models.trained import TrainedClassifier


def write_run(
    adaptation: Adaptation,
    folder: RunFolder,
    judge: Judge,
    candidates: Mapping[str, Candidate],
    delivery: Delivery,
    warnings: tuple[str, ...],
) -> None:
    """Write the models, the summary, the features, the gallery and the model card.

    Args:
        adaptation: what was run.
        folder: its run folder.
        judge: what its candidates were judged by.
        candidates: by name.
        delivery: what is handed over.
        warnings: plain sentences for the user.
    """
    _save_models(adaptation, folder, candidates, delivered=delivery.delivered)
    folder.write_json("summary.json", _summary(adaptation, candidates, delivery, warnings))
    before, after = candidates["source-only"], candidates[delivery.preferred]
    write_features(folder, names=judge.target.names, before=before, after=after)
    translated = candidates.get("translated")
    write_gallery(
        folder,
        images=judge.target,
        modality=adaptation.target.modality,
        labels=adaptation.source.labels,
        before=before,
        after=after,
        translator=translator_of(translated.model) if translated else None,
        source_modality=adaptation.source.modality,
        runtime=adaptation.runtime,
    )
    if folder.active:
        write_model_card(folder.path)


def _save_models(
    adaptation: Adaptation, folder: RunFolder, candidates: Mapping[str, Candidate], *, delivered: str
) -> None:
    if not folder.active:
        return
    for name, candidate in candidates.items():
        trained_candidate(adaptation, candidate).save(folder.path / "candidates" / name)
    trained_candidate(adaptation, candidates[delivered], calibrated=True).save(folder.path / "model")
    if "translated" in candidates and adaptation.settings.tgmb is not None:
        save_translator(
            folder.path / "translator",
            translator_of(candidates["translated"].model),
            name=adaptation.settings.tgmb.translator,
            source_modality=adaptation.source.modality,
        )


def trained_candidate(adaptation: Adaptation, candidate: Candidate, *, calibrated: bool = False) -> TrainedClassifier:
    """Return a candidate with everything prediction needs, its probabilities calibrated where that is asked for."""
    source = adaptation.source
    return TrainedClassifier(
        candidate.model.calibrated(candidate.temperature) if calibrated else candidate.model,
        adaptation.architecture_of(candidate.name),
        source.labels,
        adaptation.target.modality,
        source.size,
    )


def _summary(
    adaptation: Adaptation, candidates: Mapping[str, Candidate], delivery: Delivery, warnings: tuple[str, ...]
) -> dict[str, Any]:
    unreadable = len(adaptation.target.unreadable) + len(adaptation.pairs.unreadable)
    return {
        "labels": list(adaptation.source.labels),
        "candidates": [candidate.to_dict() for candidate in candidates.values()],
        "preferred": delivery.preferred,
        "delivered": delivery.delivered,
        "reason": delivery.reason,
        "estimate": delivery.estimate.to_dict() if delivery.estimate else None,
        "unlike_pairs": delivery.unlike_pairs,
        "timings": dict(adaptation.trainer.seconds),
        "peak_memory_mb": adaptation.runtime.peak_memory_mb(),
        "counts": {
            "target": len(adaptation.target.whole),
            "held_out_target": len(adaptation.target.held_out),
            "pairs": len(adaptation.pairs.train),
            "held_out_pairs": len(adaptation.pairs.held_out),
            "unreadable": unreadable,
        },
        "unreadable": [list(entry) for entry in (*adaptation.target.unreadable, *adaptation.pairs.unreadable)],
        "warnings": list(warnings),
    }

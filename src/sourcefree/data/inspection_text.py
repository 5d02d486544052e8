"""Inspection reports as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from sourcefree.data.alignment import Alignment
from sourcefree.data.image_facts import Kind
from sourcefree.data.inspection_reports import FolderReport, PairsReport


def format_report(report: FolderReport | PairsReport, *, shown: int = 10) -> str:
    """Return the report as lines for a terminal, at most ``shown`` entries of each list."""
    if isinstance(report, PairsReport):
        lines = [
            _format_folder(report.source, shown),
            _format_folder(report.target, shown),
            f"pairs        {report.pairs}, {report.usable} usable, {report.scenes} scenes told by their names",
            *_listed("unpaired", [*report.unpaired_source, *report.unpaired_target], shown),
            *_listed("aspect", [f"{first} / {second}" for first, second in report.different_aspect], shown),
            *_alignment(report.alignment),
            *(f"warning      {warning}" for warning in report.warnings),
        ]
        return "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:])
    return _format_folder(report, shown)


def _format_folder(report: FolderReport, shown: int) -> str:
    lines = [report.folder, f"images       {report.count}"]
    if report.ignored:
        lines.append(
            f"ignored      {_counts({suffix or 'no suffix': n for suffix, n in report.ignored.items()}, shown)}"
        )
    if list(report.folders) != ["."]:
        lines.append(f"folders      {_counts(report.folders, shown)}")
    sizes = {f"{height}x{width}": count for (height, width), count in report.sizes.items()}
    lines.append(f"sizes (HxW)  {_counts(sizes, shown)}")
    if len(report.sizes) > 1:
        sides = (f"{name} {low:g} to {high:g}, median {mid:g}" for name, (low, mid, high) in report.size_range.items())
        lines.append(f"size range   {len(report.sizes)} sizes, {'; '.join(sides)}")
    lines += [f"kind         {_kind(kind)}" for kind in report.kinds]
    if report.values is not None:
        v = report.values
        unit = f" {v.unit}" if v.unit not in ("", "1") else ""
        lines.append(
            f"values       {v.minimum:.4g} to {v.maximum:.4g}{unit}, mean {v.mean:.4g}, std {v.std:.4g}, "
            f"{100 * v.missing:.1f} % missing"
        )
    lines += _listed("unreadable", [f"{file}: {reason}" for file, reason in report.unreadable], shown)
    lines += _listed("duplicates", [" = ".join(names[:4]) for names in report.duplicates], shown)
    return "\n".join([*lines, *(f"warning      {warning}" for warning in report.warnings)])


def _alignment(found: Alignment | None) -> list[str]:
    if found is None:
        return []
    text = f"edges of true pairs {found.true:.2f}, of wrong pairs {found.shuffled:.2f}, over {found.pairs} pairs"
    return [f"correlation  {text}"]


def _kind(kind: Kind) -> str:
    name = f"{kind.count} x {kind.dtype}, {kind.channels} channel{'s' if kind.channels > 1 else ''}, "
    if kind.minimum is None:
        return f"{name}no finite number"
    return f"{name}levels {kind.minimum:g} to {kind.maximum:g}, mean {kind.mean:.4g}"


def _listed(title: str, entries: Sequence[str], shown: int) -> list[str]:
    if not entries:
        return [f"{title:<12} none"]
    lines = [f"{title:<12} {len(entries)}", *(f"             {entry}" for entry in entries[:shown])]
    return [*lines, f"             ... and {len(entries) - shown} more"] if len(entries) > shown else lines


def _counts(counts: dict[str, int], shown: int) -> str:
    parts = [f"{name} ({count})" for name, count in list(counts.items())[:shown]]
    return ", ".join(parts) + (f", ... {len(counts)} in all" if len(counts) > shown else "")

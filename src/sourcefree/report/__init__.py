"""One offline HTML page that shows what a run did and whether it helped."""

from __future__ import annotations

from sourcefree.report.render import write_report

__all__ = ["write_report"]

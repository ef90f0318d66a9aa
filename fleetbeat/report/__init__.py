"""Reports: one self-contained page with plots, built from a folder alone."""

from fleetbeat.report.run_page import write_report

__all__ = ["write_report"]

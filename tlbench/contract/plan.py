"""Define a plan: all cells with every name resolved, and all skips with their reasons. Nothing has run yet."""

from dataclasses import asdict, dataclass

from tlbench.contract.cell import Cell
from tlbench.contract.suite import Suite


@dataclass(frozen=True)
class Skip:
    """Name cells that are not run, with the sentence that says why."""

    strategy: str
    backbone: str
    dataset: str
    source: str
    target: str
    transfer: str
    budget: str
    reason: str
    cells: int
    selection: str = ""  # the rule, where it is not the protocol's own
    tuned: str = ""  # the tuning budget, where there was to be one


@dataclass(frozen=True)
class Unfit:
    """Name a backbone that hardly suits the data of a transfer, with the sentence that says why and what does."""

    transfer: str
    backbone: str
    note: str


@dataclass(frozen=True)
class Plan:
    """List the cells that will be run and the skips that will not, with findings and warnings."""

    suite: Suite
    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]
    findings: tuple[str, ...]  # what is unusual in the data
    warnings: tuple[str, ...]  # what the grid cannot show
    unfit: tuple[Unfit, ...] = ()  # backbones that hardly suit their data

    def summary(self) -> dict[str, object]:
        """Return the plan as JSON, for the results folder; the cells are there as records."""
        return {
            "suite": asdict(self.suite),
            "cells": [cell.id for cell in self.cells],
            "skips": [asdict(skip) for skip in self.skips],
            "findings": list(self.findings),
            "warnings": list(self.warnings),
            "unfit": [asdict(each) for each in self.unfit],
        }

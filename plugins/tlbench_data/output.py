"""Prepare the places of an inspection's files: it is checked that they can be written before anything is read."""

import os
import re
from pathlib import Path

from tlbench import Dataset, ParameterError, write_atomically
from tlbench_data.contact_sheet import Sheet, contact_sheet
from tlbench_data.document import Report
from tlbench_data.examples_csv import examples_csv
from tlbench_data.page import page
from tlbench_data.pair_sheet import pair_sheet
from tlbench_data.survey import Survey


def default_folder(dataset: Dataset) -> Path:
    """Return a stable place, named after the dataset."""
    name = re.sub(r"[^\w.+=-]+", "-", dataset.label).strip("-.") or dataset.name
    return Path("tlbench-inspect") / name[:100]


def require_writable(folder: Path, dataset: Dataset) -> None:
    """Raise ParameterError where files cannot be written, or would lie among the data and be read as such."""
    place = getattr(dataset, dataset.locator) if dataset.locator else None
    if place is not None:
        data, target = Path(str(place)).expanduser().resolve(), folder.resolve()
        if data.is_dir() and target.is_relative_to(data):
            raise ParameterError(f"{folder} lies within the data, where its picture would be read. Give another --out.")
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise ParameterError(f"cannot write into {folder}: {there} must be a folder that you may write to.")


def write_all(report: Report, survey: Survey, folder: Path) -> Path:
    """Write list, sheets and page, each whole or not at all; return the page's path."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f"cannot make the folder {folder}: {error.strerror}.") from None
    write_atomically(folder / "examples.csv", examples_csv(survey))
    sheet = contact_sheet(survey)
    _write_or_remove(folder / "contact-sheet.png", sheet)
    pairs = pair_sheet(survey)
    _write_or_remove(folder / "near-duplicates.png", pairs)
    write_atomically(folder / "index.html", page(report, sheet, pairs).encode())
    return folder / "index.html"


def _write_or_remove(path: Path, sheet: Sheet | None) -> None:
    if sheet is not None:
        write_atomically(path, sheet.png)
    else:
        path.unlink(missing_ok=True)  # of another inspection

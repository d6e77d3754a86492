"""Describe how a dataset is divided: by its own splits, into folds of cross-validation, or as a file says."""

import re
from dataclasses import dataclass
from pathlib import Path

from tlbench.errors import ParameterError

GIVEN = "given"


@dataclass(frozen=True)
class SplitRule:
    """Describe what `--splits` takes: `given`, `5-fold`, or the path of a file that `tlbench data split` wrote."""

    folds: int = 0  # of cross-validation; 0 where there is none, or where the file says
    file: Path | None = None

    @classmethod
    def parse(cls, text: str) -> "SplitRule":
        """Read a rule; raise ParameterError where it is none."""
        text = text.strip()
        if text == GIVEN:
            return cls()
        found = re.fullmatch(r"(\d+)[- ]?folds?", text)
        if found:
            folds = int(found.group(1))
            if folds < 2:
                raise ParameterError(f"splits {text!r}: cross-validation needs 2 folds or more.")
            return cls(folds=folds)
        path = Path(text).expanduser()
        if not path.is_file():
            raise ParameterError(
                f"splits {text!r} is neither 'given', nor folds such as '5-fold', nor a file that is there. "
                f"`tlbench data split` writes one."
            )
        return cls(file=path.resolve())

    @property
    def is_given(self) -> bool:
        """Tell whether the dataset's own splits are used."""
        return not self.folds and self.file is None

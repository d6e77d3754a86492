"""Read `DATASET[SOURCE->TARGET]`, and check every dataset once before anything runs."""

from collections.abc import Sequence

from tlbench.contract import Dataset, SplitFinding, Transfer, check_classes, check_dataset
from tlbench.data import Resources, check_loads_alike
from tlbench.errors import ParameterError
from tlbench.host import blamed
from tlbench.names import near_miss
from tlbench.results import distinct_labels


class TransferReader:
    """Expand what users write into transfers, and remember what was found in the data."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.findings: dict[str, tuple[str, ...]] = {}  # by spec: two datasets may share a label

    def read(self, text: str) -> list[Transfer]:
        """Expand `DATASET` or `DATASET[SOURCE->TARGET]` into transfers."""
        spec, bracket = _split_bracket(text)
        dataset = self.resources.dataset(spec).dataset
        self.look_at(spec)
        if bracket is None:
            targets = [(None, target) for target in dataset.domains]
            pairs = [(source, target) for target in dataset.domains for source in dataset.domains if source != target]
            return [Transfer(spec, target, spec if source else None, source) for source, target in pairs or targets]
        source_text, target_text = bracket
        targets_named = [_domain(dataset, target_text)] if target_text else list(dataset.domains)
        if not source_text:
            return [Transfer(spec, target) for target in targets_named]
        if source_text in dataset.domains:
            return [Transfer(spec, target, spec, source_text) for target in targets_named if target != source_text]
        source_spec, source_domain = self._source(source_text, dataset, spec)
        return [Transfer(spec, target, source_spec, source_domain) for target in targets_named]

    def _source(self, text: str, target_dataset: Dataset, target_spec: str) -> tuple[str, str]:
        """Read `DATASET` or `DATASET#DOMAIN` as the source side."""
        spec, _, domain = text.partition("#")
        known = [*target_dataset.domains, *self.resources.catalog.datasets]
        if ":" not in spec and "(" not in spec and spec not in known:
            raise ParameterError(
                f"{text!r} is neither a domain of {target_spec} ({', '.join(target_dataset.domains)}) nor a dataset."
                f"{near_miss(text, known)}"
            )
        source = self.resources.dataset(spec).dataset
        self.look_at(spec)
        if domain:
            return spec, _domain(source, domain)
        if len(source.domains) > 1:
            raise ParameterError(
                f"source {spec!r} has several domains: write {spec}#DOMAIN, {', '.join(source.domains)}."
            )
        return spec, source.domains[0]

    def look_at(self, spec: str) -> None:
        """Check a dataset as a whole, once."""
        entry = self.resources.dataset(spec)
        if spec in self.findings:
            return
        with blamed(f"dataset {entry.dataset.name}"):
            check_dataset(entry.dataset)
            check_classes(entry.dataset)
            for domain in entry.dataset.domains:
                for split in ("train", "test"):
                    check_loads_alike(entry.dataset, domain, split)
                    entry.labels(domain, split)
            _ = entry.fingerprint
            self.findings[spec] = tuple(entry.dataset.findings())

    def sentences(self, own_splits: bool) -> list[str]:
        """Return what is unusual in the data, each said once under the dataset's label.

        What concerns the data's own splits is left out where others are drawn.
        """
        entries = [self.resources.dataset(spec) for spec in self.findings]
        labels = distinct_labels(({"dataset": each.identity}, {"dataset": each.dataset.label}) for each in entries)
        said = zip(labels, self.findings.values(), strict=True)
        told = {}
        for own, found in said:
            for finding in found:
                text = f"{own['dataset']}: {finding}"
                if not isinstance(finding, SplitFinding):
                    told[text] = text
                elif own_splits:
                    told[text] = SplitFinding(text)
        return list(told.values())


def _split_bracket(text: str) -> tuple[str, tuple[str, str] | None]:
    """Take `DATASET[SOURCE->TARGET]` apart."""
    text = text.strip()
    if not text.endswith("]") or "[" not in text:
        return text, None
    spec, _, inside = text[:-1].partition("[")
    source, arrow, target = inside.partition("->")
    if not arrow:
        raise ParameterError(f"{text!r}: write DATASET[SOURCE->TARGET]; either side may be empty.")
    return spec.strip(), (source.strip(), target.strip())


def _domain(dataset: Dataset, name: str) -> str:
    if name not in dataset.domains:
        domains: Sequence[str] = dataset.domains
        raise ParameterError(
            f"{dataset.label} has no domain {name!r}.{near_miss(name, domains)} It has: {', '.join(domains)}."
        )
    return name

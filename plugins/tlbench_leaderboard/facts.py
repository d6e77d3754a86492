"""Tell what a strategy, a backbone or a dataset is: as its records say, and as it is installed here under that name.

Nothing that a record names is imported, opened or built: only what installed plugins offer is looked at.
"""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from tlbench import Backbone, one_line, plural
from tlbench.contract import all_values, described, fields_of
from tlbench_leaderboard.board import Board, BoardRow
from tlbench_leaderboard.words import NOTHING, quantity

if TYPE_CHECKING:
    from tlbench import Record
    from tlbench.host import Catalog

UNKNOWN = "unknown"
_LINKS = re.compile(
    r"arXiv:(?P<arxiv>\d{4}\.\d{4,5}|[a-z-]+/\d{7})|doi:(?P<doi>10\.\d{4,9}/[^\s,;()]+)|(?P<url>https?://[^\s<>\"')]+)"
)
_PAPER = re.compile(r"\(([^()]*(?:\d{4})[^()]*)\)")  # an author and a year, as docstrings write it
Pair = tuple[str, Any]


class Facts:
    """Look up what is installed here by the names that records use."""

    def __init__(self, catalog: "Catalog | None") -> None:
        self.catalog = catalog

    def of(
        self, kind: str, name: str, rows: Sequence[tuple[Board, BoardRow]]
    ) -> tuple[str, list[Pair], list[tuple[str, str, str]]]:
        """Return what something is in a paragraph, what is known of it, and its parameters with their defaults."""
        records = [record for _, row in rows for record in row.records]
        offer = self._offer(kind, name)
        text = _described(offer)
        known = {"strategy": _of_strategy, "backbone": _of_backbone, "dataset": _of_dataset}[kind]
        pairs = [(key, value or UNKNOWN) for key, value in known(offer, records, rows)]
        pairs += [("source", Markup("<br>").join(_sources(kind, records)) or UNKNOWN)]
        pairs += [("installed where this site was made", _installed(kind, offer, records))]
        return text, pairs, list(_parameters(kind, offer))

    def _offer(self, kind: str, name: str) -> Any:
        """Return the offer of exactly this name; arguments and files of a record are not followed."""
        if self.catalog is None:
            return None
        offers = getattr(self.catalog, {"strategy": "strategies"}.get(kind, f"{kind}s"))
        offer = offers.get(re.split(r"[(@:]", name)[0])
        if kind == "backbone" and (offer is None or not isinstance(offer.thing, Backbone) or "@" in name):
            return None
        return offer


def linked(text: object) -> Markup:
    """Return a text whose papers, addresses and digital object identifiers are links."""
    plain, parts, end = one_line(text), [], 0
    for found in _LINKS.finditer(plain):
        shown = found.group().rstrip(".")
        address = (
            f"https://arxiv.org/abs/{found['arxiv']}" if found["arxiv"]
            else f"https://doi.org/{found['doi'].rstrip('.')}" if found["doi"] else shown
        )  # fmt: skip
        parts += [escape(plain[end : found.start()])]
        parts += [Markup('<a rel="nofollow noopener" href="{}">{}</a>').format(address, shown)]
        end = found.start() + len(shown)
    return Markup("").join([*parts, escape(plain[end:])])


def _class_of(offer: Any) -> type:
    return offer.thing if isinstance(offer.thing, type) else type(offer.thing)


def _described(offer: Any) -> str:
    if offer is None:
        return ""
    said = getattr(offer.thing, "description", "")
    text = said if isinstance(said, str) and said else inspect.getdoc(_class_of(offer)) or ""
    return one_line(" ".join(text.split()))


def _papers(text: str) -> Markup:
    return Markup("; ").join(linked(found) for found in _PAPER.findall(text))


def _of_strategy(offer: Any, records: "Sequence[Record]", rows: Sequence[tuple[Board, BoardRow]]) -> Iterator[Pair]:
    yield "family", _several(record.labels.get("family") for record in records)
    yield "paper", _papers(_described(offer))
    yield "variants here", _several(record.labels.get("strategy") for record in records)
    yield "version", _several(record.identity["strategy"].get("version") for record in records)
    trained = [float(row.costs["parameters_trained"]) for _, row in rows if _is_number(row.costs, "parameters_trained")]
    yield "parameters trained", _between(trained)


def _of_backbone(offer: Any, records: "Sequence[Record]", rows: Sequence[tuple[Board, BoardRow]]) -> Iterator[Pair]:
    thing = offer.thing if offer is not None else None
    stored = [float(row.costs["parameters_stored"]) for _, row in rows if _is_number(row.costs, "parameters_stored")]
    flops = [float(row.costs["flops_per_example"]) for _, row in rows if _is_number(row.costs, "flops_per_example")]
    used = [record.provenance.get("backbone", {}).get("used", {}) for record in records]
    yield "licence of the weights", linked(thing.license) if thing is not None else ""
    yield "paper", linked(thing.citation) if thing is not None else ""
    yield "pretrained on", _several(record.ledger.get("pretrained_on") for record in records)
    yield "size", f"{quantity(min(stored))} parameters, with the smallest classifier here" if stored else ""
    yield "cost", f"{quantity(min(flops))} operations for an example, at least" if flops else ""
    yield "input", _several(record.identity["backbone"].get("encoding") for record in records)
    yield (
        "weights from",
        _several(each.get("package") or each.get("architecture") for each in used if isinstance(each, Mapping)),
    )
    yield "SHA-256 of the weights", _several(record.identity["backbone"].get("weights") for record in records)
    yield "version", _several(record.identity["backbone"].get("version") for record in records)


def _of_dataset(offer: Any, records: "Sequence[Record]", rows: Sequence[tuple[Board, BoardRow]]) -> Iterator[Pair]:
    cards = [record.provenance.get("dataset", {}).get("card", {}) for record in records]
    cards = [card for card in cards if isinstance(card, Mapping)]
    thing = offer.thing if offer is not None else None
    own = thing if thing is not None and thing.locator is None else None  # a folder's reader knows no licence of it
    yield "licence", linked(_several(card.get("license") for card in cards) or getattr(own, "license", ""))
    yield "from", linked(_several(card.get("citation") for card in cards) or getattr(own, "citation", ""))
    told = [record.provenance.get("dataset", {}).get("classes") for record in records]
    names = next((each for each in told if isinstance(each, list)), None) or getattr(own, "classes", None)
    classes = f"{len(names)}: {', '.join(map(one_line, names[:12]))}" if isinstance(names, (list, tuple)) else ""
    more = f" and {len(names) - 12} more" if isinstance(names, (list, tuple)) and len(names) > 12 else ""
    yield "classes", classes + more if classes else _counted_classes(rows)
    domains = dict.fromkeys(str(record.labels.get("target")) for record in records)
    for domain in domains:
        items = {record.ledger.get("test_items") for record in records
                 if record.labels.get("target") == domain and not record.ledger.get("episodes")}  # fmt: skip
        where = f" of {one_line(domain)}" if len(domains) > 1 or domain != "all" else ""
        yield f"test items{where}", _several(quantity(each) for each in sorted(filter(None, items)))
    yield "divided", _several(record.ledger.get("splits") for record in records)
    yield (
        "also part of",
        _several(hazard for card in cards for hazard in card.get("hazards") or ()) or "nothing, as far as it says",
    )
    yield "notes", linked(_several(card.get("notes") for card in cards)) or NOTHING
    yield "fingerprint", _several(record.identity["dataset"].get("fingerprint") for record in records)
    yield "version", _several(record.identity["dataset"].get("version") for record in records)


def _counted_classes(rows: Sequence[tuple[Board, BoardRow]]) -> str:
    """Return the number of classes that stored predictions are of; empty where they say nothing."""
    from tlbench.errors import StoreError

    for board, row in rows:
        for record in row.records:
            if record.ok and not record.ledger.get("episodes") and row.values["setting"] != "unsupervised":
                try:
                    return str(board.results.store.predictions(record.cell).logits.shape[1])
                except StoreError:
                    continue
    return ""


def _sources(kind: str, records: "Sequence[Record]") -> Iterator[Markup]:
    """Yield the modules that records name, each with its package and its digest; the newest first."""
    found: dict[tuple[str, ...], int] = {}
    for record in records:
        facts = record.provenance.get(kind, {})
        if isinstance(facts, Mapping) and facts.get("module"):
            key = tuple(
                one_line(facts.get(name) or "") for name in ("distribution", "version", "module", "source_sha256")
            )
            found[key] = found.get(key, 0) + 1
    for (distribution, version, module, digest), count in sorted(found.items(), reverse=True)[:6]:
        told = f", SHA-256 {digest[:16]}" if digest else ""
        yield Markup("<code>{}.py</code> of {} {}{}: {}").format(
            module.replace(".", "/"), distribution, version, told, plural(count, "record")
        )


def _installed(kind: str, offer: Any, records: "Sequence[Record]") -> str:
    if offer is None:
        return f"no {kind} of this name: what it is, is known from its records alone"
    here = str(getattr(offer.thing, "version", ""))
    said = sorted({str(record.identity[kind].get("version")) for record in records})
    same = "" if said == [here] else f"; records here are of version {', '.join(map(one_line, said))}"
    return f"{one_line(offer.origin)}, version {here}{same}"


def _parameters(kind: str, offer: Any) -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of each parameter; the meaning is the comment beside it, where there is one."""
    if offer is None:
        return
    cls = _class_of(offer)
    comments = dict(_comments(cls))
    values = {} if isinstance(offer.thing, type) else all_values(offer.thing)
    for field, row in zip(fields_of(cls), described(cls), strict=True):
        default = values.get(str(row["parameter"]), row["default"])
        yield one_line(row["parameter"]), one_line(default), comments.get(field.name, "")


def _comments(cls: type) -> Iterator[tuple[str, str]]:
    for each in reversed(cls.__mro__):
        try:
            lines = inspect.getsource(each).splitlines() if each.__module__ != "builtins" else []
        except (OSError, TypeError):
            continue
        for line in lines:
            if found := re.match(r"\s+(\w+): .*?#\s+(?!fmt|type|noqa)(.+)$", line):
                yield found[1], one_line(found[2])


def _several(values: Any) -> str:
    """Return the different texts among values, as many as a line holds."""
    found = list(dict.fromkeys(one_line(value) for value in values if value not in (None, "")))
    return ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")


def _between(values: Sequence[float]) -> str:
    if not values:
        return ""
    low, high = quantity(min(values)), quantity(max(values))
    return low if low == high else f"{low} to {high}, by backbone and budget"


def _is_number(costs: Mapping[str, Any], name: str) -> bool:
    value = costs.get(name)
    return value is not None and value == value

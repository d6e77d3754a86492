"""Find any backbone of timm by name: `architecture`, `architecture.tag`, each with arguments and a weights file."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from tlbench import BackboneFamily, Spec, WeightsError, near_miss
from tlbench_timm.backbone import TimmBackbone
from tlbench_timm.packaged import PackagedBackbone
from tlbench_timm.packages import PACKAGES
from tlbench_timm.shipped import GLYPHS, glyphs_backbone

_OWN = (GLYPHS, *PACKAGES)


class TimmFamily(BackboneFamily):
    """Build timm's models: without a tag a random start, with a tag the hub's weights, with @FILE those of a file."""

    name: ClassVar[str] = "timm"

    def find(self, spec: Spec) -> TimmBackbone | None:
        """Return the backbone that `spec` names, or None where timm has no such architecture.

        Raises ParameterError for an argument that the architecture does not take, and WeightsError for an
        unknown tag or a file that is unsafe, broken, or does not fit. Hub weights are not fetched here.
        """
        file = Path(spec.location).expanduser().absolute() if spec.location else None
        if spec.name == GLYPHS:
            backbone: TimmBackbone = glyphs_backbone(spec.parameters, file)
        elif spec.name in PACKAGES:
            backbone = PackagedBackbone(spec.name, spec.parameters, file)
        else:
            import timm

            architecture, _, tag = spec.name.partition(".")
            if architecture not in timm.list_models():  # leaves out renamed ones, which timm.is_model lets pass
                return None
            if tag:
                _require_tag(architecture, tag)
            backbone = TimmBackbone(spec.name, spec.parameters, architecture=architecture, tag=tag, file=file)
        backbone.check()
        return backbone

    def names(self) -> Iterable[str]:
        """Return every architecture, without and with its tags."""
        import timm

        return [*_OWN, *timm.list_models(), *timm.list_pretrained()]


def _require_tag(architecture: str, tag: str) -> None:
    import timm

    full = timm.list_pretrained(f"{architecture}.*")
    known = [name.partition(".")[2] for name in (*full, *_OWN) if name.startswith(f"{architecture}.")]
    if tag in known:
        return
    offered = f" It has: {', '.join(known)}." if known else ""
    raise WeightsError(
        f"timm {timm.__version__} knows no weights {tag!r} of {architecture}.{near_miss(tag, known)}{offered}"
        f" Write {architecture} for a random start or {architecture}@FILE for weights of your own."
    )

"""Read from timm's tags the data that a network was pretrained on."""

_UPSTREAM = {
    "in1k": "ImageNet-1k",
    "in12k": "ImageNet-12k",
    "in21k": "ImageNet-21k",
    "in22k": "ImageNet-22k",
    "inw21k": "ImageNet-W21k",
    "jft": "JFT-300M",
    "ig1b": "Instagram-1B",
    "yfcc15m": "YFCC-15M",
    "yfcc100m": "YFCC-100M",
    "openai": "CLIP's image-text pairs",
    "laion2b": "LAION-2B",
    "laion400m": "LAION-400M",
    "laiona": "LAION-Aesthetic",
    "datacomp1b": "DataComp-1B",
    "datacompxl": "DataComp-1B",
    "dfn2b": "DFN-2B",
    "dfn5b": "DFN-5B",
    "webli": "WebLI",
    "lvd142m": "LVD-142M",
    "lvd1689m": "LVD-1689M",
    "sat493m": "SAT-493M",
    "sa1b": "SA-1B",
    "cc12m": "CC12M",
}


def upstream_data(tag: str) -> str:
    """Return the data sets that a tag names, in its order: `augreg_in21k_ft_in1k` had ImageNet-21k, then 1k."""
    named = [_UPSTREAM[part] for part in tag.split("_") if part in _UPSTREAM]
    return ", ".join(dict.fromkeys(named)) or f"unknown (timm tag {tag})"

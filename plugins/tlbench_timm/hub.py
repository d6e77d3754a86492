"""Fetch weights of the Hugging Face hub: from the local cache, else downloaded into it."""

from pathlib import Path

from tlbench import WeightsError

_DEFAULT = "model.safetensors"
_SAFE_TWINS = {"open_clip_pytorch_model.bin": "open_clip_model.safetensors"}


def fetch(repository: str, filename: str | None, label: str) -> Path:
    """Return the local path of a safetensors file; raise WeightsError where it can be had nowhere.

    `repository` is `owner/name`, with `@revision` where timm pins one. The cache comes first, so that a run
    without a network, or after the hub's file has changed, uses what earlier runs used.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils import LocalEntryNotFoundError

    name, _, revision = repository.partition("@")
    filename = _safe(filename)
    try:
        return Path(hf_hub_download(name, filename, revision=revision or None, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    try:
        # Asked once: without a network the download itself would try for half a minute before it says so.
        get_hf_file_metadata(hf_hub_url(name, filename, revision=revision or None))
        return Path(hf_hub_download(name, filename, revision=revision or None))
    except Exception as error:  # the hub's client has changed its network library, and with it its errors
        raise WeightsError(
            f"weights of {label} are neither in the cache {constants.HF_HUB_CACHE} nor to be had from "
            f"{constants.ENDPOINT}/{name} ({_cause(error)}). Fetch {filename} of {name} where there is a network and "
            f"write {label}@FILE, or copy a cache from there and set HF_HOME; {label.partition('.')[0]} alone is a "
            f"random start."
        ) from None


def _safe(filename: str | None) -> str:
    filename = filename or _DEFAULT
    return filename if filename.endswith(".safetensors") else _SAFE_TWINS.get(filename, _DEFAULT)


def _cause(error: BaseException) -> str:
    """Say an error in one line, and the one below it: the client wraps `connection refused` in advice."""
    below = error.__cause__ or error.__context__
    deepest = below if below is not None else error
    return f"{type(deepest).__name__}: {' '.join(str(deepest).split())}"[:200]

"""Why a similarity network says that two images match or do not.

Everything public is here; it is imported when first used, so `import lfs_core` stays light.
"""

from importlib import import_module
from importlib.metadata import version as _version

# Imported at once: the module `relevance` would otherwise hide the function of that name.
from lfs_core.relevance import normalized_distance, relevance

_HOME = {
    "AssetError": "errors",
    "FaceError": "errors",
    "ImageError": "errors",
    "LFSError": "errors",
    "align_face": "datasets.faces",
    "load_image": "datasets.images",
    "load_embedder": "embedders",
    "Decoder": "decoder",
    "LinearDecoder": "decoder",
    "MLPDecoder": "decoder",
    "ConvDecoder": "decoder",
    "load_decoder": "decoder",
    "save_decoder": "decoder",
    "embed_folders": "training.embedding",
    "fit_decoder": "training.fitting",
    "train_network": "training.metric_learning",
    "Gallery": "search.gallery",
    "index_folder": "search.gallery",
    "load_gallery": "search.gallery",
    "Retriever": "search.retriever",
    "perturb": "mapping",
    "difference_map": "mapping",
    "ExplainLFS": "explainer",
    "Explainer": "explanation",
    "PairExplanation": "explanation",
    "list_explainers": "comparators",
    "load_explainer": "comparators",
}

__all__ = ["normalized_distance", "relevance", *_HOME]
__version__ = _version("lfs-core")


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'lfs_core' has no attribute {name!r}")
    value = getattr(import_module(f"lfs_core.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

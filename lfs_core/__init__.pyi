# What is public, and where it is: type checkers and editors read this file, and `__init__.py`
# imports from it on first use.

from .amortised import CausalHead as CausalHead
from .amortised import load_head as load_head
from .amortised import save_head as save_head
from .comparators import list_explainers as list_explainers
from .comparators import load_explainer as load_explainer
from .comparators.base import explain_beside as explain_beside
from .correspondence import answer as answer
from .correspondence import matched as matched
from .datasets.faces import align_face as align_face
from .datasets.images import load_image as load_image
from .decoder import Decoder as Decoder
from .decoder import load_decoder as load_decoder
from .decoder import save_decoder as save_decoder
from .embedders import load_embedder as load_embedder
from .errors import AssetError as AssetError
from .errors import FaceError as FaceError
from .errors import ImageError as ImageError
from .errors import LFSError as LFSError
from .evaluation.evaluate import Settings as Settings
from .evaluation.evaluate import evaluate as evaluate
from .evaluation.pair_set import load_pairs as load_pairs
from .explainer import ExplainLFS as ExplainLFS
from .explanation import Explainer as Explainer
from .explanation import PairExplanation as PairExplanation
from .mapping import difference_map as difference_map
from .mapping import perturb as perturb
from .parts import Thing as Thing
from .relevance import normalized_distance as normalized_distance
from .relevance import relevance as relevance
from .search.gallery import Gallery as Gallery
from .search.gallery import index_folder as index_folder
from .search.gallery import load_gallery as load_gallery
from .search.retriever import Retriever as Retriever
from .things.explain import ThingsExplanation as ThingsExplanation
from .things.explain import explain_things as explain_things
from .things.windows import Windows as Windows
from .training.decoders import ConvDecoder as ConvDecoder
from .training.decoders import LinearDecoder as LinearDecoder
from .training.decoders import MLPDecoder as MLPDecoder
from .training.embedding import embed_folders as embed_folders
from .training.fitting import fit_decoder as fit_decoder
from .training.heads import fit_causal as fit_causal
from .training.metric_learning import train_network as train_network

__version__: str

"""Why a similarity network says that two images match or do not.

Everything public is named in `__init__.pyi`; it is imported when first used, so that
`import lfs_core` stays light.
"""

import os as _os
from importlib.metadata import version as _version

import lazy_loader

# Packages that report home unless they are told not to before they are first imported. ONNX Runtime
# sends names and hashes of networks to its makers; timm's hub says who asks.
for _silence in (
    "ORT_DISABLE_TELEMETRY",
    "ORT_TELEMETRY_DISABLED",  # what 1.30 called it
    "HF_HUB_DISABLE_TELEMETRY",
    "DO_NOT_TRACK",
):
    _os.environ.setdefault(_silence, "1")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = _version("lfs-core")

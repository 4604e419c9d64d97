"""Why a similarity network says that two images match or do not.

Everything public is named in `__init__.pyi`; it is imported when first used, so that
`import lfs_core` stays light.
"""

from importlib.metadata import version as _version

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = _version("lfs-core")

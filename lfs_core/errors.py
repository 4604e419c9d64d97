"""The one family of errors: each says what was wrong with what, and what to do."""


class LFSError(Exception):
    """Base of every error that `lfs_core` raises on purpose."""


class ImageError(LFSError):
    """An image that cannot be read or used."""


class FaceError(ImageError):
    """A photograph in which the wanted face cannot be found."""


class AssetError(LFSError):
    """A pinned download that cannot be fetched, verified or stored."""

"""The one family of errors: each says what was wrong with what, and what to do."""


def printable(text: object) -> str:
    """A text as any file and screen takes it: with "?" for what in a file's name is not UTF-8."""
    return str(text).encode(errors="replace").decode()


class LFSError(Exception):
    """Base of every error that `lfs_core` raises on purpose."""

    def __str__(self) -> str:
        return printable(super().__str__())


class ImageError(LFSError):
    """An image that cannot be read or used."""


class FaceError(ImageError):
    """A photograph in which the wanted face cannot be found."""


class AssetError(LFSError):
    """A pinned download that cannot be fetched, verified or stored."""

"""Building, running and sweeping the notebooks: their parameters, outputs and kernel."""

from lfs_core.util.extras import needs

with needs("book", "Running notebooks"):
    import nbformat  # noqa: F401

"""The interactive views: Python that makes them, and under `web` what runs in the browser."""

"""Building, running and sweeping the notebooks: their parameters, outputs and kernel."""

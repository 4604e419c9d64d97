"""From stored results to verdicts and tables; draws nothing."""

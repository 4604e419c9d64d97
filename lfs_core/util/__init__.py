"""What everything else may use: files, assets, threads, manifests, digests."""

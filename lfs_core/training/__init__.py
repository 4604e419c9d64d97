"""All that learns: embeddings kept, decoders, autoencoders, heads, networks."""

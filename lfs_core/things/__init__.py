"""Things that have parts: images, sentences, graphs; and how two of them are explained."""

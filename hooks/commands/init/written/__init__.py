"""The files that ``dns01 init`` writes: shown as differences first, each whole or not at all."""

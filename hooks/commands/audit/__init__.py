"""``dns01 audit``: what every phase did, and whether the record of it is as it was written."""

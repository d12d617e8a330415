"""How things stand: every certificate that is known, and how urgent it is (``dns01 status``)."""

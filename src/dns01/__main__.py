"""``python -m dns01``: the same as the command ``dns01``."""

import sys

from .hooks.hook import main

sys.exit(main())

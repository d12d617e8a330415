"""dehydrated: its configuration, its domains.txt, its account, when it renews."""

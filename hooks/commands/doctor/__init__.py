"""``dns01 doctor``: what would keep a CA from validating, before an order is made."""

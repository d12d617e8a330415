"""certbot: its renewal files, and what goes before and behind them."""

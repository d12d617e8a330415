"""The challenge wing: where the record goes, publishing and retracting it, and when a CA may ask for it."""

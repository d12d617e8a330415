"""``dns01 issue``: hundreds of certificates ordered, validated and finalised in one wave (RFC 8555)."""

"""What a CA asks about a domain: do all servers answer, and may it issue by what they say?"""

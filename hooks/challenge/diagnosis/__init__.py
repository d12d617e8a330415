"""Why a wait failed, or the CA refused."""

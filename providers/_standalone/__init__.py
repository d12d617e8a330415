"""The small authoritative name server that the ``standalone`` provider starts."""

CANNOT_SERVE = 3  # its exit code when it says what is wrong and, on a second line, what to do
LOG = ".log"  # behind the socket's path: what the server said last

"""What runs a client again and again: cron, timers and services of systemd, scripts that sleep."""

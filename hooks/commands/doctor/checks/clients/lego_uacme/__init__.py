"""lego and uacme, which have but the command line that runs them, and Traefik, which has lego in it."""

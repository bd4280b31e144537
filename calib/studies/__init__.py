"""One question of the literature a file: configurations in, a tidy table out."""

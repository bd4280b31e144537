"""Speed against plain recipes, as ratios measured in one run."""

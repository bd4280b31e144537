"""Reports: finished numbers and figures in one HTML file that needs no other."""

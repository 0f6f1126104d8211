"""Pages of complaints for those who handle them."""

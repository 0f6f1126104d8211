"""Live screens: after each commit a hint goes to the rooms it concerns; the page then fetches the truth."""

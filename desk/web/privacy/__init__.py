"""Pages about people's data: erasing, copies, and how long things are kept."""

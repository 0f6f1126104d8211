"""Articles: what we know, made safe to show and easy to find in Chinese and English. Knows nothing of the desk."""

"""The application: kernel, nouns, verbs, views and edges of the service desk."""

"""The door for a WSGI server: `gunicorn wsgi:app`. With the built-in server use `python -m desk serve`."""

from desk.app import create_app, install
from desk.config import Settings

app, socketio = create_app(install(Settings.from_env()))

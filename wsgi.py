"""The door for a WSGI server: `gunicorn -k gevent wsgi:app`, or `python -m desk web`, which sets what belongs to it."""

from desk.commands.web import begin

app, socketio = begin()

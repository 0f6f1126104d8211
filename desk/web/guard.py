from desk.http.guard import *  # noqa: F403

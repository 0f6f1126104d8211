from desk.http.context import *  # noqa: F403

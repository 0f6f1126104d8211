from desk.http.problems import *  # noqa: F403

"""What pages and API share: the request's context, the guard of every route, and how errors are answered."""

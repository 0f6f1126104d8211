"""A store that speaks S3, in a process of its own: moto's server, over real HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from minio import Minio

from tests.world import free_port

SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False)
server.start()
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.read()
server.stop()
"""


@contextmanager
def running_store(bucket: str) -> Iterator[str]:
    """The address of an empty bucket, as `DESK_FILES_URL` takes it; the server ends with the block, or with this process."""
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout.readline() == "ready\n"
        client(port).make_bucket(bucket)
        try:
            yield f"s3+http://a-key:a-secret@127.0.0.1:{port}/{bucket}/desk"
        finally:
            server.stdin.close()


def client(port: int) -> Minio:
    return Minio(f"127.0.0.1:{port}", access_key="a-key", secret_key="a-secret", secure=False, region="us-east-1")

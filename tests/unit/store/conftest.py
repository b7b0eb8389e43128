"""Stores to put things in: a folder, and S3 over HTTP."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from controller.store.keys import MasterKeys, new_master_key
from controller.store.objects import ObjectStore
from controller.store.vault import Vault

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "lab-secret", "AWS_REGION": "eu-west-3"}
BUCKET = "recordings"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port)
    before = dict(os.environ)
    os.environ.update(CREDENTIALS)
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    client = boto3.client("s3", endpoint_url=endpoint, region_name="eu-west-3")
    if not client.list_buckets()["Buckets"]:  # all servers of one process share what they have
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    yield endpoint
    server.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return ObjectStore((tmp_path / "recordings").as_uri())
    endpoint = request.getfixturevalue("s3_endpoint")
    prefix = request.node.name.replace("[", "-").replace("]", "")
    return ObjectStore(f"s3://{BUCKET}/{prefix}", {"endpoint": endpoint, "region": "eu-west-3"})


@pytest.fixture
def masters() -> MasterKeys:
    return MasterKeys.read(new_master_key())


@pytest.fixture
def vault(objects: ObjectStore, masters: MasterKeys) -> Vault:
    return Vault(objects, masters)

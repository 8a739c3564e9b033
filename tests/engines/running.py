"""Runs the three engines together and says where they are."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engines.artefacts import DYNAMODB_LOCAL, ELASTICMQ, VERSITYGW, cache_folder
from tests.engines.processes import Recipe, running

REGION = "us-east-1"

ELASTICMQ_SETTINGS = """\
include classpath("application.conf")
aws {{ region = {region}, accountId = 000000000000 }}
node-address {{ protocol = http, host = "127.0.0.1", port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-port = {port}, bind-hostname = "127.0.0.1", sqs-limits = strict }}
rest-stats {{ enabled = false }}
"""


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the running engines listen and the credentials they accept."""

    sqs_url: str
    dynamodb_url: str
    s3_url: str
    access_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        """The AWS SDK's own variables that point a process at these engines."""
        return {
            "AWS_ENDPOINT_URL_SQS": self.sqs_url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb_url,
            "AWS_ENDPOINT_URL_S3": self.s3_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }


@dataclass(frozen=True, slots=True)
class Programs:
    """The fetched programs: two folders of jars and one executable file."""

    dynamodb_local: Path
    elasticmq: Path
    versitygw: Path


def fetch() -> Programs:
    """Brings what the cache lacks; raises EngineError when a tool is missing or a checksum differs."""
    cache = cache_folder()
    return Programs(
        dynamodb_local=DYNAMODB_LOCAL.fetch(cache),
        elasticmq=ELASTICMQ.fetch(cache),
        versitygw=VERSITYGW.fetch(cache),
    )


@contextmanager
def engines_running() -> Iterator[Engines]:
    """Fetches and starts all three, yields where they are, stops them and forgets their data."""
    programs = fetch()
    access_key, secret_key = "cqworkertests", secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="cqworker-engines-") as name, ExitStack() as stack:
        folder = Path(name)
        yield Engines(
            sqs_url=stack.enter_context(running(sqs_recipe(programs.elasticmq, folder), folder)),
            dynamodb_url=stack.enter_context(running(dynamodb_recipe(programs.dynamodb_local), folder)),
            s3_url=stack.enter_context(running(s3_recipe(programs.versitygw, folder, access_key, secret_key), folder)),
            access_key=access_key,
            secret_key=secret_key,
        )


@contextmanager
def dynamodb_alone() -> Iterator[dict[str, str]]:
    """A DynamoDB Local of one's own: the SDK's variables for it.

    Whoever adds an index to a table needs it: while other tables are written to, DynamoDB Local 3.3.1 leaves such an
    index CREATING for ever, before it fills it, and after two of them refuses every further one.
    """
    program = DYNAMODB_LOCAL.fetch(cache_folder())
    with (
        tempfile.TemporaryDirectory(prefix="cqworker-dynamodb-") as name,
        running(dynamodb_recipe(program), Path(name)) as url,
    ):
        yield {
            "AWS_ENDPOINT_URL_DYNAMODB": url,
            "AWS_ACCESS_KEY_ID": "cqworkertests",
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }


def sqs_recipe(lib: Path, folder: Path) -> Recipe:
    """ElasticMQ with AWS's own limits."""

    def command(port: int) -> list[str]:
        settings = folder / "elasticmq.conf"
        settings.write_text(ELASTICMQ_SETTINGS.format(region=REGION, port=port), encoding="utf-8")
        flags = ["-Xmx384m", f"-Dconfig.file={settings}"]
        return ["java", *flags, "-cp", f"{lib}/*", "org.elasticmq.server.Main"]

    return Recipe("elasticmq", command)


def dynamodb_recipe(lib: Path) -> Recipe:
    """DynamoDB Local in memory; it has no option for binding to loopback alone."""

    def command(port: int) -> list[str]:
        main = "software.amazon.dynamodb.services.local.main.ServerRunner"
        flags = ["-Xmx512m", f"-Djava.library.path={lib}"]
        return ["java", *flags, "-cp", f"{lib}/*", main, "-inMemory", "-port", str(port), "-disableTelemetry"]

    return Recipe("dynamodb-local", command)


def s3_recipe(program: Path, folder: Path, access_key: str, secret_key: str) -> Recipe:
    """The versity gateway over two folders: objects, and their metadata for file systems without attributes."""
    objects, metadata = folder / "objects", folder / "metadata"

    def command(port: int) -> list[str]:
        objects.mkdir(exist_ok=True)
        metadata.mkdir(exist_ok=True)
        backend = ["posix", "--sidecar", str(metadata), str(objects)]
        return [str(program), "--port", f"127.0.0.1:{port}", "--region", REGION, *backend]

    return Recipe("versitygw", command, {"ROOT_ACCESS_KEY": access_key, "ROOT_SECRET_KEY": secret_key})

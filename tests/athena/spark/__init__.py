"""Spark with Iceberg's own runtime, which reads tables through the Glue Data Catalog and S3 of an emulator."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

POM = Path(__file__).parent / "pom.xml"
GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"


def jars(cache: Path) -> str:
    """The class path of what pom.xml names, fetched by Maven the first time."""
    place = cache / f"iceberg-spark-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    listed = place / "class-path"
    if not listed.exists():
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(POM, place / "pom.xml")
        part = place / "class-path.part"
        subprocess.run(["mvn", "-q", "-B", "-f", str(place / "pom.xml"), GOAL, f"-Dmdep.outputFile={part}"], check=True)
        part.replace(listed)
    return listed.read_text(encoding="utf-8").strip()


@contextmanager
def spark_of(cache: Path, endpoint: str, region: str, key: str) -> Iterator[SparkSession]:
    """A session whose catalog `lake` is the Glue Data Catalog at an endpoint."""
    catalog = "spark.sql.catalog.lake"
    options = {
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{catalog}.warehouse": "s3://none/",
        f"{catalog}.glue.endpoint": endpoint,
        f"{catalog}.s3.endpoint": endpoint,
        f"{catalog}.s3.path-style-access": "true",
        f"{catalog}.client.region": region,
        # Else a session reads a table as it was when it first saw it.
        f"{catalog}.cache-enabled": "false",
        "spark.driver.extraClassPath": jars(cache),
        "spark.driver.extraJavaOptions": f"-Daws.accessKeyId={key} -Daws.secretAccessKey={key} -Daws.region={region}",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in options.items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def rows_of(session: SparkSession, sql: str) -> list[dict[str, Any]]:
    """The rows of a query; times, which Python gets in the time zone of the machine, are in UTC."""
    return [
        {
            name: value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value
            for name, value in row.asDict().items()
        }
        for row in session.sql(sql).collect()
    ]

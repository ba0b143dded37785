"""The layer with pyarrow, for the function that has the record engine.

Wheels for Lambda's platform are fetched by their hashes before the program runs, unless they are there already
(`components.compute.wheels`). The archive's name is made of the pins, not of its bytes: a preview without a network
names the same.
"""

import functools
import hashlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import Input, ResourceOptions

from components.compute.function import ARCHITECTURE, RUNTIME
from components.compute.packaging import DIGEST_CHARACTERS, ROOT, PackagingError
from components.compute.wheels import PINS, WHEELS, wheels_folder
from components.names import stack_name
from components.storage.zone import Zone

UNPACKED_BYTES = 250 * 1024**2
"""What a function and its layers may have together, unpacked (Lambda quotas, 2026-11)."""

LEFT_OUT = ("pyarrow/include/", "pyarrow/tests/", "pyarrow/src/", "pyarrow/includes/")
LIBRARIES_LEFT_OUT = ("libarrow_flight", "_flight")
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def pins_digest(root: Path = ROOT) -> str:
    """Name what the layer is made of: the pins, and how it is packed."""
    recipe = repr((LEFT_OUT, LIBRARIES_LEFT_OUT)).encode()
    return hashlib.sha256((root / PINS).read_bytes() + recipe).hexdigest()[:DIGEST_CHARACTERS]


@functools.cache
def build_layer(root: Path = ROOT) -> Path | None:
    """Pack the layer from the wheels that were fetched; None if there are none.

    Raises:
        PackagingError: it is larger than Lambda takes.
    """
    wheels = sorted(wheels_folder(root).glob("*.whl"))
    if not wheels:
        return None
    target = root / ".local" / "artifacts" / f"layer-{pins_digest(root)}.zip"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part, unpacked = target.with_suffix(f".{os.getpid()}"), 0
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as packed:
                for name in sorted(packed.namelist()):
                    if belongs(name):
                        content = packed.read(name)
                        unpacked += len(content)
                        entry = zipfile.ZipInfo(f"python/{name}", _EARLIEST)
                        entry.create_system, entry.external_attr = 3, 0o100755 << 16
                        archive.writestr(entry, content)
    if unpacked >= UNPACKED_BYTES:
        part.unlink()
        raise PackagingError(f"layer: {unpacked:,} bytes unpacked; Lambda takes {UNPACKED_BYTES:,}. Leave more out.")
    part.replace(target)
    return target


def belongs(name: str) -> bool:
    """Whether a file of a wheel is needed at run time, by what the engine uses of pyarrow."""
    base = name.rsplit("/", 1)[-1]
    return not (name.endswith(("/", ".pyx", ".pxd", ".pxi", ".h", ".cc", ".a")) or name.startswith(LEFT_OUT)) and not (
        base.startswith(LIBRARIES_LEFT_OUT)
    )


def check_wheels(_: pulumi.ResourceHookArgs) -> None:
    """Refuse to upload a layer without wheels; the engine asks before it does, and not in a preview.

    Raises:
        PackagingError: there are none.
    """
    if build_layer() is None:
        raise PackagingError(
            f"layer: the wheels of {PINS} are not in {WHEELS}. Fetch them by their hashes: make layer."
        )


@dataclass(frozen=True, kw_only=True)
class EngineLayerArgs:
    """Whose layer it is, and where it is uploaded to."""

    stack: str
    artifacts: Zone
    kms_key_arn: Input[str]


class EngineLayer(pulumi.ComponentResource):
    """A layer version with pyarrow, for arm64, uploaded through S3: directly Lambda takes 50 MB.

    Example:
        layer = EngineLayer(
            "layer", EngineLayerArgs(stack="dev", artifacts=storage.artifacts, kms_key_arn=key.arn)
        )
        pulumi.export("layer", layer.version.arn)
    """

    version: aws.lambda_.LayerVersion

    def __init__(self, name: str, args: EngineLayerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:compute:EngineLayer", name, None, opts)
        archive = build_layer()
        fetched = pulumi.ResourceHook(f"{name}-fetched", check_wheels)
        uploaded = aws.s3.BucketObjectv2(
            f"{name}-archive",
            bucket=args.artifacts.bucket.bucket,
            key=f"layers/{pins_digest()}/pyarrow.zip",
            source=pulumi.StringAsset("no wheels were fetched") if archive is None else pulumi.FileAsset(str(archive)),
            kms_key_id=args.kms_key_arn,
            opts=ResourceOptions(
                parent=self,
                depends_on=[args.artifacts.encryption],
                retain_on_delete=True,
                hooks=pulumi.ResourceHookBinding(before_create=[fetched], before_update=[fetched]),
            ),
        )
        self.version = aws.lambda_.LayerVersion(
            name,
            layer_name=stack_name(args.stack),
            s3_bucket=uploaded.bucket,
            s3_key=uploaded.key,
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            # Code under way may still have it; an old version costs nothing.
            skip_destroy=True,
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"arn": self.version.arn})

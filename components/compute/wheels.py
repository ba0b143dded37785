"""Fetches the wheels of the layer with pyarrow, for Lambda's platform, by the hashes that requirements/layer.txt pins.

Run as a program, `python -m components.compute.wheels`, it fetches them and prints where they are.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import pulumi

from components.compute.function import RUNTIME
from components.compute.packaging import DIGEST_CHARACTERS, ROOT, PackagingError

PINS = Path("requirements") / "layer.txt"
WHEELS = Path(".local") / "wheels"
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(28, 16, -1)]
"""What Lambda's runtime takes, which has glibc 2.34: pip takes no platform for older ones that it includes."""

SECONDS = 600


def wheels_folder(root: Path = ROOT) -> Path:
    """Where the wheels of these pins are; if it is there, it has all of them."""
    return root / WHEELS / hashlib.sha256((root / PINS).read_bytes()).hexdigest()[:DIGEST_CHARACTERS]


def fetch_wheels(root: Path = ROOT) -> Path:
    """Fetch the wheels, unless they are there, and return their folder.

    Raises:
        PackagingError: they cannot be fetched, or are not what the pins say.
    """
    folder = wheels_folder(root)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as part:
        version = RUNTIME.removeprefix("python")
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", version, "--abi", f"cp{version.replace('.', '')}"),
            *(argument for platform in PLATFORMS for argument in ("--platform", platform)),
            *("--dest", f"{part}/wheels", "--requirement", str(root / PINS)),
        ]
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise PackagingError(
                f"layer: {PINS} could not be fetched within {SECONDS} s. Try again: make layer."
            ) from None
        if said.returncode != 0:
            raise PackagingError(
                f"layer: {PINS} could not be fetched. With a network, try again: make layer.\n{said.stderr.strip()}"
            )
        try:
            Path(part, "wheels").rename(folder)
        except OSError:
            # Somebody else was faster, with the same bytes.
            if not folder.is_dir():
                raise
    return folder


def fetch_if_possible() -> None:
    """Fetch the wheels for a program that the engine runs; a preview goes on without, with a warning.

    Where they lack in the end, a hook refuses to upload the layer (`components.compute.layer`).
    """
    try:
        fetch_wheels()
    except PackagingError as error:
        pulumi.log.warn(str(error))


if __name__ == "__main__":
    try:
        print(fetch_wheels())
    except PackagingError as error:
        sys.exit(str(error))

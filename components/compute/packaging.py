"""Archives with the same bytes on every machine and every day.

Entries are sorted, stored as they are, and carry one fixed time and mode; the file is named after its content, so an
unchanged source is an unchanged deployment. Nothing is compressed: what DEFLATE writes depends on the zlib that Python
was built with. Lambda takes 50 MB of an archive that is uploaded directly (Lambda quotas, 2026-11); a function's has
4.5 MB, since all that it imports is in it (docs/adr/0022-code-changes-in-one-call.md).
"""

import functools
import hashlib
import importlib.metadata
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
LAMBDAS = Path("lambdas")
CORE = LAMBDAS / "layers" / "pipeline_core"
ENGINE = LAMBDAS / "layers" / "record_engine"
TABLE_FORMATS = LAMBDAS / "layers" / "table_formats"
GLUE_JOBS = Path("glue_jobs")
PINS = Path("requirements") / "program.txt"

# What Lambda's own runtime does not have (it has boto3). Pure Python only, so that an archive fits every
# processor: wrapt falls back to its Python implementation without its compiled part.
DISTRIBUTIONS = ("aws-lambda-powertools", "aws-xray-sdk", "jmespath", "typing-extensions", "wrapt")

WITH_PACKAGES: Mapping[str, Mapping[str, Path]] = {
    "stage": {"record_engine": ENGINE},
    "processing": {"table_formats": TABLE_FORMATS},
    "maintenance": {"table_formats": TABLE_FORMATS},
}
"""Packages that a function has besides pipeline_core; pyarrow and PyIceberg, which they need, come by a layer."""

WITH_DISTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "stage": ("tzdata",),
    "slack": ("slack-sdk",),
    # With all that OpenLineage's client imports, whatever it is used for. urllib3 and dateutil are in Lambda's runtime.
    "lineage": (
        *("anyio", "attrs", "certifi", "charset-normalizer", "h11", "httpcore2", "httpx2", "idna"),
        *("openlineage-python", "packaging", "pyyaml", "requests", "truststore"),
    ),
}
"""Distributions that a function has besides those of all."""

DIGEST_CHARACTERS = 16

_EARLIEST = (1980, 1, 1, 0, 0, 0)
_COMPILED = {".so", ".pyd", ".dylib", ".pyc", ".c", ".pyi"}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


class PackagingError(Exception):
    """Something that has to be packed is not there, or is not what is pinned."""


def function_archive(function: str, root: Path = ROOT) -> Path:
    """Pack one function with all that it imports, for the handler ``lambdas.<function>.handler.handler``."""
    handler = root / LAMBDAS / function / "handler.py"
    if not handler.is_file():
        raise PackagingError(f"function {function}: there is no {handler.relative_to(root)}. Write the handler there.")
    entries = {f"{LAMBDAS}/__init__.py": _read(root / LAMBDAS / "__init__.py", root)}
    entries |= _tree(root / LAMBDAS / function, f"{LAMBDAS}/{function}", root)
    entries |= _tree(root / CORE, "pipeline_core", root)
    for package, folder in WITH_PACKAGES.get(function, {}).items():
        entries |= _tree(root / folder, package, root)
    for distribution in (*DISTRIBUTIONS, *WITH_DISTRIBUTIONS.get(function, ())):
        entries |= _distribution(distribution, _pins(root))
    return _store(function, entries, root)


def glue_archive(root: Path = ROOT) -> Path:
    """Pack what the job's entry script imports: glue_jobs, pipeline_core and record_engine."""
    entries = _tree(root / GLUE_JOBS, str(GLUE_JOBS), root)
    entries |= _tree(root / CORE, "pipeline_core", root)
    entries |= _tree(root / ENGINE, "record_engine", root)
    return _store("glue-libraries", entries, root)


def glue_script(root: Path = ROOT) -> Path:
    """Find the job's entry script."""
    script = root / GLUE_JOBS / "raw_to_curated.py"
    if not script.is_file():
        raise PackagingError(f"Glue job: there is no {script.relative_to(root)}. Write the entry script there.")
    return script


def pack(entries: Mapping[str, bytes]) -> bytes:
    """Make the zip of `entries` (path in the archive, content), reproducibly."""
    with tempfile.SpooledTemporaryFile(max_size=64 * 1024**2) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(entries):
                entry = zipfile.ZipInfo(name, _EARLIEST)
                entry.compress_type = zipfile.ZIP_STORED
                # Unix, a regular file, readable by all: Lambda runs the code as another user.
                entry.create_system = 3
                entry.external_attr = 0o100644 << 16
                archive.writestr(entry, entries[name])
        file.seek(0)
        return file.read()


def _tree(directory: Path, prefix: str, root: Path) -> dict[str, bytes]:
    if not directory.is_dir():
        raise PackagingError(f"there is no directory {directory.relative_to(root)} to pack. Write it first.")
    entries = {f"{prefix}/{path.relative_to(directory).as_posix()}": path.read_bytes() for path in _files(directory)}
    if not entries:
        raise PackagingError(f"there is no file to pack in {directory.relative_to(root)}.")
    return entries


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in _COMPILED:
            yield path


def _read(path: Path, root: Path) -> bytes:
    if not path.is_file():
        raise PackagingError(f"there is no {path.relative_to(root)} to pack. Write it (it may be empty).")
    return path.read_bytes()


def digest(path: Path) -> str:
    """Name a file's content, short enough for a key and too long for two to have the same."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:DIGEST_CHARACTERS]


@functools.cache
def _pins(root: Path) -> Mapping[str, str]:
    return {_canonical(name): version for name, version in _PIN.findall(_read(root / PINS, root).decode())}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(name: str, pins: Mapping[str, str]) -> dict[str, bytes]:
    """Take an installed distribution's pure Python files, if it is the pinned one."""
    pinned = pins.get(_canonical(name))
    if pinned is None:
        raise PackagingError(
            f"functions: {name} is not pinned in {PINS}. Add it to requirements/program.in; make lock."
        )
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise PackagingError(
            f"functions: {name}=={pinned} is not installed in this Python. Run make setup, and use .venv/bin/python."
        ) from None
    if found.version != pinned:
        raise PackagingError(
            f"functions: {name} is installed as {found.version}; {PINS} pins {pinned}. Run make setup again."
        )
    entries = {
        file.as_posix(): Path(str(found.locate_file(file))).read_bytes()
        for file in found.files or ()
        if _belongs(PurePosixPath(file.as_posix()))
    }
    if not entries:
        raise PackagingError(
            f"functions: {name} {found.version} lists no files. Install it from its wheel: make setup."
        )
    return entries


def _belongs(path: PurePosixPath) -> bool:
    """Leave out what is compiled, tests, scripts, and what an installer writes differently every time."""
    if path.suffix in _COMPILED or ".." in path.parts or {"tests", "test", "__pycache__"} & set(path.parts):
        return False
    if path.parts[0].endswith(".dist-info"):
        # The version is what aws_xray_sdk and Powertools ask for at run time; RECORD and INSTALLER differ
        # between installers.
        return path.name == "METADATA" or "licenses" in path.parts or path.name.startswith("LICENSE")
    return True


def _store(name: str, entries: Mapping[str, bytes], root: Path) -> Path:
    content = pack(entries)
    target = _directory(root) / f"{name}-{hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS]}.zip"
    if not target.is_file() or target.read_bytes() != content:
        # Programs that run side by side may write the same file: each writes its own and renames it.
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{name}-", delete=False) as part:
            part.write(content)
        Path(part.name).replace(target)
    return target


def _directory(root: Path) -> Path:
    directory = root / ".local" / "artifacts"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        directory = Path(tempfile.gettempdir()) / "data-pipeline-artifacts"
        directory.mkdir(parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK):
        raise PackagingError(f"cannot write archives to {directory}. Make it writable, or set TMPDIR.")
    return directory


# One build of each archive a process is enough: the sources do not change while the program runs.
build_function = functools.cache(function_archive)
build_glue_libraries = functools.cache(glue_archive)

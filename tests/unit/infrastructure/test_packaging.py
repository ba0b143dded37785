"""Archives: the same bytes anywhere, pure Python, everything in them that is imported, clear refusals."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from components.compute import packaging
from components.compute.packaging import PackagingError

ROOT = packaging.ROOT
LAMBDA = {"sys_platform": "linux", "python_version": "3.13", "python_full_version": "3.13.1"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with everything that is packed."""
    files = {
        "lambdas/__init__.py": "",
        "lambdas/ingestion/__init__.py": "",
        "lambdas/ingestion/handler.py": "def handler(event, context): return 1\n",
        "lambdas/ingestion/__pycache__/handler.cpython-313.pyc": "x",
        "lambdas/layers/pipeline_core/__init__.py": "",
        "lambdas/layers/record_engine/__init__.py": "",
        "glue_jobs/raw_to_curated.py": "print('job')\n",
        "requirements/program.txt": (ROOT / "requirements" / "program.txt").read_text(encoding="utf-8"),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def archives(root: Path) -> list[Path]:
    return [packaging.function_archive("ingestion", root), packaging.glue_archive(root)]


def test_the_same_sources_give_the_same_bytes_another_day_in_another_place(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "deeper"
    here = [(archive.name, archive.read_bytes()) for archive in archives(project)]
    for file in sorted((f for f in project.rglob("*") if f.is_file() and ".local" not in f.parts), reverse=True):
        copy = elsewhere / file.relative_to(project)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
        copy.chmod(0o700)
        os.utime(copy, (1, 1))
    assert [(archive.name, archive.read_bytes()) for archive in archives(elsewhere)] == here


BUILD = """
import hashlib, sys
from pathlib import Path
from components.compute import packaging
root = Path(sys.argv[1])
functions = [handler.parent.name for handler in (root / "lambdas").glob("*/handler.py")]
built = [packaging.function_archive(name, root) for name in functions]
for archive in sorted([*built, packaging.glue_archive(root)]):
    print(archive.name, hashlib.sha256(archive.read_bytes()).hexdigest())
"""


def built(root: Path, umask: int, **environment: str) -> list[str]:
    """Build every archive of the project in a process of its own; answers their names and digests."""
    for name in ("lambdas", "glue_jobs", "requirements"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in root.rglob("*"):
        os.utime(path, (umask * 1e6, umask * 1e6))
        path.chmod(0o777 & ~umask)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(root)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_another_user_in_another_country_builds_the_same_archives(tmp_path: Path) -> None:
    here = built(tmp_path / "a", 0o022, PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C", HOME="/nowhere")
    there = built(tmp_path / "deeper" / "b", 0o077, PYTHONHASHSEED="2", TZ="Pacific/Auckland", LC_ALL="tr_TR.UTF-8")
    assert here == there
    assert len(here) == 12, "eleven functions and the job's libraries"


def test_nothing_is_compressed_since_the_bytes_would_depend_on_the_machines_zlib() -> None:
    archives = [packaging.build_glue_libraries(), packaging.build_function("ingestion")]
    for archive in archives:
        with zipfile.ZipFile(archive) as opened:
            assert {entry.compress_type for entry in opened.infolist()} == {zipfile.ZIP_STORED}, archive.name


def test_the_largest_archive_is_well_within_what_lambda_takes_directly() -> None:
    assert 1_000_000 < packaging.build_function("processing").stat().st_size < 25_000_000, "the limit is 50 MB"


FUNCTIONS = ("ingestion", "query")


def digests(project: Path) -> dict[str, str]:
    return {name: packaging.function_archive(name, project).name for name in FUNCTIONS}


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("lambdas/ingestion/handler.py", {"ingestion"}),
        ("lambdas/query/handler.py", {"query"}),
        ("lambdas/layers/pipeline_core/__init__.py", {"ingestion", "query"}),
        ("lambdas/layers/record_engine/__init__.py", set()),
        ("glue_jobs/raw_to_curated.py", set()),
    ],
)
def test_a_changed_source_is_another_archive_of_what_imports_it_and_of_nothing_else(
    project: Path, source: str, changed: set[str]
) -> None:
    (project / "lambdas" / "query").mkdir()
    (project / "lambdas" / "query" / "handler.py").write_text("")
    before = digests(project)
    (project / source).write_text("CHANGED = True\n")
    after = digests(project)
    assert {name for name in FUNCTIONS if before[name] != after[name]} == changed


def test_a_function_holds_its_own_code_and_what_it_imports_and_no_other_functions(project: Path) -> None:
    (project / "lambdas" / "query").mkdir()
    (project / "lambdas" / "query" / "handler.py").write_text("")
    entries = names(packaging.function_archive("ingestion", project))
    assert [entry for entry in entries if entry.startswith("lambdas/")] == [
        "lambdas/__init__.py",
        "lambdas/ingestion/__init__.py",
        "lambdas/ingestion/handler.py",
    ]
    assert {"pipeline_core/__init__.py", "aws_lambda_powertools/__init__.py", "wrapt/__init__.py"} <= set(entries)


def test_everyone_may_read_what_lambda_unpacks(project: Path) -> None:
    with zipfile.ZipFile(packaging.function_archive("ingestion", project)) as opened:
        assert {entry.external_attr >> 16 for entry in opened.infolist()} == {0o100644}


def test_a_function_has_no_compiled_part_and_no_tests() -> None:
    entries = names(packaging.build_function("processing"))
    assert entries
    assert [entry for entry in entries if re.search(r"\.(so|pyd|pyc|dylib)$|/tests?/|\.\.", entry)] == []


def in_runtime(folder: Path) -> Path:
    """A folder with what Lambda's runtime has: here it stands beside the archive, by itself."""
    runtime = folder / "runtime"
    runtime.mkdir()
    site = Path(str(importlib.metadata.distribution("botocore").locate_file("")))
    for name in ("botocore", "boto3", "s3transfer", "urllib3", "dateutil", "six.py"):
        (runtime / name).symlink_to(site / name)
    return runtime


def test_what_is_packed_runs_without_anything_that_is_installed_here(tmp_path: Path) -> None:
    with zipfile.ZipFile(packaging.build_function("processing")) as opened:
        opened.extractall(tmp_path)
    runtime = in_runtime(tmp_path)
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(runtime)!r}]\n"
        "import wrapt, jmespath, aws_lambda_powertools, aws_xray_sdk.core\n"
        "from aws_lambda_powertools import Logger, Metrics, Tracer\n"
        "from aws_lambda_powertools.utilities.batch import BatchProcessor\n"
        "@wrapt.decorator\n"
        "def twice(wrapped, instance, args, kwargs): return 2 * wrapped(*args, **kwargs)\n"
        "assert twice(lambda: 21)() == 42\n"
        "assert '_wrappers' not in ' '.join(m for m in sys.modules if m.startswith('wrapt.') and "
        "str(getattr(sys.modules[m], '__file__', '')).endswith('.so'))\n"
    )
    run_alone(program)


def run_alone(program: str) -> None:
    environment = {"POWERTOOLS_TRACE_DISABLED": "true", "AWS_XRAY_SDK_ENABLED": "false"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr


def test_openlineage_s_client_runs_with_what_is_packed_with_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(packaging.build_function("lineage")) as opened:
        opened.extractall(tmp_path)
    runtime = in_runtime(tmp_path)
    run_alone(
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(runtime)!r}]\n"
        "from lambdas.lineage import handler, delivery\n"
        f"assert handler.__file__.startswith({str(tmp_path)!r})\n"
        "receiver = delivery.Receiver(url='http://127.0.0.1:1', endpoint='e', api_key_parameter='')\n"
        "delivery.RETRIES.update(total=0, read=0, connect=0)\n"
        "try:\n"
        "    receiver.post({})\n"
        "except Exception as error:\n"
        "    assert 'refused' in str(error), error\n"
        "else:\n"
        "    raise SystemExit('nobody listens there')\n"
    )


def test_a_function_has_what_its_distributions_ask_for() -> None:
    """Whatever a packed distribution requires is packed too, or is in Lambda's runtime."""
    for function in ("query", *packaging.WITH_DISTRIBUTIONS):
        check_packed(function)


def check_packed(function: str) -> None:
    distributions = (*packaging.DISTRIBUTIONS, *packaging.WITH_DISTRIBUTIONS.get(function, ()))
    # What boto3 asks for is in Lambda's runtime, too.
    packed = {*distributions, "boto3", "botocore", "urllib3", "python-dateutil"}
    for distribution in distributions:
        for requirement in map(Requirement, importlib.metadata.requires(distribution) or ()):
            if requirement.marker is None or requirement.marker.evaluate({**LAMBDA, "extra": ""}):
                name = requirement.name.lower().replace("_", "-")
                assert name in packed, f"{distribution} requires {requirement}"


def test_glue_gets_the_jobs_modules_and_the_core(project: Path) -> None:
    assert set(names(packaging.glue_archive(project))) == {
        "glue_jobs/raw_to_curated.py",
        "pipeline_core/__init__.py",
        "record_engine/__init__.py",
    }


def test_a_missing_handler_is_named(project: Path) -> None:
    with pytest.raises(PackagingError, match=r"function query: there is no lambdas/query/handler.py"):
        packaging.function_archive("query", project)


def test_a_missing_job_is_named(project: Path) -> None:
    (project / "glue_jobs" / "raw_to_curated.py").unlink()
    with pytest.raises(PackagingError, match=r"no glue_jobs/raw_to_curated.py"):
        packaging.glue_script(project)


def test_a_distribution_of_another_version_than_the_pinned_one_is_refused(project: Path) -> None:
    pins = project / "requirements" / "program.txt"
    pins.write_text(re.sub(r"wrapt==\S+", "wrapt==0.0.1", pins.read_text()))
    with pytest.raises(PackagingError, match=r"wrapt is installed as \S+; .*program.txt pins 0.0.1"):
        packaging.function_archive("ingestion", project)


def test_a_distribution_without_a_pin_is_refused(project: Path) -> None:
    (project / "requirements" / "program.txt").write_text("")
    with pytest.raises(PackagingError, match="aws-lambda-powertools is not pinned"):
        packaging.function_archive("ingestion", project)


def test_a_distribution_that_is_not_installed_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(PackagingError, match=r"aws-lambda-powertools==\S+ is not installed"):
        packaging.function_archive("ingestion", project)


def test_the_order_in_which_files_are_found_is_no_difference() -> None:
    # An installer lists a distribution's files in an order of its own.
    assert packaging.pack({"a": b"1", "b": b"2"}) == packaging.pack({"b": b"2", "a": b"1"})

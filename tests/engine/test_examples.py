"""The examples of docs/components.md compile with the SDKs that Pulumi's own generators make of the plugin's schema."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engine.engine import CLI_VERSION, HERE, ROOT, sdk_generator

SDK = "example.com/pulumi-data-pipeline/sdk/go/data-pipeline"
"""Where Go finds the SDK, as the generator calls it in the SDK's own imports."""

WRONG = {"settings: {": "settings: { workers: 4, ", "Environment:": "Stage:"}
"""What a typo makes of either example."""


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "docs" / "components.md").read_text(), re.DOTALL)
    assert found
    return found[1]


def mistaken(text: str) -> str:
    for right, wrong in WRONG.items():
        text = text.replace(right, wrong)
    return text


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def generate(language: str, folder: Path) -> None:
    done = run(str(sdk_generator()), str(ROOT / "schemas" / "plugin-schema.json"), language, str(folder), cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Go program's folder with the SDK, and the dependencies that the CLI's own module is locked to."""
    folder = tmp_path_factory.mktemp("go")
    generate("go", folder / "sdk")
    sdk = folder / "sdk" / "datapipeline"
    need = f"require github.com/pulumi/pulumi/sdk/v3 v{CLI_VERSION}\n"
    (sdk / "go.mod").write_text(f"module {SDK}\n\ngo 1.26\n\n{need}")
    for name in ("go.mod", "go.sum"):
        shutil.copy(HERE / "cli" / name, folder / name)
    with (folder / "go.mod").open("a") as module:
        module.write(f"\nrequire {SDK} v0.0.0\n\nreplace {SDK} => ./sdk/datapipeline\n")
    return folder


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TypeScript program's folder with the SDK, compiled as its own package says."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "node" / name, folder / name)
    done = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    assert done.returncode == 0, done.stderr
    sdk = folder / "node_modules" / "@pulumi" / "data-pipeline"
    generate("nodejs", sdk)
    built = run(str(folder / "node_modules" / ".bin" / "tsc"), cwd=sdk)
    assert built.returncode == 0, built.stdout
    # Programs find what was compiled, as in the package that would be published.
    package = json.loads((sdk / "package.json").read_text())
    (sdk / "package.json").write_text(json.dumps(package | {"main": "bin/index.js", "types": "bin/index.d.ts"}))
    options = {"strict": True, "noEmit": True, "target": "es2020", "module": "commonjs", "skipLibCheck": True}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["index.ts"]}))
    return folder


def test_the_go_example_compiles_and_one_with_a_typo_does_not(go: Path) -> None:
    (go / "main.go").write_text(example("go"))
    done = run("go", "build", "-mod=mod", "-o", "program", ".", cwd=go)
    assert done.returncode == 0, done.stderr
    (go / "main.go").write_text(mistaken(example("go")))
    wrong = run("go", "build", "-mod=mod", "-o", "program", ".", cwd=go)
    assert "unknown field Stage in struct literal" in wrong.stderr


def test_the_typescript_example_compiles_and_one_with_a_typo_does_not(node: Path) -> None:
    compiler = str(node / "node_modules" / ".bin" / "tsc")
    (node / "index.ts").write_text(example("typescript"))
    done = run(compiler, cwd=node)
    assert done.returncode == 0, done.stdout
    (node / "index.ts").write_text(mistaken(example("typescript")))
    assert "'workers' does not exist" in run(compiler, cwd=node).stdout

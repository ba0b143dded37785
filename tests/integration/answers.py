"""The story of docs/answers.md: commands in their order, each with what is said before it, and the page of them.

What varies between two runs (times, ids, sizes, stages that were or were not seen) is masked before pages are compared.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_LINES = 25
COLUMNS = 80
FOLDER = ".local/answers"

BEGIN = """\
# Answers

What each command of `data-pipeline` answers on a terminal of 80 columns, in one story: a pipeline in the emulator, from
its first file to a rollback. `make answers` writes this page from a run, and `tests/integration/test_answers.py` holds
it against another one: but for times, ids and sizes, and stages that are seen or not, this is the answer today. An
answer of more than 25 lines ends with `...`. The help of each command is in [commands.md](commands.md), what to do
when something is wrong in [runbook.md](runbook.md).

Commands are typed in a clone after `make setup`, with the pipeline of `make local` and the variables that the
[tutorial](tutorial.md#3-the-pipeline) exports. What each says on stderr first, which deployment it is about, is left
out, and so is the progress of `smoke`, which a terminal shows and takes away again. An exit code other than 0 stands
below the answer. A line that a terminal folds goes on four columns further in; what another program reads is not
folded. The last part is told by the Pulumi CLI and its engine, before a stand-in for AWS
(`tests/engine/test_review.py`).
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command: what is said before it, how it ends, and what is done for it.

    `command` may name a batch of an earlier answer: `{fleet:first}`, `{fleet:last}`. Where there is `until`, a
    pattern, the command is repeated until it answers that. `before` names something that is done unseen, which
    `said` tells.
    """

    command: str
    said: str
    code: int = 0
    until: str = ""
    title: str = ""
    script: str = ""
    before: str = ""


HEADER = "tailnum,year,type,manufacturer,model,engines,seats,speed,engine,operation,changed_at"

NOTHING_RUNS = r"(?ms)\A(?!.*^> )"

REVIEW = (
    Step(
        title="The stack of a pull request",
        said="What the Pulumi CLI says meanwhile is left out; so are the samples and the smoke test, which need AWS:",
        command="review up 12 --no-smoke --no-samples",
    ),
    Step(said="The stacks that there are:", command="review list"),
    Step(said="When the pull request is closed:", command="review down 12"),
    Step(said="and again:", command="review down 12"),
    Step(said="Then there is none:", command="review list"),
)
"""What the Pulumi CLI answers; in the emulator there is none."""

STORY = (
    Step(
        title="Before anything lands",
        said="Nothing of this asks AWS. Contracts are checked:",
        command="contract check contracts/airlines.odcs.yaml",
    ),
    Step(said="and named queries against them:", command="query --check"),
    Step(
        said="A file is tried by its contract. Two rows of this sample are refused, which the exit code tells, too:",
        command="try airlines contracts/samples/airlines/airlines.csv",
        code=3,
    ),
    Step(
        said="A contract is made from a file:",
        script=(
            f"mkdir -p {FOLDER}\n"
            f"cat > {FOLDER}/meters.csv <<'CSV'\n"
            "meter,paid_at,amount\n"
            "K-017,2026-05-01T08:12:00Z,2.50\n"
            "L-003,2026-05-01T10:05:00Z,4.75\n"
            "CSV"
        ),
        command=f"contract infer {FOLDER}/meters.csv --dataset meters --contracts {FOLDER}/contracts",
    ),
    Step(said="What a stack would be is shown before it is deployed:", command="preview --stack dev"),
    Step(
        title="A good file, and one with bad rows",
        said="The table `fleet` is an Iceberg table that takes changes. A file lands, and is watched:",
        script=(
            f"mkdir -p {FOLDER}/fleet\n"
            f"cat > {FOLDER}/fleet/1.csv <<'CSV'\n"
            f"{HEADER}\n"
            "N10156,2004,Fixed wing,EMBRAER,EMB-145,2,55,NA,Turbo-fan,I,2026-01-01T00:01:00Z\n"
            "N102UW,1998,Fixed wing,AIRBUS,A320-214,2,182,NA,Turbo-fan,I,2026-01-01T00:01:00Z\n"
            "CSV"
        ),
        command=f"land {FOLDER}/fleet/1.csv --wait",
    ),
    Step(
        said="Of the sample of `airlines` two rows are refused. The others are published all the same:",
        command="land contracts/samples/airlines/airlines.csv --wait",
        code=3,
    ),
    Step(said="What was refused, and why:", command="quarantined airlines"),
    Step(said="What became of the file:", command="file airlines/airlines.csv"),
    Step(said="What was logged about its batch:", command="logs --batch {airlines:last}", until="notification INFO"),
    Step(
        title="A batch that is refused whole",
        said="Too many rows of this file break the contract, so none is published:",
        script=f"mkdir -p {FOLDER}/airlines\nprintf 'carrier,name\\nZ8,Good\\nnope,Bad\\n' > {FOLDER}/airlines/bad.csv",
        command=f"land {FOLDER}/airlines/bad.csv --wait",
        code=3,
    ),
    Step(said="What is wrong comes first:", command="status", until=NOTHING_RUNS),
    Step(said="What the batches came to:", command="runs airlines"),
    Step(
        said="What a replay would read, had the contract been mended:",
        command="replay airlines --batch {airlines:last} --dry-run",
    ),
    Step(said="Without `--dry-run` it asks, unless `--yes` answers:", command="replay airlines --prefix bad --yes"),
    Step(said="It is refused again:", command="runs airlines --limit 1", until="-000003: QUARANTINED"),
    Step(
        said="A file that was published is read again, and replaces its rows:",
        command="backfill fleet --again --dry-run",
    ),
    Step(
        title="Pause, resume, cancel",
        said="Files that land wait while their dataset is paused:",
        command="pause weather --reason 'the producer sends last year'",
    ),
    Step(said="", command="land contracts/samples/weather/weather.csv"),
    Step(said="A moment later:", command="file weather/weather.csv", until="PENDING"),
    Step(said="", command="status", until=NOTHING_RUNS),
    Step(said="What waits is put into a batch:", command="resume weather"),
    Step(
        said="A batch that has published nothing can be stopped; this one is at its job:",
        before="a batch of planes is at its job",
        command="cancel {planes:last} --yes",
    ),
    Step(said="One that has ended can not:", command="cancel {fleet:first} --yes", code=3),
    Step(
        title="History and rollback of an Iceberg table",
        said="A second file changes one aircraft and brings another one:",
        script=(
            f"cat > {FOLDER}/fleet/2.csv <<'CSV'\n"
            f"{HEADER}\n"
            "N10156,2004,Fixed wing,EMBRAER,EMB-145,2,5,NA,Turbo-fan,U,2026-01-01T00:02:00Z\n"
            "N104UW,1999,Fixed wing,AIRBUS,A320-214,2,182,NA,Turbo-fan,I,2026-01-01T00:02:00Z\n"
            "CSV"
        ),
        command=f"land {FOLDER}/fleet/2.csv --wait",
    ),
    Step(said="", command="query --sql 'SELECT tailnum, seats FROM fleet ORDER BY tailnum'"),
    Step(said="Five seats are wrong. The table had these states:", command="history fleet"),
    Step(said="It is what it was again:", command="rollback fleet --to {fleet:first} --yes"),
    Step(said="", command="query --sql 'SELECT tailnum, seats FROM fleet ORDER BY tailnum'"),
    Step(said="", command="history fleet"),
    Step(said="What the upkeep would do, which the schedule does every six hours:", command="maintain fleet --dry-run"),
    Step(said="", command="maintain fleet"),
    Step(
        said="A Parquet table becomes an Iceberg table once its contract that says `tableFormat: iceberg` is deployed:",
        before="airlines is to be an iceberg table",
        command="adopt airlines --yes",
    ),
    Step(
        title="All of it",
        said="A named query, with a parameter:",
        command="query quarantined_rows_by_reason airlines",
    ),
    Step(said="One HTML file with everything ([page.md](page.md)):", command=f"page --to {FOLDER}/page.html"),
    Step(said="Whether a file goes the whole way:", command="smoke"),
    Step(said="Whether all samples do, and all named queries answer:", command="review check"),
    Step(title="Mistakes", said="What is wrong is named, with what is allowed:", command="runs airline", code=1),
    Step(said="", command="rollback fleet --to fleet-20130101T000000Z-000001 --yes", code=1),
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a step came to: the command as it was typed, and all that it answered."""

    step: Step
    command: str
    text: str


def name_of(command: str) -> str:
    """The command without what it is given: `land`, `contract check`."""
    words = command.split()
    return " ".join(words[: 2 if words[0] in ("contract", "review") else 1])


def told(answers: Sequence[Answer]) -> str:
    """Write answers of the page."""
    parts = list[str]()
    for answer in answers:
        step = answer.step
        parts += [f"## {step.title}\n"] if step.title else []
        parts += [f"{step.said}\n"] if step.said else []
        typed = "\n".join(filter(None, (step.script, f".venv/bin/data-pipeline {answer.command}")))
        shown = "\n".join(cut([line.rstrip() for line in answer.text.rstrip("\n").splitlines()]))
        parts.append(f"```sh\n{typed}\n```\n\n```text\n{shown}\n```\n")
        parts += [f"Exit code {step.code}.\n"] if step.code else []
    return "\n".join(parts)


def parts_of(page: str) -> tuple[str, str]:
    """What the emulator tells of the page, and what the Pulumi CLI does."""
    begin = page.index(f"## {REVIEW[0].title}\n")
    return page[:begin], page[begin:]


def cut(lines: list[str]) -> list[str]:
    """An answer without its end, if it is long, and then without the stages that may be seen or not."""
    if len(lines) <= MOST_LINES:
        return lines
    kept, passing = list[str](), False
    for line in lines:
        # A line that was folded goes on four columns further in.
        passing = re.match(rf"\S+: {PASSING}", line) is not None or (passing and line.startswith(" " * 4))
        kept += [] if passing else [line]
    return [*kept[:MOST_LINES], "..."]


PASSING = r"(LANDED|PENDING|CLAIMED)\b"
MASKS = (
    # Lines that are folded go on four columns further in.
    (r"\n {4,}(?! )", " "),
    # Whether a stage is seen depends on when one looks.
    (rf"(?m)^{PASSING}.*\n", ""),
    (r"\b[a-z]+-\d{8}T\d{6}Z-\d{6}\b", "<batch>"),
    (r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?)?", "<time>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
    (r"\b[0-9a-f]{12,64}\b|\b\d{15,19}\b", "<id>"),
    (r'("(?:seconds_to_published|scanned_bytes)"): \d+', r"\1: <number>"),
    (r"\b\d+(\.\d+)? (ms|s|min|h|d)\b", "<duration>"),
    (r"[\d,]+ bytes", "<size>"),
    (r"(data-pipeline-[a-z]+)-[0-9a-f]{7}\b", r"\1-<suffix>"),
    # Tables are as wide as what is in them.
    (r"[─━]+", "─"),
    (r"[ \t]+", " "),
)


def shape(text: str) -> str:
    """A page or an answer without what varies between two runs."""
    for found, instead in MASKS:
        text = re.sub(found, instead, text)
    return text

"""How a preview is written: readable, complete where it fits, and without secrets, bytes or broken Markdown."""

import copy
import io
import json
from typing import Any

import pulumi
import pytest
from rich.console import Console

from config.violations import SECRET
from ops.preview import markdown, text
from ops.preview.changes import changes
from ops.preview.report import Preview
from ops.preview.snapshot import Snapshot, take
from tests.unit.infrastructure.cloud import Cloud, deploy, main_program, pipeline, stack_config
from tests.unit.preview.seen import BUCKET, QUEUE, seen, snapshot


def preview(old: Snapshot, new: Snapshot, *refused: str, tree: bool = True) -> Preview:
    return Preview(head=new, base=old, revision="main", changes=tuple(changes(old, new)), refused=refused, tree=tree)


@pytest.mark.parametrize("write", [lambda made: as_text(made), markdown.write], ids=["text", "markdown"])
def test_what_changes_comes_first_and_the_tree_where_it_is_asked_for(write: Any) -> None:
    old, new = snapshot(seen(BUCKET, "raw"), seen(QUEUE, "q", delay=1)), snapshot(seen(BUCKET, "raw"), seen(QUEUE, "q"))
    short, whole = write(preview(old, new, tree=False)), write(preview(old, new))
    assert "s3.Bucket raw" not in short, "it stays as it is"
    assert "idle, $ a month" not in short
    assert whole.index("delay: 1") < whole.index("s3.Bucket raw")
    assert "s3.Bucket raw" in write(Preview(head=new)), "nothing is compared, so this is what there is to show"
    assert [one["name"] for one in json.loads(preview(old, new, tree=False).to_json())["resources"]] == ["raw", "q"]


def as_text(made: Preview, *, color: bool = False) -> str:
    out = io.StringIO()
    text.write(made, Console(file=out, width=200, force_terminal=color, color_system="standard" if color else None))
    return out.getvalue()


def test_a_stack_is_a_tree_of_components_with_counts_and_cost() -> None:
    head = take("prod", pipeline("prod").resources, {"cloudwatch": 4.5, "kms": 1.0})
    written = as_text(Preview(head=head))
    for line in (
        "├── DataPipeline data-pipeline\n",
        "│   │   └── Zone data-pipeline-raw\n",
        "│   │       ├── s3.Bucket data-pipeline-raw\n",
        "$5.50 a month idle",
        f"{sum(r.type.startswith('aws:') for r in pipeline('prod').resources)} resources in ",
    ):
        assert line in written
    assert written.count("\n") > 250, "every resource has its line"
    assert "pulumi" not in {service for service, _, _ in Preview(head=head).services()}


def test_what_changes_is_said_property_by_property_and_data_in_danger_is_red() -> None:
    made = preview(
        snapshot(seen(BUCKET, "raw"), seen(QUEUE, "q", delay=1, policy='{"a": [1]}'), idle=1.0),
        snapshot(seen(QUEUE, "q", delay=2, policy='{"a": [1, 2]}'), idle=2.0),
        "S3-01 data-pipeline-raw: it is open",
    )
    written = as_text(made)
    for line in (
        "    delay: 1 -> 2\n",
        "    policy.a[1]: nothing -> 2\n",
        "- s3.Bucket raw\n    DATA: it is deleted, and its data is deleted\n",
        "refused: S3-01 data-pipeline-raw: it is open\n",
        "$2.00 a month idle (was $1.00); 0 added, 1 changed, 0 replaced, 1 removed\n",
    ):
        assert line in written
    assert "\x1b[1;31m- s3.Bucket raw" in as_text(made, color=True)


@pytest.mark.parametrize("write", [as_text, markdown.write])
def test_how_long_and_how_large_functions_may_get_is_shown_and_what_changes_of_it(write: Any) -> None:
    config = copy.deepcopy(stack_config("prod"))
    config["data-pipeline:settings"]["functions"]["processing"] = {"memory_mb": 2_048}
    new = deploy(main_program, config=config, stack="prod")
    made = preview(take("prod", pipeline("prod").resources, {}), take("prod", new.resources, {}))
    written = write(made)
    assert "lambda.Function data-pipeline-processing (900 s, 2048 MB)\n" in written
    assert "lambda.Function data-pipeline-query (300 s, 512 MB)\n" in written
    assert "memorySize: 1024 -> 2048" in written or "- memorySize: 1024\n+ memorySize: 2048" in written, written[:2000]
    assert "timeout: " not in written, "only the memory was changed"


def test_what_changes_in_the_same_way_is_said_once() -> None:
    old, new = ([seen(QUEUE, f"q{n}", tag=tag) for n in range(30)] for tag in ("a", "b"))
    written = as_text(preview(snapshot(*old), snapshot(*new)))
    assert written.count('tag: "a" -> "b"') == 1
    assert "and 25 more, in the same way" in written


def test_what_comes_and_goes_is_listed_at_once() -> None:
    made = preview(snapshot(seen(QUEUE, "old")), snapshot(*(seen(QUEUE, f"q{n}") for n in range(9))))
    written = markdown.write(made)
    assert "<summary>+ sqs.Queue q0 and 8 more</summary>\n\n```diff\n+ sqs.Queue q0\n+ sqs.Queue q1\n" in written
    assert "<summary>- sqs.Queue old</summary>\n\n```diff\n- sqs.Queue old\n```" in written
    assert as_text(made).count("+ sqs.Queue q") == 18, "in the tree, and in the list, which leaves none out"


def test_a_number_is_written_as_people_do() -> None:
    (job,) = [one for one in take("prod", pipeline("prod").resources, {}).resources if one.type == "aws:glue/job:Job"]
    assert repr(job.inputs["numberOfWorkers"]) == "20"


def test_code_is_compared_by_its_content_and_shown_without_bytes(tmp_path: Any) -> None:
    def program(content: str, file: str) -> Snapshot:
        (tmp_path / file).write_text(content)
        cloud = deploy(lambda: pulumi.CustomResource(QUEUE, "f", {"code": pulumi.FileAsset(str(tmp_path / file))}))
        return take("dev", cloud.resources, {})

    one, same, other = program("1", "a"), program("1", "b"), program("2", "a")
    assert changes(one, same) == [], "the path is none of it"
    assert "    code: code changed\n" in as_text(preview(one, other))


def test_a_long_value_is_shortened() -> None:
    written = as_text(preview(snapshot(seen(QUEUE, text="a")), snapshot(seen(QUEUE, text="b" * 5_000))))
    (line,) = [line for line in written.splitlines() if "text:" in line]
    assert len(line) < 250
    assert "(5,002 characters)" in line


def test_what_a_terminal_would_obey_is_shown_escaped() -> None:
    made = preview(snapshot(seen(QUEUE, text="a")), snapshot(seen(QUEUE, text="b\x1b[2J\x9b\u202e\x7f")))
    for written in (as_text(made), markdown.write(made)):
        assert r'"b\u001b[2J\x9b\u202e\x7f"' in written


def test_a_comment_folds_the_details_and_names_the_dangers_first() -> None:
    made = preview(snapshot(seen(BUCKET, "raw"), seen(QUEUE, "q", delay=1)), snapshot(seen(QUEUE, "q", delay=2)))
    written = markdown.write(made)
    assert written.startswith("### Preview of stack prod against main\n")
    assert written.index("> [!CAUTION]\n> **s3.Bucket raw**: it is deleted") < written.index("<details>")
    assert "<summary>~ sqs.Queue q</summary>\n\n```diff\n- delay: 1\n+ delay: 2\n```\n" in written
    assert written.count("<details>") == written.count("</details>") == 4


def test_every_resource_whose_data_is_in_danger_is_named() -> None:
    made = preview(snapshot(seen(BUCKET, "raw"), seen(BUCKET, "curated")), snapshot())
    for written in (markdown.write(made).split("<details>")[0], as_text(made)):
        assert written.count("it is deleted, and its data is deleted") == 2
        assert all(f"s3.Bucket {name}" in written for name in ("raw", "curated"))


def test_a_comment_is_never_longer_than_github_takes_and_says_what_it_leaves_out() -> None:
    many = [seen(QUEUE, f"q{n}", value="x" * 90 + str(n)) for n in range(400)]
    written = markdown.write(preview(snapshot(*(seen(QUEUE, one.name, value="y") for one in many)), snapshot(*many)))
    assert 60_000 < len(written) <= 65_536
    assert written.count("<details>") == written.count("</details>") > 100
    assert written.count("```") % 2 == 0
    assert "`make preview STACK=prod BASE=main` has them._" in written


@pytest.mark.parametrize("longest", range(500, 1_200, 50))
def test_a_comment_is_cut_between_parts_only(longest: int) -> None:
    old, new = ([seen(QUEUE, f"q{n}", delay=sign * n) for n in range(1, 9)] for sign in (1, -1))
    made = preview(snapshot(*old), snapshot(*new))
    assert len(markdown.write(made)) > longest
    written = markdown.write(made, longest)
    assert len(written) <= longest
    assert written.count("<details>") == written.count("</details>")


def test_no_value_ends_the_block_that_it_stands_in() -> None:
    made = preview(snapshot(seen(QUEUE, text="a")), snapshot(seen(QUEUE, "one", text="```\n</details>")))
    written = markdown.write(made)
    assert "````diff\n" in written
    assert "\n</details>\n\n```" not in written


def with_secret() -> Cloud:
    config = copy.deepcopy(stack_config("prod"))
    monitoring = config["data-pipeline:settings"]["monitoring"]
    monitoring["alarm_subscriptions"] = [{"name": "on-call", "protocol": "https", "endpoint": {"secure": "v1:abc:def"}}]
    return deploy(main_program, config=config, stack="prod")


def test_json_says_the_same_for_a_program() -> None:
    made = preview(snapshot(seen(QUEUE, "q", delay=1)), snapshot(seen(QUEUE, "q", delay=2), sqs=0.5))
    found = json.loads(made.to_json())
    assert found["changes"][0]["differences"] == [{"path": "delay", "old": 1, "new": 2}]
    assert found["services"] == {"sqs": {"resources": 1, "idle_dollars": 0.5}}
    assert (found["stack"], found["base"]) == ("prod", "main")


def test_a_secret_anywhere_in_an_input_makes_all_of_it_secret() -> None:
    def program() -> None:
        secret = pulumi.Output.secret("hunter2")
        pulumi.CustomResource(QUEUE, "q", {"open": 1, "list": [{"deep": secret}], "map": {"a": secret}})

    cloud = deploy(program)
    (found,) = cloud.resources
    assert found.inputs == {"open": 1, "list": [{"deep": "hunter2"}], "map": {"a": "hunter2"}}, "rules see what will be"
    assert take("dev", cloud.resources, {}).resources[0].inputs == {"open": 1, "list": SECRET, "map": SECRET}


def test_no_secret_is_in_any_kind_of_preview() -> None:
    cloud = with_secret()
    (subscription,) = [r for r in cloud.of("sns.TopicSubscription") if r.name.startswith("data-pipeline-alarms")]
    assert subscription.secrets == {"endpoint"}, "so Pulumi encrypts it in its state"
    secret = subscription.inputs["endpoint"]
    head = take("prod", cloud.resources, {})
    made = preview(take("prod", pipeline("prod").resources, {}), head)
    for written in (as_text(made), markdown.write(made), made.to_json(), head.to_json()):
        assert secret not in written
        assert "v1:abc:def" not in written
    assert SECRET in head.to_json()

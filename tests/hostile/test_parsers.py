"""Every parser of outside input on a fixed share of the fuzzer's cases, and on all that ever broke one.

`make fuzz` searches further, guided by coverage; what it finds comes into ``fuzzing/found``, and from there here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from fuzzing.inventory import CODE, EXCUSED, parser_of, parsers
from fuzzing.mutation import mutated
from fuzzing.parser import FOUND, ROOT, Finding, Outcome, Parser, known, play

PARSERS = list(parsers())
every_parser = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
READS = frozenset(
    {
        *(
            "json.loads",
            "json.load",
            "tomllib.loads",
            "tomllib.load",
            "yaml.safe_load",
            "tarfile.open",
            "zipfile.ZipFile",
        ),
        *("pq.ParquetFile", "pq.read_table", "pj.read_json", "datetime.fromisoformat", "datetime.strptime"),
        *("base64.b64decode", "base64.urlsafe_b64decode", "parse_body"),
    }
)
"""Calls that read a format."""
METHODS = frozenset({"model_validate", "model_validate_json", "validate_python"})


def told(outcome: Outcome) -> str:
    assert outcome.finding is not None
    return f"{outcome.finding.kind} in {outcome.finding.where}:\n{outcome.finding.text}"


@every_parser
def test_a_parser_takes_what_it_is_for(parser: Parser) -> None:
    outcomes = [play(parser, seed) for seed in parser.seeds()]
    assert [told(each) for each in outcomes if each.finding] == []
    assert any(each.taken for each in outcomes), outcomes


@every_parser
def test_what_once_broke_a_parser_does_so_no_more(parser: Parser) -> None:
    assert [told(each) for each in (play(parser, data) for data in known(parser)) if each.finding] == []


@every_parser
def test_a_parser_takes_or_refuses_whatever_it_is_given(parser: Parser) -> None:
    random, seeds = Random(1), list(parser.seeds())  # noqa: S311  # an order, no secret
    for _ in range(parser.cases):
        data = mutated(parser, random.choice(seeds), random, seeds)
        outcome = play(parser, data)
        assert outcome.finding is None, f"{told(outcome)}\ninput: {data[:2000]!r}"


def test_inputs_that_once_broke_a_parser_name_it() -> None:
    folders = {path.name for path in FOUND.iterdir()}
    assert folders <= {parser.name for parser in PARSERS}
    assert all(any((FOUND / name).iterdir()) for name in folders)


def test_names_of_parsers_are_those_of_their_groups_and_come_once() -> None:
    names = [parser.name for parser in PARSERS]
    assert len(set(names)) == len(names)
    assert [parser_of(name).name for name in names] == names
    with pytest.raises(LookupError, match="no parser 'nothing'"):
        parser_of("nothing")
    with pytest.raises(LookupError, match="no parser 'nothing'; there are queues"):
        parsers(("nothing",))


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in METHODS:
                yield name
            case ast.Call(func=(ast.Attribute() | ast.Name()) as function) if ast.unparse(function) in READS:
                yield ast.unparse(function)


def readers() -> dict[str, set[str]]:
    """Modules of ours that read a format."""
    paths = (path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py")))
    found = {path.relative_to(ROOT).as_posix(): set(called(ast.parse(path.read_text("utf-8")))) for path in paths}
    return {name: calls for name, calls in found.items() if calls}


def test_every_module_that_reads_a_format_is_fuzzed_or_excused_with_a_reason() -> None:
    fuzzed = {module for parser in PARSERS for module in parser.modules}
    found = readers()
    assert {name: calls for name, calls in found.items() if name not in fuzzed | EXCUSED.keys()} == {}
    assert fuzzed & EXCUSED.keys() == set()
    assert EXCUSED.keys() - found.keys() == set(), "these read nothing any more"
    assert [name for name in fuzzed if not (ROOT / name).is_file()] == []


def planted(data: bytes) -> None:
    import json  # noqa: PLC0415  # the parser under test is all here

    document = json.loads(data)
    if not isinstance(document, dict):
        raise ValueError("no object")  # noqa: TRY004  # as a documented refusal is
    _ = [each["size"] + 1 for each in document.get("entries", ()) if each["kind"] == "deep"]


def toy(**changes: object) -> Parser:
    given = {
        "name": "toy",
        "reads": "toys",
        "modules": (),
        "run": planted,
        "refusals": (ValueError,),
        "seeds": lambda: (b'{"entries": [{"kind": "flat", "size": 1}]}',),
        "syntax": "json",
        "tokens": ("kind", "deep", "size"),
    }
    return Parser(**(given | changes))  # type: ignore[arg-type]  # the fields of a parser


def findings(parser: Parser, cases: int) -> dict[str, Finding]:
    random, seeds = Random(1), list(parser.seeds())  # noqa: S311  # an order, no secret
    played = (play(parser, mutated(parser, random.choice(seeds), random, seeds)) for _ in range(cases))
    return {each.finding.id: each.finding for each in played if each.finding}


def test_a_bug_that_lies_behind_two_checks_is_found_and_told_once_for_each_way() -> None:
    found = findings(toy(), 3000)
    assert {each.kind for each in found.values()} >= {"TypeError", "KeyError"}
    assert all("test_parsers.py" in each.where for each in found.values())


def test_an_input_that_takes_too_long_or_too_much_memory_is_a_finding() -> None:
    slow = toy(run=lambda _: sum(range(3_000_000)), seconds=0.001)
    assert [told(play(slow, b"")).split(" ")[0]] == ["time"]
    hungry = toy(run=lambda _: len(bytes(64 << 20).replace(b"\0", b"\1")), megabytes=8)
    for _ in range(2):  # the second does not hide behind the peak of the first
        finding = play(hungry, b"").finding
        assert finding is not None
        assert finding.kind == "memory"


def test_the_same_seed_makes_the_same_cases() -> None:
    def cases() -> list[bytes]:
        random, seeds = Random(3), list(toy().seeds())  # noqa: S311  # an order, no secret
        return [mutated(toy(), seeds[0], random, seeds) for _ in range(200)]

    assert cases() == cases()
    assert len(set(cases())) > 150
    assert all(isinstance(case, bytes) and len(case) <= toy().longest for case in cases())


@pytest.mark.parametrize("syntax", ["json", "lines", "text", "bytes"])
@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 5000, b'{"a": "\\ud800"}', b"9" * 6000, b"\n\n"])
def test_whatever_it_begins_with_a_mutation_is_made(syntax: str, data: bytes) -> None:
    random = Random(2)  # noqa: S311  # an order, no secret
    made = {mutated(toy(syntax=syntax), data, random, [data]) for _ in range(50)}
    assert len(made) > 1


def test_findings_are_replayed_by_the_folder_they_lie_in(tmp_path: Path) -> None:
    from typer.testing import CliRunner  # noqa: PLC0415  # the same

    from fuzzing.__main__ import app  # noqa: PLC0415  # the command line, for this test only

    case = tmp_path / "queues.endpoint" / "case"
    case.parent.mkdir()
    case.write_bytes(b"{}")
    answer = CliRunner().invoke(app, ["replay", str(case)])
    assert answer.exit_code == 0
    assert answer.stdout.startswith("queues.endpoint: refused: ")
    elsewhere = tmp_path / "case"
    elsewhere.write_bytes(b"{}")
    assert CliRunner().invoke(app, ["replay", str(elsewhere)]).exit_code == 2
    listed = CliRunner().invoke(app, ["list"])
    assert len(listed.stdout.splitlines()) == len(PARSERS)

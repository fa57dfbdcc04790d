"""Fuzzes one parser in a process of its own, guided by the branches that an input reaches (Atheris, libFuzzer).

Python code of ours is instrumented for branches; where pydantic, Arrow or the JSON reader decide, which are native
code, how the parser answered takes their place. A finding is written down and the search goes on; what ends the
process (a crash of native code, a hang, memory) libFuzzer writes down itself.
"""

import mmap
import sys
import zlib
from pathlib import Path
from random import Random
from typing import Final

import atheris

CODE: Final = ["application", "lambdas", "ops", "pipelines", "sandbox", "stacks"]
_ANSWERS: Final = 4096
_OURS: Final = 0.7
"""Share of the mutations that are ours; the rest are libFuzzer's."""
_AGAIN: Final = 0.25
"""Share of the mutations that begin with a seed: what was refused once is rarely mended by chance."""

with atheris.instrument_imports(include=CODE):
    from fuzzing.inventory import parser_of

from fuzzing.counts import COUNTS  # noqa: E402  # after the import hook
from fuzzing.mutation import mutated  # noqa: E402  # the same
from fuzzing.parser import known, play  # noqa: E402  # the same


def main(name: str, corpus: Path, findings: Path, counts: Path, *options: str) -> None:
    """Fuzz until libFuzzer ends; it never returns."""
    with atheris.instrument_imports(include=CODE):
        parser = parser_of(name)
        seeds = [*parser.seeds(), *known(parser)]
        for number, seed in enumerate(seeds):
            play(parser, seed)  # what is imported late is imported now, and instrumented
            (corpus / f"seed-{number}").write_bytes(seed)
    # What instrumented code itself calls; the package has no other way to count what native code decided.
    answers = [atheris._reserve_counter() for _ in range(_ANSWERS)]
    with counts.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), COUNTS.size)
    done = [0, 0, 0, 0]
    seen: set[int] = set()

    def one(data: bytes) -> None:
        outcome = play(parser, data)
        answer = zlib.crc32(repr(outcome.answer).encode()) % _ANSWERS
        seen.add(answer)
        atheris._trace_branch(answers[answer])
        done[0] += 1
        done[1] += outcome.taken
        done[2] = len(seen)
        if outcome.finding is not None:
            path = findings / outcome.finding.id
            if not path.exists():
                path.write_bytes(data)
                path.with_name(f"{path.name}.txt").write_text(outcome.finding.text, "utf-8")
                done[3] += 1
        COUNTS.pack_into(shared, 0, *done)

    def change(data: bytes, longest: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < _AGAIN:
            data = random.choice(seeds)
        if random.random() < _OURS:
            return mutated(parser, data, random, seeds)[:longest]
        return bytes(atheris.Mutate(data, longest))

    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]), *sys.argv[5:])

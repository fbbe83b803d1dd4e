"""The words and variable names that the project does not use, and where a file uses them.

`python tests/support/words.py [PATH ...]` prints every word and name of the list with its place, and how often
each one occurs in 100,000 words.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

WORDS = {
    r"behind": "after",
    r"in front of": "before",
    r"nothing but|(?<!let )(?<!-)alone": "only",
    r"asked|asks|wanted": "requested, required",
    r"at the (?:most|least)|the least|the most (?:that|which|a|an|it)": "at most, maximum, minimum",
    r"(?:makes?|made|making) small": "minimize",
    r"(?<!gru )(?<!lstm )(?<!recurrent )cells?": "pixel, position, element, padding",
    r"(?:that|those) of|what (?:it|they) holds?": "the noun, repeated",
    r"says|tells?|told|said": "returns, reports, raises, contains, shows",
    r"stands?(?!-)|stood": "is, is written in",
    r"held (?:to|against)": "checked against, compared with",
    r"gives|(?<!\. )give|gave|given": "returns, passed, the name of the argument",
    r"faults? of yours|fault of the user|a fault of a": "an error in the spec, in the file",
    r"apart": "distinguished, separate; except",
    r"a person|persons?|whoever|somebody|someone": "the user, the reader",
    r"figures?(?! \d)": "value, result, metric (a figure is a picture)",
    r"pictures?": "image",
    r"by hand": "manually, hand-written",
    r"(?:its|their|his|our|'s|s') own": "separate; or leave it out",
    r"so far|ever|indeed": "nothing: leave it out",
    r"badly|(?:go|goes|went|gone|going) wrong": "fails; is slower; is less accurate",
}
"""What is not written, and what is written instead."""

NAMES = frozenset(
    [
        "asked",
        "at",
        "done",
        "each",
        "found",
        "given",
        "got",
        "held",
        "it",
        "its",
        "made",
        "one",
        "own",
        "said",
        "taken",
        "that",
        "them",
        "these",
        "this",
        "those",
        "told",
        "wanted",
        "which",
        "whose",
    ]
)
"""Participles and pronouns. A variable is a noun of what it contains."""

_PATTERN = re.compile(rf"(?<![\w./-])(?:{'|'.join(f'({words})' for words in WORDS)})(?![\w-])")
_REPLACEMENTS = tuple(WORDS.values())
_FORBIDDEN_NAME = re.compile(rf"\b(?:{'|'.join(sorted(NAMES))})\b")
_CODE = re.compile(r"``[^`]*``|`[^`\n]*`")
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s)#+:? (.*)$", re.MULTILINE)
_TEXT = re.compile(
    r"(?P<comment>#[^\n]*)|(?P<prefix>\b[rbfuRBFU]{1,2})?"
    r'(?:"""(?P<long>(?:[^\\"]|\\.|"(?!""))*)"""'
    r"|\"(?P<double>(?:[^\"\\\n]|\\.)*)\"|'(?P<single>(?:[^'\\\n]|\\.)*)')",
    re.DOTALL,
)
"""The comments and strings of Python source. Parsing every file takes ten times as long."""


@dataclass(frozen=True)
class Finding:
    """A word or a name of the list in a file."""

    path: Path
    line: int
    word: str
    replacement: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word}: write {self.replacement}"


def findings(path: Path) -> list[Finding]:
    """The words and names of the list in a file of the project, by line."""
    text = (ROOT / path).read_text("utf-8")
    found = [*_words(path, passages(path, text))]
    if path.suffix == ".py" and _FORBIDDEN_NAME.search(_TEXT.sub("", text)):
        found += _names(path, ast.parse(text))
    return sorted(found, key=lambda finding: finding.line)


def passages(path: Path, text: str) -> list[tuple[int, str]]:
    """The prose of a file without code, each passage with the number of its first line."""
    if path.suffix == ".md":
        # A fenced block keeps its lines, so that the lines of the findings are right.
        return [(1, _CODE.sub("x", _FENCED.sub(lambda block: "\n" * block[0].count("\n"), text)))]
    if path.suffix == ".py":
        return [*_python(text)]
    matches = _COMMENT.finditer(text)
    return [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in matches]


def _python(text: str) -> Iterator[tuple[int, str]]:
    """Strings and comments of at least three words. With only space between, they are one passage."""
    first, line, end, parts = 1, 1, 0, list[str]()
    for match in _TEXT.finditer(text):
        between = text[end : match.start()]
        line += between.count("\n")
        if between.strip():
            yield from _passage(first, parts)
            first, parts, between = line, [], ""
        parts += between, _prose(match)
        line += match[0].count("\n")
        end = match.end()
    yield from _passage(first, parts)


def _passage(first: int, parts: list[str]) -> Iterator[tuple[int, str]]:
    text = _CODE.sub("x", "".join(parts)).lstrip()
    if len(text.split(maxsplit=2)) > 2:
        yield first, text


def _prose(match: re.Match[str]) -> str:
    if match["comment"]:
        return match["comment"].lstrip("#: ")
    text = match["long"] or match["double"] or match["single"] or ""
    return re.sub(r"\{[^{}]*\}", "x", text) if "f" in (match["prefix"] or "").lower() else text


def _words(path: Path, found: Iterable[tuple[int, str]]) -> Iterator[Finding]:
    for first, text in found:
        # A phrase may begin on one line and end on the next, maybe of another indentation.
        text = re.sub(r" *\n *", "\n", text.lower())
        for match in _PATTERN.finditer(text.replace("\n", " ")):
            line = first + text.count("\n", 0, match.start())
            yield Finding(path, line, match[0], _REPLACEMENTS[(match.lastindex or 1) - 1])


def _names(path: Path, tree: ast.AST) -> Iterator[Finding]:
    for node in ast.walk(tree):
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.MatchAs(name=str(name))
            ) if name in NAMES:
                yield Finding(
                    path, node.lineno, f"the variable {name}", "a noun of what it contains"
                )
            case _:
                pass


def files() -> list[Path]:
    """The files of the project with prose: not data, and not what tests compare as a whole."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [Path(line) for line in listed.splitlines()]
    suffixes = (".md", ".py", ".toml", ".yaml", ".yml")
    return [
        path
        for path in paths
        if (path.suffix in suffixes or path.name == "Makefile")
        and not path.is_relative_to("tests/golden/out")
        and path not in (Path("tests/support/words.py"), Path("tests/test_language.py"))
        and (ROOT / path).exists()
    ]


def main(folders: list[str]) -> None:
    """Prints every finding in some files or folders, then how often each word occurs."""
    paths = [
        path
        for path in files()
        if not folders or any(path.is_relative_to(folder) for folder in folders)
    ]
    found = [finding for path in paths for finding in findings(path)]
    texts = [(path, (ROOT / path).read_text("utf-8")) for path in paths]
    words = sum(len(passage.split()) for text in texts for _, passage in passages(*text))
    for finding in found:
        print(finding)
    print(f"{len(paths)} files, {words:,} words of prose")
    for word, count in Counter(finding.word for finding in found).most_common():
        print(f"{count:5} {count / words * 100_000:7.1f}  {word}")
    print(f"{len(found):5} {len(found) / words * 100_000:7.1f}  in total")


if __name__ == "__main__":
    main(sys.argv[1:])

"""What the pages print is there: every command parses; every module, make target, file and link exists; every page and study is in its index."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer

from evaluation import cli
from evaluation.locations import project_file

ROOT = project_file("README.md").parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "data_dictionary").glob("*.md"))]
OF_THE_READERS_OWN = ("studies/mine",)  # what the README lets a reader make
OF_OTHERS = ("pip", "pytest", "venv")
PLACES = ("benchmarks", "data_dictionary", "docs", "evaluation", "notebooks", "reports", "studies", "tests")


def printed(page: Path) -> list[tuple[list[str], bool]]:
    """Commands of a page as words, and whether each stands by itself (whole) or within a sentence or table (perhaps only named)."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^(?: {4}| {7}|)(?:[A-Z_]+=\S+ )*((?:\.venv/bin/|\.venv\\Scripts\\|)(?:evaluation|python|make) [^`\n]+)$", text, re.M)
    named = [*re.findall(r"`((?:\.venv/bin/|)(?:evaluation|python|make) [^`\n]+)`", text), *beside_in_the_table(text)]
    return [(words(line), True) for line in blocks if not line.endswith((".", ":", ";"))] + [(words(line), False) for line in named]


def beside_in_the_table(text: str) -> list[str]:
    """`plan diff` in a row of the table of commands that begins with `evaluation plan lock PLAN`."""
    first_cells = re.findall(r"^\| (`evaluation [^|]*)\|", text, re.M)
    return [f"evaluation {name}" for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)[1:]]


def words(line: str) -> list[str]:
    """A command without its comment, the place of its program, marks of what may be left out and names to be filled in."""
    line = re.sub(r"\s+#.*$", "", line).replace("\\", "/")
    first, *rest = shlex.split(re.sub(r"\[([^\]]*)\]", r"\1", re.sub(r"<[^>]*>", "NAME", line)))
    return [Path(first).name, *rest]


def cases(program: str) -> list:
    found = [(page, asked, whole) for page in PAGES for asked, whole in printed(page) if asked[0] == program]
    return [pytest.param(asked[1:], whole, id=f"{page.parent.name}/{page.name}: {' '.join(asked)}") for page, asked, whole in found]


def command_of(asked: list[str]) -> tuple[object, list[str]]:
    """The command that words name, and what is left of them."""
    command = typer.main.get_command(cli.app)
    while asked and asked[0] in getattr(command, "commands", ()):
        command, asked = command.commands[asked[0]], asked[1:]
    return command, asked


def parse(asked: list[str], whole: bool) -> None:
    """Parse a command without running it; of one that is only named, that it and its options exist."""
    command, rest = command_of(asked)
    if hasattr(command, "commands"):
        assert not rest, f"there is no such command: evaluation {' '.join(asked)}"
    elif whole:
        command.make_context(command.name, list(rest))
    else:
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        assert {word for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize("asked, whole", cases("evaluation"))
def test_a_command_that_a_page_prints_parses(asked, whole):
    parse(asked, whole)


@pytest.mark.parametrize("wrong", [["bach", "PLAN"], ["run"], ["run", "PLAN", "--councils", "E06000022"], ["link", "record", "FILE"]])
def test_a_command_that_would_not_parse_is_found(wrong):
    with pytest.raises((AssertionError, Exception), match="no such command|[Mm]issing|[Nn]o such option"):
        parse(wrong, True)


def test_the_readme_names_every_command_of_the_program():
    def leaves(command, name):
        inner = getattr(command, "commands", None)
        return [name] if inner is None else [leaf for part, one in inner.items() for leaf in leaves(one, f"{name} {part}".strip())]

    named = [" ".join(asked[1:]) for asked, _ in printed(ROOT / "README.md") if asked[0] == "evaluation"]
    assert [leaf for leaf in leaves(typer.main.get_command(cli.app), "") if not any(f"{name} ".startswith(f"{leaf} ") for name in named)] == []


@pytest.mark.parametrize("asked, whole", cases("make"))
def test_a_make_target_that_a_page_prints_exists_with_its_variables(asked, whole):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [word for word in asked if "=" not in word]
    assert targets and all(re.search(rf"^{re.escape(name)}:", makefile, re.M) for name in targets)
    assert all(f"$({word.partition('=')[0]})" in makefile for word in asked if "=" in word)


def sources(asked: list[str]) -> list[Path]:
    """Files of the script or module that `python ...` runs."""
    if asked[0] != "-m":
        return [ROOT / asked[0]]
    place = ROOT / asked[1].replace(".", "/")
    return sorted(place.glob("*.py")) if (place / "__main__.py").is_file() else [place.with_suffix(".py")]


@pytest.mark.parametrize("asked, whole", cases("python"))
def test_a_script_or_module_that_a_page_prints_exists_with_its_options(asked, whole):
    if asked[0] == "-m" and asked[1] in OF_OTHERS:
        assert importlib.util.find_spec(asked[1])
        return
    files = sources(asked)
    assert files and all(path.is_file() for path in files)
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    assert [word for word in asked[1:] if word.startswith("--") and f'"{word}"' not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`([\w./-]+/[\w./-]*)`", text) if name.split("/")[0] in PLACES}
    named |= {word for asked, _ in printed(page) for word in asked if re.match(r"(studies|notebooks)/[\w./-]+$|requirements[\w-]*\.lock$", word)}
    assert [name for name in sorted(named) if not (ROOT / name).exists() and not name.startswith(OF_THE_READERS_OWN)] == []


def headings(page: Path) -> set[str]:
    """What links to parts of a page may say after #."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_link_of_a_page_leads_somewhere(page):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, part = link.partition("#")
        target = page.parent / path if path else page
        if not link.startswith("https://") and (not target.exists() or (part and part not in headings(target))):
            broken.append(link)
    assert broken == []


def test_the_index_names_every_page_and_the_readme_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[[^\]]+\]\(([^)]+)\) \| \S", index, re.M)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md")
    assert "](docs/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_plan_that_comes_with_the_project_has_its_command_on_the_page_of_studies():
    commands = [" ".join(asked) for asked, whole in printed(ROOT / "docs" / "studies.md") if whole]
    plans = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "studies").glob("*/*.yml"))]
    assert [plan for plan in plans if not any(command.startswith(f"evaluation run {plan}") for command in commands)] == []

"""Texts in Markdown: fields, paragraphs, blocks."""

import pytest

from sw_model.support.templates import TEXT_WIDTH, Templates
from tests import ROOT

FILE = """\
<!-- whole -->
# A heading of {name}

One
paragraph,   {number:.2f}.

{table}

{nothing}

    a   command {name}
    and another

<!-- part -->
in {{one}}
line of {name}
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "texts.md").write_text(FILE)
    return tmp_path / "texts.md"


def test_blocks(path):
    texts = Templates(path)
    fields = {"name": "{x}", "number": 1, "table": "| a\n\n| b", "nothing": ""}
    assert texts.text("whole", **fields) == (
        "# A heading of {x}\n\nOne paragraph, 1.00.\n\n| a\n\n| b\n\n"
        "    a   command {x}\n    and another"
    )
    assert texts.phrase("part", name="two  words") == "in {one} line of two  words"
    with pytest.raises(KeyError):
        texts.phrase("part")


def test_widths(path):
    path.write_text("<!-- long -->\n" + "words that go on\n" * 20)
    lines = Templates(path).text("long").splitlines()
    assert len(lines) == 3 and max(map(len, lines)) <= TEXT_WIDTH
    assert Templates(path, width=None).text("long").count("\n") == 0


# What the reports' texts stand in is installed with them.
def test_templates_are_package_data():
    listed = (ROOT / "pyproject.toml").read_text()
    found = sorted((ROOT / "sw_model").rglob("*.md"))
    kept = [path for path in found if "deployments" not in path.parts]
    assert len(kept) == 4
    for path in kept:
        folder = path.parent.relative_to(ROOT / "sw_model").parts
        assert f'"{"/".join([folder[0], *["*"] * (len(folder) - 1)])}/*.md"' in listed

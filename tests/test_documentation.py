"""What the READMEs point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / 'README.md',
    *sorted(ROOT.glob('configs/**/*.md')),
    *sorted(ROOT.glob('tools/*.md')),
]
LINK = re.compile(r'\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)')
NAMED = re.compile(r'(?<![\w/.-])((?:configs|tools)/[\w/]+\.(?:py|txt|sh|md))')
PLACEHOLDERS = ('configs/CONFIG.py',)


def read(page: Path) -> str:
    """A page, a variable in its commands with all values that the page gives it."""
    text = page.read_text(encoding='utf-8')
    return text + ''.join(text.replace('$DATA', data) for data in re.findall(r'DATA=(\w+)', text))


def anchors(page: Path) -> set[str]:
    """Those that GitHub makes of a page's headings."""
    text = re.sub(r'^```.*?^```', '', read(page), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r'^#+ (.*)$', text, flags=re.MULTILINE)
    plain = (re.sub(r'[^\w\- ]', '', heading.lower()) for heading in headings)
    return {heading.replace(' ', '-') for heading in plain}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(read(page)):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f'{target}#{anchor}'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_of_commands_exist(page):
    named = set(NAMED.findall(read(page))) - set(PLACEHOLDERS)
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []

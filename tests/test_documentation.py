"""What the documentation points at is there, and it stays short."""

import csv
import re
import shlex
from pathlib import Path

import pytest

from fbinpaint_mm.config_file import read_config

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ('.github', 'configs', 'fbinpaint_mm', 'tools')
PAGES = [ROOT / 'README.md', *(page for name in FOLDERS for page in (ROOT / name).rglob('*.md'))]
# Words of a page, as `wc -w` counts them.
LIMITS = {
    'README.md': 1600,
    'configs/README.md': 2000,
    'configs/ablations/README.md': 800,
    'configs/baselines/README.md': 800,
    'configs/comparisons/README.md': 1200,
    'configs/mix/README.md': 800,
    'fbinpaint_mm/apis/README.md': 700,
    'fbinpaint_mm/pretrained/faces/README.md': 400,
    'fbinpaint_mm/pretrained/streets/README.md': 400,
    'tools/README.md': 1600,
}
LIMIT_OF_ALL = 9000  # of all pages, those in .github too
LIMIT_OF_PICTURES = 1_000_000  # bytes
LINK = re.compile(r'\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)')
NAMED = re.compile(r'(?<![\w/.-])((?:configs|fbinpaint_mm|tests|tools)/[\w/]+\.(?:py|txt|sh|md))')
# A command of a page; in an inline one a backtick ends it.
COMMAND = re.compile(r'python tools/(\w+)\.py ([^\n`]*)')
COLUMNS = (
    *('mean', 'std', 'change_percent'),
    *('change_low', 'change_high', 'change_t_low', 'change_t_high'),
)


def relative(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


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


def words(page: Path) -> int:
    return len(page.read_text(encoding='utf-8').split())


@pytest.mark.parametrize('page', PAGES, ids=relative)
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(read(page)):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f'{target}#{anchor}'


@pytest.mark.parametrize('page', PAGES, ids=relative)
def test_named_files_exist(page):
    names = sorted(set(NAMED.findall(read(page))))
    assert [name for name in names if not (ROOT / name).is_file()] == []


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """Tool and arguments of every command, but those with a variable of the shell."""
    found = COMMAND.findall(read(page).replace('\\\n', ' '))
    split = [(tool, shlex.split(text, comments=True)) for tool, text in found]
    return [(tool, words) for tool, words in split if '$' not in ''.join(words)]


@pytest.mark.parametrize('page', PAGES, ids=relative)
def test_commands_are_understood_by_their_tools(page, load_tool, monkeypatch):
    monkeypatch.chdir(ROOT)  # where the files of arguments are
    for tool, arguments in commands(page):
        args = load_tool(tool).parse_args(arguments)
        config = getattr(args, 'config', 'CONFIG')
        if config != 'CONFIG':
            read_config(config, getattr(args, 'cfg_options', None))


def test_commands_are_found():
    found = [(tool, words) for page in PAGES for tool, words in commands(page)]
    assert ('train', ['configs/fbinpaint_demo.py']) in found
    assert {tool for tool, _ in found} >= {'train', 'test', 'inpaint', 'benchmark', 'run_onnx'}


def test_every_page_has_a_limit():
    assert {relative(page) for page in PAGES if '.github' not in page.parts} == LIMITS.keys()


@pytest.mark.parametrize('name', LIMITS)
def test_page_is_short(name):
    assert words(ROOT / name) <= LIMITS[name]


def test_all_pages_are_short():
    assert sum(map(words, PAGES)) <= LIMIT_OF_ALL


def test_pictures_are_small_and_used():
    pictures = list((ROOT / '.github' / 'images').iterdir())
    assert sum(picture.stat().st_size for picture in pictures) < LIMIT_OF_PICTURES
    text = ''.join(map(read, PAGES))
    assert [picture.name for picture in pictures if picture.name not in text] == []


@pytest.mark.parametrize('name', ['README.md', 'configs/comparisons/README.md'])
def test_scores_are_those_of_the_csv_files(name):
    known = measured()
    for row in re.findall(r'^\|.*\|$', read(ROOT / name), flags=re.MULTILINE):
        numbers = {float(number) for number in re.findall(r'(?<![\w.])[-+]?\d*\.\d+', row)}
        for entry in set(re.findall(r'\w+', row)) & known.keys():
            assert numbers <= known[entry], (entry, numbers - known[entry])


def measured() -> dict[str, set[float]]:
    """All numbers of each entry in the CSV files of the comparisons."""
    known: dict[str, set[float]] = {}
    for path in (ROOT / 'configs' / 'comparisons').glob('*.csv'):
        with path.open(encoding='utf-8', newline='') as file:
            for row in csv.DictReader(file):
                values = {float(row[column]) for column in COLUMNS if row.get(column)}
                known.setdefault(row['entry'], set()).update(values)
    return known

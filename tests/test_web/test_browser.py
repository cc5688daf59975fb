"""The page as a visitor sees it, in a real headless browser."""

from __future__ import annotations

import io
import shutil
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('gradio', reason='the page needs the extra [demo]')
sync_api = pytest.importorskip('playwright.sync_api', reason='playwright drives the browser')

from fbinpaint_mm.apis import FeedbackInpainter  # noqa: E402
from fbinpaint_mm.datasets.public_datasets import FACE_PARTS  # noqa: E402
from fbinpaint_mm.web.serve import copy_examples, start, write_examples  # noqa: E402
from fbinpaint_mm.web.stroke_editor import BRUSH_RADIUS  # noqa: E402

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')
FLAGS = (
    *('--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'),
    *('--disable-background-networking', '--disable-component-update', '--disable-sync'),
)
PATIENCE = 90  # seconds, for slow machines
DESKTOP, PHONE = dict(width=1280, height=900), dict(width=390, height=844)
SCALE = 8  # the page shows a picture of 48x64 pixels eight times as large
ROAD, HAIR = 1, list(FACE_PARTS).index('hair')
CLEARLY = 60  # gray levels that only a brush changes
VISIBLY = 3.0  # gray levels, the mean change of a hole's pixels


class Rectangle(NamedTuple):
    """Where a picture is on the screen, in pixels."""

    left: float
    top: float
    width: float
    height: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The point at these shares of width and height."""
        return self.left + x * self.width, self.top + y * self.height


@pytest.fixture(scope='module')
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f'no browser is installed; looked for {", ".join(BROWSERS)}')
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


def serve(inpainter, examples):
    """The page of a model, served by this process; yields its address."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        port = listener.getsockname()[1]
    blocks = start(inpainter, '127.0.0.1', port, examples)
    yield blocks.local_url
    blocks.close(verbose=False)


@pytest.fixture(scope='module')
def address(inpainter, tmp_path_factory):
    """The page of the small model."""
    yield from serve(inpainter, write_examples(tmp_path_factory.mktemp('examples'), (256, 256)))


@pytest.fixture
def address_of_faces(tmp_path):
    """The page of the trained model."""
    inpainter = FeedbackInpainter('faces', device='cpu')
    yield from serve(inpainter, copy_examples('faces', tmp_path))


def windows(browser, address):
    """Opens the page in windows, and makes sure that it asks no other server for anything."""
    elsewhere, contexts = [], []

    def note(request) -> None:
        if not request.url.startswith((address, 'data:', 'blob:')):
            elsewhere.append(request.url)

    def open_window(size: dict[str, int], **options):
        contexts.append(browser.new_context(viewport=size, device_scale_factor=0.5, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on('request', note)
        page.goto(address)
        page.locator('#run').wait_for()
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert elsewhere == []


@pytest.fixture
def visit(browser, address):
    """See `windows`, for the small model."""
    yield from windows(browser, address)


@pytest.fixture
def visit_faces(browser, address_of_faces):
    """See `windows`, for the trained model."""
    yield from windows(browser, address_of_faces)


@pytest.fixture
def green_picture(tmp_path) -> np.ndarray:
    """Of greens, which are easy to find on the screen; also written to ``green.png``."""
    picture = np.random.default_rng(0).integers(0, 40, (48, 64, 3), np.uint8)
    picture[..., 1] += 150
    Image.fromarray(picture).save(tmp_path / 'green.png')
    return picture


def wait_until(page, condition: Callable[[], object], what: str):
    """Waits for a condition that the browser itself cannot tell; returns its value."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f'not within {PATIENCE} s: {what}'
        page.wait_for_timeout(250)
    return value


def screenshot(page, selector: str) -> np.ndarray:
    data = page.locator(f'{selector} canvas').first.screenshot(scale='css', animations='disabled')
    return np.asarray(Image.open(io.BytesIO(data)).convert('RGB')).astype(int)


def whole_canvas(page, selector: str) -> Rectangle:
    """The canvas of an editor, scrolled into view; the picture is in its middle."""
    canvas = page.locator(f'{selector} canvas').first
    canvas.wait_for()
    canvas.evaluate('element => element.scrollIntoView({block: "center", behavior: "instant"})')
    box = canvas.bounding_box()
    return Rectangle(box['x'], box['y'], box['width'], box['height'])


def find_green(page, selector: str) -> Rectangle | None:
    """Where the green picture is on the screen, once it is there."""
    red, green, blue = np.moveaxis(screenshot(page, selector), -1, 0)
    rows, columns = np.nonzero((green > 140) & (green < 200) & (red < 60) & (blue < 60))
    if rows.size < 1000:
        return None
    box = page.locator(f'{selector} canvas').first.bounding_box()
    top, left = rows.min(), columns.min()
    size = columns.max() + 1 - left, rows.max() + 1 - top
    return Rectangle(box['x'] + left, box['y'] + top, *map(float, size))


def paint(page, selector: str, picture: Rectangle, start, end) -> None:
    """Draws a line with the mouse, and waits until it is to be seen.

    There and back: a page under load misses the first movements of a stroke.
    """
    before = screenshot(page, selector)

    def is_painted() -> bool:
        change = np.abs(screenshot(page, selector) - before).max(-1)
        return (change > CLEARLY).sum() > BRUSH_RADIUS**2

    page.mouse.move(*picture.at(*start))
    page.mouse.down()
    for point in (end, start):
        page.mouse.move(*picture.at(*point), steps=3)
    page.mouse.up()
    wait_until(page, is_painted, f'a stroke in {selector}')


def near_line(start, end, radius: float) -> np.ndarray:
    """(48, 64) bool, what a brush of a radius in pixels covers between two points in shares."""
    ends = [(round(x * 64 * SCALE), round(y * 48 * SCALE)) for x, y in (start, end)]
    drawn = np.zeros((48 * SCALE, 64 * SCALE), np.uint8)
    cv2.line(drawn, *ends, 1, 1)
    distance = cv2.distanceTransform(1 - drawn, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE] <= radius * SCALE


def run(page, button: str) -> None:
    """Presses a button, and waits for another result than before."""
    image = page.locator('#result img')
    before = image.get_attribute('src') if image.count() else None
    page.locator(button).click()
    page.wait_for_function(
        """before => {
            const image = document.querySelector('#result img');
            return image && image.src !== before && image.complete;
        }""",
        arg=before,
    )


def download(page, name: str, picture: str = 'green') -> np.ndarray:
    with page.expect_download() as started:
        page.locator(f'#save-{name}').click()
    assert started.value.suggested_filename == f'{picture}_{name}.png'
    return np.asarray(Image.open(started.value.path()))


def assert_fits(page) -> None:
    """Nothing sticks out of the window to the right, and every control can be reached."""
    width = page.viewport_size['width']
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    controls = page.locator('button:visible, input:visible, canvas:visible, img:visible')
    boxes = [box for box in (one.bounding_box() for one in controls.all()) if box]
    assert len(boxes) > 10
    for box in boxes:
        assert box['x'] >= 0
        assert box['x'] + box['width'] <= width + 1  # of rounding


def test_a_visitor_inpaints_a_picture_and_edits_the_map(visit, green_picture, tmp_path):
    page = visit(DESKTOP)
    page.locator('#upload input[type=file]').set_input_files(tmp_path / 'green.png')
    whole_canvas(page, '#hole-editor')
    wait_until(page, lambda: find_green(page, '#hole-editor'), 'the picture')

    page.locator('#run').click()
    page.get_by_text('No hole yet: paint over what should go').wait_for()

    whole_canvas(page, '#hole-editor')  # the page has scrolled to the result
    shown = find_green(page, '#hole-editor')
    line = (0.4, 0.5), (0.7, 0.6)
    paint(page, '#hole-editor', shown, *line)
    run(page, '#run')
    first, hole = download(page, 'inpainted'), download(page, 'hole') > 0

    radius = BRUSH_RADIUS / SCALE
    assert hole[near_line(*line, radius - 1)].all(), 'what was painted over is the hole'
    assert not hole[~near_line(*line, radius + 1)].any(), 'and nothing else'
    assert np.array_equal(first[~hole], green_picture[~hole])
    assert (first[hole] != green_picture[hole]).any(-1).mean() > 0.9
    assert page.locator('#gallery img').count() == 9

    page.locator('#brush-class label').nth(ROAD).click()
    paint(page, '#map-editor', whole_canvas(page, '#map-editor'), (0.45, 0.5), (0.6, 0.5))
    run(page, '#edit')
    second, edited = download(page, 'inpainted'), download(page, 'map')

    assert np.array_equal(download(page, 'hole') > 0, hole)
    assert (second[hole] != first[hole]).any()
    assert np.array_equal(second[~hole], green_picture[~hole])
    assert (edited[24, 29:39] == ROAD).all(), 'the map has what was painted on it'


def test_a_phone_has_all_of_it_without_scrolling_sideways(visit, tmp_path):
    page = visit(PHONE, has_touch=True, is_mobile=True)
    assert_fits(page)
    assert page.locator('#result img').count() == 0, 'results of other visitors are not shown'

    page.locator('#examples button').nth(1).click()
    canvas = whole_canvas(page, '#hole-editor')
    wait_until(page, lambda: screenshot(page, '#hole-editor').std() > 20, 'the example')
    paint(page, '#hole-editor', canvas, (0.4, 0.5), (0.6, 0.5))
    run(page, '#run')

    page.locator('#map-editor canvas').first.wait_for()
    assert_fits(page)


def test_after_a_file_that_is_no_picture_an_example_can_be_chosen(visit, tmp_path):
    page = visit(DESKTOP)
    (tmp_path / 'letter.png').write_text('Dear')
    page.locator('#upload input[type=file]').set_input_files(tmp_path / 'letter.png')

    page.get_by_text("'letter.png'").wait_for()
    assert page.locator('#hole-editor canvas').count() == 0

    page.locator('#examples button').first.click()
    page.locator('#hole-editor canvas').first.wait_for()
    page.locator('#upload', has_text='letter.png').wait_for(state='detached')


def test_a_map_that_a_visitor_changes_shows_in_the_picture_of_the_trained_model(visit_faces):
    page = visit_faces(DESKTOP)
    page.locator('#examples button').first.click()
    canvas = whole_canvas(page, '#hole-editor')
    wait_until(page, lambda: screenshot(page, '#hole-editor').std() > 20, 'the portrait')
    line = (0.42, 0.35), (0.58, 0.35)
    paint(page, '#hole-editor', canvas, *line)
    run(page, '#run')
    first, hole = download(page, 'inpainted', 'portrait'), download(page, 'hole', 'portrait') > 0

    page.locator('#brush-class label', has_text='hair').first.click()
    paint(page, '#map-editor', whole_canvas(page, '#map-editor'), *line)
    run(page, '#edit')
    second, hair = (
        download(page, 'inpainted', 'portrait'),
        download(page, 'map', 'portrait') == HAIR,
    )

    change = np.abs(second.astype(float) - first).mean(-1)
    assert hair[hole].mean() > 0.5
    assert change[hole & hair].mean() > VISIBLY
    assert (change[~hole] == 0).all()

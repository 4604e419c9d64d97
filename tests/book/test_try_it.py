"""Networks in a page equal Python's, ask for nothing, and say what they cannot read."""

from __future__ import annotations

import base64
import os
import re
import threading
import zlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import numpy as np
import pytest
import torch
from firefox import find_firefox, opened_firefox
from opened import violations
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect
from scipy.stats import spearmanr
from site_files import SITE

from lfs_core.book.pdf import find_chromium
from lfs_core.browser.export import run
from lfs_core.comparators import load_explainer
from lfs_core.datasets.faces import align_face
from lfs_core.datasets.images import to_tensor
from lfs_core.datasets.scenes import photographs
from lfs_core.decoder import load_decoder
from lfs_core.embedders import load_embedder
from lfs_core.explanation import PairExplanation
from lfs_core.viz.packing import reduce

PAGE = SITE / "book" / "try_it.html"
FACES, THINGS = "Faces, by FaceNet", "Scenes and things, by EfficientNet-Lite0"
NETWORKS = {FACES: "facenet-casia", THINGS: "efficientnet-lite0"}
PAIRS = {FACES: ("astronaut", "grace_hopper"), THINGS: ("motorcycle_left", "coffee")}
METHODS = {
    "amortised": {},
    "simexpert": {},
    "causal": {"scales": 1, "shifted": False},
    "occlusion": {},
    "explainlfs": {},
}
LONG = 180_000  # ms for a network to be loaded and set up, on a busy machine
# The right half of a canvas, where the map is drawn alone.
RIGHT = """canvas => {
  const half = canvas.width / 2;
  const { data } = canvas.getContext("2d").getImageData(half, 0, half, canvas.height);
  return [canvas.height, half, ...data.filter((_, k) => k % 4 === 0)];
}"""
# Keeps the embeddings that come from the worker, in their order.
LISTEN = """
window.embeddings = [];
const Plain = Worker;
window.Worker = class extends Plain {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data: { answer } }) => {
      if (answer && "h" in answer) window.embeddings.push([...answer.h.data]);
    });
  }
};
"""
# In Firefox: load a network, and answer with the decision about the first pair.
BEGIN = """
[...document.querySelectorAll("button")].find((b) => b.textContent.startsWith("Scenes")).click();
const look = () => {
  const decided = document.querySelector(".lfs-headline strong");
  const alert = document.querySelector(".lfs-try-it [role=alert]").textContent;
  if (decided || alert) resolve(decided?.closest("p").textContent ?? alert);
  else setTimeout(look, 100);
};
look();
"""


@pytest.fixture(scope="module", params=[FACES, THINGS])
def tried(browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    """The page with a network, and its title."""
    for page in loaded(browser, request.param):
        yield page, request.param


@pytest.fixture(scope="module")
def faces(browser: Browser) -> Iterator[Page]:
    yield from loaded(browser, FACES)


def loaded(browser: Browser, network: str) -> Iterator[Page]:
    """A page that loads a network when it is asked to, and only its own files."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.add_init_script(LISTEN)
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(PAGE.as_uri())
    assert not [url for url in asked if "/try_it/" in url]
    page.get_by_role("button", name=network).click()
    expect(page.locator(".lfs-headline strong")).to_be_visible(timeout=LONG)
    come = len(asked)
    yield page
    # Whatever the reader did, only files of the page's own were asked for.
    own = (PAGE.parents[1] / "try_it").as_uri()
    assert all(url.startswith(("data:", "blob:", own)) for url in asked[come:])
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    assert errors == []
    context.close()


def file(name: str, image: Image.Image, kind: str = "PNG", **options: object) -> FilePayload:
    content = BytesIO()
    image.save(content, kind, **options)
    return {"name": name, "mimeType": f"image/{kind.lower()}", "buffer": content.getvalue()}


def upload(page: Page, *files: FilePayload) -> None:
    page.locator(".lfs-drop input").set_input_files(list(files))


def shows(page: Page, side: int, name: str) -> None:
    """Wait for a photograph to be the first, 0, or the second, 1, of the pair."""
    caption = page.locator(".lfs-both figcaption").nth(side)
    expect(caption).to_contain_text(name, timeout=LONG)


def explain_by(page: Page, method: str) -> None:
    chooser = page.get_by_label("Method")
    title = chooser.locator(f"option[value={method}]").inner_text()
    chooser.select_option(method)
    canvas = page.locator(".lfs-both canvas").first
    expect(canvas).to_have_attribute("aria-label", re.compile(re.escape(title)), timeout=LONG)


def pair(network: str) -> torch.Tensor:
    """The images (2,3,H,W) of a network's pair, as Python reads them."""
    images = [Image.fromarray(photographs()[name]) for name in PAIRS[network]]
    if network == FACES:
        images = [align_face(image) for image in images]
    size = load_embedder(NETWORKS[network]).image_size
    return torch.stack([to_tensor(image, size) for image in images])


def loaded_network(network: str) -> bytes:
    """The file of a network as the page's scripts hold it."""
    parts = (PAGE.parents[1] / "try_it").glob(f"{NETWORKS[network]}-network.*.js")
    packed = b""
    for path in sorted(parts, key=lambda part: int(part.name.split(".")[1])):
        text = re.fullmatch(r'lfsAsset\("[^"]*", ?"(.*)"\)', path.read_text(encoding="utf-8"))[1]
        packed += base64.b64decode(text)
    return zlib.decompress(packed)


def in_python(network: str, method: str) -> PairExplanation:
    embedder = load_embedder(NETWORKS[network])
    options = {"decoder": load_decoder(NETWORKS[network])} if method == "explainlfs" else {}
    explain = load_explainer(method, embedder, **METHODS[method], **options)
    return explain(*pair(network))


def alike(page: Page, side: int, heat: torch.Tensor) -> float:
    """Rank correlation of the map that a page draws with one (H,W)."""
    drawn = page.locator(".lfs-both canvas").nth(side).evaluate(RIGHT)
    height, width, *values = [int(of) for of in drawn]
    small = reduce(heat[None], 40)[None]
    expected = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")
    return spearmanr(values, expected.flatten()).statistic


def test_it_equals_python(tried: tuple[Page, str]) -> None:
    page, network = tried
    files = [file(f"{name}.png", Image.fromarray(photographs()[name])) for name in PAIRS[network]]
    upload(page, *files)
    shows(page, 1, str(files[1]["name"]))
    expect(page.locator(".lfs-headline")).to_contain_text("calls them", timeout=LONG)
    page.wait_for_function("embeddings.length > 3", timeout=LONG)
    h = torch.tensor(page.evaluate("embeddings.slice(-2)"))
    (expected,) = run(loaded_network(network), pair(network), ["h"])
    assert (h - expected).norm(dim=1).max() <= 1e-4 * expected.norm(dim=1).min()
    page.get_by_label("Maps next to the photographs").check()
    page.get_by_label("Colours", exact=True).select_option("gray")
    page.get_by_label("Show what is above").fill("0")
    options = page.get_by_label("Method").locator("option")
    offered = options.evaluate_all("all => all.map((one) => one.value)")
    assert set(offered) >= {"simexpert", "causal", "occlusion", "centre"}
    for method in [name for name in METHODS if name in offered]:
        e = in_python(network, method)
        explain_by(page, method)
        said = page.locator(".lfs-headline").inner_text()
        cosine = float(said.split(":")[0].removeprefix("Cosine ").replace("\u2212", "-"))
        assert cosine == pytest.approx(e.similarity, abs=0.01 + 0.005)  # two decimals are shown
        assert abs(e.similarity - 0.3) < 0.01 or ("them similar" in said) == e.is_similar
        assert min(alike(page, side, e.maps[side]) for side in (0, 1)) > 0.98, method


def test_matches_are_told(faces: Page) -> None:
    explain_by(faces, "amortised")
    expect(faces.locator(".lfs-match-answer")).to_contain_text("of 64 places have a match")
    faces.get_by_label("Method").select_option("simexpert")
    expect(faces.locator(".lfs-matching")).to_contain_text("does not tell")


UNREADABLE = {
    "not an image": {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no image"},
    "HEIC": {"name": "a.heic", "mimeType": "image/heic", "buffer": b"\0\0\0\x18ftypheic" * 9},
    "a folder": {"name": "folder", "mimeType": "", "buffer": b""},
    "one pixel": file("one.png", Image.new("RGB", (1, 1))),
    "a line": file("line.png", Image.new("RGB", (3000, 9))),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_said(faces: Page, what: str) -> None:
    before = faces.locator(".lfs-headline").inner_text()
    upload(faces, UNREADABLE[what])
    alert = faces.locator(".lfs-pair-explorer > [role=alert]")
    expect(alert).to_contain_text(str(UNREADABLE[what]["name"]))
    if what == "HEIC":
        expect(alert).to_contain_text("save it as a JPEG")
    assert faces.locator(".lfs-headline").inner_text() == before


def test_unusual_photographs_are_read(faces: Page) -> None:
    """Of four colours, of ten thousand pixels, animated; the same one twice."""
    astronaut = Image.fromarray(photographs()["astronaut"])
    wide = astronaut.resize((10_000, 10_000)).crop((0, 0, 10_000, 6000))
    frames = [astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT).convert("P")]
    for name, of in {
        "four.jpg": file("four.jpg", astronaut.convert("CMYK"), "JPEG"),
        "wide.jpg": file("wide.jpg", wide, "JPEG", quality=60),
        "moving.gif": file(
            "moving.gif", astronaut.convert("P"), "GIF", save_all=True, append_images=frames
        ),
    }.items():
        upload(faces, of)
        shows(faces, 1, name)
        expect(faces.locator(".lfs-headline")).to_contain_text("calls them", timeout=LONG)
    same = file("same.png", astronaut)
    upload(faces, same, same)
    shows(faces, 0, "same.png")
    expect(faces.locator(".lfs-headline")).to_contain_text("Cosine 1.00", timeout=LONG)


def test_no_face_and_several_faces(faces: Page) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    upload(faces, file("noise.png", Image.fromarray(noise)))
    shows(faces, 1, "noise.png")
    expect(faces.locator(".lfs-doubts")).to_contain_text("noise.png")
    face = Image.fromarray(photographs()["astronaut"]).crop((140, 20, 300, 220))
    many = Image.new("RGB", (7 * 160, 200), "white")
    for k in range(7):
        many.paste(face, (160 * k, 0))
    upload(faces, file("seven.png", many))
    shows(faces, 1, "seven.png")
    boxes = faces.locator(".lfs-choice section").nth(1).locator(".lfs-boxes button")
    expect(boxes).to_have_count(7)
    boxes.nth(3).click()
    expect(boxes.nth(3)).to_have_attribute("aria-current", "true")


def test_a_square_is_cut_by_hand_with_keys_and_pointer(faces: Page) -> None:
    upload(faces, file("whole.png", Image.fromarray(photographs()["astronaut"])))
    shows(faces, 1, "whole.png")
    faces.get_by_role("button", name="Cut the second image").click()
    frame = faces.locator(".lfs-cut")
    expect(frame).to_be_focused()
    faces.get_by_label("Side of the square").fill("200")
    frame.focus()
    before = frame.bounding_box()
    for key in ("ArrowLeft", "ArrowUp"):
        faces.keyboard.press(key)
    after = frame.bounding_box()
    assert after["x"] < before["x"] and after["y"] < before["y"]
    faces.mouse.move(after["x"] + 20, after["y"] + 20)
    faces.mouse.down()
    faces.mouse.move(after["x"] - 400, after["y"] - 400)  # it stays within the photograph
    faces.mouse.up()
    frame.hover()
    faces.mouse.wheel(0, -300)  # smaller
    smaller = frame.bounding_box()
    assert smaller["width"] < after["width"]
    frame.evaluate(PINCH, [20, 60])  # the frame follows two fingers
    assert frame.bounding_box()["width"] == pytest.approx(3 * smaller["width"], rel=0.02)
    frame.evaluate(DRAG, [-400, -400])
    stage = faces.locator(".lfs-cut-stage").bounding_box()
    assert frame.bounding_box()["x"] == pytest.approx(stage["x"], abs=1)
    faces.get_by_role("button", name="Use this square").click()
    shows(faces, 1, "whole.png, cut by hand")


# Fingers, one after the other, as a touch screen reports them.
FINGERS = """
  const finger = (kind, pointerId, x, y) =>
    frame.dispatchEvent(new PointerEvent(kind, { pointerId, clientX: x, clientY: y }));
  frame.setPointerCapture = () => {};
"""
PINCH = f"""(frame, [before, after]) => {{{FINGERS}
  finger("pointerdown", 7, 0, 0);
  finger("pointerdown", 8, before, 0);
  finger("pointermove", 8, after, 0);
  finger("pointerup", 7, 0, 0);
  finger("pointerup", 8, after, 0);
}}"""
DRAG = f"""(frame, [x, y]) => {{{FINGERS}
  finger("pointerdown", 7, 0, 0);
  finger("pointermove", 7, x, y);
  finger("pointerup", 7, x, y);
}}"""
# A camera that shows a square that changes.
CAMERA = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = canvas.getContext("2d");
  setInterval(() => {
    context.fillStyle = `hsl(${Math.floor(performance.now() / 10) % 360} 80% 50%)`;
    context.fillRect(0, 0, 320, 240);
  }, 20);
  navigator.mediaDevices.getUserMedia = async () => (window.film = canvas.captureStream());
}"""
PASTE = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
  canvas.getContext("2d").fillRect(0, 0, 64, 64);
  const content = await new Promise((done) => canvas.toBlob(done));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([content], "pasted.png", { type: "image/png" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
}"""


def test_photographs_come_from_the_clipboard_and_the_camera(faces: Page) -> None:
    faces.get_by_label("Method").select_option("centre")
    faces.evaluate(PASTE)
    shows(faces, 1, "pasted.png")
    faces.evaluate(CAMERA)
    faces.get_by_role("button", name="Camera").click()
    faces.wait_for_function("document.querySelector('.lfs-camera video').videoWidth > 0")
    faces.get_by_role("button", name="Take the photograph").click()
    shows(faces, 1, "Camera 1")
    assert faces.evaluate("film.getTracks().every((track) => track.readyState === 'ended')")
    expect(faces.locator(".lfs-camera")).to_be_hidden()


def test_a_newer_wish_ends_what_takes_long(faces: Page) -> None:
    upload(faces, file("new.png", Image.fromarray(photographs()["grace_hopper"])))
    shows(faces, 1, "new.png")
    faces.get_by_label("Method").select_option("occlusion")
    waiting = faces.locator(".lfs-waiting")
    expect(waiting).to_contain_text(re.compile(r"windows away: \d+ of 128"), timeout=LONG)
    upload(faces, file("newer.png", Image.fromarray(photographs()["astronaut"])))
    faces.get_by_label("Method").select_option("centre")
    shows(faces, 1, "newer.png")
    expect(waiting).to_have_text("")
    expect(faces.locator(".lfs-pair-explorer > [role=alert]")).to_have_text("")


def test_another_network_takes_the_place_of_the_first(browser: Browser) -> None:
    for page in loaded(browser, THINGS):
        page.get_by_role("button", name=FACES).click()
        name = page.locator(".lfs-headline")
        expect(name).to_contain_text("FaceNet", timeout=LONG)
        expect(page.locator(".lfs-pair-explorer")).to_have_count(1)


def test_everybody_can_use_it(tried: tuple[Page, str]) -> None:
    page, _ = tried
    page.get_by_role("button", name="Cut the first image").click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-theme", scheme)
        assert violations(page) == []
    page.get_by_role("button", name="Leave it").click()
    assert page.evaluate("document.activeElement.textContent") == "Cut the first image"


@pytest.mark.slow
def test_a_graphics_processor_says_the_same(browser: Browser) -> None:
    """By WebGPU on a software processor; without a processor the choice is not offered."""
    said = {}
    flags = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    for gpu, more in (True, [*flags, "--enable-features=Vulkan"]), (False, []):
        opened = browser.browser_type.launch(
            executable_path=find_chromium(), args=["--no-sandbox", *more]
        )
        page = opened.new_page()
        page.goto(PAGE.as_uri())
        choice = page.get_by_label("Use the graphics processor")
        if gpu:
            choice.check(timeout=LONG)
        else:
            expect(choice).to_be_hidden()
        page.get_by_role("button", name=THINGS).click()
        page.locator(".lfs-headline strong").wait_for(timeout=3 * LONG)
        said[gpu] = page.locator(".lfs-headline").inner_text()
        opened.close()
    assert said[True] == said[False]


# A small device, whose worker cannot get memory for the runtime.
SMALL = """
Object.defineProperty(navigator, "deviceMemory", { value: 1 });
const make = URL.createObjectURL;
const fails = "WebAssembly.instantiate = async () => { throw new Error('out of memory'); };";
URL.createObjectURL = (blob) =>
  make(blob.type === "text/javascript" ? new Blob([fails, blob], { type: blob.type }) : blob);
"""


def test_too_little_memory_is_said(browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(SMALL)
    page.goto(PAGE.as_uri())
    page.get_by_role("button", name=THINGS).click()
    alert = page.locator(".lfs-try-it > [role=alert]")
    expect(alert).to_contain_text("This device has little memory", timeout=LONG)
    expect(page.get_by_role("button", name=THINGS)).to_be_enabled()
    context.close()


def test_a_host_may_have_it_below_a_path(browser: Browser) -> None:
    handler = partial(Quiet, directory=SITE.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        below = f"http://127.0.0.1:{host.server_port}/{SITE.name}/"
        context = browser.new_context()
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{below}book/try_it.html")
        page.get_by_role("button", name=THINGS).click()
        expect(page.locator(".lfs-headline strong")).to_be_visible(timeout=LONG)
        assert all(url.startswith((below, "data:", "blob:")) for url in asked)
        context.close()
        host.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


def test_it_runs_in_firefox() -> None:
    """Without one the test is skipped, except in continuous integration."""
    path = find_firefox()
    if not path:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("no Firefox found; install it to test the page in it")
    with opened_firefox(path) as firefox:
        firefox.do("WebDriver:Navigate", url=PAGE.as_uri())
        assert re.match(r"Cosine 0\.\d\d: EfficientNet-Lite0", firefox.evaluate(BEGIN))

"""The pages as people use them, in a real browser, on a phone and on a laptop."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from tests import corpora
from tests.pictures import png_claiming, turned
from tests.processes.browsing import LAPTOP, PHONE, Visitor, axe_core, chromium
from tests.processes.conftest import Serve
from tests.processes.servers import NAME, PASSWORD, Homequeue, checksum, eventually, noise, running

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

pytestmark = pytest.mark.slow

BATCH = 50
#: A mean difference of two renditions of one scene, of 255; an ignored orientation gives 37.
ALIKE = 5
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif")

Open = Callable[..., Visitor]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def visit(browser: Any) -> Iterator[Open]:
    """Opens visitors; at the end none of them may have heard a complaint."""
    visitors: list[Visitor] = []

    def opened(server: Homequeue, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, server, **options))
        return visitors[-1]

    yield opened
    complaints = [words for visitor in visitors for words in visitor.complaints]
    for visitor in visitors:
        visitor.tell()
        visitor.close()
    assert complaints == []


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Fifty distinct photos: of real phones and cameras where they are here, and made ones."""
    found: dict[str, Path] = {}
    for path in corpora.files("orientation") + corpora.files("phones"):
        if path.suffix.lower() in PICTURES:
            found.setdefault(checksum(path.read_bytes()), path)
    folder = tmp_path_factory.mktemp("made")
    photos = list(found.values())[:BATCH] or turned_photos(folder)
    return photos + noises(folder, BATCH - len(photos))


def turned_photos(folder: Path) -> list[Path]:
    """One scene under all orientations, in files named as those of the corpus."""
    paths = [folder / f"Landscape_{number}.jpg" for number in range(1, 9)]
    for number, path in enumerate(paths, 1):
        path.write_bytes(turned(number))
    return paths


def noises(folder: Path, count: int, start: int = 500) -> list[Path]:
    paths = [folder / f"noise {number}.jpg" for number in range(start, start + count)]
    for number, path in enumerate(paths, start):
        path.write_bytes(noise(number))
    return paths


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures, of 255."""
    size = 64, 64
    both = [picture.convert("RGB").resize(size) for picture in (one, other)]
    return sum(ImageStat.Stat(ImageChops.difference(*both)).mean) / 3


def thumbnail(server: Homequeue, asset: dict[str, Any]) -> Image.Image:
    answer = server.request("GET", asset["renditions"]["thumbnail"])
    assert answer.status == 200
    return Image.open(io.BytesIO(answer.body))


def check_upright(server: Homequeue, assets: list[dict[str, Any]]) -> None:
    shown = {asset["filename"]: thumbnail(server, asset) for asset in assets}
    turned_ones = [name for name in shown if re.fullmatch(r"(Landscape|Portrait)_\d\.jpg", name)]
    assert len(turned_ones) >= 8
    for name in turned_ones:
        right = shown[f"{name.partition('_')[0]}_1.jpg"]
        assert shown[name].size == right.size, name
        assert difference(shown[name], right) <= ALIKE, name


def set_up(visitor: Visitor) -> None:
    page = visitor.visit("/")
    page.wait_for_url("**/set-up")
    page.get_by_label("Set-up code").fill(visitor.server.set_up_code)
    page.get_by_label("Your name").fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Open the door").click()
    page.wait_for_url("**/upload")
    visitor.borrow_session()


def wait_for_rows(visitor: Visitor, good: int) -> None:
    """Wait until so many rows of the upload page have ended well, each with its thumbnail."""
    expect(visitor.page.locator("#rows .row.good img")).to_have_count(good, timeout=60_000)

    def shown() -> bool:
        # One that is here already may not be made yet: the page asks for it again.
        widths = visitor.pictures("#rows .row.good img")
        return len(widths) == good and min(widths) > 0

    eventually(shown, "each of them has its thumbnail")


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_a_family_moves_in(
    size: dict[str, int], serve: Serve, visit: Open, batch: list[Path]
) -> None:
    server = serve(account=False)
    visitor = visit(server, viewport=size, has_touch=size is PHONE)
    page = visitor.page
    set_up(visitor)

    visitor.choose(batch[:30])
    visitor.drop(batch[30:])
    wait_for_rows(visitor, BATCH)
    expect(page.locator("#rows .row")).to_have_count(BATCH)
    expect(page.locator("#overall")).to_contain_text(f"{BATCH} of {BATCH} sent")
    expect(page.locator("#overall")).to_contain_text(f"{BATCH} ready")
    assert not visitor.is_too_wide()

    sent = sorted(checksum(path.read_bytes()) for path in batch)
    found = server.settled(BATCH)
    assert {asset["state"] for asset in found} == {"ready"}
    assert sorted(asset["checksum"] for asset in found) == sent
    assert sorted(server.originals().values()) == sent
    check_upright(server, found)

    visitor.visit("/")
    assert len(visitor.pictures("#timeline .tile img")) == BATCH
    assert min(visitor.pictures("#timeline .tile img")) > 0
    shown = page.locator("#timeline .tile").evaluate_all("all => all.map((one) => one.id)")
    assert shown == [f"a-{asset['id']}" for asset in found]
    assert not visitor.is_too_wide()


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """A server with an account, six photos and one that cannot be shown."""
    with running(tmp_path_factory.mktemp("furnished")) as server:
        for number in range(6):
            assert server.upload(noise(number), f"holiday {number}.jpg").status == 201
        assert server.upload(png_claiming(400, 300), "broken <b>.png").status == 201
        server.settled(7)
        yield server


def viewed(visitor: Visitor) -> int:
    """The id of the photo in the viewer."""
    return int(visitor.page.locator("#viewer").get_attribute("data-id") or 0)


def wait_for_photo(visitor: Visitor, asset: int) -> None:
    expect(visitor.page.locator(f"#viewer[data-id='{asset}']")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_the_viewer_goes_by_keys(size: dict[str, int], furnished: Homequeue, visit: Open) -> None:
    visitor = visit(furnished, viewport=size)
    visitor.sign_in()
    page = visitor.page
    order = [asset["id"] for asset in furnished.assets()]
    page.locator("#timeline .tile a").first.click()
    page.wait_for_url(f"**/assets/{order[0]}")
    for asset in order[1:]:
        page.keyboard.press("ArrowRight")
        wait_for_photo(visitor, asset)
        assert page.url.endswith(f"/assets/{asset}")
    page.keyboard.press("ArrowRight")
    assert viewed(visitor) == order[-1]
    assert visitor.pictures("#photo")[0] > 0
    page.keyboard.press("ArrowLeft")
    wait_for_photo(visitor, order[-2])
    assert not visitor.is_too_wide()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r":\d+/$"))
    expect(page.locator("#timeline .tile")).to_have_count(7)


def focused_photo(visitor: Visitor) -> int:
    """The id of the photo on whose tile the keyboard is; 0 if it is elsewhere."""
    tile = visitor.page.locator(".tile a:focus")
    return int((tile.get_attribute("id") or "").removeprefix("photo-")) if tile.count() else 0


def test_the_keyboard_goes_in_and_comes_back_to_where_it_was(
    furnished: Homequeue, visit: Open
) -> None:
    visitor = visit(furnished, viewport=LAPTOP)
    visitor.sign_in()
    page = visitor.page
    order = [asset["id"] for asset in furnished.assets()]
    page.locator(f"#a-{order[2]} a").focus()
    page.keyboard.press("Enter")
    wait_for_photo(visitor, order[2])
    expect(page.locator("#viewer")).to_be_focused()
    page.keyboard.press("ArrowRight")
    wait_for_photo(visitor, order[3])
    expect(page.locator("#viewer")).to_be_focused()
    page.locator("#go-older").focus()
    page.keyboard.press("Enter")
    wait_for_photo(visitor, order[4])
    expect(page.locator("#go-older")).to_be_focused()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r":\d+/$"))
    eventually(lambda: focused_photo(visitor) == order[4], "the keyboard is at the last photo")
    # Somebody who came by an address goes to the timeline, to the photo they saw.
    visitor.visit(f"/assets/{order[1]}")
    page.keyboard.press("Escape")
    page.wait_for_url(f"**/#photo-{order[1]}")
    eventually(lambda: focused_photo(visitor) == order[1], "the keyboard is at that photo")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_photo_thrown_away_can_be_taken_back_at_once(
    scripts: bool, furnished: Homequeue, visit: Open
) -> None:
    visitor = visit(furnished, viewport=PHONE, java_script_enabled=scripts)
    visitor.sign_in()
    page = visitor.page
    asset = furnished.assets()[1]["id"]
    page.locator(f"#a-{asset} a").click()
    page.get_by_role("button", name="Move to trash").click()
    notice = page.get_by_role("status").filter(has_text="Moved to the trash.")
    expect(notice).to_be_visible()
    assert asset not in [one["id"] for one in furnished.assets()]
    assert viewed(visitor) != asset
    if scripts:
        assert "said" not in page.url
        expect(page.locator("#viewer")).to_be_focused()
    notice.get_by_role("button", name="Undo").click()
    wait_for_photo(visitor, asset)
    expect(page.get_by_role("status").filter(has_text="Taken out of the trash.")).to_be_visible()
    assert asset in [one["id"] for one in furnished.assets()]
    if scripts:
        page.keyboard.press("Escape")
        page.wait_for_url(re.compile(rf":\d+/(#photo-{asset})?$"))
        expect(page.locator(f"#a-{asset}")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_heart_and_a_caption(scripts: bool, furnished: Homequeue, visit: Open) -> None:
    visitor = visit(furnished, viewport=LAPTOP, java_script_enabled=scripts)
    visitor.sign_in()
    page = visitor.page
    asset = furnished.assets()[0]["id"]
    page.locator(f"#a-{asset} a").click()
    heart = page.get_by_role("button", name="Favorite")
    expect(heart).to_have_attribute("aria-pressed", "false")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    page.get_by_text("Add a caption").click()
    page.get_by_label("Caption").fill("Grandma <3 at the lake")
    if scripts:
        # Keys in a caption write, and do not leaf on; Escape closes it and stays.
        for key in ("ArrowLeft", "ArrowRight", "Escape"):
            page.keyboard.press(key)
        expect(page.locator("#caption-s")).to_be_focused()
        assert viewed(visitor) == asset
        page.get_by_text("Change the caption").click()
    page.get_by_role("button", name="Save").click()
    if not scripts:
        expect(page.get_by_role("status").filter(has_text="The caption is saved.")).to_be_visible()
    expect(page.locator(".caption-words")).to_have_text("Grandma <3 at the lake")
    visitor.visit("/?q=grandma")
    expect(page.locator(".tile")).to_have_count(1)
    page.get_by_role("link", name="Favorites").click()
    page.wait_for_url("**/?q=grandma&favorite=1")
    expect(page.locator(f"#a-{asset}")).to_be_visible()
    page.get_by_role("searchbox").fill("dragon")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing found for “dragon”")).to_be_visible()
    page.get_by_role("link", name="Back to all photos").click()
    expect(page.locator(".tile")).to_have_count(7)
    visitor.visit(f"/assets/{asset}")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")
    page.get_by_text("Change the caption").click()
    if scripts:
        # The script puts the cursor at the end; what is selected before that is not any more.
        expect(page.get_by_label("Caption")).to_be_focused()
    page.get_by_label("Caption").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Add a caption")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_whole_trash_is_emptied_on_request(
    scripts: bool, furnished: Homequeue, visit: Open
) -> None:
    for number in (994, 995):
        asset = furnished.upload(noise(number + 2 * scripts), "old.jpg").json["assets"][0]["id"]
        furnished.settled(8)
        assert furnished.request("DELETE", f"/api/assets/{asset}").status == 204
    visitor = visit(furnished, viewport=LAPTOP, java_script_enabled=scripts)
    visitor.sign_in("/trash")
    page = visitor.page
    button = page.get_by_role("button", name="Delete both photos for good")
    expect(button).to_be_hidden()
    page.get_by_text("Empty the trash").click()
    button.click()
    expect(page.get_by_text("The trash is empty now.")).to_be_visible()
    expect(page.get_by_text("Nothing in the trash")).to_be_visible()
    assert len(furnished.assets()) == 7


def test_a_new_password_keeps_oneself_in(serve: Serve, visit: Open) -> None:
    server = serve()
    here, there = visit(server, viewport=PHONE), visit(server, viewport=LAPTOP)
    for visitor in (here, there):
        visitor.sign_in()
    page = here.page
    page.locator("#account summary").click()
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Old password").fill(PASSWORD)
    page.get_by_label("New password").fill("a better horse")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    there.visit("/trash").wait_for_url("**/sign-in?next=/trash")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_trash_gives_back(scripts: bool, furnished: Homequeue, visit: Open) -> None:
    visitor = visit(furnished, viewport=PHONE, java_script_enabled=scripts)
    visitor.sign_in()
    page = visitor.page
    asset = furnished.assets()[2]
    visitor.visit(f"/assets/{asset['id']}")
    page.get_by_role("button", name="Move to trash").click()
    page.wait_for_url(re.compile(rf"/assets/(?!{asset['id']}$)"))
    assert len(furnished.assets()) == 6
    visitor.visit("/")
    expect(page.locator(f"#a-{asset['id']}")).to_have_count(0)
    visitor.visit("/trash")
    expect(page.locator(".bin-card")).to_have_count(1)
    expect(page.locator(".bin-when")).to_have_text("goes for good in 30 days")
    page.get_by_role("button", name=f"Restore {asset['filename']}").click()
    expect(page.get_by_text("Nothing in the trash")).to_be_visible()
    visitor.visit("/")
    expect(page.locator(f"#a-{asset['id']}")).to_have_count(1)
    assert len(furnished.assets()) == 7


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_what_lies_in_the_trash_can_be_deleted_for_good(
    scripts: bool, furnished: Homequeue, visit: Open
) -> None:
    data = noise(90 + scripts)
    asset = furnished.upload(data, "regret.jpg").json["assets"][0]["id"]
    furnished.settled(8)
    assert furnished.request("DELETE", f"/api/assets/{asset}").status == 204
    visitor = visit(furnished, viewport=LAPTOP, java_script_enabled=scripts)
    visitor.sign_in("/trash")
    card = visitor.page.locator(f"#a-{asset}")
    button = card.get_by_role("button", name="Delete for good: regret.jpg")
    expect(button).to_be_hidden()
    card.locator("details.confirm summary").click()
    button.click()
    expect(visitor.page.get_by_text("Nothing in the trash")).to_be_visible()
    assert furnished.request("GET", f"/api/assets/{asset}").status == 404
    assert checksum(data) not in furnished.originals().values()


def test_a_photo_that_failed_says_why_and_can_be_tried_again(
    furnished: Homequeue, visit: Open
) -> None:
    visitor = visit(furnished, viewport=PHONE)
    visitor.sign_in()
    page = visitor.page
    (asset,) = [one for one in furnished.assets() if one["state"] == "failed"]
    tile = page.locator(f"#a-{asset['id']}")
    expect(tile).to_contain_text(asset["error"])
    expect(tile).to_contain_text("broken <b>.png")
    tile.locator("a").click()
    expect(page.locator("#viewer")).to_contain_text(asset["error"])
    expect(page.locator("#viewer")).to_contain_text("The original is safe")
    with page.expect_response("**/retry"):
        page.get_by_role("button", name="Try again").click()
    eventually(furnished.is_idle, "it was tried")
    # It comes to nothing once more, and the page finds that out by itself.
    expect(page.locator("#viewer[data-state='failed']")).to_be_visible()
    (job,) = furnished.get(f"/api/jobs?asset={asset['id']}")["jobs"]
    assert (job["state"], job["attempts"]) == ("failed", 1)

    visitor.visit("/activity")
    row = page.locator(f"#failed #job-{job['id']}")
    expect(row).to_contain_text(asset["error"])
    row.get_by_role("button", name="Try again").click()
    expect(page.locator(f"#failed #job-{job['id']}")).to_contain_text(asset["error"])


def test_signing_out_shuts_the_door(furnished: Homequeue, visit: Open) -> None:
    visitor = visit(furnished, viewport=PHONE)
    visitor.sign_in()
    page = visitor.page
    page.locator("#account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    visitor.visit("/trash")
    page.wait_for_url("**/sign-in?next=/trash")
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password", exact=True).fill("not it at all")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    # The browser tells of the 401 itself.
    assert [words for words in visitor.complaints if "401" not in words] == []
    visitor.complaints.clear()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/trash")


def test_everything_goes_without_scripts(serve: Serve, visit: Open, tmp_path: Path) -> None:
    server = serve(account=False)
    visitor = visit(server, viewport=PHONE, java_script_enabled=False)
    set_up(visitor)
    page = visitor.page
    (tmp_path / "broken.png").write_bytes(png_claiming(400, 300))
    (tmp_path / "words.txt").write_text("not a photo")
    files = [*noises(tmp_path, 3), tmp_path / "broken.png", tmp_path / "words.txt"]
    page.locator("#files").set_input_files(files)
    page.get_by_role("button", name="Upload the chosen photos").click()
    expect(page.get_by_text("4 of 5 photos sent")).to_be_visible()
    expect(page.locator(".row.bad")).to_have_count(1)
    expect(page.locator(".row.bad")).to_contain_text("words.txt")
    expect(page.locator(".row.bad")).to_contain_text("This is not a photo homequeue can show")
    server.settled(4)
    page.get_by_role("link", name="See all photos").click()
    expect(page.locator("#timeline .tile img")).to_have_count(3)
    page.locator("#timeline .tile[data-state='failed'] a").click()
    expect(page.locator("#viewer")).to_contain_text("nothing in it can be shown")
    page.get_by_role("button", name="Try again").click()
    eventually(server.is_idle, "it was tried")
    visitor.visit("/activity")
    expect(page.locator("#failed")).to_contain_text("nothing in it can be shown")
    page.locator("#account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    visitor.sign_in()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_core(tmp_path_factory.mktemp("axe"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_axe_finds_nothing(
    size: dict[str, int], scheme: str, furnished: Homequeue, visit: Open, axe: str
) -> None:
    visitor = visit(furnished, viewport=size, color_scheme=scheme, reduced_motion="reduce")
    visitor.context.add_init_script(axe)
    found: dict[str, list[str]] = {}

    def look(path: str) -> None:
        visitor.visit(path)
        if violations := visitor.axe():
            found[path] = violations
        assert not visitor.is_too_wide(), path

    look("/sign-in")
    visitor.sign_in()
    assets = furnished.assets()
    failed = next(asset["id"] for asset in assets if asset["state"] == "failed")
    ready = next(asset["id"] for asset in assets if asset["state"] == "ready")
    furnished.request("DELETE", f"/api/assets/{ready}")
    try:
        for path in (
            "/",
            f"/assets/{ready}",
            f"/assets/{failed}",
            "/upload",
            "/trash",
            "/trash?said=restored-1",
            "/activity",
            "/password",
            "/shares",
            "/waiting",
            "/devices",
            "/?q=holiday&favorite=1",
        ):
            look(path)
    finally:
        furnished.request("POST", f"/api/assets/{ready}/restore")
    visitor.complaints.clear()
    look("/assets/999")
    assert all("404" in words for words in visitor.complaints)
    visitor.complaints.clear()
    assert found == {}

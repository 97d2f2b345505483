"""The report in a real browser: it sorts, filters, opens and fits; nothing in a name runs; 5,000 flights load at once."""

from collections.abc import Iterator
from pathlib import Path

import axe_core_python
import pytest

from flows import reporting
from flows.world import World
from notifiers.report import page
from tests.browser.chrome import Chrome, chromium
from tests.reports import facts_of, sample_facts
from tests.unit.notifiers.test_report import hostile

PROGRAM = chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on the PATH (Debian: apt-get install chromium)")
SHOWN = "[...document.querySelectorAll('#flights tbody tr:not(.detail)')].filter((row) => !row.hidden)"
LOADS_WITHIN_S = 2.0
AXE = Path(axe_core_python.__file__).with_name("axe.min.js")  # a checker of accessibility, as it comes from its makers
CONTRAST = """(() => {
  const light = (colour) => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (node) => { for (; node; node = node.parentElement) { const c = getComputedStyle(node).backgroundColor; if (!/, 0\\)$/.test(c)) return c; } return "rgb(255, 255, 255)"; };
  return [...document.querySelectorAll("body *")].filter((node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim()) && node.getClientRects().length)
    .map((node) => { const a = light(getComputedStyle(node).color), b = light(behind(node)); return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.outerHTML.slice(0, 80)]; })
    .filter(([ratio, html]) => ratio < 4.5 && !html.startsWith("<text"));
})()"""
UNNAMED = """[...document.querySelectorAll("button, input, select, svg")].filter((node) => node.getClientRects().length
  && !(node.textContent.trim() && node.tagName === "BUTTON") && !node.getAttribute("aria-label") && !(node.labels && node.labels.length)).map((node) => node.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def tab() -> Iterator[Chrome]:
    assert PROGRAM is not None
    with Chrome(PROGRAM) as tab:
        yield tab


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(reporting.build(sample_facts())), encoding="utf-8")
    return path


def choose(tab: Chrome, name: str, value: str, event: str = "change") -> None:
    tab.run(f"(() => {{ const it = document.getElementById('{name}'); it.value = {value!r}; it.dispatchEvent(new Event('{event}')); }})()")


def test_it_filters_by_severity_client_platform_and_words(tab: Chrome, sample: Path) -> None:
    """Each filter leaves what fits, together they leave what fits all, and how many is said to who cannot see it."""
    tab.open(sample)
    flights = sample_facts().decisions
    choose(tab, "lane", "critical")
    assert tab.run(f"{SHOWN}.length") == int(flights["lane"].eq("critical").sum())
    choose(tab, "client", "Halden Outdoor")
    wanted = int((flights["lane"].eq("critical") & flights["client"].eq("Halden Outdoor")).sum())
    assert tab.run(f"{SHOWN}.length") == wanted
    assert tab.run("document.querySelector('[role=status]').textContent") == f"{wanted} of {len(flights)} flights"
    choose(tab, "platform", "Meta")
    assert set(tab.run(f"{SHOWN}.map((row) => row.dataset.p)")) == {"Meta"}
    tab.run("document.getElementById('clear').click()")
    choose(tab, "find", "search_boots", "input")
    assert all("search_boots" in name.lower() for name in tab.run(f"{SHOWN}.map((row) => row.cells[0].innerText)"))
    assert tab.complaints == []


def test_it_sorts_by_every_column_and_says_how(tab: Chrome, sample: Path) -> None:
    """A header sorts by its column, once more the other way round; what is not known goes last; opened details stay with their flight."""
    tab.open(sample)
    tab.run("document.querySelector('button.open').click()")
    opened = tab.run("document.querySelector('tr.detail').previousElementSibling.id")
    for key in (2, 3, 4, 5, 6):
        for _ in range(2):
            tab.run(f"document.querySelector('[data-s=\"{key}\"]').click()")
            direction = tab.run(f"document.querySelector('[data-s=\"{key}\"]').parentElement.getAttribute('aria-sort')")
            values = tab.run(f"{SHOWN}.map((row) => row.dataset.k.split(' ')[{key}])")
            known = [float(value) for value in values if value != "-"]
            assert known == sorted(known, reverse=direction == "descending")
            assert values[len(known):] == ["-"] * (len(values) - len(known))
            assert tab.run("document.querySelector('tr.detail').previousElementSibling.id") == opened
    tab.run("document.querySelector('[data-s=\"7\"]').click()")
    names = tab.run(f"{SHOWN}.map((row) => row.querySelector('button').textContent.toLowerCase())")
    assert names == tab.run(f"{names!r}.sort((a, b) => a.localeCompare(b))")
    choose(tab, "sort", "1 1")
    assert tab.run(f"{SHOWN}.map((row) => Number(row.dataset.k.split(' ')[1]))") == list(range(len(sample_facts().decisions)))


def test_the_keyboard_opens_a_flight(tab: Chrome, sample: Path) -> None:
    """Enter on a flight opens its reasons and chart, and the button says so; Enter again closes them."""
    tab.open(sample)
    tab.run("document.querySelector('button.open').focus()")
    tab.press("Enter", 13)
    assert tab.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    assert tab.run("document.querySelector('tr.detail svg').getBoundingClientRect().height") > 50
    assert "Reasons" in tab.run("document.querySelector('tr.detail').innerText")
    tab.press("Enter", 13)
    assert tab.run("document.querySelectorAll('tr.detail').length") == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_and_can_be_read(tab: Chrome, sample: Path, width: int, dark: bool) -> None:
    """At desktop and phone width, light and dark: nothing is cut off at the side, every text has a contrast of 4.5, every control a name."""
    tab.open(sample, width=width, dark=dark)
    tab.run("[...document.querySelectorAll('button.open')].slice(0, 30).forEach((button) => button.click())")
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run(CONTRAST) == []
    assert tab.run(UNNAMED) == []
    assert tab.run("getComputedStyle(document.body).backgroundColor") == ("rgb(22, 24, 28)" if dark else "rgb(255, 255, 255)")
    assert tab.complaints == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_checker_finds_nothing_serious(tab: Chrome, sample: Path, width: int, dark: bool) -> None:
    """axe finds no serious or critical fault in the page with its worst flights opened, at desktop and phone width, light and dark."""
    tab.open(sample, width=width, dark=dark)
    tab.run("[...document.querySelectorAll('button.open')].slice(0, 10).forEach((button) => button.click())")
    tab.run(AXE.read_text(encoding="utf-8"))
    found = tab.run("axe.run({resultTypes: ['violations']}).then((found) => found.violations.map((one) => [one.impact, one.id, one.nodes[0].html]))")
    assert [one for one in found if one[0] in ("serious", "critical")] == []


def test_nothing_in_a_name_runs_or_loads(tab: Chrome, tmp_path: Path) -> None:
    """With names that are markup the page makes no element of them, asks for nothing and complains of nothing, also once all are opened."""
    path = tmp_path / "hostile.html"
    path.write_text(page(hostile(reporting.build(sample_facts()))), encoding="utf-8")
    tab.open(path)
    tab.run("window.alert = () => { window.ran = true; }; document.querySelectorAll('button.open').forEach((button) => button.click())")
    assert tab.run("[document.images.length, document.scripts.length, Boolean(window.ran)]") == [0, 2, False]
    assert "<script>alert(1)</script>" in tab.run("document.querySelector('#flights').innerText")
    assert tab.complaints == []


def test_5000_flights_load_at_once(tab: Chrome, tmp_path: Path) -> None:
    """A page of 5,000 flights is there, and painted, in under two seconds (once in six: the machine is not ours alone), and filters in a blink."""
    path = tmp_path / "report.html"
    path.write_text(page(reporting.build(facts_of(World.scale(campaigns=5_000)))), encoding="utf-8")
    assert any(tab.open(path) < LOADS_WITHIN_S for _ in range(6))
    assert tab.run(f"{SHOWN}.length") == 200
    took = tab.run("(() => { const began = performance.now(); const it = document.getElementById('find'); it.value = '4999';"
                   "it.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - began; })()")
    assert took < 500
    assert tab.run(f"{SHOWN}.length") >= 1

"""What must hold of a web page in a browser; each look returns what is wrong in words, nothing where all is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.browser.chrome import Chrome, axe_file

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW, WIDE = 320, 1200  # CSS pixels; 320 is WCAG 2.2, 1.4.10

AXE = """
const [rules, done] = arguments;
axe.run(document, {runOnly: rules}).then(
  found => done({passes: found.passes.length,
                 violations: found.violations.map(one => `${one.id} (${one.impact}): ${one.nodes.length} x ${one.nodes[0].html.slice(0, 160)}`)}),
  fault => done({passes: 0, violations: [String(fault)]}));
"""
TOO_WIDE = """
const wide = document.documentElement.scrollWidth;
if (wide <= arguments[0]) return [];
const inside = node => node.closest('.scroll, .skip');
const beyond = [...document.querySelectorAll('body *')].filter(node => !inside(node) && node.getBoundingClientRect().right > arguments[0] + 0.5);
return [`the page is ${wide} wide`, ...beyond.slice(0, 5).map(node => node.outerHTML.slice(0, 120))];
"""
CUT = """
const cut = [];
for (const node of document.querySelectorAll('body *')) {
  const style = getComputedStyle(node);
  if (!['hidden', 'clip'].includes(style.overflowX) || node.closest('svg')) continue;
  if (node.scrollWidth > node.clientWidth + 1) cut.push(`cut: ${node.outerHTML.slice(0, 120)}`);
}
return cut;
"""
STOPS = """
const open = node => !node.closest('details:not([open])') || node.tagName === 'SUMMARY';
return [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter(open).length;
"""
FOCUSED = """
const node = document.activeElement;
if (!node || node === document.body) return null;
const box = node.getBoundingClientRect(), style = getComputedStyle(node);
const shown = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
const within = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0;
const found = [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].indexOf(node);
return {index: found, shown, within, html: node.outerHTML.slice(0, 120)};
"""
PRINTED = """
const parts = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const faint = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !node.checkVisibility()) continue;
  const style = getComputedStyle(node), colour = parts(node.closest('svg') ? style.fill : style.color);
  const ratio = 1.05 / (light(colour) + 0.05);
  if (ratio < 4.5) faint.add(`${ratio.toFixed(1)}:1 on paper: ${node.outerHTML.slice(0, 120)}`);
}
return [...faint];
"""


def accessible(window: Chrome) -> list[str]:
    """axe-core's violations of WCAG 2.0 to 2.2, A and AA, and of its best practice."""
    window.set_width(WIDE)
    window.run(axe_file().read_text(encoding="utf-8"))
    found = window.wait_for(AXE, RULES)
    return found["violations"] or ([] if found["passes"] > 15 else [f"axe-core must apply its rules: {found['passes']} applied"])


def reflows(window: Chrome) -> list[str]:
    """At 320 pixels the page does not scroll sideways and nothing is cut; wide tables and charts scroll within their own frames."""
    window.set_width(NARROW)
    return window.run(TOO_WIDE, NARROW) + window.run(CUT)


def focus_is_visible(window: Chrome) -> list[str]:
    """The Tab key reaches every link, summary and scrolling frame, each with an outline and in view."""
    window.set_width(WIDE)
    window.run("document.querySelectorAll('details').forEach(node => node.open = false); document.activeElement.blur(); scrollTo(0, 0)")
    stops, reached, wrong = window.run(STOPS), set(), []
    for _ in range(stops):
        window.press_tab()
        at = window.run(FOCUSED)
        if at is None:
            break
        reached.add(at["index"])
        wrong += [f"{what}: {at['html']}" for what, well in (("no outline", at["shown"]), ("out of view", at["within"])) if not well]
    return wrong + ([] if len(reached) == stops else [f"{stops} stops must be reached by the Tab key: {len(reached)} were"])


def prints(window: Chrome) -> list[str]:
    """On paper, where grounds are not printed, every word has 4.5:1 against white."""
    window.set_medium("print")
    try:
        return window.run(PRINTED)
    finally:
        window.set_medium("screen")


LOOKS: Mapping[str, Callable[[Chrome], list[str]]] = {
    "axe": accessible,
    "reflow": reflows,
    "focus": focus_is_visible,
    "print": prints,
}

"""A real browser that measures the page."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--allow-file-access-from-files",
    "--virtual-time-budget=10000",
)

# Narrow windows are refused, so the page is in a frame. For each text it measures the contrast, as
# in https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio, with what is behind it, and for each element
# whether it leaves the page at the right.
MEASURE = """<!DOCTYPE html><iframe src="{page}" width="{width}" height="800"></iframe><pre></pre>
<script>
onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  const view = page.defaultView;
  const canvas = document.createElement("canvas").getContext("2d", {{willReadFrequently: true}});
  const rgba = color => {{
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  }};
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  const behind = element => element
    ? over(rgba(view.getComputedStyle(element).backgroundColor), behind(element.parentElement))
    : [255, 255, 255];
  const light = color => color.map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const found = {{width: page.documentElement.scrollWidth, contrasts: [], outside: []}};
  for (const element of page.body.querySelectorAll("*")) {{
    const isText = [...element.childNodes].some(n => n.nodeType == 3 && n.data.trim());
    if (isText && element.tagName != "title" && element.getClientRects().length) {{
      const style = view.getComputedStyle(element), under = behind(element);
      const ink = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
      const [a, b] = [light(over(rgba(ink), under)), light(under)].sort((x, y) => x - y);
      found.contrasts.push([(b + 0.05) / (a + 0.05), element.textContent.trim().slice(0, 40)]);
    }}
    const box = element.getBoundingClientRect();
    if (!element.closest(".wide, pre, svg") && box.right > {width} + 0.5)
      found.outside.push(element.outerHTML.slice(0, 80));
  }}
  document.querySelector("pre").textContent = JSON.stringify(found);
}};
</script>"""


def run_browser(*arguments):
    """Run the browser without a window."""
    return subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={Path.cwd() / 'profile'}", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )


def measure(page, width, *, is_dark=False):
    """Return the width of a page, its texts with their contrasts, and what is outside of it."""
    frame = Path.cwd() / "frame.html"
    frame.write_text(MEASURE.format(page=page.as_uri(), width=width), encoding="utf-8")
    scheme = f"--blink-settings=preferredColorScheme={0 if is_dark else 1}"
    done = run_browser(scheme, "--window-size=1400,900", "--dump-dom", frame.as_uri())
    (found,) = re.findall("<pre>(.*?)</pre>", done.stdout, flags=re.DOTALL)
    assert found, done.stderr
    return json.loads(html.unescape(found))

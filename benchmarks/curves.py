"""The picture of `benchmarks/growth.py`: a panel a part, a line a contender."""

import html


PANEL = 280
GAP = 60
HEIGHT = 190
COLOURS = {"bare": "#9aa5b1", "upstream": "#d1495b", "ours": "#2a7f9e"}
STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#222}.title{font-size:14px;font-weight:600}"
    ".at{font-size:11px;fill:#555}</style>"
)


def picture(found):
    """Return the SVG of *found*: by title, the figures by contender and number."""
    body = []
    for number, (title, figures) in enumerate(found.items()):
        x, y = number % 3 * (PANEL + GAP) + 20, number // 3 * (HEIGHT + 90) + 20
        body += [f'<g transform="translate({x} {y})">', *_panel(title, figures), "</g>"]
    width, height = 3 * (PANEL + GAP) + 20, -(-len(found) // 3) * (HEIGHT + 90) + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>How the cost of telemetry grows</title>",
            STYLE,
            '<rect width="100%" height="100%" fill="#fff"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _panel(title, figures):
    """Return the parts of one panel; equal steps for the numbers, from zero for what they cost."""
    numbers = list(next(iter(figures.values())))
    most = max(figure for of in figures.values() for figure in of.values())
    step = (PANEL - 70) / (len(numbers) - 1)
    yield f'<text x="0" y="12" class="title">{html.escape(title)}</text>'
    yield f'<path d="M0 {HEIGHT + 30}H{PANEL}" stroke="#bbb"/>'
    for place, number in enumerate(numbers):
        yield f'<text x="{10 + place * step:.0f}" y="{HEIGHT + 46}" class="at">{number}</text>'
    yield from _names({side: list(of.values())[-1] for side, of in figures.items()}, most)
    for side, of in figures.items():
        points = [
            (10 + place * step, 30 + HEIGHT * (1 - figure / most))
            for place, figure in enumerate(of.values())
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{COLOURS[side]}" stroke-width="3"/>'
        for (x, y), figure in zip(points, of.values(), strict=True):
            yield (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[side]}">'
                f"<title>{side}: {figure:,.1f}</title></circle>"
            )


def _names(last, most):
    """Return the names of the contenders and their *last* figures, none upon another."""
    lowest = float("inf")
    for side, figure in sorted(last.items(), key=lambda item: item[1]):
        lowest = y = min(34 + HEIGHT * (1 - figure / most), lowest - 15)
        shown = f"{side} {figure:,.0f}"
        yield f'<text x="{PANEL - 52}" y="{y:.1f}" style="fill:{COLOURS[side]}">{shown}</text>'

"""Curves as an SVG: cost per request as the shop grows, a panel per direction of growth. Both axes
are logarithmic: what stays flat costs the same, what rises by 45 degrees costs as much more."""

import math
from xml.sax.saxutils import escape

PANEL_WIDTH, PANEL_HEIGHT = 330, 250
LEFT, TOP, BOTTOM, GAP = 56, 70, 54, 40
COLOURS = ('#1b6ca8', '#c2541b', '#3a7d44', '#7b4ea3')

STYLE = '''text { font: 12px system-ui, sans-serif; fill: #222 }
.title { font-size: 15px; font-weight: 600 } .small { font-size: 11px; fill: #666 }
.grid { stroke: #ddd } .axis { stroke: #888 }'''


def _count(value):
    for size, letter in ((1000000, 'M'), (1000, 'k')):
        if value >= size:
            return f'{value / size:g}{letter}'
    return f'{value:g}'


def _panel(panel, left):
    """`panel`: {title, axis, unit, lines: {name: [[x, y], ...]}}"""
    points = [point for line in panel['lines'].values() for point in line]
    low, high = min(p[0] for p in points), max(p[0] for p in points)
    span = math.log10(high / low) or 1
    # Whole powers of ten, with room above for the names.
    floor = math.floor(math.log10(min(p[1] for p in points)))
    top = math.ceil(math.log10(max(p[1] for p in points) * 1.3))

    def at(point):
        x = left + math.log10(point[0] / low) / span * PANEL_WIDTH
        y = TOP + PANEL_HEIGHT * (top - math.log10(point[1])) / (top - floor)
        return x, y

    base = TOP + PANEL_HEIGHT
    out = [f'<text class="title" x="{left}" y="{TOP - 38}">{escape(panel["title"])}</text>',
           f'<text class="small" x="{left}" y="{TOP - 20}">{escape(panel["unit"])}</text>']
    for value in (10 ** power for power in range(floor, top + 1)):
        y = at((low, value))[1]
        out.append(f'<line class="grid" x1="{left}" x2="{left + PANEL_WIDTH}" y1="{y:.1f}" '
                   f'y2="{y:.1f}"/><text class="small" text-anchor="end" x="{left - 6}" '
                   f'y="{y + 4:.1f}">{value:,g}</text>')
    out.append(f'<line class="axis" x1="{left}" x2="{left + PANEL_WIDTH}" y1="{base}" '
               f'y2="{base}"/>')
    for x in sorted({p[0] for p in points}):
        out.append(f'<text class="small" text-anchor="middle" x="{at((x, 1))[0]:.1f}" '
                   f'y="{base + 16}">{_count(x)}</text>')
    out.append(f'<text class="small" text-anchor="middle" x="{left + PANEL_WIDTH / 2}" '
               f'y="{base + 34}">{escape(panel["axis"])}</text>')
    for i, (name, line) in enumerate(panel['lines'].items()):
        colour = COLOURS[i % len(COLOURS)]
        path = ' '.join('%.1f,%.1f' % at(point) for point in line)
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        out += ['<circle fill="%s" r="3" cx="%.1f" cy="%.1f"/>' % (colour, *at(point))
                for point in line]
        x, y = at(line[-1])
        out.append(f'<text text-anchor="end" style="fill: {colour}" x="{x:.1f}" '
                   f'y="{y - 8:.1f}">{escape(name)}</text>')
    return '\n'.join(out)


def write(path, panels, caption):
    width = len(panels) * (LEFT + PANEL_WIDTH + GAP)
    height = TOP + PANEL_HEIGHT + BOTTOM + 24
    parts = [_panel(panel, i * (LEFT + PANEL_WIDTH + GAP) + LEFT) for i, panel in enumerate(panels)]
    with open(path, 'w') as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}">\n<style>{STYLE}</style>\n'
            f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + '\n'.join(parts) +
            f'\n<text class="small" x="{LEFT}" y="{height - 10}">{escape(caption)}</text>\n</svg>\n')

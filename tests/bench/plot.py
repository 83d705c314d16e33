"""Small line charts as SVG, side by side, with nothing but text."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 430, 300  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 56, 30, 46, 48
PANELS_WIDE = 2
COLOURS = ("#1f77b4", "#d95f02", "#2a9d55", "#7b4ea3")
STEPS = (1, 2, 2.5, 5, 10)
TICKS = 5


def step_of(most):
    """A round step with which a scale from nothing to most has about TICKS ticks."""
    rough = most / TICKS
    power = 10 ** math.floor(math.log10(rough))
    return next(step * power for step in STEPS if step * power >= rough * 0.999)


class Panel:
    """One chart: x grows tenfold from tick to tick, y begins at nothing."""

    def __init__(self, title, x_name, y_name, series, x_text):
        """series: {name: [(x, y, sure)]}, and what is not sure is hollow; x_text: how a number on the x axis is written."""
        self.title, self.x_name, self.y_name, self.series, self.x_text = title, x_name, y_name, series, x_text
        points = [point for one in series.values() for point in one]
        self.xs = sorted({x for x, _, _ in points})
        self.step = step_of(1.15 * max(y for _, y, _ in points))
        self.top = self.step * math.ceil(1.15 * max(y for _, y, _ in points) / self.step - 1e-9)

    def x(self, value):
        low, high = math.log(self.xs[0]), math.log(self.xs[-1])
        return LEFT + (WIDTH - LEFT - RIGHT) * ((math.log(value) - low) / (high - low) if high > low else 0.5)

    def y(self, value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top

    def text(self, x, y, words, anchor="middle", more=""):
        return '<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>' % (x, y, anchor, more, escape(words))

    def axes(self):
        lines = [self.text(LEFT, 18, self.title, "start", ' class="title"'),
                 self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, self.x_name), self.text(LEFT, TOP - 10, self.y_name, "start")]
        for i in range(round(self.top / self.step) + 1):
            at = self.y(i * self.step)
            lines.append('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" class="grid"/>' % (LEFT, at, WIDTH - RIGHT, at))
            lines.append(self.text(LEFT - 6, at + 4, "%g" % (i * self.step), "end"))
        every = math.ceil(len(self.xs) / 7)
        for x in self.xs[::every]:
            lines.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" class="axis"/>' % (
                self.x(x), HEIGHT - BOTTOM, self.x(x), HEIGHT - BOTTOM + 4))
            lines.append(self.text(self.x(x), HEIGHT - BOTTOM + 18, self.x_text(x)))
        lines.append('<path d="M%d %dV%dH%d" class="axis"/>' % (LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT))
        return lines

    def curves(self):
        lines = []
        for number, (name, points) in enumerate(self.series.items()):
            colour = COLOURS[number % len(COLOURS)]
            path = " ".join("%.1f,%.1f" % (self.x(x), self.y(y)) for x, y, _ in points)
            lines.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (path, colour))
            lines += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s" stroke="%s"><title>%s: %.3g</title></circle>' % (
                self.x(x), self.y(y), colour if sure else "#fff", colour, escape(self.x_text(x)), y) for x, y, sure in points]
            lines.append(self.text(WIDTH - RIGHT, HEIGHT - BOTTOM - 10 - 15 * (len(self.series) - 1 - number), name, "end", ' style="fill:%s"' % colour))
        return lines


def svg(title, panels):
    """The text of a file with all panels."""
    rows = math.ceil(len(panels) / PANELS_WIDE)
    width, height = WIDTH * PANELS_WIDE, HEIGHT * rows + 24
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">' % (width, height, width, height),
             "<style>text{font:12px sans-serif;fill:#333}text.title{font-weight:bold}.grid{stroke:#ddd}.axis{stroke:#333;fill:none}</style>",
             '<rect width="100%" height="100%" fill="#fff"/>',
             '<text x="%d" y="%d" text-anchor="middle">%s</text>' % (width / 2, height - 8, escape(title))]
    for number, panel in enumerate(panels):
        lines.append('<g transform="translate(%d %d)">' % (number % PANELS_WIDE * WIDTH, number // PANELS_WIDE * HEIGHT))
        lines += panel.axes() + panel.curves() + ["</g>"]
    return "\n".join(lines + ["</svg>", ""])

"""Name the colours of charts: light ones, which files have, and dark ones for the page on a dark screen."""

BLACK, GREY, PALE, PAPER = "#000000", "#767676", "#9a9a9a", "#ffffff"
NOTE, GRID, SHADE, BAR = "#444444", "#e4e4e4", "#f2f2f2", "#c9c9c9"
# Okabe and Ito's (Color Universal Design, 2008), black kept for baselines, others darker where they are too pale on
# white. Each has a contrast of 3 or more on its paper, and no two look alike without red or green cones.
COLOURS = ("#0063a8", "#d55e00", "#009e73", "#c4679f", "#665200", "#3590d0", "#4b2e83")
DARK = ("#55abf2", "#ff8240", "#22b98a", "#f3a6d0", "#e8d25a", "#a9e0ff", "#7c5cf0")
DARK_PAPER = "#15181c"

# What each colour is called where it is a variable of CSS, and its value on a dark screen.
_THEME = {
    BLACK: ("ink", "#e3e6e9"),
    PAPER: ("paper", DARK_PAPER),
    GREY: ("soft", "#a3abb4"),
    PALE: ("pale", "#5d6670"),
    NOTE: ("note", "#b9c0c7"),
    GRID: ("grid", "#2e343b"),
    SHADE: ("shade", "#24292f"),
    BAR: ("bar", "#454d56"),
    **{colour: (f"series-{n}", dark) for n, (colour, dark) in enumerate(zip(COLOURS, DARK, strict=True), start=1)},
}


def variable(colour: str) -> str:
    """Return a colour as the variable of CSS that it is called by, itself where there is none; others as they are."""
    return f"var(--chart-{_THEME[colour][0]}, {colour})" if colour in _THEME else colour


def theme() -> str:
    """Return the rules of CSS that give the variables their values, on a light and on a dark screen."""
    light = " ".join(f"--chart-{name}: {colour};" for colour, (name, _) in _THEME.items())
    dark = " ".join(f"--chart-{name}: {value};" for name, value in _THEME.values())
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"

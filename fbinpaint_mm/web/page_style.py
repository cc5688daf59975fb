"""How the page looks: CSS on top of gradio's theme."""

from __future__ import annotations

from collections.abc import Sequence

from fbinpaint_mm.web.brush_palette import to_hex

# Of the visitor's system: gradio's own would be a download for some themes.
FONTS = ('system-ui', 'sans-serif')
MONOSPACE_FONTS = ('ui-monospace', 'monospace')

STYLE = """
.gradio-container { max-width: 1240px !important; width: 100%; margin: 0 auto; }
#examples .grid-wrap { height: auto; min-height: 0; max-height: none; }
#examples .grid-container { grid-template-columns: repeat(6, minmax(0, 1fr)); }
#examples .thumbnail-item { aspect-ratio: 1; }
/* It would stay when another picture is uploaded. */
#examples .thumbnail-item.selected {
  --ring-color: transparent; border-color: var(--border-color-primary); box-shadow: none;
}
#result { min-height: 240px; }
#result img { max-height: 460px; }
#gallery .grid-wrap { max-height: none; }
@media (max-width: 640px) {
  .gradio-container main { padding: 12px 8px !important; }
  #examples .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  #gallery .caption-label { font-size: 10px; padding: 1px 3px; right: 2px; bottom: 2px; }
}
"""


def legend_style(element_id: str, palette: Sequence[Sequence[int]]) -> str:
    """CSS that puts the colour of each class before its name in a ``gr.Radio``.

    Args:
        element_id: ``elem_id`` of the radio, whose choices are the classes in their order.
        palette: (K, 3) RGB in 0..255.

    Returns:
        The CSS, with which the radio is the legend of the map.
    """
    square = (
        f'#{element_id} label span::before {{ content: ""; display: inline-block; width: 1em; '
        'height: 1em; margin-right: 0.4em; border-radius: 3px; border: 1px solid #8888; '
        'vertical-align: -0.15em; }\n'
    )
    colors = (
        f'#{element_id} label:nth-of-type({number}) span::before {{ background: {to_hex(color)}; }}'
        for number, color in enumerate(palette, 1)
    )
    return square + '\n'.join(colors)

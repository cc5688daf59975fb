"""The parts of the page. Each makes its components and says how they show something."""

from fbinpaint_mm.web.panels.input_panel import InputPanel
from fbinpaint_mm.web.panels.map_panel import MapPanel
from fbinpaint_mm.web.panels.result_panel import ResultPanel
from fbinpaint_mm.web.panels.rounds_panel import RoundsPanel

__all__ = ['InputPanel', 'MapPanel', 'ResultPanel', 'RoundsPanel']

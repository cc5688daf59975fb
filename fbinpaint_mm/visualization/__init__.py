"""Pictures that show what the feedback did, round by round."""

from fbinpaint_mm.visualization.feedback_grid import draw_feedback_grid
from fbinpaint_mm.visualization.feedback_visualizer import FeedbackVisualizer

__all__ = ['FeedbackVisualizer', 'draw_feedback_grid']

"""Old import path, until every branch is merged; then this file goes."""

from fbinpaint_mm.user_error import in_one_line

__all__ = ['in_one_line']

"""Wrappers of optimisers."""

from fbinpaint_mm.engine.optim.bfloat16_optim_wrapper import BFloat16OptimWrapper

__all__ = ['BFloat16OptimWrapper']

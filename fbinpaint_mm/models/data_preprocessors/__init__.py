"""Data preprocessors."""

from fbinpaint_mm.models.data_preprocessors.semi_supervised_data_preprocessor import (
    SemiSupervisedDataPreprocessor,
)

__all__ = ['SemiSupervisedDataPreprocessor']

# What of our configs belongs to our model alone; the protocols for other models leave it out.
hooks_of_our_model = ('FeedbackHook', 'MeanTeacherHook', 'ClassMemoryHook', 'CorrectionReportHook')
parts_of_our_model = (
    *('model', 'inpaintor', 'segmentor', 'norm_cfg', 'data_preprocessor', 'optim_wrapper'),
    *('hooks_of_our_model', 'parts_of_our_model'),  # these two
)

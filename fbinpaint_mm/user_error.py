"""The error that means: the user can put this right."""


class UserError(ValueError):
    """A mistake of the user, told in one sentence; the tools print it without a traceback.

    The message names the file, setting or argument, what was found, and what was expected. Files
    that are missing or cannot be written raise an ``OSError`` instead, which the tools print alike.
    Every other exception is a bug of this package.
    """

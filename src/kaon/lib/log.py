"""Events with named fields, handed to the standard library's logging. How they are written is `cmd`'s business.

An event says what happened, always in the same words; what differs from one time to the next stands in the fields.
"""

import logging
from typing import Final

FIELDS: Final = "kaon_fields"
"""The attribute of a `logging.LogRecord` that holds the fields: name -> value."""


class Log:
    """What one module logs."""

    __slots__ = ("_logger",)

    def __init__(self, module: str) -> None:
        self._logger = logging.getLogger(module)

    def debug(self, event: str, **fields: object) -> None:
        """Tell a detail."""
        self._logger.debug(event, extra={FIELDS: fields})

    def info(self, event: str, **fields: object) -> None:
        """Tell what goes as it should."""
        self._logger.info(event, extra={FIELDS: fields})

    def warning(self, event: str, **fields: object) -> None:
        """Tell what should not be, but is lived with."""
        self._logger.warning(event, extra={FIELDS: fields})

    def error(self, event: str, **fields: object) -> None:
        """Tell what somebody should look after."""
        self._logger.error(event, extra={FIELDS: fields})

    def failed(self, event: str, problem: BaseException, **fields: object) -> None:
        """Tell of a failure that nobody expected, with its traceback."""
        self._logger.error(event, extra={FIELDS: fields}, exc_info=problem)

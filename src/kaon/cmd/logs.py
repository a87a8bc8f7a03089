"""How logs are written: one event, one line on standard error, named fields (logfmt)."""

import logging
import sys

import structlog


def set_up(*, debug: bool, process: str = "") -> None:
    """Configure structlog, and have what libraries log written the same way. process: named in each line, if any."""
    level = logging.DEBUG if debug else logging.INFO
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], drop_missing=True)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    if process:
        structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendered(renderer)))
    logging.basicConfig(level=logging.INFO if debug else logging.WARNING, handlers=[handler], force=True)


def _rendered(renderer: structlog.types.Processor) -> list[structlog.types.Processor]:
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]

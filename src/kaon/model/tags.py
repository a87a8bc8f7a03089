"""Tags: words that people put on resources, to find them again. A resource has each word at most once, in no order."""

from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import NOT_SPECIFIED, Attribute, words
from kaon.model.checks import Unfit
from kaon.model.errors import BadRequest, InvalidInput

LENGTH: Final = 255
"""Characters of a tag."""

LIMIT: Final = 50
"""Tags of one resource."""

_word: Final = checks.text(LENGTH)
_TAGS: Final = checks.list_of(checks.schema_of(_word))


def tagging(*, post: bool = False) -> tuple[Attribute, ...]:
    """What a resource with tags has besides: the tags, and four ways to filter lists by them.

    In a filter a comma separates tags, as repeating the filter does. tags: has all of these; tags-any: has one of these;
    not-tags: has not all of these; not-tags-any: has none of these.

    post  whether they may be named in POST; a PUT never changes them, they have paths of their own
    """
    alias = "standard-attr-tag"
    tags = Attribute(name="tags", alias=alias, check=several, default=NOT_SPECIFIED, post=post, filter=words)
    ways = ("tags-any", "not-tags", "not-tags-any")
    return tags, *(Attribute(name=way, alias=alias, visible=False, filter=words) for way in ways)


@checks.keeps({**_TAGS, "maxItems": LIMIT})
def several(value: Any) -> list[str]:
    """A list of different tags, as a new resource may have them; sorted. Raises Unfit."""
    kept = _listed(value)
    if len(kept) > LIMIT:
        raise Unfit(f"{len(kept)} tags are more than {LIMIT}")
    return kept


@checks.keeps(checks.object_of(("tags",), tags=_TAGS))
def tags_body(document: Any) -> list[str]:
    """Tags in the body of a request below `.../tags`, sorted. Raises InvalidInput.

    How many a resource may have is for control to say (`check_number`), which knows those that it has.
    """
    if not isinstance(document, dict) or "tags" not in document:
        raise InvalidInput(error_message="the body has no tags")
    try:
        return _listed(document["tags"])
    except Unfit as unfit:
        raise InvalidInput(error_message=str(unfit)) from None


def tag_in_path(value: str) -> str:
    """A tag as a path names it. Raises InvalidInput."""
    try:
        return str(_word(value))
    except Unfit as unfit:
        raise InvalidInput(error_message=str(unfit)) from None


def check_number(number: int) -> None:
    """Refuse that a resource has so many tags. Raises BadRequest."""
    if number > LIMIT:
        raise BadRequest(reason=f"A resource can have no more than {LIMIT} tags")


def _listed(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Unfit(f"{checks.shown(value)} is not a list")
    kept = [_word(item) for item in value]
    if len(set(kept)) < len(kept):
        checks.distinct(kept, "tag")
    return sorted(kept)

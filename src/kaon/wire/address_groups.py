"""Address groups as hosts see them: entries of `members:<id>`, beside those of security groups."""

import msgspec


class AddressPrefix(msgspec.Struct, frozen=True, tag="prefix"):
    """A prefix, without host bits, of an address group."""

    prefix: str

    @property
    def addresses(self) -> tuple[str, ...]:
        """What it brings into the group, as a member of a security group does."""
        return (self.prefix,)

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"prefix/{self.prefix}"

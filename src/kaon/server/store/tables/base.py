"""What tables of every topic share: the metadata, the types, the columns that every resource has."""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Identity = sa.String(36)
Name = sa.String(255)
ScopeName = sa.String(300)
Address = sa.String(64)
AddressHex = sa.String(32)
SegmentationId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""GRE has 32 bits without sign."""


def standard(*, owned: bool = True) -> list[sa.Column[object]]:
    """The columns that every resource has; `owned` ones can be found by project."""
    return [
        sa.Column("id", Identity, primary_key=True),
        sa.Column("project_id", Name, nullable=False, index=owned),
        sa.Column("name", Name, nullable=False, index=True),
        sa.Column("description", Name, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.Column("revision_number", sa.BigInteger, nullable=False),
    ]


def belongs_to(column: str, target: str, **options: object) -> sa.Column[object]:
    """A reference that goes when its target goes."""
    return sa.Column(column, Identity, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False, **options)  # type: ignore[arg-type]  # forwarded keyword options


def tags_of(member: str, collection: str) -> sa.Table:
    """The tags of a kind of resource."""
    return sa.Table(
        f"{member}_tags",
        metadata,
        belongs_to("resource_id", f"{collection}.id", primary_key=True),
        sa.Column("tag", Name, primary_key=True),
        sa.Index(None, "tag"),
    )

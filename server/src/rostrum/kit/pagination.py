"""Pages of a list, the newest first. The next page's cursor goes out in headers, so that bare arrays stay bare."""

from typing import Annotated, Final, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import Depends, Query, Request, Response
from sqlalchemy import BigInteger, Integer, String, bindparam, tuple_

LARGEST: Final = 200
PLACE: Final = tuple_(
    bindparam("after_moment", type_=BigInteger, required=True), bindparam("after_id", type_=String, required=True)
)
"""In a store's query: where the page begins. A position's `values` are bound to it."""
PAGE: Final = bindparam("limit", type_=Integer, required=True)
"""In a store's query: how many rows."""


class Position(NamedTuple):
    """A place in a list that is ordered by time and, within a millisecond, by id."""

    moment: int
    id: str

    @property
    def values(self) -> dict[str, int | str]:
        """The values of PLACE."""
        return {"after_moment": self.moment, "after_id": self.id}

    def __str__(self) -> str:
        """The form in which it goes out as a cursor."""
        return f"{self.moment}.{self.id}"


async def _position(
    cursor: Annotated[
        str | None,
        Query(
            pattern=r"^[0-9]{1,15}\.[A-Za-z0-9_-]{1,64}$",
            description="The X-Next-Cursor of the page before.",
            examples=["1760447289559.68ee4b39b22d6134386fc5dc"],
        ),
    ] = None,
) -> Position | None:
    if cursor is None:
        return None
    moment, _, item = cursor.partition(".")
    return Position(int(moment), item)


Limit = Annotated[int, Query(ge=1, le=LARGEST, description="Most items a page.")]
"""How many items the caller wants at once; give it the default 50."""

After = Annotated[Position | None, Depends(_position)]
"""Where the page begins; None at the first one."""


def announce_next(request: Request, response: Response, cursor: Position | int | None) -> None:
    """Tell the caller where the next page begins; None: this was the last one."""
    if cursor is None:
        return
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    query = urlencode([*others, ("cursor", str(cursor))])
    response.headers["x-next-cursor"] = str(cursor)
    response.headers["link"] = f'<{quote(request.url.path)}?{query}>; rel="next"'

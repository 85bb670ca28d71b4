"""What stands behind the `?` of a request: nothing that its route does not take.

An unknown parameter is mostly a slip of the pen, and a filter that is not heard shows too much.
"""

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Cookie, Header, Path
from starlette.requests import HTTPConnection

from .errors import InvalidRequest


async def refuse_unknown_parameters(connection: HTTPConnection) -> None:
    """Raise `InvalidRequest`, which says which there are, for any parameter that is none of them.

    Taken by every route: it is a dependency of the application.
    """
    if not connection.query_params:
        return
    fields = get_flat_params(connection.scope["route"].dependant)
    elsewhere = (Path, Header, Cookie)
    known = [one.alias for one in fields if not isinstance(one.field_info, elsewhere)]
    msg = f"there is no such parameter: expected {known or 'none'}"
    unknown = [name for name in connection.query_params if name not in known]
    if unknown:
        raise InvalidRequest.of(
            [{"loc": (name,), "msg": msg, "type": "extra_forbidden"} for name in unknown], "query"
        )

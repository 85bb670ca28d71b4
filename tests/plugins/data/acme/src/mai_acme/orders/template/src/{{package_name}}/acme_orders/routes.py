"""Orders over HTTP."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from ..auth.caller import CurrentUser
from ..core.errors import Conflict
from ..core.problems import OF_BODIES, OF_CALLERS, problems
from ..core.services import ServicesDep
from .models import Order
from .settings import CURRENCY, OrdersSettings

router = APIRouter(prefix="/orders", tags=["orders"], responses=problems(*OF_CALLERS))


class OrderRequest(BaseModel):
    """What is ordered."""

    model_config = ConfigDict(extra="forbid")

    what: str = Field(min_length=1, max_length=200, examples=["an anvil"])


class OrderView(BaseModel):
    """An order of yours."""

    model_config = ConfigDict(from_attributes=True)

    order_id: UUID
    what: str
    currency: str = CURRENCY


@router.post("", status_code=201, responses=problems(Conflict, *OF_BODIES))
async def take_order(body: OrderRequest, caller: CurrentUser, services: ServicesDep) -> OrderView:
    """Order something."""
    most = services.get(OrdersSettings).most
    own = select(func.count()).select_from(Order).where(Order.user_id == caller.id)
    async with services.database.transaction() as db:
        if (await db.scalar(own) or 0) >= most:
            raise Conflict(f"you have {most} orders already (ACME_ORDERS__MOST)")
        order = Order(user_id=caller.id, what=body.what)
        db.add(order)
    return OrderView.model_validate(order)


@router.get("")
async def list_orders(caller: CurrentUser, services: ServicesDep) -> list[OrderView]:
    """Your orders, oldest first."""
    own = select(Order).where(Order.user_id == caller.id).order_by(Order.order_id)
    async with services.database.session() as db:
        return [OrderView.model_validate(one) for one in await db.scalars(own)]

"""A tool that reads a web page.

The address comes from the model, so it may come from whoever writes to the model. Every name is
resolved before it is called, on each redirect too; private, loopback and link-local addresses and
the metadata services of clouds are refused, and the connection goes to the address that was
checked. Time, size and what the model gets to read are limited.
"""

import asyncio
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_ai import BinaryContent, ModelRetry
from pydantic_ai.common_tools.web_fetch import WebFetchResult, web_fetch_tool
from pydantic_settings import NoDecode, SettingsConfigDict

from ..core.settings import RoomSettings, load_settings
from .definition import tool


class WebFetchSettings(RoomSettings):
    """How much of the web this tool may read."""

    model_config = SettingsConfigDict(env_prefix="WEB_FETCH__")

    timeout_s: int = Field(20, ge=1, description="Seconds for one page, redirects included.")
    max_download_bytes: int = Field(5_000_000, ge=1, description="A larger answer is refused.")
    max_characters: int = Field(
        20_000, ge=1, description="The model reads no more than this of a page."
    )
    allowed_domains: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Only these hosts, separated by commas; empty for every public one."
    )
    allow_private: bool = Field(
        False, description="Also read private and loopback addresses; cloud metadata stays refused."
    )

    @field_validator("allowed_domains", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [domain.strip() for domain in value.split(",") if domain.strip()]


@tool(category="web")
async def web_fetch(url: str) -> WebFetchResult:
    """Read a public web page, as Markdown with its title.

    Args:
        url: The full address, with http:// or https://.
    """
    return await fetch_page(url, load_settings(WebFetchSettings))


async def fetch_page(url: str, settings: WebFetchSettings) -> WebFetchResult:
    """The text behind `url` within the limits of `settings`.

    Raises `ModelRetry`, with the reason, for an address that is refused or doesn't answer in
    time, and for a page that is no text or too large.
    """
    fetch: Any = web_fetch_tool(
        max_content_length=settings.max_characters,
        allow_local_urls=settings.allow_private,
        timeout=settings.timeout_s,
        max_download_bytes=settings.max_download_bytes,
        allowed_domains=list(settings.allowed_domains) or None,
    ).function
    try:
        async with asyncio.timeout(settings.timeout_s):  # its own limit is for each read
            page: WebFetchResult | BinaryContent = await fetch(url)
    except TimeoutError as error:
        raise ModelRetry(f"{url} took longer than {settings.timeout_s} seconds.") from error
    if isinstance(page, BinaryContent):
        raise ModelRetry(f"{url} is no text but {page.media_type}. Look for a page that is.")
    return page

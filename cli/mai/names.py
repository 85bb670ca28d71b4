"""One validated name, and every form of it.

>>> name = parse("My Shop")
>>> name.slug, name.module, name.class_name, name.title, name.env_prefix
('my-shop', 'my_shop', 'MyShop', 'My Shop', 'MY_SHOP')
>>> parse("OrderDesk").slug, parse("order_desk").title
('order-desk', 'Order desk')
"""

import keyword
import re
import sys
import unicodedata
from dataclasses import dataclass

from .errors import InvalidName

MAX_LENGTH = 40

# What a generated project installs, and folder names that it uses beside its package:
# a package of the same name would hide them. Held against the lock by a test.
TAKEN = frozenset({
    "aiosqlite", "alembic", "annotated_doc", "annotated_types", "anthropic", "anyio",
    "ast_serialize", "async_timeout", "asyncpg", "attr", "bcrypt", "beautifulsoup4", "bs4",
    "certifi", "cffi", "charset_normalizer", "click", "colorama", "coverage", "cryptography",
    "distro", "docstring_parser", "dotenv", "fastapi", "filelock", "genai_prices", "google",
    "googleapis_common_protos", "greenlet", "griffe", "griffelib", "h11", "httpcore2", "httptools",
    "httpx", "httpx2", "httpx2_jsfetch", "idna", "iniconfig", "jiter", "jwt", "librt",
    "logfire_api", "mai", "mako", "markdown_it", "markdown_it_py", "markdownify", "markupsafe",
    "mdurl", "mypy", "mypy_extensions", "openai", "opentelemetry", "opentelemetry_api",
    "opentelemetry_exporter_http_transport", "opentelemetry_exporter_otlp_common",
    "opentelemetry_exporter_otlp_proto_common", "opentelemetry_exporter_otlp_proto_http",
    "opentelemetry_exporter_prometheus", "opentelemetry_proto", "opentelemetry_sdk",
    "opentelemetry_semantic_conventions", "packaging", "pathspec", "pgvector", "pluggy",
    "prometheus_client", "protobuf", "psycopg", "pycparser", "pydantic", "pydantic_ai",
    "pydantic_ai_slim", "pydantic_core", "pydantic_evals", "pydantic_graph", "pydantic_handlebars",
    "pydantic_settings", "pygments", "pyjwt", "pytest", "pytest_cov", "python_dotenv", "pyyaml",
    "qdrant_client", "redis", "regex", "requests", "rich", "ruff", "schemathesis", "sentry_sdk",
    "shellingham", "six", "sniffio", "soupsieve", "sqlalchemy", "sse_starlette", "starlette",
    "structlog", "tests", "tiktoken", "tqdm", "truststore", "typer", "typing_extensions",
    "typing_inspection", "tzdata", "urllib3", "uv", "uvicorn", "uvloop", "watchfiles", "websockets",
    "yaml",
})  # fmt: skip


@dataclass(frozen=True)
class Name:
    """A name in the forms that files, code and people use."""

    slug: str
    """`my-shop`: folder, distribution, command, URL."""
    module: str
    """`my_shop`: package or module."""
    class_name: str
    """`MyShop`."""
    title: str
    """`My Shop`, or `My shop` when it was not typed as words."""
    env_prefix: str
    """`MY_SHOP`."""


def parse(text: str) -> Name:
    """The forms of `text`, in any reasonable spelling.

    Raises `InvalidName` when no Python identifier is left of it, when it is a keyword, and
    when it is longer than 40 characters.
    """
    words = _words(text)
    module = "_".join(words)
    if not module.isidentifier():
        raise InvalidName(
            f"{text!r} is not a name: it needs a letter first, then letters, digits, - or _",
            _suggest(words),
        )
    if len(module) > MAX_LENGTH:
        raise InvalidName(
            f"{text!r} is longer than {MAX_LENGTH} characters", "choose a shorter one"
        )
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        raise InvalidName(f"{text!r} is a Python keyword", _suggest(words))
    return Name(
        slug="-".join(words),
        module=module,
        class_name="".join(word.capitalize() for word in words),
        title=_title(text, words),
        env_prefix=module.upper(),
    )


def project(text: str) -> Name:
    """The forms of a project's name; refuses what would hide a module that the project imports."""
    name = parse(text)
    if name.module in sys.stdlib_module_names:
        raise InvalidName(
            f"{text!r} would hide Python's own module {name.module!r}",
            _suggest(name.slug.split("-")),
        )
    if name.module in TAKEN:
        raise InvalidName(
            f"{text!r} would hide {name.module!r}, which the project uses",
            _suggest(name.slug.split("-")),
        )
    return name


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.strip())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    if re.search(r"[^\w\s.\-]", plain) or not plain.isascii():
        plain = re.sub(r"[^A-Za-z0-9\s._\-]", "", plain)
        raise InvalidName(
            f"{text!r} has characters that a package name cannot have", _suggest(_split(plain))
        )
    return _split(plain)


def _split(plain: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return [word.lower() for word in re.split(r"[\s._\-]+", spaced) if word]


def _title(text: str, words: list[str]) -> str:
    typed = " ".join(text.split())
    return typed if " " in typed else " ".join(words).capitalize()


def _suggest(words: list[str]) -> str:
    """A hint with a name that passes."""
    kept = "-".join(words).lstrip("0123456789-")
    candidate = f"{kept}-app" if kept else "my-service"
    if re.fullmatch(r"[a-z][a-z0-9\-]*", kept) and not _taken(kept):
        candidate = kept
    return f"try {candidate!r}"


def _taken(slug: str) -> bool:
    module = slug.replace("-", "_")
    return (
        keyword.iskeyword(module)
        or keyword.issoftkeyword(module)
        or module in sys.stdlib_module_names
        or module in TAKEN
    )

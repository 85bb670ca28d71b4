"""I know what users want to have kept."""

from ..core.modules import AppModule

module = AppModule(
    name="acme_notebook", settings=".notebook:NotebookSettings", lifespan=".notebook:lifespan"
)

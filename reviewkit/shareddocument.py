"""The option of a shared document (jupyter-collaboration, extra `together`): what it is called, and how a server goes without it.

Installed, it makes every notebook of a Jupyter server shared. Only a candidate's server may have that, and only where it was
meant: whoever joins can do there whatever the candidate can. Servers that reviewkit starts itself have it switched off.
"""

from __future__ import annotations

from typing import Final

SERVER_OFF: Final = {"jupyter_server_ydoc": False}
"""For `ServerApp.jpserver_extensions`; means nothing where it is not installed."""
PAGE_OFF: Final = {"@jupyter/collaboration-extension": True, "@jupyter/docprovider-extension": True}
"""For `disabledExtensions` of a page: they, and what they would disable themselves."""

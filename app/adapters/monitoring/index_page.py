"""The page at ``/``: where everything is."""

from collections.abc import Mapping

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>pynatsd</title>
<link rel="icon" href="data:,">
<style>
body { font: 1.1rem/1.7 system-ui, sans-serif; margin: 2rem auto; max-width: 34rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
dt { float: left; clear: left; width: 7rem; }
dd { margin-left: 7rem; }
</style>
</head>
<body>
<h1>pynatsd</h1>
<dl>
<dt><a href=/varz>varz</a></dt><dd>the server</dd>
<dt><a href=/connz>connz</a></dt><dd>clients</dd>
<dt><a href=/routez>routez</a></dt><dd>routes to other servers</dd>
<dt><a href=/subsz>subsz</a></dt><dd>subscriptions</dd>
<dt><a href=/metrics>metrics</a></dt><dd>for Prometheus</dd>
<dt><a href=/healthz>healthz</a></dt><dd>for probes</dd>
<dt><a href=/accstatz>accstatz</a></dt><dd>accounts</dd>
<dt><a href=/gatewayz>gatewayz</a></dt><dd>gateways: there are none</dd>
<dt><a href=/leafz>leafz</a></dt><dd>leaf nodes: there are none</dd>
{further}<dt><a href=/docs>docs</a></dt><dd>what the answers mean: the help</dd>
</dl>
</body>
</html>
"""


def index_page(further: Mapping[str, str]) -> str:
    """The page, with further links: what they are for, by path."""
    links = [
        f"<dt><a href={path}>{path.strip('/')}</a></dt><dd>{use}</dd>\n" for path, use in further.items()
    ]
    return INDEX.replace("{further}", "".join(links))

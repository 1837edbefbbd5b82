# pydruid's native client (PyPI), unmodified: one query of each kind. Prints one JSON object. Run by ../clients.test.ts
# with the interpreter of an environment that holds the package.

import json
import sys

# pydruid reads these without importing them.
import urllib.error
import urllib.request

from pydruid.client import PyDruid
from pydruid.utils.aggregators import count, doublesum, filtered, longsum
from pydruid.utils.filters import Dimension
from pydruid.utils.having import Aggregation
from pydruid.utils.postaggregator import Const, Field

client = PyDruid(sys.argv[1], "druid/v2/")
common = {"datasource": "wikipedia", "intervals": "2013-08-31/p1d"}
sums = {"rows": longsum("count"), "added": doublesum("added"), "stored": count("count")}
out = {}
out["timeseries"] = client.timeseries(
    granularity="day",
    aggregations={**sums, "robots": filtered(Dimension("robot") == "true", longsum("count"))},
    post_aggregations={"average": Field("added") / Field("rows"), "twice": Field("added") * Const(2)},
    **common,
).result
out["topN"] = client.topn(
    granularity="all", dimension="page", metric="added", threshold=2, aggregations=sums, **common
).result
out["groupBy"] = client.groupby(
    granularity="all",
    dimensions=["language", "namespace"],
    filter=Dimension("language") != "en",
    having=Aggregation("added") > 100,
    limit_spec={"type": "default", "limit": 5, "columns": ["added"]},
    aggregations=sums,
    **common,
).result
out["scan"] = client.scan(
    granularity="all", columns=["__time", "page", "added"], metrics=[], limit=2, **common
).result
out["metadata"] = client.segment_metadata(datasource="wikipedia", intervals="2013-08-31/p1d").result
out["boundary"] = client.time_boundary(datasource="wikipedia").result
try:
    client.timeseries(datasource="wikipedia", intervals="2013/2014", granularity="nonsense", aggregations=sums)
except OSError as error:
    out["error"] = str(error)
json.dump(out, sys.stdout)

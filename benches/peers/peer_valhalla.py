"""Valhalla on the same extract, in one process (PyPI pyvalhalla 3.7 or later, Python 3.12 or later).

Reads one JSON object on its input: {"extract": path, "pairs": [[lon, lat, lon, lat], ...], "origins": [[lon, lat], ...],
"targets": [[lon, lat], ...], "costing": "auto"}; answers one JSON object of seconds.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from valhalla import Actor, PYVALHALLA_DIR, __version__, get_config


def main():
    asked = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tiles").mkdir()
        config = get_config(tile_extract="", tile_dir=str(Path(folder) / "tiles"))
        config["mjolnir"]["concurrency"] = 1
        for limits in config["service_limits"].values():
            if isinstance(limits, dict) and "max_matrix_location_pairs" in limits:
                limits["max_matrix_location_pairs"] = 1_000_000
                limits["max_matrix_distance"] = 1_000_000
        path = Path(folder) / "valhalla.json"
        path.write_text(json.dumps(config))
        began = time.perf_counter()
        tool = PYVALHALLA_DIR / "bin" / "valhalla_build_tiles"
        subprocess.run([tool, "-c", path, asked["extract"]], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        build_s = time.perf_counter() - began
        actor = Actor(str(path))
        place = lambda lon, lat: {"lon": lon, "lat": lat}
        seconds, lost = [], 0
        for a, b, c, d in asked["pairs"]:
            query = json.dumps({"locations": [place(a, b), place(c, d)], "costing": asked["costing"], "directions_type": "none"})
            began = time.perf_counter()
            try:
                actor.route(query)
                seconds.append(time.perf_counter() - began)
            except RuntimeError:
                lost += 1
        table = json.dumps({
            "sources": [place(*at) for at in asked["origins"]],
            "targets": [place(*at) for at in asked["targets"]],
            "costing": asked["costing"],
        })
        began = time.perf_counter()
        try:
            actor.matrix(table)
            table_s = time.perf_counter() - began
        except RuntimeError as error:
            print(f"matrix: {error}", file=sys.stderr)
            table_s = None
    print(json.dumps({
        "version": __version__,
        "build_s": build_s,
        "route_p50_s": statistics.median(seconds) if seconds else None,
        "without_route": lost,
        "table_s": table_s,
    }))


main()

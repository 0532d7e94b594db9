#!/usr/bin/env python3
"""Car parks, loops and trips for a SUMO net, as `evaluate guidance FOLDER` reads them: the net's folder gets the files.

Car parks stand within some distance of the middle and share as many spaces as `--load` of them are asked for on average; how many
want each is drawn. Needs Debian's sumo-tools. The same arguments give the same city.
"""
import argparse
import os
import random
import re
import statistics
import subprocess
import sys

TOOLS = os.path.join(os.environ.get("SUMO_HOME", "/usr/share/sumo"), "tools")
sys.path.insert(0, TOOLS)
import sumolib  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("net", help="a .net.xml or .net.xml.gz; the files are written beside it")
parser.add_argument("--parks", type=int, default=9)
parser.add_argument("--sizes", default="20-170", help="from the smallest to the largest, before they are fitted to the load")
parser.add_argument("--trips", type=int, default=4500)
parser.add_argument("--seconds", type=int, default=7200)
parser.add_argument("--share", type=float, default=0.4, help="of trips that park")
parser.add_argument("--load", type=float, default=0.75, help="spaces asked for on average, of all")
parser.add_argument("--radius", type=float, default=0.35, help="of the middle, of the shorter side of the net")
parser.add_argument("--loops", type=int, default=40, help="beside those at the car parks")
parser.add_argument("--peak", action="store_true", help="most depart in the middle of the time")
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

dice = random.Random(args.seed)
net = sumolib.net.readNet(args.net)
folder = os.path.dirname(os.path.abspath(args.net))
x0, y0, x1, y1 = net.getBoundary()
middle, radius = ((x0 + x1) / 2, (y0 + y1) / 2), args.radius * min(x1 - x0, y1 - y0)


def place(edge):
    shape = edge.getShape()
    return shape[len(shape) // 2]


def apart(a, b):
    return ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5


def lane(edge):
    return next(lane for lane in edge.getLanes() if lane.allows("passenger"))


def stay():
    return int(min(7200, max(240, dice.lognormvariate(7.3, 0.8))))


streets = [edge for edge in net.getEdges() if edge.allows("passenger") and edge.getLength() > 40]
inner = [e for e in streets if apart(place(e), middle) < radius and e.getSpeed() < 17 and e.getIncoming() and e.getOutgoing()]
dice.shuffle(inner)
parks = []
for edge in inner:
    if all(apart(place(edge), place(other)) ** 2 > (radius / 3) ** 2 / max(1, args.parks / 9) for other in parks):
        parks.append(edge)
    if len(parks) == args.parks:
        break
low, high = map(int, args.sizes.split("-"))
wanted = [dice.random() + 0.05 for _ in parks]
sizes = [dice.randint(low, high) for _ in parks]
asked = args.trips * args.share / args.seconds * statistics.mean(stay() for _ in range(4000))
sizes = [max(1, round(size * asked / args.load / sum(sizes))) for size in sizes]

with open(os.path.join(folder, "garages.add.xml"), "w") as out:
    out.write("<additional>\n")
    for i, edge in enumerate(parks):
        half = lane(edge).getLength() / 2
        out.write(f'    <parkingArea id="P{i}" lane="{lane(edge).getID()}" startPos="{half - 5:.1f}" endPos="{half + 5:.1f}"'
                  f' roadsideCapacity="{sizes[i]}"/>\n')
    out.write("</additional>\n")
with open(os.path.join(folder, "loops.add.xml"), "w") as out:
    out.write("<additional>\n")
    others = dice.sample([edge for edge in streets if edge not in parks], args.loops)
    for i, edge in enumerate(parks + others):
        out.write(f'    <inductionLoop id="l{i}" lane="{lane(edge).getID()}" pos="2" freq="60" file="e1.xml"/>\n')
    out.write("</additional>\n")

path = os.path.join(folder, "random.trips.tmp")
subprocess.run([sys.executable, os.path.join(TOOLS, "randomTrips.py"), "-n", args.net, "-o", path, "-b", "0", "-e", str(args.seconds),
                "-p", str(args.seconds / args.trips), "--fringe-factor", "8", "--seed", str(args.seed), "--min-distance",
                str(radius), "--edge-permission", "passenger"], check=True, stdout=subprocess.DEVNULL)
trips = []
with open(path) as drawn:
    for line in drawn:
        match = re.search(r'<trip id="([^"]+)" depart="([^"]+)" from="([^"]+)" to="([^"]+)"', line)
        if match:
            depart = args.seconds * dice.betavariate(3, 4) if args.peak else float(match[2])
            trips.append((depart, *match.group(1, 3, 4)))
os.remove(path)
with open(os.path.join(folder, "trips.xml"), "w") as out:
    out.write("<routes>\n")
    for depart, name, start, end in sorted(trips):
        stop = ""
        if dice.random() < args.share:
            park = dice.choices(range(len(parks)), wanted)[0]
            stop = f'<stop parkingArea="P{park}" duration="{stay()}"/>'
        out.write(f'    <trip id="{name}" depart="{depart:.2f}" from="{start}" to="{end}">{stop}</trip>\n')
    out.write("</routes>\n")
print(f"{len(parks)} car parks with {sum(sizes)} spaces, {len(trips)} trips")

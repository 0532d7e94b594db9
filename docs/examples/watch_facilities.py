#!/usr/bin/env python3
"""Lists the facilities of a Vlot engine, then prints changes as they come.

    python watch_facilities.py --address localhost:7101 --changes 10

Needs grpcio-tools; the client is generated from the .proto files when the program starts, into a directory that it
removes again. An application generates it once (see docs/integrators.md). Ends with exit code 0 after that many
changes, and with 1 when the engine cannot be reached or nothing changes for the time in --patience.
"""

import argparse
import pathlib
import sys
import tempfile
import time

import grpc


def generate(proto_dir: pathlib.Path, out_dir: str) -> None:
    """Compiles the .proto files into Python modules that `import` finds."""
    import grpc_tools
    from grpc_tools import protoc

    known_types = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    files = [str(f.relative_to(proto_dir)) for f in sorted(proto_dir.glob("vlot/**/*.proto"))]
    arguments = [f"-I{proto_dir}", f"-I{known_types}", f"--python_out={out_dir}", f"--grpc_python_out={out_dir}"]
    if protoc.main(["protoc", *arguments, *files]) != 0:
        sys.exit(f"the .proto files in {proto_dir} could not be compiled")
    sys.path.insert(0, out_dir)


def describe(facility) -> str:
    """One line for people. What is not known is not shown as a number."""
    from vlot.common.v1 import common_pb2 as common

    state = facility.state
    quality = common.Quality.Name(state.quality).removeprefix("QUALITY_").lower()
    status = common.Status.Name(state.status).removeprefix("STATUS_").lower()
    known = state.HasField("free") and state.quality in (common.QUALITY_GOOD, common.QUALITY_DEGRADED)
    free = f"{state.free:5} of {state.capacity} free" if known else f"    ? of {state.capacity} free"
    return f"{facility.name:28} {free:18} {status:17} {quality}"


def watch(channel: grpc.Channel, ids: list[str], changes: int, patience: float) -> None:
    """Prints `changes` changes. Connects again when the stream breaks, and resumes where it broke."""
    from vlot.parking.v1 import parking_pb2 as parking
    from vlot.parking.v1 import parking_pb2_grpc as parking_grpc

    client = parking_grpc.ParkingServiceStub(channel)
    which = parking.FacilityFilter(ids=ids)
    listed = client.ListFacilities(parking.ListFacilitiesRequest(filter=which), timeout=10)
    for facility in listed.facilities:
        print(describe(facility), flush=True)
    print(f"-- {len(listed.facilities)} facilities; now what changes", flush=True)

    position = listed.position
    give_up_at = time.monotonic() + patience
    seen = 0
    while seen < changes:
        request = parking.WatchFacilitiesRequest(filter=which, resume_after=position)
        try:
            for response in client.WatchFacilities(request, timeout=max(0.1, give_up_at - time.monotonic())):
                print(describe(response.facility), flush=True)
                # An application stores the position only after it has handled what came before it.
                if response.HasField("position"):
                    position = response.position
                give_up_at = time.monotonic() + patience
                seen += 1
                if seen >= changes:
                    return
        except grpc.RpcError as error:
            # The engine was restarted, or the network failed: a short wait, then on from the position.
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise
            if time.monotonic() >= give_up_at:
                sys.exit(f"no change for {patience:.0f} s")
            time.sleep(0.5)


def main() -> None:
    repository = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default="localhost:7101", help="host:port of the engine")
    parser.add_argument("--proto", type=pathlib.Path, default=repository / "proto", help="directory with vlot/")
    parser.add_argument("--changes", type=int, default=10, help="end after so many changes")
    parser.add_argument("--patience", type=float, default=60.0, help="give up after so many seconds without a change")
    parser.add_argument("ids", nargs="*", help="facilities by id; none: all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as generated:
        generate(options.proto.resolve(), generated)
        with grpc.insecure_channel(options.address) as channel:
            try:
                watch(channel, options.ids, options.changes, options.patience)
            except grpc.RpcError as error:
                sys.exit(f"{options.address}: {error.code().name}: {error.details()}")


if __name__ == "__main__":
    main()

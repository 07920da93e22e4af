"""Sends requests that must be refused, and prints a JSON list of [case, gRPC status code, message]."""

import argparse
import json
import math

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc


def request(
    model: str, shape: list[int], *, name: str = "image", datatype: str = "FP32", length: int | None = None
) -> service_pb2.ModelInferRequest:
    """A request with one input of zeros; `length` in bytes, by default what shape and datatype ask for."""
    size = 4 * math.prod(shape) if length is None else length
    tensor = service_pb2.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape)
    return service_pb2.ModelInferRequest(model_name=model, inputs=[tensor], raw_input_contents=[bytes(size)])


def cases(model: str, suspended: str, shape: list[int]) -> dict[str, service_pb2.ModelInferRequest]:
    smaller = [*shape[:-1], shape[-1] - 1]
    return {
        "wrong shape": request(model, smaller),
        "wrong rank": request(model, shape[1:]),
        "wrong batch": request(model, [shape[0] + 1, *shape[1:]]),
        "negative dimension": request(model, [*shape[:-1], -1], length=4),
        "wrong type": request(model, shape, datatype="INT32"),
        "too short": request(model, shape, length=100),
        "too long": request(model, shape, length=4 * math.prod(shape) + 4),
        "unknown input": request(model, shape, name="picture"),
        "no input": service_pb2.ModelInferRequest(model_name=model),
        "unknown task": request("nobody.default", shape),
        "suspended task": request(suspended, shape),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--suspended", required=True)
    parser.add_argument("--shape", required=True, help="the right shape, as 1,3,240,240")
    options = parser.parse_args()
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(options.address))
    shape = [int(dimension) for dimension in options.shape.split(",")]
    answers = []
    for name, message in cases(options.model, options.suspended, shape).items():
        try:
            stub.ModelInfer(message, timeout=10)
            answers.append([name, "OK", ""])
        except grpc.RpcError as error:
            answers.append([name, error.code().name, error.details()])
    print(json.dumps(answers))


if __name__ == "__main__":
    main()

"""A client of the Open Inference Protocol that compares each answer with the whole model run by OpenVINO.

Prints one JSON object: answered, refused, maxAbsDifference, maxAbsOutput, errors.
"""

import argparse
import json
import time

import numpy as np
import openvino as ov
import tritonclient.grpc as grpcclient
from tritonclient.utils import InferenceServerException


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="host:port of the inference endpoint")
    parser.add_argument("--model", required=True, help="model_name of the task: task.namespace")
    parser.add_argument("--onnx", required=True, help="the whole model, before it was split into stages")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--pause-ms", type=float, default=0, help="time between two requests")
    return parser.parse_args()


def whole_model(path: str) -> ov.CompiledModel:
    """The reference: the unsplit model in f32, as the runtime's engine computes."""
    return ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})


def infer(client: grpcclient.InferenceServerClient, model: str, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One request; the answer's outputs by name."""
    inputs = []
    for name, value in feeds.items():
        tensor = grpcclient.InferInput(name, list(value.shape), "FP32")
        tensor.set_data_from_numpy(value)
        inputs.append(tensor)
    answer = client.infer(model, inputs, client_timeout=10)
    return {output.name: answer.as_numpy(output.name) for output in answer.get_response().outputs}


def random_feeds(reference: ov.CompiledModel, batch: int, seed: int) -> dict[str, np.ndarray]:
    """Uniform values in [0, 1) for every input, different for each seed."""
    generator = np.random.default_rng(seed)
    feeds = {}
    for port in reference.inputs:
        shape = [batch, *(dimension.get_length() for dimension in list(port.partial_shape)[1:])]
        feeds[port.any_name] = generator.random(shape, dtype=np.float32)
    return feeds


def main() -> None:
    options = arguments()
    reference = whole_model(options.onnx)
    client = grpcclient.InferenceServerClient(options.address)
    result = {"answered": 0, "refused": 0, "maxAbsDifference": 0.0, "maxAbsOutput": 0.0, "errors": []}
    for seed in range(options.requests):
        feeds = random_feeds(reference, options.batch, seed)
        wanted = {port.any_name: value for port, value in reference(feeds).items()}
        try:
            seen = infer(client, options.model, feeds)
        except InferenceServerException as error:
            result["refused"] += 1
            result["errors"].append(f"request {seed}: {error}")
        else:
            result["answered"] += 1
            compare(result, wanted, seen)
        time.sleep(options.pause_ms / 1000)
    print(json.dumps(result))


def compare(result: dict, wanted: dict[str, np.ndarray], seen: dict[str, np.ndarray]) -> None:
    """Adds one answer to the result: its outputs must be those of the reference, by name and shape."""
    for name, value in wanted.items():
        if name not in seen or seen[name].shape != value.shape:
            shape = seen[name].shape if name in seen else "missing"
            result["errors"].append(f"output {name} is {shape}, wanted {value.shape}")
            continue
        difference = float(np.max(np.abs(seen[name] - value)))
        result["maxAbsDifference"] = max(result["maxAbsDifference"], difference)
        result["maxAbsOutput"] = max(result["maxAbsOutput"], float(np.max(np.abs(value))))


if __name__ == "__main__":
    main()

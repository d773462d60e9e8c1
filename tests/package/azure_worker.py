"""Microsoft's own worker library, driven by the host's messages: a program for a process of its own.

    python azure_worker.py APP_FOLDER < lines of JSON, an invocation each: {"function", "data": {name: [kind, text]}}

Prints a line of JSON for the index (functions with their bindings) and one for each invocation: what the function put
out, or the error that the host would count. The messages are plain objects with the fields of the host's protocol
(azure-functions-language-worker-protobuf, FunctionRpc.proto), which is all that the library asks for.
"""

import asyncio
import json
import logging
import sys
from types import SimpleNamespace
from typing import Any


class TypedData(SimpleNamespace):
    """One of string, bytes, json, ... is set; WhichOneof names it, as protobuf's does."""

    def WhichOneof(self, _: str) -> str | None:  # noqa: N802 - protobuf's name
        return next(iter(vars(self)), None)


class BindingInfo(SimpleNamespace):
    """Source: BindingInfo.Direction and BindingInfo.DataType of FunctionRpc.proto: `in` 0, `out` 1, `inout` 2."""

    out, inout, undefined = 1, 2, 0


class StatusResult(SimpleNamespace):
    Failure, Success = 0, 1


PROTOS = SimpleNamespace(
    BindingInfo=BindingInfo,
    StatusResult=StatusResult,
    TypedData=TypedData,
    **dict.fromkeys(
        (
            "FunctionMetadataResponse",
            "InvocationResponse",
            "ParameterBinding",
            "RpcException",
            "RpcFunctionMetadata",
            "WorkerInitResponse",
            "WorkerMetadata",
        ),
        SimpleNamespace,
    ),
)


async def main(folder: str) -> None:
    sys.path.insert(0, folder)
    import azure_functions_runtime as worker

    properties = {"host": "127.0.0.1", "protos": PROTOS}
    init = SimpleNamespace(capabilities={}, function_app_directory=folder)
    request = SimpleNamespace(request=SimpleNamespace(worker_init_request=init), properties=properties)
    answer = await worker.worker_init_request(request)
    if answer.result.status != StatusResult.Success:
        say({"error": answer.result.exception.message})
        return
    metadata = await worker.functions_metadata_request(request)
    ids = {each.name: each.function_id for each in metadata.function_metadata_results}
    say({each.name: [json.loads(text) for text in each.raw_bindings] for each in metadata.function_metadata_results})
    for number, line in enumerate(sys.stdin):
        asked = json.loads(line)
        say(await invoke(worker, ids[asked["function"]], str(number), asked["data"]))


async def invoke(worker: Any, function_id: str, number: str, data: Any) -> Any:
    inputs = [
        SimpleNamespace(name=name, data=TypedData(**{kind: text}), WhichOneof=lambda _: "data")
        for name, (kind, text) in data.items()
    ]
    invocation = SimpleNamespace(
        invocation_id=number,
        function_id=function_id,
        input_data=inputs,
        trigger_metadata={},
        trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )
    answer = await worker.invocation_request(
        SimpleNamespace(request=SimpleNamespace(invocation_request=invocation), properties={})
    )
    if answer.result.status != StatusResult.Success:
        return {"error": answer.result.exception.message}
    return {"output": {each.name: vars(each.data) for each in answer.output_data}}


def say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


logging.basicConfig(level=logging.INFO, format="%(name)s:%(message)s")
asyncio.run(main(sys.argv[1]))

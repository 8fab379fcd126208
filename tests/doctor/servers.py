"""A gRPC server that answers as a test wants it."""

import contextlib

from concurrent import futures

import grpc


@contextlib.contextmanager
def grpc_server(answer):
    """A gRPC server that answers every call by *answer*, which gets the context."""

    class Everything(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(lambda _request, context: answer(context))

    with futures.ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads, handlers=[Everything()])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield port
        finally:
            server.stop(None).wait()

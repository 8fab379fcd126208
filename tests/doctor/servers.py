"""Servers that answer as a test wants it: over gRPC, and whatever comes in plain HTTP."""

import contextlib
import socketserver
import threading

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


@contextlib.contextmanager
def plain_server():
    """The port of a server that takes the first bytes, whatever they are, for a bad request."""

    class Refuse(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refuse) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()

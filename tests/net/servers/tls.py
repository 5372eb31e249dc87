#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tls.py CERTIFICATE KEY KIND:PORT[:ADDRESS]...: web servers that do with TLS,
HTTP/2 and interim responses what they may, or should not; on all addresses of
both families, or on one of IPv4. "ready" is printed once they listen."""
import socket
import ssl
import struct
import sys
import threading
import time

SHORT = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nyes"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLocation: /no\r\n\r\n"
RST_STREAM, SETTINGS, GOAWAY, HTTP_1_1_REQUIRED = 3, 4, 7, 13


def read_head(conn):
    head = b""
    while b"\r\n\r\n" not in head:
        data = conn.recv(65536)
        if not data:
            return None
        head += data
    return head


def answering(*parts):
    """Parts of an answer, or seconds between them."""
    def serve(conn):
        if read_head(conn) is None:
            return
        for part in parts:
            if isinstance(part, float):
                time.sleep(part)
            else:
                conn.sendall(part)
    return serve


def frame(kind, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, 0]) + struct.pack(">I", stream) + payload


def only_http11(kind, stream, payload):
    """HTTP/2 is agreed on, and refused by a frame; HTTP/1.1 is served."""
    def serve(conn):
        if conn.selected_alpn_protocol() != "h2":
            return answering(SHORT)(conn)
        conn.recv(65536)
        conn.sendall(frame(SETTINGS, 0, b""))
        time.sleep(0.05)
        conn.sendall(frame(kind, stream, payload))
        time.sleep(0.2)
    return serve


ERROR = struct.pack(">I", HTTP_1_1_REQUIRED)

# Seconds before the handshake (None: no TLS), protocols, what is served.
KINDS = {
    "slow": (3.6, ["http/1.1"], answering(SHORT)),
    "stream": (0, ["h2", "http/1.1"], only_http11(RST_STREAM, 1, ERROR)),
    "goaway": (0, ["h2", "http/1.1"], only_http11(GOAWAY, 0, struct.pack(">I", 0) + ERROR)),
    "hints": (None, [], answering(HINTS, 0.15, SHORT)),
    "hints_twice": (None, [], answering(HINTS, HINTS, 0.15, SHORT)),
    "hints_alone": (None, [], answering(HINTS, 30.0)),
    "processing_tls": (0, ["http/1.1"], answering(b"HTTP/1.1 102 Processing\r\n\r\n", 0.15, SHORT)),
    "long_line": (None, [], answering(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 400000 + b"\r\n\r\n")),
    "long_header": (None, [], answering(b"HTTP/1.1 200 OK\r\n" + b"X: yyyyyyyy\r\n" * 40000 + b"\r\n")),
}


def serve(conn, kind, certificate, key):
    delay, protocols, answer = KINDS[kind]
    try:
        if delay is not None:
            time.sleep(delay)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            context.set_alpn_protocols(protocols)
            conn = context.wrap_socket(conn, server_side=True)
        answer(conn)
    except (OSError, ssl.SSLError):
        pass
    finally:
        conn.close()


def listen(kind, port, family, address, files):
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, port))
    server.listen(64)

    def loop():
        while True:
            conn = server.accept()[0]
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(conn, kind, *files), daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()


for word in sys.argv[3:]:
    name, number, *where = word.split(":")
    listen(name, int(number), socket.AF_INET, *(where or ["0.0.0.0"]), sys.argv[1:3])
    if not where:
        listen(name, int(number), socket.AF_INET6, "::", sys.argv[1:3])
print("ready", flush=True)
time.sleep(3600)

"""Clients that send exact bytes over exact sockets: raw-client.py WHAT HOST. It knows nothing of Gor."""
import http.client
import socket
import struct
import sys
import time

PORT = 8973
WHAT, HOST = sys.argv[1], sys.argv[2]


def connect(source_port=0, window=None):
    family = socket.AF_INET6 if ":" in HOST else socket.AF_INET
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if source_port:
        s.bind(("", source_port))
    s.settimeout(20)
    s.connect((HOST, PORT))
    return s


def get(target, *fields):
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: a", *fields, "", ""]).encode()


def post(target, body, *fields):
    return "\r\n".join([f"POST {target} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *fields, "", ""]).encode() + body


def read_until(s, marks, count=1):
    """Reads until `marks` was seen `count` times, or the other side closed."""
    got = b""
    while got.count(marks) < count:
        more = s.recv(65536)
        if not more:
            break
        got += more
    return got


def ask(s, *pieces, answers=1, pause=0.02):
    """Sends each piece as a segment of its own, then waits for so many answers."""
    for piece in pieces:
        s.sendall(piece)
        time.sleep(pause)
    return read_until(s, b"HTTP/1.1 ", answers)


def linger_zero(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def pipelining():
    s = connect()
    ask(s, get("/1?delay=50") + post("/2", b"a body") + get("/3?size=9") + get("/4?chunked"), answers=4)
    ask(s, get("/5")[:20], get("/5")[20:] + post("/6", b"GET /in-a-body HTTP/1.1\r\nHost: a\r\n\r\n") + get("/7")[:3], get("/7")[3:], answers=3)
    s.close()
    s = connect()  # every byte a segment
    ask(s, *[bytes([b]) for b in get("/bytes") + post("/bytes", b"12345")], answers=2, pause=0.002)
    s.close()


def chunked():
    def head(target, *fields):
        return "\r\n".join([f"POST {target} HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", *fields, "", ""]).encode()

    s = connect()
    ask(s, head("/extensions"), b'5;name=value;quoted="a;b"\r\nhello\r\n', b"0006;x\r\n world\r\n0;last\r\n\r\n")
    ask(s, head("/trailers", "Trailer: Digest"), b"A\r\n0123456789\r\n", b"0\r\nDigest: abc\r\nSecond:  two \r\n\r\n")
    ask(s, head("/empty") + b"0\r\n\r\n" + head("/looks-like-one") + b"23\r\n" + b"GET /in-a-chunk HTTP/1.1\r\nA: bc\r\n\r\n" + b"\r\n0\r\n\r\n", answers=2)
    whole = head("/split") + b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
    ask(s, *[whole[at : at + 7] for at in range(0, len(whole), 7)], pause=0.002)
    s.close()
    c = http.client.HTTPConnection(HOST, PORT)
    c.request("PUT", "/http-client", body=iter([b"one ", b"two ", b"three"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    c.getresponse().read()
    c.close()


def expect_refused():
    s = connect()
    ask(s, b"POST /refused?refuse=417 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
    time.sleep(0.1)
    ask(s, get("/after-refusal"))
    ask(s, post("/and-another", b"x" * 10))
    s.close()


def connect_refused():
    s = connect()
    ask(s, b"CONNECT refused.example:443 HTTP/1.1\r\nHost: refused.example:443\r\n\r\n")
    time.sleep(0.1)
    ask(s, get("/after-refusal"))
    s.close()


def websocket():
    s = connect()
    fields = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==")
    ask(s, get("/before"))
    ask(s, get("/chat", *fields))
    for text in [b"hello", get("/said-by-the-client")]:  # masked with zeros, so that it stands there as it is
        s.sendall(struct.pack("!BBI", 0x81, 0x80 | len(text), 0) + text)
        time.sleep(0.05)
    s.sendall(get("/said-by-a-client-that-breaks-the-rules"))
    time.sleep(0.05)
    s.sendall(struct.pack("!BBI", 0x88, 0x80, 0))
    read_until(s, b"\x88\x00")
    s.close()


def proxy_v2():
    s = connect()
    addresses = socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.8") + struct.pack("!HH", 4000, 80)
    ask(s, b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(addresses)) + addresses + get("/proxied"))
    ask(s, get("/second"))
    s.close()


def resets():
    s = connect()
    ask(s, get("/reset-after-answer"))
    linger_zero(s)
    s = connect()
    ask(s, get("/before-reset"))
    s.sendall(post("/not-whole/reset-in-body", b"x" * 100)[:-50])
    time.sleep(0.05)
    linger_zero(s)
    s = connect()
    s.sendall(get("/reset-before-answer?delay=200"))
    time.sleep(0.05)
    linger_zero(s)
    s = connect()  # half-closed: the answer comes behind the client's FIN
    s.sendall(get("/half-closed?delay=200&size=100"))
    s.shutdown(socket.SHUT_WR)
    read_until(s, b"never")
    s.close()
    s = connect()
    s.sendall(get("/not-whole/fin-in-head")[:-4])
    s.shutdown(socket.SHUT_WR)
    read_until(s, b"never")
    s.close()
    s = connect()
    ask(s, get("/server-closes?close"))
    read_until(s, b"never")
    s.close()
    connect().close()  # no data at all


def keep_alive_probes():
    s = connect()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    for target in ("/first", "/second", "/third"):
        ask(s, get(target))
        time.sleep(2.5 if target != "/third" else 0)
    s.close()


def zero_window():
    s = connect()
    s.sendall(post("/slow?slow=1500", b"0123456789" * 2000))
    read_until(s, b"HTTP/1.1 ")
    ask(s, get("/after"))
    s.close()


def port_reuse():
    for number, end in enumerate(("fin", "reset", "reset", "server")):
        s = connect(source_port=40973)
        if end == "reset":
            ask(s, post(f"/connection-{number}/first", b"body"))
        ask(s, get(f"/connection-{number}" + ("" if end == "reset" else "?close")))
        if end == "reset":
            linger_zero(s)
        else:
            read_until(s, b"never")
            s.close()
        time.sleep(0.1)


def not_captured_whole():
    """The capture's filter leaves out segments of 700 bytes."""
    s = connect()
    ask(s, get("/1"))
    body = post("/not-whole/in-a-body", b"GET /never-a-request HTTP/1.1\r\nHost: a\r\n\r\n" * 60)
    ask(s, body[:900], body[900:1600], body[1600:])
    ask(s, get("/behind-a-body"))
    long = get("/not-whole/in-a-head", "X-Long: " + "y" * 1500)
    ask(s, long[:100], long[100:800], long[800:])
    ask(s, get("/behind-a-head"))
    small = get("/not-whole/all", "X-Pad: ")
    ask(s, get("/not-whole/all", "X-Pad: " + "z" * (700 - len(small))))
    ask(s, get("/behind-it"))
    s.close()


def snap_length():
    s = connect()  # heads of which a short snap length leaves nothing out, and others
    for target in ("/a", "/b"):
        ask(s, f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    ask(s, get("/not-whole/head", "User-Agent: " + "u" * 200))
    ask(s, get("/c"))
    ask(s, post("/not-whole/body", b"b" * 300))
    ask(s, get("/d"))
    s.close()


def many():
    s = connect()
    for number in range(12):
        ask(s, post(f"/{number}?size=300", bytes([97 + number]) * (number * 400)), pause=0)
    s.close()


def midstream():
    """Waits for a line on stdin in the middle of each of two connections: the capture starts then."""
    between, inside = connect(), connect()
    ask(between, get("/before-the-capture"))
    body = post("/not-whole/begun-before", b"-" * 300 + b"BREW /in-a-body HTTP/1.1\r\n\r\nGET /in-a-body is a line of text\r\n")
    begun = body.index(b"BREW")
    inside.sendall(body[:begun])
    print("now", flush=True)
    sys.stdin.readline()
    ask(inside, body[begun:])
    for s in (between, inside):
        ask(s, get("/seen"))
        ask(s, post("/seen", b"a body"))
        s.close()


globals()[WHAT.replace("-", "_")]()

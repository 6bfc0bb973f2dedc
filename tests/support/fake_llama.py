"""A program that behaves on the command line as a llama.cpp server does, or in one of its bad ways."""

import os
import stat
import sys

_CODE = """#!{python} -S
import json, os, signal, sys, time
sys.path[:0] = {path!r}
SAYS = {says!r}
if "--version" in sys.argv:
    print("version: 9 (abcdef0)", file=sys.stderr)
    sys.exit()
{bad}
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({{"status": "ok"}})
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({{"choices": [{{"message": {{"content": SAYS}}, "finish_reason": "stop"}}]}})
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Handler)
about = {{"words": sys.argv[1:], "id": os.getpid(), "environment": [n for n in os.environ if n.startswith("LLAMA")]}}
open({about!r}, "w").write(json.dumps(about))
print("0.01 I srv llama_server: listening on http://127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
"""


def fake_llama(folder, *, bad="", says="Hi"):
    """The program; `bad` is run before it listens, and `about.json` beside it says how it was started."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "llama-server"
    path = [one for one in sys.path if one and "site-packages" not in one]
    about = str(folder / "about.json")
    program.write_text(_CODE.format(python=sys.executable, path=path, says=says, bad=bad, about=about))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def is_running(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True

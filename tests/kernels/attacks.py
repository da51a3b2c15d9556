"""What a hostile notebook tries, one cell each. A cell prints REACHED when it gets what it wants.

Each source is run in an ordinary kernel, where it must succeed (an attack that works nowhere proves
nothing), and in a confined one, where it must not. `T` holds what to aim at.
"""

from __future__ import annotations

PREAMBLE = """
import ctypes, json, os, socket, subprocess, sys, threading
T = json.loads({targets!r})
libc = ctypes.CDLL(None, use_errno=True)
def system_call(number, *arguments):
    result = libc.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def has(path, text):
    if text in open(path, errors="replace").read():
        print("REACHED")
"""

REACHES = {
    "TCP on another host or this one": """
with socket.create_connection(("127.0.0.1", T["tcp"]), timeout=5) as s:
    print("REACHED" if s.recv(5) == b"hello" else "no")
""",
    "UDP": """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(b"ping", ("127.0.0.1", T["udp"]))
print("REACHED" if s.recv(5) == b"pong" else "no")
""",
    "a server of its own on loopback": """
listener = socket.create_server(("127.0.0.1", 0))
print("REACHED")
""",
    "a unix socket by its path": """
s = socket.socket(socket.AF_UNIX)
s.connect(T["unix"])
print("REACHED" if s.recv(5) == b"hello" else "no")
""",
    "a unix socket by its abstract name": """
s = socket.socket(socket.AF_UNIX)
s.connect("\\0" + T["abstract"])
print("REACHED" if s.recv(5) == b"hello" else "no")
""",
    "the sockets of another kernel": """
import glob
names = glob.glob(T["other_kernel"] + "/*")
s = socket.socket(socket.AF_UNIX)
s.connect(sorted(names)[0])
print("REACHED")
""",
    "a descriptor of another process": """
process = os.pidfd_open(T["victim"])
stolen = system_call(438, process, T["victim_descriptor"], 0)
print("REACHED" if stolen >= 0 else "no")
""",
    "the users of the machine": 'has("/etc/passwd", "root:")',
    "the tests": 'has(T["repository"] + "/tests/kernels/attacks.py", "hostile")',
    "the exercises with their answers": """
print("REACHED" if os.listdir(T["repository"] + "/autograder/exercises") else "no")
""",
    "the kernels' own source": """
has(T["repository"] + "/autograder/kernels/confine.py", "import")
""",
    "the solutions": 'has(T["class"] + "/solutions/answer.py", "secret answer")',
    "the gradebook": 'has(T["class"] + "/gradebook.db", "secret grades")',
    "another student's submission": 'has(T["class"] + "/submitted/bob/nb.py", "secret work")',
    "a file hidden inside what is visible": 'has(T["library"] + "/cells/lstm.py", "secret gates")',
    "its compiled form": """
print("REACHED" if os.listdir(T["library"] + "/cells/__pycache__") else "no")
""",
    "a notebook beside the own one": 'has("hidden_tests.ipynb", "secret tests")',
    "what a link in the working directory points to": 'has("link", "secret grades")',
    "the working directory outside, for writing": """
open(T["work"] + "/planted.txt", "w").write("planted")
print("WROTE")
""",
    "a directory outside, for writing": """
open(T["class"] + "/planted.txt", "w").write("planted")
print("WROTE")
""",
    "what is visible, for writing": """
open(T["library"] + "/cells/rnn.py", "a").write("planted")
print("REACHED")
""",
    "the machine's shared memory": """
open("/dev/shm/" + T["planted_name"], "w").write("planted")
print("WROTE")
""",
    "a signal to another process": """
os.kill(T["victim"], 0)
print("REACHED")
""",
    "another process by ptrace": """
PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
system_call(101, PTRACE_SEIZE, T["victim"], 0, 0)
print("REACHED")
import signal
os.kill(T["victim"], signal.SIGSTOP)
os.waitpid(T["victim"], 0x40000000)
system_call(101, PTRACE_DETACH, T["victim"], 0, 0)
os.kill(T["victim"], signal.SIGCONT)
""",
    "another process's command line": """
has(f"/proc/{T['victim']}/cmdline", "victim.py")
""",
    "secrets in the client's environment": """
print("REACHED" if os.environ.get("A_SECRET_OF_THE_GRADER") else "no")
""",
    "its own place in the queue of the memory killer": """
open("/proc/self/oom_score_adj", "r+").write("0")
print("REACHED")
""",
    "life without its supervisor": """
print("REACHED" if libc.prctl(1, 0, 0, 0, 0) == 0 else "no")
""",
    "many processes": """
children = []
try:
    for _ in range(150):
        child = os.fork()
        if child == 0:
            os.read(os.pipe()[0], 1)
            os._exit(0)
        children.append(child)
    print("REACHED")
finally:
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
""",
    "many threads": """
enough = threading.Event()
threads = []
try:
    for _ in range(150):
        threads.append(threading.Thread(target=enough.wait))
        threads[-1].start()
    print("REACHED")
finally:
    enough.set()
    for thread in threads:
        if thread.ident:
            thread.join()
""",
    "a full disk": """
try:
    for index in range(4):
        with open(f"big{index}", "wb") as file:
            file.write(bytes(15 << 20))
    print("REACHED")
finally:
    for index in range(4):
        if os.path.exists(f"big{index}"):
            os.remove(f"big{index}")
""",
    "a huge file": """
try:
    with open("huge", "wb") as file:
        file.write(bytes(25 << 20))
    print("REACHED")
finally:
    os.remove("huge")
""",
}

# Only root can do these where nothing confines it.
REACHES_AS_ROOT = {
    "the control socket of the zygote": """
process = os.pidfd_open(T["zygote"])
for number in range(3, 40):
    try:
        stolen = system_call(438, process, number, 0)
    except OSError as error:
        if error.errno != 9:
            raise
        continue
    if "socket" in os.readlink(f"/proc/self/fd/{stolen}"):
        print("REACHED")
        break
""",
    "the memory of the zygote": """
print("REACHED" if open(f"/proc/{T['zygote']}/maps").read() else "no")
""",
    "a mount": """
libc.unshare.restype = ctypes.c_int
child = os.fork()
if child == 0:
    os._exit(0 if libc.unshare(0x20000) == 0 else 1)
print("REACHED" if os.waitpid(child, 0)[1] == 0 else "no")
""",
}

# These need more memory than they may have, in ways of which some are refused at once.
HOARDS = {
    "shared memory": """
import mmap
shared = mmap.mmap(-1, 400 << 20)
for start in range(0, 400 << 20, 1 << 20):
    shared[start : start + (1 << 20)] = b"x" * (1 << 20)
print("REACHED")
""",
    "memory of children": """
import os
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        block = b"x" * (100 << 20)
        os.read(os.pipe()[0], 1)
        os._exit(0)
    children.append(child)
import threading
threading.Event().wait(1)
print("REACHED" if all(os.waitpid(child, os.WNOHANG)[0] == 0 for child in children) else "no")
for child in children:
    os.kill(child, 9)
    os.waitpid(child, 0)
""",
    "what waits in sockets": """
import os, socket, threading
children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        pairs = [socket.socketpair() for _ in range(450)]
        for one, _ in pairs:
            one.setblocking(False)
            try:
                while True: one.send(bytes(1 << 16))
            except BlockingIOError:
                pass
        os.read(os.pipe()[0], 1)
        os._exit(0)
    children.append(child)
threading.Event().wait(2)
print("REACHED" if all(os.waitpid(child, os.WNOHANG)[0] == 0 for child in children) else "no")
for child in children:
    os.kill(child, 9)
    os.waitpid(child, 0)
""",
}
HOARD_LIMITS = {"memory_mb": 250}

# These end the kernel: what must be the reason, with which limits.
ENDS = {
    "memory": (
        "blocks = [bytes([i]) * (10 << 20) for i in range(60)]\nprint('REACHED')",
        {"memory_mb": 250},
    ),
    "cpu": (
        "import time\nwhile time.process_time() < 2: pass\nprint('REACHED')",
        {"cpu_seconds": 1},
    ),
    "wall": (
        "import threading\nthreading.Event().wait(1.5)\nprint('REACHED')",
        {"wall_seconds": 1},
    ),
    "output": (
        "for _ in range(80): print('x' * (1 << 18))\nprint('REACHED')",
        {"output_mb": 5},
    ),
}

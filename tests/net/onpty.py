#!/usr/bin/env python3
# onpty.py COLUMNS ROWS COMMAND [ARG...]: runs a command with a terminal of
# this size for its output and errors; prints the bytes that came, ends with the command's status.
# Bounded: 60 s.
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

columns, rows = int(sys.argv[1]), int(sys.argv[2])
child, terminal = pty.fork()
if child == 0:
    time.sleep(0.2)  # until the size is set
    os.execvp(sys.argv[3], sys.argv[3:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
end = time.monotonic() + 60
while time.monotonic() < end:
    if not select.select([terminal], [], [], 1)[0]:
        continue
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
else:
    os.kill(child, signal.SIGKILL)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

"""Runs a command on a terminal of its own: terminal.py COMMAND... with the answers to its questions
as lines of the standard input. What the terminal shows is the output; the exit code is the command's."""
import os
import pty
import sys

answers = [line.rstrip('\n') for line in sys.stdin]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b''
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:  # the command has closed its side
        break
    if not piece:
        break
    shown += piece
    if piece.endswith(b': ') and answers:
        os.write(terminal, answers.pop(0).encode() + b'\n')
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

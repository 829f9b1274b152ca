"""What was measured on."""

import os
import platform
import re
import statistics
import subprocess
import time


def _output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines else None


def _find(path, pattern):
    with open(path) as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found.group(1) if found else None


def sync_cost_us(directory, times=200):
    """What it costs to append 4 KiB to a file and have it on disk: the median, and the worst of
    100."""
    path = os.path.join(directory, 'sync-cost')
    taken = []
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        for _ in range(times):
            begun = time.perf_counter()
            os.write(file, b'\0' * 4096)
            os.fdatasync(file)
            taken.append((time.perf_counter() - begun) * 1e6)
    finally:
        os.close(file)
        os.unlink(path)
    return {'median': round(statistics.median(taken)),
            'p99': round(statistics.quantiles(taken, n=100)[98])}


def describe(root, souk, directory):
    return {
        'taken_at': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        'commit': _output('git', '-C', root, 'describe', '--always', '--dirty'),
        'cpu': _find('/proc/cpuinfo', r'^model name\s*: (.*)$') or platform.machine(),
        'cores': len(os.sched_getaffinity(0)),
        'memory_mib': int(_find('/proc/meminfo', r'^MemTotal:\s*(\d+)')) // 1024,
        'kernel': f'{platform.system()} {platform.release()}',
        'system': _find('/etc/os-release', r'^PRETTY_NAME="?([^"\n]*)'),
        'file_system': _output('stat', '-f', '-c', '%T', directory),
        'sync_us': sync_cost_us(directory),
        'load_average': os.getloadavg()[0],
        'versions': {
            'souk': _output(souk, 'version'),
            **{name: _output('pkg-config', '--modversion', name)
               for name in ('libmicrohttpd', 'sqlite3', 'libsodium', 'libuv', 'jansson')},
            'compiler': _output('cc', '--version'),
            'wrk': _output('wrk', '-v'),
        },
    }

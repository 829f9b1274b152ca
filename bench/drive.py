"""Drives: wrk and buy, each with the CPU that the asked process used meanwhile."""

import json
import os
import resource
import subprocess
import time

from shop import TICKS, process_cpu

BENCH = os.path.dirname(os.path.abspath(__file__))


def machine_busy():
    """Seconds that all cores together have been busy, and those that the host kept from them."""
    with open('/proc/stat') as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(pid, command, **options):
    """Runs a driver against the process `pid`: its output, and {seconds, cpu_seconds, others}.

    `others` is how many cores were busy with neither of them nor us: other people's work."""
    busy, steal = machine_busy()
    cpu, children, own = process_cpu(pid), children_cpu(), time.process_time()
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, **options)
    seconds = time.monotonic() - begun
    if done.returncode:
        raise RuntimeError(f'{" ".join(command[:4])}: {done.stderr[-2000:]}{done.stdout[-2000:]}')
    cpu = process_cpu(pid) - cpu
    ours = cpu + children_cpu() - children + time.process_time() - own
    after, steal_after = machine_busy()
    return done, {
        'wall_seconds': seconds,
        'cpu_seconds': cpu,
        'others': max(0.0, (after - busy + steal_after - steal - ours) / seconds),
    }


def result(answer, use):
    """What every driver's measurement comes to."""
    requests = answer['requests']
    return {
        'per_second': requests / answer['seconds'],
        **{key: answer[key] for key in ('p50_ms', 'p90_ms', 'p99_ms', 'max_ms', 'requests',
                                        'failed', 'unanswered', 'seconds')},
        'cpu_us': use['cpu_seconds'] * 1e6 / max(requests, 1),
        'others': use['others'],
        **{key: answer[key] for key in ('good', 'paid', 'bytes') if key in answer},
    }


def wrk_command(url, script, arguments, connections, seconds, threads=1):
    return ['wrk', f'-t{threads}', f'-c{connections}', f'-d{seconds}s', '--timeout', '20s',
            '-s', f'{BENCH}/wrk/{script}.lua', url, '--', *arguments]


def wrk_says(output, words):
    line = next((line for line in output.splitlines() if line.startswith('RESULT ')), None)
    if not line:
        raise RuntimeError(f'wrk says nothing: {output[-500:]}{words[-500:]}')
    return json.loads(line[len('RESULT '):])


def wrk(pid, url, script, arguments, connections, seconds, threads=1):
    done, use = measured(pid, wrk_command(url, script, arguments, connections, seconds, threads),
                         env={**os.environ, 'BENCH': BENCH})
    return result(wrk_says(done.stdout, done.stderr), use)


def wrk_together(url, seconds, drives):
    """Several wrks at the same time, each (script, arguments, connections): their results, in
    order. Whose CPU it was cannot be told."""
    running = [subprocess.Popen(wrk_command(url, *drive, seconds), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**os.environ, 'BENCH': BENCH}) for drive in drives]
    results = []
    for process in running:
        output, words = process.communicate()
        answer = result(wrk_says(output, words), {'cpu_seconds': 0, 'others': None})
        del answer['cpu_us']
        results.append(answer)
    return results


def buy(programs, pid, port, rate, seconds, connections, tokens, products, bought):
    done, use = measured(pid, [f'{programs}/buy', str(port), str(rate), str(seconds),
                               str(connections), tokens, products, bought])
    return result(json.loads(done.stdout), use)

"""How long Kinora takes to end after Ctrl-C, at random moments of large runs.

    python tests/bench/cancel_time.py --kinora build/release/bin/kinora [CASE...] [--model FILE] [--tries 10]
        [--seed 1] [--limit 1.0]

A CASE is a row of CASES below; all of them without one. "image" needs --model, a checkpoint or a folder of SDXL's
size: its moments are loading, encoding, steps and decoding. Each try starts the program anew, sends SIGINT at a moment
drawn evenly from the length of the run (which an undisturbed run measures first), and waits for its end. Printed
is, by what the program was at, the longest and the middle of these times. The command ends with 1 where one of them is
over the limit, or the program ended otherwise than by being interrupted.
"""

import argparse
import collections
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

CASES = {  # name: arguments; {model} and {output} are filled in
    "unet": ["bench", "unet", "--arch", "sdxl", "--repeat", "1"],
    "unet-f32": ["bench", "unet", "--arch", "sdxl", "--dtype", "f32", "--repeat", "1"],
    "vae-f32": ["bench", "vae", "--arch", "sdxl", "--dtype", "f32", "--repeat", "1"],
    "image": ["image", "--model", "{model}", "--prompt", "a cat", "--steps", "2", "--width", "1024", "--height",
              "1024", "--output", "{output}"],
}
INTERRUPTED = 130


class Run:
    """The program at work; `place` says what it told last."""

    def __init__(self, command):
        self.place = "starting"
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.listener = threading.Thread(target=self.listen)
        self.listener.start()

    def listen(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "loading":  # a component that is there is followed by another, or by work
                self.place = "loading" if event["fraction"] < 1 else "loading or first step"
            elif event["event"] == "step":
                self.place = "decoding" if event["done"] == event["all"] else "steps"

    def interrupt_at(self, seconds):
        """-> where it was, the seconds that it took to end; None where it had ended before."""
        time.sleep(max(0.0, self.start + seconds - time.monotonic()))
        place, sent = self.place, time.monotonic()
        if self.process.poll() is not None:
            self.wait()
            return None
        self.process.send_signal(signal.SIGINT)
        self.wait()
        return place, time.monotonic() - sent

    def wait(self):
        self.process.wait()
        self.ended = time.monotonic()
        self.listener.join()
        self.process.stdout.close()


def command_of(args, case, folder):
    fills = {"model": args.model, "output": os.path.join(folder, "picture.png")}
    return [args.kinora, *(word.format(**fills) for word in CASES[case]), "--json"]


def measure(args, case, draw):
    """-> rows of (place, seconds, moment), and whether the program always ended as it should."""
    with tempfile.TemporaryDirectory() as folder:
        command = command_of(args, case, folder)
        whole = Run(command)
        whole.wait()
        length = whole.ended - whole.start
        if whole.process.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {whole.process.returncode}")
        rows, good = [], True
        while len(rows) < args.tries:
            for name in os.listdir(folder):
                os.remove(os.path.join(folder, name))
            run, moment = Run(command), draw.uniform(0, length)
            result = run.interrupt_at(moment)
            if result is None:
                continue
            # Before it listens to the signal, the system ends it.
            if run.process.returncode not in (INTERRUPTED, -signal.SIGINT):
                print(f"{case}, {moment:.1f} s: ended with {run.process.returncode}", file=sys.stderr)
                good = False
            rows.append((*result, moment))
    return length, rows, good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], help="rows of CASES; none: all")
    parser.add_argument("--kinora", default="build/release/bin/kinora")
    parser.add_argument("--model", help="a file or folder of SDXL's size")
    parser.add_argument("--tries", type=int, default=10, help="of each case")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--limit", type=float, default=1.0, help="seconds")
    args = parser.parse_args()
    cases = args.cases or [case for case in CASES if case != "image" or args.model]
    if "image" in cases and not args.model:
        parser.error("image needs --model")
    draw, all_good = random.Random(args.seed), True
    print("| case | length | at | tries | middle | longest |\n|---|---|---|---|---|---|", flush=True)
    for case in cases:
        length, rows, good = measure(args, case, draw)
        places = collections.defaultdict(list)
        for place, seconds, _ in rows:
            places[place].append(seconds)
        for place, took in places.items():
            print(f"| {case} | {length:.1f} s | {place} | {len(took)} | {statistics.median(took):.2f} s "
                  f"| {max(took):.2f} s |", flush=True)
        for place, seconds, moment in rows:
            if seconds > args.limit:
                print(f"{case}: {seconds:.2f} s at {moment:.2f} s, {place}", file=sys.stderr)
        all_good = all_good and good and max(seconds for _, seconds, _ in rows) <= args.limit
    sys.exit(0 if all_good else 1)


if __name__ == "__main__":
    main()

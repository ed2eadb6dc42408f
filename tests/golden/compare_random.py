"""Compares Kinora with diffusers on models and runs that nobody chose.

    python tests/golden/compare_random.py --kinora build/release/bin/kinora --seed 1 --models 50

Each model has a random config and random weights; each run of it a random pipeline, sampler, size,
prompt, picture and mask, and LoRAs, nets that steer, learnt words and the like. A line for each run
says how far the final latents in f32 are from those of diffusers, max|a - b| / max|b|; a picture may
be one step of 8 bits from what diffusers' VAE makes of these latents. What both refuse, or the
reference alone, counts as nothing; what weights that differ in their last bits carry as far ("ill")
counts as nothing, too. A model may come again as one file in the layout of its first authors: its
latents are to be the folder's, bit by bit. At the end stands what was compared, how often, and what
was never drawn. Exit code 1 where a run is over the limit or is refused here alone. The same seed
gives the same models and runs.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import diffusers
import torch
import transformers
from safetensors.torch import load_file

import random_models
import random_runs
import random_tally
from random_single_files import NoFile

LIMIT = 1e-3
ILL = 30  # times what the last bits of the weights change
KINDS = ["sd"] * 5 + ["sdxl"] * 3 + ["inpaint9", "edit", "lcm", "sdxl-inpaint9", "refiner"]


def by_reference(run):
    """Final latents, or why there are none."""
    try:
        latents = run.reference()
        return latents if latents.isfinite().all() else "not finite"
    except (ValueError, RuntimeError, IndexError, AttributeError, TypeError) as error:
        return str(error)


def compare(run, kinora):
    """(verdict, what to say): verdicts "ok", "ill" and "skip" are no failures."""
    path = os.path.join(run.work, "latents.safetensors")
    done = subprocess.run([kinora, *run.options(path)], capture_output=True, text=True, check=False)
    wanted = by_reference(run)
    if isinstance(wanted, str):
        return "skip", "reference: " + " ".join(wanted.split())[:90]
    if done.returncode:
        return "REFUSED", " ".join(done.stderr.split())[:200]
    found = load_file(path)["latents"]
    os.remove(path)
    if found.shape != wanted.shape:
        return "SHAPE", f"{list(found.shape)}, not {list(wanted.shape)}"
    off = ((found - wanted).abs().max() / wanted.abs().max()).item()
    if off <= LIMIT:
        pixels = run.picture_is_off(found)
        if pixels > 1:
            return "PIXELS", f"{pixels} of 255"
        return compare_single_file(run, kinora, path) or ("ok", f"{off:.1e}")
    loose = run.sensitivity(wanted)
    return "ill" if off < ILL * loose else "OFF", f"{off:.1e}, last bits {loose:.1e}"


def compare_single_file(run, kinora, path):
    """As compare; None where all is well."""
    if isinstance(run.single_file, NoFile):
        return None
    model, same, (command, environment) = run.single_file.write(kinora)
    found = []
    for place in (model, same):
        done = subprocess.run([*command, *run.options(path, place)], env=environment,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            return "REFUSED", f"{os.path.basename(place)}: " + " ".join(done.stderr.split())[:200]
        found.append(load_file(path)["latents"])
        os.remove(path)
    if torch.equal(*found):
        return None
    return "FILE", f"{((found[0] - found[1]).abs().max() / found[1].abs().max()).item():.1e}"


def runs_of(model, arguments):
    """Compares the runs of a model: a verdict of each, and what was compared."""
    draw = random.Random(model)
    kind = arguments.kind or draw.choice(KINDS)
    with tempfile.TemporaryDirectory() as work:
        folder = random_models.build(os.path.join(work, "model"), draw, kind)
        for number in range(arguments.runs):
            run = random_runs.Run(random.Random(1000 * model + number), folder, work)
            verdict, text = compare(run, arguments.kinora)
            print(f"{verdict:7} {model}.{number} {run.describe()}: {text}", flush=True)
            yield verdict, run.features()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinora", default="build/release/bin/kinora")
    parser.add_argument("--seed", type=int, default=1, help="of the first model")
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--runs", type=int, default=4, help="of each model")
    parser.add_argument("--kind", choices=list(random_models.CLASSES), help="one kind alone")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    for library in (diffusers, transformers):
        library.logging.set_verbosity_error()
        library.logging.disable_progress_bar()
    counts, tally = {}, random_tally.Tally()
    try:
        for model in range(arguments.seed, arguments.seed + arguments.models):
            for verdict, features in runs_of(model, arguments):
                counts[verdict] = counts.get(verdict, 0) + 1
                tally.add(verdict, features)
    except KeyboardInterrupt:  # the list of what was compared until here
        pass
    tally.print()
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return any(verdict not in ("ok", "ill", "skip") for verdict in counts)


if __name__ == "__main__":
    sys.exit(main())

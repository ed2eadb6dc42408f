"""Measures Kinora's starter image model: does a picture show what was asked for, in the style asked for?

    python evaluate.py judge    --data ../datasets/images --work WORK   # trains the judge on real pictures
    python evaluate.py generate --work WORK --kinora build/release/bin/kinora --out PICTURES -- --steps 20 --cfg 4
    python evaluate.py report   --data ../datasets/images --work WORK --pictures PICTURES
    python evaluate.py compare  --work WORK --pictures PICTURES OTHERS MORE   # settings against the first ones
    python evaluate.py psnr     --data ../datasets/images --model ../starter-image

The judge is a small image-text model (contrastive, trained from nothing on the data set's pictures and captions).
It never sees the real pictures that it is later compared on, nor every twentieth other picture.
The 200 prompts are 40 subjects in 5 styles. 30 subjects exist in all five styles; the other ten lack one, so ten
prompts ask for a combination that is nowhere in the data.
A picture counts where its own prompt is among the five that the judge ranks first of the 200 (subject and style),
and for the style where, of its subject's five prompts, its own is first. The same is asked of the real pictures.
Needs torch, Pillow, numpy; `psnr` diffusers too.
"""
import argparse
import gzip
import io
import json
import math
import random
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
STYLES = ('flat emoji', 'soft shaded emoji', 'gradient emoji', 'modern flat emoji', '3d emoji')
COMPLETE = ('red apple', 'banana', 'grapes', 'strawberry', 'pizza', 'hamburger', 'doughnut', 'bread',
            'cat face', 'dog face', 'elephant', 'penguin', 'owl', 'spider', 'tropical fish', 'cactus',
            'sunflower', 'mushroom', 'deciduous tree', 'rocket', 'sailboat', 'bicycle', 'house', 'volcano',
            'grinning face', 'crying face', 'guitar', 'key', 'light bulb', 'soccer ball')
INCOMPLETE = ('tongue', 'elf', 'speech balloon', 'vampire', 'tooth', 'mage', 'fairy', 'zombie', 'mermaid', 'lime')
SIDE = 64  # of the pictures that the judge sees
FIRST = 5  # a prompt counts as found among so many


def load_records(data):
    with gzip.open(Path(data) / 'images_permissive.jsonl.gz', 'rt', encoding='utf8') as lines:
        return [json.loads(line) for line in lines]


def prompts():
    """The 200 prompts as (subject, style)."""
    return [(subject, style) for subject in COMPLETE + INCOMPLETE for style in STYLES]


def real_pictures(records):
    """(subject, style) to the index of the record that shows it; asserts what the docstring above claims."""
    found = {}
    for index, record in enumerate(records):
        key = (record['name'], record['style'])
        if key[1] in STYLES and key[0] in COMPLETE + INCOMPLETE:
            found.setdefault(key, index)
    for subject in COMPLETE:
        missing = [style for style in STYLES if (subject, style) not in found]
        assert not missing, f'{subject} is not there as {missing}'
    for subject in INCOMPLETE:
        assert sum((subject, style) in found for style in STYLES) == 4, subject
    return found


def on_white(image, side):
    """RGB of the picture on white, [side, side, 3] bytes."""
    rgba = image.convert('RGBA')
    white = Image.new('RGBA', rgba.size, 'white')
    white.alpha_composite(rgba)
    return np.asarray(white.convert('RGB').resize((side, side), Image.Resampling.BOX))


def read_pictures(data, records, side, progress=True):
    shards, pictures = {}, np.empty((len(records), side, side, 3), np.uint8)
    for index, record in enumerate(records):
        shard = shards.setdefault(record['shard'], None) or zipfile.ZipFile(Path(data) / record['shard'])
        shards[record['shard']] = shard
        pictures[index] = on_white(Image.open(io.BytesIO(shard.read(record['file']))), side)
        if progress and index % 10000 == 9999:
            print(f'{index + 1} pictures read', flush=True)
    return pictures


def caption(record, rng):
    extra = rng.sample(record['keywords'], min(len(record['keywords']), rng.randint(0, 2)))
    return ' '.join([record['style'], 'of', record['name']] + extra)


class Words:
    """Text to word numbers; 0 is a word that the captions do not have twice."""

    def __init__(self, vocabulary):
        self.index = {word: number + 1 for number, word in enumerate(vocabulary)}

    @staticmethod
    def split(text):
        return re.findall(r"[a-z0-9]+", text.lower())

    @classmethod
    def of(cls, records):
        counts = {}
        for record in records:
            for word in cls.split(' '.join([record['style'], record['name']] + record['keywords'])):
                counts[word] = counts.get(word, 0) + 1
        return [word for word, count in sorted(counts.items()) if count > 1]

    def __call__(self, texts):
        """(numbers, offsets) as nn.EmbeddingBag takes them."""
        numbers, offsets = [], []
        for text in texts:
            offsets.append(len(numbers))
            numbers += [self.index.get(word, 0) for word in self.split(text)] or [0]
        return torch.tensor(numbers, device=DEVICE), torch.tensor(offsets, device=DEVICE)


class Residual(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(out)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(out)
        self.skip = nn.Conv2d(channels, out, 1, stride, bias=False)

    def forward(self, x):
        y = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.second_norm(self.second(y)) + self.skip(x))


class Judge(nn.Module):
    """Pictures [N, 3, 64, 64] in 0..1 and bags of words to unit vectors of 192."""

    def __init__(self, words, width=192):
        super().__init__()
        self.picture = nn.Sequential(
            nn.Conv2d(3, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
            Residual(24, 48, 2), Residual(48, 96, 2), Residual(96, 192, 2), nn.Flatten(),
            nn.Linear(192 * 16, width))
        self.bag = nn.EmbeddingBag(words + 1, width, mode='sum')
        self.text = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.log_scale = nn.Parameter(torch.tensor(math.log(20.)))

    def see(self, x):
        return F.normalize(self.picture(x), dim=-1)

    def read(self, numbers, offsets):
        return F.normalize(self.text(self.bag(numbers, offsets)), dim=-1)


def to_float(pictures):
    x = torch.from_numpy(pictures).to(DEVICE).permute(0, 3, 1, 2).float() / 255
    return x.contiguous(memory_format=torch.channels_last)


def shifted(pictures, rng, reach=4):
    """The batch moved by up to `reach` pixels, white coming in."""
    padded = np.pad(pictures, ((0, 0), (reach, reach), (reach, reach), (0, 0)), constant_values=255)
    top, left = rng.integers(0, 2 * reach + 1, 2)
    return padded[:, top:top + pictures.shape[1], left:left + pictures.shape[2]]


def judge(args):
    torch.manual_seed(args.seed)
    records = load_records(args.data)
    compared = set(real_pictures(records).values())
    work = Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    cache = work / f'pictures-{SIDE}.npy'
    if not cache.exists():
        np.save(cache, read_pictures(args.data, records, SIDE))
    pictures = np.load(cache)
    held_out = [i for i in range(len(records)) if i not in compared and i % 20 == 0]
    training = np.array([i for i in range(len(records)) if i not in compared and i % 20])
    vocabulary = Words.of([records[i] for i in training])
    words, model = Words(vocabulary), Judge(len(vocabulary)).to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=.05)
    rng, numpy_rng, start, losses = random.Random(args.seed), np.random.default_rng(args.seed), time.time(), []
    for step in range(args.steps):
        for group in optimizer.param_groups:
            group['lr'] = 1e-3 * min(1, (step + 1) / 100) * (.5 + .5 * math.cos(math.pi * step / args.steps))
        picks = numpy_rng.choice(training, 512, replace=False)
        seen = model.see(to_float(np.ascontiguousarray(shifted(pictures[picks], numpy_rng))))
        texts = model.read(*words([caption(records[i], rng) for i in picks]))
        scores = model.log_scale.clamp(max=math.log(100)).exp() * seen @ texts.T
        target = torch.arange(len(picks), device=DEVICE)
        loss = (F.cross_entropy(scores, target) + F.cross_entropy(scores.T, target)) / 2
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 50 == 49:
            print(f'step {step + 1} loss {np.mean(losses[-50:]):.3f} at {time.time() - start:.0f} s', flush=True)
    model.eval()
    torch.save(dict(vocabulary=vocabulary, weights=model.state_dict()), work / 'judge.pt')
    with torch.no_grad():  # 200 held-out pictures against their own 200 captions
        picks = random.Random(1).sample(held_out, 200)
        seen = model.see(to_float(pictures[picks]))
        texts = model.read(*words([f"{records[i]['style']} of {records[i]['name']}" for i in picks]))
        print(f'held out: {found_share(seen @ texts.T):.3f} found among the first {FIRST} of 200')


def load_judge(work):
    saved = torch.load(Path(work) / 'judge.pt', map_location=DEVICE, weights_only=True)
    model = Judge(len(saved['vocabulary'])).to(DEVICE, memory_format=torch.channels_last)
    model.load_state_dict(saved['weights'])
    return Words(saved['vocabulary']), model.eval()


def found_share(scores, own=None):
    """scores [pictures, prompts]: the share whose own prompt is among the FIRST best."""
    own = torch.arange(len(scores), device=scores.device) if own is None else own
    mine = scores.gather(1, own[:, None])
    return ((scores > mine).sum(1) < FIRST).float().mean().item()


def style_share(scores, own):
    """The share whose own prompt is first of its subject's five."""
    first = own // len(STYLES) * len(STYLES)
    five = scores.gather(1, first[:, None] + torch.arange(len(STYLES), device=scores.device))
    return (five.argmax(1) == own - first).float().mean().item()


def file_name(subject, style):
    return f'{style}-{subject}'.replace(' ', '_') + '.png'


def chosen_prompts(every):
    """All 200, or every n-th of them for a quick look (n odd, so that all styles are in)."""
    return prompts()[::every]


def generate(args):
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    start = time.time()
    for subject, style in chosen_prompts(args.every):
        command = [args.kinora, '--quiet', 'image', '--prompt', f'{style} of {subject}', '--seed', str(args.seed),
                   '--output', str(out / file_name(subject, style)), '--overwrite', *args.options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print(f'{len(chosen_prompts(args.every))} pictures in {time.time() - start:.0f} s')


@torch.no_grad()
def judged(words, model, pictures, own):
    texts = model.read(*words([f'{style} of {subject}' for subject, style in prompts()]))
    scores = model.see(to_float(pictures)) @ texts.T
    own = torch.tensor(own, device=DEVICE)
    return scores, own


def report(args):
    words, model = load_judge(args.work)
    everything = prompts()
    chosen = chosen_prompts(args.every)
    own = [everything.index(prompt) for prompt in chosen]
    made = np.stack([on_white(Image.open(Path(args.pictures[0]) / file_name(*prompt)), SIDE) for prompt in chosen])
    scores, index = judged(words, model, made, own)
    result = dict(pictures=len(chosen), found=found_share(scores, index), style=style_share(scores, index))
    if args.data:
        records = load_records(args.data)
        real = real_pictures(records)
        there = [prompt for prompt in chosen if prompt in real]
        pictures = read_pictures(args.data, [records[real[prompt]] for prompt in there], SIDE, progress=False)
        real_scores, real_index = judged(words, model, pictures, [everything.index(prompt) for prompt in there])
        result.update(real=len(there), realFound=found_share(real_scores, real_index), realStyle=style_share(real_scores, real_index))
        unseen = torch.tensor([i for i, prompt in enumerate(chosen) if prompt not in real], dtype=torch.long, device=DEVICE)
        if len(unseen):
            result.update(unseenFound=found_share(scores[unseen], index[unseen]), unseenStyle=style_share(scores[unseen], index[unseen]))
        result.update(foundRatio=result['found'] / result['realFound'], styleRatio=result['style'] / result['realStyle'])
    print(json.dumps({key: round(value, 4) for key, value in result.items()}))
    if args.sheet:
        sheet(chosen, Path(args.pictures[0]), args.sheet)


@torch.no_grad()
def compare(args):
    """Each folder against the first, prompt by prompt: shares of 200 are too coarse to tell settings apart.

    surer: by how much the logarithm of the probability that the judge gives a picture's own prompt (among the 200)
    is higher than for the first folder's picture of the same prompt and seed; error: its standard error.
    """
    words, model = load_judge(args.work)
    scale = model.log_scale.clamp(max=math.log(100)).exp()
    everything, chosen = prompts(), chosen_prompts(args.every)
    own = [everything.index(prompt) for prompt in chosen]
    base = None
    for folder in args.pictures:
        made = np.stack([on_white(Image.open(Path(folder) / file_name(*prompt)), SIDE) for prompt in chosen])
        scores, index = judged(words, model, made, own)
        sure = (scale * scores).log_softmax(1).gather(1, index[:, None])[:, 0]
        base = sure if base is None else base
        gain = sure - base
        print(json.dumps(dict(folder=str(folder), found=round(found_share(scores, index), 3),
                              style=round(style_share(scores, index), 3), surer=round(gain.mean().item(), 3),
                              error=round((gain.std() / math.sqrt(len(gain))).item(), 3))))


def sheet(chosen, folder, path, side=64, columns=20):
    """The pictures on white, 20 in a row: four subjects in five styles each."""
    tiles = [on_white(Image.open(folder / file_name(*prompt)), side) for prompt in chosen]
    tiles += [np.full((side, side, 3), 255, np.uint8)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i:i + columns], 1) for i in range(0, len(tiles), columns)]
    Image.fromarray(np.concatenate(rows, 0)).save(path)


@torch.no_grad()
def psnr(args):
    """Reconstruction by the autoencoder of 256 pictures in the model's styles, RGB on white and alpha."""
    from diffusers import AutoencoderKL
    records = [record for record in load_records(args.data) if record['style'] in STYLES][::37][:256]
    shards, errors = {}, []
    model = AutoencoderKL.from_pretrained(Path(args.model) / 'vae').float().eval().to(DEVICE)
    for record in records:
        shard = shards.setdefault(record['shard'], zipfile.ZipFile(Path(args.data) / record['shard']))
        image = Image.open(io.BytesIO(shard.read(record['file']))).convert('RGBA')
        picture = np.concatenate([on_white(image, image.width), np.asarray(image)[..., 3:]], -1)
        x = torch.from_numpy(picture).to(DEVICE).permute(2, 0, 1)[None].float() / 127.5 - 1
        y = model.decode(model.encode(x).latent_dist.mean).sample.clamp(-1, 1)
        errors.append((y - x).pow(2).mean().item())
    print(json.dumps(dict(pictures=len(errors), psnr=round(10 * math.log10(4 / np.mean(errors)), 2))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('command', choices=('judge', 'generate', 'report', 'compare', 'psnr'))
    parser.add_argument('--data', help='folder of the picture pack')
    parser.add_argument('--work', help='where the judge is kept')
    parser.add_argument('--steps', type=int, default=800, help="of the judge's training, 512 pictures each")
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--kinora', default='kinora')
    parser.add_argument('--out', help='where generate puts its pictures')
    parser.add_argument('--pictures', nargs='+', help='the pictures that report judges; compare takes several folders')
    parser.add_argument('--every', type=int, default=1, help='only each n-th prompt')
    parser.add_argument('--sheet', help='a contact sheet to write')
    parser.add_argument('--model', help='the model folder that psnr looks at')
    arguments = sys.argv[1:]
    options = []
    if '--' in arguments:
        options = arguments[arguments.index('--') + 1:]
        arguments = arguments[:arguments.index('--')]
    args = parser.parse_args(arguments)
    args.options = options
    {'judge': judge, 'generate': generate, 'report': report, 'compare': compare, 'psnr': psnr}[args.command](args)


if __name__ == '__main__':
    main()

"""Trains Kinora's starter image model: a small text-to-image diffusion model in the Stable Diffusion layout.

    python train_image.py prepare --data PICTURES --work WORK                # decode the pictures once
    python train_image.py vae     --work WORK --minutes 25
    python train_image.py unet    --work WORK --minutes 85                  # text encoder + UNet, trained together
    python train_image.py export  --work WORK --out starter-image           # diffusers folder, float16 safetensors
    python train_image.py sample  --out starter-image --prompts "3d emoji of a red apple"

--limit N (with prepare) takes the first N pictures, to try the script. --start FOLDER (with unet and export) goes on from an exported model. --minutes is the whole budget of a stage; --slice stops earlier and saves, and the same command again goes on from there.
Pictures are 128x128 RGBA: RGB composited on white plus alpha, so every result has a transparent background to use.
Needs torch, diffusers, transformers, safetensors, Pillow. Runs on a CPU (bf16) or a CUDA device.
"""
import argparse, gzip, io, json, math, random, shutil, time, zipfile
from pathlib import Path
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from tokenizers import Tokenizer, models, pre_tokenizers, normalizers, trainers, Regex
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
SIZES = {   # what each scale trains; 'small' is for two CPU cores, 'full' for one data-centre GPU
    'small': dict(styles=('flat emoji', 'soft shaded emoji', 'gradient emoji', 'modern flat emoji', '3d emoji',
                          'cartoon avatar', 'flat avatar', 'modern avatar'),
                  vae=(32, 64, 128, 128), unet=(96, 160, 224), heads=(3, 5, 7), layers=1, attention=(False, True, True),
                  text_width=256, text_layers=3, vocabulary=4096, batch=64, lr=5e-4),
    'full': dict(styles=None, vae=(48, 96, 128, 128), unet=(160, 224, 256), heads=(5, 7, 8), layers=2, attention=(True, True, False),
                 text_width=320, text_layers=4, vocabulary=8192, batch=512, lr=6e-4),
}
PROMPT_TOKENS = 32
LATENT_CHANNELS = 8
COLORS = {'black': (20, 20, 20), 'red': (214, 40, 40), 'orange': (240, 130, 20), 'yellow': (240, 190, 20), 'green': (40, 160, 70),
          'teal': (20, 150, 150), 'blue': (40, 90, 220), 'purple': (120, 60, 190), 'pink': (235, 80, 150), 'brown': (120, 75, 40), 'gray': (120, 120, 120)}


def draw_prompt(record, rng):
    """One of the ways in which a user would ask for this picture."""
    name, style = record['name'], record['style']
    extra = rng.sample(record['keywords'], min(len(record['keywords']), rng.randint(0, 2)))
    p = rng.random()
    if p < .45: return f'{style} of {name}'
    if p < .65: return f'{name}, {style}'
    if p < .80: return ', '.join([f'{style} of {name}'] + extra)
    if p < .92: return ', '.join([name, style] + extra)
    return name


def prepare(args):
    """Decodes every chosen picture into WORK/pictures.npy, uint8 [N,128,128,4], and WORK/records.json."""
    size = SIZES[args.size]; work = Path(args.work); work.mkdir(parents=True, exist_ok=True)
    records = [json.loads(line) for line in gzip.open(f'{args.data}/images_permissive.jsonl.gz', 'rt', encoding='utf8')]
    records = [r for r in records if size['styles'] is None or r['style'] in size['styles']][:args.limit]
    shards, pictures, kept, rng = {}, [], [], random.Random(0)
    for r in records:
        if r['shard'] not in shards: shards[r['shard']] = zipfile.ZipFile(f"{args.data}/{r['shard']}")
        shard = shards[r['shard']]
        rgba = np.asarray(Image.open(io.BytesIO(shard.read(r['file']))).convert('RGBA'))
        alpha = rgba[..., 3:].astype(np.float32) / 255
        variants = [(rgba[..., :3], r)]
        if r.get('mono') and size['styles'] is None:
            color = rng.choice(list(COLORS))
            variants.append((np.broadcast_to(np.array(COLORS[color], np.uint8), rgba[..., :3].shape), dict(r, style=f"{color} {r['style'].replace('black ', '')}")))
        for rgb, record in variants:
            pictures.append(np.concatenate([(rgb * alpha + 255 * (1 - alpha) + .5).astype(np.uint8), rgba[..., 3:]], -1))
            kept.append({k: record[k] for k in ('name', 'keywords', 'style')})
    np.save(work / 'pictures.npy', np.stack(pictures)); json.dump(kept, open(work / 'records.json', 'w'))
    train_tokenizer(work, [draw_prompt(r, rng) for r in kept for _ in range(4)], size['vocabulary'])
    json.dump(dict(size=args.size), open(work / 'size.json', 'w'))
    print(len(kept), 'pictures')


def train_tokenizer(work, texts, vocabulary):
    """A byte-level BPE in CLIP's format: vocab.json and merges.txt, end-of-word suffix '</w>'."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix='</w>'))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    words = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(words, 'removed', invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, end_of_word_suffix='</w>', show_progress=False))
    merges = [tuple(m) for m in json.loads(tokenizer.to_str())['model']['merges']][: vocabulary - 2 * len(alphabet) - 2]
    tokens = alphabet + [c + '</w>' for c in alphabet] + [a + b for a, b in merges] + ['<|startoftext|>', '<|endoftext|>']
    folder = work / 'tokenizer'; folder.mkdir(exist_ok=True)
    json.dump({t: i for i, t in enumerate(dict.fromkeys(tokens))}, open(folder / 'vocab.json', 'w'), ensure_ascii=False)
    (folder / 'merges.txt').write_text('#version: 0.2\n' + '\n'.join(f'{a} {b}' for a, b in merges) + '\n', encoding='utf8')
    CLIPTokenizer(str(folder / 'vocab.json'), str(folder / 'merges.txt'), model_max_length=PROMPT_TOKENS,
                  bos_token='<|startoftext|>', eos_token='<|endoftext|>', pad_token='<|endoftext|>', unk_token='<|endoftext|>').save_pretrained(folder)
    json.dump({t: i for i, t in enumerate(dict.fromkeys(tokens))}, open(folder / 'vocab.json', 'w'), ensure_ascii=False)
    (folder / 'merges.txt').write_text('#version: 0.2\n' + '\n'.join(f'{a} {b}' for a, b in merges) + '\n', encoding='utf8')


class Schedule:
    """Learning rate over a time budget: warm-up, then cosine to zero. A slice of the budget can be run and saved."""
    def __init__(self, optimizer, lr, args, modules, state_file, warmup=300):
        self.optimizer, self.lr, self.seconds, self.slice, self.warmup = optimizer, lr, args.minutes * 60, args.slice * 60, warmup
        self.modules, self.state_file, self.start, self.earlier, self.step_count = modules, state_file, time.time(), 0., 0
        if state_file.exists():
            state = torch.load(state_file, map_location=DEVICE, weights_only=True)
            for module, weights in zip(modules, state['modules']): module.load_state_dict(weights)
            optimizer.load_state_dict(state['optimizer']); self.earlier, self.step_count, self.average = state['seconds'], state['steps'], state['average']

    def elapsed(self):
        return self.earlier + time.time() - self.start

    def step(self):
        if self.elapsed() >= self.seconds or (self.slice and time.time() - self.start >= self.slice): return False
        self.step_count += 1
        lr = self.lr * min(1., self.step_count / self.warmup) * (.5 + .5 * math.cos(math.pi * self.elapsed() / self.seconds))
        for group in self.optimizer.param_groups: group['lr'] = lr
        return True

    def finished(self, average=()):
        """True when the budget is used up; else the state is saved for the next slice."""
        if self.elapsed() >= self.seconds - 1: return True
        torch.save(dict(modules=[m.state_dict() for m in self.modules], optimizer=self.optimizer.state_dict(), seconds=self.elapsed(), steps=self.step_count, average=list(average)), self.state_file)
        print(f'stopped after {self.elapsed():.0f} of {self.seconds:.0f} s; the same command goes on', flush=True)
        return False


class Pictures:
    """The pictures as normalised NCHW batches; kept on the device where that is a GPU."""
    def __init__(self, path):
        self.host = np.load(path, mmap_mode='r'); self.device = torch.from_numpy(np.ascontiguousarray(self.host)).to(DEVICE) if DEVICE == 'cuda' else None

    def __len__(self): return len(self.host)

    def batch(self, picks):
        x = self.device[torch.as_tensor(picks, device=DEVICE)] if self.device is not None else torch.from_numpy(self.host[picks])
        return (x.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def load_work(work):
    work = Path(work)
    return SIZES[json.load(open(work / 'size.json'))['size']], Pictures(work / 'pictures.npy'), json.load(open(work / 'records.json'))


def autocast():
    return torch.autocast(DEVICE, dtype=torch.bfloat16)


def vae(args):
    """Autoencoder: L1, gradient L1 and a small KL term; random 64x64 crops on a CPU, whole pictures on a GPU."""
    size, pictures, _ = load_work(args.work); rng = np.random.default_rng(); cpu = DEVICE == 'cpu'; batch = 16 if cpu else 96
    model = AutoencoderKL(in_channels=4, out_channels=4, latent_channels=LATENT_CHANNELS, block_out_channels=size['vae'], layers_per_block=1,
                          down_block_types=('DownEncoderBlock2D',) * 4, up_block_types=('UpDecoderBlock2D',) * 4, norm_num_groups=16,
                          mid_block_add_attention=False, sample_size=128).to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(.9, .99), weight_decay=1e-4, fused=True)
    schedule, losses = Schedule(optimizer, 1e-3, args, [model], Path(args.work) / 'vae_state.pt'), []

    @torch.compile
    def reconstruct(x):
        posterior = model.encode(x).latent_dist
        return model.decode(posterior.mean + posterior.std * torch.randn_like(posterior.mean)).sample, posterior.mean, posterior.logvar

    while schedule.step():
        x = pictures.batch(rng.integers(0, len(pictures), batch)); top, left = rng.integers(4, 61, 2)
        if cpu: x = x[:, :, top:top + 64, left:left + 64].contiguous(memory_format=torch.channels_last)
        with autocast(): y, mean, logvar = (t.float() for t in reconstruct(x))
        gradient = sum((y.diff(dim=d) - x.diff(dim=d)).abs().mean() for d in (2, 3))
        kl = .5 * (mean.pow(2) + logvar.exp() - 1 - logvar).mean()
        loss = (y - x).abs().mean() + .5 * gradient + 1e-4 * kl
        loss.backward(); torch.nn.utils.clip_grad_norm_(model.parameters(), 1.); optimizer.step(); optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())
        if schedule.step_count % 200 == 0: print(f'vae step {schedule.step_count} loss {torch.stack(losses[-200:]).mean():.4f} kl {kl.item():.2f} at {schedule.elapsed():.0f}s', flush=True)
    if not schedule.finished(): return
    model.eval(); x = pictures.batch(np.arange(0, len(pictures), max(1, len(pictures) // 256))[:256])
    with torch.no_grad():   # latents are scaled to unit variance
        sample = torch.cat([model.encode(part).latent_dist.mean for part in x.split(32)])
        y = torch.cat([model.decode(part).sample.clamp(-1, 1) for part in sample.split(32)])
    model.register_to_config(scaling_factor=float(1 / sample.std()), shift_factor=float(sample.mean())); model.save_pretrained(Path(args.work) / 'vae')
    print(f'PSNR {10 * math.log10(4 / (y - x).pow(2).mean().item()):.1f} dB, latent std {sample.std():.3f}, of each channel {[round(v, 2) for v in sample.std((0, 2, 3)).tolist()]}')
    save_grid(y[:64], Path(args.work) / 'vae.png'); save_grid(x[:64], Path(args.work) / 'pictures.png')


def save_grid(x, path, columns=8):
    x = ((x.clamp(-1, 1) + 1) * 127.5).byte().permute(0, 2, 3, 1).cpu().numpy()
    rows = [np.concatenate(list(x[i:i + columns]), 1) for i in range(0, len(x) - len(x) % columns or len(x), columns)]
    Image.fromarray(np.concatenate([r for r in rows if r.shape == rows[0].shape], 0)[..., :3]).save(path)


def unet(args):
    """Text encoder and UNet together: v-prediction, zero terminal SNR, 10 % of the prompts dropped, EMA weights kept."""
    size, pictures, records = load_work(args.work); work = Path(args.work); rng = random.Random(); start = args.start and Path(args.start)
    autoencoder = AutoencoderKL.from_pretrained((start or work) / 'vae').float().eval().to(DEVICE, memory_format=torch.channels_last)
    scale, shift = autoencoder.config.scaling_factor, autoencoder.config.shift_factor or 0.
    latents = []
    with torch.no_grad(), autocast():
        for i in range(0, len(pictures), 256): latents.append(((autoencoder.encode(pictures.batch(np.arange(i, min(i + 256, len(pictures))))).latent_dist.mean.float() - shift) * scale).half())
    latents = torch.cat(latents); print('latents', tuple(latents.shape), flush=True)
    tokenizer = CLIPTokenizer.from_pretrained((start or work) / 'tokenizer')
    end = tokenizer.eos_token_id
    text = CLIPTextModel.from_pretrained(start / 'text_encoder').float().to(DEVICE) if start else CLIPTextModel(CLIPTextConfig(vocab_size=len(tokenizer), hidden_size=size['text_width'], intermediate_size=4 * size['text_width'], num_hidden_layers=size['text_layers'],
                                        num_attention_heads=size['text_width'] // 64, max_position_embeddings=PROMPT_TOKENS, bos_token_id=tokenizer.bos_token_id, eos_token_id=end, pad_token_id=end)).to(DEVICE)
    down = tuple('CrossAttnDownBlock2D' if a else 'DownBlock2D' for a in size['attention'])
    model = UNet2DConditionModel.from_pretrained(start / 'unet').float().to(DEVICE, memory_format=torch.channels_last) if start else UNet2DConditionModel(sample_size=16, in_channels=LATENT_CHANNELS, out_channels=LATENT_CHANNELS, layers_per_block=size['layers'], block_out_channels=size['unet'],
                                 down_block_types=down, up_block_types=tuple(d.replace('Down', 'Up') for d in reversed(down)),
                                 cross_attention_dim=size['text_width'], attention_head_dim=list(size['heads'])).to(DEVICE, memory_format=torch.channels_last)
    parameters = list(model.parameters()) + list(text.parameters())
    print(f'UNet {sum(p.numel() for p in model.parameters()) / 1e6:.1f}M, text {sum(p.numel() for p in text.parameters()) / 1e6:.1f}M', flush=True)
    scheduler = make_scheduler(); alphas = scheduler.alphas_cumprod.to(DEVICE)
    lr = args.lr or size['lr']; optimizer = torch.optim.AdamW(parameters, lr=lr, betas=(.9, .99), weight_decay=.01, fused=True)
    schedule, losses, saved, order = Schedule(optimizer, lr, args, [model, text], work / 'unet_state.pt'), [], time.time(), []
    average = getattr(schedule, 'average', None) or [p.detach().clone() for p in parameters]
    fast = torch.compile(model); tokens = tokenize(tokenizer, records, rng)
    while schedule.step():
        if len(order) < size['batch']: order = torch.randperm(len(latents)).tolist()
        picks, order = order[:size['batch']], order[size['batch']:]
        ids = tokens[[-1 if rng.random() < .1 else i for i in picks], rng.randrange(tokens.shape[1])]
        x = latents[picks].float().contiguous(memory_format=torch.channels_last); noise = torch.randn_like(x)
        t = torch.randint(0, 1000, (len(picks),), device=DEVICE); a = alphas[t].sqrt().view(-1, 1, 1, 1); s = (1 - alphas[t]).sqrt().view(-1, 1, 1, 1)
        with autocast(): v = fast(a * x + s * noise, t, text(ids).last_hidden_state).sample
        loss = (v.float() - (a * noise - s * x)).pow(2).mean()
        loss.backward(); torch.nn.utils.clip_grad_norm_(parameters, 1.); optimizer.step(); optimizer.zero_grad(set_to_none=True)
        decay = min(.999, (1 + schedule.step_count) / (10 + schedule.step_count))
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - decay)
        losses.append(loss.detach())
        if schedule.step_count % 200 == 0: print(f'unet step {schedule.step_count} loss {torch.stack(losses[-200:]).mean():.4f} at {schedule.elapsed():.0f}s', flush=True)
        if time.time() - saved > 900: save_average(work, model, text, parameters, average); saved = time.time()
    schedule.finished(average); save_average(work, model, text, parameters, average)


def tokenize(tokenizer, records, rng, variants=8):
    """Token ids of several prompts for each picture and, last, of the empty prompt: [N+1, variants, PROMPT_TOKENS] on the device."""
    texts = [draw_prompt(r, rng) for r in records for _ in range(variants)] + [''] * variants
    ids = [i for part in range(0, len(texts), 8192) for i in tokenizer(texts[part:part + 8192], padding='max_length', truncation=True, max_length=PROMPT_TOKENS).input_ids]
    return torch.tensor(ids, device=DEVICE).view(-1, variants, PROMPT_TOKENS)


def save_average(work, model, text, parameters, average):
    trained = [p.detach().clone() for p in parameters]
    with torch.no_grad():
        for p, a in zip(parameters, average): p.copy_(a)
        model.save_pretrained(work / 'unet'); text.save_pretrained(work / 'text_encoder')
        for p, t in zip(parameters, trained): p.copy_(t)


def make_scheduler():
    return DDIMScheduler(num_train_timesteps=1000, beta_start=.00085, beta_end=.012, beta_schedule='scaled_linear', prediction_type='v_prediction',
                         rescale_betas_zero_snr=True, timestep_spacing='trailing', clip_sample=False, set_alpha_to_one=True, steps_offset=1)


def fold_shift(autoencoder):
    """Moves shift_factor into the two 1x1 convolutions beside the latents: the Stable Diffusion pipelines only know scaling_factor."""
    shift = autoencoder.config.shift_factor or 0.
    with torch.no_grad():
        autoencoder.quant_conv.bias[:LATENT_CHANNELS] -= shift
        autoencoder.post_quant_conv.bias += shift * autoencoder.post_quant_conv.weight.sum((1, 2, 3))
    autoencoder.register_to_config(shift_factor=None)
    return autoencoder


def preview_factors(work, autoencoder):
    """Least squares from a latent to the mean colour of its 8x8 pixels: (factors [channels][3], bias [3]), colours in -1..1."""
    _, pictures, _ = load_work(work); x = pictures.batch(np.arange(0, len(pictures), max(1, len(pictures) // 256))[:256])
    with torch.no_grad(): z = autoencoder.to(DEVICE).encode(x).latent_dist.mean * autoencoder.config.scaling_factor
    latents = z.permute(0, 2, 3, 1).reshape(-1, LATENT_CHANNELS); colors = F.avg_pool2d(x[:, :3], 8).permute(0, 2, 3, 1).reshape(-1, 3)
    solution = torch.linalg.lstsq(torch.cat([latents, torch.ones_like(latents[:, :1])], 1).cpu(), colors.cpu()).solution
    return [[round(v, 5) for v in row] for row in solution[:-1].tolist()], [round(v, 5) for v in solution[-1].tolist()]


def export(args):
    """The diffusers folder, and kinora.json with what its configs have no place for."""
    work = Path(args.work); start = Path(args.start or args.work)
    pipe = StableDiffusionPipeline(vae=fold_shift(AutoencoderKL.from_pretrained(start / 'vae')), unet=UNet2DConditionModel.from_pretrained(work / 'unet'),
                                   text_encoder=CLIPTextModel.from_pretrained(work / 'text_encoder'), tokenizer=CLIPTokenizer.from_pretrained(start / 'tokenizer'),
                                   scheduler=make_scheduler(), safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    factors, bias = preview_factors(work, pipe.vae)
    pipe.to(torch.float16).save_pretrained(args.out, safe_serialization=True)
    for part in ('unet', 'vae'):   # no path of the training machine
        config = Path(args.out) / part / 'config.json'; fields = json.loads(config.read_text()); fields.pop('_name_or_path', None); config.write_text(json.dumps(fields, indent=2) + '\n')
    for name in ('vocab.json', 'merges.txt'): shutil.copy(start / 'tokenizer' / name, Path(args.out) / 'tokenizer')
    json.dump(dict(version=1, name='Kinora starter', defaults=dict(width=128, height=128, steps=24, sampler='ddim', cfg=5.0, guidanceRescale=0.5),
                   alpha='over-white', previewFactors=factors, previewBias=bias), open(Path(args.out) / 'kinora.json', 'w'), indent=1)


def sample(args):
    pipe = StableDiffusionPipeline.from_pretrained(args.out, torch_dtype=torch.float32).to(DEVICE); pipe.set_progress_bar_config(disable=True)
    images = []
    for p in args.prompts:
        out = pipe(p, width=128, height=128, num_inference_steps=args.steps, guidance_scale=args.cfg, guidance_rescale=.5, generator=torch.Generator('cpu').manual_seed(args.seed), output_type='pt', num_images_per_prompt=args.count)
        images.append(out.images * 2 - 1)
    save_grid(torch.cat(images), args.grid, columns=args.count * max(1, 8 // args.count))


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0]); parser.add_argument('command', choices=('prepare', 'vae', 'unet', 'export', 'sample'))
    parser.add_argument('--data'); parser.add_argument('--work'); parser.add_argument('--out'); parser.add_argument('--size', default='small', choices=SIZES)
    parser.add_argument('--minutes', type=float, default=1); parser.add_argument('--limit', type=int); parser.add_argument('--start'); parser.add_argument('--lr', type=float); parser.add_argument('--slice', type=float, default=0); parser.add_argument('--prompts', nargs='*', default=[]); parser.add_argument('--grid', default='grid.png')
    parser.add_argument('--steps', type=int, default=25); parser.add_argument('--cfg', type=float, default=5.); parser.add_argument('--seed', type=int, default=0); parser.add_argument('--count', type=int, default=4)
    args = parser.parse_args()
    {'prepare': prepare, 'vae': vae, 'unet': unet, 'export': export, 'sample': sample}[args.command](args)

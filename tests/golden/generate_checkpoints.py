"""Writes data/tiny-sd1.safetensors, tiny-sd2v.safetensors and tiny-xl.safetensors: the tiny models again, each as one
file in the CompVis or SGM layout (SD 1.x with CLIP's names, SD 2.x with OpenCLIP's, SDXL with both), and checks them
with diffusers' own reader of single files: it must find the very weights of the folders.

    python generate_checkpoints.py
"""
import json
import re
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm, load_single_file_checkpoint
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection

DATA = Path(__file__).parent / 'data'
# Text encoder: (prefix in the file, whose names).
TEXT = {'tiny-sd1': {'text_encoder': ('cond_stage_model.transformer.', 'clip')},
        'tiny-sd2v': {'text_encoder': ('cond_stage_model.model.', 'open-clip')},
        'tiny-xl': {'text_encoder': ('conditioner.embedders.0.transformer.', 'clip'),
                    'text_encoder_2': ('conditioner.embedders.1.model.', 'open-clip-projected')}}
RESNET = {'norm1': 'in_layers.0', 'conv1': 'in_layers.2', 'time_emb_proj': 'emb_layers.1', 'norm2': 'out_layers.0',
          'conv2': 'out_layers.3', 'conv_shortcut': 'skip_connection'}


def unet_names(names, config):
    layers, downs = config['layers_per_block'], config['down_block_types']
    ups = config['up_block_types']
    simple = {'conv_in': 'input_blocks.0.0', 'time_embedding.linear_1': 'time_embed.0',
              'time_embedding.linear_2': 'time_embed.2', 'add_embedding.linear_1': 'label_emb.0.0',
              'add_embedding.linear_2': 'label_emb.0.2', 'conv_norm_out': 'out.0', 'conv_out': 'out.2'}
    for name in names:
        part = next((s for s in simple if name.startswith(s + '.')), None)
        if part:
            yield name, simple[part] + name[len(part):]
            continue
        if name.startswith('mid_block'):
            kind, index, rest = re.match(r'mid_block\.(\w+)\.(\d+)\.(.*)', name).groups()
            block = 'middle_block.1' if kind == 'attentions' else f'middle_block.{2 * int(index)}'
        else:
            side, block_index, kind, index, rest = re.match(r'(\w+)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.*)', name).groups()
            block_index, index = int(block_index), int(index)
            if side == 'down':
                at = 1 + block_index * (layers + 1) + (layers if kind == 'downsamplers' else index)
                block, inner = f'input_blocks.{at}', {'resnets': 0, 'attentions': 1, 'downsamplers': 0}[kind]
            else:
                at = block_index * (layers + 1) + (layers if kind == 'upsamplers' else index)
                resized = 2 if 'CrossAttn' in ups[block_index] else 1
                block, inner = f'output_blocks.{at}', {'resnets': 0, 'attentions': 1, 'upsamplers': resized}[kind]
            block = f'{block}.{inner}'
            if kind == 'downsamplers':
                rest = rest.replace('conv', 'op')
        if kind == 'resnets':
            stem, _, last = rest.rpartition('.')
            rest = f'{RESNET[stem]}.{last}'
        yield name, f'{block}.{rest}'
    assert len(downs) == len(ups)


def vae_names(names, blocks):
    for name in names:
        old = name.replace('mid_block.resnets.0', 'mid.block_1').replace('mid_block.resnets.1', 'mid.block_2')
        old = old.replace('mid_block.attentions.0', 'mid.attn_1').replace('conv_shortcut', 'nin_shortcut')
        old = old.replace('group_norm', 'norm').replace('to_out.0', 'proj_out').replace('conv_norm_out', 'norm_out')
        old = re.sub(r'to_([qkv])', r'\1', old)
        old = re.sub(r'down_blocks\.(\d+)\.resnets', r'down.\1.block', old)
        old = re.sub(r'down_blocks\.(\d+)\.downsamplers\.0', r'down.\1.downsample', old)
        old = re.sub(r'up_blocks\.(\d+)', lambda m: f'up.{blocks - 1 - int(m[1])}', old)
        yield name, old.replace('.resnets.', '.block.').replace('upsamplers.0', 'upsample')


def open_clip(weights, layers, extra):
    """OpenCLIP's names; query, key and value in one; for SD 2.x one layer more than is used, as the published files
    have; the projection, where there is one, is stored [in, out]."""
    out, prefix = {}, 'text_model.'
    projection = weights.pop('text_projection.weight', None)
    weights = {k if k.startswith(prefix) else prefix + k: v for k, v in weights.items()}
    out['token_embedding.weight'] = weights['text_model.embeddings.token_embedding.weight']
    out['positional_embedding'] = weights['text_model.embeddings.position_embedding.weight']
    for kind in ('weight', 'bias'):
        out[f'ln_final.{kind}'] = weights[f'text_model.final_layer_norm.{kind}']
        for layer in range(layers + extra):
            here = f'text_model.encoder.layers.{min(layer, layers - 1)}.'
            there = f'transformer.resblocks.{layer}.'
            for old, new in (('ln_1', 'layer_norm1'), ('ln_2', 'layer_norm2'), ('mlp.c_fc', 'mlp.fc1'),
                             ('mlp.c_proj', 'mlp.fc2'), ('attn.out_proj', 'self_attn.out_proj')):
                out[f'{there}{old}.{kind}'] = weights[f'{here}{new}.{kind}'].clone()
            out[f'{there}attn.in_proj_{kind}'] = torch.cat([weights[f'{here}self_attn.{p}_proj.{kind}'] for p in 'qkv'])
    width = out['ln_final.weight'].numel()
    out['text_projection'] = torch.eye(width).half() if projection is None else projection.T
    out['logit_scale'] = torch.tensor(1.).half()
    return out


def write(model):
    folder = DATA / model
    file = {'model_ema.decay': torch.tensor(1.)}
    config = json.loads((folder / 'unet/config.json').read_text())
    unet = load_file(folder / 'unet/diffusion_pytorch_model.safetensors')
    for name, old in unet_names(unet, config):
        file['model.diffusion_model.' + old] = unet[name]
        if name == 'conv_in.weight':
            file['model_ema.diffusion_model' + old.replace('.', '')] = unet[name] + 1
    vae = load_file(folder / 'vae/diffusion_pytorch_model.safetensors')
    blocks = len(json.loads((folder / 'vae/config.json').read_text())['block_out_channels'])
    for name, old in vae_names(vae, blocks):
        matrix = '.attn_1.' in old and vae[name].dim() == 2
        file['first_stage_model.' + old] = vae[name][:, :, None, None] if matrix else vae[name]
    for component, (prefix, names) in TEXT[model].items():
        text = load_file(folder / component / 'model.safetensors')
        config = json.loads((folder / component / 'config.json').read_text())
        if names == 'clip':
            for name, value in text.items():
                name = name if name.startswith('text_model.') else 'text_model.' + name
                file[prefix + name] = value
            positions = torch.arange(config['max_position_embeddings'])[None]
            file[prefix + 'text_model.embeddings.position_ids'] = positions
        else:
            extra = 1 if names == 'open-clip' else 0
            for name, value in open_clip(text, config['num_hidden_layers'], extra).items():
                file[prefix + name] = value
    path = DATA / f'{model}.safetensors'
    save_file({k: v.contiguous() for k, v in file.items()}, path,
              metadata={'modelspec.prediction_type': 'v' if model.endswith('v') else 'epsilon'})
    return path


def check(model, path):
    """diffusers reads the file: every weight is the folder's."""
    folder = DATA / model
    for component in TEXT[model]:
        kind = CLIPTextModelWithProjection if component.endswith('_2') else CLIPTextModel
        text = create_diffusers_clip_model_from_ldm(kind, load_single_file_checkpoint(str(path)), config=str(folder),
                                                    subfolder=component, torch_dtype=torch.float32)
        compare(text, kind.from_pretrained(folder / component, dtype=torch.float32))
    for part, kind in (('unet', UNet2DConditionModel), ('vae', AutoencoderKL)):
        compare(kind.from_single_file(str(path), config=str(folder), subfolder=part), kind.from_pretrained(folder / part))
    print(f'{path.name}: diffusers reads the weights of {model}, {path.stat().st_size} bytes')


def compare(read, own):
    read, own = read.state_dict(), own.state_dict()
    assert read.keys() == own.keys()
    for name in own:
        assert torch.equal(read[name].float(), own[name].float()), name


if __name__ == '__main__':
    for model in TEXT:
        check(model, write(model))

"""Writes data/tiny-sd1.safetensors and data/tiny-sd2v.safetensors: the tiny models again, each as one file in the
CompVis layout (SD 1.x with CLIP's names, SD 2.x with OpenCLIP's), and checks them with diffusers' own reader of
single files: it must find the very weights of the folders.

    python generate_checkpoints.py
"""
import json
import re
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm, load_single_file_checkpoint
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel

DATA = Path(__file__).parent / 'data'
RESNET = {'norm1': 'in_layers.0', 'conv1': 'in_layers.2', 'time_emb_proj': 'emb_layers.1', 'norm2': 'out_layers.0',
          'conv2': 'out_layers.3', 'conv_shortcut': 'skip_connection'}


def unet_names(names, config):
    layers, downs = config['layers_per_block'], config['down_block_types']
    ups = config['up_block_types']
    simple = {'conv_in': 'input_blocks.0.0', 'time_embedding.linear_1': 'time_embed.0',
              'time_embedding.linear_2': 'time_embed.2', 'conv_norm_out': 'out.0', 'conv_out': 'out.2'}
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


def open_clip(weights, layers):
    """OpenCLIP's names; query, key and value in one; one layer more than is used, as the published files have."""
    out, prefix = {}, 'text_model.'
    weights = {k if k.startswith(prefix) else prefix + k: v for k, v in weights.items()}
    out['token_embedding.weight'] = weights['text_model.embeddings.token_embedding.weight']
    out['positional_embedding'] = weights['text_model.embeddings.position_embedding.weight']
    for kind in ('weight', 'bias'):
        out[f'ln_final.{kind}'] = weights[f'text_model.final_layer_norm.{kind}']
        for layer in range(layers + 1):
            here = f'text_model.encoder.layers.{min(layer, layers - 1)}.'
            there = f'transformer.resblocks.{layer}.'
            for old, new in (('ln_1', 'layer_norm1'), ('ln_2', 'layer_norm2'), ('mlp.c_fc', 'mlp.fc1'),
                             ('mlp.c_proj', 'mlp.fc2'), ('attn.out_proj', 'self_attn.out_proj')):
                out[f'{there}{old}.{kind}'] = weights[f'{here}{new}.{kind}'].clone()
            out[f'{there}attn.in_proj_{kind}'] = torch.cat([weights[f'{here}self_attn.{p}_proj.{kind}'] for p in 'qkv'])
    width = out['ln_final.weight'].numel()
    out['text_projection'], out['logit_scale'] = torch.eye(width).half(), torch.tensor(1.).half()
    return out


def write(model, style):
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
    text = load_file(folder / 'text_encoder/model.safetensors')
    if style == 'clip':
        for name, value in text.items():
            name = name if name.startswith('text_model.') else 'text_model.' + name
            file['cond_stage_model.transformer.' + name] = value
        positions = json.loads((folder / 'text_encoder/config.json').read_text())['max_position_embeddings']
        file['cond_stage_model.transformer.text_model.embeddings.position_ids'] = torch.arange(positions)[None]
    else:
        layers = json.loads((folder / 'text_encoder/config.json').read_text())['num_hidden_layers']
        for name, value in open_clip(text, layers).items():
            file['cond_stage_model.model.' + name] = value
    path = DATA / f'{model}.safetensors'
    save_file({k: v.contiguous() for k, v in file.items()}, path,
              metadata={'modelspec.prediction_type': 'v' if model.endswith('v') else 'epsilon'})
    return path


def check(model, path):
    """diffusers reads the file: every weight is the folder's."""
    folder = DATA / model
    text = create_diffusers_clip_model_from_ldm(CLIPTextModel, load_single_file_checkpoint(str(path)), config=str(folder),
                                                subfolder='text_encoder', torch_dtype=torch.float32)
    compare(text, CLIPTextModel.from_pretrained(folder / 'text_encoder', dtype=torch.float32))
    for part, kind in (('unet', UNet2DConditionModel), ('vae', AutoencoderKL)):
        compare(kind.from_single_file(str(path), config=str(folder), subfolder=part), kind.from_pretrained(folder / part))
    print(f'{path.name}: diffusers reads the weights of {model}, {path.stat().st_size} bytes')


def compare(read, own):
    read, own = read.state_dict(), own.state_dict()
    assert read.keys() == own.keys()
    for name in own:
        assert torch.equal(read[name].float(), own[name].float()), name


if __name__ == '__main__':
    for model, style in (('tiny-sd1', 'clip'), ('tiny-sd2v', 'open-clip')):
        check(model, write(model, style))

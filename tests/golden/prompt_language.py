"""The prompt language of the web UIs in Python, written from its published rules: the reference for
Kinora's. Parsing is by regular expressions and lists of characters; texts become embeddings with
transformers' tokenizers and encoders.

    parts = attention("a (red:1.3) apple")       [("a ", 1.0), ("red", 1.3), (" apple", 1.0)]
"""

import re

import torch

BREAK = ("", None)
TOKEN = re.compile(r"\\([()\[\]\\])|\\|([(\[])|:\s*([+-]?[.\d]+)\s*\)|([)\]])|([^\\()\[\]:]+)|(:)")


def attention(text):
    """A1111: pairs of text and weight, BREAK where a chunk ends."""
    pieces, opened = [], {"(": [], "[": []}

    def scale(first, factor):
        pieces[first:] = [(t, w if w is None else w * factor) for t, w in pieces[first:]]

    for match in TOKEN.finditer(text):
        escaped, opening, number, closing, plain, colon = match.groups()
        if opening:
            opened[opening].append(len(pieces))
        elif number is not None and opened["("]:
            scale(opened["("].pop(), float(number))
        elif closing == ")" and opened["("]:
            scale(opened["("].pop(), 1.1)
        elif closing == "]" and opened["["]:
            scale(opened["["].pop(), 1 / 1.1)
        elif match.group(0) == "\\":
            continue
        elif plain:
            for index, part in enumerate(re.split(r"\s*\bBREAK\b\s*", plain)):
                pieces += [BREAK] * (index > 0) + [(part, 1.0)]
        else:
            pieces.append((escaped or match.group(0), 1.0))
    for first in opened["("]:
        scale(first, 1.1)
    for first in opened["["]:
        scale(first, 1 / 1.1)
    joined = []
    for text_, weight in pieces:
        if joined and weight is not None and joined[-1][1] == weight:
            joined[-1] = (joined[-1][0] + text_, weight)
        else:
            joined.append((text_, weight))
    return joined or [("", 1.0)]


def comfy_attention(text, weight=1.0):
    """ComfyUI: pairs of text and weight."""
    if weight == 1.0:
        text = text.replace("\\(", "\1").replace("\\)", "\2")
    items, item, depth = [], "", 0
    for letter in text:
        if letter == "(":
            if depth == 0 and item:
                items.append(item)
                item = ""
            depth += 1
        item += letter
        if letter == ")":
            depth -= 1
            if depth == 0:
                items.append(item)
                item = ""
    result = []
    for item in items + [item] * bool(item):
        grouped = re.fullmatch(r"\((.*)\)", item, re.S)
        if not grouped:
            result.append((item.replace("\1", "(").replace("\2", ")"), weight))
            continue
        said = re.fullmatch(r"(.+):([^:]*)", grouped[1], re.S)
        try:
            result += comfy_attention(said[1], float(said[2]))
        except (TypeError, ValueError):
            result += comfy_attention(grouped[1], weight * 1.1)
    return result


def schedule(text, calls):
    """A1111: pairs of last call and text. Innermost brackets first, by a regular expression; only
    for texts whose brackets are balanced."""
    number = r"\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*"
    inner = r"((?:[^\[\]()|:\\]|\\.|\([^()]*\))*)"
    change = re.compile(rf"\[(?:{inner}:)?{inner}:{number}\]", re.S)
    turns = re.compile(rf"\[({inner}(?:\|{inner})+)\]", re.S)
    bounds = {calls}

    def at(step):
        def changed(match):
            before, after, when = match.groups()
            when = min(calls, int(float(when) * (calls if "." in when else 1)))
            bounds.update({when} if when >= 1 else ())
            return (before or "") if step <= when else after

        def turned(match):
            bounds.update(range(1, calls + 1))
            options = match[1].split("|")
            return options[(step - 1) % len(options)]

        now, last = text, None
        while now != last:
            last = now
            now = turns.sub(turned, change.sub(changed, now))
        return now

    for step in range(1, calls + 1):
        at(step)
    return [(bound, at(bound)) for bound in sorted(bounds)]


def joint(text):
    """A1111: pairs of text and weight around AND."""
    prompts = []
    for part in re.split(r"\bAND\b", text):
        match = re.match(r"^((?:\s|.)*?)(?:\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+)))?\s*$", part)
        prompts.append((match[1], float(match[2] or 1)))
    return prompts


def tokens_of(tokenizer, text):
    return tokenizer(text, truncation=False, add_special_tokens=False).input_ids


def chunked(parts, tokenizer, syntax):
    """Chunks of (token, weight) without start and end."""
    room, chunks, open_, comma = tokenizer.model_max_length - 2, [], [], None
    comma_token = tokens_of(tokenizer, ",")[-1]
    for text, weight in parts:
        if weight is None:
            chunks.append(open_)
            open_, comma = [], None
            continue
        tokens = tokens_of(tokenizer, text)
        if syntax == "comfy" and open_ and len(tokens) < 8 and len(open_) + len(tokens) > room:
            chunks.append(open_)
            open_ = []
        for token in tokens:
            if syntax == "a1111" and token == comma_token:
                comma = len(open_)
            elif len(open_) == room and comma is not None and len(open_) - comma <= 20:
                chunks.append(open_[:comma + 1])
                open_, comma = open_[comma + 1:], None
            if len(open_) == room:
                chunks.append(open_)
                open_, comma = [], None
            open_.append((token, weight))
    return chunks + [open_] * bool(open_ or not chunks)


def padded(chunk, tokenizer):
    length = tokenizer.model_max_length
    ids = [tokenizer.bos_token_id] + [token for token, _ in chunk] + [tokenizer.eos_token_id]
    weights = [1.0] + [weight for _, weight in chunk]
    return (ids + [tokenizer.pad_token_id] * (length - len(ids)),
            weights + [1.0] * (length - len(weights)))


def states(encoder, ids, options):
    """Hidden states, and the pooled embedding where there is one."""
    result = encoder(torch.tensor(ids), output_hidden_states=True)
    if options["xl"]:
        return result.hidden_states[-options["skip"]], getattr(result, "text_embeds", None)
    hidden = result.hidden_states[-options["skip"]]
    return getattr(encoder, "text_model", encoder).final_layer_norm(hidden), None


def encode_texts(texts, tokenizer, encoder, syntax, options):
    """Rows of embeddings for the texts of one schedule, [n, chunks * length, width], and pooled."""
    parse = attention if syntax == "a1111" else comfy_attention
    rows = [chunked(parse(text), tokenizer, syntax) for text in texts]
    count = max(len(chunks) for chunks in rows)
    rows = [chunks + [[]] * (count - len(chunks)) for chunks in rows]
    found, pooled = [], None
    for index in range(count):
        made = [padded(chunks[index], tokenizer) for chunks in rows]
        z, first = states(encoder, [ids for ids, _ in made], options)
        pooled = first if index == 0 else pooled
        weights = torch.tensor([w for _, w in made])[..., None]
        if syntax == "a1111":
            mean = z.mean()
            z = z * weights
            z = z * (mean / z.mean())
        else:
            empty = states(encoder, [padded([], tokenizer)[0]], options)[0]
            z = torch.where(weights != 1, (z - empty) * weights + empty, z)
        found.append(z)
    return torch.cat(found, dim=1), pooled
